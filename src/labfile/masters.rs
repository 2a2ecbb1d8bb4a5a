//! Which devices are ports of bridges and bonds, and whether they can be.

use super::names::{Kind, Names, Want};
use super::read::{Node, Reader};
use crate::lab::spec::Name;
use std::collections::BTreeMap;
use std::ops::Range;

/// A place where a file says that a device is a port of a bridge or a bond.
pub(super) struct Enslaved {
    device: Name,
    master: Name,
    by: By,
    key: String,
    span: Range<usize>,
}

/// Who says so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The device's table.
    Device,
    /// The bond's table.
    Bond,
    /// A step.
    Step,
}

impl Names<'_> {
    /// The table of a device, or an `add` step, makes it a port of a bridge.
    pub(super) fn enslave(&mut self, device: &str, master: &str, node: &Node<'_, '_>) {
        self.enslaved_by(By::Device, device, master, node);
    }

    /// The table of a bond makes a device a port of it.
    pub(super) fn bond(&mut self, device: &str, bond: &str, node: &Node<'_, '_>) {
        self.enslaved_by(By::Bond, device, bond, node);
    }

    /// A step makes a device a port of a bridge or a bond.
    pub(super) fn enslave_by_step(&mut self, device: &str, master: &str, node: &Node<'_, '_>) {
        self.enslaved_by(By::Step, device, master, node);
    }

    fn enslaved_by(&mut self, by: By, device: &str, master: &str, node: &Node<'_, '_>) {
        let (key, span) = (node.path.to_string(), node.span.clone());
        self.enslaved.push(Enslaved { device: device.into(), master: master.into(), by, key, span });
    }
}

/// Checks the ports of bonds, and gives those of bridges their places. What makes an error of its own has no place.
pub(super) fn places(cx: &mut Reader<'_>) {
    let mut first: BTreeMap<Name, (Name, Range<usize>)> = BTreeMap::new();
    // A device's own table comes first, wherever it is.
    let mut enslaved = std::mem::take(&mut cx.names.enslaved);
    enslaved.sort_by_key(|port| port.by != By::Device);
    for port in enslaved {
        if cx.names.kind_of(&port.master) != Some(Kind::Bond) {
            if port.by == By::Device {
                first.insert(port.device.clone(), (port.master.clone(), port.span.clone()));
            }
            place(cx, port);
        } else {
            bond_port(cx, port, &mut first);
        }
    }
}

/// A port of a bridge. A lab that is there already gives it no new place.
fn place(cx: &mut Reader<'_>, port: Enslaved) {
    let Enslaved { device, master, key, span, .. } = port;
    if !cx.names.is_step() {
        return cx.names.put_inside(master, device);
    }
    let known = cx.names.kind_of(&device).is_some() && cx.names.kind_of(&master).is_some();
    if known && !cx.names.is_inside(&master, &device) {
        let help = "the lab's file must make it a port of that bridge at some time".to_owned();
        cx.problem(key, span, format!("`{master}` has no place for `{device}`"), help);
    }
}

/// A port of a bond: a NIC of the same host, which begins as a port of nothing else.
fn bond_port(cx: &mut Reader<'_>, port: Enslaved, first: &mut BTreeMap<Name, (Name, Range<usize>)>) {
    let Enslaved { device, master, by, key, span } = port;
    let kind = cx.names.kind_of(&device);
    if kind != Some(Kind::Nic) {
        // A bond's table has said so of its ports.
        if let Some(kind) = kind.filter(|kind| by == By::Step && *kind != Kind::Unclear) {
            let message = format!("`{device}` is {}", kind.article());
            cx.problem(key, span, message, Want::BondPort.help().to_owned());
        }
        return;
    }
    if by == By::Bond {
        if let Some((other, at)) = first.get(&device) {
            let message = format!("`{device}` is a port of `{other}` already");
            let other = Some((at.clone(), "here".to_owned()));
            return cx.problem_with(key, span, message, None, other);
        }
        first.insert(device.clone(), (master.clone(), span.clone()));
    }
    if let Some(host) = cx.names.host_of(&device).cloned()
        && cx.names.host_of(&master) != Some(&host)
        && by == By::Bond
    {
        let message = format!("`{device}` belongs to the host `{host}`, and `{master}` does not");
        cx.problem(key, span, message, format!("give both `host = \"{host}\"`, or the NIC none"));
    }
}
