//! Why one device does not reach another, and what would help: every single change that a person could make is tried in
//! a copy of the lab, and those after which the probe gets a reply are listed, the least intrusive first.
//!
//! Nothing is derived here: the cause is the [matrix]'s, and whether a change helps is seen by running the
//! changed lab. A kind of change is one file with a function in `KINDS`, which lists changes of that kind that could be
//! worth trying; it may propose too many, because a useless one is found out.
//!
//! ```
//! use macvlab::lab::Options;
//! use macvlab::why::{Question, ask};
//!
//! let lab = macvlab::labfile::parse("lab.toml", r#"
//!     [nic.eth0]
//!     [macvlan.c1]
//!     parent  = "eth0"
//!     address = "192.0.2.1/24"
//!     [macvlan.c2]
//!     parent  = "eth0"
//!     address = "192.0.2.2/24"
//!     [switch.sw0.port.eth0]
//! "#)?;
//! let answer = ask(&lab, &Question::ping("c1", "c2"), &Options::default());
//! let first = &answer.remedies[0];
//! assert_eq!(first.remedy.reads, "Set c1 and c2 to mode bridge.");
//! assert_eq!(first.gains.len(), 1, "c2 reaches c1 as well");
//! # Ok::<(), macvlab::labfile::Diagnostics>(())
//! ```
//!
//! | file | what it proposes |
//! | --- | --- |
//! | `case.rs` | nothing: it is what the others look up |
//! | `address.rs` | another IP address, or one in the other's subnet; a gateway |
//! | `cable.rs` | a cable to a switch |
//! | `create.rs` | a port that is missing |
//! | `host.rs` | settings of hosts off, forwarding on, a default route |
//! | `listen.rs` | what a device takes in: promiscuity, a source port's senders, flags |
//! | `mac.rs` | another MAC address |
//! | `mode.rs` | another mode for a port, or for both |
//! | `neighbour.rs` | static neighbour entries, and none |
//! | `policy.rs` | a policy relaxed |
//! | `shim.rs` | a macvlan on the host, with a route |
//! | `state.rs` | nothing in the declaration: neighbour entries flushed, an announcement |
//! | `switch.rs` | hairpin and other flags of a switch port, its state, static entries |
//! | `up.rs` | a device up |
//! | `vlan.rs` | a VLAN allowed at a switch port |

mod address;
mod cable;
mod case;
mod create;
mod host;
mod listen;
mod mac;
mod mode;
mod neighbour;
mod policy;
mod remedy;
mod shim;
mod state;
mod switch;
mod up;
mod vlan;

pub use remedy::{Rank, Remedy, Table};

use crate::lab::spec::{Action, LabSpec, Name, ProbeSpec, Target};
use crate::lab::{Device, Options};
use crate::matrix::{self, Explained, Reach};
use crate::station::ProbeKind;
use case::Case;
use std::num::NonZero;
use std::time::Duration;
use std::{panic, slice, thread};

/// Maximum number of changes tried for one question, the least intrusive first.
pub const MAX_TRIED: usize = 400;

/// Maximum number of devices built for one question, in all copies of the lab: a large lab has fewer changes tried.
pub const MAX_BUILT: usize = 200_000;

/// Maximum number of changes that an answer lists, the least intrusive first.
pub const MAX_LISTED: usize = 12;

/// Maximum number of pings for what else the listed changes do to the lab, counted with the steps that go before them.
pub const MAX_SIDE_PINGS: usize = 800;

/// How long what is learned by a change of state must last to help: longer than any neighbour entry.
const LASTS: Duration = Duration::from_secs(600);

/// The kinds of changes.
const KINDS: [fn(&Case<'_>) -> Vec<Remedy>; 14] = [
    state::candidates,
    up::candidates,
    listen::candidates,
    mode::candidates,
    address::candidates,
    neighbour::candidates,
    host::candidates,
    shim::candidates,
    switch::candidates,
    vlan::candidates,
    cable::candidates,
    mac::candidates,
    create::candidates,
    policy::candidates,
];

/// Who asks whom, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The device that asks.
    pub from: Name,
    /// Whom it asks.
    pub to: Target,
    /// How.
    pub kind: ProbeKind,
}

impl Question {
    /// Why does a ping of this device to that one fail?
    #[must_use]
    pub fn ping(from: impl Into<Name>, to: impl Into<Name>) -> Question {
        Question { from: from.into(), to: Target::Device(to.into()), kind: ProbeKind::Ping }
    }

    /// The question that a step asks, if it asks one.
    #[must_use]
    pub fn of(action: &Action) -> Option<Question> {
        let kind = match action {
            Action::Ping(_) => ProbeKind::Ping,
            Action::Arping(_) => ProbeKind::Arping,
            Action::Udp(_) => ProbeKind::Udp,
            Action::Tcp(_) => ProbeKind::Tcp,
            _ => return None,
        };
        action.probe().map(|probe| Question { from: probe.from.clone(), to: probe.to.clone(), kind })
    }

