//! What people ask about macvlan, as labs: each class of questions has its true cause and the usual answer.

#![allow(dead_code, reason = "each test uses its part")]

use crate::common::{fixture, lab};
use macvlab::lab::LabSpec;

/// The true cause, and the change that people are told to make, of each class of questions: the lab, the sender, the
/// target, the rule, and the first remedy.
pub(crate) const CLASSES: &str = "
arp-host | eth0 | c1 | R126 | Give the host of eth0 a macvlan shim on eth0, with a route to c1.
host-shim after 2 | docker1 | web | R126 | Give docker1 a route to web by shim.
arp-vepa | c1 | c2 | R126 | Set c1 and c2 to mode bridge.
arp-private | c1 | c2 | R17 | Set c1 and c2 to mode bridge.
arp-passthru | eth0 | win | R51 | Set c1 to mode bridge.
refused | c1 | c2 | R83 | Give c2 another MAC address, such as 02:91:c5:fc:38:ad.
policy vmware | c1 | win | P1 | Accept promiscuous mode and forged transmits at the switch vs (vSphere).
policy virtualbox | c1 | win | P2 | Allow promiscuous mode for all at the switch vs (VirtualBox).
policy hyperv | c1 | win | P1 | Turn MAC address spoofing on at the switch vs (Hyper-V).
policy proxmox-firewall | c1 | win | P1 | Turn the MAC filter off at the switch vs (Proxmox VE).
policy-cloud | c1 | win | P5 | -
policy-wifi | c1 | win | P4 | -
redeployed | win | c1 | S5 | Flush the neighbour table of win.
duplicate | c1 | d1 | R19b | Give c1 another MAC address, such as 02:91:d4:d5:db:03.
trunk-forgotten | c1 | gw | R132 | Allow VLAN 20 at the switch port sw0.eth0.
no gateway | c1 | srv | S3 | Give c1 the gateway 10.0.1.1.
no way back | c1 | srv | S3 | Give srv the gateway 10.0.2.1.
source | win | c1 | R21 | Let the source port c1 list win's MAC address.
down | win | c1 | N3 | Bring eth0 up.
not-connected | eth0 | eth1 | C2 | -
no cable | win | c1 | R125e | Connect eth0 to the switch sw0.
bridge-behind-macvlan | vm | far | R12 | Set c1 to mode passthru.
vrrp-same-mac | vrrp0 | eth1 | R17 | Let eth1 announce its MAC address to vrrp0.
works-while-promiscuous | vm | far | N1 | Make eth0 promiscuous.
";

/// A lab of the table: a file, or one of the labs below.
pub(crate) fn class(name: &str) -> LabSpec {
    let virtual_switch = |policy: &str| {
        lab(&format!(
            "[nic.eth0]\naddress = \"10.0.0.9/24\"\n[macvlan.c1]\nparent = \"eth0\"\nmode = \"bridge\"\n\
             address = \"10.0.0.1/24\"\n[station.win]\naddress = \"10.0.0.2/24\"\n[switch.vs]\npolicy = \"{policy}\"\n\
             [switch.vs.port.eth0]\n[switch.vs.port.win]\n"
        ))
    };
    match name {
        "refused" => lab(REFUSED),
        "duplicate" => lab(DUPLICATE),
        "no gateway" => lab(NO_GATEWAY),
        "no way back" => lab(NO_WAY_BACK),
        "down" => lab(&win_and_c1("[nic.eth0]\nup = false\n", "bridge", "[switch.sw0.port.eth0]\n")),
        "source" => lab(&win_and_c1("[nic.eth0]\n", "source", "[switch.sw0.port.eth0]\n")),
        "no cable" => lab(&win_and_c1("[nic.eth0]\n", "bridge", "")),
        "host-shim after 2" => {
            let mut spec = fixture("host-shim");
            spec.steps.truncate(2);
            spec
        }
        name => name.strip_prefix("policy ").map_or_else(|| fixture(name), virtual_switch),
    }
}

const REFUSED: &str = r#"
[nic.eth0]
[macvlan.c1]
parent = "eth0"
mode = "bridge"
mac = "02:42:00:00:00:01"
address = "10.0.0.1/24"
[macvlan.c2]
parent = "eth0"
mode = "bridge"
mac = "02:42:00:00:00:01"
address = "10.0.0.2/24"
expect = "EADDRINUSE"
"#;

const DUPLICATE: &str = r#"
[nic.eth0]
[nic.eth1]
[macvlan.c1]
parent = "eth0"
mode = "bridge"
mac = "02:42:00:00:00:01"
address = "10.0.0.1/24"
[macvlan.d1]
parent = "eth1"
mode = "bridge"
mac = "02:42:00:00:00:01"
address = "10.0.0.2/24"
[switch.sw0.port.eth0]
[switch.sw0.port.eth1]
"#;

const NO_GATEWAY: &str = r#"
[nic.eth0]
[macvlan.c1]
parent = "eth0"
address = "10.0.1.2/24"
[station.srv]
address = "10.0.2.2/24"
gateway = "10.0.2.1"
[[router.r.interfaces]]
address = "10.0.1.1/24"
[[router.r.interfaces]]
address = "10.0.2.1/24"
[switch.sw0.port.eth0]
[switch.sw0.port.srv]
[switch.sw0.port."r.0"]
[switch.sw0.port."r.1"]
"#;

const NO_WAY_BACK: &str = r#"
[nic.eth0]
[macvlan.c1]
parent = "eth0"
address = "10.0.1.2/24"
gateway = "10.0.1.1"
[station.srv]
address = "10.0.2.2/24"
[[router.r.interfaces]]
address = "10.0.1.1/24"
[[router.r.interfaces]]
address = "10.0.2.1/24"
[switch.sw0.port.eth0]
[switch.sw0.port.srv]
[switch.sw0.port."r.0"]
[switch.sw0.port."r.1"]
"#;

/// The port c1 in this mode on eth0, and the station win on the switch.
fn win_and_c1(nic: &str, mode: &str, socket: &str) -> String {
    format!(
        "{nic}[macvlan.c1]\nparent = \"eth0\"\nmode = \"{mode}\"\naddress = \"10.0.0.1/24\"\n[station.win]\n\
         address = \"10.0.0.9/24\"\n{socket}[switch.sw0.port.win]\n"
    )
}
