//! What would help where a step of a run got no reply.

use super::Bundle;
use crate::lab::Options;
use crate::lab::spec::LabSpec;
use crate::report::WhyReport;
use crate::why::{self, Question, Tried, TriedText};

/// Maximum number of steps for which remedies are looked for.
pub const MAX_HELPED: usize = 20;

/// Maximum size of a run up to a step for which remedies are looked for: its devices and its hops. Every change is tried in
/// a copy of that run.
pub const MAX_HELPED_SIZE: usize = 2_000;

/// Maximum size of all these copies for one page: once it is exceeded, no remedies are looked for any more.
pub const MAX_HELPED_WORK: usize = 100_000;

/// A change to a lab as text of its file.
pub type TextOf<'a> = &'a dyn Fn(&LabSpec, &Tried) -> TriedText;

impl Bundle {
    /// Looks for what would help where a probe got no reply, as [`why::ask`] does, within limits. The options are those of
    /// the run; once their [`stop`](Options::stop) is asked, the remaining steps have no remedies.
    ///
    /// Steps beyond [`MAX_HELPED`] have none, nor has a step up to which the run is larger than [`MAX_HELPED_SIZE`], or one
    /// after [`MAX_HELPED_WORK`] was exceeded.
    pub fn look_for_remedies(&mut self, spec: &LabSpec, options: &Options, text: TextOf<'_>) {
        let (mut size, mut work, mut helped) = (spec.devices.len(), 0, 0);
        for step in &mut self.steps {
            size += step.hops;
            if size > MAX_HELPED_SIZE || work > MAX_HELPED_WORK || helped == MAX_HELPED {
                return;
            }
            let asked = step.step.checked_sub(1).and_then(|index| Question::of_step(spec, index));
            let Some((before, question)) = asked.filter(|_| step.unanswered) else { continue };
            let answer = why::ask(&before, &question, options);
            if options.stop.asked() {
                return;
            }
            helped += 1;
            work += size * answer.tried;
            step.help = Some(WhyReport::new(&question, &answer, &|tried| text(&before, tried)));
        }
    }
}
