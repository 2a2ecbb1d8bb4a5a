//! A pasted text as commands, each with what it printed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Maximum number of commands of one text; loops are run out.
const MAX_COMMANDS: usize = 5_000;

/// Maximum depth of loops in loops.
const MAX_DEPTH: usize = 8;

/// Maximum number of rounds of one loop.
const MAX_ROUNDS: usize = 256;

/// Maximum length of a line after its variables have their values, in bytes.
const MAX_LINE: usize = 1 << 16;

/// The programs whose commands are read, each with the first words that are commands of it. Without any, all are.
const PROGRAMS: [(&str, &[&str]); 19] = [
    (
        "docker",
        &["network", "run", "create", "container", "exec", "service", "rm", "inspect", "-H", "--context"],
    ),
    ("podman", &["network", "run", "create", "container", "exec", "rm", "inspect", "pod"]),
    ("nerdctl", &["network", "run", "create", "container", "exec", "rm", "inspect"]),
    ("kubectl", &["exec"]),
    ("ip", &[]),
    ("bridge", &["link", "fdb", "vlan", "mdb", "-d", "-j", "-n", "-netns", "-s", "-c", "-p", "l", "f", "v"]),
    ("brctl", &[]),
    ("ovs-vsctl", &[]),
    ("sysctl", &[]),
    ("echo", &[]),
    ("ifconfig", &[]),
    ("route", &["add", "del", "-n", "-A"]),
    ("ping", &[]),
    ("ping6", &[]),
    ("nmcli", &[]),
    ("virsh", &[]),
    ("VBoxManage", &["modifyvm", "controlvm"]),
    ("esxcli", &["network"]),
    ("Set-VMNetworkAdapter", &[]),
];

/// Programs whose commands can be read although a word of them has no value.
const ENGINES: [&str; 3] = ["docker", "podman", "nerdctl"];

/// Words of `ip` that are followed by an object.
const IP_OBJECTS: [&str; 12] =
    ["a", "l", "r", "n", "link", "addr", "address", "route", "neigh", "netns", "rule", "maddr"];

/// A text as commands.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// The commands, in order.
    pub(super) commands: Vec<Command>,
    /// Where the first command begins.
    pub(super) head: usize,
    /// What could not be read, and where.
    pub(super) unread: Vec<(String, Range<usize>)>,
}

/// A command.
#[derive(Clone, Debug)]
pub(super) struct Command {
    /// Its words, without quotes.
    pub(super) words: Vec<String>,
    /// The name of the machine in the prompt.
    pub(super) host: Option<String>,
    /// Its bytes in the text.
    pub(super) span: Range<usize>,
    /// The bytes up to the next command.
    pub(super) output: Range<usize>,
}

impl Script {
    /// The machines in whose prompts commands were typed. A container's name, twelve digits, is none.
    pub(super) fn hosts(&self) -> BTreeSet<&str> {
        let is_id = |host: &str| host.len() == 12 && host.bytes().all(|b| b.is_ascii_hexdigit());
        self.commands.iter().filter_map(|c| c.host.as_deref()).filter(|host| !is_id(host)).collect()
    }
}

/// The name of a program without its folder.
pub(super) fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program).trim_end_matches(".exe")
}

/// Reads a text.
pub(super) fn read(text: &str) -> Script {
    let lines = logical_lines(text);
    // In a script, a line that begins with # is a comment; where no line is a command without a prompt, # is the prompt.
    let is_script = lines.iter().any(|line| {
        let (prompt, _, rest) = prompt(&line.text);
        prompt.is_empty() && is_command(&first_words(rest))
    });
    let mut reader = ScriptReader::default();
    for line in &lines {
        let (prompt, host, rest) = prompt(&line.text);
        // JSON of a tool can have anything in its strings, and no command.
        if is_script && prompt.trim() == "#" || rest.starts_with("[{") {
            continue;
        }
        for statement in statements(rest) {
            reader.statement(statement, host, &line.span);
        }
    }
    let mut script = reader.script;
    script.head = script.commands.first().map_or(text.len(), |command| command.span.start);
    let starts: Vec<usize> =
        script.commands.iter().map(|c| c.span.start).skip(1).chain([text.len()]).collect();
    for (command, next) in script.commands.iter_mut().zip(starts) {
        command.output = command.span.end..next.max(command.span.end);
    }
    script
}

