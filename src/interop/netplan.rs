//! netplan has no macvlans: its files are recognised, and refused with the reason.

use super::{Draft, Format, Place, ReadError, Source};

/// The files of netplan.
pub(super) struct Netplan;

impl Format for Netplan {
    fn name(&self) -> &'static str {
        "netplan"
    }

    fn about(&self) -> &'static str {
        "netplan's YAML, which has no macvlans: refused, with the way out"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let mut lines = source.text.lines().map(str::trim_end);
        let keys = ["ethernets:", "version: 2", "renderer:", "bridges:", "vlans:", "bonds:", "macvlans:"];
        lines.any(|line| line == "network:")
            && lines.next().is_some_and(|line| keys.iter().any(|key| line.trim_start().starts_with(key)))
    }

    fn read(&self, source: &Source<'_>, index: usize, _: &mut Draft) -> Result<(), ReadError> {
        let word = ["macvlans", "macvlan"].into_iter().find(|word| source.text.contains(&format!("{word}:")));
        let (message, at) = match word {
            Some(word) => {
                (format!("netplan has no macvlans: it refuses the key `{word}`"), source.text.find(word))
            }
            None => {
                ("netplan has no macvlans, so this describes none".to_owned(), source.text.find("network:"))
            }
        };
        let place = at.map(|at| Place::new(index, at..at + word.unwrap_or("network").len()));
        let way_out = "give the commands that make them, or .netdev and .network files of systemd-networkd, \
                       which netplan can be used beside";
        Err(ReadError { message: format!("{message}; {way_out}"), place })
    }
}
