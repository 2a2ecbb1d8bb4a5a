//! The lab file: TOML that reads like `ip link`, checked before anything runs, with diagnostics that point at the wrong
//! line.
//!
//! [`parse`] reads a file into a [`LabSpec`], or reports everything that is wrong with it; [`write()`] is its inverse.
//! Operations that the *kernel* would refuse are not errors in the file: they fail when the lab runs.
//!
//! ```
//! let lab = macvlab::labfile::parse("lab.toml", r#"
//!     [nic.eth0]
//!     cable = "win"
//!     [macvlan.c1]
//!     parent = "eth0"
//!     mode   = "bridge"
//!     [station.win]
//!     [[step]]
//!     inject = { at = "win", ethernet = { dst = "c1" } }
//!     expect = { delivered = ["c1"] }
//! "#).unwrap();
//! assert_eq!(lab.devices.len(), 3);
//!
//! let mistakes = macvlab::labfile::parse("lab.toml", "[nic.eth0]\nmtuu = 9000").unwrap_err();
//! assert_eq!(mistakes.list()[0].message, "unknown key `mtuu`");
//! assert_eq!(mistakes.list()[0].help.as_deref(), Some("did you mean `mtu`?"));
//! ```
//!
//! # Crafted frames
//! An `inject` step has a `frame` in hex, or one of these, in which everything except `target_ip` and `to` is optional:
//!
//! | body | keys (defaults) |
//! | --- | --- |
//! | `ethernet` | `ethertype` (0x88b5, local experiments), `payload` in hex (empty) |
//! | `arp` | `op` (`"request"`, `"reply"` or a number), `sender_mac`, `sender_ip` (the sending device's), `target_mac` (zero), `target_ip` |
//! | `icmp` | `from` (the sending device's IP address), `to`, `id` (1), `seq` (1), `ttl` (64), `size` of the data (56)
//! |
//! | `udp` | `from`, `to`, `sport` (49152), `dport` (7, echo), `ttl` (64), `payload` in hex |
//! | each of them | `dst` (broadcast; of a packet, the MAC address of its destination device), `src` (the sending
//! device's), `vlan`, `pad` to a length with zeros |
//!
//! MAC and IP addresses may be given as the name of the device that has them. `vlan` is an id, a table `{ tpid, id,
//! pcp, dei }`, or a list of those, outermost first. A tagged frame of fewer than 20 bytes is discarded on arrival
//! (rule R72): `pad` it.
//!
//! # VLANs of switch ports
//! `vlan = { pvid, untagged, tagged }` is the port's complete membership: VLANs that it does not name are not included.
//! Without it a port has VLAN 1, untagged.

mod bond;
mod craft;
mod declared;
mod device;
mod diagnostic;
mod expected;
mod host;
mod lesson;
mod lint;
mod masters;
mod names;
mod one_step;
mod point_out;
mod read;
mod scalar;
mod set;
mod step;
mod suggest;
mod switch;
#[cfg(test)]
mod tests;
mod write;

pub use crate::limits::{DEVICES as MAX_DEVICES, LAB_FILE_BYTES as MAX_FILE};
pub use diagnostic::{Diagnostic, Diagnostics, MAX_SHOWN, Severity};
pub use lesson::MAX_CHOICES;
pub use one_step::{Index, parse_step};
pub use point_out::{Remark, point_out};
pub use scalar::{MAX_DURATION, MAX_FRAME, parse_duration};
pub use step::MAX_COUNT;
pub use write::{changed_lines, tried_text, write, write_action};

use crate::lab::Captures;
use crate::lab::spec::{DeviceKind, LabSpec};
use crate::limits::LAB_FILE_VALUES;
use diagnostic::LineIndex;
use read::{Node, Path, Reader, Table, list};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Maximum number of dots on one line outside strings: dotted keys nest tables, and the parser recurses into them.
const MAX_DOTS: usize = 16;

/// Why a lab file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It cannot be read.
    #[error("{0}: {1}")]
    Io(String, #[source] std::io::Error),
    /// It has errors.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

/// Reads a lab file from disk.
///
/// # Errors
/// [`LoadError`] if it cannot be read, is not UTF-8, or has errors.
pub fn load(path: &std::path::Path) -> Result<LabSpec, LoadError> {
    use std::io::Read as _;
    let name = path.display().to_string();
    let io = |e| LoadError::Io(name.clone(), e);
    let mut text = String::new();
    // One byte more than allowed is enough to detect a file that is too long.
    let limit = MAX_FILE as u64 + 1;
    std::fs::File::open(path).and_then(|f| f.take(limit).read_to_string(&mut text)).map_err(io)?;
    Ok(parse(&name, &text)?)
}

/// Reads a lab file. `name` is its name in diagnostics.
///
/// # Errors
/// [`Diagnostics`]: every error with its line, its column and a hint.
pub fn parse(name: &str, text: &str) -> Result<LabSpec, Diagnostics> {
    read(name, text).map(|(lab, _)| lab)
}

/// Reads a lab file; also the TOML that it is.
fn read<'t>(name: &str, text: &'t str) -> Result<(LabSpec, Spanned<DeTable<'t>>), Diagnostics> {
    let mut cx = Reader::new(text);
    let root = if within_limits(&mut cx, text) { toml(&mut cx, text) } else { None };
    let lab = root.as_ref().and_then(|root| document(&mut cx, root.get_ref()));
    cx.finish(name, text, lab.zip(root))
}

