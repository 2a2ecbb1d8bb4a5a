//! What `docker network inspect` and `podman network inspect` print, also where a web page has damaged it.

use super::super::words::{ip_net, mac, pool, range_of};
use super::super::{Attachment, Network, NoteKind, Place, Role};
use super::Context;
use crate::frame::MacAddr;
use crate::macvlan::Mode;
use crate::station::IpNet;
use serde_json::Value;

/// Whether the text has such output.
pub(super) fn begins(text: &str) -> bool {
    text.contains("\"Driver\"") && text.contains("\"macvlan\"")
}

/// Reads all networks in the text.
pub(super) fn read(context: &mut Context<'_>, text: &str, start: usize) {
    if !begins(text) {
        return;
    }
    let Some(open) = text.find(['[', '{']) else { return };
    let place = Place::new(context.index, start + open..start + text.trim_end().len());
    context.place = Some(place);
    let mut values = serde_json::Deserializer::from_str(&text[open..]).into_iter::<Value>();
    match values.next() {
        Some(Ok(Value::Array(networks))) => networks.iter().for_each(|network| whole(context, network)),
        Some(Ok(network @ Value::Object(_))) => whole(context, &network),
        _ => damaged(context, &text[open..]),
    }
}

fn text_of<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

fn whole(context: &mut Context<'_>, value: &Value) {
    let Some(name) = text_of(value, "Name") else { return };
    let option = |key: &str| value.get("Options").and_then(|options| text_of(options, key));
    let mut network = empty(context, name);
    network.driver = text_of(value, "Driver").unwrap_or("bridge").to_owned();
    network.parent = option("parent").map(str::to_owned);
    network.mode = option("macvlan_mode").and_then(Mode::from_name).unwrap_or(Mode::Bridge);
    network.internal = value.get("Internal").and_then(Value::as_bool).unwrap_or(false);
    let configs = value.get("IPAM").and_then(|ipam| ipam.get("Config")).and_then(Value::as_array);
    for config in configs.into_iter().flatten() {
        let Some(mut one) = text_of(config, "Subnet").and_then(|s| pool(context.draft, s, context.place))
        else {
            continue;
        };
        one.gateway = text_of(config, "Gateway").and_then(ip_net).map(|net| net.addr());
        one.range = text_of(config, "IPRange").and_then(ip_net).map(range_of);
        let reserved = config.get("AuxiliaryAddresses").and_then(Value::as_object);
        one.reserved =
            reserved.into_iter().flatten().filter_map(|(_, ip)| ip.as_str()?.parse().ok()).collect();
        network.pools.push(one);
    }
    context.draft.put(network);
    let containers = value.get("Containers").and_then(Value::as_object);
    for (id, container) in containers.into_iter().flatten() {
        let short: String = id.chars().take(12).collect();
        let container_name = text_of(container, "Name").unwrap_or(&short);
        let addresses =
            ["IPv4Address", "IPv6Address"].iter().filter_map(|key| ip_net(text_of(container, key)?));
        let addresses = addresses.collect();
        let mac = text_of(container, "MacAddress").and_then(mac);
        connect(context, name, container_name, addresses, mac);
    }
}

fn empty(context: &Context<'_>, name: &str) -> Network {
    Network { place: context.place, ..Network::new(name, "docker", "macvlan", Some(context.host)) }
}

fn connect(
    context: &mut Context<'_>,
    network: &str,
    container: &str,
    seen: Vec<IpNet>,
    mac: Option<MacAddr>,
) {
    let at = context.draft.machine(container, Role::Container, Some(context.host));
    let place = context.place;
    let machine = &mut context.draft.machines[at];
    machine.place = machine.place.or(place);
    let given = Attachment { network: network.to_owned(), seen, mac, place, ..Attachment::default() };
    match machine.attachments.iter_mut().find(|attachment| attachment.network == network) {
        Some(known) => *known = Attachment { place: known.place, interface: known.interface.take(), ..given },
        None => machine.attachments.push(given),
    }
}

/// Text that is no JSON any more: keys and values are taken where they still stand side by side on a line.
fn damaged(context: &mut Context<'_>, text: &str) {
    let text = text.split("\n]").next().unwrap_or(text);
    let mut network = empty(context, "");
    let (mut containers, mut inside, mut mode) = (Vec::<Container>::new(), false, None);
    for line in text.lines().take(MAX_LINES) {
        let parts: Vec<&str> = line.split('"').collect();
        for pair in parts.iter().skip(1).step_by(2).collect::<Vec<_>>().windows(2) {
            let (key, value) = (*pair[0], *pair[1]);
            match key {
                "Containers" => inside = true,
                "Name" if network.name.is_empty() => network.name = value.to_owned(),
                "Name" => containers.push(Container { name: value.to_owned(), ..Container::default() }),
                "IPv4Address" | "IPv6Address" => {
                    if let Some(container) = containers.last_mut() {
                        container.addresses.extend(ip_net(value));
                    }
                }
                "Subnet" => network.pools.extend(pool(context.draft, value, context.place)),
                "Gateway" => {
                    if let Some(pool) = network.pools.last_mut() {
                        pool.gateway = ip_net(value).map(|net| net.addr());
                    }
                }
                "parent" => network.parent = Some(value.to_owned()),
                "macvlan_mode" => mode = Mode::from_name(value),
                _ => {}
            }
        }
        // The key of an address may be lost, and quotes with it.
        if let (Some(container), Some(found)) =
            (containers.last_mut(), parts.iter().find_map(|part| mac(part).filter(|_| part.contains(':'))))
        {
            container.mac = Some(found);
        }
        inside |= line.contains("\"Containers\"");
    }
    if network.name.is_empty() {
        return;
    }
    let name = network.name.clone();
    let text = format!("the description of network `{name}` is not valid JSON; it was read in part");
    context.note(NoteKind::Guess, text);
    // What was lost may be known from the command that made it.
    if let Some(known) = context.draft.network(&name, context.host) {
        network.parent = network.parent.or_else(|| known.parent.clone());
        mode = mode.or(Some(known.mode));
    }
    network.mode = mode.unwrap_or(network.mode);
    context.draft.put(network);
    for container in containers.into_iter().filter(|_| inside) {
        connect(context, &name, &container.name, container.addresses, container.mac);
    }
}

/// Maximum number of lines of a damaged description.
const MAX_LINES: usize = 10_000;

#[derive(Default)]
struct Container {
    name: String,
    addresses: Vec<IpNet>,
    mac: Option<MacAddr>,
}
