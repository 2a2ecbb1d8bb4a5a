//! The documents say what is so. To renew what they show: `TRYCMD=overwrite cargo test --test readme`.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stdout};
use std::fs;
use std::path::Path;
use std::sync::Mutex;

/// Several tests renew the README, each its part.
static README: Mutex<()> = Mutex::new(());

fn overwrites() -> bool {
    std::env::var_os("TRYCMD").is_some_and(|v| v == "overwrite")
}

/// The transcripts are run in a folder of their own, for they write files.
#[test]
fn the_transcripts_of_the_readme_are_real() {
    let _alone = README.lock();
    let dir = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures"), &dir.path().join("fixtures"));
    let readme = dir.path().join("README.md");
    fs::copy(root().join("README.md"), &readme).unwrap();
    let cases = trycmd::TestCases::new();
    cases.register_bin("macvlab", Path::new(env!("CARGO_BIN_EXE_macvlab")));
    cases.case(&readme);
    // Commands run where this process is; all else here goes by absolute paths.
    std::env::set_current_dir(dir.path()).unwrap();
    cases.run();
    std::env::set_current_dir(root()).unwrap();
    assert!(dir.path().join("out.pcapng").exists(), "the transcripts ran somewhere else");
    if overwrites() {
        fs::copy(&readme, root().join("README.md")).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() { copy(&path, &to) } else { fs::copy(&path, &to).map(drop).unwrap() }
    }
}

/// tshark says things on standard error that depend on who runs it, so this one is not a transcript.
#[test]
fn the_readme_shows_what_tshark_prints() {
    let _alone = README.lock();
    let readme = root().join("README.md");
    let text = fs::read_to_string(&readme).unwrap();
    let (_, rest) = text.split_once("```sh\ntshark ").unwrap();
    let (arguments, rest) = rest.split_once('\n').unwrap();
    let (_, rest) = rest.split_once("```text\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let lab = root().join("fixtures/labs/arp-vepa-hairpin.toml");
    macvlab(dir.path(), &["run", lab.to_str().unwrap(), "--quiet", "--pcap", "out.pcapng"], b"");
    let arguments = arguments.split(' ');
    let output = std::process::Command::new("tshark").args(arguments).current_dir(dir.path()).output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: tshark is not installed");
        return;
    };
    let printed = String::from_utf8(output.stdout).unwrap();
    if overwrites() {
        let old = format!("```text\n{shown}```");
        fs::write(&readme, text.replacen(&old, &format!("```text\n{printed}```"), 1)).unwrap();
    } else {
        assert_eq!(shown, printed);
    }
}

#[test]
fn the_diagram_of_the_readme_is_what_its_command_prints() {
    let _alone = README.lock();
    let readme = root().join("README.md");
    let text = fs::read_to_string(&readme).unwrap();
    let (before, rest) = text.split_once("```mermaid\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let command = before.trim_end().strip_suffix("```").unwrap().trim_end().lines().last().unwrap();
    let arguments: Vec<_> = command.strip_prefix("macvlab ").unwrap().split(' ').collect();
    let printed = stdout(&macvlab(root(), &arguments, b""));
    if overwrites() {
        let old = format!("```mermaid\n{shown}```");
        fs::write(&readme, text.replacen(&old, &format!("```mermaid\n{printed}```"), 1)).unwrap();
    } else {
        assert_eq!(shown, printed);
    }
}

#[test]
fn the_labs_of_the_readme_hold() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let labs: Vec<_> =
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!labs.is_empty());
    for lab in labs {
        let output = macvlab(root(), &["run", "-"], lab.as_bytes());
        assert!(output.status.success(), "{}{}", stdout(&output), common::stderr(&output));
    }
}

#[test]
fn the_links_of_the_documents_lead_somewhere() {
    for document in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/rules.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let folder = root().join(document).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
            if !target.starts_with("https://") {
                assert!(folder.join(target).exists(), "{document}: {target}");
            }
        }
    }
}

#[test]
fn the_page_of_rules_is_current() {
    let page = stdout(&macvlab(root(), &["rules", "--markdown"], b""));
    let path = root().join("docs/rules.md");
    if overwrites() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/rules.md is old: macvlab rules --markdown > docs/rules.md");
}
