// SPDX-License-Identifier: Apache-2.0

//! An HTTP server that looks up the name in the path, GET /NAME, as the
//! shared C library does it: /etc/hosts first.
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::thread;

/// The IPv4 addresses of a name, in a line.
fn look_up(name: &str) -> std::io::Result<String> {
    let mut found: Vec<String> = (name, 0)
        .to_socket_addrs()?
        .filter(|a| a.is_ipv4())
        .map(|a| a.ip().to_string())
        .collect();
    found.sort();
    found.dedup();
    Ok(found.join(" "))
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or("/");
    let name = path.trim_start_matches('/');
    let (status, body) = match look_up(name) {
        Ok(found) => ("200 OK", format!("{name} is {found}\n")),
        Err(e) => ("404 Not Found", format!("{name}: {e}\n")),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn main() -> std::io::Result<()> {
    let port: u16 = env::var("PORT").ok().and_then(|p| p.parse().ok()).unwrap_or(8080);
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || serve(stream));
    }
    Ok(())
}
