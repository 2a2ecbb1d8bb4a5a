//! Compose files.

use super::*;
use crate::macvlan::Mode;

/// A file with a network `lan`, and these services.
fn file(services: &str) -> String {
    format!(
        "services:\n{services}\nnetworks:\n  lan:\n    driver: macvlan\n    driver_opts: {{ parent: eth1 }}\n\
         \x20   ipam: {{ config: [{{ subnet: 192.0.2.0/24 }}] }}\n  front: {{}}\n"
    )
}

#[test]
fn variables_have_their_defaults_or_values() {
    let text = "services:\n  a: { networks: { lan: { ipv4_address: \"${PREFIX-192.0.2}.$LAST\" } } }\n\
                networks:\n  lan:\n    driver: ${DRIVER:-macvlan}\n    driver_opts:\n      parent: ${PARENT:?is needed}\n\
                \x20     macvlan_mode: ${MODE:+${OTHER:-vepa}}\n    ipam: { config: [{ subnet: 192.0.2.0/24 }] }\n";
    let alone = imported(text);
    assert_eq!(port(&alone, "a").parent, "eth0");
    for told in ["the variable `LAST` is not in the input", "its parent has no name in the input: eth0"] {
        assert!(notes(&alone).contains(told), "{told}\n{}", notes(&alone));
    }
    let env = Source::new("x/.env", "# ports\nexport PARENT='eno1'\nLAST=9 # nine\nMODE=\"x\"\n");
    let read = import(&[Source::new("compose.yaml", text), env], None).unwrap();
    assert_eq!(read.formats, ["compose", "env"]);
    assert_eq!((port(&read, "a").parent.as_str(), port(&read, "a").mode), ("eno1", Mode::Vepa));
    assert_eq!(addresses(&read, "a"), ["192.0.2.9/24"]);
}

#[test]
fn values_cannot_multiply_without_end() {
    let long = format!("A={}\n", "x".repeat(1 << 20));
    let text = file(&format!("  a: {{ image: \"{}\", networks: [lan] }}", "$A".repeat(1_000)));
    let read = import(&[Source::new(".env", &long), Source::new("c", &text)], None).unwrap();
    assert_eq!(addresses(&read, "a"), ["192.0.2.2/24"]);
    let deep = format!("{}x{}", "${V:-".repeat(9), "}".repeat(9));
    let read = imported(&file(&format!("  a: {{ container_name: \"{deep}\", networks: [lan] }}")));
    assert!(notes(&read).contains("the variable `V` is not in the input"), "{}", notes(&read));
}

#[test]
fn services_extend_others_and_have_replicas() {
    let read = imported(&file(
        "  a: &a { networks: { lan: { ipv4_address: 192.0.2.9 } }, sysctls: [net.ipv4.ip_forward=1] }\n\
         \x20 b: { extends: { service: a }, networks: { lan: { ipv4_address: 192.0.2.10 } } }\n\
         \x20 c: { <<: *a, scale: 2, networks: [lan] }\n  d: { extends: d, networks: [lan] }",
    ));
    assert_eq!(names(&read), ["eth1", "a.eth0", "b.eth0", "c-1.eth0", "c-2.eth0", "d", "gateway"]);
    assert!(read.lab.hosts.iter().any(|host| host.config.forwarding));
    let many = imported(&file("  a: { networks: [lan], deploy: { replicas: 65 } }"));
    assert!(names(&many).contains(&"a-64") && !names(&many).contains(&"a-65"));
    assert!(notes(&many).contains("left out: the containers of `a` after the first 64"));
    let far = (0..17).map(|n| format!("  s{n}: {{ extends: s{} }}\n", n + 1)).collect::<String>();
    let read = imported(&file(&format!("{far}  s17: {{ networks: [lan] }}")));
    assert!(notes(&read).contains("left out: `extends`"), "{}", notes(&read));
}

#[test]
fn the_default_route_is_by_the_first_network_that_can_have_it() {
    let read = imported(&file(
        "  a: { networks: [front, lan] }\n  b: { networks: { front: {}, lan: { gw_priority: 1, interface_name: x0 } } }\n\
         \x20 c: { networks: [lan], ports: [80:80] }\n  d: { networks: [front, lan], ports: [80:80] }",
    ));
    assert!(port(&read, "a").ip.gateway.is_empty());
    assert_eq!(port(&read, "b").ip.gateway[0].to_string(), "192.0.2.1");
    assert!(notes(&read).contains("wrong: `ports` of `c` have no effect"), "{}", notes(&read));
    assert!(!notes(&read).contains("`ports` of `d`"), "{}", notes(&read));
}

#[test]
fn external_networks_are_in_other_inputs() {
    let text = "services:\n  a: { networks: { out: { ipv4_address: 192.0.2.7 } } }\n  b: { network_mode: macnet }\n\
                \x20 c: { network_mode: host }\nnetworks:\n  out: { external: true, name: macnet } # macvlan\n";
    let made = "docker network create -d macvlan -o parent=eth3 --subnet 192.0.2.0/24 macnet\n";
    let read = import(&[Source::new("c", text), Source::new("s", made)], None).unwrap();
    assert_eq!(addresses(&read, "a"), ["192.0.2.7/24"]);
    assert_eq!(port(&read, "b").parent, "eth3");
    assert!(notes(&read).contains("left out: `c` has the interfaces of another"), "{}", notes(&read));
}

#[test]
fn what_compose_refuses_has_its_place() {
    let read = imported(
        &file("  a: { networks: { lan: { ipv4_address: 10.0.0.1 } } }")
            .replace("ipam:", "ipamm: {}\n    ipam:"),
    );
    for told in
        ["wrong: 10.0.0.1 is in no subnet", "wrong: network `lan`: compose knows no `ipamm` of a network"]
    {
        assert!(notes(&read).contains(told), "{told}\n{}", notes(&read));
    }
    assert_eq!(
        refused(&file("  a: { networks: [lann] }")),
        "input:2:19: there is no network `lann` in `networks`"
    );
    assert!(refused("services:\n  a: [\nnetworks: # macvlan\n").starts_with("input:"));
    assert_eq!(refused("services: [macvlan]\n"), "input:1:11: `services` has a name for each service");
}
