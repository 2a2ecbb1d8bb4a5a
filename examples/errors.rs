//! What the kernel refuses, without a kernel: a second port beside a passthru port, two ports of one address, and
//! passthru's address shared with its parent.
//!
//! `cargo run --example errors`

#![allow(clippy::print_stdout)]

use macvlab::frame::MacAddr;
use macvlab::macvlan::{self, Mode, PortRequest};
use macvlab::nic::{Filter, Nic, UnicastFilter};
use macvlab::verdict::Refusal;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut nic = Nic::new("00:0c:29:f1:38:bf".parse()?, 1500, Filter::new(UnicastFilter::None));
    nic.set_up(true);
    let port =
        |mode, last| PortRequest { mac: MacAddr([2, 0, 0, 0, 0, last]), mode, ..PortRequest::default() };

    let mut demux = None;
    let first = macvlan::create(&mut demux, &nic, &port(Mode::Passthru, 1), false)?;
    let Refusal { errno, rule, .. } = macvlan::create(&mut demux, &nic, &port(Mode::Bridge, 2), false)
        .err()
        .ok_or("beside a passthru port nothing is created")?;
    println!("a second port: {errno} ({}), by {rule}: {}", errno.text(), rule.why());

    let ports = demux.as_mut().ok_or("a port was created")?;
    ports.set_mac(&mut nic, first, MacAddr([2, 0, 0, 0, 0, 7]))?;
    println!("the passthru port's new address is its parent's as well: {}", nic.mac);
    macvlan::remove(&mut demux, &mut nic, first)?;
    println!("and gone with it: {}", nic.mac);

    let a = macvlan::create(&mut demux, &nic, &port(Mode::Bridge, 3), false)?;
    let b = macvlan::create(&mut demux, &nic, &port(Mode::Vepa, 3), false)?;
    let ports = demux.as_mut().ok_or("ports were created")?;
    ports.set_up(&mut nic, a, true)?;
    let Refusal { errno, rule, .. } = ports.set_up(&mut nic, b, true).err().ok_or("the address is in use")?;
    println!("two ports of one address: created, but bringing up the second: {errno}, by {rule}");
    Ok(())
}
