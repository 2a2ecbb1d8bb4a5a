//! The path of one frame as text: each stage with its lookups, the rule, and the candidates that were ruled out.

use super::words::{fdb_kind, millis, printable, with};
use crate::explain::{Began, Fate, Journey, Stage};
use crate::frame::{EthHeader, PacketType, summary};
use crate::lab::spec::Name;
use crate::lab::{Candidate, CandidateKind, Decision, Device, DeviceType, Finding, Hop, HopKind};
use crate::language::{Language, columns, padded};
use crate::verdict::Rule;
use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Maximum number of names in a line.
const MAX_LISTED: usize = 8;

/// Writes journeys. A rule's reason is written once, where it is first named.
pub struct Explanation<'a, W: Write> {
    writer: W,
    language: Language,
    devices: BTreeMap<&'a str, &'a Device>,
    list: &'a [Device],
    rule: Style,
    bold: Style,
    faint: Style,
    told: BTreeSet<Rule>,
}

impl<'a, W: Write> Explanation<'a, W> {
    /// Writes to `writer`, preferably buffered; uses ANSI colours only if `colour`.
    pub fn new(writer: W, devices: &'a [Device], colour: bool) -> Explanation<'a, W> {
        let style = |style: Style| if colour { style } else { Style::new() };
        Explanation {
            writer,
            language: Language::English,
            devices: devices.iter().map(|d| (d.name.as_str(), d)).collect(),
            list: devices,
            rule: style(AnsiColor::Yellow.on_default()),
            bold: style(Style::new().bold()),
            faint: style(Style::new().dimmed()),
            told: BTreeSet::new(),
        }
    }

    /// The same in another language.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> Explanation<'a, W> {
        self.language = language;
        self
    }

    /// One frame's whole path, and its outcome at every device.
    ///
    /// # Errors
    /// Writing fails.
    pub fn journey(&mut self, journey: &Journey) -> io::Result<()> {
        self.began(journey)?;
        let (frame, faint) = (&journey.frame, self.faint);
        if let Ok(header) = EthHeader::parse(frame) {
            let (src, dst, len) = (header.src, header.dst, frame.len());
            let told = self.language.put_in(format!("from {src} to {dst}, {len} bytes"));
            writeln!(self.writer, "{faint}{told}{faint:#}")?;
        }
        let mut number = 0;
        for (index, stage) in journey.stages.iter().enumerate() {
            match stage {
                Stage::Hop(hop) => {
                    number += 1;
                    let decided = matches!(journey.stages.get(index + 1), Some(Stage::Decision(_)));
                    self.hop(number, hop, decided)?;
                }
                Stage::Decision(decision) => self.decision(decision)?,
            }
        }
        self.fates(&journey.fates(self.list))
    }

    /// The sender and the frame, in one line.
    ///
    /// # Errors
    /// Writing fails.
    pub fn began(&mut self, journey: &Journey) -> io::Result<()> {
        let verb = match journey.began {
            Began::Sent => "sends",
            Began::Arrived => "receives from the wire",
            Began::Lost => "does not forward",
        };
        let (bold, from) = (self.bold, printable(&journey.from));
        let told = self.language.put_in(format!("{from} {verb}:"));
        writeln!(self.writer, "{bold}{told} {}{bold:#}", summary(&journey.frame))
    }

    /// The outcome of a frame at one device, and nothing else.
    ///
    /// # Errors
    /// Writing fails.
    pub fn fate(&mut self, device: &str, fate: &Fate) -> io::Result<()> {
        let (bold, name) = (self.bold, printable(device));
        let (style, faint) = (self.rule, self.faint);
        let (what, rule, at) = match fate {
            Fate::Got(rule) => ("gets the frame", Some(*rule), device),
            Fate::Overheard(rule) => {
                ("sees the frame and ignores it: it is for another host", Some(*rule), device)
            }
            Fate::Kept { rule, at, .. } => ("does not get the frame", Some(*rule), at.as_str()),
            Fate::Apart => ("does not get the frame: nothing that handled it leads there", None, device),
        };
        let told = self.language.put_in(format!("{name} {what}"));
        writeln!(self.writer, "{bold}{told}{bold:#}")?;
        let Some(rule) = rule else { return Ok(()) };
        if let Fate::Kept { also: Some(also), .. } = fate {
            let (id, [title, why]) = (also.id(), self.named(*also));
            writeln!(self.writer, "  {style}{id:<5}{style:#} {title}\n        {faint}{why}{faint:#}")?;
        }
        let [title, why] = self.named(rule);
        let at = self.language.put_in(format!(", at {}", printable(at)));
        writeln!(self.writer, "  {style}{:<5}{style:#} {title}{at}\n        {faint}{why}{faint:#}", rule.id())
    }

