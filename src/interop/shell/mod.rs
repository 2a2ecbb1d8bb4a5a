//! Command lines, as pasted: with prompts, continued lines, comments, prose and the output of tools in between. A
//! command is carried out on the draft, as its tool would do it.
//!
//! | file | reads |
//! | --- | --- |
//! | `script.rs` | a text as commands with their output |
//! | `options.rs` | the options of one command |
//! | `docker.rs` | `docker`, `podman`, `nerdctl` |
//! | `ip.rs` | `ip` |
//! | `bridge.rs` | `bridge`, `brctl`, and files under `/sys` |
//! | `ovs.rs` | `ovs-vsctl` |
//! | `system.rs` | `sysctl`, `ifconfig`, `route`, `ping`, files under `/proc` |
//! | `virt.rs` | `virsh`, `VBoxManage`, `esxcli`, `nmcli` |
//! | `printed.rs` | what `ip` and `ifconfig` print |
//! | `tables.rs` | what `bridge`, `brctl` and `ip neigh` print |
//! | `json.rs` | what `ip -j` and `bridge -j` print |

mod bridge;
mod docker;
mod ip;
mod json;
mod options;
mod ovs;
mod printed;
mod script;
mod system;
mod tables;
mod virt;

pub(super) use bridge::{add_vlans, vlan_range};
pub(super) use json::IpJson;

use super::{
    Check, Draft, Format, Interface, Machine, NoteKind, Place, ReadError, Role, Source, inspect, libvirt,
};
use crate::errno::Errno;
use script::Command;

/// The first line of a text that is a transcript as a whole: the running machine's.
pub(super) const TRANSCRIPT: &str = "# The network namespaces of a machine; `macvlab import` reads them.\n";

/// Command lines and what they print.
pub(super) struct Shell;

impl Format for Shell {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn about(&self) -> &'static str {
        "command lines as pasted, with their output: docker, podman, ip, bridge, brctl, sysctl, virsh, …"
    }

    fn is_output(&self) -> bool {
        true
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let script = script::read(source.text);
        !script.commands.is_empty() || is_described(source.text)
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let script = script::read(source.text);
        let several = script.hosts().len() > 1;
        let mut context = Context { draft, machine: 0, host: 0, index, place: None, unnamed: 0, made: None };
        context.output(source.text.get(..script.head).unwrap_or_default(), 0);
        for command in &script.commands {
            context.carry_out(command, several);
            context.output(source.text.get(command.output.clone()).unwrap_or_default(), command.output.start);
        }
        for (text, span) in script.unread {
            let place = Some(Place::new(index, span));
            context.draft.note(NoteKind::LeftOut, text, place);
        }
        Ok(())
    }
}

/// Whether a line is a command that is read, maybe after a prompt.
pub(super) fn is_command_line(line: &str) -> bool {
    script::is_command_line(line.trim())
}

/// Carries out command lines of a configuration in a machine of a host.
pub(super) fn run_in(draft: &mut Draft, (host, machine): (usize, usize), place: Place, text: &str) {
    let (index, place) = (place.source, Some(place));
    let mut context = Context { draft, host, machine, index, place, unnamed: 0, made: None };
    for command in script::read(text).commands.iter().take(MAX_IN_LINE) {
        (context.machine, context.made) = (machine, None);
        context.run(&command.words);
    }
}

/// Maximum number of commands in one line of a configuration.
const MAX_IN_LINE: usize = 16;

/// Whether the text has output that describes interfaces or networks, also without the command.
fn is_described(text: &str) -> bool {
    printed::begins(text) || tables::begins(text) || inspect::begins(text) || libvirt::part(text).is_some()
}

/// The words of the kernel's errors.
const REFUSALS: [(&str, Errno); 4] = [
    ("invalid argument", Errno::Einval),
    ("device or resource busy", Errno::Ebusy),
    ("address already in use", Errno::Eaddrinuse),
    ("address not available", Errno::Eaddrnotavail),
];

/// Where a command is carried out.
struct Context<'d> {
    draft: &'d mut Draft,
    /// The host of the prompt.
    host: usize,
    /// The host, or a namespace or container in it.
    machine: usize,
    /// The number of the input.
    index: usize,
    /// The command.
    place: Option<Place>,
    /// How many containers without a name there were.
    unnamed: usize,
    /// What the command made: a machine, or an interface of it. Its output may say that it was refused.
    made: Option<(usize, Option<String>)>,
}

