//! Features that some labs need and some kernels lack, found out by trying: a kernel need not report its configuration,
//! and modules come and go.

use super::error::OracleError;
use super::link::{self, NewEnd};
use super::pool::{DEVICE, Pool, Role};
use crate::errno::ErrorNumber;
use crate::frame::MacAddr;
use crate::lab::spec::{DeviceKind, LabSpec, Name};
use netlink_packet_route::link::InfoBridge;

/// A feature that a kernel may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    SubInterfaces,
    VlanFiltering,
}

/// Where features are tried.
const INDEX: u32 = 2;

/// Explains why a lab that needs 802.1Q sub-interfaces or VLAN filtering is skipped.
///
/// # Errors
/// [`OracleError::Unsupported`] with the kernel's error, or, if the kernel supports the feature, that labs are not
/// built with it; other errors if there is no namespace to try it in.
pub(super) fn check(pool: &mut Pool, lab: &LabSpec) -> Result<(), OracleError> {
    let Some((name, feature)) = needed(lab) else { return Ok(()) };
    let mut cell = pool.take(Role::Deaf, 0)?;
    let namespace = cell.raw();
    let answer = match feature {
        Feature::SubInterfaces => {
            let end = |ifindex: u32| NewEnd {
                ifname: format!("try{ifindex}"),
                ifindex,
                mac: MacAddr([2, 0, 0, 0, 0, 0xfe]),
                mtu: 1500,
            };
            link::cable(&mut cell.rtnl, &end(INDEX), &end(INDEX + 1), namespace)
                .and_then(|()| link::sub_interface(&mut cell.rtnl, INDEX, INDEX + 2))
        }
        Feature::VlanFiltering => {
            let mac = MacAddr([2, 0, 0, 0, 0, 0xfe]);
            link::bridge(&mut cell.rtnl, DEVICE, INDEX, mac, vec![InfoBridge::VlanFiltering(true)])
        }
    };
    pool.give(cell);
    Err(OracleError::Unsupported(reason(&name, feature, answer)))
}

/// The first device or switch that needs a feature.
fn needed(lab: &LabSpec) -> Option<(Name, Feature)> {
    let is_vlan = |kind: &DeviceKind| matches!(kind, DeviceKind::Vlan(_));
    let device = lab.devices.iter().find(|d| is_vlan(&d.kind)).map(|d| (&d.name, Feature::SubInterfaces));
    let switch = lab.switches.iter().find(|s| s.vlan_filtering).map(|s| (&s.name, Feature::VlanFiltering));
    device.or(switch).map(|(name, feature)| (name.clone(), feature))
}

fn reason(name: &str, feature: Feature, answer: Result<(), ErrorNumber>) -> String {
    let what = match feature {
        Feature::SubInterfaces => "802.1Q sub-interfaces",
        Feature::VlanFiltering => "VLAN filtering",
    };
    match answer {
        Err(error) => format!("{name}: {what}: the kernel refuses ({error})"),
        Ok(()) => format!("{name}: {what}: the kernel supports this, but labs are not built with it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_kernels_or_ours() {
        let refused = reason("eth0.10", Feature::SubInterfaces, Err(ErrorNumber(libc::EOPNOTSUPP)));
        assert_eq!(refused, "eth0.10: 802.1Q sub-interfaces: the kernel refuses (EOPNOTSUPP)");
        let able = reason("sw0", Feature::VlanFiltering, Ok(()));
        assert_eq!(able, "sw0: VLAN filtering: the kernel supports this, but labs are not built with it");
    }
}
