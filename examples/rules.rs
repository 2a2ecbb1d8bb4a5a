//! The rule catalogue as data: every rule of one kind, with its kernel counterpart.
//!
//! `cargo run --example rules`

#![allow(clippy::print_stdout)]

use macvlab::verdict::{Rule, RuleKind};

fn main() {
    for rule in Rule::ALL.iter().filter(|r| r.kind() == RuleKind::Withholding) {
        println!("{:5} {}: {} [{}]", rule.id(), rule.title(), rule.why(), rule.kernel());
    }
}
