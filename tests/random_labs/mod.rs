//! Random labs with the mistakes that people make, and a question about each: the same for the same seed.

use macvlab::frame::{MacAddr, VlanId};
use macvlab::lab::spec::{
    Action, Change, FdbSpec, LabSpec, MacvlanSpec, Name, StepSpec, SwitchPortSpec, SwitchSpec,
};
use macvlab::macvlan::{MacvlanFlags, Mode};
use macvlab::nic::UnicastFilter;
use macvlab::station::{IpNet, IpSpec, ProbeKind};
use macvlab::switch::{Policy, PortFlag, PortState, PortVlans, VirtualSwitch};
use macvlab::why::Question;

/// A small generator of numbers (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() % n as u64).unwrap()
    }

    fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

fn vlan(id: u16) -> VlanId {
    VlanId::new(id).unwrap()
}

/// An address of one of two subnets, mostly the first; now and then one that another device has, too.
fn ip(dice: &mut Dice, number: usize) -> IpSpec {
    let subnet = usize::from(dice.percent(12));
    let last = if dice.percent(4) { 2 } else { 2 + number };
    let net: IpNet = format!("10.0.{subnet}.{last}/24").parse().unwrap();
    let mut ip = IpSpec::from(net);
    if dice.percent(30) {
        let subnet = if dice.percent(90) { subnet } else { 1 - subnet };
        ip.gateway.push(format!("10.0.{subnet}.1").parse().unwrap());
    }
    if dice.percent(6) {
        let addr = format!("10.0.{subnet}.{}", 2 + dice.below(8)).parse().unwrap();
        ip.neighbours.insert(addr, MacAddr([2, 0, 0, 0, 0, u8::try_from(dice.below(20)).unwrap()]));
    }
    if dice.percent(3) {
        ip.address.clear();
    }
    ip
}

fn port(dice: &mut Dice, parents: &[Name], number: usize) -> MacvlanSpec {
    let mode = [Mode::Bridge, Mode::Vepa, Mode::Private, Mode::Source, Mode::Passthru]
        [[0, 0, 0, 0, 1, 1, 2, 2, 3, 4][dice.below(10)]];
    let mut port = MacvlanSpec::on(dice.pick(parents).clone()).with_mode(mode).with_ip(ip(dice, number));
    if dice.percent(50) {
        let last = if dice.percent(10) { 1 } else { number };
        port = port.with_mac(MacAddr([2, 0, 0, 0, 0, u8::try_from(last).unwrap()]));
    }
    if mode == Mode::Source && dice.percent(60) {
        port = port.with_sources(vec![MacAddr([2, 0, 0, 0, 0, u8::try_from(dice.below(12)).unwrap()])]);
    }
    if dice.percent(10) {
        port =
            port.with_flags(MacvlanFlags { nopromisc: mode == Mode::Passthru, nodst: mode == Mode::Source });
    }
    port.with_up(!dice.percent(5))
}

fn policy(dice: &mut Dice) -> Policy {
    let product = *dice.pick(VirtualSwitch::ALL);
    match dice.below(8) {
        0 => Policy::Wifi,
        1 => Policy::Cloud,
        _ => Policy::VirtualSwitch { product, accepts: product.accepts() },
    }
}

fn switch_port(dice: &mut Dice, device: &Name, filtering: bool) -> SwitchPortSpec {
    let mut port = SwitchPortSpec::to(device.clone());
    for flag in PortFlag::ALL {
        if dice.percent(if flag == PortFlag::Hairpin { 25 } else { 3 }) {
            let value = port.flags.get(flag);
            port = port.with_flag(flag, !value);
        }
    }
    if dice.percent(4) {
        port = port.with_state(*dice.pick(&[PortState::Disabled, PortState::Listening, PortState::Learning]));
    }
    if filtering {
        let pvid = vlan(*dice.pick(&[1, 1, 10, 20]));
        let tagged = [10, 20].into_iter().map(vlan).filter(|id| *id != pvid && dice.percent(50)).collect();
        port = port.with_vlans(PortVlans { pvid: Some(pvid), untagged: vec![pvid], tagged });
    }
    if dice.percent(6) {
        port = port.with_policy(policy(dice));
    }
    port
}

