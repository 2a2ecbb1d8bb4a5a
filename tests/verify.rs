//! `macvlab verify` as a user sees it: it runs on the kernel, so these tests need Linux and permission to create
//! network namespaces.
#![cfg(feature = "kernel")]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

mod common;

use common::{macvlab, needs, stderr, stdout};

const LAB: &str = r#"
title = "Two ports"

[nic.eth0]
mac = "02:00:00:00:00:01"

[macvlan.c1]
parent = "eth0"
mode = "bridge"
mac = "02:00:00:00:00:11"

[macvlan.c2]
parent = "eth0"
mode = "bridge"
mac = "02:00:00:00:00:12"

[[step]]
inject = { at = "c1", ethernet = { dst = "c2" } }
expect = { delivered = ["c2"] }
"#;

#[test]
fn a_lab_that_agrees() {
    if !needs::root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    let out = macvlab(dir.path(), &["verify", "lab.toml"], b"");
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert_eq!(stdout(&out), "lab.toml: the kernel agrees: 1 steps\n");
    assert!(stderr(&out).starts_with("Linux "), "{}", stderr(&out));
}

#[test]
fn expectations_do_not_matter() {
    if !needs::root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let wrong = LAB.replace(r#"delivered = ["c2"]"#, r#"delivered = ["eth0"]"#);
    assert_ne!(wrong, LAB);
    std::fs::write(dir.path().join("lab.toml"), wrong).unwrap();
    assert_eq!(macvlab(dir.path(), &["run", "lab.toml"], b"").status.code(), Some(1));
    let out = macvlab(dir.path(), &["verify", "lab.toml"], b"");
    assert_eq!(out.status.code(), Some(0), "{}", stdout(&out));
    assert_eq!(stdout(&out), "lab.toml: the kernel agrees: 1 steps\n");
}

#[test]
fn random_labs_and_the_page_of_rules() {
    if !needs::root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let args = ["verify", "--random", "3", "--seed", "1", "--jobs", "2", "--rules", "rules.md"];
    let out = macvlab(dir.path(), &args, b"");
    assert_eq!(out.status.code(), Some(0), "{}{}", stdout(&out), stderr(&out));
    assert!(stdout(&out).starts_with("random labs 1 to 3: 3 of 3 agree"), "{}", stdout(&out));
    let page = std::fs::read_to_string(dir.path().join("rules.md")).unwrap();
    assert!(page.contains("3 of 3 random labs agreed"), "{page}");
    let counted =
        |rule: &str| page.lines().find(|l| l.starts_with(&format!("| {rule} |"))).map(str::to_owned);
    let line = counted("R32").unwrap();
    assert!(line.ends_with(" 3 |") || line.ends_with(" 2 |") || line.ends_with(" 1 |"), "{line}");
}

#[test]
fn what_was_interrupted_does_not_agree_and_writes_no_page() {
    if !needs::root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rules.md"), "as it was").unwrap();
    for (signal, args) in [
        ("-INT", &["verify", "--random", "1000000", "--seed", "1", "--rules", "rules.md"][..]),
        ("-TERM", &["verify", "--random", "1000000", "--seed", "1", "--jobs", "1"]),
        ("-INT", &["verify", "--matrix", "--jobs", "1"]),
    ] {
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_macvlab"))
            .args(args)
            .current_dir(dir.path())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let listens = (0..6000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            common::catches_signals(&child)
        });
        assert!(listens, "{args:?}");
        let kill = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let out = child.wait_with_output().unwrap();
        assert_eq!((out.status.code(), stdout(&out).as_str()), (Some(130), ""), "{args:?}: {}", stderr(&out));
        assert!(stderr(&out).contains("\ninterrupted after "), "{args:?}: {}", stderr(&out));
        assert!(stderr(&out).contains(" agree, 0 do not"), "{args:?}: {}", stderr(&out));
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("rules.md")).unwrap(), "as it was");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn an_answer_that_is_lost_is_an_error() {
    if !needs::root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    for args in [&["verify", "lab.toml"][..], &["verify", "--random", "1", "--seed", "1"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_macvlab"));
        let out = command.args(args).current_dir(dir.path()).stdout(full).output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{}", stderr(&out));
        assert!(stderr(&out).contains("standard output: "), "{}", stderr(&out));
    }
}

#[test]
fn threads_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    for jobs in ["257", "99999", "0"] {
        let out = macvlab(dir.path(), &["verify", "--random", "1", "--jobs", jobs], b"");
        assert_eq!(out.status.code(), Some(2), "{}", stderr(&out));
        assert!(stderr(&out).contains("--jobs") && stderr(&out).contains("256"), "{}", stderr(&out));
    }
}

#[test]
fn a_seed_is_not_for_lab_files() {
    let dir = tempfile::tempdir().unwrap();
    let out = macvlab(dir.path(), &["verify", "--seed", "1", "lab.toml"], b"");
    assert_eq!(out.status.code(), Some(2));
    assert!(stderr(&out).contains("--seed"), "{}", stderr(&out));
}

#[test]
fn the_cells_of_the_matrix_are_pinged_for_real() {
    if !needs::root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out = macvlab(dir.path(), &["verify", "--matrix", "--modes", "passthru"], b"");
    // Six pings on three wires, with learned and static neighbours.
    assert!(stdout(&out).starts_with("matrix: 36 of 36 cells agree"), "{}{}", stdout(&out), stderr(&out));
    assert_eq!(out.status.code(), Some(0));
}

#[test]
fn the_devices_of_a_lab_are_pinged_for_real() {
    if !needs::root() {
        return;
    }
    let labs = ["demo:private", "fixtures/labs/router-subnets.toml"];
    let out = macvlab(common::root(), &[&["verify", "--matrix"], &labs[..]].concat(), b"");
    assert_eq!(
        stdout(&out),
        "matrix: 24 of 24 cells agree\nskipped: 40 cells: routers\n",
        "{}",
        stderr(&out)
    );
    assert_eq!(out.status.code(), Some(0));
}

#[test]
fn cells_are_chosen_for_the_matrix_only() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["verify", "--modes", "vepa", "lab.toml"][..], &["verify", "--matrix", "--random", "1"]] {
        let out = macvlab(dir.path(), args, b"");
        assert_eq!((out.status.code(), stdout(&out)), (Some(2), String::new()), "{args:?}");
        assert!(stderr(&out).contains("--matrix"), "{}", stderr(&out));
    }
}
