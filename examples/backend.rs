//! A custom backend in place of container c1's program sends one broadcast. Then every device's counters are printed.
use macvlab::{lab::Event, labfile, live::*, stop::Stop, time::Instant};
use std::io::Write as _;
struct Once(bool);
impl Backend for Once {
    fn wait(&self) -> Wait<'_> {
        Wait { at: (!self.0).then_some(Instant::ZERO), ..Wait::default() }
    }
    fn receive(&mut self, _: Instant, _: &mut BoundaryCounters, take: &mut dyn FnMut(&[u8])) {
        take(&[[0xff; 6], [2, 0, 0, 0, 0, 1], [0x88, 0xb5, 0, 0, 0, 0]].concat());
        self.0 = true;
    }
    fn is_over(&self) -> bool {
        self.0
    }
}
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lab = "nic.eth0 = {}\n[macvlan]\nc1 = { parent = 'eth0', mode = 'bridge' }\nc2 = { parent = 'eth0', mode = 'bridge' }";
    let mut engine = Engine::new(&labfile::parse("lab.toml", lab)?, Settings::default());
    engine.attach_backend("c1", "one broadcast", Box::new(Once(false)))?;
    engine.run(&Stop::default(), &mut |_: &Event| {})?;
    let counters = engine.answer(br#"{"do":"counters","as":"text"}"#, &mut |_: &Event| {});
    Ok(std::io::stdout().write_all(&counters)?)
}
