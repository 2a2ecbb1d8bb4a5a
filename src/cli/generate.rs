//! `macvlab generate OUT.pcap`

use super::distinct::Distinct;
use super::interrupt::Interrupt;
use super::terminal::{Output, Terminal, about_output};
use super::{Exit, Failure, input};
use macvlab::capture::{FrameSize, PcapWriter, Traffic, TrafficSpec};
use macvlab::frame::MacAddr;
use macvlab::lab::LabSpec;
use macvlab::lab::spec::DeviceKind;
use std::path::PathBuf;

/// Frames between two checks for Ctrl-C.
const INTERRUPT_EVERY: u64 = 1024;
/// Size of a pcap file header and of a record header, in bytes.
const FILE_HEADER: u64 = 24;
const RECORD_HEADER: u64 = 16;

/// Generate a capture: the same bytes for the same arguments, on every machine.
///
/// Frames come from unknown MAC addresses, a microsecond apart, with an experimental payload (ethertype 0x88b5) that
/// begins with the frame's number. Lengths count from the destination address on, without the checksum.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab generate small.pcap
  macvlab generate big.pcap --bytes 1G --macs 64
                                        a gigabyte for 64 stations
  macvlab generate mix.pcap --lab lab.toml --strangers 20 --broadcasts 5 --groups 5 --vlan 10
                                        most frames to the ports of a lab
  macvlab generate - --frames 1000 --size 64 | macvlab replay - --lab lab.toml

Exit codes: 0, 2 on wrong usage or input, 130 after Ctrl-C, with a valid output as far as it goes.")]
pub(super) struct Args {
    /// The pcap file; - is standard output.
    out: PathBuf,
    /// Number of frames [default: 10000].
    #[arg(long, value_name = "N", conflicts_with = "bytes")]
    frames: Option<u64>,
    /// Generate frames up to about this file size, never more: 500000, 64k, 100M, 1G (powers of 1000).
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    bytes: Option<u64>,
    /// Length of frames: a number of bytes, or imix for 64, 570 and 1514 bytes in the proportion 7:4:1.
    #[arg(long, value_name = "BYTES", default_value = "imix")]
    size: FrameSize,
    /// Number of stations that unicast frames are sent to.
    #[arg(long, value_name = "N", default_value_t = 64, conflicts_with = "lab",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    macs: u32,
    /// Send unicast frames to the macvlan ports of this lab; - is standard input.
    #[arg(long)]
    lab: Option<PathBuf>,
    /// Percentage of unicast frames to unknown MAC addresses.
    #[arg(long, value_name = "PERCENT", default_value_t = 0)]
    strangers: u8,
    /// Percentage of multicast frames.
    #[arg(long, value_name = "PERCENT", default_value_t = 0)]
    groups: u8,
    /// Percentage of broadcast frames.
    #[arg(long, value_name = "PERCENT", default_value_t = 0)]
    broadcasts: u8,
    /// Percentage of frames with an 802.1Q tag, of VLANs 1 to 4.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=100))]
    vlan: u8,
    /// Different seeds give different frames.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Parses a size in bytes.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1_000),
        Some((at, 'M')) => (&text[..at], 1_000_000),
        Some((at, 'G')) => (&text[..at], 1_000_000_000),
        _ => (text, 1),
    };
    let number = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
    number.ok_or_else(|| "a size is a number, optionally followed by k, M or G".to_owned())
}

/// When to stop.
enum End {
    Frames(u64),
    Bytes(u64),
}

/// Runs the command.
pub(super) fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let shares = [args.strangers, args.groups, args.broadcasts].map(u32::from);
    if shares.iter().sum::<u32>() > 100 {
        let why = "--strangers, --groups and --broadcasts are percentages and add up to more than 100";
        return Err(Failure::Because(why.to_owned()));
    }
    let end = args.bytes.map_or(End::Frames(args.frames.unwrap_or(10_000)), End::Bytes);
    let destinations = match &args.lab {
        Some(lab) => ports(&input::lab(lab, terminal)?)?,
        None => (0..args.macs).map(Traffic::station).collect(),
    };
    let mut files = Distinct::default();
    args.lab.iter().for_each(|lab| files.read("--lab", lab));
    files.write("OUT", &args.out)?;
    let traffic = Traffic::new(TrafficSpec {
        size: args.size,
        destinations,
        strangers: args.strangers,
        groups: args.groups,
        broadcasts: args.broadcasts,
        tagged: args.vlan,
        seed: args.seed,
    });
    let about = |e: &dyn std::fmt::Display| about_output(&args.out, e);
    let output = Output::create(&args.out, terminal)?;
    let interrupt = Interrupt::listen()?;
    let mut pcap = PcapWriter::new(output).map_err(|e| about(&e))?;
    write(traffic, &end, &mut pcap, &interrupt, terminal).map_err(|e| about(&e))?;
    pcap.finish().map_err(|e| about(&e))?.commit().map_err(|e| about(&e))?;
    Ok(interrupt.exit(terminal).unwrap_or(Exit::Held))
}

/// The MAC addresses of a lab's ports.
fn ports(lab: &LabSpec) -> Result<Vec<MacAddr>, Failure> {
    let ports: Vec<MacAddr> = lab
        .devices
        .iter()
        .filter_map(|device| match &device.kind {
            DeviceKind::Macvlan(spec) => Some(spec.requested_mac(&device.name)),
            _ => None,
        })
        .collect();
    if ports.is_empty() {
        return Err(Failure::Because("the lab has no macvlan port to send frames to".to_owned()));
    }
    Ok(ports)
}

fn write(
    mut traffic: Traffic,
    end: &End,
    pcap: &mut PcapWriter<Output>,
    interrupt: &Interrupt,
    terminal: &Terminal,
) -> Result<(), macvlab::capture::CaptureError> {
    let (mut frames, mut bytes) = (0, FILE_HEADER);
    loop {
        if frames % INTERRUPT_EVERY == 0 && (interrupt.came() || terminal.closed()) {
            return Ok(());
        }
        let (time, frame) = traffic.next_frame();
        frames += 1;
        bytes += RECORD_HEADER + frame.len() as u64;
        let enough = match end {
            End::Frames(limit) => frames > *limit,
            End::Bytes(limit) => bytes > *limit,
        };
        if enough {
            return Ok(());
        }
        let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        pcap.write(time, frame, len)?;
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes() {
        assert_eq!(
            ["7", "64k", "100M", "1G"].map(bytes),
            [Ok(7), Ok(64_000), Ok(100_000_000), Ok(1_000_000_000)]
        );
        for bad in ["", "k", "1T", "1.5G", "-1", "99999999999G", "1µ"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