fn switch(dice: &mut Dice, plugged: &[Name]) -> SwitchSpec {
    let filtering = dice.percent(20);
    let mut switch = SwitchSpec::named("sw0").with_vlan_filtering(filtering);
    if dice.percent(10) {
        switch = switch.with_policy(policy(dice));
    }
    for device in plugged {
        let port = switch_port(dice, device, filtering);
        switch = switch.with_port(device.clone(), |_| port);
    }
    if dice.percent(6) {
        let mac = MacAddr([2, 0, 0, 0, 0, u8::try_from(dice.below(12)).unwrap()]);
        switch =
            switch.with_entry(FdbSpec::new(mac, dice.pick(plugged).clone()).with_sticky(dice.percent(50)));
    }
    switch
}

/// Changes after which what was learned may be wrong.
fn steps(dice: &mut Dice, spec: &mut LabSpec, ends: &[Name], ports: &[Name], parents: &[Name]) {
    for _ in 0..dice.below(5) {
        let step = match dice.below(6) {
            0..=2 => StepSpec::ping(dice.pick(ends).clone(), dice.pick(ends).clone()),
            3 => {
                let change = match dice.below(3) {
                    0 => Change::Up(dice.percent(40)),
                    1 => Change::Mode(*dice.pick(&[Mode::Bridge, Mode::Vepa, Mode::Private])),
                    _ => Change::Mac(MacAddr([2, 0, 0, 0, 1, u8::try_from(dice.below(12)).unwrap()])),
                };
                StepSpec::new(Action::Set { device: dice.pick(ports).clone(), change })
            }
            4 => StepSpec::new(Action::Remove(dice.pick(ports).clone())),
            _ => {
                let number = dice.below(ports.len());
                let spec = port(dice, parents, number);
                StepSpec::new(Action::Add { name: ports[number].clone(), spec })
            }
        };
        spec.steps.push(step);
    }
}

/// The lab, and a question about two of its devices.
pub(crate) fn lab(seed: u64) -> (LabSpec, Question) {
    let mut dice = Dice(seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let mut spec = LabSpec::new(format!("seed {seed}"));
    let (mut parents, mut plugged, mut ends): (Vec<Name>, Vec<Name>, Vec<Name>) = Default::default();
    for n in 0..=dice.below(2) {
        let name: Name = format!("eth{n}").into();
        let (ip, up, filter) = (ip(&mut dice, 40 + n), !dice.percent(5), dice.percent(10));
        spec = spec.with_nic(&name, |nic| {
            let nic = nic.with_ip(ip).with_up(up);
            if filter { nic.with_filter(UnicastFilter::Slots(2)) } else { nic }
        });
        parents.push(name.clone());
        if !dice.percent(8) {
            plugged.push(name.clone());
        }
        ends.push(name);
    }
    if dice.percent(20) {
        let (below, id, ip) = (dice.pick(&parents).clone(), *dice.pick(&[10, 20]), ip(&mut dice, 50));
        spec = spec.with_vlan("v0", &below, vlan(id), |vlan| vlan.with_ip(ip));
        parents.push("v0".into());
        ends.push("v0".into());
    }
    let mut ports: Vec<Name> = Vec::new();
    for n in 0..=dice.below(5) {
        let name: Name = format!("c{n}").into();
        let made = port(&mut dice, &parents, n);
        spec = spec.with_macvlan(&name, &made.parent.clone(), |_| made);
        ports.push(name);
    }
    ends.extend(ports.iter().cloned());
    for n in 0..dice.below(3) {
        let name: Name = format!("s{n}").into();
        let (ip, up) = (ip(&mut dice, 20 + n), !dice.percent(5));
        spec = spec.with_station(&name, ip, |station| station.with_up(up));
        plugged.push(name.clone());
        ends.push(name);
    }
    if dice.percent(40) {
        let net = |text: &str| IpSpec::from(text.parse::<IpNet>().unwrap());
        spec = spec.with_router("r", |router| {
            router.with_interface("r.0", net("10.0.0.1/24"), |i| i).with_interface(
                "r.1",
                net("10.0.1.1/24"),
                |i| i,
            )
        });
        plugged.extend(["r.0".into(), "r.1".into()]);
    }
    if !plugged.is_empty() {
        let switch = switch(&mut dice, &plugged);
        spec.switches.push(switch);
    }
    if dice.percent(40) {
        steps(&mut dice, &mut spec, &ends, &ports, &parents);
    }
    let from = dice.pick(&ends).clone();
    let to = loop {
        let to = dice.pick(&ends).clone();
        if to != from {
            break to;
        }
    };
    let kind = *dice.pick(&[ProbeKind::Ping, ProbeKind::Ping, ProbeKind::Udp, ProbeKind::Tcp]);
    (spec, Question { kind, ..Question::ping(from, to) })
}
