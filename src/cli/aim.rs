//! Builds the frame that `explain` sends from its command-line arguments.

use super::Failure;
use macvlab::frame::Family;
use macvlab::lab::spec::{Action, Craft, CraftBody, DeviceKind, IpRef, MacRef};
use macvlab::lab::{Lab, LabSpec, Options, RouteTo};
use macvlab::station::{ECHO_PORT, IpSpec};
use macvlab::verdict::Rule;
use std::net::{IpAddr, SocketAddr};

/// The longest frame accepted, in bytes: a full IP packet behind an Ethernet header and three tags.
const MAX_FRAME: usize = 65_535 + 14 + 12;

/// Bytes of echo data, as `ping` sends them.
const ECHO_BYTES: u16 = 56;

/// The UDP source port of a datagram: the first port not assigned by IANA.
const SOURCE_PORT: u16 = 49_152;

/// The devices that can send, each with its IP configuration; includes devices that steps add.
fn devices(spec: &LabSpec) -> Vec<(&str, &IpSpec)> {
    let mut list: Vec<(&str, &IpSpec)> = spec.stacks().map(|(name, ip)| (name.as_str(), ip)).collect();
    list.extend(spec.steps.iter().filter_map(|step| match &step.action {
        Action::Add { name, spec } => Some((name.as_str(), &spec.ip)),
        _ => None,
    }));
    list
}

/// Their names.
pub(super) fn names(spec: &LabSpec) -> Vec<String> {
    devices(spec).into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// Whether a device is in this list.
pub(super) fn check(name: &str, known: &[String]) -> Result<(), Failure> {
    if known.iter().any(|k| k == name) {
        return Ok(());
    }
    let what = format!("the lab has no device `{}`; it has {}", name.escape_debug(), known.join(", "));
    Err(Failure::Because(what))
}

/// Whether a device has a cable that frames can arrive on.
pub(super) fn check_cable(spec: &LabSpec, name: &str) -> Result<(), Failure> {
    let cabled = spec.devices.iter().any(|device| match &device.kind {
        DeviceKind::Nic(_) | DeviceKind::Station(_) => device.name == name,
        DeviceKind::Router(router) => router.interfaces.iter().any(|i| i.name == name),
        _ => false,
    });
    if cabled {
        return Ok(());
    }
    Err(Failure::Because(format!(
        "{name} has no cable that a frame could arrive on: name a NIC or a station"
    )))
}

/// Bytes in hex, optionally separated by spaces and colons.
pub(super) fn hex(text: &str) -> Result<Vec<u8>, Failure> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_ascii_whitespace() && *c != ':').collect();
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] => u8::try_from(high.to_digit(16)? << 4 | low.to_digit(16)?).ok(),
            _ => None,
        })
        .collect();
    match bytes {
        Some(bytes) if bytes.len() > MAX_FRAME => {
            Err(Failure::Because(format!("{} bytes exceed the longest frame, {MAX_FRAME}", bytes.len())))
        }
        Some(bytes) => Ok(bytes),
        None => {
            Err(Failure::Because("the frame is not hex: two digits per byte, as in ffffffffffff…".to_owned()))
        }
    }
}

/// An ARP request.
pub(super) fn arp(spec: &LabSpec, sender: &str, target: &str) -> Result<Craft, Failure> {
    let target_ip = match address(spec, sender, target) {
        // `address` may choose a device's IPv6 address, which ARP cannot use.
        Ok(_) if devices(spec).iter().any(|(name, _)| *name == target) => IpRef::Device(target.to_owned()),
        Ok(address) => IpRef::Addr(address),
        Err(failure) => return Err(failure),
    };
    let here = IpRef::Device(sender.to_owned());
    let body = CraftBody::Arp { op: 1, sender_mac: None, sender_ip: Some(here), target_mac: None, target_ip };
    Ok(craft(sender, None, body))
}

/// An echo request.
pub(super) fn ping(spec: &LabSpec, sender: &str, target: &str) -> Result<Craft, Failure> {
    let to = address(spec, sender, target)?;
    let dst = next_hop(spec, sender, to)?;
    let from = Some(IpRef::Device(sender.to_owned()));
    let body = CraftBody::Icmp { from, to: IpRef::Addr(to), id: 1, seq: 1, ttl: 64, size: ECHO_BYTES };
    Ok(craft(sender, dst, body))
}

/// A UDP datagram.
pub(super) fn udp(spec: &LabSpec, sender: &str, target: &str) -> Result<Craft, Failure> {
    let (target, dport) = split_port(spec, target)?;
    let to = address(spec, sender, &target)?;
    let dst = next_hop(spec, sender, to)?;
    let from = Some(IpRef::Device(sender.to_owned()));
    let (sport, payload) = (SOURCE_PORT, b"hello".to_vec());
    let body = CraftBody::Udp { from, to: IpRef::Addr(to), sport, dport, ttl: 64, payload };
    Ok(craft(sender, dst, body))
}

