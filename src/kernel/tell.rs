//! Formats differences for users.

use super::compare::Difference;
use super::prediction::Prediction;
use crate::lab::LabSpec;
use crate::report::step_in_words;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Every difference, with the step's hops and rules in macvlab.
#[must_use]
pub fn tell(lab: &LabSpec, ours: &Prediction, differences: &[Difference]) -> String {
    let mut text = String::new();
    let steps: BTreeSet<Option<usize>> = differences.iter().map(Difference::step).collect();
    for step in steps {
        if let Some((i, spec)) = step.and_then(|i| lab.steps.get(i).map(|s| (i, s))) {
            let _ = writeln!(text, "step {}: {}", i + 1, step_in_words(spec));
        }
        for difference in differences.iter().filter(|d| d.step() == step) {
            let _ = writeln!(text, "  {}", line(difference));
        }
        if let Some(i) = step {
            text.push_str("  in macvlab:\n");
            for told in ours.explain(i).lines() {
                let _ = writeln!(text, "    {told}");
            }
        }
    }
    text
}

fn line(difference: &Difference) -> String {
    match difference {
        Difference::Setup { kernel, macvlab } => {
            format!("refused devices: kernel [{}], macvlab [{}]", kernel.join(", "), macvlab.join(", "))
        }
        Difference::Outcome { kernel, macvlab, .. } => format!("outcome: kernel {kernel}, macvlab {macvlab}"),
        Difference::Frame { seen, tap, by_kernel, .. } => {
            let who = if *by_kernel { "only the kernel" } else { "only macvlab" };
            let does = if *tap { "shows to the tap of" } else { "delivers to" };
            let (device, frame) = (&seen.device, seen.frame.to_hex());
            format!(
                "{who} {does} {device} as {}: {} ({frame})",
                seen.packet_type,
                crate::frame::summary(&seen.frame)
            )
        }
        Difference::Counter { device, counter, kernel, macvlab } => {
            format!("{device} {counter}: kernel {kernel}, macvlab {macvlab}")
        }
        Difference::State { device, kernel, macvlab } => {
            format!("{device} at the end: kernel {kernel}; macvlab {macvlab}")
        }
        Difference::Batch { one_by_one, batched } => {
            format!(
                "batch: macvlab says {one_by_one} of frames one by one, and {batched} of the same in batches"
            )
        }
        Difference::Existence { device, in_kernel: true } => format!("{device} exists only in the kernel"),
        Difference::Existence { device, in_kernel: false } => format!("{device} exists only in macvlab"),
    }
}
