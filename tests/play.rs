//! The playground as a program: access, responses, and its end.
#![cfg(all(unix, feature = "serve"))]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::playground::Playground;
use common::{macvlab, needs, root, stderr, stdout};
use serde_json::{Value, json};
use std::process::Command;

#[test]
fn a_person_plays_and_takes_the_lab_home() {
    let dir = tempfile::tempdir().unwrap();
    let playground = Playground::start(dir.path(), &[]);
    assert!(playground.host.starts_with("127.0.0.1:"));
    assert_eq!(playground.path.len(), 34, "/, 128 bits in hex, /");
    let ping = json!({ "ping": { "from": "c1", "to": "c2" } });
    assert_eq!(playground.act(ping.clone())["failed"], true);
    playground.act(json!({ "set": { "switch": "sw0", "port": "eth0", "hairpin": true } }));
    assert_eq!(playground.act(ping)["outcome"], "a reply after 0.008 ms");
    let refused = playground.act(json!({ "add": { "macvlan": "c3", "parent": "eth0", "mode": "passthru" } }));
    assert!(refused["outcome"].as_str().unwrap().contains("EINVAL"), "{refused}");

    let (status, head, lab) = playground.get("lab.toml", "");
    assert_eq!(status, 200);
    assert!(head.contains("content-disposition: attachment; filename=\"lab.toml\""), "{head}");
    std::fs::write(dir.path().join("lab.toml"), lab).unwrap();
    let output = macvlab(dir.path(), &["run", "lab.toml", "--json"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // The hops are the same, one by one: both captures are equal.
    let (_, _, traffic) = playground.get("traffic.pcapng", "");
    let output = macvlab(dir.path(), &["run", "lab.toml", "--quiet", "--pcap", "-"], b"");
    assert_eq!(String::from_utf8_lossy(&output.stdout), traffic);

    let (code, said) = playground.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("nothing was stored\n"), "{said}");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["lab.toml"], "only the downloads are written");
}

#[test]
fn outsiders_are_refused() {
    let playground = Playground::start(root(), &[]);
    let Playground { host, path, .. } = &playground;
    let port = host.rsplit(':').next().unwrap();
    let with = |request: &str, headers: &str| {
        playground.send(&format!("{request} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"))
    };
    let own = format!("Host: {host}\r\n");
    assert_eq!(with(&format!("GET {path}state"), &own).0, 200);
    // Without the token, or with a wrong one.
    for request in
        ["GET /", "GET /state", "GET //state", "POST /act", "GET /0123456789abcdef0123456789abcdef/state"]
    {
        let (status, head, body) = with(request, &own);
        assert_eq!(status, 403, "{request}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(!body.contains(path.trim_matches('/')), "the token is not told");
    }
    // By another name, as after DNS rebinding, or without one.
    for host in
        ["Host: evil.example\r\n", &format!("Host: evil.example:{port}\r\n"), "Host: 127.0.0.1\r\n", ""]
    {
        assert!([400, 403].contains(&with(&format!("GET {path}state"), host).0), "{host}");
    }
    // From another page, including one that this machine serves.
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"] {
        let headers = format!("Origin: {origin}\r\n");
        assert_eq!(playground.get("state", &headers).0, 403, "{origin}");
        assert_eq!(playground.post("undo", &headers, "{}").0, 403, "{origin}");
    }
    assert_eq!(playground.post("reset", &format!("Origin: http://{host}\r\n"), "{}").0, 200);
    assert_eq!(playground.get("state", "Sec-Fetch-Site: cross-site\r\n").0, 403);
    // No response allows other origins, or may be cached.
    let (_, head, _) = playground.get("", "");
    assert!(!head.contains("access-control"), "{head}");
    for header in [
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "x-frame-options: deny",
        "content-security-policy: default-src 'none'; script-src 'self'",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
}

#[test]
fn what_is_malformed_is_refused_and_the_next_request_answered() {
    let playground = Playground::start(root(), &[]);
    let Playground { host, path, .. } = &playground;
    let long = format!("{{\"toml\": \"{}\"}}", "x".repeat(9_000_000));
    let (status, answer) = playground.post("act", "", &long);
    assert_eq!((status, answer["error"].as_str().unwrap_or("")), (413, "at most 8389632 bytes are read"));
    for (body, status) in
        [("{", 400), ("{\"toml\": \"wait = 1\"}", 422), ("[1]", 400), ("{\"step\": {}}", 422)]
    {
        let (answered, answer) = playground.post("act", "", body);
        assert_eq!(answered, status, "{body}: {answer}");
        assert!(answer["error"].as_str().is_some_and(|e| !e.is_empty()), "{body}");
    }
    let endless = format!("GET {path}{} HTTP/1.1\r\nHost: {host}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET {path}state HTTP/1.1\r\nHost: {host}\r\n{}\r\n", "A: b\r\n".repeat(1000));
    for request in ["hello\r\n\r\n", "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", &endless, &many] {
        let (status, ..) = playground.send(request);
        assert!([0, 400, 414, 431].contains(&status), "{status}");
    }
    let (status, _, state) = playground.get("state", "");
    assert_eq!(status, 200);
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["state"]["done"], json!([]));
}

