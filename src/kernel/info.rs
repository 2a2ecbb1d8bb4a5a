//! Identifies the running kernel.

use flate2::read::GzDecoder;
use std::fs::File;
use std::io::Read;

/// Build options that decide which labs can run, or what they show.
const OPTIONS: [&str; 9] = [
    "MACVLAN",
    "MACVTAP",
    "VETH",
    "BRIDGE",
    "BRIDGE_VLAN_FILTERING",
    "BRIDGE_IGMP_SNOOPING",
    "VLAN_8021Q",
    "IPV6",
    "PREEMPT_DYNAMIC",
];

/// The running kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelInfo {
    /// As `uname -srm` prints it.
    pub release: String,
    /// Build options as in `/proc/config.gz`, `NAME=y`, `m` or `n`; empty if the kernel does not report them.
    pub options: Vec<String>,
}

impl KernelInfo {
    /// Reads the information.
    #[must_use]
    pub fn read() -> KernelInfo {
        let word = |s: &std::ffi::OsStr| s.to_string_lossy().into_owned();
        let release = nix::sys::utsname::uname().map_or_else(
            |_| "an unknown kernel".to_owned(),
            |u| format!("{} {} {}", word(u.sysname()), word(u.release()), word(u.machine())),
        );
        KernelInfo { release, options: config().map(|c| options_in(&c)).unwrap_or_default() }
    }
}

fn config() -> Option<String> {
    let mut text = String::new();
    GzDecoder::new(File::open("/proc/config.gz").ok()?).read_to_string(&mut text).ok()?;
    Some(text)
}

fn options_in(config: &str) -> Vec<String> {
    let value = |name: &str| {
        let key = format!("CONFIG_{name}=");
        config.lines().find_map(|l| l.strip_prefix(&key)).unwrap_or("n").to_owned()
    };
    OPTIONS.iter().map(|name| format!("{name}={}", value(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_by_their_whole_name() {
        let config =
            "CONFIG_MACVLAN=y\nCONFIG_MACVTAP=m\n# CONFIG_VETH is not set\nCONFIG_BRIDGE_NETFILTER=y\n";
        assert_eq!(options_in(config)[..4], ["MACVLAN=y", "MACVTAP=m", "VETH=n", "BRIDGE=n"]);
    }
}
