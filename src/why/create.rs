//! A port that is not there: it was refused, and may be accepted now.

use super::case::Case;
use super::mode::made_anew;
use super::{Rank, Remedy};
use crate::lab::spec::{Action, Name};

/// Each end that is a missing port, as it is declared.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    case.ends()
        .iter()
        .filter(|name| case.device(name).is_none())
        .filter_map(|name| make(case, name))
        .collect()
}

fn make(case: &Case<'_>, name: &Name) -> Option<Remedy> {
    let spec = case.port(name)?;
    let commands = made_anew(name, &spec).into_iter().skip(1);
    let mut remedy = Remedy::new(Rank::Up, format!("Create {name} again."))
        .step(Action::Add { name: name.clone(), spec: spec.clone() });
    remedy.commands.extend(commands);
    Some(remedy)
}
