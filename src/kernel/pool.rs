//! Namespaces and their sockets, reused from lab to lab: when a packet socket is closed, the kernel waits for all
//! processors, a hundred times longer than the lab itself takes.

use super::error::OracleError;
use super::link;
use super::netns::{Inside, Namespace};
use super::rtnl::Rtnl;
use crate::sys::{self, EVERY_PROTOCOL, PacketSocket};
use std::collections::BTreeMap;
use std::os::fd::RawFd;

/// The name of the only device in a namespace for a NIC, a port or a station; in one with a bridge and its ports, the bridge's.
pub(super) const DEVICE: &str = "dev0";

/// The role of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// A NIC: its tap and its host stack are observed separately.
    Nic,
    /// A port or a station.
    End,
    /// A switch, or the far ends of idle cables: no sockets.
    Deaf,
}

/// A namespace with its sockets.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) role: Role,
    /// The name of its device.
    pub(super) ifname: String,
    namespace: Namespace,
    /// Another cell has the same namespace, and empties it.
    is_guest: bool,
    /// Creates and changes devices here.
    pub(super) rtnl: Rtnl,
    /// Sends frames, and carries ioctls.
    pub(super) sender: PacketSocket,
    /// Sees arriving frames, before the macvlan receive handler.
    pub(super) tap: Option<PacketSocket>,
    /// One for each ethertype, after the macvlan receive handler.
    pub(super) handlers: Vec<PacketSocket>,
}

impl Cell {
    /// For `IFLA_NET_NS_FD`.
    pub(super) fn raw(&self) -> RawFd {
        self.namespace.raw()
    }

    /// Listens on a device that has just been created.
    pub(super) fn listen(&self, ifindex: u32, protocols: &[u16]) -> Result<(), OracleError> {
        let failed = || OracleError::io("binding a packet socket");
        if let Some(tap) = &self.tap {
            tap.listen_to(ifindex, EVERY_PROTOCOL).map_err(failed())?;
        }
        for (socket, protocol) in self.handlers.iter().zip(protocols) {
            socket.listen_to(ifindex, *protocol).map_err(failed())?;
        }
        Ok(())
    }

    /// The thread is in this namespace as long as the guard lives.
    pub(super) fn enter<'a>(&self, pool: &'a Pool) -> Result<Inside<'a>, OracleError> {
        self.namespace.enter(&pool.home)
    }

    /// Deletes the devices of a lab; `false`: some are left.
    fn sweep(&mut self) -> bool {
        let empty = |rtnl: &mut Rtnl| rtnl.devices().is_ok_and(|d| d.len() <= 1);
        if empty(&mut self.rtnl) {
            return true;
        }
        link::delete_all(&mut self.rtnl).is_ok() && empty(&mut self.rtnl)
    }
}

/// The available namespaces.
#[derive(Debug)]
pub(super) struct Pool {
    home: Namespace,
    idle: BTreeMap<Role, Vec<Cell>>,
    tag_offloads: Option<Vec<usize>>,
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Closing a packet socket waits for all processors; closing many at once waits no longer than closing one.
        std::thread::scope(|scope| {
            for cell in std::mem::take(&mut self.idle).into_values().flatten() {
                // If no thread can be started, it is closed here.
                let _ = std::thread::Builder::new().spawn_scoped(scope, move || drop(cell));
            }
        });
    }
}

impl Pool {
    /// An empty pool for this thread.
    pub(super) fn new() -> Result<Pool, OracleError> {
        Ok(Pool { home: Namespace::current()?, idle: BTreeMap::new(), tag_offloads: None })
    }

    /// A namespace with room for this many ethertypes.
    pub(super) fn take(&mut self, role: Role, protocols: usize) -> Result<Cell, OracleError> {
        let mut cell = match self.idle.get_mut(&role).and_then(Vec::pop) {
            Some(cell) => cell,
            None => self.open(role)?,
        };
        if role != Role::Deaf && cell.handlers.len() < protocols {
            let _inside = cell.namespace.enter(&self.home)?;
            while cell.handlers.len() < protocols {
                cell.handlers.push(handler(role).map_err(OracleError::io("opening a packet socket"))?);
            }
        }
        Ok(cell)
    }

    /// Takes back a namespace, once its devices are deleted.
    pub(super) fn give(&mut self, mut cell: Cell) {
        // One that cannot be emptied is closed, and the kernel empties it.
        if !cell.is_guest && cell.sweep() {
            self.idle.entry(cell.role).or_default().push(cell);
        }
    }

    fn open(&self, role: Role) -> Result<Cell, OracleError> {
        let (namespace, _inside) = Namespace::create(&self.home)?;
        Pool::furnish(role, namespace, DEVICE.to_owned(), false)
    }

    /// Room for a device of this name in the namespace of another, seen like a NIC.
    pub(super) fn beside(&self, host: &Cell, ifname: String, protocols: usize) -> Result<Cell, OracleError> {
        let _inside = host.enter(self)?;
        let mut cell = Pool::furnish(Role::Nic, Namespace::current()?, ifname, true)?;
        for _ in 0..protocols {
            cell.handlers.push(handler(Role::Nic).map_err(OracleError::io("opening a packet socket"))?);
        }
        Ok(cell)
    }

    /// A cell for the namespace that the thread is in.
    fn furnish(
        role: Role,
        namespace: Namespace,
        ifname: String,
        is_guest: bool,
    ) -> Result<Cell, OracleError> {
        let failed = || OracleError::io("opening a packet socket");
        Ok(Cell {
            role,
            ifname,
            namespace,
            is_guest,
            rtnl: Rtnl::new()?,
            sender: PacketSocket::new().map_err(failed())?,
            tap: if role == Role::Deaf { None } else { Some(PacketSocket::listener().map_err(failed())?) },
            handlers: Vec::new(),
        })
    }

    /// Makes a veth end keep tags in the frame, where they count towards its length. A kernel without ethtool has no
    /// offloads.
    pub(super) fn no_tag_offloads(&mut self, cell: &Cell, ifname: &str) {
        const FEATURES: [&str; 2] = ["tx-vlan-hw-insert", "tx-vlan-stag-hw-insert"];
        if self.tag_offloads.is_none() {
            self.tag_offloads = sys::feature_bits(&cell.sender, ifname, &FEATURES).ok();
        }
        let _ = sys::features_off(&cell.sender, ifname, self.tag_offloads.as_deref().unwrap_or_default());
    }
}

fn handler(role: Role) -> std::io::Result<PacketSocket> {
    let socket = PacketSocket::listener()?;
    if role == Role::End {
        // Only makes the kernel deliver the frame; the tap has it already.
        socket.swallow()?;
    }
    Ok(socket)
}
