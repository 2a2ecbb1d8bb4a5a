//! Parses option values.

use macvlab::frame::{MacAddr, VlanId};
use macvlab::labfile::parse_duration;
use macvlab::replay::{Captured, Speed, VlanEdit};
use std::time::Duration;

/// A captured address, and the device that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MapEntry {
    pub(super) captured: Captured,
    pub(super) device: String,
}

impl MapEntry {
    fn new(captured: &str, device: &str) -> Result<MapEntry, String> {
        let captured = captured.trim().parse().map_err(|e: macvlab::replay::BadAddress| e.to_string())?;
        let device = device.trim().to_owned();
        if device.is_empty() {
            return Err(format!("no device is given for {captured}"));
        }
        Ok(MapEntry { captured, device })
    }
}

/// `ADDR=DEVICE`
pub(super) fn map_entry(text: &str) -> Result<MapEntry, String> {
    let (captured, device) = text.split_once('=').ok_or("a map is ADDR=DEVICE, as in 192.0.2.7=c1")?;
    MapEntry::new(captured, device)
}

/// Lines `ADDR DEVICE` or `ADDR=DEVICE`; `#` begins a comment. An error comes with its line number, from 1.
pub(super) fn map_lines(text: &str) -> Result<Vec<MapEntry>, (usize, String)> {
    let mut entries = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.split_once('#').map_or(line, |(before, _)| before).trim();
        if line.is_empty() {
            continue;
        }
        let form = || (number, "a line is ADDR DEVICE, as in 192.0.2.7 c1".to_owned());
        let (captured, device) = line.split_once(|c: char| c == '=' || c.is_whitespace()).ok_or_else(form)?;
        entries.push(MapEntry::new(captured, device).map_err(|why| (number, why))?);
    }
    Ok(entries)
}

/// A MAC address and its replacement.
pub(super) type MacPair = (MacAddr, MacAddr);

/// `A=B`; a comma, as in tcprewrite, works as well.
pub(super) fn mac_pair(text: &str) -> Result<MacPair, String> {
    let (old, new) = text.split_once(['=', ',']).ok_or("expected A=B, two MAC addresses")?;
    let mac = |text: &str| text.trim().parse().map_err(|e: macvlab::frame::BadMac| e.to_string());
    Ok((mac(old)?, mac(new)?))
}

/// `add:N`, `del` or `N`
pub(super) fn vlan(text: &str) -> Result<VlanEdit, String> {
    let id = |text: &str| {
        let id = text.parse().ok().and_then(VlanId::new).filter(|id| id.get() < 4095);
        id.ok_or_else(|| format!("`{text}` is not a VLAN: 0 to 4094"))
    };
    match text.split_once(':') {
        Some(("add", number)) => Ok(VlanEdit::Add(id(number)?)),
        None if text == "del" => Ok(VlanEdit::Delete),
        None if text.starts_with(|c: char| c.is_ascii_digit()) => Ok(VlanEdit::Set(id(text)?)),
        _ => Err("expected add:N, del or N".to_owned()),
    }
}

/// `500ms`
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a time is a number and a unit, as in 500ms, 10s or 2h".to_owned())
}

/// `1x`, `0.5`, `max`
pub(super) fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    rate(text.strip_suffix('x').unwrap_or(text))
        .map(Speed::Times)
        .map_err(|_| "a speed is a positive number, as in 1x or 0.5x, or max".to_owned())
}

/// A number above zero.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    number.ok_or_else(|| "a rate is a positive number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps() {
        let entry = |captured: &str, device: &str| {
            Ok(MapEntry { captured: captured.parse().unwrap(), device: device.to_owned() })
        };
        assert_eq!(map_entry("192.0.2.7=c1"), entry("192.0.2.7", "c1"));
        assert_eq!(map_entry("00:50:56:c0:00:08=r1.0"), entry("00:50:56:c0:00:08", "r1.0"));
        assert_eq!(map_entry("2001:db8::7=c1"), entry("2001:db8::7", "c1"));
        for bad in ["c1", "192.0.2.7", "192.0.2.7=", "192.0.2.256=c1", "=c1"] {
            assert!(map_entry(bad).is_err(), "{bad}");
        }
        let lines = "# who is who\n192.0.2.7 c1   # the server\n\n00:50:56:c0:00:08=win\n";
        assert_eq!(
            map_lines(lines).unwrap(),
            [entry("192.0.2.7", "c1").unwrap(), entry("00:50:56:c0:00:08", "win").unwrap()]
        );
        assert_eq!(map_lines("\n192.0.2.7").unwrap_err().0, 2);
        assert_eq!(map_lines("x c1").unwrap_err(), (1, "`x` is neither a MAC nor an IP address".to_owned()));
    }

    #[test]
    fn vlans_speeds_and_addresses() {
        let id = |n| VlanId::new(n).unwrap();
        assert_eq!(vlan("add:10"), Ok(VlanEdit::Add(id(10))));
        assert_eq!(vlan("del"), Ok(VlanEdit::Delete));
        assert_eq!(vlan("4094"), Ok(VlanEdit::Set(id(4094))));
        for bad in ["", "add", "add:", "add:4095", "del:3", "-1", "set:1"] {
            assert!(vlan(bad).is_err(), "{bad}");
        }
        assert_eq!(
            ["1x", "10", "0.5x", "max"].map(speed),
            [Ok(Speed::Times(1.0)), Ok(Speed::Times(10.0)), Ok(Speed::Times(0.5)), Ok(Speed::Max)]
        );
        for bad in ["", "x", "0x", "-1", "nan", "inf", "1xx"] {
            assert!(speed(bad).is_err(), "{bad}");
        }
        let pair = Ok((MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2])));
        assert_eq!(mac_pair("02:00:00:00:00:01=02:00:00:00:00:02"), pair);
        assert_eq!(mac_pair("02:00:00:00:00:01,02:00:00:00:00:02"), pair);
        assert!(mac_pair("02:00:00:00:00:01").is_err());
    }
}