    /// Flushes, and returns the writer.
    ///
    /// # Errors
    /// Flushing fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.flush()?;
        Ok(self.writer)
    }

    /// `decided`: a decision follows, with the rule.
    fn hop(&mut self, number: usize, hop: &Hop, decided: bool) -> io::Result<()> {
        let (text, rule) = hop_in_words(hop, self.devices.get(hop.device.as_str()).copied());
        let (bold, text) = (self.bold, self.language.put_in(text));
        writeln!(self.writer, "\n{number:>3}  {bold}{text}{bold:#}")?;
        rule.filter(|_| !decided).map_or(Ok(()), |rule| self.rule("", rule))
    }

    fn decision(&mut self, decision: &Decision) -> io::Result<()> {
        let faint = self.faint;
        for finding in &decision.findings {
            writeln!(self.writer, "     {faint}{}{faint:#}", self.language.put_in(found(finding)))?;
        }
        self.rule("", decision.rule)?;
        let mut shut: Vec<(Rule, Vec<String>)> = Vec::new();
        for way in &decision.candidates {
            let Err(rule) = way.rule else { continue };
            match shut.iter_mut().find(|(r, _)| *r == rule) {
                Some((_, names)) => names.push(way_name(way)),
                None => shut.push((rule, vec![way_name(way)])),
            }
        }
        shut.into_iter().try_for_each(|(rule, names)| {
            let ways = self.language.put_in(format!("not forwarded {}", some_of(names)));
            if rule == decision.rule {
                return writeln!(self.writer, "     {ways}");
            }
            self.rule(&format!("{ways}{}", self.language.say(": ")), rule)
        })
    }

    /// A rule's title and reason.
    fn named(&self, rule: Rule) -> [Cow<'static, str>; 2] {
        [rule.title(), rule.why()].map(|text| self.language.say(text))
    }

    /// A rule, with its reason the first time.
    fn rule(&mut self, before: &str, rule: Rule) -> io::Result<()> {
        let (style, faint) = (self.rule, self.faint);
        let [title, why] = self.named(rule);
        writeln!(self.writer, "     {before}{style}{}{style:#} {title}", rule.id())?;
        if self.told.insert(rule) {
            writeln!(self.writer, "       {faint}{why}{faint:#}")?;
        }
        Ok(())
    }

    fn fates(&mut self, fates: &[(Name, Fate)]) -> io::Result<()> {
        let widths = fates.iter().map(|(name, _)| columns(name));
        let width = widths.max().unwrap_or_default();
        let got = |fate: &Fate| matches!(fate, Fate::Got(_));
        if !fates.iter().any(|(_, fate)| got(fate)) {
            writeln!(self.writer, "\n{}", self.language.say("No device gets it."))?;
        }
        for (heading, which) in [("Devices that get it", true), ("Devices that do not, and why", false)] {
            let mut fates = fates.iter().filter(|(_, fate)| got(fate) == which).peekable();
            if fates.peek().is_some() {
                let bold = self.bold;
                writeln!(self.writer, "\n{bold}{}{bold:#}", self.language.say(heading))?;
            }
            fates.try_for_each(|(name, fate)| self.fate_line(&printable(name), width, fate))?;
        }
        Ok(())
    }

    fn fate_line(&mut self, name: &str, width: usize, fate: &Fate) -> io::Result<()> {
        let (style, name) = (self.rule, padded(name, width));
        let (rule, rest) = match fate {
            Fate::Got(rule) => (*rule, String::new()),
            Fate::Overheard(rule) => (*rule, "; it is for another host, and ignored".to_owned()),
            Fate::Kept { also, rule, at } => (*rule, format!(", at {}{}", printable(at), with(*also))),
            Fate::Apart => {
                let told = self.language.say("nothing that handled the frame leads there");
                return writeln!(self.writer, "  {name}  {told}");
            }
        };
        let (title, rest) = (self.language.say(rule.title()), self.language.say(&rest));
        writeln!(self.writer, "  {name}  {style}{:<5}{style:#} {title}{rest}", rule.id())
    }
}

/// What happens at a hop, and the rule that caused it; an arrival is decided afterwards.
pub(super) fn hop_in_words(hop: &Hop, device: Option<&Device>) -> (String, Option<Rule>) {
    let name = printable(&hop.device);
    let kind = device.map(|d| d.kind);
    match hop.kind {
        HopKind::Arrive(_) if kind == Some(DeviceType::SwitchPort) => {
            (format!("{name}: it arrives at the switch"), None)
        }
        HopKind::Arrive(packet_type) => (format!("{name}: it arrives{}", addressed(packet_type)), None),
        HopKind::Receive(packet_type, rule) => {
            let stack = if matches!(
                kind,
                Some(DeviceType::Nic | DeviceType::Dummy | DeviceType::Bond | DeviceType::Vlan)
            ) {
                "'s host stack"
            } else {
                ""
            };
            let gets = if packet_type == PacketType::OtherHost { "sees" } else { "gets" };
            (format!("{name}{stack} {gets} it{}", addressed(packet_type)), Some(rule))
        }
        HopKind::Transmit(rule) => (sending(&name, device), Some(rule)),
        HopKind::Drop(rule) => (format!("{name} drops it"), Some(rule)),
    }
}

