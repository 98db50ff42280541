// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Scanner;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** What a Java program uses of its virtual machine; only what concerns the
 * collector, if the first argument is `collect`. Prints nothing that differs
 * from run to run. */
public class Work {
	static class Node {
		Node next;
		int value;
	}

	static int depth;

	static void forever() {
		depth++;
		forever();
	}

	static int get(Node n) {
		return n.value;
	}

	static void errors() {
		int caught = 0;
		Node some = new Node();
		// Compiled code checks for null by touching address 0.
		for (int i = 0; i < 200000; i++) {
			try {
				caught += get(i % 100 == 99 ? null : some);
			} catch (NullPointerException e) {
				caught++;
			}
		}
		System.out.println("null pointers " + caught);
		for (int i = 0; i < 3; i++) {
			depth = 0;
			try {
				forever();
			} catch (StackOverflowError e) {
				System.out.println("overflow " + (depth > 1000));
			}
		}
		try {
			System.out.println(caught / (caught - caught));
		} catch (ArithmeticException e) {
			System.out.println(e.getMessage());
		}
		try {
			long[] huge = new long[Integer.MAX_VALUE];
			System.out.println(huge.length);
		} catch (OutOfMemoryError e) {
			System.out.println("OutOfMemoryError");
		}
		try {
			int[] a = new int[3];
			a[depth] = 1;
		} catch (ArrayIndexOutOfBoundsException e) {
			System.out.println("index " + (depth > 3));
		}
	}

	/** A loop that is always running while others collect garbage: every
	 * collection stops it at a safepoint. */
	static void hotLoop() throws Exception {
		boolean[] stop = { false };
		AtomicLong rounds = new AtomicLong();
		Thread t = new Thread(() -> {
			long x = 1;
			while (!stop[0]) {
				for (int i = 0; i < 1000; i++)
					x = x * 6364136223846793005L + 1;
				rounds.set(x | 1);
				synchronized (stop) {
					x++;
				}
			}
		});
		t.start();
		for (int i = 0; i < 20; i++) {
			byte[][] junk = new byte[1000][1000];
			System.gc();
			junk[i] = null;
		}
		synchronized (stop) {
			stop[0] = true;
		}
		t.join();
		System.out.println("hot loop " + (rounds.get() != 0));
	}

	static void garbage() {
		Node keep = null;
		for (int i = 0; i < 3_000_000; i++) {
			Node n = new Node();
			n.value = i;
			if (i % 1000 == 0) {
				n.next = keep;
				keep = n;
			}
		}
		int count = 0;
		for (; keep != null; keep = keep.next)
			count++;
		System.out.println("kept " + count);
		WeakReference<Object> weak = new WeakReference<>(new Object());
		System.gc();
		System.out.println("collected " + (weak.get() == null));
	}

	static void threads() throws Exception {
		var pool = Executors.newFixedThreadPool(16);
		List<Future<Long>> sums = new ArrayList<>();
		for (int i = 0; i < 64; i++) {
			long n = i;
			sums.add(pool.submit(() ->
				LongStream.range(0, 10000 * n).sum()));
		}
		long total = 0;
		for (Future<Long> f : sums)
			total += f.get();
		pool.shutdown();
		System.out.println("pool " + total + " " +
			pool.awaitTermination(5, TimeUnit.SECONDS));
		System.out.println("parallel " +
			IntStream.range(0, 1_000_000).parallel()
				.filter(x -> x % 7 == 0).count());
		Object lock = new Object();
		int[] turn = { 0 };
		CountDownLatch done = new CountDownLatch(4);
		for (int id = 0; id < 4; id++) {
			int mine = id;
			new Thread(() -> {
				for (int i = 0; i < 200; i++) {
					synchronized (lock) {
						while (turn[0] % 4 != mine)
							waitOn(lock);
						turn[0]++;
						lock.notifyAll();
					}
				}
				done.countDown();
			}).start();
		}
		System.out.println("turns " + done.await(60, TimeUnit.SECONDS) +
			" " + turn[0]);
		Thread sleeper = new Thread(() -> {
			try {
				Thread.sleep(60000);
			} catch (InterruptedException e) {
				System.out.println("interrupted");
			}
		});
		sleeper.start();
		sleeper.interrupt();
		sleeper.join();
	}

