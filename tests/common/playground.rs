//! `macvlab play`, started for a test and ended with it.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running playground.
pub(crate) struct Playground {
    child: Child,
    /// ADDRESS:PORT
    pub(crate) host: String,
    /// Path of the page: /TOKEN/
    pub(crate) path: String,
}

impl Playground {
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Playground {
        let mut command = Command::new(env!("CARGO_BIN_EXE_macvlab"));
        command.args([&["play", "--no-open"], args].concat()).current_dir(dir);
        Playground::of(command)
    }

    /// Starts one with an opener that records its arguments, and the URL that it was given.
    pub(crate) fn opened(dir: &Path) -> (Playground, String) {
        use std::os::unix::fs::PermissionsExt as _;
        let (opener, told) = (dir.join("xdg-open"), dir.join("told"));
        let script = format!("#!/bin/sh\nprintf '%s' \"$*\" > {0}.part\nmv {0}.part {0}\n", told.display());
        std::fs::write(&opener, script).unwrap();
        std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_macvlab"));
        command.args(["play", "--open"]).env("PATH", path);
        let playground = Playground::of(command);
        // Up to a minute.
        for _ in 0..3000 {
            if let Ok(told) = std::fs::read_to_string(&told) {
                return (playground, told);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("nothing was opened");
    }

    /// Starts one with this command.
    pub(crate) fn of(mut command: Command) -> Playground {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        let (host, path) = url.trim().strip_prefix("http://").unwrap().split_once('/').unwrap();
        Playground { host: host.to_owned(), path: format!("/{path}"), child }
    }

    /// The URL of the page.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.host, self.path)
    }

    /// The status of a response, its head and its body.
    pub(crate) fn send(&self, request: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // The server may have answered, and closed, before it has read everything.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_default();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    pub(crate) fn get(&self, what: &str, headers: &str) -> (u16, String, String) {
        let Playground { host, path, .. } = self;
        self.send(&format!("GET {path}{what} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"))
    }

    pub(crate) fn post(&self, what: &str, headers: &str, body: &str) -> (u16, Value) {
        let Playground { host, path, .. } = self;
        let (status, _, body) = self.send(&format!(
            "POST {path}{what} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ));
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    pub(crate) fn act(&self, step: Value) -> Value {
        let (status, answer) = self.post("act", "", &json!({ "step": step }).to_string());
        assert_eq!(status, 200, "{answer}");
        answer["told"].clone()
    }

    /// Presses Ctrl-C. Returns the exit code and the output.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        assert!(
            Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success()
        );
        let code = self.child.wait().unwrap().code();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (code, said)
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
