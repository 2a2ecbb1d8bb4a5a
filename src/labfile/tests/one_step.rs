//! A single step, read for an existing lab.

use crate::lab::LabSpec;
use crate::lab::spec::{Action, Name};
use crate::labfile::{Index, parse, parse_step};

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

#[test]
fn a_mistake_is_shown_in_the_step_alone() {
    let mistakes = parse_step(&lab(), "set = { device = \"c1\",\n mtu = 1, colour = \"red\" }").unwrap_err();
    let first = &mistakes.list()[0];
    assert_eq!((first.line, first.column, first.key.as_str()), (2, 11, "set.colour"));
    assert!(!mistakes.render(false).contains("nic"), "{mistakes}");
}

#[test]
fn what_a_lab_has_is_known_by_kind_and_place() {
    let text = "[nic.eth0]\naddress = \"2001:db8::1/64\"\n[vlan.v]\nparent = \"eth0\"\nid = 5\n[station.s]\n[station.t]\n\
                [router.r]\ninterfaces = [{ address = \"192.0.2.1/24\" }]\n[switch.sw]\n[switch.sw.port.eth0]\n\
                [switch.sw.port.s]\n";
    let lab = parse("lab.toml", text).unwrap();
    for right in [
        "add = { macvlan = \"p\", parent = \"v\" }",
        "set = { switch = \"sw\", port = \"eth0\", hairpin = true }",
        "ping = { from = \"r.0\", to = \"192.0.2.9\" }",
        "inject = { at = \"eth0\", from = \"wire\", ethernet = {} }",
    ] {
        assert!(parse_step(&lab, right).is_ok(), "{right}: {:?}", parse_step(&lab, right));
    }
    for (wrong, message) in [
        ("add = { macvlan = \"p\", parent = \"s\" }", "`s` is a station"),
        (
            "add = { macvlan = \"sw.eth0\", parent = \"v\" }",
            "`sw.eth0` is the name of the port of `sw` for `eth0`",
        ),
        ("set = { switch = \"sw\", port = \"t\", hairpin = true }", "`t` is on no port of `sw`"),
        ("ping = { from = \"r\", to = \"s\" }", "`r` is a router"),
        (
            "ping = { from = \"eth0\", to = \"192.0.2.9\" }",
            "`eth0` has no IPv4 address to reach 192.0.2.9 from",
        ),
        ("inject = { at = \"s\", from = \"wire\", ethernet = {} }", "`s` is a station"),
    ] {
        let mistakes = parse_step(&lab, wrong).unwrap_err();
        assert_eq!(mistakes.list()[0].message, message, "{wrong}");
    }
}

#[test]
fn names_of_a_lab_that_runs_come_and_go() {
    let mut names = Index::of(&lab());
    let all = |_: &Name| true;
    let add =
        names.parse_step(r#"add = { macvlan = "c3", parent = "eth0", address = "2001:db8::3/64" }"#).unwrap();
    names.did(&add, |_| false);
    let set = r#"set = { device = "c3", up = false }"#;
    assert!(names.parse_step(set).is_err(), "it was refused");
    names.did(&add, all);
    assert!(names.parse_step(set).is_ok());
    // Names that were added and removed are gone; declared ones are not.
    for (gone, known) in [("c3", false), ("c1", true)] {
        let step = names.parse_step(&format!("remove = \"{gone}\"")).unwrap();
        names.did(&step, |_| false);
        assert_eq!(names.parse_step(&format!("remove = \"{gone}\"")).is_ok(), known, "{gone}");
    }
    // A port is removed with its parent.
    names.did(&add, all);
    let step = names.parse_step("remove = \"eth0\"").unwrap();
    names.did(&step, |_| false);
    assert!(names.parse_step(set).is_err());
}
