//! macvlab: a macvlan laboratory in userspace. It shows which device gets a frame, and why, as in the Linux kernel.
//!
//! A simulated NIC delivers frames to macvlan ports by MAC address; an external switch, with or without hairpin, answers on
//! the wire; hosts, routers and stations communicate across them in virtual time. The quickest start is a lab, which is a text:
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
//! let mut receivers = Vec::new();
//! let summary = Lab::new(&spec, Options::default()).run(&mut |event| match event {
//!     Event::Hop(hop) if hop.kind == HopKind::Transmit(Rule::Hairpin) => println!("{} reflects", hop.device),
//!     Event::Hop(hop) if matches!(hop.kind, HopKind::Receive(..)) => receivers.push(hop.device.clone()),
//!     _ => {}
//! });
//! assert!(summary.ok());
//! // The ARP request reaches c2 and the host, its reply c1; then the ping and its reply.
//! assert_eq!(receivers, ["c2", "eth0", "c1", "c2", "c1"]);
//! # Ok::<(), macvlab::labfile::Diagnostics>(())
//! ```
//!
//! # The one idea
//! Everything that happens to a frame is a decision, and every decision is a small value that names its rule:
//!
//! ```text
//! frame + arrival device ──decide──▶   verdict { rule, egress, flood, … }
//!                                         │
//!        ┌──────────┬──────────┬──────────┴─┬──────────────┐
//!     deliver     count     explain      annotate       compare
//! ```
//!
//! A verdict is [`Copy`](verdict::Verdict) and made without allocation, I/O or a clock. Delivering, counting, explaining, a
//! packet's comment in a capture and the comparison with the kernel are all views of it, and none decides anything again,
//! so an explanation always matches what happened.
//!
//! # Modules
//! Dependencies point downwards only.
//!
//! | module | content | start with |
//! | --- | --- | --- |
//! | `live` | real ends for simulated cables, in real time (Linux) | |
//! | [`replay`] | captures through a lab: read, selected, decided, written | [`replay::Replay`] |
//! | `play` | a lab on a page, changed while it runs (feature `play`); its web server (feature `serve`) | |
//! | `interop` | networks as other tools describe them (feature `interop`) | |
//! | [`report`] | text, JSON lines, annotated pcapng, counters, matrices: views of the hop log | [`report::TextReport`] |
//! | [`language`] | what reports say, in English or Chinese | [`language::Language`] |
//! | [`report::html`] | a run as an animated page | [`report::html::page`] |
//! | [`report::draw`] | a lab as a diagram | [`report::draw::svg`] |
//! | [`report::sequence`] | a run as a sequence diagram | [`report::sequence::SequenceBuilder`] |
//! | [`why`] | why one device does not reach another, and which changes help | [`why::ask`] |
//! | [`matrix`] | the reachability matrix: a fresh lab for each pair | [`matrix::ping`] |
//! | [`explain`] | the whole path of one frame, and why it did not go elsewhere | [`explain::Journey`] |
//! | `kernel` | the same on the running Linux kernel (feature `kernel`) | |
//! | [`lesson`] | labs that ask: predictions, goals, and what a learner's steps come to | [`lesson::Lesson`] |
//! | [`labfile`] | the lab as TOML: parsed with diagnostics, and written | [`labfile::parse`] |
//! | [`lab`] | connected devices in virtual time; the hop log | [`lab::Lab`], [`lab::Event`] |
//! | [`dataplane`] | a frame's path through all of them, for labs, replays and benchmarks | [`dataplane::ForwardingContext`] |
//! | [`station`] | the IP stacks of hosts, stations and routers | [`station::Endpoint`] |
//! | [`capture`] | pcap and pcapng, reading and writing | [`capture::Reader`] |
//! | [`switch`] | the external switch | [`switch::Switch::decide`] |
//! | [`macvlan`] | the ports of one parent: admission, and where frames go | [`macvlan::Parent`] |
//! | [`nic`] | the parent: filters, promiscuity, link | [`nic::Nic`] |
//! | [`verdict`] | verdicts, and the catalogue of rules | [`verdict::Rule`] |
//! | [`table`] | the MAC table that all decisions use | [`table::MacTable`] |
//! | [`frame`] | addresses, headers, tags, buffers, crafting, one-line summaries | [`frame::EthHeader`] |
//! | [`limits`] | limits of input | [`limits::Budget`] |
//! | [`time`], [`errno`], [`counters`], [`stop`], [`plain`] | basic types | |
//!
//! A frame's path through them: a station sends, a port's [`transmit`](macvlan::Forwarding::transmit) decides, the
//! NIC puts it on its cable, the switch decides, a NIC receives it, [`receive`](macvlan::Forwarding::receive) decides, a station
//! receives it. Each step is one [`lab::Hop`].
//!
//! For decisions without a lab, start at [`macvlan::Parent`]; `examples/decide.rs` is such a program.
//!
//! # Features
//! Without features there is only the core, `frame` to `dataplane`, which needs `alloc` only. The default is `cli` and `serve`.
//!
//! | feature | adds | needs |
//! | --- | --- | --- |
//! | `std` | the standard library: `limits`, `plain`, `stop`, system errors | |
//! | `lab` | `lab`, `station`, `explain`, `matrix`, `why` | smoltcp |
//! | `labfile` | `labfile` | toml, annotate-snippets |
//! | `report` | `report`, `language` | serde, comfy-table |
//! | `capture`, `compression` | `capture`; gzip and Zstandard in it | pcap-file; flate2, zstd |
//! | `files` | captures as files | tempfile |
//! | `interop` | `interop` | shell-words; nix for the running machine (Linux) |
//! | `replay` | `replay` | crossbeam-channel |
//! | `live`, `kernel` | `live`, `kernel` (Linux) | nix; netlink |
//! | `play` | `play`; without I/O, for browsers too (`web/`) | |
//! | `serve` | the web server of `play` | hyper, tokio |
//! | `cli`, `dashboard` | the program; its dashboard for live labs | clap; ratatui |

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
#[cfg(feature = "interop")]
pub mod interop;
#[cfg(all(feature = "kernel", target_os = "linux"))]
pub mod kernel;
#[cfg(feature = "lab")]
pub mod lab;
#[cfg(feature = "labfile")]
pub mod labfile;
#[cfg(feature = "report")]
pub mod language;
#[cfg(feature = "labfile")]
pub mod lesson;
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
#[cfg(feature = "lab")]
pub mod why;
