//! Steps and their expectations.

use super::craft;
use super::declared::families;
use super::device;
use super::expected;
use super::names::{Probe, Want, bad_name};
use super::read::{Node, Reader, Table, list};
use super::scalar;
use super::set;
use super::suggest;
use crate::errno::Errno;
use crate::lab::spec::{
    Action, DEFAULT_TIMEOUT, Expect, ExpectedReceivers, FrameSpec, InjectPoint, Name, ProbeSpec, StepSpec,
    Target,
};
use std::net::IpAddr;
use toml::de::DeValue;

/// Maximum number of requests per probe: a day of pings.
pub const MAX_COUNT: u32 = 86_400;

/// The actions of a step, by key.
const ACTIONS: [&str; 10] =
    ["ping", "arping", "udp", "tcp", "inject", "set", "add", "remove", "wait", "replay"];

/// Reads a `[[step]]`.
pub(super) fn step(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<StepSpec> {
    let line = cx.lines.line(node.span.start);
    let table = Table::of(cx, node)?;
    table.only(cx, &[&ACTIONS[..], &["expect"]].concat());
    let mut present: Vec<&str> = ACTIONS.into_iter().filter(|a| table.has(a)).collect();
    present.sort_by_key(|a| table.key_span(a).map(|span| span.start));
    let name = match present.as_slice() {
        [one] => *one,
        [] => {
            let unknown = table.entries().iter().any(|(key, _)| key.get_ref().as_ref() != "expect");
            if !unknown {
                let help = format!("use one of {}", suggest::list(&ACTIONS));
                cx.problem(node.path.to_string(), node.span.clone(), "the step has no action", help);
            }
            return None;
        }
        [a, b, ..] => {
            let span = table.key_span(b).unwrap_or(node.span.clone());
            let message = format!("`{a}` and `{b}` in one step");
            let help = "a step has one action: start another with [[step]]".to_owned();
            cx.problem(node.path.to_string(), span, message, help);
            return None;
        }
    };
    let action = table.get(cx, name, |cx, node| action(cx, name, node));
    let expect = table.get(cx, "expect", |cx, node| expectation(cx, name, node));
    Some(StepSpec { action: action?, expect, line })
}

fn action(cx: &mut Reader<'_>, name: &str, node: &Node<'_, '_>) -> Option<Action> {
    match name {
        "ping" => probe(cx, node, false).map(Action::Ping),
        "arping" => probe(cx, node, true).map(Action::Arping),
        "udp" => probe(cx, node, false).map(Action::Udp),
        "tcp" => probe(cx, node, false).map(Action::Tcp),
        "inject" => inject(cx, node),
        "set" => set::set(cx, node),
        "add" => add(cx, node),
        "remove" => scalar::named(cx, node, Want::Device).map(Action::Remove),
        "wait" => scalar::duration(cx, node).map(Action::Wait),
        _ => replay(cx, node),
    }
}

fn device_name(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Name> {
    scalar::named(cx, node, Want::Device)
}

fn probe(cx: &mut Reader<'_>, node: &Node<'_, '_>, arp: bool) -> Option<ProbeSpec> {
    let table = Table::of(cx, node)?;
    table.only(cx, &["from", "to", "count", "timeout"]);
    let from = table.require(cx, "from", |cx, node| scalar::named(cx, node, Want::Pinger));
    let to = table.require(cx, "to", target);
    let count = table.get(cx, "count", |cx, n| scalar::integer(cx, n, 1, i64::from(MAX_COUNT)));
    let timeout = table.get(cx, "timeout", scalar::duration).unwrap_or(DEFAULT_TIMEOUT);
    let (from, to) = (from?, to?);
    let (key, span) = (node.path.to_string(), node.span.clone());
    cx.names.probes.push(Probe { from: from.clone(), to: to.clone(), arp, key, span });
    let count = count.and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
    Some(ProbeSpec { from, to, count, timeout })
}

fn target(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Target> {
    let text = scalar::text(cx, node)?;
    if let Ok(addr) = text.parse::<IpAddr>() {
        return Some(Target::Address(addr));
    }
    if text.contains('/') {
        return cx.wrong(
            node,
            format!("`{text}` is not a target"),
            "use a device, or an IP address without a prefix length",
        );
    }
    cx.refer(node, &text, Want::Pinger);
    Some(Target::Device(text.into()))
}

fn inject(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Action> {
    let table = Table::of(cx, node)?;
    table.only(cx, &[&["at", "from", "frame"][..], &craft::BODIES].concat());
    let from = table.get(cx, "from", |cx, n| scalar::word(cx, n, "place", &["wire", "node"]));
    let (entry, want) = match from.as_deref() {
        Some("wire") => (InjectPoint::Wire, Want::Nic),
        Some(_) => (InjectPoint::Node, Want::Port),
        None => (InjectPoint::Device, Want::Device),
    };
    let at = table.require(cx, "at", |cx, n| scalar::named(cx, n, want));
    let forms: Vec<&str> = ["frame"].into_iter().chain(craft::BODIES).filter(|f| table.has(f)).collect();
    let frame = match forms.as_slice() {
        ["frame"] => table.get(cx, "frame", scalar::hex).map(FrameSpec::Bytes),
        [body] => table.get(cx, body, |cx, node| craft::craft(cx, body, node)).map(FrameSpec::Crafted),
        [] => {
            let help = format!("`frame` in hex, or {}", suggest::list(&craft::BODIES));
            cx.problem(node.path.to_string(), node.span.clone(), "there is no frame to inject", help);
            None
        }
        [a, b, ..] => {
            let span = table.key_span(b).unwrap_or(node.span.clone());
            cx.problem(node.path.to_string(), span, format!("`{a}` and `{b}` in one frame"), None);
            None
        }
    };
    Some(Action::Inject { at: at?, entry, frame: frame? })
}

fn add(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Action> {
    let table = Table::of(cx, node)?;
    table.only(cx, &device::add_keys());
    let tap = table.has("macvtap") && !table.has("macvlan");
    let key = if tap { "macvtap" } else { "macvlan" };
    let name = table.require(cx, key, |cx, n| {
        let name = scalar::text(cx, n)?;
        match bad_name(&name) {
            Some(help) => cx.wrong(n, format!("`{name}` is not a possible name"), help),
            None => Some((name, n.span.clone())),
        }
    });
    if let (false, Some(span)) = (tap, table.key_span("macvtap")) {
        cx.problem(node.path.to_string(), span, "`macvlan` and `macvtap` in one step", None);
    }
    let named = name.as_ref().map(|(name, _)| name.as_str());
    let spec = device::macvlan(cx, named, &table, tap);
    let (name, span) = name?;
    cx.names.add(&name, span, families(&spec.ip));
    cx.names.belongs(&name, spec.host.as_ref(), &spec.ip);
    Some(Action::Add { name: name.into(), spec })
}

fn replay(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Action> {
    let table = Table::of(cx, node)?;
    table.only(cx, &["capture", "at"]);
    let capture = table.require(cx, "capture", |cx, n| {
        let path = scalar::text(cx, n)?;
        if path.is_empty() { cx.wrong(n, "the path is empty", "") } else { Some(path) }
    });
    let at = table.require(cx, "at", device_name);
    Some(Action::Replay { capture: capture?.into(), at: at? })
}

/// The keys of an expectation about who gets an injected frame.
const RECEIVERS: &[&str] = &["delivered", "seen", "answered", "not_delivered"];

/// The possible expectations of a step.
fn fitting(action: &str) -> &'static [&'static str] {
    match action {
        "ping" | "arping" | "udp" | "tcp" => &["reply", "failure", "unreachable", "no-reply"],
        _ => &["ok"],
    }
}

fn expectation(cx: &mut Reader<'_>, action: &str, node: &Node<'_, '_>) -> Option<Expect> {
    if let DeValue::Table(_) = node.value {
        let table = Table::of(cx, node)?;
        table.only(cx, &[RECEIVERS, expected::TABLES].concat());
        if let Some(key) = expected::TABLES.iter().find(|key| table.has(key)) {
            if table.entries().len() > 1 {
                let help = "put the others into steps of their own, such as `wait = \"0s\"`";
                return cx.wrong(node, format!("`{key}` is expected together with something else"), help);
            }
            let read = |cx: &mut Reader<'_>, node: &Node<'_, '_>| expected::table(cx, key, node);
            return table.get(cx, key, read).map(|table| Expect::Table(Box::new(table)));
        }
        let devices = |cx: &mut Reader<'_>, key| {
            table.get(cx, key, |cx, n| list(cx, n, "a list of devices", device_name))
        };
        let [delivered, seen, answered] = ["delivered", "seen", "answered"].map(|key| devices(cx, key));
        let not_delivered = devices(cx, "not_delivered").unwrap_or_default();
        let key = RECEIVERS.iter().find(|key| table.has(key));
        if let Some(key) = key.filter(|_| action != "inject") {
            let help = format!("`{action}` can expect {}, or an error name", suggest::list(fitting(action)));
            return cx.wrong(node, format!("`{key}` does not fit `{action}`"), &help);
        }
        if key.is_none() {
            let help =
                format!("say at least one of {}", suggest::list(&[RECEIVERS, expected::TABLES].concat()));
            return cx.wrong(node, "this expects nothing".to_owned(), &help);
        }
        return Some(Expect::Receivers(Box::new(ExpectedReceivers {
            delivered,
            seen,
            answered,
            not_delivered,
        })));
    }
    let text = scalar::text(cx, node)?;
    let simple = match text.as_str() {
        "reply" => Some(Expect::Reply),
        "unreachable" => Some(Expect::Unreachable),
        "no-reply" => Some(Expect::NoReply),
        "failure" => Some(Expect::Failure),
        "ok" => Some(Expect::Ok),
        _ => None,
    };
    let words = fitting(action);
    let mut right = suggest::list(words);
    if action == "inject" {
        right.push_str(
            ", { delivered = [devices], seen = [devices], answered = [devices], not_delivered = [devices] }",
        );
    }
    if action != "wait" {
        right.push_str(", or an error name such as EINVAL");
    }
    match (simple, Errno::ALL.iter().find(|e| e.name() == text)) {
        (Some(expect), _) if words.contains(&text.as_str()) => Some(expect),
        (Some(_), _) => cx.wrong(
            node,
            format!("`{text}` does not fit `{action}`"),
            &format!("`{action}` can expect {right}"),
        ),
        (None, Some(errno)) if action != "wait" => Some(Expect::Errno(*errno)),
        (None, Some(_)) => {
            cx.wrong(node, format!("`{text}` does not fit `wait`"), "a wait always succeeds: \"ok\"")
        }
        (None, None) => {
            let all: Vec<&str> = words.iter().copied().chain(Errno::ALL.iter().map(|e| e.name())).collect();
            let help = suggest::nearest(&text, all.iter().copied()).map_or_else(
                || format!("`{action}` can expect {right}"),
                |near| format!("did you mean `{near}`?"),
            );
            cx.wrong(node, format!("`{text}` is not an expectation"), &help)
        }
    }
}
