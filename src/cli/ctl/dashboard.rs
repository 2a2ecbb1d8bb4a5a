//! `macvlab ctl SOCKET dashboard`: shows a live lab's activity as it happens.

use super::super::{Exit, Failure};
use super::caller::Caller;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Time from one poll of the lab to the next.
const EVERY: Duration = Duration::from_millis(500);
/// Hops requested: more than most terminals have lines.
const HOPS: usize = 200;

/// One poll of the lab.
#[derive(Clone, Debug, Default)]
struct Poll {
    title: String,
    /// The lab's devices, then the ports of its switches.
    devices: Vec<Value>,
    /// By device.
    states: BTreeMap<String, Value>,
    /// By device.
    counters: BTreeMap<String, Value>,
    /// Attached backends.
    attached: Vec<Value>,
    hops: Vec<String>,
}

impl Poll {
    /// Polls the lab. `None`: it has ended.
    fn at(socket: &Path) -> Option<Poll> {
        let mut lab = Caller::at(socket).ok()?;
        let mut text = |request: &Value| {
            let answer = lab.ask(request).ok()?.ok()?;
            String::from_utf8(answer).ok()
        };
        let mut look = Poll::default();
        for request in [json!({ "do": "show", "as": "json" }), json!({ "do": "counters", "as": "json" })] {
            text(&request)?
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .for_each(|e| look.event(e));
        }
        let hops = text(&json!({ "do": "dump", "as": "text", "last": HOPS }))?;
        look.hops = hops.lines().filter(|line| line.contains(" ms ")).map(str::to_owned).collect();
        Some(look)
    }

    fn event(&mut self, mut event: Value) {
        let device = event["device"].as_str().unwrap_or_default().to_owned();
        match event["event"].as_str() {
            Some("lab") => {
                self.title = event["title"].as_str().unwrap_or_default().to_owned();
                self.devices = event["devices"].as_array_mut().map(std::mem::take).unwrap_or_default();
            }
            Some("state") => drop(self.states.insert(device, event)),
            Some("counters") => drop(self.counters.insert(device, event)),
            // Reported in both answers; the second is newer.
            Some("attached") => {
                self.attached.retain(|other| other["device"] != device.as_str());
                self.attached.push(event);
            }
            _ => {}
        }
    }

    fn attached_to(&self, device: &Value) -> Value {
        self.attached.iter().find(|a| a["device"] == *device).cloned().unwrap_or_default()
    }
}

/// A counter's rate of change, per second.
fn rate(before: &Value, now: &Value, key: &str, seconds: f64) -> f64 {
    let count = |value: &Value| value[key].as_u64();
    let more = count(now).zip(count(before)).map_or(0, |(now, before)| now.saturating_sub(before));
    more as f64 / seconds.max(1e-3)
}

/// `1.2 k`
fn short(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.1} G", n / 1e9),
        n if n >= 1e6 => format!("{:.1} M", n / 1e6),
        n if n >= 1e4 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

/// Both polls, and the time between them.
struct Picture<'a> {
    before: &'a Poll,
    now: &'a Poll,
    seconds: f64,
}

impl Picture<'_> {
    fn draw(&self, frame: &mut Frame<'_>) {
        let rows = |count: usize| Constraint::Length(u16::try_from(count + 3).unwrap_or(u16::MAX));
        let tables = [rows(self.now.attached.len()), rows(self.now.devices.len()), Constraint::Min(3)];
        let [attached, devices, hops] = Layout::vertical(tables).areas(frame.area());
        frame.render_widget(self.attached(), attached);
        frame.render_widget(self.devices(), devices);
        let space = usize::from(hops.height.saturating_sub(2));
        let last = self.now.hops.len().saturating_sub(space);
        let lines: Vec<Line<'_>> = self.now.hops[last..].iter().map(|hop| hop_line(hop)).collect();
        let block = Block::bordered().title(" last hops ").title_bottom(" q ends ");
        frame.render_widget(Paragraph::new(lines).block(block), hops);
    }

    fn attached(&self) -> Table<'_> {
        let header =
            ["attached", "backend", "", "in/s", "bit/s", "out/s", "bit/s", "missed", "malformed", "dropped"];
        let rows = self.now.attached.iter().map(|now| {
            let before = self.before.attached_to(&now["device"]);
            let rate = |key| rate(&before, now, key, self.seconds);
            let presence = text(&now["presence"]);
            let style = if presence == "here" { Style::new().green() } else { Style::new().red() };
            let cells = [
                text(&now["device"]),
                text(&now["backend"]),
                presence,
                short(rate("in_frames")),
                short(rate("in_bytes") * 8.0),
                short(rate("out_frames")),
                short(rate("out_bytes") * 8.0),
                text(&now["in_missed"]),
                text(&now["in_malformed"]),
                text(&now["out_dropped"]),
            ];
            Row::new(cells).style(style)
        });
        let widths = [12, 28, 5, 8, 8, 8, 8, 8, 10, 8];
        let title = if self.now.title.is_empty() { "macvlab live" } else { &self.now.title };
        table(rows.collect(), header.to_vec(), &widths, format!(" {title} "))
    }

    fn devices(&self) -> Table<'_> {
        let header = [
            "device",
            "kind",
            "mode",
            "link",
            "rx/s",
            "tx/s",
            "rx_packets",
            "tx_packets",
            "rx_dropped",
            "tx_dropped",
        ];
        let nothing = Value::Null;
        let rows = self.now.devices.iter().map(|device| {
            let name = text(&device["name"]);
            let counters = self.now.counters.get(&name).unwrap_or(&nothing);
            let before = self.before.counters.get(&name).unwrap_or(&nothing);
            let state = self.now.states.get(&name).unwrap_or(&nothing);
            let link = match (state["up"].as_bool(), state["carrier"].as_bool()) {
                (None, _) => "",
                (Some(false), _) => "down",
                (_, Some(false)) => "no carrier",
                _ => "up",
            };
            let rate = |key| short(rate(before, counters, key, self.seconds));
            Row::new([
                name,
                text(&device["kind"]),
                text(&device["mode"]),
                link.to_owned(),
                rate("rx_packets"),
                rate("tx_packets"),
                text(&counters["rx_packets"]),
                text(&counters["tx_packets"]),
                text(&counters["rx_dropped"]),
                text(&counters["tx_dropped"]),
            ])
        });
        let widths = [16, 12, 9, 11, 8, 8, 11, 11, 11, 11];
        table(rows.collect(), header.to_vec(), &widths, " devices ".to_owned())
    }
}

