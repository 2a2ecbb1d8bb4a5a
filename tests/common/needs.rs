//! Requirements of tests. If one is missing, the test is skipped and reports it; with `MACVLAB_REQUIRE_TOOLS` set, it
//! fails.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// Whether these programs are installed.
pub(crate) fn programs(names: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |name: &&&str| std::env::split_paths(&path).any(|dir| dir.join(name).exists());
    let missing: Vec<&str> = names.iter().filter(|name| !there(name)).copied().collect();
    missing.is_empty() || skip(&format!("not installed: {}", missing.join(", ")))
}

/// Whether this is root, which may create network namespaces.
pub(crate) fn root() -> bool {
    let effective = |line: &str| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(effective) || skip("this is not root")
}

/// Reports that the current test is skipped, and why. Returns `false`.
pub(crate) fn skip(why: &str) -> bool {
    assert!(std::env::var_os("MACVLAB_REQUIRE_TOOLS").is_none(), "MACVLAB_REQUIRE_TOOLS is set, but {why}");
    let thread = std::thread::current();
    let line = format!("SKIPPED: {}: {why}\n", thread.name().unwrap_or_default());
    // The test harness hides the output of the print macros in a test that passes.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    let mut record = OpenOptions::new().create(true).append(true).open(record()).unwrap();
    record.write_all(line.as_bytes()).unwrap();
    false
}

/// The file that lists the skipped tests of this run: a run is identified by the process that starts its test programs.
pub(crate) fn record() -> PathBuf {
    let run = parent_process();
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("skipped-{run}"))
}

#[cfg(unix)]
fn parent_process() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
fn parent_process() -> u32 {
    0
}
