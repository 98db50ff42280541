// SPDX-License-Identifier: Apache-2.0
// What a Rust program uses of std, linked with glibc dynamically. Prints
// nothing that differs from run to run.
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::{mpsc, Arc, Condvar, Mutex, RwLock};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, panic, process, thread};

fn threads() {
    let (tx, rx) = mpsc::channel();
    let handles: Vec<_> = (0..8u64)
        .map(|id| {
            let tx = tx.clone();
            thread::Builder::new()
                .name(format!("worker-{id}"))
                .spawn(move || {
                    for n in 0..1000 {
                        tx.send(id * n).unwrap();
                    }
                    thread::current().name().unwrap().to_string()
                })
                .unwrap()
        })
        .collect();
    drop(tx);
    println!("sum {}", rx.iter().sum::<u64>());
    for h in handles {
        print!("{} ", h.join().unwrap());
    }
    println!();

    let pair = Arc::new((Mutex::new(0), Condvar::new()));
    let other = Arc::clone(&pair);
    let t = thread::spawn(move || {
        for _ in 0..50 {
            let mut n = other.0.lock().unwrap();
            while *n % 2 == 0 {
                n = other.1.wait(n).unwrap();
            }
            *n += 1;
            other.1.notify_one();
        }
    });
    for _ in 0..50 {
        let mut n = pair.0.lock().unwrap();
        while *n % 2 == 1 {
            n = pair.1.wait(n).unwrap();
        }
        *n += 1;
        pair.1.notify_one();
    }
    t.join().unwrap();
    println!("turns {}", pair.0.lock().unwrap());

    let table = RwLock::new(HashMap::new());
    thread::scope(|s| {
        for i in 0..4 {
            let table = &table;
            s.spawn(move || table.write().unwrap().insert(i, i * i));
        }
    });
    let sorted: BTreeMap<_, _> =
        table.read().unwrap().iter().map(|(k, v)| (*k, *v)).collect();
    println!("{sorted:?}");
    let before = Instant::now();
    thread::sleep(Duration::from_millis(20));
    println!("slept {}", before.elapsed() >= Duration::from_millis(20));
    println!("now {}", SystemTime::now() > SystemTime::UNIX_EPOCH);
}

fn panics() {
    panic::set_hook(Box::new(|info| println!("hook: {}", info.payload()
        .downcast_ref::<&str>().unwrap_or(&"formatted"))));
    let caught = panic::catch_unwind(|| {
        struct Guard;
        impl Drop for Guard {
            fn drop(&mut self) {
                println!("dropped while unwinding");
            }
        }
        let _guard = Guard;
        panic!("on purpose");
    });
    println!("caught {}", caught.is_err());
    println!("joined {}", thread::spawn(|| {
        let v: Vec<i32> = Vec::new();
        v[env::args().count()]
    }).join().is_err());
    let _ = panic::take_hook();
    let trace = std::backtrace::Backtrace::force_capture().to_string();
    println!("backtrace names main: {}", trace.contains("work::main"));
}

fn files() {
    let dir = env::temp_dir().join("rust.d");
    fs::create_dir(&dir).unwrap();
    let path = dir.join("data");
    let mut f = fs::File::options().read(true).write(true).create(true)
        .open(&path).unwrap();
    for n in 0..1000 {
        writeln!(f, "line {n}").unwrap();
    }
    f.seek(SeekFrom::Start(0)).unwrap();
    let lines = BufReader::new(&f).lines().map(Result::unwrap);
    println!("lines {} last {:?}", lines.count(), {
        f.seek(SeekFrom::End(-9)).unwrap();
        let mut s = String::new();
        f.read_to_string(&mut s).unwrap();
        s
    });
    let copied = fs::copy(&path, dir.join("copy")).unwrap();
    println!("copied {copied} len {}", fs::metadata(&path).unwrap().len());
    let mut names: Vec<_> = fs::read_dir(&dir).unwrap()
        .map(|e| e.unwrap().file_name()).collect();
    names.sort();
    println!("{names:?}");
    fs::remove_dir_all(&dir).unwrap();
    println!("{:?}", fs::read("/none").unwrap_err().kind());
}

fn network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut s, _) = listener.accept().unwrap();
        let mut text = Vec::new();
        s.read_to_end(&mut text).unwrap();
        text.reverse();
        s.write_all(&text).unwrap();
    });
    let mut c = TcpStream::connect(addr).unwrap();
    c.set_nodelay(true).unwrap();
    c.write_all(b"forwards").unwrap();
    c.shutdown(std::net::Shutdown::Write).unwrap();
    let mut back = String::new();
    c.read_to_string(&mut back).unwrap();
    server.join().unwrap();
    println!("{back}");
    println!("{:?}", TcpStream::connect(addr).unwrap_err().kind());
    let a = UdpSocket::bind("127.0.0.1:0").unwrap();
    let b = UdpSocket::bind("127.0.0.1:0").unwrap();
    a.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    println!("{:?}", a.recv(&mut [0; 9]).unwrap_err().kind());
    b.send_to(b"datagram", a.local_addr().unwrap()).unwrap();
    println!("{}", a.recv(&mut [0; 9]).unwrap());
    println!("localhost {}", ("localhost", 80).to_socket_addrs().unwrap()
        .any(|a| a.ip().is_loopback()));
}

fn main() {
    threads();
    panics();
    files();
    network();
    match process::Command::new("/bin/true").status() {
        Ok(s) => println!("true: {s}"),
        Err(_) => eprintln!("no processes here"),
    }
    process::exit(env::args().count() as i32 + 6);
}