	static void waitOn(Object lock) {
		try {
			lock.wait();
		} catch (InterruptedException e) {
			throw new IllegalStateException(e);
		}
	}

	static void library() throws Exception {
		byte[] text = "mayfly".getBytes();
		System.out.println(HexFormat.of().formatHex(
			MessageDigest.getInstance("SHA-256").digest(text)));
		CRC32 crc = new CRC32();
		crc.update(text);
		Deflater deflater = new Deflater();
		deflater.setInput(new byte[100000]);
		deflater.finish();
		System.out.println(crc.getValue() + " " +
			(deflater.deflate(new byte[1000]) < 500) + " " +
			(new SecureRandom().nextLong() !=
				new SecureRandom().nextLong()));
		System.out.println("b,a,c".lines().flatMap(l ->
			List.of(l.split(",")).stream()).sorted()
			.collect(Collectors.joining(" ")) + " " +
			Instant.ofEpochSecond(86400) + " " +
			String.format("%05.1f|%x", 3.14159, 255));
		System.out.println(Runtime.getRuntime().availableProcessors() > 0);
	}

	static void files() throws IOException {
		Path dir = Files.createTempDirectory("java");
		Path file = dir.resolve("data");
		Files.write(file, IntStream.range(0, 1000).mapToObj(
			i -> "line " + i).collect(Collectors.toList()));
		try (FileChannel c = FileChannel.open(file,
				StandardOpenOption.READ, StandardOpenOption.WRITE)) {
			ByteBuffer map = c.map(FileChannel.MapMode.READ_WRITE, 0, 6);
			map.put("LINE".getBytes());
			System.out.println("locked " + c.tryLock().isValid());
		}
		List<String> lines = Files.readAllLines(file);
		System.out.println(lines.get(0) + " " + lines.size());
		try (var names = Files.list(dir)) {
			System.out.println(names.count());
		}
		Files.delete(file);
		Files.delete(dir);
		System.out.println(Files.exists(dir));
	}

	static void network() throws Exception {
		System.out.println(InetAddress.getByName("localhost")
			.isLoopbackAddress());
		try (ServerSocket s = new ServerSocket(0)) {
			Thread t = new Thread(() -> {
				try (Socket c = s.accept()) {
					c.getInputStream().transferTo(
						c.getOutputStream());
				} catch (IOException e) {
					e.printStackTrace();
				}
			});
			t.start();
			try (Socket c = new Socket("localhost",
					s.getLocalPort())) {
				c.getOutputStream().write("echo".getBytes());
				c.shutdownOutput();
				System.out.println(new String(
					c.getInputStream().readAllBytes()));
			}
			t.join();
		}
		try (Socket c = new Socket("127.0.0.1", 9)) {
			System.out.println(c);
		} catch (IOException e) {
			System.out.println(e.getMessage());
		}
		var server = com.sun.net.httpserver.HttpServer.create(
			new java.net.InetSocketAddress("127.0.0.1", 0), 0);
		server.createContext("/", x -> Server.answer(x, 200, "fetched"));
		server.start();
		HttpClient client = HttpClient.newHttpClient();
		System.out.println(client.send(HttpRequest.newBuilder(URI.create(
			"http://127.0.0.1:" + server.getAddress().getPort()))
			.build(), HttpResponse.BodyHandlers.ofString()).body());
		server.stop(0);
	}

	public static void main(String[] args) throws Exception {
		if (args[0].equals("collect")) {
			hotLoop();
			garbage();
			return;
		}
		errors();
		hotLoop();
		garbage();
		threads();
		library();
		files();
		network();
		System.out.println(new Scanner(System.in).nextLine() + " " +
			String.join("+", args) + " " + System.getenv("WORD"));
		try {
			new ProcessBuilder("/bin/true").start();
		} catch (IOException e) {
			System.err.println("ProcessBuilder: " + e.getMessage());
		}
		System.exit(5);
	}
}
