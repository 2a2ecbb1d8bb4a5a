// A lab in the address of the page: `#lab=TEXT&at=MOMENT`, where the text is a lab file, deflated, in base64url. Nothing is sent:
// browsers keep what is after `#` to themselves. What comes from a link is untrusted, and opened as any other text.
"use strict";

const playShare = (() => {
  // Of an address, in bytes: chats and mails pass on as much.
  const MAX_LINK = 32 * 1024;
  // Of what a link unpacks to, in bytes.
  const MAX_TEXT = 1024 * 1024;

  // All bytes of a stream; none if there are more than `most`.
  async function read(stream, most) {
    const parts = [];
    let length = 0;
    for (const reader = stream.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
      length += value.length;
      if (length > most) {
        await reader.cancel();
        throw new Error("too long");
      }
      parts.push(value);
    }
  }

  const through = (bytes, stream) => new Blob([bytes]).stream().pipeThrough(stream);

  // The part of an address for this lab, a text as bytes, at this moment, from 0.
  async function encode(lab, moment) {
    const packed = await read(through(lab, new CompressionStream("deflate-raw")), Infinity);
    let raw = "";
    for (const byte of packed) raw += String.fromCharCode(byte);
    const text = btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const link = `#lab=${text}&at=${moment + 1}`;
    if (link.length > MAX_LINK) {
      throw new Error(macvlab.t("the link would have {} characters, and {} at most are usable: save the lab instead.", link.length, MAX_LINK));
    }
    return link;
  }

  // What an address contains: { lab, moment }, or null if it has no lab.
  async function decode(address) {
    const found = /^#lab=([^&]*)(?:&at=(\d{1,9}))?$/.exec(address);
    if (!found) {
      if (address.startsWith("#lab")) throw new Error(macvlab.t("the link is damaged."));
      return null;
    }
    if (address.length > MAX_LINK) throw new Error(macvlab.t("the link has more than {} characters.", MAX_LINK));
    try {
      const raw = atob(found[1].replaceAll("-", "+").replaceAll("_", "/"));
      const packed = Uint8Array.from(raw, (c) => c.charCodeAt(0));
      const bytes = await read(through(packed, new DecompressionStream("deflate-raw")), MAX_TEXT);
      const lab = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      return { lab, moment: found[2] ? Number(found[2]) - 1 : undefined };
    } catch (error) {
      if (error.message === "too long") throw new Error(macvlab.t("the lab in the link is longer than {} bytes.", MAX_TEXT));
      throw new Error(macvlab.t("the link is damaged."));
    }
  }

  return { encode, decode };
})();
