//! `macvlab replay CAPTURE … --lab LAB`
//!
//! | file | what it does |
//! | --- | --- |
//! | `words.rs` | parses option values |
//! | `job.rs` | checks the arguments and resolves them against the lab |
//! | `one.rs` | one replay |
//! | `folder.rs` | one replay for each capture in a folder |
//! | `progress.rs` | the progress display |

mod folder;
mod job;
mod one;
mod progress;
mod words;

use super::terminal::Terminal;
use super::{Exit, Failure};
use job::ReplayJob;
use macvlab::frame::MacAddr;
use macvlab::replay::{Term, VlanEdit};
use std::path::PathBuf;
use std::time::Duration;
use words::{MacPair, MapEntry};

/// Send captures through a lab.
///
/// The frames arrive at a NIC of the lab, or are sent by its stations and ports, at the times at which they were
/// captured. The lab's steps are not run, and its devices record received frames without answering them. Captures may
/// be pcap or pcapng, plain or compressed with gzip or zstd; several are merged by time, and those in a folder are
/// replayed one by one, each through a separate lab. A bad record is reported and left out.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab replay in.pcap --lab lab.toml --out-dir out
                                        out/DEVICE.pcap: the frames that each device receives
  macvlab replay in.pcapng.gz --lab lab.toml --at win -o all.pcapng
                                        sent by station win; every hop with its rule as a comment
  zcat in.gz | macvlab replay - --lab lab.toml --explain --limit 10
                                        the first ten frames, hop by hop
  macvlab replay in.pcap --lab lab.toml --map 192.168.1.7=c1 --map 00:50:56:c0:00:08=win
                                        a capture of another network: its machines are devices here
  macvlab replay in.pcap --lab lab.toml -o drops.pcapng --filter verdict=drop
                                        dropped frames, and why
  macvlab replay in.pcap --lab lab.toml --speed 1x -o - | wireshark -k -i -
                                        view it at the captured speed
  macvlab replay captures/ --lab lab.toml --out-dir out --jobs 2
                                        out/NAME/DEVICE.pcap for every captures/NAME.pcap

Exit codes: 0, 1 if a device of the lab was refused, 2 on wrong usage, bad input or an output that cannot be written,
130 after Ctrl-C. The outputs end with a whole frame in any case: after bad records, a full disk and Ctrl-C too.")]
pub(super) struct Args {
    /// The captures; - is standard input.
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// The lab file.
    #[arg(long)]
    lab: PathBuf,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pace: Pace,
}

/// Which frames enter the lab, and where.
#[derive(clap::Args)]
#[command(next_help_heading = "Frames")]
struct Choice {
    /// Where frames enter the lab: a NIC receives them from its cable, any other device sends them [default: the only
    /// NIC].
    #[arg(long, value_name = "DEVICE")]
    at: Option<String>,
    /// Frames from this captured MAC or IP address are sent by this device, and frames to it go to this device: MAC
    /// addresses change, also in ARP; IP addresses stay. Frames from other addresses are left out, or enter at the --at
    /// device.
    #[arg(long, value_name = "ADDR=DEVICE", value_parser = words::map_entry)]
    map: Vec<MapEntry>,
    /// A file with one mapping per line: ADDR DEVICE.
    #[arg(long, value_name = "FILE")]
    map_file: Option<PathBuf>,
    /// Stop after this many records.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Stop at a frame captured this long after the first: 500ms, 10s, 2h.
    #[arg(long, value_name = "TIME", value_parser = words::duration)]
    duration: Option<Duration>,
    /// Replay the captures this many times in sequence; 0: for ever.
    #[arg(long = "loop", value_name = "N", default_value_t = 1)]
    passes: u64,
}

/// Changes to every frame.
#[derive(clap::Args)]
#[command(next_help_heading = "Changes")]
struct Changes {
    /// Set the source MAC address of every frame.
    #[arg(long, value_name = "MAC", visible_alias = "enet-smac")]
    set_src: Option<MacAddr>,
    /// Set the destination MAC address of every frame.
    #[arg(long, value_name = "MAC", visible_alias = "enet-dmac")]
    set_dst: Option<MacAddr>,
    /// Replace MAC address A with B, as source and as destination.
    #[arg(long, value_name = "A=B", visible_alias = "enet-subsmac", value_parser = words::mac_pair)]
    mac: Vec<MacPair>,
    /// add:N adds a tag, del removes the outermost one, N sets the outermost one's VLAN to N, or adds it.
    #[arg(long, value_name = "EDIT", value_parser = words::vlan)]
    vlan: Option<VlanEdit>,
}

/// Outputs.
#[derive(clap::Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Write the frames that each device receives to DIR/DEVICE.pcap. For a folder of captures: to
    /// DIR/NAME/DEVICE.pcap.
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// Write every hop as a packet with its rule as a comment; - is standard output. For a folder of captures: into
    /// this folder.
    #[arg(short, value_name = "OUT.pcapng")]
    output: Option<PathBuf>,
    /// Only matching hops are written, shown and counted by rule: device=NAME, rule=ID, verdict=arrive, receive,
    /// transmit or drop; != instead of = excludes. Filters of the same kind are alternatives; all kinds must match.
    #[arg(long, value_name = "KIND=VALUE", value_delimiter = ',')]
    filter: Vec<Term>,
    /// Write the events to standard output, one JSON object per line.
    #[arg(long, conflicts_with_all = ["explain", "quiet"])]
    json: bool,
    /// Show every hop of every frame.
    #[arg(long, conflicts_with = "quiet")]
    explain: bool,
    /// Print no counters on standard output.
    #[arg(long, short)]
    quiet: bool,
    /// Report the speed on standard error, as is done on a terminal.
    #[arg(long)]
    stats: bool,
    /// For a folder: number of captures in parallel [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

/// The rate of frames. Timestamps in the outputs are always those of the capture.
#[derive(clap::Args)]
#[command(next_help_heading = "Pace")]
#[group(multiple = false)]
struct Pace {
    /// Multiple of the captured speed, as in 1x or 0.5x; max: as fast as possible [default: max].
    #[arg(long, value_name = "FACTOR", visible_alias = "multiplier", value_parser = words::speed)]
    speed: Option<macvlab::replay::Speed>,
    /// Frames per second.
    #[arg(long, value_name = "N", value_parser = words::rate)]
    pps: Option<f64>,
    /// Megabits of frames per second.
    #[arg(long, value_name = "N", value_parser = words::rate)]
    mbps: Option<f64>,
}

/// Runs the command.
pub(super) fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = ReplayJob::of(args, terminal)?;
    match plan.captures.as_slice() {
        [folder] if folder.is_dir() => folder::run(&plan, folder, terminal),
        _ => one::run(&plan, terminal),
    }
}
