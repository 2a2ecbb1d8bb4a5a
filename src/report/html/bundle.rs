//! The hop log as compact data: everything that occurs more than once is stored once and referenced by index.

use crate::lab::spec::Name;
use crate::language::Language;
use crate::report::WhyReport;
use crate::report::draw::Position;
use crate::report::json::Object;
use crate::time::Instant;
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Maximum number of hops stored in the bundle of a run; of later ones, steps, counters and totals remain.
pub const MAX_HOPS: usize = 50_000;

/// Maximum number of drawings stored in a bundle.
pub const MAX_DRAWINGS: usize = 500;

/// The version of the bundle's format.
pub(super) const VERSION: u32 = 1;

/// A run, for [`SCRIPT`](super::SCRIPT). Serialized:
///
/// | key | meaning |
/// | --- | --- |
/// | `version`, `title` | of this format, 1; of the lab |
/// | `names`, `texts` | names of devices; sentences |
/// | `rules` | `{ id, title, why, kernel, withholds }`: each rule that is named anywhere |
/// | `frames` | `[hex, summary]`: each frame once |
/// | `drawings` | `{ svg, places, cables, devices, refused }`: each distinct state of the lab once |
/// | `scenes` | `[moment, drawing]`: the drawing that applies from this moment on |
/// | `scenes_left_out` | changes that are not drawn, because there are more than [`MAX_DRAWINGS`] drawings |
/// | `moments` | `[kind, step, time_ns, name, rule, packet_type, frame, frame_id, from, decision, text]`; all but the
/// first three and `frame_id` are indices, or -1. Kinds: 0 start of the lab, 1 start of a step, 2 end of a step, 3
/// arrive, 4 receive, 5 transmit, 6 drop. `packet_type`: 0 host, 1 broadcast, 2 multicast, 3 otherhost; of a received frame as
/// the stack sees it, tags included. `from`: the
/// previous moment of this copy |
/// | `decisions` | `{ found: [text], ways: [[name, kind, rule, goes, text]] }`, kinds as in the events |
/// | `steps` | `{ step, title, expect, outcome, held, first, last, hops, left_out, because: [{ rule, text }], help }`; `first` and `last` are moments; `help`, as
/// `macvlab why --json` writes it, is there if it was [looked for](Bundle::look_for_remedies) |
/// | `fdb` | `[moment, time_ns, switch, vlan, mac, port, kind]`: an entry that is added, changed, or (port -1) removed
/// from this moment on |
/// | `neighbours` | `[moment, time_ns, device, ip, mac, state]`: an entry of a neighbour table that is added, changed, or (state
/// "") removed from this moment on |
/// | `counters`, `states` | as in the events of these names |
/// | `hops`, `left_out` | total number of hops; number of those beyond [`MAX_HOPS`] |
#[derive(Clone, Debug, serde::Serialize)]
pub struct Bundle {
    pub(super) version: u32,
    /// The number of its first moment: more than 0 in a part.
    #[serde(skip)]
    pub(super) first: usize,
    pub(super) title: String,
    pub(super) names: Vec<Name>,
    pub(super) texts: Vec<String>,
    pub(super) rules: Vec<Catalogued>,
    pub(super) frames: Vec<(String, String)>,
    pub(super) drawings: Vec<Drawing>,
    pub(super) scenes: Vec<(usize, usize)>,
    pub(super) scenes_left_out: usize,
    pub(super) moments: Vec<Moment>,
    pub(super) decisions: Vec<DecisionRow>,
    pub(super) steps: Vec<Step>,
    pub(super) fdb: Vec<FdbRow>,
    pub(super) neighbours: Vec<NeighbourRow>,
    pub(super) counters: Vec<Object>,
    pub(super) states: Vec<Object>,
    pub(super) hops: usize,
    pub(super) left_out: usize,
}