/// A lab file that can be used.
#[derive(Debug)]
pub struct Checked {
    /// What it says.
    pub lab: LabSpec,
    /// What is probably not meant; `None` if nothing is.
    pub warnings: Option<Diagnostics>,
}

/// Reads a lab file as [`parse`] does, and looks for what the file may say and is probably not meant: an address that
/// two devices have, for example, or a device that the kernel would refuse.
///
/// ```
/// let checked = macvlab::labfile::check("lab.toml", r#"
///     [station.a]
///     address = "192.0.2.1/24"
///     [station.b]
///     address = "192.0.2.1/24"
///     [switch.sw0.port.a]
///     [switch.sw0.port.b]
/// "#).unwrap();
/// let warnings = checked.warnings.unwrap();
/// let warning = &warnings.list()[0];
/// assert_eq!((warning.line, warning.key.as_str()), (5, "station.b.address"));
/// assert_eq!(warning.message, "the IP address 192.0.2.1 is used twice in one broadcast domain");
/// ```
///
/// # Errors
/// [`Diagnostics`], as for [`parse`].
pub fn check(name: &str, text: &str) -> Result<Checked, Diagnostics> {
    checked(name, text, false)
}

/// The same for those who run the lab: without warnings about what the kernel refuses, which the lab reports when it is
/// made.
///
/// # Errors
/// [`Diagnostics`], as for [`parse`].
pub fn check_to_run(name: &str, text: &str) -> Result<Checked, Diagnostics> {
    checked(name, text, true)
}

fn checked(name: &str, text: &str, runs: bool) -> Result<Checked, Diagnostics> {
    let (lab, root) = read(name, text)?;
    let found = lint::warnings(&lab, root.get_ref(), runs);
    let warnings = (!found.is_empty())
        .then(|| Diagnostics::of(found, Severity::Warning, name, text, &LineIndex::new(text)));
    Ok(Checked { lab, warnings })
}

/// Checks whether the file is safe to parse; if not, reports why.
fn within_limits(cx: &mut Reader<'_>, text: &str) -> bool {
    if text.len() > MAX_FILE {
        let message = format!("the file has {} bytes or more", text.len());
        cx.problem(String::new(), 0..0, message, format!("at most {MAX_FILE} are read"));
        return false;
    }
    // The parser's representation of a value is far larger than its shortest text, `1,`.
    let begins_value = |byte: &u8| matches!(byte, b'=' | b',' | b'[' | b'{');
    if text.bytes().filter(|byte| begins_value(byte)).count() > LAB_FILE_VALUES {
        let help = "keys, elements of lists and tables are counted".to_owned();
        cx.problem(String::new(), 0..0, format!("more than {LAB_FILE_VALUES} values in the file"), help);
        return false;
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if dots(line) > MAX_DOTS {
            let help = format!("at most {MAX_DOTS} outside strings");
            cx.problem(String::new(), at..at, "too many dots on one line", help);
            return false;
        }
        at += line.len();
    }
    true
}

/// The number of dots outside strings in a line; all of them if a multi-line string begins or ends there.
fn dots(line: &str) -> usize {
    let all = line.bytes().filter(|b| *b == b'.').count();
    if all <= MAX_DOTS || line.contains("\"\"\"") || line.contains("'''") {
        return all;
    }
    let (mut count, mut quote, mut escaped) = (0, None, false);
    for byte in line.bytes() {
        match (quote, byte) {
            (Some(b'"'), _) if escaped => escaped = false,
            (Some(b'"'), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'#') => break,
            (None, b'.') => count += 1,
            (None, _) => {}
        }
    }
    count
}

/// The text as TOML; `None` if it is not valid.
fn toml<'t>(cx: &mut Reader<'_>, text: &'t str) -> Option<Spanned<DeTable<'t>>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let mut lines = error.message().lines();
        let message = lines.next().unwrap_or("invalid TOML").to_owned();
        let help: Vec<&str> = lines.collect();
        cx.problem(String::new(), span, message, (!help.is_empty()).then(|| help.join("; ")));
    }
    errors.is_empty().then_some(root)
}

