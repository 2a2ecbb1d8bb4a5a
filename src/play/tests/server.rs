//! Connections that stall.

use super::super::Guard;
use super::super::server::{listen, serve_with};
use super::workspace;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Serves a session with short timeouts while `client` gets its address and its page's path.
fn served(client: impl FnOnce(SocketAddr, &str)) {
    let listener = listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let guard = Guard::new(address.port(), [7; super::super::TOKEN_BYTES]);
    let path = guard.url().split_once(&address.to_string()).unwrap().1.to_owned();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let is_ended = || ended.load(Ordering::Relaxed);
        let server = scope.spawn(move || {
            serve_with(Duration::from_millis(300), listener, workspace(), guard, is_ended).unwrap();
        });
        // The server ends whatever the client finds.
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| client(address, &path)));
        ended.store(true, Ordering::Relaxed);
        server.join().unwrap();
        found.unwrap_or_else(|wrong| std::panic::resume_unwind(wrong));
    });
}

/// The data received on a connection until the server closes it.
fn until_closed(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(e) => panic!("the connection stays open: {e}"),
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn sends(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn a_connection_that_does_not_go_on_is_closed() {
    served(|address, path| {
        let head = format!("POST {path}act HTTP/1.1\r\nHost: {address}\r\nContent-Length: 9\r\n");
        assert_eq!(until_closed(sends(address, "")), "", "nothing is sent");
        assert_eq!(until_closed(sends(address, &head)), "", "the head is incomplete");
        let body = until_closed(sends(address, &format!("{head}\r\n{{")));
        assert!(body.starts_with("HTTP/1.1 408"), "the body is incomplete: {body}");
        let idle = until_closed(sends(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")));
        assert!(idle.starts_with("HTTP/1.1 200"), "the next request does not arrive: {idle}");
    });
}

#[test]
fn an_answer_that_is_not_read_ends_its_connection() {
    served(|address, path| {
        let request = format!("GET {path}viewer.js HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        // The server stops reading once it cannot answer, and would wait for ever.
        let end = loop {
            if let Err(e) = stream.write_all(request.as_bytes()) {
                break e.kind();
            }
        };
        assert!(
            [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::BrokenPipe].contains(&end),
            "{end:?}"
        );
    });
}
