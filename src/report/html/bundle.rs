//! The hop log as compact data: everything that stands there more than once stands here once, and is named by its index.

use crate::lab::spec::Name;
use crate::report::draw::Position;
use crate::report::json::Object;
use crate::time::Instant;
use serde::ser::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Hops that a bundle holds one by one; of those that come later, steps, counters and numbers remain.
pub const MAX_HOPS: usize = 50_000;

/// Drawings that a bundle holds: a lab that is changed more often than anybody looks at.
pub const MAX_DRAWINGS: usize = 500;

/// The version of the bundle's shape.
pub(super) const VERSION: u32 = 1;

/// A run, for [`SCRIPT`](super::SCRIPT). Serialized:
///
/// | key | what it is |
/// | --- | --- |
/// | `version`, `title` | of this shape, 1; of the lab |
/// | `names`, `texts` | names of devices; sentences |
/// | `rules` | `{ id, title, why, kernel, withholds }`: each rule that is named anywhere |
/// | `frames` | `[hex, summary]`: each frame once |
/// | `drawings` | `{ svg, places, cables, devices, refused }`: each way in which the lab stands once |
/// | `scenes` | `[moment, drawing]`: it stands like this from this moment on |
/// | `scenes_left_out` | changes that are not drawn, because there are more than [`MAX_DRAWINGS`] drawings |
/// | `moments` | `[kind, step, time_ns, name, rule, packet_type, frame, frame_id, from, decision, text]`; all but the first three and `frame_id` are indices, or -1. Kinds: 0 the lab begins, 1 a step begins, 2 it is over, 3 arrive, 4 receive, 5 transmit, 6 drop. `packet_type`: 0 host, 1 broadcast, 2 multicast, 3 otherhost. `from`: the moment at which this copy was before |
/// | `decisions` | `{ found: [text], ways: [[name, kind, rule, goes, text]] }`, kinds as in the events |
/// | `steps` | `{ step, title, expect, outcome, held, first, last, hops, left_out, because: [{ rule, text }] }`; `first` and `last` are moments |
/// | `fdb` | `[moment, time_ns, switch, vlan, mac, port, kind]`: an entry that is new, different, or (port -1) gone from this moment on |
/// | `counters`, `states` | as the events of these names |
/// | `hops`, `left_out` | hops in all; of them, those beyond [`MAX_HOPS`] |
#[derive(Clone, Debug, serde::Serialize)]
pub struct Bundle {
    pub(super) version: u32,
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
    pub(super) counters: Vec<Object>,
    pub(super) states: Vec<Object>,
    pub(super) hops: usize,
    pub(super) left_out: usize,
}

impl Bundle {
    /// As JSON. It has no `<`, so that it can stand inside a page's script element.
    ///
    /// # Errors
    /// None that is known: every part of it can be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(|json| json.replace('<', "\\u003c"))
    }

    /// The lab's title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// How many moments there are: one at least, the beginning. The last one is that of the last step's result.
    #[must_use]
    pub fn moments(&self) -> usize {
        self.moments.len()
    }
}

/// A rule, as the catalogue has it.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Catalogued {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) why: &'static str,
    pub(super) kernel: &'static str,
    pub(super) withholds: bool,
}

/// How the lab stands, and looks.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Drawing {
    pub(super) svg: String,
    pub(super) places: BTreeMap<Name, Position>,
    pub(super) cables: Vec<CableRow>,
    pub(super) devices: Vec<Object>,
    pub(super) refused: Vec<String>,
}

/// What a moment is.
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

/// A moment, written as a list.
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

/// A decision: what was found, and the ways with name, kind, rule, whether the frame goes there, and words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(super) struct DecisionRow {
    pub(super) found: Vec<usize>,
    pub(super) ways: Vec<(usize, &'static str, usize, bool, usize)>,
}

/// A step and what came of it.
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
}

#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct StepReason {
    pub(super) rule: usize,
    pub(super) text: String,
}

/// The devices at both ends, and the points on the way.
pub(super) type CableRow = (Name, Name, Vec<(i32, i32)>);

/// Moment, time, switch, VLAN, address, port, sort of entry.
pub(super) type FdbRow = (usize, u64, usize, Option<u16>, String, i64, &'static str);