    /// The question that a step of a lab asks, if it asks one, and the lab before this step. Steps count from 0.
    #[must_use]
    pub fn of_step(spec: &LabSpec, index: usize) -> Option<(LabSpec, Question)> {
        let question = Question::of(&spec.steps.get(index)?.action)?;
        let steps = spec.steps[..index].to_vec();
        Some((LabSpec { steps, ..spec.clone() }, question))
    }

    /// The step that asks.
    #[must_use]
    pub fn action(&self) -> Action {
        let probe = ProbeSpec::new(self.from.clone(), self.to.clone());
        match self.kind {
            ProbeKind::Ping => Action::Ping(probe),
            ProbeKind::Arping => Action::Arping(probe),
            ProbeKind::Udp => Action::Udp(probe),
            ProbeKind::Tcp => Action::Tcp(probe),
        }
    }
}

/// What came of a question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The outcome, its rule, and the path of the frame that made the difference.
    pub explained: Explained,
    /// The changes that help, the least intrusive first, at most [`MAX_LISTED`].
    pub remedies: Vec<Tried>,
    /// How many others help.
    pub unlisted: usize,
    /// How many changes were tried.
    pub tried: usize,
    /// How many were not, because there are too many ([`MAX_TRIED`], [`MAX_BUILT`]).
    pub untried: usize,
    /// Which other pairs were asked before and after each change.
    pub scope: Scope,
}

impl Answer {
    /// Whether the probe got a reply: nothing was tried then.
    #[must_use]
    pub fn replied(&self) -> bool {
        self.explained.cell.reach == Reach::Reply
    }
}

/// A change that helps.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The change.
    pub remedy: Remedy,
    /// It helps when its commands are carried out in the running lab.
    pub live: bool,
    /// It helps when the lab is declared like this.
    pub declared: bool,
    /// The other pairs of which the first gets a reply from the second only with the change.
    pub gains: Vec<(Name, Name)>,
    /// Those of which it gets one only without.
    pub losses: Vec<(Name, Name)>,
}

impl Tried {
    /// The commands that were seen to help; none: there is no command for it.
    #[must_use]
    pub fn commands(&self) -> &[String] {
        if self.live { &self.remedy.commands } else { &self.remedy.anew }
    }

    /// The steps of the running lab that were seen to help; none: there are none for it.
    #[must_use]
    pub fn steps(&self) -> &[Action] {
        if self.live { &self.remedy.live } else { &[] }
    }
}

/// A change that helps, as text of a lab file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TriedText {
    /// The lines that make it in the declaration; none: it was not seen to help there.
    pub lines: Vec<String>,
    /// The steps that make it in the running lab, each on a line; none: as well.
    pub steps: Vec<String>,
}

/// The pairs that were asked for what else a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every pair of devices with addresses.
    All,
    /// The pairs that have the sender or the target in them.
    Ends,
    /// None: even those would be more than [`MAX_SIDE_PINGS`].
    None,
}

/// Asks the lab as it is after its steps, and if there is no reply, tries what would help. The options hold the captures
/// that steps replay; those that concern events are ignored. Once [`Options::stop`] is asked, the answer is not complete.
#[must_use]
pub fn remedies(spec: &LabSpec, question: &Question, options: &Options) -> Answer {
    let explained = matrix::explain_after(spec, question.action(), options);
    let mut answer =
        Answer { explained, remedies: Vec::new(), unlisted: 0, tried: 0, untried: 0, scope: Scope::None };
    if answer.replied() {
        return answer;
    }
    let case = Case::new(spec, question, &answer.explained);
    let mut candidates: Vec<Remedy> = Vec::new();
    for remedy in KINDS.iter().flat_map(|kind| kind(&case)) {
        // Two interfaces of one host propose the same for it.
        if !candidates.contains(&remedy) {
            candidates.push(remedy);
        }
    }
    candidates.sort_by_key(|remedy| remedy.rank);
    let most = MAX_TRIED.min(MAX_BUILT / answer.explained.devices.len().max(1));
    answer.untried = candidates.len().saturating_sub(most);
    candidates.truncate(most);
    for remedy in candidates {
        if options.stop.asked() {
            break;
        }
        if answer.remedies.iter().any(|tried| remedy.is_more_than(&tried.remedy)) {
            continue;
        }
        answer.tried += 1;
        if let Some(tried) = attempt(spec, question, remedy, options) {
            answer.remedies.push(tried);
        }
    }
    answer.unlisted = answer.remedies.len().saturating_sub(MAX_LISTED);
    answer.remedies.truncate(MAX_LISTED);
    answer
}

