//! One step, read for a lab that is there.

use crate::lab::LabSpec;
use crate::lab::spec::Action;
use crate::labfile::{parse, parse_step};

fn lab() -> LabSpec {
    let text = r#"
        [nic.eth0]
        address = "192.0.2.1/24"
        [macvlan.c1]
        parent = "eth0"
        address = "192.0.2.2/24"
        [macvlan.c2]
        parent = "eth0"
        address = "192.0.2.3/24"
        [switch.sw0.port.eth0]
    "#;
    parse("lab.toml", text).unwrap()
}

#[test]
fn a_step_of_its_own_is_read_for_a_lab() {
    let mut lab = lab();
    let step = parse_step(&lab, r#"ping = { from = "c1", to = "c2" }"#).unwrap();
    assert!(matches!(&step.action, Action::Ping(probe) if probe.from == "c1"));
    assert_eq!(step.line, 0);
    // What a step adds can be named by the next.
    lab.steps.push(parse_step(&lab, r#"add = { macvlan = "c3", parent = "eth0" }"#).unwrap());
    assert!(parse_step(&lab, r#"set = { device = "c3", up = false }"#).is_ok());
    let mistakes = parse_step(&lab, r#"set = { device = "c4", up = false }"#).unwrap_err();
    assert_eq!(mistakes.list()[0].message, "there is no device `c4`");
}

#[test]
fn a_step_of_its_own_is_nothing_else() {
    let lab = lab();
    for more in [
        "wait = \"1s\"\n[[step]]\nwait = \"1s\"",
        "wait = \"1s\"\n[nic.eth9]",
        "wait = \"1s\"\n[nic.eth0.neighbours]\n\"192.0.2.9\" = \"02:00:00:00:00:09\"",
        "wait = \"1s\"\n[switch.sw0]\nageing = \"1s\"",
    ] {
        let mistakes = parse_step(&lab, more).unwrap_err();
        assert_eq!(mistakes.list()[0].message, "this is more than a step", "{more}");
        assert!(!mistakes.render(false).is_empty());
    }
    assert!(parse_step(&lab, "").is_err());
    assert!(parse_step(&lab, "title = \"x\"").is_err());
}