#[test]
fn a_lab_is_opened_with_its_steps_done_or_waiting() {
    let lab = "fixtures/labs/arp-vepa.toml";
    let state = |args: &[&str]| -> Value {
        let playground = Playground::start(root(), args);
        serde_json::from_str(&playground.get("state", "").2).unwrap()
    };
    let done = state(&[lab]);
    assert_eq!(done["state"]["done"].as_array().unwrap().len(), 2);
    assert_eq!(done["state"]["redo"], Value::Null);
    let fresh = state(&[lab, "--fresh"]);
    assert_eq!(fresh["state"]["done"], json!([]));
    assert_eq!(fresh["state"]["redo"], "c1 pings c2");
}

/// A lab's time is a hundred years: a step that could run beyond it is refused, and the session continues.
#[test]
fn a_session_at_the_end_of_its_time_answers() {
    let playground = Playground::start(root(), &[]);
    let act = |step: Value| playground.post("act", "", &json!({ "step": step }).to_string());
    let waits: Vec<u16> = (0..59).map(|_| act(json!({ "wait": "87600h" })).0).collect();
    assert_eq!(waits[..10], [200; 10]);
    assert_eq!(waits[10..], [422; 49], "more than a hundred years");
    let (status, why) = act(json!({ "ping": { "from": "c1", "to": "c2" } }));
    assert_eq!(status, 422, "{why}");
    assert!(why.to_string().contains("100 years"), "{why}");
    let (status, _, state) = playground.get("state", "");
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!((status, state["state"]["done"].as_array().unwrap().len()), (200, 10));
}

#[test]
fn what_cannot_be_played_is_said() {
    let output = macvlab(root(), &["play", "--no-open", "no-such.toml"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no-such.toml"), "{}", stderr(&output));
    let output = macvlab(root(), &["play", "--no-open", "-"], b"[nic.eth0]\nmtuu = 1\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("did you mean `mtu`?"), "{}", stderr(&output));
    let playground = Playground::start(root(), &[]);
    let port = playground.host.rsplit(':').next().unwrap();
    let output = macvlab(root(), &["play", "--no-open", "--port", port], b"");
    assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
    assert!(stderr(&output).contains(&format!("127.0.0.1:{port}: ")), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn the_arguments_of_the_opener_are_of_no_use_to_other_users() {
    use std::os::unix::process::CommandExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (playground, told) = Playground::opened(dir.path());
    let Playground { host, path, .. } = &playground;
    assert!(!told.contains(path.trim_matches('/')), "the token: {told}");
    let code = told.strip_prefix(&format!("http://{host}")).unwrap();
    let request = format!("GET {code} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");

    // Another user reads them first.
    if needs::root() {
        let port = host.rsplit(':').next().unwrap();
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; printf '%b' \"$1\" >&3; cat <&3");
        let mut other = Command::new("bash");
        other.args(["-c", &script, "bash", &request]).current_dir("/").uid(65_534).gid(65_534);
        let answer = stdout(&other.output().unwrap());
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("for one user"), "{answer}");
        assert!(!answer.contains(path), "{answer}");
    }
    // So does another page.
    let (status, ..) = playground.send(&request.replace("Host", "Sec-Fetch-Site: cross-site\r\nHost"));
    assert_eq!(status, 403);
    // The browser gets in all the same, once.
    let (status, head, _) = playground.send(&request);
    assert_eq!(status, 303, "{head}");
    assert!(head.contains(&format!("\r\nlocation: {path}\r\n")), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert_eq!(playground.send(&request).0, 403, "the code is used");
    assert_eq!(playground.get("state", "").0, 200);
}

#[test]
fn the_page_is_exported_with_a_lab_by_a_program_that_contains_it() {
    let dir = tempfile::tempdir().unwrap();
    let output = common::macvlab(dir.path(), &["play", "demo:vepa", "--export", "page.html"], b"");
    let said = common::stderr(&output);
    let written = std::fs::read_to_string(dir.path().join("page.html"));
    if option_env!("MACVLAB_PAGE").is_some() {
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
        assert!(written.unwrap().contains("macvlan.c1"));
    } else {
        assert_eq!(output.status.code(), Some(2));
        assert!(said.contains("web/build") && said.contains("MACVLAB_PAGE=target/macvlab.html"), "{said}");
        assert!(written.is_err());
    }
}
