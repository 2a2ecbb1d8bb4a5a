//! A lab declared in code: a vepa container pings another one. Without hairpin the switch does not reflect the request.
use macvlab::lab::spec::{LabSpec, StepSpec};
use macvlab::lab::{Lab, Options};
use macvlab::report::{Detail, TextReport};
use macvlab::switch::PortFlag;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (c1, c2) = ("192.0.2.1/24".parse()?, "192.0.2.2/24".parse()?);
    for hairpin in [false, true] {
        let lab = LabSpec::new(format!("hairpin = {hairpin}"))
            .with_nic("eth0", |nic| nic)
            .with_macvlan("c1", "eth0", |port| port.with_address(c1))
            .with_macvlan("c2", "eth0", |port| port.with_address(c2))
            .with_switch("sw0", |sw| sw.with_port("eth0", |port| port.with_flag(PortFlag::Hairpin, hairpin)))
            .with_step(StepSpec::ping("c1", "c2"));
        let mut report = TextReport::new(std::io::stdout(), Detail::Steps, false);
        Lab::new(&lab, Options::default()).run_into(&mut report)?;
        report.finish()?;
    }
    Ok(())
}
