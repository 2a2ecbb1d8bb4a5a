//! Errors of the kernel, without a kernel: a second port beside a passthru port, two ports with the same MAC address,
//! and passthru's MAC address shared with its parent.
//!
//! `cargo run --example errors`

#![allow(clippy::print_stdout)]

use macvlab::frame::MacAddr;
use macvlab::macvlan::{Mode, Parent, PortRequest};
use macvlab::nic::{Nic, UnicastFilter};
use macvlab::verdict::Refusal;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut parent = Parent::new(Nic::new("00:0c:29:f1:38:bf".parse()?, 1500, UnicastFilter::None)?);
    parent.set_up(true);
    let port = |mode, last| PortRequest::new(MacAddr([2, 0, 0, 0, 0, last])).with_mode(mode);

    let first = parent.create(&port(Mode::Passthru, 1))?;
    let Refusal { errno, rule, .. } =
        parent.create(&port(Mode::Bridge, 2)).err().ok_or("beside a passthru port nothing is created")?;
    println!("a second port: {errno} ({}), by {rule}: {}", errno.text(), rule.why());

    parent.port_mut(first)?.set_mac(MacAddr([2, 0, 0, 0, 0, 7]))?;
    println!("the passthru port's new MAC address is its parent's as well: {}", parent.nic().mac());
    parent.remove(first)?;
    println!("and undone with it: {}", parent.nic().mac());

    let a = parent.create(&port(Mode::Bridge, 3))?;
    let b = parent.create(&port(Mode::Vepa, 3))?;
    parent.port_mut(a)?.set_up(true)?;
    let Refusal { errno, rule, .. } =
        parent.port_mut(b)?.set_up(true).err().ok_or("the address is in use")?;
    println!("two ports with one MAC address: created, but bringing up the second: {errno}, by {rule}");
    Ok(())
}
