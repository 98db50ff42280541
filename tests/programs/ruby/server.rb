# SPDX-License-Identifier: Apache-2.0
# WEBrick with a few servlets; the port is the argument.
require 'digest'
require 'json'
require 'set'
require 'socket'
require 'tempfile'
require 'timeout'
require 'webrick'
require 'zlib'

def threads
  queue = Queue.new
  sum = 0
  lock = Mutex.new
  workers = 4.times.map do
    Thread.new do
      while (n = queue.pop)
        lock.synchronize { sum += n }
      end
    end
  end
  1000.times { |i| queue << i }
  4.times { queue << nil }
  workers.each(&:join)
  fiber = Fiber.new { 3.times { |i| Fiber.yield i }; :done }
  [sum, 4.times.map { fiber.resume }]
end

def errors
  deep = ->(n) { n.zero? ? 0 : 1 + deep.call(n - 1) }
  caught = []
  begin
    nil.upcase
  rescue NoMethodError => e
    caught << e.class.name
  end
  begin
    loop_forever = ->(n) { loop_forever.call(n + 1) }
    loop_forever.call(0)
  rescue SystemStackError => e
    caught << e.message
  end
  begin
    Timeout.timeout(0.05) { sleep 5 }
  rescue Timeout::Error => e
    caught << e.message
  end
  caught << deep.call(1000)
end

def files
  Tempfile.create('ruby') do |f|
    2000.times { |i| f.puts "line #{i}" }
    f.flush
    f.rewind
    [f.readlines.size, File.size(f.path), f.flock(File::LOCK_EX)]
  end
end

def network
  server = TCPServer.new('127.0.0.1', 0)
  echo = Thread.new do
    s = server.accept
    s.write s.gets.reverse
    s.close
  end
  c = TCPSocket.new('127.0.0.1', server.addr[1])
  c.puts 'text'
  back = c.read
  echo.join
  r, w = IO.pipe
  w.write 'pipe'
  w.close
  [back, r.read]
end

def work
  garbage = 200_000.times.map { |i| "string #{i}" }.size
  GC.start
  { threads: threads, errors: errors, files: files, network: network,
    garbage: garbage, hash: Digest::SHA256.hexdigest('mayfly'),
    zip: Zlib::Inflate.inflate(Zlib::Deflate.deflate('x' * 999)).size,
    set: Set.new([1, 2, 2]).size, big: 2**100, time: Time.at(0).utc.to_s }
end

server = WEBrick::HTTPServer.new(
  Port: ARGV[0].to_i, BindAddress: '0.0.0.0', DocumentRoot: __dir__,
  Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN), AccessLog: []
)
server.mount_proc('/') { |_, res| res.body = "Hello from Ruby\n" }
server.mount_proc('/work') { |_, res| res.body = JSON.pretty_generate(work) }
server.mount_proc('/echo') { |req, res| res.body = req.body.to_s.reverse }
server.mount_proc('/fail') { |_, _| raise 'on purpose' }
server.mount_proc('/spawn') do |_, res|
  res.body = begin
    `echo started`
  rescue SystemCallError, NotImplementedError => e
    "#{e.class}\n"
  end
end
server.mount('/files', WEBrick::HTTPServlet::FileHandler, __dir__)
trap('TERM') { server.shutdown }
server.start