/// A line, with those that continue it.
struct Logical {
    text: String,
    span: Range<usize>,
}

fn logical_lines(text: &str) -> Vec<Logical> {
    let mut lines: Vec<Logical> = Vec::new();
    let mut open = false;
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let span = at..at + raw.trim_end().len();
        at += raw.len();
        let trimmed = straight(raw.trim());
        let continued = trimmed.ends_with('\\');
        let part = trimmed.trim_end_matches('\\').trim_end().to_owned();
        match lines.last_mut().filter(|_| open) {
            Some(line) => {
                // The shell's own prompt for such lines.
                let part = part.strip_prefix("> ").unwrap_or(&part);
                line.text.push(' ');
                line.text.push_str(part);
                line.span.end = span.end.max(line.span.start);
            }
            None => lines.push(Logical { text: part, span }),
        }
        open = continued;
    }
    lines
}

/// Dashes and quotes as they are typed, where a word processor made others of them.
fn straight(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        let next = line[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        match c {
            // An en or em dash before a word of several letters was two hyphens.
            '\u{2013}' | '\u{2014}' | '\u{2212}' | '\u{2015}' => {
                let word: String =
                    line[at + c.len_utf8()..].chars().take_while(char::is_ascii_alphanumeric).collect();
                let option = before.is_whitespace() && next.is_ascii_alphabetic();
                out.push_str(if option && word.len() > 1 { "--" } else { "-" });
            }
            '\u{201c}' | '\u{201d}' => out.push('"'),
            '\u{2018}' | '\u{2019}' => out.push('\''),
            '\u{a0}' | '\u{3000}' => out.push(' '),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// The prompt of a line, the machine in it, and the rest.
fn prompt(line: &str) -> (&str, Option<&str>, &str) {
    let none = ("", None, line);
    // [root@node1 ~]# ip a
    if line.starts_with('[')
        && let Some((inside, rest)) = line[1..].split_once(']')
        && let Some(end) = rest.strip_prefix(['#', '$', '%'])
    {
        let host = inside.split_once('@').map(|(_, at)| at.split([' ', ':']).next().unwrap_or(at));
        let length = line.len() - end.len();
        return (&line[..length], host.filter(|host| !host.is_empty()), end.trim_start());
    }
    for (at, c) in line.char_indices().take(80) {
        let rest = &line[at + c.len_utf8()..];
        if !matches!(c, '#' | '$' | '%' | '>') || !(rest.starts_with(' ') || rest.is_empty()) {
            continue;
        }
        let before = line[..at].trim_end();
        let plain = before.chars().all(|c| c.is_alphanumeric() || "@:~/._-\\() ".contains(c));
        if !plain || before.split_whitespace().count() > 3 {
            return none;
        }
        let host = before.split_once('@').map(|(_, host)| host.split([':', ' ']).next().unwrap_or(host));
        let is_path = before.contains(['/', '\\', '~', '@', ':']) || !before.contains(' ');
        // `echo 1 > file` is not a prompt.
        if is_path && !is_program(before.split_whitespace().next().unwrap_or_default()) {
            return (&line[..line.len() - rest.len()], host.filter(|h| !h.is_empty()), rest.trim_start());
        }
        return none;
    }
    none
}

fn is_program(word: &str) -> bool {
    PROGRAMS.iter().any(|(program, _)| *program == base(word))
}

fn first_words(line: &str) -> Vec<String> {
    unwrapped(line.split_whitespace().take(12).map(str::to_owned).collect())
}

/// Whether these are the first words of a command that is read.
fn is_command(words: &[String]) -> bool {
    let Some(program) = words.first() else { return false };
    let Some((program, known)) = PROGRAMS.iter().find(|(name, _)| *name == base(program)) else {
        return false;
    };
    let rest: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    let first = rest.first().copied().unwrap_or_default();
    match *program {
        "ip" => rest.iter().find(|word| !word.starts_with('-')).is_some_and(|word| {
            IP_OBJECTS.contains(word) || rest.first().is_some_and(|option| option.starts_with("-n"))
        }),
        "echo" => rest.iter().any(|word| word.contains("/proc/sys/net") || word.contains("/sys/")),
        "ping" | "ping6" => rest.iter().any(|word| word.parse::<std::net::IpAddr>().is_ok()),
        "ifconfig" => rest.len() < 8 && rest.iter().all(|word| word.is_ascii()),
        _ => known.is_empty() && !first.is_empty() || known.contains(&first),
    }
}

/// Whether a line is a command that is read, maybe after a prompt.
pub(super) fn is_command_line(line: &str) -> bool {
    is_command(&first_words(prompt(line).2))
}

/// Without what is put before a command: `sudo`, settings of its environment, and the like.
fn unwrapped(mut words: Vec<String>) -> Vec<String> {
    loop {
        let Some(first) = words.first() else { return words };
        let is_setting = first.split_once('=').is_some_and(|(name, _)| is_name(name));
        match base(first) {
            "sudo" | "doas" | "nohup" | "time" | "exec" | "then" | "do" | "else" => {
                words.remove(0);
                while words.first().is_some_and(|word| word.starts_with('-') && word.len() > 1) {
                    words.remove(0);
                }
            }
            _ if is_setting && words.len() > 1 => {
                words.remove(0);
            }
            _ => return words,
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The statements of a line: `;`, `&&`, `||`, `|` and `&` outside of quotes end one.
fn statements(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut quote, mut start, mut depth) = (None, 0, 0_usize);
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if before != '\\' => quote = Some(c),
            (None, '(' | '{') if before == '$' => depth += 1,
            (None, ')' | '}') => depth = depth.saturating_sub(1),
            (None, '#') if before.is_whitespace() => {
                out.push(&line[start..at]);
                return out;
            }
            (None, ';' | '|') if depth == 0 => {
                out.push(&line[start..at]);
                start = at + 1;
            }
            // Not `2>&1`.
            (None, '&') if depth == 0 && before != '>' => {
                out.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    out.push(&line[start..]);
    out
}

/// Collects commands; loops are run out.
#[derive(Default)]
struct ScriptReader {
    script: Script,
    variables: BTreeMap<String, String>,
    /// The loops that are open, outermost first.
    open: Vec<Loop>,
    /// No further commands are read.
    full: bool,
}

/// A statement outside or inside of loops.
enum Statement {
    Simple { text: String, host: Option<String>, span: Range<usize> },
    Loop(Loop),
}

/// `for VARIABLE in VALUES; do BODY; done`
struct Loop {
    variable: String,
    values: String,
    body: Vec<Statement>,
}

impl ScriptReader {
    fn statement(&mut self, text: &str, host: Option<&str>, span: &Range<usize>) {
        let text = text.trim();
        let text = text.strip_prefix("do ").unwrap_or(text).trim_start();
        if text.is_empty() || text == "do" {
            return;
        }
        let is_for = for_loop(text).filter(|_| self.open.len() < MAX_DEPTH);
        let statement = if let Some((variable, values)) = is_for {
            let (variable, values) = (variable.to_owned(), values.to_owned());
            self.open.push(Loop { variable, values, body: Vec::new() });
            return;
        } else if text == "done" {
            match self.open.pop() {
                Some(ended) => Statement::Loop(ended),
                None => return,
            }
        } else {
            let (text, host) = (text.to_owned(), host.map(str::to_owned));
            Statement::Simple { text, host, span: span.clone() }
        };
        match self.open.last_mut() {
            Some(inner) if inner.body.len() < MAX_COMMANDS => inner.body.push(statement),
            Some(_) => {}
            None => self.execute(&statement),
        }
    }

    fn execute(&mut self, statement: &Statement) {
        match statement {
            Statement::Simple { text, host, span } => self.command(text, host.as_deref(), span),
            Statement::Loop(Loop { variable, values, body }) => {
                let values = counted_out(&self.expand(values));
                for value in values.split_whitespace().flat_map(counted).take(MAX_ROUNDS) {
                    if self.full {
                        return;
                    }
                    self.variables.insert(variable.clone(), value);
                    body.iter().for_each(|statement| self.execute(statement));
                }
            }
        }
    }

    fn command(&mut self, text: &str, host: Option<&str>, span: &Range<usize>) {
        if self.script.commands.len() >= MAX_COMMANDS {
            if !self.full {
                self.full = true;
                let text = format!("everything after the first {MAX_COMMANDS} commands");
                self.script.unread.push((text, span.clone()));
            }
            return;
        }
        if let Some((name, value)) = text.split_once('=').filter(|(name, _)| is_name(name))
            && !value.contains(' ')
        {
            let value = self.expand(value.trim_matches(['"', '\'']));
            self.variables.insert(name.to_owned(), value);
            return;
        }
        if !is_command(&first_words(text)) {
            return;
        }
        let expanded = self.expand(text);
        match shell_words::split(&expanded) {
            Ok(words) => {
                let words = unwrapped(words);
                let is_engine = words.first().is_some_and(|first| ENGINES.contains(&base(first)));
                let has_none = |word: &&String| has_no_value(word, is_engine);
                if let Some(word) = words.iter().find(has_none) {
                    let text = format!("`{word}`: what it stands for is not in the input");
                    self.script.unread.push((text, span.clone()));
                    if !is_engine {
                        return;
                    }
                }
                if is_command(&words) {
                    let (host, span) = (host.map(str::to_owned), span.clone());
                    self.script.commands.push(Command { words, host, span, output: 0..0 });
                }
            }
            Err(_) => {
                let text = format!("a quote is not closed: `{}`", text.chars().take(60).collect::<String>());
                self.script.unread.push((text, span.clone()));
            }
        }
    }

    /// The text with the variables that were set before.
    fn expand(&self, text: &str) -> String {
        if !text.contains('$') {
            return text.to_owned();
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, default, left) = match braced {
                Some((inner, left)) => {
                    let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
                    (name, default, left)
                }
                None => {
                    let end =
                        after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                    (&after[..end], "", &after[end..])
                }
            };
            match self.variables.get(name) {
                Some(value) if out.len() < MAX_LINE => out.push_str(value),
                None if !default.is_empty() => out.push_str(default),
                _ => {
                    out.push('$');
                    rest = after;
                    continue;
                }
            }
            rest = left;
        }
        out.push_str(rest);
        out
    }
}

/// Whether a word has a variable in it, or a command that is to be run. Many settings of an engine are of no importance.
fn has_no_value(word: &str, is_setting: bool) -> bool {
    if is_setting && !["parent=$", "subnet=$", "gateway=$", "ip=$"].iter().any(|part| word.contains(part)) {
        return false;
    }
    word.split('$')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || "_{($".contains(c)))
}

/// `for NAME in VALUES`
fn for_loop(text: &str) -> Option<(&str, &str)> {
    let (name, values) = text.strip_prefix("for ")?.split_once(" in ")?;
    is_name(name.trim()).then_some((name.trim(), values))
}

/// `$(seq 3)` and `$(seq 1 3)` as `{1..3}`.
fn counted_out(values: &str) -> String {
    let Some((before, rest)) = values.split_once("$(seq ") else { return values.to_owned() };
    let Some((bounds, after)) = rest.split_once(')') else { return values.to_owned() };
    let mut bounds = bounds.split_whitespace();
    let (first, last) = (bounds.next().unwrap_or("1"), bounds.next());
    let (from, to) = last.map_or(("1", first), |last| (first, last));
    format!("{before}{{{from}..{to}}}{after}")
}

/// `{1..3}` as numbers, `{a,b}` as words.
fn counted(word: &str) -> Vec<String> {
    let inner = word.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
    let bounds = inner.and_then(|inner| inner.split_once(".."));
    let numbers = bounds.and_then(|(from, to)| Some((from.parse::<u32>().ok()?, to.parse::<u32>().ok()?)));
    match (numbers, inner) {
        (Some((from, to)), _) => (from..=to).take(MAX_ROUNDS).map(|n| n.to_string()).collect(),
        (None, Some(list)) => list.split(',').map(str::to_owned).collect(),
        _ => vec![word.to_owned()],
    }
}