impl Bundle {
    /// As JSON. It contains no `<`, so it can be embedded in a page's script element.
    ///
    /// # Errors
    /// None known: every part of it can be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(|json| json.replace('<', "\\u003c"))
    }

    /// Whether it continues another: its lists of names, texts, rules, frames, drawings, scenes, moments, decisions, steps and
    /// of changes in tables then continue those of the bundles before it, and everything else replaces theirs.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.first > 0
    }

    /// The same with its sentences in another language: what happened, what it was because of, and what would help. Names,
    /// the lab's title and frames stay.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> Bundle {
        if language == Language::English {
            return self;
        }
        self.texts.iter_mut().for_each(|text| language.put(text));
        for rule in &mut self.rules {
            language.put(rule.title.to_mut());
            language.put(rule.why.to_mut());
        }
        for drawing in &mut self.drawings {
            drawing.svg = labelled(&drawing.svg, language);
            drawing.refused.iter_mut().for_each(|text| language.put(text));
        }
        for step in &mut self.steps {
            language.put(&mut step.title);
            step.expect.iter_mut().chain(&mut step.outcome).for_each(|text| language.put(text));
            step.because.iter_mut().for_each(|reason| language.put(&mut reason.text));
            step.help = step.help.take().map(|help| help.in_language(language));
        }
        self
    }

    /// The lab's title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The number of moments: at least one, the beginning. The last one is the last step's result.
    #[must_use]
    pub fn moments(&self) -> usize {
        self.moments.len()
    }
}

/// A diagram with its labels in another language: those of several words, as one word may be a name.
fn labelled(svg: &str, language: Language) -> String {
    let mut pieces = svg.split("<text ");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // Names have no `>` or `<` in it.
        let (tag, rest) = piece.split_once('>').unwrap_or((piece, ""));
        let (label, rest) = rest.split_once('<').unwrap_or((rest, ""));
        let label = if label.contains(' ') { language.say(label) } else { label.into() };
        for part in ["<text ", tag, ">", &label, "<", rest] {
            out.push_str(part);
        }
    }
    out
}

/// A rule, as in the catalogue.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Catalogued {
    pub(super) id: &'static str,
    pub(super) title: Cow<'static, str>,
    pub(super) why: Cow<'static, str>,
    pub(super) kernel: &'static str,
    pub(super) withholds: bool,
}

/// A state of the lab and its drawing.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Drawing {
    pub(super) svg: String,
    pub(super) places: BTreeMap<Name, Position>,
    pub(super) cables: Vec<CableRow>,
    pub(super) devices: Vec<Object>,
    pub(super) refused: Vec<String>,
}

/// The kind of a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Kind {
    #[default]
    Lab = 0,
    Step = 1,
    Result = 2,
    Arrive = 3,
    Receive = 4,
    Transmit = 5,
    Drop = 6,
}

/// A moment, serialized as a list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    pub(super) kind: Kind,
    pub(super) step: usize,
    pub(super) time: Instant,
    pub(super) name: Option<usize>,
    pub(super) rule: Option<usize>,
    pub(super) packet_type: Option<usize>,
    pub(super) frame: Option<usize>,
    pub(super) frame_id: u64,
    pub(super) from: Option<usize>,
    pub(super) decision: Option<usize>,
    pub(super) text: Option<usize>,
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = |index: Option<usize>| index.and_then(|i| i64::try_from(i).ok()).unwrap_or(-1);
        (
            self.kind as u8,
            self.step,
            self.time.as_nanos(),
            index(self.name),
            index(self.rule),
            index(self.packet_type),
            index(self.frame),
            self.frame_id,
            index(self.from),
            index(self.decision),
            index(self.text),
        )
            .serialize(serializer)
    }
}

/// A decision: its findings, and its candidates with name, kind, rule, whether the frame goes there, and text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(super) struct DecisionRow {
    pub(super) found: Vec<usize>,
    pub(super) ways: Vec<(usize, &'static str, usize, bool, usize)>,
}

/// A step and its outcome.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Step {
    pub(super) step: usize,
    pub(super) title: String,
    pub(super) expect: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) held: Option<bool>,
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) hops: usize,
    pub(super) left_out: usize,
    pub(super) because: Vec<StepReason>,
    /// It got no reply.
    #[serde(skip)]
    pub(super) unanswered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help: Option<WhyReport>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct StepReason {
    pub(super) rule: usize,
    pub(super) text: String,
}

/// The devices at both ends, and the points between them.
pub(super) type CableRow = (Name, Name, Vec<(i32, i32)>);

/// Moment, time, switch, VLAN, MAC address, port, kind of entry.
pub(super) type FdbRow = (usize, u64, usize, Option<u16>, String, i64, &'static str);

/// Moment, time, device, IP address, MAC address, state.
pub(super) type NeighbourRow = (usize, u64, usize, String, Option<String>, &'static str);
