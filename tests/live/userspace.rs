//! macvlab in the place of the kernel's macvlan: TAP devices in namespaces are its ports, and a Linux bridge with hairpin is
//! on its wire.

use crate::net::{Live, Net, can_run, until};

const LAB: &str = r#"
[nic.eth0]
[macvlan.c1]
parent = "eth0"
mode   = "vepa"
mac    = "02:00:00:00:09:01"
[macvlan.c2]
parent = "eth0"
mode   = "vepa"
mac    = "02:00:00:00:09:02"
[macvlan.c3]
parent  = "eth0"
mode    = "vepa"
address = "10.9.0.3/24"
"#;

/// Programs in `one` and `two`, a bridge in `outside`, a station in `station`; and a simulated port.
fn macvlan() -> (Net, Live) {
    let net = Net::new(&["lab", "one", "two", "outside", "station"]);
    net.ip("-n outside link add br0 type bridge");
    net.ip("-n outside link set br0 up");
    net.veth(("lab", "wire"), ("outside", "host"));
    net.veth(("station", "eth0"), ("outside", "port"));
    for port in ["host", "port"] {
        net.ip(&format!("-n outside link set {port} master br0"));
    }
    net.ip("-n outside link set host type bridge_slave hairpin on");
    let attach = ["--attach", "eth0=af_packet:wire", "--attach", "c1=tap:t1", "--attach", "c2=tap:t2"];
    let live = net.live("lab", LAB, &attach);
    net.move_tap("lab", "t1", "one", "10.9.0.1/24");
    net.move_tap("lab", "t2", "two", "10.9.0.2/24");
    net.address("station", "eth0", "10.9.0.9/24");
    (net, live)
}

#[test]
fn programs_reach_each_other_and_stations_and_what_is_simulated() {
    if !can_run(&["ip", "busybox"]) {
        return;
    }
    let (net, live) = macvlan();
    for (from, to) in [
        ("one", "10.9.0.9"),
        ("one", "10.9.0.2"),
        ("two", "10.9.0.1"),
        ("station", "10.9.0.3"),
        ("two", "10.9.0.3"),
    ] {
        assert!(net.pings(from, to), "{from} {to}");
    }
    let (ok, said) = net.run("one", "busybox arping -c 1 -I eth0 10.9.0.2");
    assert!(ok && said.to_lowercase().contains("02:00:00:00:09:02"), "{said}");
    // IPv6 resolves neighbours by multicast, and a program's device receives all groups.
    let (_, address) = net.run("two", "ip -6 -o addr show dev eth0 scope link");
    let address = address.split_whitespace().nth(3).unwrap().split('/').next().unwrap().to_owned();
    until("ping6", || net.run("one", &format!("busybox ping6 -c 1 -W 1 -I eth0 {address}")).0);
    live.end("-INT");
    let (ok, _) = net.run("one", "ip link show eth0");
    assert!(!ok, "the TAP device is left");
}

#[test]
fn a_hundred_megabytes_of_tcp_arrive_as_they_were_sent() {
    if !can_run(&["ip", "busybox", "python3"]) {
        return;
    }
    let (net, live) = macvlan();
    transfer(&net, "one", "two", "10.9.0.2", 100);
    transfer(&net, "station", "one", "10.9.0.1", 100);
    let counters = live.attached("eth0");
    assert_eq!(counters["in_malformed"], 0, "{counters}");
    live.end("-INT");
}

/// Sends this many megabytes of pseudo-random data over TCP, and compares checksums.
pub(crate) fn transfer(net: &Net, from: &str, to: &str, address: &str, megabytes: u32) {
    let receive = "import socket,hashlib,sys\n\
        s=socket.create_server((sys.argv[1],7000)); print('ready',flush=True); c,_=s.accept(); h=hashlib.md5(); n=0\n\
        while (d:=c.recv(1<<18)): h.update(d); n+=len(d)\n\
        c.sendall(f'{n} {h.hexdigest()}'.encode()); c.close()\n";
    let send = "import socket,hashlib,sys,random\n\
        random.seed(7); b=random.randbytes(1000003); c=socket.create_connection((sys.argv[1],7000),timeout=60); h=hashlib.md5()\n\
        for i in range(int(sys.argv[2])): p=b[i:]+b[:i]; c.sendall(p); h.update(p)\n\
        c.shutdown(1); r=b''\n\
        while (d:=c.recv(100)): r+=d\n\
        w=f'{int(sys.argv[2])*len(b)} {h.hexdigest()}'.encode(); print(r,w); sys.exit(r!=w)\n";
    let mut command = net.command(to, "python3", &["-c", receive, address]);
    let mut receiver = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = [0; 6];
    std::io::Read::read_exact(receiver.stdout.as_mut().unwrap(), &mut line).unwrap();
    let sender =
        net.command(from, "python3", &["-c", send, address, &megabytes.to_string()]).output().unwrap();
    let _ = receiver.kill();
    receiver.wait().unwrap();
    assert!(sender.status.success(), "{from} {to}: {sender:?}");
}

#[test]
fn dhcp_works_through_it() {
    if !can_run(&["ip", "busybox"]) {
        return;
    }
    let (net, live) = macvlan();
    let file = |name: &str, text: &str| {
        let path = net.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let leases = file("leases", "");
    let config = file(
        "udhcpd.conf",
        &format!(
            "start 10.9.0.100\nend 10.9.0.110\ninterface eth0\nlease_file {leases}\noption subnet 255.255.255.0\n"
        ),
    );
    let script = file("script", "#!/bin/sh\n[ \"$1\" = bound ] && echo \"got $ip\"\nexit 0\n");
    assert!(std::process::Command::new("chmod").args(["+x", &script]).status().unwrap().success());
    net.ip("-n one addr flush dev eth0");
    let mut server = net.command("station", "busybox", &["udhcpd", "-f", &config]).spawn().unwrap();
    let (ok, said) = net.run("one", &format!("busybox udhcpc -i eth0 -f -n -q -t 10 -T 1 -s {script}"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(ok && said.contains("got 10.9.0.1"), "{said}");
    live.end("-INT");
}