/// The whole file; `None` if it has unknown tables.
fn document(cx: &mut Reader<'_>, root: &DeTable<'_>) -> Option<LabSpec> {
    let root = Table::root(root);
    let mut spec = LabSpec { title: root.get(cx, "title", title).unwrap_or_default(), ..LabSpec::default() };
    let unknown = tables(cx, &root, &mut spec);
    root.get(cx, "step", |cx, node| {
        let steps = list(cx, node, "a list of steps, each starting with [[step]]", step::step)?;
        spec.steps = steps;
        ends_in_time(cx, node, &spec)
    });
    root.get(cx, "lesson", |cx, node| {
        spec.lesson = lesson::lesson(cx, node, spec.steps.len())?;
        Some(())
    });
    if count(&spec) > MAX_DEVICES {
        let message = format!("{} devices, hosts, switches and ports of switches", count(&spec));
        cx.problem(String::new(), 0..0, message, format!("at most {MAX_DEVICES}"));
    }
    names::check(cx);
    (!unknown).then_some(spec)
}

/// Checks that the steps fit the lab's time limit; the first that does not is an error.
fn ends_in_time(cx: &mut Reader<'_>, steps: &Node<'_, '_>, spec: &LabSpec) -> Option<()> {
    let Some(index) = spec.too_late(&Captures::new()) else { return Some(()) };
    let line = spec.steps.get(index)?.line;
    let DeValue::Array(array) = steps.value else { return None };
    // Steps that could not be read are missing from the list.
    let (number, value) = array.iter().enumerate().find(|(_, v)| cx.lines.line(v.span().start) == line)?;
    let path = Path::Index(&steps.path, number + 1);
    let node = Node { path, span: value.span(), value: value.get_ref() };
    let help = "waits, timeouts and counts of all steps together must fit into it";
    cx.wrong(&node, "this step could run beyond the lab's time limit of 100 years", help)
}

fn title(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<String> {
    let title = scalar::text(cx, node)?;
    if title.chars().any(char::is_control) {
        return cx.wrong(node, "the title is one line of text", "without line breaks and control characters");
    }
    Some(title)
}

fn count(spec: &LabSpec) -> usize {
    let interfaces = |kind: &DeviceKind| match kind {
        DeviceKind::Router(router) => router.interfaces.len(),
        _ => 0,
    };
    spec.devices.iter().map(|d| 1 + interfaces(&d.kind)).sum::<usize>()
        + spec.hosts.len()
        + spec.switches.iter().map(|s| 1 + s.ports.len()).sum::<usize>()
}

/// Reads the tables of devices and switches in the order of the file. Returns whether there was an unknown one.
fn tables(cx: &mut Reader<'_>, root: &Table<'_, '_>, spec: &mut LabSpec) -> bool {
    let known = [&["title", "step", "lesson", "host", "switch"][..], &device::TABLES].concat();
    let mut all = Vec::new();
    let mut unknown = false;
    for (kind, value) in root.entries() {
        let kind_name = kind.get_ref().as_ref();
        let is_known = known.contains(&kind_name);
        if !is_known {
            unknown = true;
            // Hints are expensive, and a file may have a million such keys.
            if !cx.full() {
                let what = if matches!(value.get_ref(), DeValue::Table(_)) { "table" } else { "key" };
                let message = format!("unknown {what} `{kind_name}`");
                cx.problem(kind_name.to_owned(), kind.span(), message, suggest::hint(kind_name, &known));
            }
        }
        if ["title", "step", "lesson"].contains(&kind_name) {
            continue;
        }
        let path = Path::Key(&Path::Root, kind_name);
        let node = Node { path, span: value.span(), value: value.get_ref() };
        match value.get_ref() {
            DeValue::Table(map) => all.extend(map.iter().map(|(name, value)| (kind_name, name, value))),
            _ if is_known => {
                cx.wrong::<()>(
                    &node,
                    format!("`{kind_name}` without a name"),
                    &format!("write [{kind_name}.NAME]"),
                );
            }
            _ => {}
        }
    }
    all.sort_by_key(|(_, name, _)| name.span().start);
    for (kind, key, value) in all {
        let parent = Path::Key(&Path::Root, kind);
        let name = key.get_ref().as_ref();
        let node = Node { path: Path::Key(&parent, name), span: value.span(), value: value.get_ref() };
        if kind == "switch" {
            spec.switches.extend(switch::switch(cx, name, key.span(), &node));
        } else if kind == "host" {
            spec.hosts.extend(host::host(cx, name, key.span(), &node));
        } else if device::TABLES.contains(&kind) {
            spec.devices.extend(device::device(cx, kind, name, key.span(), &node));
        } else {
            names::declare(cx, name, names::Kind::Unclear, node.path.to_string(), key.span(), Vec::new());
        }
    }
    unknown
}
