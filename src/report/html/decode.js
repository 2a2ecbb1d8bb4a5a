"use strict";
// Decodes headers for display. A layer is { title, from, to, fields: [[name, value]] }; truncated bytes end the list.
globalThis.macvlab ??= {};

macvlab.bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

macvlab.decode = (() => {
  const ETHERTYPES = { 0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6", 0x8100: "VLAN tag", 0x88a8: "service VLAN tag",
    0x8808: "MAC control", 0x8809: "slow protocol", 0x88b5: "experimental", 0x88cc: "LLDP", 0x888e: "EAPOL" };
  const PROTOCOLS = { 1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 58: "ICMPv6" };
  const ICMP4 = { 0: "echo reply", 3: "destination unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded" };
  const ICMP6 = { 1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 128: "echo request",
    129: "echo reply", 133: "router solicitation", 134: "router advertisement", 135: "neighbour solicitation",
    136: "neighbour advertisement" };
  const EXTENSIONS = new Set([0, 43, 44, 60]);

  const hex = (n, digits) => "0x" + n.toString(16).padStart(digits, "0");
  const named = (n, names, digits) => (names[n] ? `${digits ? hex(n, digits) : n} (${names[n]})` : digits ? hex(n, digits) : `${n}`);
  const mac = (b) => [...b].map((x) => x.toString(16).padStart(2, "0")).join(":");
  const v4 = (b) => [...b].join(".");
  const v6 = (b) => {
    const words = Array.from({ length: 8 }, (_, i) => ((b[2 * i] << 8) | b[2 * i + 1]).toString(16));
    // The longest run of zeros, of at least two words, is omitted (RFC 5952).
    let best = [0, 1];
    for (let i = 0; i < 8; i += 1) {
      let n = 0;
      while (i + n < 8 && words[i + n] === "0") n += 1;
      if (n > best[1]) best = [i, n];
    }
    if (best[1] < 2) return words.join(":");
    return `${words.slice(0, best[0]).join(":")}::${words.slice(best[0] + best[1]).join(":")}`;
  };

  // Reads numbers and addresses, and throws at the end of the bytes.
  class Reader {
    constructor(bytes, at = 0) { this.bytes = bytes; this.at = at; }
    take(n) {
      if (this.at + n > this.bytes.length) throw new RangeError("truncated");
      this.at += n;
      return this.bytes.subarray(this.at - n, this.at);
    }
    u8() { return this.take(1)[0]; }
    u16() { const [a, b] = this.take(2); return (a << 8) | b; }
    u32() { return this.u16() * 65536 + this.u16(); }
    left() { return this.bytes.length - this.at; }
  }

  // Each reads one header, records its fields, and returns the next decoder.
  const read = {
    ethernet(r, f) {
      const dst = mac(r.take(6));
      f.push(["destination", dst === "ff:ff:ff:ff:ff:ff" ? `${dst} (broadcast)` : parseInt(dst, 16) & 1 ? `${dst} (group)` : dst]);
      f.push(["source", mac(r.take(6))]);
      return type(r, f);
    },
    vlan(r, f) {
      const tci = r.u16();
      f.push(["VLAN id", `${tci & 0xfff}`], ["priority", `${tci >> 13}`], ["drop eligible", tci & 0x1000 ? "yes" : "no"]);
      return type(r, f);
    },
    arp(r, f) {
      const [hardware, protocol, hlen, plen, op] = [r.u16(), r.u16(), r.u8(), r.u8(), r.u16()];
      f.push(["hardware", named(hardware, { 1: "Ethernet" })], ["protocol", named(protocol, ETHERTYPES, 4)]);
      f.push(["operation", named(op, { 1: "request: who has?", 2: "reply: is at" })]);
      if (hlen !== 6 || plen !== 4) return null;
      f.push(["sender MAC", mac(r.take(6))], ["sender IP", v4(r.take(4))]);
      f.push(["target MAC", mac(r.take(6))], ["target IP", v4(r.take(4))]);
      return null;
    },
    ipv4(r, f) {
      const start = r.at;
      const first = r.u8();
      const length = (first & 15) * 4;
      const tos = r.u8();
      f.push(["version", `${first >> 4}`], ["header length", `${length} bytes`], ["type of service", hex(tos, 2)]);
      f.push(["total length", `${r.u16()} bytes`], ["identification", hex(r.u16(), 4)]);
      const flags = r.u16();
      const offset = (flags & 0x1fff) * 8;
      f.push(["flags", [flags & 0x4000 ? "don't fragment" : "", flags & 0x2000 ? "more fragments" : ""].filter(Boolean).join(", ") || "none"]);
      f.push(["fragment offset", `${offset} bytes`], ["time to live", `${r.u8()}`]);
      const protocol = r.u8();
      f.push(["protocol", named(protocol, PROTOCOLS)], ["header checksum", hex(r.u16(), 4)]);
      f.push(["source", v4(r.take(4))], ["destination", v4(r.take(4))]);
      if (length > 20) f.push(["options", `${r.take(length - (r.at - start)).length} bytes`]);
      return offset ? null : transport(protocol);
    },
    ipv6(r, f) {
      const first = r.u32();
      f.push(["version", `${first >>> 28}`], ["traffic class", hex((first >>> 20) & 255, 2)], ["flow label", hex(first & 0xfffff, 5)]);
      f.push(["payload length", `${r.u16()} bytes`]);
      const next = r.u8();
      f.push(["next header", named(next, PROTOCOLS)], ["hop limit", `${r.u8()}`]);
      f.push(["source", v6(r.take(16))], ["destination", v6(r.take(16))]);
      return transport(next);
    },
    extension(r, f) {
      const next = r.u8();
      const length = (r.u8() + 1) * 8;
      f.push(["next header", named(next, PROTOCOLS)], ["length", `${length} bytes`]);
      r.take(length - 2);
      return transport(next);
    },
    icmp(r, f) {
      const kind = r.u8();
      f.push(["type", named(kind, ICMP4)], ["code", `${r.u8()}`], ["checksum", hex(r.u16(), 4)]);
      return echo(r, f, kind === 0 || kind === 8);
    },
    icmp6(r, f) {
      const kind = r.u8();
      f.push(["type", named(kind, ICMP6)], ["code", `${r.u8()}`], ["checksum", hex(r.u16(), 4)]);
      if (kind === 135 || kind === 136) {
        r.take(4);
        f.push(["target", v6(r.take(16))]);
        return null;
      }
      return echo(r, f, kind === 128 || kind === 129);
    },
    udp(r, f) {
      f.push(["source port", `${r.u16()}`], ["destination port", `${r.u16()}`]);
      f.push(["length", `${r.u16()} bytes`], ["checksum", hex(r.u16(), 4)]);
      return null;
    },
    tcp(r, f) {
      f.push(["source port", `${r.u16()}`], ["destination port", `${r.u16()}`]);
      f.push(["sequence", `${r.u32()}`], ["acknowledgement", `${r.u32()}`]);
      const flags = r.u16();
      const names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"].filter((_, bit) => flags & (1 << bit));
      const length = (flags >> 12) * 4;
      f.push(["header length", `${length} bytes`], ["flags", names.join(" ") || "none"]);
      f.push(["window", `${r.u16()}`], ["checksum", hex(r.u16(), 4)], ["urgent pointer", `${r.u16()}`]);
      if (length > 20) f.push(["options", `${r.take(length - 20).length} bytes`]);
      return null;
    },
  };
  const TITLES = { ethernet: "Ethernet", vlan: "VLAN tag (802.1Q)", arp: "ARP", ipv4: "IPv4", ipv6: "IPv6",
    extension: "IPv6 extension", icmp: "ICMP", icmp6: "ICMPv6", udp: "UDP", tcp: "TCP" };

  function type(r, f) {
    const value = r.u16();
    f.push(value < 1536 ? ["length", `${value} bytes`] : ["ethertype", named(value, ETHERTYPES, 4)]);
    return { 0x8100: "vlan", 0x88a8: "vlan", 0x0806: "arp", 0x0800: "ipv4", 0x86dd: "ipv6" }[value] ?? null;
  }
  function transport(protocol) {
    if (EXTENSIONS.has(protocol)) return "extension";
    return { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6" }[protocol] ?? null;
  }
  function echo(r, f, is) {
    if (is) f.push(["identifier", `${r.u16()}`], ["sequence", `${r.u16()}`]);
    return null;
  }

  return (bytes) => {
    const layers = [];
    const r = new Reader(bytes);
    let next = "ethernet";
    while (next) {
      const layer = { title: TITLES[next], from: r.at, to: r.at, fields: [] };
      layers.push(layer);
      try {
        next = read[next](r, layer.fields);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        layer.fields.push(["truncated", `after ${bytes.length - layer.from} bytes`]);
        r.at = bytes.length;
        next = null;
      }
      layer.to = r.at;
    }
    if (r.left()) layers.push({ title: "Payload", from: r.at, to: bytes.length, fields: [["length", `${r.left()} bytes`]] });
    return layers;
  };
})();
