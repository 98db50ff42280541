// SPDX-License-Identifier: Apache-2.0

//! Rust's standard library at work: threads, channels, locks, files, TCP and
//! UDP on the loopback, a panic that a thread survives.
//!
//! test: timeout 60
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::{mpsc, Arc, Condvar, Mutex, RwLock};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

fn threads() -> u64 {
    let total = Arc::new(Mutex::new(0u64));
    let handles: Vec<_> = (0..8u64)
        .map(|i| {
            let total = total.clone();
            thread::spawn(move || {
                for n in 0..1000 {
                    *total.lock().unwrap() += i * n;
                }
            })
        })
        .collect();
    for h in handles {
        h.join().unwrap();
    }
    let sum = *total.lock().unwrap();
    sum
}

fn channels() -> usize {
    let (tx, rx) = mpsc::sync_channel(4);
    for i in 0..4 {
        let tx = tx.clone();
        thread::spawn(move || {
            for n in 0..250 {
                tx.send(i * 1000 + n).unwrap();
            }
        });
    }
    drop(tx);
    rx.iter().collect::<std::collections::HashSet<i32>>().len()
}

fn waiting() -> bool {
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = pair.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(10));
        *other.0.lock().unwrap() = true;
        other.1.notify_all();
    });
    let mut ready = pair.0.lock().unwrap();
    while !*ready {
        ready = pair.1.wait(ready).unwrap();
    }
    let start = Instant::now();
    let (_guard, result) = pair
        .1
        .wait_timeout(ready, Duration::from_millis(10))
        .unwrap();
    result.timed_out() && start.elapsed() >= Duration::from_millis(10)
}

fn tcp() -> std::io::Result<usize> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let server = thread::spawn(move || -> std::io::Result<usize> {
        let mut total = 0;
        for _ in 0..10 {
            let (mut s, _) = listener.accept()?;
            let mut text = String::new();
            s.read_to_string(&mut text)?;
            total += text.len();
            s.write_all(text.to_uppercase().as_bytes())?;
        }
        Ok(total)
    });
    for i in 0..10 {
        let mut c = TcpStream::connect(addr)?;
        c.set_nodelay(true)?;
        c.write_all("word ".repeat(i * 100).as_bytes())?;
        c.shutdown(std::net::Shutdown::Write)?;
        let mut back = String::new();
        c.read_to_string(&mut back)?;
        assert_eq!(back, "WORD ".repeat(i * 100));
    }
    server.join().unwrap()
}

fn udp() -> std::io::Result<String> {
    let a = UdpSocket::bind("127.0.0.1:0")?;
    let b = UdpSocket::bind("127.0.0.1:0")?;
    a.send_to(b"datagram", b.local_addr()?)?;
    let mut buf = [0; 64];
    let (n, from) = b.recv_from(&mut buf)?;
    assert_eq!(from, a.local_addr()?);
    b.set_read_timeout(Some(Duration::from_millis(10)))?;
    let late = b.recv(&mut [0; 1]).is_err();
    Ok(format!("{} {}", String::from_utf8_lossy(&buf[..n]), late))
}

fn files() -> std::io::Result<String> {
    let dir = env::temp_dir().join("rust-work");
    fs::create_dir_all(dir.join("a/b"))?;
    fs::write(dir.join("a/b/file"), "contents")?;
    let text = fs::read_to_string(dir.join("a/b/file"))?;
    let mut names: Vec<_> = fs::read_dir(dir.join("a"))?
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let missing = fs::metadata(dir.join("none")).unwrap_err().kind();
    fs::remove_dir_all(&dir)?;
    Ok(format!("{} {:?} {:?} {}", text, names, missing, dir.exists()))
}

fn main() {
    println!("threads: {}", threads());
    println!("channels: {}", channels());
    println!("waiting: {}", waiting());
    println!("tcp: {:?}", tcp());
    println!("udp: {:?}", udp());
    println!("files: {:?}", files());
    let map = RwLock::new(HashMap::new());
    thread::scope(|s| {
        for i in 0..5 {
            let map = &map;
            s.spawn(move || map.write().unwrap().insert(i, i * i));
        }
    });
    println!("scoped: {}", map.read().unwrap().values().sum::<i32>());
    println!("parallelism: {}", thread::available_parallelism().is_ok());
}
