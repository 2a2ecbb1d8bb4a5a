//! Every public error implements `Error + Send + Sync + 'static`, as `?`, threads and `anyhow` need it.

#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::error::Error;
use std::path::Path;

/// Compiles for such errors only.
fn is_an_error<E: Error + Send + Sync + 'static>() -> &'static str {
    std::any::type_name::<E>()
}

/// The names of error types, once the compiler has agreed that they are.
macro_rules! errors {
    ($($path:path),* $(,)?) => { vec![$(is_an_error::<$path>()),*] };
}

/// Every public error.
fn listed() -> Vec<&'static str> {
    let mut all = errors![
        macvlab::errno::Errno,
        macvlab::frame::BadMac,
        macvlab::interop::ImportError,
        macvlab::interop::NetworkError,
        macvlab::interop::export::ExportError,
        macvlab::frame::CraftError,
        macvlab::frame::Runt,
        macvlab::table::Unfit,
        macvlab::verdict::Refusal,
        macvlab::verdict::Rule,
        macvlab::capture::BadFrameSize,
        macvlab::capture::BadReason,
        macvlab::capture::BadRecord,
        macvlab::capture::CaptureError,
        macvlab::errno::ErrorNumber,
        macvlab::lab::AttachError,
        macvlab::lab::UnknownDevice,
        macvlab::labfile::Diagnostics,
        macvlab::labfile::LoadError,
        macvlab::limits::OverBudget,
        macvlab::replay::BadAddress,
        macvlab::replay::BadTerm,
        macvlab::replay::EntryError,
        macvlab::replay::MapError,
        macvlab::replay::OutputError,
        macvlab::replay::UnknownFilterDevice,
        macvlab::station::SocketError,
    ];
    #[cfg(all(feature = "live", target_os = "linux"))]
    all.extend(errors![macvlab::live::AttachFailure, macvlab::live::BadBackend, macvlab::live::OpenError,]);
    #[cfg(target_os = "linux")]
    all.extend(errors![macvlab::interop::running::RunningError]);
    #[cfg(feature = "play")]
    all.extend(errors![macvlab::play::Denied, macvlab::play::Refused]);
    #[cfg(feature = "serve")]
    all.extend(errors![macvlab::play::AccessDenied]);
    #[cfg(all(feature = "kernel", target_os = "linux"))]
    all.extend(errors![macvlab::kernel::OracleError]);
    all
}

/// The rooms whose errors are not listed: the program's own, and those that were not compiled.
fn is_left_out(room: &Path) -> bool {
    let linux = cfg!(target_os = "linux");
    let left_out = [
        ("cli", true),
        ("kernel", !(cfg!(feature = "kernel") && linux)),
        ("live", !(cfg!(feature = "live") && linux)),
        ("play", !cfg!(feature = "play")),
    ];
    left_out.iter().any(|(name, out)| *out && room.ends_with(name))
}

/// The names of the types in these sources that are public and declared to be errors.
fn declared(folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !is_left_out(&path) {
                declared(&path, names);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            errors_of(&std::fs::read_to_string(path).unwrap(), names);
        }
    }
}

/// The names of the public types of one source that derive or implement `Error`.
fn errors_of(source: &str, names: &mut Vec<String>) {
    let name = |rest: &str| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    let mut derived = false;
    for line in source.lines() {
        derived |= line.contains("derive(") && line.contains("thiserror::Error");
        let public = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
        match public {
            Some(rest) if std::mem::take(&mut derived) => names.push(name(rest)),
            _ if line.starts_with("pub(") => derived = false,
            _ => {}
        }
        if let Some((_, rest)) = line.split_once("error::Error for ") {
            names.push(name(rest));
        }
    }
}

#[test]
fn every_declared_error_is_listed() {
    let mut names = Vec::new();
    declared(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut names);
    assert!(names.len() > 10, "the sources were not read: {names:?}");
    let listed = listed();
    let is_listed =
        |name: &&String| listed.iter().any(|path| path.rsplit("::").next() == Some(name.as_str()));
    let missing: Vec<&String> = names.iter().filter(|name| !is_listed(name)).collect();
    assert!(missing.is_empty(), "errors that are not listed above: {missing:?}");
}