/// How a device sends the frame.
fn sending(name: &str, device: Option<&Device>) -> String {
    let Some(device) = device else { return format!("{name} sends it") };
    if let Some(active) = &device.active {
        return format!("{name} sends it by its active port {}", printable(active));
    }
    match (device.kind, &device.parent, &device.peer, device.mode) {
        (DeviceType::Macvlan | DeviceType::Macvtap, Some(parent), _, Some(mode)) => {
            format!("{name}, a port of {} in {mode} mode, sends it", printable(parent))
        }
        (DeviceType::SwitchPort, _, Some(peer), _) => format!("{name} sends it on to {}", printable(peer)),
        (DeviceType::Vlan, Some(parent), ..) => format!("{name} passes it down to {}", printable(parent)),
        (DeviceType::Nic, _, Some(peer), _) => format!("{name} sends it on its cable to {}", printable(peer)),
        (DeviceType::Nic, ..) => format!("{name} sends it on its cable"),
        _ => format!("{name} sends it"),
    }
}

fn addressed(packet_type: PacketType) -> &'static str {
    match packet_type {
        PacketType::Host => "",
        PacketType::Broadcast => ", a broadcast",
        PacketType::Multicast => ", a multicast",
        PacketType::OtherHost => ", addressed to another host",
    }
}

/// A lookup and its result.
pub(super) fn found(finding: &Finding) -> String {
    match finding {
        Finding::Destination { mac, port: Some((name, mode)) } => {
            format!("the destination {mac} is {}, a port in {mode} mode", printable(name))
        }
        Finding::Destination { mac, port: None } => format!("no active port has the destination {mac}"),
        Finding::Source { mac, port: Some((name, mode)) } => {
            format!("the source {mac} is {}, a port in {mode} mode", printable(name))
        }
        Finding::Source { mac, port: None } => format!("no active port has the source {mac}"),
        Finding::Listed { mac, by } if by.is_empty() => format!("no source port lists the sender {mac}"),
        Finding::Listed { mac, by } => {
            format!("the sender {mac} is listed by {}", some_of(by.iter().map(|n| printable(n)).collect()))
        }
        Finding::Fdb { mac, entry: Some((port, kind, age)) } => {
            let (port, kind, age) = (printable(port), fdb_kind(*kind), millis(*age));
            format!("the forwarding database has {mac} behind {port} ({kind}, {age} ms old)")
        }
        Finding::Fdb { mac, entry: None } => format!("the forwarding database does not have {mac}"),
        Finding::Learns { mac, port, before: None } => {
            format!("learned: {mac} is behind {}", printable(port))
        }
        Finding::Learns { mac, port, before: Some(before) } if before == port => {
            format!("known: {mac} is behind {}", printable(port))
        }
        Finding::Learns { mac, port, before: Some(before) } => {
            format!("learned: {mac} has moved from {} to {}", printable(before), printable(port))
        }
    }
}

/// The target of a candidate.
pub(super) fn way_name(way: &Candidate) -> String {
    let name = printable(&way.to);
    match way.kind {
        CandidateKind::Port | CandidateKind::SubInterface => format!("to {name}"),
        CandidateKind::Parent => format!("into {name}"),
        CandidateKind::Host => format!("to {name}'s host stack"),
        CandidateKind::Wire => format!("on {name}'s cable"),
        CandidateKind::SwitchPort => format!("out of {name}"),
        CandidateKind::Bridge => format!("into the bridge, as {name}"),
        CandidateKind::Own => format!("to the switch's own device {name}"),
        CandidateKind::Bond => format!("to the bond {name}"),
    }
}

/// The first names, and the number of others.
fn some_of(mut names: Vec<String>) -> String {
    if names.len() > MAX_LISTED {
        let more = names.len() - MAX_LISTED;
        names.truncate(MAX_LISTED);
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::some_of;

    #[test]
    fn a_line_lists_eight_names() {
        let names = |count: usize| some_of((1..=count).map(|n| n.to_string()).collect());
        assert_eq!(names(8), "1, 2, 3, 4, 5, 6, 7, 8");
        assert_eq!(names(10), "1, 2, 3, 4, 5, 6, 7, 8, 2 more");
    }
}
