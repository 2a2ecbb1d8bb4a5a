//! Sends requests to a live lab.

use serde_json::{Value, json};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Maximum length of an answer's first line, in bytes.
const MAX_HEAD: u64 = 1 << 20;

/// A connection to a live lab.
pub(super) struct Caller(BufReader<UnixStream>);

impl Caller {
    /// Connects to the socket at this path.
    pub(super) fn at(path: &Path) -> io::Result<Caller> {
        UnixStream::connect(path).map(Caller::over)
    }

    /// Uses an existing connection.
    pub(super) fn over(socket: UnixStream) -> Caller {
        Caller(BufReader::new(socket))
    }

    /// Sends a request and waits for the answer, or for the error that takes its place.
    pub(super) fn ask(&mut self, request: &Value) -> io::Result<Result<Vec<u8>, String>> {
        writeln!(self.0.get_mut(), "{request}")?;
        let mut answer = Vec::new();
        loop {
            let head = self.head()?;
            if head["ok"] == json!(false) {
                let error = head["error"].as_str().ok_or_else(nonsense)?;
                return Ok(Err(error.to_owned()));
            }
            let length = head["bytes"].as_u64().ok_or_else(nonsense)?;
            if self.0.by_ref().take(length).read_to_end(&mut answer)? as u64 != length {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the connection closed in the middle of an answer",
                ));
            }
            if head["more"] != json!(true) {
                return Ok(Ok(answer));
            }
        }
    }

    /// The header line before a chunk of an answer.
    fn head(&mut self) -> io::Result<Value> {
        let mut head = String::new();
        self.0.by_ref().take(MAX_HEAD).read_line(&mut head)?;
        if head.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection closed without an answer",
            ));
        }
        serde_json::from_str(&head).map_err(|_| nonsense())
    }
}

fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the listener is not `macvlab live`")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result for an answer whose first line has this many bytes.
    fn answered(bytes: usize) -> io::Result<Result<Vec<u8>, String>> {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (begin, end) = (r#"{"ok":false,"error":""#, "\"}");
        let line = format!("{begin}{}{end}\n", "x".repeat(bytes - begin.len() - end.len()));
        // The client closes the connection once it has read enough.
        let writer = std::thread::spawn(move || drop(far.write_all(line.as_bytes())));
        let answer = Caller::over(near).ask(&json!({}));
        writer.join().unwrap();
        answer
    }

    #[test]
    fn the_first_line_of_an_answer_has_a_limit() {
        assert!(answered(1 << 20).unwrap().is_err_and(|error| error.ends_with("xxx")));
        let why = answered((1 << 20) + 1).unwrap_err().to_string();
        assert_eq!(why, "the listener is not `macvlab live`");
    }
}
