//! The documents match the program. To renew their transcripts: `TRYCMD=overwrite cargo test --test readme`.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, needs, root, stdout};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Pages whose transcripts are run, whose labs must pass, and whose links must resolve.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = docs.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// Several tests renew one page, each its part.
static WRITING: Mutex<()> = Mutex::new(());

fn overwrites() -> bool {
    std::env::var_os("TRYCMD").is_some_and(|v| v == "overwrite")
}

/// The transcripts run in a temporary folder, because they write files.
#[test]
fn the_transcripts_of_the_documents_are_real() {
    let _alone = WRITING.lock();
    let dir = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures"), &dir.path().join("fixtures"));
    fs::create_dir(dir.path().join("docs")).unwrap();
    let cases = trycmd::TestCases::new();
    cases.register_bin("macvlab", Path::new(env!("CARGO_BIN_EXE_macvlab")));
    let in_dir = |page: &Path| dir.path().join(page.strip_prefix(root()).unwrap());
    for page in pages() {
        fs::copy(&page, in_dir(&page)).unwrap();
        cases.case(in_dir(&page));
    }
    // Commands run in the current directory; everything else here uses absolute paths.
    std::env::set_current_dir(dir.path()).unwrap();
    cases.run();
    std::env::set_current_dir(root()).unwrap();
    assert!(dir.path().join("out.pcapng").exists(), "the transcripts ran somewhere else");
    if overwrites() {
        for page in pages() {
            fs::copy(in_dir(&page), &page).unwrap();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() { copy(&path, &to) } else { fs::copy(&path, &to).map(drop).unwrap() }
    }
}

/// Compares the block of a page that begins with `fence` and follows `command` with the command's output, or renews it.
fn hold(page: &str, command: &str, fence: &str, printed: &str) {
    let path = root().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (_, rest) = text.split_once(command).unwrap();
    let (_, rest) = rest.split_once(fence).unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    if overwrites() {
        fs::write(&path, text.replacen(&format!("{fence}{shown}```"), &format!("{fence}{printed}```"), 1))
            .unwrap();
    } else {
        assert_eq!(shown, printed);
    }
}

/// The line of a page that begins with these words.
fn line_of(page: &str, begin: &str) -> String {
    let text = fs::read_to_string(root().join(page)).unwrap();
    text.lines().find(|line| line.starts_with(begin)).unwrap().to_owned()
}

/// tshark's messages on standard error depend on the user, so this one is not a transcript.
#[test]
fn the_documents_show_what_tshark_prints() {
    if !needs::programs(&["tshark"]) {
        return;
    }
    let _alone = WRITING.lock();
    let command = line_of("docs/labs.md", "tshark ");
    let dir = tempfile::tempdir().unwrap();
    let lab = root().join("fixtures/labs/arp-vepa-hairpin.toml");
    macvlab(dir.path(), &["run", lab.to_str().unwrap(), "--quiet", "--pcap", "out.pcapng"], b"");
    let arguments = command.split(' ').skip(1);
    let output =
        std::process::Command::new("tshark").args(arguments).current_dir(dir.path()).output().unwrap();
    hold("docs/labs.md", &command, "```text\n", &String::from_utf8(output.stdout).unwrap());
}

#[test]
fn the_diagram_of_the_documents_is_what_its_command_prints() {
    let _alone = WRITING.lock();
    let command = line_of("docs/labs.md", "macvlab draw demo:vepa --sequence");
    let arguments: Vec<_> = command.split(' ').skip(1).collect();
    let printed = stdout(&macvlab(root(), &arguments, b""));
    hold("docs/labs.md", &command, "```mermaid\n", &printed);
}

#[test]
fn the_labs_of_the_documents_hold() {
    let mut held = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for lab in text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            let output = macvlab(root(), &["run", "-"], lab.as_bytes());
            assert!(output.status.success(), "{}{}", stdout(&output), common::stderr(&output));
            held += 1;
        }
    }
    assert!(held > 1, "the documents show no labs");
}

#[test]
fn the_links_of_the_documents_lead_somewhere() {
    let others = ["CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name));
    for document in pages().into_iter().chain(others) {
        let text = fs::read_to_string(&document).unwrap();
        let folder = document.parent().unwrap();
        for target in text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
            if !target.starts_with("https://") {
                assert!(folder.join(target).exists(), "{}: {target}", document.display());
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
