# fixtures/labs/host-two-interfaces.toml with the tools of iproute2: one line for each ping of the lab.
for n in p n d s; do
    ip netns add "$NS$n"
    ip -n "$NS$n" link set lo up
    ip netns exec "$NS$n" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
done
on() { n=$1; shift; ip -n "$NS$n" "$@"; }
plug() {
    on "$1" link add "$2" type veth peer name "p$2" netns "${NS}s"
    on s link set "p$2" master sw0 up
    on "$1" link set "$2" up
}
on s link add sw0 type bridge
on s link set sw0 up
plug p eth0
plug n node
plug d peer
on p addr add 10.0.0.2/24 dev eth0
on d addr add 10.0.0.9/24 dev peer
on n link add net1 link node type macvlan mode bridge
on n link set net1 netns "${NS}p"
on p addr add 10.0.0.3/24 dev net1
on p link set net1 up
set_pod() { ip netns exec "${NS}p" sysctl -qw "net.ipv4.conf.$1"; }
flush() { on "$1" neigh flush dev "$2"; }
settle
asks d 10.0.0.3
set_pod all.arp_ignore=1
set_pod all.arp_announce=2
flush d peer
asks d 10.0.0.3
set_pod net1.rp_filter=1
flush d peer
asks d 10.0.0.3
asks d 10.0.0.2
on p route add 10.0.0.9 dev net1
asks d 10.0.0.3
set_pod all.arp_ignore=8
flush d peer
flush p net1
flush p eth0
asks d 10.0.0.2
set_pod all.arp_ignore=0
set_pod all.arp_filter=1
asks d 10.0.0.2
