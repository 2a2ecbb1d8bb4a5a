//! Labs with hosts, built a second time by hand: namespaces, interfaces, routes and settings as a person types them. The
//! kernel's pings end as those of the lab.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, needs, root, stdout};
use std::process::Command;

/// What the scripts share: their namespaces go when they end, and `asks NAMESPACE ADDRESS` prints what comes of a ping.
const PRELUDE: &str = r#"
set -eu
trap 'for n in $(ip netns list | cut -d" " -f1); do case "$n" in "$NS"*) ip netns del "$n" ;; esac; done' EXIT
settle() { sleep 1.5; }
asks() {
    said=$(ip netns exec "$NS$1" ping -c1 -W5 "$2" 2>&1 || true)
    case "$said" in
    *"bytes from"*) echo reply ;;
    *nreachable*) echo unreachable ;;
    *) echo no-reply ;;
    esac
}
"#;

/// `namespaces`: a letter for the names of this lab's.
fn the_kernel_does_what_the_lab_does(name: &str, namespaces: char) {
    if !needs::root() || !needs::programs(&["ip", "ping", "sysctl"]) {
        return;
    }
    let script = std::fs::read_to_string(root().join(format!("tests/by_hand/{name}.sh"))).unwrap();
    let namespaces = format!("mvl{}{namespaces}", std::process::id());
    let run = Command::new("sh").args(["-c", &(PRELUDE.to_owned() + &script)]).env("NS", namespaces).output();
    let run = run.unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let kernel = String::from_utf8(run.stdout).unwrap();
    let lab = macvlab(root(), &["run", "--json", &format!("fixtures/labs/{name}.toml")], b"");
    let mut action = String::new();
    let mut ours = Vec::new();
    for line in stdout(&lab).lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        match event["event"].as_str() {
            Some("step") => action = event["action"].to_string(),
            Some("result") if action == "\"ping\"" => {
                ours.push(event["outcome"].as_str().unwrap().to_owned())
            }
            _ => {}
        }
    }
    assert_eq!(ours, kernel.lines().collect::<Vec<_>>(), "{name}");
    assert!(ours.len() > 5, "{name}");
}

#[test]
fn a_shim_on_the_host() {
    the_kernel_does_what_the_lab_does("host-shim", 's');
}

#[test]
fn a_pod_with_two_interfaces() {
    the_kernel_does_what_the_lab_does("host-two-interfaces", 't');
}
