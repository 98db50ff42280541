// SPDX-License-Identifier: Apache-2.0
// What a C++ program uses of its runtime. Prints nothing that differs from
// run to run. With the argument `uncaught` it dies of an exception.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

struct Noisy {
	int number;
	~Noisy()
	{
		if (number % 25 == 0)
			std::cout << "unwound " << number << "\n";
	}
};

static int deep(int n)
{
	Noisy noisy{n};

	if (n == 0)
		throw std::out_of_range("bottom");
	return deep(n - 1) + 1;
}

static void exceptions()
{
	try {
		deep(50);
	} catch (const std::logic_error &e) {
		std::cout << "caught " << e.what() << "\n";
	}
	try {
		try {
			std::vector<int>().at(3);
		} catch (...) {
			std::throw_with_nested(std::runtime_error("outer"));
		}
	} catch (const std::exception &e) {
		std::cout << e.what() << " around ";
		try {
			std::rethrow_if_nested(e);
		} catch (const std::out_of_range &) {
			std::cout << "out_of_range\n";
		}
	}
	try {
		std::vector<char> v(static_cast<size_t>(-1) / 4);
		std::cout << v.size() << "\n";
	} catch (const std::bad_alloc &e) {
		std::cout << e.what() << "\n";
	}
	int count = 0;
	for (int i = 0; i < 20000; i++) {
		try {
			throw i;
		} catch (int n) {
			count += n == i;
		}
	}
	std::cout << count << " thrown\n";
}

static void streams()
{
	std::string word, line;
	int n;

	std::cin >> n >> word;
	std::getline(std::cin, line);
	std::cout << "read " << n << " " << word << " [" << line << "]\n"
		  << std::hex << std::showbase << 255 << std::dec
		  << std::setw(8) << std::setfill('.') << 42 << " "
		  << std::fixed << std::setprecision(3) << 2.0 / 3 << "\n";
	fs::current_path(fs::temp_directory_path());
	std::ofstream("cxx.txt") << "one\ntwo\nthree\n";
	std::ifstream in("cxx.txt");
	while (std::getline(in, line))
		std::cout << line.size() << " ";
	in.clear();
	in.seekg(4);
	in >> word;
	std::cout << word << " " << std::boolalpha
		  << std::ifstream("/none").is_open() << "\n";
	fs::create_directories("cxx.d/a/b");
	fs::rename("cxx.txt", "cxx.d/a/b/c.txt");
	for (const auto &e : fs::recursive_directory_iterator("cxx.d"))
		std::cout << e.path() << " ";
	std::cout << fs::remove_all("cxx.d") << " removed\n";
	std::error_code ec;
	std::cout << (fs::file_size("/none", ec) + 1) << " " << ec.message()
		  << "\n";
}

static void threads()
{
	std::mutex m;
	std::condition_variable cv;
	std::atomic<long> sum{0};
	int turn = 0;
	std::vector<std::thread> pool;

	for (int id = 0; id < 8; id++)
		pool.emplace_back([&, id] {
			for (int round = 0; round < 100; round++) {
				std::unique_lock<std::mutex> l(m);
				cv.wait(l, [&] { return turn % 8 == id; });
				turn++;
				sum += turn;
				cv.notify_all();
			}
		});
	for (auto &t : pool)
		t.join();
	std::cout << "turns " << turn << " sum " << sum << "\n";

	std::vector<std::future<long>> parts;
	for (long p = 0; p < 10; p++)
		parts.push_back(std::async(std::launch::async, [p] {
			std::vector<long> v(100000);
			std::iota(v.begin(), v.end(), p);
			return std::accumulate(v.begin(), v.end(), 0L);
		}));
	long total = 0;
	for (auto &f : parts)
		total += f.get();
	std::cout << "futures " << total << "\n";

	auto bad = std::async(std::launch::async, []() -> int {
		throw std::runtime_error("from a thread");
	});
	try {
		bad.get();
	} catch (const std::runtime_error &e) {
		std::cout << "caught " << e.what() << "\n";
	}
	thread_local int mine = 1;
	std::thread([] { mine = 2; }).join();
	std::cout << "mine " << mine << "\n";
	auto before = std::chrono::steady_clock::now();
	std::this_thread::sleep_for(std::chrono::milliseconds(20));
	std::cout << "slept " << std::boolalpha
		  << (std::chrono::steady_clock::now() - before >=
		      std::chrono::milliseconds(20)) << "\n";
}

static void library()
{
	std::regex re("(\\w+)@(\\w+)\\.org");
	std::smatch m;
	std::string text = "write to someone@example.org today";
	std::mt19937_64 gen(42);
	std::vector<int> v(1000);
	std::map<std::string, std::unique_ptr<int>> owned;

	if (std::regex_search(text, m, re))
		std::cout << m[1] << " at " << m[2] << "\n";
	std::generate(v.begin(), v.end(), [&] { return gen() % 1000; });
	std::sort(v.begin(), v.end());
	std::cout << v.front() << " " << v[500] << " " << v.back() << "\n";
	owned["x"] = std::make_unique<int>(7);
	std::cout << *owned.at("x") << " "
		  << (std::random_device{}() != std::random_device{}())
		  << "\n";
}

int main(int argc, char **argv)
{
	if (argc > 1 && std::string(argv[1]) == "uncaught")
		throw std::runtime_error("nobody catches this");
	exceptions();
	streams();
	threads();
	library();
	std::cout << std::flush;
	return argc == 1 ? 0 : 3;
}
