//! Hosts that are virtual machines, by the MAC addresses of their NICs: what the virtual switch outside drops unless it was
//! told otherwise.

use super::super::{Check, Imported};
use super::{Finding, MAX_REMEDIES, native, reach};
use crate::frame::MacAddr;
use crate::lab::Options;
use crate::lab::spec::{DeviceKind, LabSpec, Name, Target};
use crate::matrix::{self, Reach};
use crate::report::WhyReport;
use crate::switch::{Policy, VirtualSwitch};
use crate::why::{self, Question, TriedText};

/// The first half of MAC addresses (an OUI, IEEE 802) that products give to virtual machines.
const VENDORS: [([u8; 3], VirtualSwitch, &str); 5] = [
    ([0x00, 0x0c, 0x29], VirtualSwitch::Vmware, "VMware"),
    ([0x00, 0x50, 0x56], VirtualSwitch::Vmware, "VMware"),
    ([0x00, 0x05, 0x69], VirtualSwitch::Vmware, "VMware"),
    ([0x08, 0x00, 0x27], VirtualSwitch::VirtualBox, "VirtualBox"),
    ([0x00, 0x15, 0x5d], VirtualSwitch::HyperV, "Hyper-V"),
];

/// For each such NIC that carries ports: what does not work with the virtual switch as it comes.
pub(super) fn findings(imported: &Imported, options: &Options) -> Vec<Finding> {
    let lab = LabSpec { steps: Vec::new(), ..imported.lab.clone() };
    let nics = lab.devices.iter().filter_map(|device| match &device.kind {
        DeviceKind::Nic(nic) => Some((&device.name, nic.mac)),
        _ => None,
    });
    let virtual_nics = nics.filter_map(|(name, mac)| Some((name, product(mac)?)));
    virtual_nics.filter_map(|(name, product)| finding(imported, &lab, name, product, options)).collect()
}

fn product(mac: MacAddr) -> Option<(VirtualSwitch, &'static str)> {
    VENDORS.iter().find(|(prefix, ..)| mac.0.starts_with(prefix)).map(|(_, product, name)| (*product, *name))
}

fn finding(
    imported: &Imported,
    lab: &LabSpec,
    nic: &Name,
    (product, vendor): (VirtualSwitch, &str),
    options: &Options,
) -> Option<Finding> {
    let mut filtered = lab.clone();
    let mut ports = filtered.switches.iter_mut().flat_map(|switch| &mut switch.ports);
    let port = ports.find(|port| port.device == *nic && port.policy.is_none())?;
    port.policy = Some(Policy::VirtualSwitch { product, accepts: product.accepts() });
    let is_above = |name: &Name| {
        let port = lab.devices.iter().find(|device| device.name == *name)?.kind.parent()?;
        Some(port == nic)
    };
    let pairs = reach::pairs(lab).into_iter();
    let question = pairs
        .filter(|(from, _)| is_above(from) == Some(true))
        .map(|(from, to)| Question { to, ..Question::ping(from.clone(), from) })
        .find(|question| {
            let reaches = |lab: &LabSpec| matrix::explain_after(lab, question.action(), options).cell.reach;
            !options.stop.asked() && reaches(lab) == Reach::Reply && reaches(&filtered) != Reach::Reply
        })?;
    let explained = matrix::explain_after(&filtered, question.action(), options);
    let answer = why::ask(&filtered, &question, options);
    let report = WhyReport::new(&question, &answer, &|_| TriedText::default());
    let told = format!(
        "{nic} has a MAC address of {vendor}. If its virtual switch is as it comes, {}",
        report.told()
    );
    let mut finding = Finding::new(Check::VirtualNic, told, imported.places.get(nic).copied());
    finding.rules = explained.cell.rule.into_iter().chain(explained.cell.also).collect();
    finding.devices.push(nic.clone());
    if let Target::Device(to) = &question.to {
        finding.devices.extend([question.from.clone(), to.clone()]);
    }
    finding.remedies = native::remedies(imported, &filtered, &question, &answer, options);
    finding.remedies.truncate(MAX_REMEDIES);
    Some(finding)
}
