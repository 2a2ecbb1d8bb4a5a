//! Hosts: what can be said about them, and what is wrong or probably not meant.

use super::super::{check, parse, write};
use crate::station::Sysctl;

const LAB: &str = r#"
    [host.h]
    [nic.eth0]
    host = "h"
    address = "10.0.0.2/24"
    [nic.eth1]
    [station.peer]
    address = "10.0.0.9/24"
    [switch.sw0.port.eth0]
    [switch.sw0.port.peer]
"#;

fn with(host: &str, more: &str) -> String {
    LAB.replace("[host.h]", &format!("[host.h]\n{host}")) + more
}

#[test]
fn what_is_wrong_about_a_host() {
    for (host, more, message) in [
        (
            "routes = [{ to = \"default\", via = \"10.0.0.9\", dev = \"eth1\" }]",
            "",
            "`eth1` is no interface of `h`",
        ),
        ("routes = [{ to = \"10.0.9.0/24\" }]", "", "the route to 10.0.9.0/24 leads nowhere"),
        (
            "routes = [{ to = \"10.0.9.1/24\", dev = \"eth0\" }]",
            "",
            "`10.0.9.1/24` has bits set behind the prefix",
        ),
        ("routes = [{ to = \"10.0.9.0/24\", via = \"fd00::1\" }]", "", "of different address families"),
        ("routes = [{ via = \"10.0.0.9\" }]", "", "the key `to` is missing"),
        ("sysctl = { arp_ignore = 9 }", "", "9"),
        ("sysctl = { rpfilter = 1 }", "", "unknown key `rpfilter`"),
        ("gateway = \"10.0.0.9\"", "", "unknown key `gateway`"),
        ("", "[nic.eth2]\nhost = \"hh\"", "there is no host `hh`"),
        ("", "[nic.eth2]\nhost = \"eth0\"", "`eth0` is a NIC"),
        ("", "[station.h]", "the name `h` is used twice"),
        ("", "[[step]]\ninject = { at = \"h\", ethernet = {} }", "`h` is a host"),
        ("", "[[step]]\nping = { from = \"h\", to = \"fd00::1\" }", "`h` has no IPv6 address"),
        ("", "[[step]]\nset = { host = \"h\", up = false }", "unknown key `up`"),
        ("", "[[step]]\nset = { host = \"h\", switch = \"sw0\" }", "`switch` and `host` in one step"),
        ("", "[[step]]\nset = { host = \"eth0\", forwarding = true }", "`eth0` is a NIC"),
    ] {
        let text = with(host, more);
        let mistakes = parse("lab.toml", &text).expect_err(&text);
        let told: Vec<&str> = mistakes.list().iter().map(|m| m.message.as_str()).collect();
        assert!(told.iter().any(|told| told.contains(message)), "{host}{more}: {told:?}");
    }
}

#[test]
fn a_host_can_ask_and_be_asked_by_the_addresses_of_its_interfaces() {
    for more in [
        "[[step]]\nping = { from = \"h\", to = \"peer\" }",
        "[[step]]\nping = { from = \"peer\", to = \"h\" }",
        // By its loopback, and by an address that a step adds.
        "[[step]]\nping = { from = \"h\", to = \"fd00::1\" }\n[host.i]\nloopback = \"fd00::9/128\"\n[[step]]\nset = { device = \"eth0\", address = { add = [\"fd00::2/64\"] } }",
        "[host.i]\n[[step]]\nset = { device = \"eth0\", host = \"i\" }\n[[step]]\nping = { from = \"i\", to = \"peer\" }",
    ] {
        let text = with("", more);
        let lab = parse("lab.toml", &text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(parse("lab.toml", &write(&lab)).unwrap().hosts.len(), lab.hosts.len());
    }
}

#[test]
fn settings_are_numbers_or_switches() {
    let text = with("sysctl = { arp_filter = true, rp_filter = 2 }", "");
    let sysctls = parse("lab.toml", &text).unwrap().hosts[0].config.sysctls;
    let values = Sysctl::ALL.map(|sysctl| sysctls.get(sysctl));
    assert_eq!(values, [0, 0, 1, 0, 0, 2, 0]);
}

#[test]
fn routes_by_a_gateway_that_takes_no_packets() {
    let warned = |routes: &str| {
        let checked = check("lab.toml", &with(&format!("routes = [{routes}]"), "")).unwrap();
        let all = checked.warnings.iter().flat_map(|warnings| warnings.list());
        all.map(|w| format!("{} {}", w.key, w.message)).collect::<Vec<_>>()
    };
    assert_eq!(warned("{ to = \"default\", via = \"10.0.0.9\" }"), [""; 0]);
    assert_eq!(
        warned("{ to = \"10.9.0.0/16\", dev = \"eth0\" }, { to = \"default\", via = \"10.0.1.1\" }"),
        ["host.h.routes[2] the gateway 10.0.1.1 is in no subnet of the interfaces of `h`"]
    );
    assert_eq!(
        warned("{ to = \"default\", via = \"10.0.0.77\" }"),
        ["host.h.routes[1] no other device of the lab has the address of the gateway 10.0.0.77"]
    );
}
