//! The playground among other users of the machine: clients without the token cannot lock out those with it.
#![cfg(all(unix, feature = "serve"))]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::playground::Playground;
use common::root;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// More than the maximum number of connections.
const MANY: usize = 300;

/// Connections that start a request and never end it.
fn slow(host: &str, count: usize) -> Vec<TcpStream> {
    let open = |_| {
        let mut stream = TcpStream::connect(host).unwrap();
        // The server may have closed it already.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nX: ");
        stream
    };
    (0..count).map(open).collect()
}

/// The status of a response on a connection that stays open.
fn ask(stream: &mut TcpStream, playground: &Playground) -> u16 {
    let Playground { host, path, .. } = playground;
    write!(stream, "GET {path}play.css HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    stream.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn those_without_the_token_make_room() {
    let playground = Playground::start(root(), &[]);
    let mut browser = TcpStream::connect(&playground.host).unwrap();
    browser.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(ask(&mut browser, &playground), 200);
    let _held = slow(&playground.host, MANY);
    assert_eq!(playground.get("state", "").0, 200, "a new connection");
    assert_eq!(ask(&mut browser, &playground), 200, "a connection that has presented the token is kept");
}

#[test]
fn reopened_connections_keep_nobody_out() {
    let playground = Playground::start(root(), &[]);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let Ok(mut stream) = TcpStream::connect(&playground.host) else { continue };
                    let _ = stream.write_all(b"GET / HTTP/1.1\r\n");
                    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
                    let _ = stream.read(&mut [0]);
                }
            });
        }
        let _held = slow(&playground.host, MANY);
        let answers: Vec<u16> = (0..20).map(|_| playground.get("state", "").0).collect();
        ended.store(true, Ordering::Relaxed);
        assert_eq!(answers, [200; 20]);
    });
}

#[test]
fn answers_that_are_not_read_keep_nobody_out() {
    let playground = Playground::start(root(), &[]);
    let requests = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2000);
    let open = |_| {
        let mut stream = TcpStream::connect(&playground.host).unwrap();
        stream.set_nonblocking(true).unwrap();
        let _ = stream.write(requests.as_bytes());
        stream
    };
    let _held: Vec<TcpStream> = (0..MANY).map(open).collect();
    assert_eq!(playground.get("state", "").0, 200);
    // A connection gets only one refusal.
    let (status, head, body) = playground.send(&requests);
    assert_eq!(status, 403);
    assert!(head.contains("connection: close"), "{head}");
    assert!(!body.contains("HTTP/1.1"), "{body}");
}
