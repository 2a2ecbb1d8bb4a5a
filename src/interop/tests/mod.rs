//! What becomes of single inputs, by format.

mod cni;
mod compose;
mod config;
mod inspect;
mod libvirt;
mod networkd;
mod others;
mod printed;
mod running;
mod shell;
mod threads;

use super::*;
use crate::lab::spec::{DeviceKind, MacvlanSpec};

fn imported(text: &str) -> Imported {
    import(&[Source::new("input", text)], None).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The message for an input that is not valid.
fn refused(text: &str) -> String {
    match import(&[Source::new("input", text)], None) {
        Err(error) => error.to_string(),
        Ok(imported) => panic!("{}", imported.lab_file()),
    }
}

fn names(imported: &Imported) -> Vec<&str> {
    imported.lab.devices.iter().map(|device| device.name.as_str()).collect()
}

fn port<'a>(imported: &'a Imported, name: &str) -> &'a MacvlanSpec {
    let device = imported.lab.devices.iter().find(|device| device.name == name);
    match &device.unwrap_or_else(|| panic!("{:?}", names(imported))).kind {
        DeviceKind::Macvlan(port) => port,
        other => panic!("{other:?}"),
    }
}

/// The addresses of a port.
fn addresses(imported: &Imported, name: &str) -> Vec<String> {
    port(imported, name).ip.address.iter().map(ToString::to_string).collect()
}

fn notes(imported: &Imported) -> String {
    let all = imported.notes.iter().chain(imported.about.values().flatten());
    all.map(|note| format!("{}: {}\n", note.kind.word(), note.text)).collect()
}
