// SPDX-License-Identifier: Apache-2.0
//
// An HTTP server in C++, a std::thread per connection. It counts the words of
// all paths that were asked for; what is wrong with a request is an exception.
#include <arpa/inet.h>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace {

constexpr std::size_t request_max = 4096;

std::mutex lock;
std::map<std::string, int> counts;

class connection {
public:
	explicit connection(int fd) : fd(fd) {}
	~connection() { close(fd); }
	connection(const connection &) = delete;
	connection &operator=(const connection &) = delete;

	// The request up to the empty line.
	std::string read()
	{
		std::string text;
		char part[512];

		while (text.find("\r\n\r\n") == std::string::npos) {
			ssize_t n = recv(fd, part, sizeof(part), 0);
			if (n <= 0)
				throw std::runtime_error("it ends early");
			text.append(part, static_cast<std::size_t>(n));
			if (text.size() > request_max)
				throw std::length_error("it is too long");
		}
		return text;
	}

	void answer(const std::string &status, const std::string &body)
	{
		std::ostringstream out;

		out << "HTTP/1.1 " << status << "\r\nContent-Length: "
		    << body.size() << "\r\nConnection: close\r\n\r\n" << body;
		const std::string text = out.str();
		for (std::size_t at = 0; at < text.size();) {
			ssize_t n = send(fd, text.data() + at, text.size() - at,
					 MSG_NOSIGNAL);
			if (n <= 0)
				return;
			at += static_cast<std::size_t>(n);
		}
	}

private:
	const int fd;
};

// The counts after those of the path are added.
std::string count_words(const std::string &request)
{
	std::istringstream line(request);
	std::string method, path, word;

	line >> method >> path;
	if (method != "GET" || path.empty())
		throw std::invalid_argument("only GET is known");
	std::istringstream words(path);
	std::ostringstream out;
	const std::lock_guard<std::mutex> guard(lock);
	while (std::getline(words, word, '/')) {
		if (!word.empty())
			counts[word]++;
	}
	for (const auto &[name, count] : counts)
		out << name << ' ' << count << '\n';
	return out.str();
}

void serve(int fd)
{
	connection c(fd);

	try {
		c.answer("200 OK", count_words(c.read()));
	} catch (const std::exception &e) {
		c.answer("400 Bad Request", e.what() + std::string("\n"));
	}
}

int listen_on(unsigned short port)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;
	sockaddr_in a = {};

	a.sin_family = AF_INET;
	a.sin_port = htons(port);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, reinterpret_cast<sockaddr *>(&a), sizeof(a)) < 0 ||
	    listen(fd, 128) < 0)
		throw std::system_error(errno, std::generic_category(),
					"cannot listen");
	return fd;
}

} // namespace

int main()
{
	const char *port = std::getenv("PORT");

	try {
		const int fd = listen_on(static_cast<unsigned short>(
			port ? std::stoul(port) : 8080));
		for (;;) {
			const int client = accept(fd, nullptr, nullptr);
			if (client >= 0)
				std::thread(serve, client).detach();
		}
	} catch (const std::exception &e) {
		std::cerr << e.what() << std::endl;
		return 1;
	}
}
