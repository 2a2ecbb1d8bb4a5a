#!/usr/bin/env bash
# Throughput and latency of `macvlab live` beside the kernel's macvlan and bridge, between two network namespaces on this
# machine. Needs root, iperf3, iproute2, busybox and python3; makes namespaces and removes them.
#
#   cargo build --release && sudo benches/live.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."
macvlab=$PWD/target/release/macvlab
seconds=${1:-5}
work=$(mktemp -d)
live=

clean() {
    [ -z "$live" ] || { kill -TERM "$live" && wait "$live"; } || true
    live=
    for name in lab one two; do ip netns del "macvlab-bench-$name" 2>/dev/null || true; done
}
trap 'clean; rm -rf "$work"' EXIT

netns() { local name=macvlab-bench-$1; shift; ip netns exec "$name" "$@"; }
in_lab() { ip -n macvlab-bench-lab "$@"; }
begin() { clean; for name in lab one two; do ip netns add "macvlab-bench-$name"; done; }
give() { # NAMESPACE DEVICE ADDRESS: moves a device there.
    in_lab link set "$2" netns "macvlab-bench-$1"
    ip -n "macvlab-bench-$1" addr add "$3/24" dev "$2"
    ip -n "macvlab-bench-$1" link set "$2" up
}
start() { # ARGUMENTS: a live lab that is not written about.
    ip netns exec macvlab-bench-lab "$macvlab" live --quiet --control "$work/control" "$@" &
    live=$!
    until "$macvlab" ctl "$work/control" show >/dev/null 2>&1; do sleep 0.1; done
}
flow() { # iperf3's arguments: what arrives, per second.
    netns two iperf3 -s -1 -D >/dev/null
    sleep 0.5
    netns one iperf3 -c 10.8.0.2 -t "$seconds" -J "$@" >"$work/flow.json"
    python3 - "$work/flow.json" <<'PY'
import json, sys
end = json.load(open(sys.argv[1]))["end"]
if "sum_received" in end and "lost_packets" not in end.get("sum", {}):
    print(f'{end["sum_received"]["bits_per_second"] / 1e9:.2f} Gbit/s', end="")
else:
    s = end.get("sum_received", end["sum"])
    print(f'{(s["packets"] - s["lost_packets"]) / s["seconds"] / 1e3:.0f} k/s', end="")
PY
}
measure() { # NAME
    local tcp udp latency
    netns one busybox ping -c 3 -W 1 -q 10.8.0.2 >/dev/null || true
    tcp=$(flow)
    udp=$(flow -u -b 0 -l 64)
    latency=$(netns one busybox ping -c 200 -i 0.01 -q 10.8.0.2 | sed -n 's|.*= \([0-9.]*\)/\([0-9.]*\)/.*|\1 / \2 ms|p')
    printf '| %-42s | %12s | %8s | %s |\n' "$1" "$tcp" "$udp" "$latency"
}

ends() { # Two devices of the lab, to-one and to-two, whose other ends are in the two namespaces.
    local n
    for n in one two; do
        in_lab link add "to-$n" type veth peer name "eth-$n"
        in_lab link set "to-$n" up
        in_lab link set "eth-$n" netns "macvlab-bench-$n"
        netns "$n" sysctl -qw "net.ipv6.conf.eth-$n.disable_ipv6=1"
        ip -n "macvlab-bench-$n" link set "eth-$n" up
    done
}
received() { netns two cat /sys/class/net/eth-two/statistics/rx_packets; }
nanoseconds() { [ -z "$live" ] && echo 0 || cut -d' ' -f1 "/proc/$live/schedstat"; } # `ip netns exec` has become macvlab.
forward() { # NAME: for three seconds a capture is sent into one device as fast as that goes; what comes out of the other is counted.
    local frames spent time
    frames=$(received) spent=$(nanoseconds) time=$(date +%s%N)
    netns one "$macvlab" live --quiet --relay --history 0 --for 3s \
        --attach "from=pcap:$work/frames.pcap" --attach to=af_packet:eth-one
    time=$(($(date +%s%N) - time)) frames=$(($(received) - frames)) spent=$(($(nanoseconds) - spent))
    [ -z "$live" ] && spent='none: it works in the sender'"'"'s time' || spent="$((spent / frames)) ns"
    printf '| %s | %s k/s | %s |\n' "$1" $((frames * 1000000 / time)) "$spent"
}

cat >"$work/ports.toml" <<'TOML'
[nic.eth0]
[macvlan.c1]
parent = "eth0"
mode   = "bridge"
[macvlan.c2]
parent = "eth0"
mode   = "bridge"
TOML

echo '| between two namespaces | TCP | 64-byte UDP | ping, min / mean |'
echo '| --- | --- | --- | --- |'
for history in 0 1000; do
    begin
    start "$work/ports.toml" --attach c1=tap:t1 --attach c2=tap:t2 --history "$history"
    give one t1 10.8.0.1
    give two t2 10.8.0.2
    measure "macvlab's bridge ports on TAP, history $history"
done

begin
in_lab link add wire type veth peer name eth0
for device in wire eth0; do in_lab link set "$device" up; done
for n in 1 2; do in_lab link add "m$n" link eth0 type macvlan mode vepa; done
start --relay --attach host=af_packet:wire --history 0
give one m1 10.8.0.1
give two m2 10.8.0.2
measure "kernel vepa ports, macvlab reflects"

begin
in_lab link add br0 type bridge
in_lab link set br0 up
in_lab link add wire type veth peer name eth0
for device in wire eth0; do in_lab link set "$device" up; done
in_lab link set wire master br0
in_lab link set wire type bridge_slave hairpin on
for n in 1 2; do in_lab link add "m$n" link eth0 type macvlan mode vepa; done
give one m1 10.8.0.1
give two m2 10.8.0.2
measure "kernel vepa ports, Linux bridge reflects"

begin
in_lab link add wire type veth peer name eth0
for device in wire eth0; do in_lab link set "$device" up; done
for n in 1 2; do in_lab link add "m$n" link eth0 type macvlan mode bridge; done
give one m1 10.8.0.1
give two m2 10.8.0.2
measure "kernel bridge ports"

begin
in_lab link add br0 type bridge
in_lab link set br0 up
for n in 1 2; do
    in_lab link add "p$n" type veth peer name "m$n"
    in_lab link set "p$n" up
    in_lab link set "p$n" master br0
done
give one m1 10.8.0.1
give two m2 10.8.0.2
measure "Linux bridge, veth"

echo
echo '| 64-byte frames, from interface to interface | arrive | processor time for each, beside the sender'"'"'s |'
echo '| --- | --- | --- |'
"$macvlab" generate "$work/frames.pcap" --frames 3000000 --size 64 2>/dev/null
begin
ends
start --relay --attach one=af_packet:to-one --attach two=af_packet:to-two --history 0
forward "macvlab's switch"

begin
ends
in_lab link add br0 type bridge
in_lab link set br0 up
for n in one two; do in_lab link set "to-$n" master br0; done
forward "Linux bridge"
