// SPDX-License-Identifier: Apache-2.0
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** com.sun.net.httpserver on the port given, with a pool of threads. */
public class Server {
	static void answer(HttpExchange x, int status, String text)
			throws IOException {
		byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
		x.getResponseHeaders().set("Content-Type", "text/plain");
		x.sendResponseHeaders(status, bytes.length);
		x.getResponseBody().write(bytes);
		x.close();
	}

	static String garbage() {
		long sum = 0;
		for (int i = 0; i < 200; i++) {
			byte[][] junk = new byte[100][];
			for (int j = 0; j < junk.length; j++)
				junk[j] = new byte[10000];
			sum += junk[i % 100].length;
		}
		return "allocated 200 MB, kept " + sum / 200 + "\n";
	}

	public static void main(String[] args) throws IOException {
		int port = Integer.parseInt(args[0]);
		HttpServer s = HttpServer.create(
			new InetSocketAddress("0.0.0.0", port), 64);
		s.createContext("/", x -> answer(x, 200, "Hello from Java\n"));
		s.createContext("/garbage", x -> answer(x, 200, garbage()));
		s.createContext("/echo", x -> answer(x, 200, new StringBuilder(
			new String(x.getRequestBody().readAllBytes(),
				StandardCharsets.UTF_8)).reverse() + "\n"));
		s.createContext("/null", x -> {
			try {
				Object o = args.length > 5 ? "x" : null;
				answer(x, 200, o.toString());
			} catch (NullPointerException e) {
				answer(x, 500, "null\n");
			}
		});
		s.setExecutor(Executors.newFixedThreadPool(8));
		s.start();
	}
}