fn craft(sender: &str, dst: Option<MacRef>, body: CraftBody) -> Craft {
    Craft { dst, src: Some(MacRef::Device(sender.to_owned())), tags: Vec::new(), pad: 0, body }
}

/// `TARGET[:PORT]`, an IPv6 address with a port in brackets.
fn split_port(spec: &LabSpec, text: &str) -> Result<(String, u16), Failure> {
    let whole = text.parse::<IpAddr>().is_ok() || devices(spec).iter().any(|(name, _)| *name == text);
    if whole {
        return Ok((text.to_owned(), ECHO_PORT));
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Ok((socket.ip().to_string(), socket.port()));
    }
    match text.rsplit_once(':') {
        Some((target, port)) => match port.parse() {
            Ok(port) => Ok((target.to_owned(), port)),
            Err(_) => Err(Failure::Because(format!("`{}` is not a port", port.escape_debug()))),
        },
        None => Ok((text.to_owned(), ECHO_PORT)),
    }
}

/// The IP address of a target, of a family that the sender has too if there is a choice.
fn address(spec: &LabSpec, sender: &str, target: &str) -> Result<IpAddr, Failure> {
    let devices = devices(spec);
    let Some((_, theirs)) = devices.iter().find(|(name, _)| *name == target) else {
        return target.parse().map_err(|_| {
            let known: Vec<_> = devices.iter().map(|(name, _)| *name).collect();
            let (target, known) = (target.escape_debug(), known.join(", "));
            Failure::Because(format!(
                "`{target}` is neither an IP address nor a device of the lab, which has {known}"
            ))
        });
    };
    let own = ip_of(&devices, sender);
    let families =
        |ip: IpAddr| own.is_some_and(|o| o.address.iter().any(|n| Family::of(n.addr()) == Family::of(ip)));
    let mut addresses = theirs.address.iter().map(|net| net.addr());
    let first = addresses.clone().next();
    addresses
        .find(|ip| families(*ip))
        .or(first)
        .ok_or_else(|| Failure::Because(format!("{target} has no IP address in this lab")))
}

/// The device whose MAC address a packet to this IP address goes to; `None`: the MAC address follows from a group or
/// broadcast address.
fn next_hop(spec: &LabSpec, sender: &str, to: IpAddr) -> Result<Option<MacRef>, Failure> {
    let devices = devices(spec);
    let everybody = matches!(to, IpAddr::V4(ip) if ip.is_broadcast());
    if to.is_multicast() || everybody {
        return Ok(None);
    }
    // A sender without an address has no IP stack whose routes could be asked.
    let hop = match ip_of(&devices, sender).filter(|own| !own.address.is_empty()) {
        None => to,
        Some(_) => by_route(spec, sender, to)?,
    };
    let owner = devices.iter().find(|(_, ip)| ip.address.iter().any(|net| net.addr() == hop));
    owner.map(|(name, _)| Some(MacRef::Device((*name).to_owned()))).ok_or_else(|| {
        Failure::Because(format!(
            "no device has the IP address {hop}, so its MAC address is unknown; --arp asks for it"
        ))
    })
}

/// The neighbour that the sender's IP stack sends a packet for this address to, by this device.
fn by_route(spec: &LabSpec, sender: &str, to: IpAddr) -> Result<IpAddr, Failure> {
    // A device that the kernel refuses in the lab has no stack; its frames are explained all the same.
    let lab = Lab::new(spec, Options::default().with_hops(false));
    match lab.route(sender, to) {
        _ if !lab.has(sender) => Ok(to),
        Some(RouteTo { device, next_hop }) if device == sender => Ok(next_hop),
        Some(RouteTo { device, .. }) => Err(Failure::Because(format!(
            "the host of {sender} sends packets for {to} by {device}: use `--at {device}`"
        ))),
        None => {
            let (rule, title) = (Rule::NoRoute.id(), Rule::NoRoute.title());
            Err(Failure::Because(format!(
                "{sender} sends nothing to {to}: {rule} {title}; give it an address in that subnet, or a gateway"
            )))
        }
    }
}

fn ip_of<'a>(devices: &[(&str, &'a IpSpec)], name: &str) -> Option<&'a IpSpec> {
    devices.iter().find(|(n, _)| *n == name).map(|(_, ip)| *ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_in_hex_has_a_limit() {
        assert!(hex(&"0A:".repeat(65_561)).is_ok_and(|bytes| bytes.len() == 65_561));
        let Err(Failure::Because(why)) = hex(&"0a".repeat(65_562)) else { panic!("it is taken") };
        assert_eq!(why, "65562 bytes exceed the longest frame, 65561");
    }
}
