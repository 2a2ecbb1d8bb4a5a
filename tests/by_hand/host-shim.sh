# fixtures/labs/host-shim.toml with the tools of iproute2: one line for each ping of the lab.
for n in h w d g s; do
    ip netns add "$NS$n"
    ip -n "$NS$n" link set lo up
done
on() { n=$1; shift; ip -n "$NS$n" "$@"; }
on h link add eth0 type veth peer name p0 netns "${NS}s"
on g link add gw type veth peer name p1 netns "${NS}s"
on s link add sw0 type bridge
on s link set p0 master sw0 up
on s link set p1 master sw0 up
on s link set sw0 up
on h link set eth0 up
on h addr add 10.0.0.2/24 dev eth0
on g link set gw up
on g addr add 10.0.0.1/24 dev gw
on h link add shim link eth0 type macvlan mode bridge
on h addr add 10.0.0.250/32 dev shim
on h link set shim up
on h route add default via 10.0.0.1
container() {
    on h link add "$2" link eth0 type macvlan mode bridge
    on h link set "$2" netns "$NS$1"
    on "$1" addr add "$3" dev "$2"
    on "$1" link set "$2" up
}
container w web 10.0.0.193/24
container d db 10.0.0.194/24
settle
asks h 10.0.0.193
asks w 10.0.0.2
on h route add 10.0.0.192/27 dev shim
asks h 10.0.0.193
asks w 10.0.0.2
asks d 10.0.0.250
asks h 10.0.0.1
on h link set shim down
asks h 10.0.0.193
on h link set shim up
settle
asks h 10.0.0.193
