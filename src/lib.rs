//! macvlab: a macvlan laboratory in userspace. Which device gets this frame, and why, as the Linux kernel would answer.
//!
//! A simulated NIC feeds macvlan ports by their MAC addresses; an external switch, with or without hairpin, answers on the
//! wire; hosts, routers and stations talk across them in virtual time. The quickest way in is a lab, which is a text:
//!
//! ```
//! use macvlab::lab::{Event, HopKind, Lab, Options};
//! use macvlab::verdict::Rule;
//!
//! let spec = macvlab::labfile::parse("lab.toml", r#"
//!     [nic.eth0]
//!     [macvlan.c1]
//!     parent  = "eth0"
//!     mode    = "vepa"
//!     address = "192.0.2.1/24"
//!     [macvlan.c2]
//!     parent  = "eth0"
//!     mode    = "vepa"
//!     address = "192.0.2.2/24"
//!     [switch.sw0.port.eth0]
//!     hairpin = true
//!     [[step]]
//!     ping   = { from = "c1", to = "c2" }
//!     expect = "reply"
//! "#)?;
//! let mut heard_by = Vec::new();
//! let summary = Lab::new(&spec, Options::default()).run(&mut |event| match event {
//!     Event::Hop(hop) if hop.kind == HopKind::Transmit(Rule::Hairpin) => println!("{} reflects", hop.device),
//!     Event::Hop(hop) if matches!(hop.kind, HopKind::Receive(..)) => heard_by.push(hop.device.clone()),
//!     _ => {}
//! });
//! assert!(summary.ok());
//! // The ARP request reaches c2 and the host, its answer c1; then the ping and its answer.
//! assert_eq!(heard_by, ["c2", "eth0", "c1", "c2", "c1"]);
//! # Ok::<(), macvlab::labfile::Diagnostics>(())
//! ```
//!
//! # The one idea
//! Everything that happens to a frame is a decision, and every decision is a small value that names its rule:
//!
//! ```text
//! frame + where it came in ──decide──▶ verdict { rule, egress, flood, … }
//!                                         │
//!        ┌──────────┬──────────┬──────────┴─┬──────────────┐
//!     deliver     count     explain      annotate       compare
//! ```
//!
//! A verdict is [`Copy`](verdict::Verdict) and made without allocation, I/O or a clock. Delivering, counting, explaining, a
//! packet's comment in a capture and the comparison with the kernel are all views of it, and none decides anything again.
//! That the explanation is what happened is therefore not a matter of care.
//!
//! # The rooms
//! Dependencies point downwards only.
//!
//! | room | what it is | to begin with |
//! | --- | --- | --- |
//! | `live` | real ends for simulated cables, in real time (Linux) | |
//! | [`replay`] | captures through a lab: read, chosen, decided, written | [`replay::Replay`] |
//! | `play` | a lab on a page, changed while it runs (feature `play`) | |
//! | [`report`] | text, JSON lines, annotated pcapng, counters, matrices: views of the hop log | [`report::TextReport`] |
//! | [`report::html`] | a run as a page that moves | [`report::html::page`] |
//! | [`report::draw`] | a lab as a diagram | [`report::draw::svg`] |
//! | [`report::sequence`] | a run as a sequence diagram | [`report::sequence::SequenceBuilder`] |
//! | [`matrix`] | who reaches whom, a fresh lab for each pair | [`matrix::ping`] |
//! | [`explain`] | the whole way of one frame, and why it did not go elsewhere | [`explain::Journey`] |
//! | `kernel` | the running Linux kernel, asked the same (feature `kernel`) | |
//! | [`labfile`] | the lab as TOML, read with diagnostics and written | [`labfile::parse`] |
//! | [`lab`] | devices wired together under virtual time; the hop log | [`lab::Lab`], [`lab::Event`] |
//! | [`dataplane`] | the way of a frame through all of them, as labs, replays and benchmarks walk it | [`dataplane::ForwardingContext`] |
//! | [`station`] | the IP stacks of hosts, stations and routers | [`station::Endpoint`] |
//! | [`capture`] | pcap and pcapng, in and out | [`capture::Reader`] |
//! | [`switch`] | the external switch | [`switch::Switch::decide`] |
//! | [`macvlan`] | the ports of one parent: what is admitted, and where frames go | [`macvlan::Parent`] |
//! | [`nic`] | the parent: filters, promiscuity, link | [`nic::Nic`] |
//! | [`verdict`] | verdicts, and the catalogue of rules | [`verdict::Rule`] |
//! | [`table`] | the MAC table under it all | [`table::MacTable`] |
//! | [`frame`] | addresses, headers, tags, buffers, crafting, one-line summaries | [`frame::EthHeader`] |
//! | [`limits`] | how much is taken in from outside | [`limits::Budget`] |
//! | [`time`], [`errno`], [`counters`], [`stop`], [`plain`] | the small words | |
//!
//! A frame's way through them is one line: a station sends, a port's [`transmit`](macvlan::Forwarding::transmit) decides, the
//! NIC puts it on its cable, the switch decides, a NIC takes it, [`receive`](macvlan::Forwarding::receive) decides, a station
//! hears it. Each arrow is one [`lab::Hop`].
//!
//! For decisions without a lab, start at [`macvlan::Parent`]; `examples/decide.rs` is such a program.
//!
//! # Features
//! Without features there is the core, `frame` to `dataplane`, which needs `alloc` only. The default is `cli` and `play`.
//!
//! | feature | adds | needs |
//! | --- | --- | --- |
//! | `std` | the standard library: `limits`, `plain`, `stop`, errors of the system | |
//! | `lab` | `lab`, `station`, `explain`, `matrix` | smoltcp |
//! | `labfile` | `labfile` | toml, annotate-snippets |
//! | `report` | `report` | serde, comfy-table |
//! | `capture`, `compression` | `capture`; gzip and Zstandard in it | pcap-file; flate2, zstd |
//! | `replay` | `replay` | crossbeam-channel |
//! | `live`, `kernel` | `live`, `kernel` (Linux) | nix; netlink |
//! | `play` | `play` | hyper, tokio |
//! | `cli`, `dashboard` | the program; its screen for live labs | clap; ratatui |

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "capture")]
pub mod capture;
pub mod counters;
pub mod dataplane;
pub mod errno;
#[cfg(feature = "lab")]
pub mod explain;
pub mod frame;
#[cfg(all(feature = "kernel", target_os = "linux"))]
pub mod kernel;
#[cfg(feature = "lab")]
pub mod lab;
#[cfg(feature = "labfile")]
pub mod labfile;
#[cfg(feature = "std")]
pub mod limits;
#[cfg(all(feature = "live", target_os = "linux"))]
pub mod live;
pub mod macvlan;
#[cfg(feature = "lab")]
pub mod matrix;
pub mod nic;
#[cfg(feature = "std")]
pub mod plain;
#[cfg(feature = "play")]
pub mod play;
#[cfg(feature = "replay")]
pub mod replay;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "lab")]
pub mod station;
#[cfg(feature = "std")]
pub mod stop;
pub mod switch;
#[cfg(all(any(feature = "live", feature = "kernel"), target_os = "linux"))]
#[cfg_attr(not(feature = "live"), allow(dead_code, unused_imports, reason = "the oracle uses a part"))]
mod sys;
pub mod table;
pub mod time;
pub mod verdict;