/// The same, with what else each change does to the lab.
#[must_use]
pub fn ask(spec: &LabSpec, question: &Question, options: &Options) -> Answer {
    let mut answer = remedies(spec, question, options);
    answer.scope = side_effects(spec, question, &answer.explained.devices, &mut answer.remedies, options);
    // What breaks something else comes last.
    answer
        .remedies
        .sort_by_key(|tried| (tried.remedy.rank.is_last_resort(), tried.losses.len(), tried.remedy.rank));
    answer
}

/// Tries a change both ways; `None`: it does not help.
fn attempt(spec: &LabSpec, question: &Question, remedy: Remedy, options: &Options) -> Option<Tried> {
    let replies = |spec: &LabSpec, before: &[&[Action]]| {
        let mut actions = before.concat();
        actions.push(question.action());
        matrix::replies(spec, &actions, options)
    };
    let later = [Action::Wait(LASTS)];
    let in_place = !remedy.tables.is_empty();
    let live = !remedy.live.is_empty()
        && replies(spec, &[&remedy.live])
        // What is only learned is forgotten again.
        && (in_place || replies(spec, &[&remedy.live, &later]));
    let declared = in_place && replies(&remedy.declared_in(spec), &[]);
    // What the declaration does not do, the next start undoes; unless it is the lab's own steps that undo it.
    let helps = declared || live && (!in_place || spec.steps.iter().any(|step| step.action.is_change()));
    let (gains, losses) = (Vec::new(), Vec::new());
    helps.then_some(Tried { remedy, live, declared, gains, losses })
}

/// Asks other pairs before and after each change, and notes which of them have another outcome.
fn side_effects(
    spec: &LabSpec,
    question: &Question,
    devices: &[Device],
    remedies: &mut [Tried],
    options: &Options,
) -> Scope {
    if remedies.is_empty() {
        return Scope::All;
    }
    let ends: Vec<&Name> = devices.iter().filter(|d| !d.address.is_empty()).map(|d| &d.name).collect();
    let asked = |name: &Name| *name == question.from || question.to == Target::Device(name.clone());
    let cost = |pairs: usize| pairs.saturating_mul(remedies.len() + 1).saturating_mul(spec.steps.len() + 1);
    let all = ends.len() * ends.len().saturating_sub(1);
    let scope = match ends.len() {
        _ if cost(all) <= MAX_SIDE_PINGS => Scope::All,
        ends if cost(4 * ends) <= MAX_SIDE_PINGS => Scope::Ends,
        _ => return Scope::None,
    };
    let counts = |from: &Name, to: &Name| {
        from != to
            && (scope == Scope::All || asked(from) || asked(to))
            && !(asked(from) && asked(to) && *from == question.from)
    };
    let pairs = ends.iter().flat_map(|from| ends.iter().map(move |to| (*from, *to)));
    let pairs: Vec<(&Name, &Name)> = pairs.filter(|(from, to)| counts(from, to)).collect();
    let declared: Vec<LabSpec> = remedies.iter().map(|tried| tried.spec(spec)).collect();
    let outcomes = side_by_side(&pairs, |(from, to)| {
        if options.stop.asked() {
            return Vec::new();
        }
        let ping = Question::ping((*from).clone(), (*to).clone()).action();
        let before = matrix::replies(spec, slice::from_ref(&ping), options);
        let after = |(tried, spec): (&Tried, &LabSpec)| {
            let mut actions = if tried.live { tried.remedy.live.clone() } else { Vec::new() };
            actions.push(ping.clone());
            (before, matrix::replies(spec, &actions, options))
        };
        remedies.iter().zip(&declared).map(after).collect()
    });
    for ((from, to), outcomes) in pairs.into_iter().zip(outcomes) {
        for (tried, outcome) in remedies.iter_mut().zip(outcomes) {
            let pair = || (from.clone(), to.clone());
            match outcome {
                (false, true) => tried.gains.push(pair()),
                (true, false) => tried.losses.push(pair()),
                _ => {}
            }
        }
    }
    scope
}

/// What the function says of each item, in the order of the items. Where there are threads, the cores share the work.
fn side_by_side<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    if threads == 1 {
        return items.iter().map(each).collect();
    }
    let each = &each;
    thread::scope(|scope| {
        let chunks = items.chunks(items.len().div_ceil(threads).max(1));
        let workers: Vec<_> =
            chunks.map(|chunk| scope.spawn(move || chunk.iter().map(each).collect::<Vec<R>>())).collect();
        let done =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|e| panic::resume_unwind(e)));
        done.flatten().collect()
    })
}

impl Tried {
    /// The lab that is asked with the change: its commands, if they help, change the running lab as it is.
    fn spec(&self, spec: &LabSpec) -> LabSpec {
        if self.live { spec.clone() } else { self.remedy.declared_in(spec) }
    }
}