impl Context<'_> {
    fn carry_out(&mut self, command: &Command, several: bool) {
        self.place = Some(Place::new(self.index, command.span.clone()));
        let named = command.host.as_deref().filter(|_| several);
        let known = named.and_then(|name| self.draft.machines.iter().position(|m| m.name == name));
        self.machine = match (known, named) {
            (Some(known), _) => known,
            (None, Some(name)) => self.draft.machine(name, Role::Host, None),
            (None, None) => self.draft.host(),
        };
        // A prompt can be that of a container, too.
        self.host = self.draft.machines[self.machine].on.unwrap_or(self.machine);
        self.made = None;
        self.run(&command.words);
    }

    /// Carries out a command, which can be the argument of another.
    fn run(&mut self, words: &[String]) {
        let Some((program, arguments)) = words.split_first() else { return };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match script::base(program) {
            "docker" | "podman" | "nerdctl" => self.docker(script::base(program), &arguments),
            "kubectl" => self.kubectl(&arguments),
            "ip" => self.ip(&arguments),
            "bridge" => self.bridge(&arguments),
            "brctl" => self.brctl(&arguments),
            "ovs-vsctl" => self.ovs_vsctl(&arguments),
            "sysctl" => self.sysctl(&arguments),
            "echo" => self.echo(&arguments),
            "ifconfig" => self.ifconfig(&arguments),
            "route" => self.route(&arguments),
            "ping" | "ping6" => self.ping(&arguments),
            "nmcli" => self.nmcli(&arguments),
            "virsh" => self.virsh(&arguments),
            "VBoxManage" => self.vboxmanage(&arguments),
            "esxcli" => self.esxcli(&arguments),
            "Set-VMNetworkAdapter" => self.hyperv(&arguments),
            _ => {}
        }
    }

    /// Reads what the last command printed.
    fn output(&mut self, text: &str, start: usize) {
        if text.trim().is_empty() {
            return;
        }
        if self.draft.machines.is_empty() {
            if !is_described(text) {
                return;
            }
            self.draft.host();
        }
        printed::read(self, text, start);
        tables::read(self, text, start);
        json::read(self, text, start);
        self.libvirt(text, start);
        inspect::output(self.draft, self.host, self.index, text, start);
        system::ping_output(self, text);
        system::sysctl_output(self, text);
        self.closed(text);
        self.refusal(text);
    }

    /// What `virsh dumpxml` printed.
    fn libvirt(&mut self, text: &str, start: usize) {
        if let Some(part) = libvirt::part(text)
            && let Err(error) =
                libvirt::read(self.draft, self.host, &text[part.clone()], self.index, start + part.start)
        {
            self.draft.note(NoteKind::LeftOut, error.message, error.place.or(self.place));
        }
    }

    /// The kernel's error, if the output shows one.
    fn refusal(&mut self, text: &str) {
        let lower = text.to_lowercase();
        if let Some((_, rest)) = text.split_once("invalid subinterface vlan name ") {
            let name: String =
                rest.chars().take_while(|c| !c.is_whitespace() && *c != ',').take(40).collect();
            let text = format!(
                "the engine does not find `{name}`: on macOS and Windows it runs in a virtual machine, which has other devices"
            );
            self.note(NoteKind::Wrong(Check::BadParent), text);
        }
        let refused =
            lower.contains("failed to create the macvlan port") || lower.contains("rtnetlink answers:");
        let errno =
            REFUSALS.iter().find(|(words, _)| refused && lower.contains(words)).map(|(_, errno)| *errno);
        match (errno, self.made.take()) {
            (Some(errno), None) => self.draft.refused = Some(errno),
            (Some(errno), Some((machine, None))) => self.draft.machines[machine].refused = Some(errno),
            (Some(errno), Some((machine, Some(name)))) => {
                self.draft.machines[machine].interface_mut(&name).refused = Some(errno);
            }
            _ => {}
        }
    }

    /// `ip` could not enter a namespace: nothing is known of what is there.
    fn closed(&mut self, text: &str) {
        const BEGINS: [&str; 2] = ["setting the network namespace ", "Cannot open network namespace "];
        for line in text.lines().filter(|line| BEGINS.iter().any(|begin| line.starts_with(begin))) {
            self.note(NoteKind::LeftOut, format!("what is in a namespace: {line}"));
        }
    }

    fn machine(&mut self) -> &mut Machine {
        &mut self.draft.machines[self.machine]
    }

    /// An interface of the current machine; if there is none of this name, it was there before.
    fn interface(&mut self, name: &str) -> &mut Interface {
        let place = self.place;
        let interface = self.machine().interface_mut(name);
        interface.place = interface.place.or(place);
        interface
    }

    fn note(&mut self, kind: NoteKind, text: impl Into<String>) {
        let place = self.place;
        self.draft.note(kind, text, place);
    }

    /// Notes that a part of the command has no effect here.
    fn left_out(&mut self, what: &str) {
        self.note(NoteKind::LeftOut, format!("`{what}`"));
    }
}
