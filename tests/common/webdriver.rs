//! A browser, controlled like a user would: the part of the WebDriver protocol (W3C) that the tests need. It starts a
//! chromedriver on a port that the system chooses.

use super::needs;
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Keys without a character.
pub(crate) mod key {
    pub(crate) const ENTER: char = '\u{e007}';
    pub(crate) const ESCAPE: char = '\u{e00c}';
    pub(crate) const PAGE_DOWN: char = '\u{e00f}';
    pub(crate) const END: char = '\u{e010}';
    pub(crate) const HOME: char = '\u{e011}';
    pub(crate) const LEFT: char = '\u{e012}';
    pub(crate) const UP: char = '\u{e013}';
    pub(crate) const RIGHT: char = '\u{e014}';
    pub(crate) const DOWN: char = '\u{e015}';
    pub(crate) const TAB: char = '\u{e004}';
    pub(crate) const CONTROL: char = '\u{e009}';
}

/// A running browser with one window, closed on drop.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// The profile; removed with it.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser with a window of this size in pixels; a width below 500 emulates a phone. `None`, reported
    /// loudly, without chromedriver or chromium.
    pub(crate) fn open(width: u32, height: u32) -> Option<Browser> {
        if !needs::programs(&["chromedriver", "chromium"]) {
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", profile.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = port(&mut driver);
        let mut browser = Browser { driver, port, session: String::new(), _profile: profile };
        browser.begin(width, height);
        Some(browser)
    }

    fn begin(&mut self, width: u32, height: u32) {
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(format!("--window-size={width},{height}"));
        arguments.push(format!("--user-data-dir={}", self._profile.path().join("profile").display()));
        let mut options = json!({ "args": arguments });
        if width < 500 {
            let metrics = json!({ "width": width, "height": height, "pixelRatio": 2.0, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let body = json!({ "capabilities": { "alwaysMatch": wanted } });
        let session = self.request("POST", "/session", Some(&body));
        self.session = session["sessionId"].as_str().unwrap().to_owned();
    }

    /// Opens a file.
    pub(crate) fn visit(&self, file: &Path) {
        self.go(&format!("file://{}", file.display()));
    }

    /// Opens a URL.
    pub(crate) fn go(&self, url: &str) {
        self.command("/url", &json!({ "url": url }));
    }

    /// Runs a function body in the page and returns its result, awaiting promises.
    pub(crate) fn eval(&self, script: &str) -> Value {
        self.command("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The visible text in the first element of a selector.
    pub(crate) fn text(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.innerText ?? null";
        let text = self.command("/execute/sync", &json!({ "script": script, "args": [selector] }));
        text.as_str().unwrap_or_else(|| panic!("there is no `{selector}`")).to_owned()
    }

    /// Presses keys one after another, wherever the focus is.
    pub(crate) fn press(&self, keys: impl IntoIterator<Item = char>) {
        let press =
            |c: char| [json!({ "type": "keyDown", "value": c }), json!({ "type": "keyUp", "value": c })];
        let actions: Vec<Value> = keys.into_iter().flat_map(press).collect();
        self.command(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }),
        );
    }

    /// Presses a key while another is held.
    pub(crate) fn press_with(&self, held: char, key: char) {
        let event = |what: &str, value: char| json!({ "type": what, "value": value });
        let actions =
            [event("keyDown", held), event("keyDown", key), event("keyUp", key), event("keyUp", held)];
        self.command(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }),
        );
    }

    /// Clicks in the middle of the first element of a selector, which must be visible there.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.command(&format!("/element/{element}/click"), &json!({}));
    }

    /// Types into the first element of a selector.
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.command(&format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Waits until a script's value is true; fails after a good while.
    pub(crate) fn wait_for(&self, condition: &str) {
        for _ in 0..200 {
            if self.eval(&format!("return Boolean({condition})")) == json!(true) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("it never became true: {condition}");
    }

    /// Emulates these media features, such as `("prefers-color-scheme", "dark")`.
    pub(crate) fn emulate(&self, features: &[(&str, &str)]) {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let params = json!({ "features": features });
        self.command("/goog/cdp/execute", &json!({ "cmd": "Emulation.setEmulatedMedia", "params": params }));
    }

    /// New console messages: errors, warnings, violations of the page's policy.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.command("/se/log", &json!({ "type": "browser" }));
        let said = |entry: &Value| format!("{} {}", entry["level"], entry["message"]);
        entries.as_array().unwrap().iter().map(said).collect()
    }

    fn find(&self, selector: &str) -> String {
        let found = self.command("/element", &json!({ "using": "css selector", "value": selector }));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    fn command(&self, path: &str, body: &Value) -> Value {
        self.request("POST", &format!("/session/{}{path}", self.session), Some(body))
    }

    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.send(method, path, body).unwrap();
        let error = answer["value"]["error"].as_str();
        assert!(error.is_none(), "{method} {path} {body:?}: {}", answer["value"]["message"]);
        answer["value"].clone()
    }

    /// Sends one request on a new connection.
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let (port, length) = (self.port, body.len());
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}",
        )?;
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut text = vec![0; length];
        answer.read_exact(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Also after a failure: ending the session ends the browser, which would outlive its driver.
        if !self.session.is_empty() {
            let _ = self.send("DELETE", &format!("/session/{}", self.session), None);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The port that chromedriver reports.
fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.unwrap();
        line.split("started successfully on port ").nth(1)?.trim_end_matches('.').parse().ok()
    });
    // Later output is read and discarded, so that it never blocks.
    std::thread::spawn(move || lines.for_each(drop));
    port.expect("chromedriver does not say its port")
}
