//! QEMU's own sockets: a virtual machine without a disk requests an IP address by DHCP, as its boot ROM does.

use crate::net::{Live, Net, can_run, until};
use std::process::{Child, Command, Stdio};

const LAB: &str = "[station.vm]\n[station.server]\n[switch.sw.port.vm]\n[switch.sw.port.server]\n";

struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A machine with this network card connection.
fn boot(net: &Net, netdev: &str) -> Machine {
    let args =
        ["-M", "pc,accel=tcg", "-m", "32", "-display", "none", "-nodefaults", "-no-reboot", "-boot", "n"];
    let netdev = format!("{netdev},id=n0");
    let card = ["-netdev", &netdev, "-device", "e1000,netdev=n0,mac=52:54:00:00:00:07"];
    let mut command: Command = net.command("lab", "qemu-system-x86_64", &[&args[..], &card].concat());
    Machine(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// Attaches the machine, and waits until the server has acknowledged its IP address.
fn gets_an_address(attach: &str, netdev: &str) {
    if !can_run(&["ip", "busybox", "qemu-system-x86_64"]) {
        return;
    }
    let net = Net::new(&["lab", "server"]);
    let live: Live = net.live("lab", LAB, &["--attach", attach, "--attach", "server=tap:t0"]);
    net.move_tap("lab", "t0", "server", "10.9.0.9/24");
    let path = |name: &str| net.dir.path().join(name).to_str().unwrap().to_owned();
    let config = format!("start 10.9.0.100\nend 10.9.0.110\ninterface eth0\nlease_file {}\n", path("leases"));
    std::fs::write(path("leases"), "").unwrap();
    std::fs::write(path("udhcpd.conf"), config).unwrap();
    let log = std::fs::File::create(path("log")).unwrap();
    let mut server = net.command("server", "busybox", &["udhcpd", "-f", &path("udhcpd.conf")]);
    let _server = Machine(server.stderr(log.try_clone().unwrap()).stdout(log).spawn().unwrap());
    let _machine = boot(&net, netdev);
    until("the machine has its address", || {
        std::fs::read_to_string(path("log")).is_ok_and(|log| log.contains("sending ACK to 10.9.0.10"))
    });
    let counters = live.attached("vm");
    assert!(
        counters["in_frames"].as_u64().unwrap() >= 2 && counters["out_frames"].as_u64().unwrap() >= 2,
        "{counters}"
    );
    assert_eq!(counters["in_malformed"], 0);
    live.end("-TERM");
}

#[test]
fn a_machine_on_a_stream_gets_an_address() {
    gets_an_address("vm=unix:vm.sock", "stream,server=off,addr.type=unix,addr.path=vm.sock");
}

#[test]
fn a_machine_on_datagrams_gets_an_address() {
    let local = "local.type=inet,local.host=127.0.0.1,local.port=7001";
    let remote = "remote.type=inet,remote.host=127.0.0.1,remote.port=7002";
    gets_an_address("vm=udp:127.0.0.1:7002,127.0.0.1:7001", &format!("dgram,{local},{remote}"));
}
