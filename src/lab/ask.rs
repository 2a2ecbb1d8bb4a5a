//! Questions to a lab about what it would do: nothing changes by asking.

use super::Lab;
use crate::dataplane::incoming;
use crate::switch::SwitchPortId;
use crate::verdict::Rule;

impl Lab {
    /// Whether a frame that came in at the switch port `from` now would leave by the port `to` of the same switch, both
    /// named SWITCH.DEVICE, and by which rule; or which rule keeps it from leaving there: the switch's own "why not?".
    /// `None`: these are not two ports of one switch, or the frame has no readable header.
    #[must_use]
    pub fn would_leave(
        &self,
        from: &str,
        to: &str,
        frame: &crate::frame::Frame,
    ) -> Option<Result<Rule, Rule>> {
        let header = incoming(frame).ok()?;
        self.switches.iter().zip(self.state.switches()).find_map(|(node, switch)| {
            let port = |name: &str| {
                let index = node.ports.iter().position(|p| p.name == name)?;
                u16::try_from(index).ok().map(SwitchPortId)
            };
            let (from, to) = (port(from)?, port(to)?);
            let verdict = switch.decide(from, frame, &header, self.now);
            Some(switch.may_leave(&verdict, from, to, &header))
        })
    }
}
