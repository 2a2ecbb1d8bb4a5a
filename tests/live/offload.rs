//! Work that a kernel leaves to hardware is done before a frame enters the lab.

use crate::net::{Net, can_run, frames, until};
use std::path::Path;

/// Two stations: `host` on an interface, and a capture of every frame that it sends.
const LAB: &str = "[station.host]\n[station.other]\n[switch.sw.port.host]\n[switch.sw.port.other]\n";

#[test]
fn tags_come_in_where_they_were() {
    if !can_run(&["ip", "python3"]) {
        return;
    }
    let net = Net::new(&["lab", "far"]);
    net.veth(("lab", "wire"), ("far", "eth0"));
    let live =
        net.live("lab", LAB, &["--attach", "host=af_packet:wire", "--attach", "other=pcap:,other.pcap"]);
    let send = "import socket,sys\n\
        s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(('eth0',0))\n\
        for f in sys.argv[1:]: s.send(bytes.fromhex(f))\n";
    let frame = |tags: &[&[u8]]| {
        let tags = tags.concat();
        let mut frame = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 9], &tags, &[0x88, 0xb5]].concat();
        frame.resize(80, 7);
        frame
    };
    let c_tag: &[u8] = &[0x81, 0, 0x60, 5];
    let s_tag: &[u8] = &[0x88, 0xa8, 0, 6];
    let sent =
        [frame(&[]), frame(&[c_tag]), frame(&[s_tag]), frame(&[s_tag, c_tag]), frame(&[&[0x81, 0, 0, 0]])];
    let hex = |f: &Vec<u8>| f.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let hexes: Vec<String> = sent.iter().map(hex).collect();
    let args: Vec<&str> = ["-c", send].into_iter().chain(hexes.iter().map(String::as_str)).collect();
    assert!(net.command("far", "python3", &args).status().unwrap().success());
    let heard = || -> Vec<Vec<u8>> {
        frames(&net.dir.path().join("other.pcap"))
            .into_iter()
            .filter(|f| f[6..12] == sent[0][6..12])
            .collect()
    };
    until("they came", || heard().len() >= sent.len());
    assert_eq!(heard(), sent);
    live.end("-INT");
}

/// RFC 1071.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2).map(|w| u32::from(w[0]) << 8 | w.get(1).copied().map_or(0, u32::from));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

/// Whether the checksums of a TCP segment over IPv4 are correct; `None`: it is another packet.
fn tcp_is_right(frame: &[u8]) -> Option<bool> {
    let ip = frame.get(14..).filter(|ip| frame[12..14] == [8, 0] && ip.get(9) == Some(&6))?;
    let ip = &ip[..usize::from(u16::from_be_bytes([ip[2], ip[3]]))];
    let tcp = &ip[20..];
    let pseudo = [&ip[12..20], &[0, 6], &u16::try_from(tcp.len()).unwrap().to_be_bytes()].concat();
    Some(sum(&ip[..20]) == 0xffff && sum(&[&pseudo, tcp].concat()) == 0xffff)
}

#[test]
fn long_packets_are_the_frames_that_a_wire_would_carry() {
    if !can_run(&["ip", "python3"]) {
        return;
    }
    let net = Net::new(&["lab", "one", "two"]);
    net.veth(("lab", "wire"), ("one", "eth0"));
    net.address("one", "eth0", "10.9.0.1/24");
    let args = ["--attach", "host=af_packet:wire", "--attach", "other=tap:t0", "--pcap", "all.pcapng"];
    let live = net.live("lab", LAB, &args);
    net.move_tap("lab", "t0", "two", "10.9.0.2/24");
    for (from, to, address) in [("one", "two", "10.9.0.2"), ("two", "one", "10.9.0.1")] {
        crate::userspace::transfer(&net, from, to, address, 1);
    }
    live.end("-INT");
    let all = frames(Path::new(&net.dir.path().join("all.pcapng")));
    let right: Vec<bool> = all.iter().filter_map(|f| tcp_is_right(f)).collect();
    assert!(right.len() > 1000 && right.iter().all(|r| *r), "{} segments", right.len());
    assert_eq!(all.iter().map(Vec::len).max(), Some(1514));
}