fn table<'a>(rows: Vec<Row<'a>>, header: Vec<&'a str>, widths: &[u16], title: String) -> Table<'a> {
    Table::new(rows, widths.iter().map(|width| Constraint::Length(*width)))
        .header(Row::new(header).bold())
        .block(Block::bordered().title(title))
}

/// A hop, in the colour of the frame's outcome.
fn hop_line(hop: &str) -> Line<'_> {
    let colour = match hop {
        hop if hop.contains('✗') => Color::Red,
        hop if hop.contains('●') => Color::Green,
        _ => Color::Reset,
    };
    Line::styled(hop, Style::new().fg(colour))
}

/// Runs until the user quits or the lab ends.
#[expect(clippy::disallowed_methods, reason = "the screen follows the clock")]
pub(super) fn run(socket: &Path) -> Result<Exit, Failure> {
    let missing = || Failure::about(socket.display(), "no live lab answers there");
    let mut now = Poll::at(socket).ok_or_else(missing)?;
    let mut before = now.clone();
    let mut looked = Instant::now();
    let mut seconds = EVERY.as_secs_f64();
    let mut terminal = ratatui::try_init()?;
    let ended = loop {
        let picture = Picture { before: &before, now: &now, seconds };
        if let Err(e) = terminal.draw(|frame| picture.draw(frame)) {
            break Err(e.into());
        }
        match wait_for_key(EVERY.saturating_sub(looked.elapsed())) {
            Ok(true) => break Ok(Exit::Held),
            Ok(false) => {}
            Err(e) => break Err(e.into()),
        }
        if looked.elapsed() < EVERY {
            continue;
        }
        let Some(look) = Poll::at(socket) else { break Ok(Exit::Held) };
        before = std::mem::replace(&mut now, look);
        seconds = looked.elapsed().as_secs_f64();
        looked = Instant::now();
    };
    ratatui::restore();
    ended
}

/// Waits for this long; returns whether a key was pressed that quits.
fn wait_for_key(time: Duration) -> std::io::Result<bool> {
    if !event::poll(time)? {
        return Ok(false);
    }
    let Event::Key(key) = event::read()? else { return Ok(false) };
    let interrupt = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
    Ok(interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn look(frames: u64) -> Poll {
        let mut look = Poll::default();
        for event in [
            json!({ "event": "lab", "title": "two", "devices": [{ "name": "c1", "kind": "macvlan", "mode": "vepa" }] }),
            json!({ "event": "state", "device": "c1", "up": true, "carrier": false }),
            json!({ "event": "counters", "device": "c1", "rx_packets": frames, "tx_packets": 7 }),
            json!({ "event": "attached", "device": "c1", "backend": "tap:t1", "presence": "here",
                    "in_frames": frames, "in_bytes": frames * 1000, "out_dropped": 3 }),
        ] {
            look.event(event);
        }
        look.hops = (0..50).map(|n| format!("{n}.000 ms  c1  ✗ drops")).collect();
        look
    }

    #[test]
    fn rates_links_and_the_last_hops_are_on_the_screen() {
        let (before, now) = (look(100), look(20_100));
        let picture = Picture { before: &before, now: &now, seconds: 0.5 };
        let mut terminal = Terminal::new(TestBackend::new(130, 20)).unwrap();
        terminal.draw(|frame| picture.draw(frame)).unwrap();
        let screen = terminal.backend().to_string();
        for wanted in
            ["two", "tap:t1", "here", "40.0 k", "320.0 M", "no carrier", "vepa", "20100", "49.000 ms"]
        {
            assert!(screen.contains(wanted), "{wanted}\n{screen}");
        }
        assert!(!screen.contains("10.000 ms"), "{screen}");
    }

    #[test]
    fn a_lab_that_says_little_is_no_trouble() {
        let nothing = Poll::default();
        let picture = Picture { before: &nothing, now: &nothing, seconds: 0.0 };
        for (width, height) in [(1, 1), (10, 3), (80, 24)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| picture.draw(frame)).unwrap();
        }
    }
}
