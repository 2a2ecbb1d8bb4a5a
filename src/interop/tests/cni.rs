//! CNI configurations, and pods.

use super::*;
use crate::macvlan::Mode;
use crate::station::Sysctl;

/// A NetworkAttachmentDefinition `net` with this configuration, as YAML.
fn definition(config: &str) -> String {
    format!(
        "apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata:\n  name: net\n\
         spec:\n  config: '{config}'\n"
    )
}

fn macvlan(ipam: &str) -> String {
    definition(&format!(r#"{{"type":"macvlan","master":"eth1","ipam":{ipam}}}"#))
}

/// A pod of this name on this node.
fn pod(name: &str, node: &str, networks: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations:\n\
         \x20   k8s.v1.cni.cncf.io/networks: '{networks}'\nspec:\n  nodeName: {node}\n"
    )
}

#[test]
fn host_local_addresses_are_those_of_each_node() {
    let net = macvlan(r#"{"type":"host-local","subnet":"192.0.2.0/24"}"#);
    let read = imported(&format!(
        "{net}{}{}{}",
        pod("a", "n1", "net"),
        pod("b", "n1", "net"),
        pod("c", "n2", "net")
    ));
    assert_eq!(addresses(&read, "a"), ["192.0.2.2/24"]);
    assert_eq!(addresses(&read, "b"), ["192.0.2.3/24"]);
    assert_eq!(addresses(&read, "c"), ["192.0.2.2/24"]);
    assert_eq!(port(&read, "c").parent, "n2.eth1");
    assert!(
        notes(&read).contains("wrong: it has the same address as `a`: each node gives out"),
        "{}",
        notes(&read)
    );
    assert!(port(&read, "a").ip.sysctls.is_on(Sysctl::ArpNotify));
    assert!(port(&read, "a").ip.gateway.is_empty(), "host-local makes no route by itself");
}

#[test]
fn whereabouts_has_one_book_for_all_nodes() {
    let ipam = r#"{"type":"whereabouts","range":"192.0.2.9/24","exclude":["192.0.2.10/31"],"gateway":"192.0.2.1","routes":[{"dst":"0.0.0.0/0"}]}"#;
    let read = imported(&format!("{}{}{}", macvlan(ipam), pod("a", "n1", "net"), pod("b", "n2", "net@x0")));
    assert_eq!(addresses(&read, "a"), ["192.0.2.9/24"]);
    assert_eq!(addresses(&read, "b"), ["192.0.2.12/24"]);
    assert_eq!(port(&read, "b").ip.gateway[0].to_string(), "192.0.2.1");
    let range = macvlan(r#"{"type":"whereabouts","range":"192.0.2.40-192.0.2.50/24"}"#);
    let read = imported(&format!("{range}{}", pod("a", "n1", "net")));
    assert_eq!(addresses(&read, "a"), ["192.0.2.40/24"]);
}

#[test]
fn an_excluded_part_of_a_range_has_a_limit() {
    let ipam = r#"{"type":"whereabouts","range":"10.0.0.0/8","exclude":["10.0.0.0/16"]}"#;
    let read = imported(&format!("{}{}", macvlan(ipam), pod("a", "n1", "net")));
    assert_eq!(addresses(&read, "a"), ["10.0.4.0/8"]);
}

#[test]
fn static_addresses_are_those_of_the_network_or_of_the_pod() {
    let net = macvlan(r#"{"type":"static","addresses":[{"address":"192.0.2.7/24"}]}"#);
    let read = imported(&format!("{net}{}{}", pod("a", "n1", "net"), pod("b", "n2", "default/net")));
    assert_eq!(addresses(&read, "b"), ["192.0.2.7/24"]);
    assert_eq!(addresses(&read, "a"), addresses(&read, "b"));
    let net = macvlan(r#"{"type":"static"}"#);
    let asked =
        r#"[{"name":"net","ips":["192.0.2.8/25"],"mac":"02:00:00:00:00:08","default-route":["192.0.2.1"]}]"#;
    let read = imported(&format!("{net}{}", pod("a", "n1", asked)));
    assert_eq!(addresses(&read, "a"), ["192.0.2.8/25"]);
    assert_eq!(port(&read, "a").mac.map(|mac| mac.to_string()).as_deref(), Some("02:00:00:00:00:08"));
    assert_eq!(port(&read, "a").ip.gateway[0].to_string(), "192.0.2.1");
}

#[test]
fn dhcp_addresses_are_guessed() {
    let read = imported(&format!("{}{}", macvlan(r#"{"type":"dhcp"}"#), pod("a", "n1", "net")));
    assert_eq!(addresses(&read, "a"), ["192.0.2.102/24"]);
    assert!(notes(&read).contains("guessed: its address is not in the input; 192.0.2.102 stands for it"));
    let host =
        Source::new("host", "# ip addr add 192.0.2.5/24 dev eth1\n# ip route add default via 192.0.2.1\n");
    let net = macvlan(r#"{"type":"dhcp"}"#);
    let read = import(&[host, Source::new("net", &net)], None).unwrap();
    assert_eq!(addresses(&read, "pod1"), ["192.0.2.101/24"]);
    assert_eq!(port(&read, "pod1").ip.gateway[0].to_string(), "192.0.2.1");
}

#[test]
fn each_address_that_another_node_gave_is_told() {
    let net = macvlan(r#"{"type":"host-local","subnet":"192.0.2.0/24"}"#);
    let pods =
        [("a", "n1"), ("b", "n1"), ("c", "n2"), ("d", "n2")].map(|(name, node)| pod(name, node, "net"));
    let read = imported(&format!("{net}{}", pods.concat()));
    assert_eq!(addresses(&read, "d"), addresses(&read, "b"));
    for other in ["a", "b"] {
        let told = format!("it has the same address as `{other}`");
        assert!(notes(&read).contains(&told), "{told}\n{}", notes(&read));
    }
}

#[test]
fn networks_and_pods_can_be_in_any_input_and_order() {
    let net = macvlan(r#"{"type":"host-local","subnet":"192.0.2.0/24"}"#);
    let pods = pod("a", "n1", "net");
    let read = import(&[Source::new("pods", &pods), Source::new("net", &net)], None).unwrap();
    assert_eq!(addresses(&read, "a"), ["192.0.2.2/24"]);
    assert_eq!(read.formats, ["cni"]);
}

#[test]
fn what_cni_refuses_or_ignores_is_told() {
    let net = definition(
        r#"{"type":"macvlan","mode":"vepaa","vlan":5,"ipam":{"type":"host-local","subnet":"192.0.2.1/24","gateway":"10.0.0.1","rangeStart":"x"}}"#,
    );
    let read = imported(&format!("{net}{}", pod("a", "n1", "net, other")));
    for told in [
        "wrong: network `net`: CNI refuses the mode `vepaa`",
        "wrong: network `net`: `vlan` is no setting of the plugin macvlan",
        "guessed: network `net`: no master is given",
        "wrong: the subnet 192.0.2.1/24 has host bits",
        "wrong: network `net`: its `gateway`, 10.0.0.1, is not in the subnet 192.0.2.0/24",
        "wrong: network `net`: its `rangeStart`, `x`, is not an address",
        "left out: `a` is on the network `other`, which is not in the input",
    ] {
        assert!(notes(&read).contains(told), "{told}\n{}", notes(&read));
    }
    let mode = |mode: &str| {
        let net = definition(&format!(r#"{{"type":"macvlan","master":"eth1","mode":"{mode}"}}"#));
        port(&imported(&format!("{net}{}", pod("a", "n1", "net"))), "a").mode
    };
    assert_eq!((mode(""), mode("vepa"), mode("passthru")), (Mode::Bridge, Mode::Vepa, Mode::Passthru));
}

#[test]
fn a_place_is_named_where_something_is_wrong() {
    assert!(
        refused(&definition(r#"{"type":"macvlan",}"#).replace("macvlan\",}", "macvlan\" :}"))
            .starts_with("input:6:11: in this string: ")
    );
    assert!(
        refused("{\n  \"cniVersion\": \"1.0.0\",\n  \"type\": macvlan\",\n \"master\": \"macvlan\"\n")
            .starts_with("input:3:")
    );
    let odd = "kind: NetworkAttachmentDefinition\nspec: {}\n";
    assert_eq!(refused(odd), "input:1:1: a NetworkAttachmentDefinition without `metadata.name`");
}

#[test]
fn several_configurations_follow_each_other() {
    let one = |name: &str| {
        format!(
            "{{ \"cniVersion\": \"0.3.1\", \"name\": \"{name}\",\n\t\"type\": \"macvlan\", \"master\": \"eth1\" }}\n"
        )
    };
    let read = imported(&format!("{}{}", one("x"), one("y")));
    assert_eq!(names(&read), ["eth1", "x-1", "x-2", "y-1", "y-2"]);
}

#[test]
fn trees_have_limits() {
    let net = macvlan("{}");
    let deep = format!("{net}---\na: {}{}\n", "[".repeat(49), "]".repeat(49));
    assert!(refused(&deep).starts_with("input:"), "{}", refused(&deep));
    let many = format!("{net}---\na: [{}]\n", "1,".repeat(100_000));
    assert!(refused(&many).starts_with("input:"), "{}", refused(&many));
    let documents = format!("{net}{}", "---\na: 1\n".repeat(1_000));
    assert!(refused(&documents).starts_with("input:"), "{}", refused(&documents));
    let bomb = format!(
        "{net}---\na: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
    );
    assert!(refused(&bomb).starts_with("input:"), "{}", refused(&bomb));
}

#[test]
fn one_object_makes_a_limited_number_of_pods() {
    let many = format!(
        "{}---\nkind: Deployment\nmetadata: {{ name: d }}\nspec:\n  replicas: 65\n  template:\n    metadata:\n\
         \x20     annotations: {{ k8s.v1.cni.cncf.io/networks: net }}\n",
        macvlan("{}")
    );
    let read = imported(&many);
    assert_eq!(names(&read).iter().filter(|name| name.starts_with("d-")).count(), 64);
    assert!(notes(&read).contains("left out: the pods of `d` after the first 64"), "{}", notes(&read));
}
