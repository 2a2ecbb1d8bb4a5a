//! Shared by several tests: the program, and the labs of the fixtures.
#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod needs;
#[cfg(all(unix, feature = "serve"))]
pub(crate) mod playground;
pub(crate) mod webdriver;

use macvlab::capture::Reader;
use macvlab::frame::Frame;
use macvlab::lab::spec::Action;
use macvlab::lab::{Event, Lab, LabSpec, Options, Summary};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Runs a command in `dir` with `input` on standard input.
pub(crate) fn macvlab(dir: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(args)
        .current_dir(dir)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Its output may fill a pipe before it has read everything; and it may end before it has.
    let feeder = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    output
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The playground in one file, from `web/build`; `None`, reported loudly, if it was not built.
pub(crate) fn one_file() -> Option<PathBuf> {
    let page = root().join("target/macvlab.html");
    (page.exists() || needs::skip("the page is not built: web/build")).then_some(page)
}

/// Every lab of the fixtures, by name.
pub(crate) fn labs() -> BTreeMap<String, PathBuf> {
    let folder = root().join("fixtures/labs");
    let files = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let labs: BTreeMap<_, _> = files
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    assert!(labs.len() >= 8, "the labs are not where they should be");
    labs
}

/// Reads a lab, and the captures that its steps replay.
pub(crate) fn load(path: &Path) -> (LabSpec, Options) {
    let spec = macvlab::labfile::load(path).unwrap_or_else(|e| panic!("{e}"));
    let mut options = Options::default();
    for step in &spec.steps {
        if let Action::Replay { capture, .. } = &step.action {
            let file = std::fs::File::open(path.parent().unwrap().join(capture)).unwrap();
            let mut reader = Reader::new(file).unwrap();
            let mut frames = Vec::new();
            while let Some(record) = reader.next_record() {
                let record = record.unwrap();
                frames.push((record.time, Frame::new(record.data)));
            }
            options.captures.insert(capture.clone(), frames.into());
        }
    }
    (spec, options)
}

/// A lab without errors.
pub(crate) fn lab(text: &str) -> LabSpec {
    macvlab::labfile::parse("lab.toml", text).unwrap_or_else(|e| panic!("{e}"))
}

/// A lab of the fixtures.
pub(crate) fn fixture(name: &str) -> LabSpec {
    load(&labs()[name]).0
}

/// Runs a lab and collects the events.
pub(crate) fn run(spec: &LabSpec, options: Options) -> (Summary, Vec<Event>) {
    let mut events = Vec::new();
    let summary = Lab::new(spec, options).run(&mut |event| events.push(event.clone()));
    (summary, events)
}

/// Whether a program has a handler for SIGTERM by now.
pub(crate) fn catches_signals(child: &Child) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim);
    caught.and_then(|hex| u64::from_str_radix(hex, 16).ok()).is_some_and(|mask| mask & (1 << 14) != 0)
}
