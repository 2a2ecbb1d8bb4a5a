//! Warnings: what a file may say, and what is probably not meant.
//!
//! They are about the lab that the file makes. The lab itself says what the kernel would refuse, which addresses the
//! devices have, and what is at the other ends of their cables; `places.rs` finds where the file says it, and `domain.rs`
//! which devices share a broadcast domain.

mod domain;
mod duplicates;
mod gateways;
mod groups;
mod places;
mod refused;

use super::diagnostic::Found;
use crate::lab::spec::LabSpec;
use crate::lab::{Event, Lab, Options};
use places::{Mark, Places};
use toml::de::DeTable;

/// A lab, and what was found about it.
struct Lint<'p, 't> {
    places: Places<'p, 't>,
    found: Found,
}

impl Lint<'_, '_> {
    /// Adds a warning about a place, and another that has to do with it.
    fn warn(
        &mut self,
        id: &'static str,
        at: Option<Mark>,
        message: String,
        help: &str,
        other: Option<(Mark, String)>,
    ) {
        let Some(Mark { key, span }) = at else { return };
        let other = other.map(|(mark, label)| (mark.span, label));
        self.found.add_named(Some(id), key, span, message, Some(help.to_owned()), other);
    }
}

/// All warnings about a file without errors. Those who run the lab are told by it what the kernel refuses.
pub(super) fn warnings(spec: &LabSpec, root: &DeTable<'_>, runs: bool) -> Found {
    let mut lint = Lint { places: Places::of(root), found: Found::default() };
    let mut lab = Lab::new(spec, Options::default().with_stacks(false).with_hops(false));
    if !runs {
        let mut events = Vec::new();
        lab.flush(&mut |event| events.extend(matches!(event, Event::Setup { .. }).then(|| event.clone())));
        refused::refused(&mut lint, &lab, &events);
    }
    let devices = lab.devices();
    let members = domain::members(spec, &devices);
    duplicates::macs(&mut lint, &members);
    duplicates::ips(&mut lint, &members);
    gateways::gateways(&mut lint, spec, &devices);
    gateways::routes(&mut lint, spec);
    groups::neighbours(&mut lint, spec);
    groups::entries(&mut lint, spec);
    lint.found
}
