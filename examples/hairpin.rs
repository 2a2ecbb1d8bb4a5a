//! The ARP hairpin experiment on the library: the same lab with hairpin off and on.
//!
//! `cargo run --example hairpin`

#![allow(clippy::print_stdout)]

use macvlab::frame::summary;
use macvlab::lab::{Event, HopKind, Lab, Options};
use macvlab::labfile;

const LAB: &str = r#"
title = "two vepa containers behind a switch"
[nic.eth0]
[macvlan.c1]
parent  = "eth0"
address = ["192.168.128.222/24"]
[macvlan.c2]
parent  = "eth0"
address = ["192.168.128.233/24"]
[switch.sw0.port.eth0]
hairpin = HAIRPIN
[[step]]
ping = { from = "c1", to = "c2" }
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for hairpin in ["false", "true"] {
        println!("hairpin = {hairpin}");
        let spec = labfile::parse("hairpin.toml", &LAB.replace("HAIRPIN", hairpin))?;
        Lab::new(&spec, Options::default()).run(&mut |event| match event {
            Event::Hop(hop) => {
                let what = match hop.kind {
                    HopKind::Transmit(rule) => format!("sends      {rule:5}"),
                    HopKind::Receive(_, rule) => format!("receives   {rule:5}"),
                    HopKind::Drop(rule) => format!("drops      {rule:5}"),
                    HopKind::Arrive(_) => "sees coming in  ".to_owned(),
                };
                println!("  {:>13} {:9} {what} {}", hop.time.to_string(), hop.device, summary(&hop.frame));
            }
            Event::Result { outcome, .. } => println!("  c1 pings c2: {outcome:?}\n"),
            _ => {}
        });
    }
    Ok(())
}
