//! Devices that the kernel would refuse.

use super::Lint;
use super::places::Mark;
use crate::lab::spec::Name;
use crate::lab::{Event, Lab, SetupStage};
use crate::verdict::Rule;
use std::collections::BTreeSet;

/// What the lab refuses while it is made, except for what the file expects. `events` are those of its making.
pub(super) fn refused(lint: &mut Lint<'_, '_>, lab: &Lab, events: &[Event]) {
    let mut missing: BTreeSet<&Name> = BTreeSet::new();
    for event in events {
        let Event::Setup { device, parent, stage, refusal, expected } = event else { continue };
        let because_of_parent = parent.as_ref().is_some_and(|parent| missing.contains(parent));
        if *stage == SetupStage::Create {
            missing.insert(device);
        }
        // That the device below is missing has been said.
        if *expected || because_of_parent {
            continue;
        }
        let what = match stage {
            SetupStage::Create => "the kernel refuses",
            SetupStage::Enslave if refusal.rule == Rule::BondEnslave => {
                "the kernel does not make a port of a bond of"
            }
            SetupStage::Enslave => "the kernel does not make a port of a bridge of",
            SetupStage::Up => "the kernel does not bring up",
        };
        let message = format!("{what} `{device}`: {} ({})", refusal.errno, refusal.errno.text());
        let help = format!("rule {}: {}", refusal.rule, refusal.rule.why());
        let at = lint.places.get(device).map(|place| place.whole());
        let conflict = parent.as_ref().zip(refusal.conflict);
        let conflict = conflict.and_then(|(parent, port)| lab.port_on(parent, port));
        let other = conflict.and_then(|port| in_the_way(lint, port));
        lint.warn("refused", at, message, &help, other);
    }
}

fn in_the_way(lint: &Lint<'_, '_>, port: &Name) -> Option<(Mark, String)> {
    let place = lint.places.get(port)?;
    Some((place.whole(), format!("`{port}` is in the way")))
}
