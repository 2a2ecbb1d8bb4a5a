//! The smallest use of the library: one parent, three ports, and which of them gets a frame, and why.
//!
//! `cargo run --example decide`

#![allow(clippy::print_stdout)]

use macvlab::frame::{EthHeader, MacAddr, PacketType};
use macvlab::macvlan::{Mode, Parent, PortRequest};
use macvlab::nic::{Nic, UnicastFilter};
use macvlab::verdict::PortId;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut parent = Parent::new(Nic::new("00:0c:29:f1:38:bf".parse()?, 1500, UnicastFilter::None)?);
    parent.set_up(true);
    let modes = [Mode::Vepa, Mode::Bridge, Mode::Private];
    for (mode, last) in modes.into_iter().zip(1..) {
        let id = parent.create(&PortRequest::new(MacAddr([2, 0, 0, 0, 0, last])).with_mode(mode))?;
        parent.port_mut(id)?.set_up(true)?;
    }

    // A hairpin switch reflects the vepa port's broadcast. Which devices get it?
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 1, 0x08, 0x06]);
    frame.resize(60, 0);
    let header = EthHeader::parse(&frame)?;
    let table = parent.publish().ok_or("ports were created")?;
    let verdict = table.receive(&header);
    println!("the frame itself: {:?}, by {} ({})", verdict.egress, verdict.rule, verdict.rule.why());
    for (mode, port) in modes.iter().zip(0..) {
        match table.why(&verdict, PortId(port), &header) {
            Ok(rule) => println!("{mode:>8} port: gets it, by {rule}: {}", rule.why()),
            Err(rule) => println!("{mode:>8} port: does not, by {rule}: {}", rule.why()),
        }
    }
    assert_eq!(table.deliveries(&verdict, &header, PacketType::Broadcast).count(), 1);
    Ok(())
}
