//! A user at the playground, and intruders.

mod guard;
mod http;
mod lesson;
mod server;
mod session;

use super::{Session, Workspace};
use crate::lab::{LabSpec, Options};
use crate::macvlan::Mode;
use crate::matrix::{Classic, PortSetup, Wire};

fn classic() -> LabSpec {
    let port = PortSetup::of(Mode::Vepa);
    Classic { c1: port, c2: Some(port), wire: Wire::Switch { hairpin: false } }.spec()
}

fn session() -> Session {
    Session::open(classic(), Options::default()).unwrap()
}

fn workspace() -> Workspace {
    Workspace::of(classic(), Options::default()).unwrap()
}

/// Executes a step and returns its outcome: `OUTCOME` or `OUTCOME; RULE TEXT`.
fn act(session: &mut Session, step: &str) -> String {
    let told = session.act(step).unwrap_or_else(|e| panic!("{step}: {e}"));
    let because: String = told.because.iter().map(|b| format!("; {} {}", b.rule, b.text)).collect();
    told.outcome + &because
}
