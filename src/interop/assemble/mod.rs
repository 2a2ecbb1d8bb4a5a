//! A draft as a lab.
//!
//! | file | step |
//! | --- | --- |
//! | `networks.rs` | containers get an interface for each network of theirs, with an address |
//! | `made_up.rs` | members of networks, and networks, that the input only names |
//! | `links.rs` | what is below each interface, and which NICs nobody described |
//! | `same.rs` | what several outputs show of one machine |
//! | `dynamic.rs` | addresses of interfaces that get them elsewhere |
//! | `wire.rs` | which NICs share a switch, and the gateways outside |
//! | `named.rs` | names for devices: those of the machines, if that is clear |
//! | `emit.rs` | the devices |
//! | `steps.rs` | who pings whom |

mod dynamic;
mod emit;
mod links;
mod made_up;
mod named;
mod networks;
mod same;
mod steps;
mod wire;

use super::{Draft, ImportError, Imported, Interface, Machine};
use crate::limits::DEVICES;

/// An interface: the index of its machine, and its own there.
pub(super) type Id = (usize, usize);

/// The lab that a draft describes.
pub(super) fn assemble(mut draft: Draft) -> Result<Imported, ImportError> {
    networks::attach(&mut draft);
    let links = links::settle(&mut draft);
    dynamic::address(&mut draft, &links);
    let count: usize = draft.machines.iter().map(|machine| machine.interfaces.len()).sum();
    if count == 0 {
        return Err(ImportError::Nothing);
    }
    if count > DEVICES {
        return Err(ImportError::TooLarge(count));
    }
    let names = named::names(&draft, &links);
    let wire = wire::wire(&draft, &links, &names);
    let mut imported = emit::emit(&draft, &links, &names, wire);
    imported.lab.steps = steps::steps(&draft, &imported.lab, &names);
    Ok(imported)
}

impl Draft {
    /// All interfaces.
    fn ids(&self) -> impl Iterator<Item = Id> + '_ {
        let machines = self.machines.iter().enumerate();
        machines.flat_map(|(m, machine)| (0..machine.interfaces.len()).map(move |i| (m, i)))
    }

    fn at(&self, (machine, interface): Id) -> &Interface {
        &self.machines[machine].interfaces[interface]
    }

    fn at_mut(&mut self, (machine, interface): Id) -> &mut Interface {
        &mut self.machines[machine].interfaces[interface]
    }

    /// The interface of this name in a machine.
    fn named(&self, machine: usize, name: &str) -> Option<Id> {
        let at = self.machines.get(machine)?.interfaces.iter().position(|i| i.name == name)?;
        Some((machine, at))
    }
}

impl Machine {
    /// Whether it can only be declared as a host: a device with a stack of its own is not enough.
    fn is_host(&self) -> bool {
        let addressed = self.interfaces.iter().filter(|i| !i.addresses.is_empty()).count();
        let plain = |route: &super::Route| {
            route.to.prefix_len() == 0 && route.src.is_none() && route.metric.is_none() && route.via.is_some()
        };
        addressed > 1
            || self.forwarding
            || !self.loopback.is_empty()
            || self.sysctls != Default::default()
            || !self.routes.iter().all(plain)
    }
}
