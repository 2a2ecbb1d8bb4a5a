//! The NIC's address filter.

/// The NIC's unicast filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnicastFilter {
    /// None: everything on the cable comes in, as with a veth.
    #[default]
    None,
    /// So many exact unicast slots beside the NIC's own address; more addresses than that turn promiscuity on.
    Slots(u32),
}
