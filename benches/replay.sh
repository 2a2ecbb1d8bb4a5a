#!/usr/bin/env bash
# A replay beside what one would use otherwise, in turns: medians, and their ratios.
#
#   benches/replay.sh [SIZE [ROUNDS [FOLDER]]]     1G, 5 rounds, a folder of its own under $TMPDIR
#
# All read the same generated capture, which is in the page cache; what they write is removed before the next one's turn.
set -euo pipefail
cd "$(dirname "$0")/.."
size=${1:-1G} rounds=${2:-5} folder=${3:-$(mktemp -d)}
mkdir -p "$folder"
cargo build --release --quiet
macvlab=$PWD/target/release/macvlab
trap 'rm -rf "$folder"' EXIT
cd "$folder"

"$macvlab" generate in.pcap --bytes "$size" --macs 64
# A bridge port for each station of the capture: their addresses are those that `generate` makes.
awk 'BEGIN {
    print "[nic.eth0]"
    for (n = 0; n < 64; n++) {
        v = (n * 2654435761) % 4294967296
        printf "[macvlan.p%d]\nparent = \"eth0\"\nmode = \"bridge\"\n", n
        printf "mac = \"02:4d:%02x:%02x:%02x:%02x\"\n", int(v / 16777216) % 256, int(v / 65536) % 256, int(v / 256) % 256, v % 256
    }
}' >lab.toml
mac=$(awk -F'"' '/^mac/ { print $2; exit }' lab.toml)

names=(cat decide cp ports annotated)
declare -A command=(
    [cat]="cat in.pcap"
    [decide]="$macvlab replay in.pcap --lab lab.toml -q"
    [cp]="cp in.pcap out"
    [ports]="$macvlab replay in.pcap --lab lab.toml -q --out-dir out"
    [annotated]="$macvlab replay in.pcap --lab lab.toml -q -o out"
)
if command -v tcpdump >/dev/null; then
    names+=(tcpdump tcpdump_one)
    command[tcpdump]="tcpdump -r in.pcap -w out"
    command[tcpdump_one]="tcpdump -r in.pcap -w out ether dst $mac"
fi

once() { # NAME: runs it, adds its seconds to NAME.times, and keeps its peak memory in KiB.
    rm -rf out
    local start end
    start=$(date +%s.%N)
    if [ -x /usr/bin/time ]; then
        /usr/bin/time -f %M -o "$1.kib" ${command[$1]} >/dev/null 2>"$1.err"
    else
        ${command[$1]} >/dev/null 2>"$1.err"
    fi
    end=$(date +%s.%N)
    echo "$start $end" | awk '{ printf "%.3f\n", $2 - $1 }' >>"$1.times"
    [ "$1" != annotated ] || stat -c %s out >annotated.bytes
}

cat in.pcap >/dev/null
for _ in $(seq "$rounds"); do
    for name in "${names[@]}"; do once "$name"; done
done

median() { sort -n "$1.times" | awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] }'; }
ratio() { # NAME TO: how many times as long as TO.
    echo "$(median "$1") $(median "$2")" | awk '{ printf "%.2f", $1 / $2 }'
}
frames=$("$macvlab" replay in.pcap --lab lab.toml | awk -F': ' '/frames arrived/ { print $NF }')
echo "$(stat -c %s in.pcap) bytes, $frames frames, 64 ports; medians of $rounds rounds"
for name in "${names[@]}"; do
    printf '%-12s %8.3f s %12.0f frames/s' "$name" "$(median "$name")" "$(echo "$frames $(median "$name")" | awk '{ print $1 / $2 }')"
    [ -s "$name.kib" ] && printf ' %8d KiB' "$(tail -n 1 "$name.kib")"
    echo
done
echo "decide      / cat          $(ratio decide cat)"
echo "ports       / cp           $(ratio ports cp)"
[ -z "${command[tcpdump]:-}" ] || {
    echo "tcpdump     / ports        $(ratio tcpdump ports)"
    echo "tcpdump_one / ports        $(ratio tcpdump_one ports)   (64 ports are 64 such passes)"
}
echo "annotated writes           $(cat annotated.bytes) bytes"
