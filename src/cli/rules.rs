//! `macvlab rules [ID]`

use super::demos::{self, Demo};
use super::terminal::{Out, Terminal};
use super::{Exit, Failure};
use anstyle::{AnsiColor, Style};
use macvlab::verdict::{Rule, RuleKind};
use serde::Serialize;
use std::io::{self, Write};

/// Labs that show a rule: a line for each rule with its id and their names, the most relevant first. A test generates
/// it.
const LABS: &str = include_str!("labs-by-rule.txt");

/// Maximum number of labs in a table row.
const MAX_LINKS: usize = 3;

/// List the rules by which frames are decided, or show one rule and the labs that show it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab rules                         all rules, one line each
  macvlab rules R14                     one rule: its reason, kernel function, labs and demos
  macvlab rules hairpin                 the rules that mention it
  macvlab rules --json                  one object per line
  macvlab rules --markdown              a page of documentation

The labs are in fixtures/labs of the sources, where this page is docs/rules.md.

Exit codes: 0, or 2 if there is no such rule.")]
pub(super) struct Args {
    /// A rule's id, such as R14; or a word to search for.
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// One JSON object per line.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Tables in Markdown.
    #[arg(long)]
    markdown: bool,
}

/// Output format.
enum Form {
    List,
    Whole,
    Json,
    Markdown,
}

/// A rule as JSON.
#[derive(Serialize)]
struct Line {
    id: &'static str,
    kind: &'static str,
    title: &'static str,
    why: &'static str,
    kernel: &'static str,
    labs: Vec<&'static str>,
    demos: Vec<&'static str>,
}

/// Runs the command.
pub(super) fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let (rules, whole) = match &args.id {
        None => (Rule::ALL.to_vec(), false),
        Some(id) => match Rule::from_id(id) {
            Some(rule) => (vec![rule], true),
            None => (speaking_of(id)?, false),
        },
    };
    let form = match (args.json, args.markdown) {
        (true, _) => Form::Json,
        (_, true) => Form::Markdown,
        _ if whole => Form::Whole,
        _ => Form::List,
    };
    let mut out = terminal.out();
    write(&mut out, &rules, &form, terminal)?;
    out.flush()?;
    Ok(Exit::Held)
}

fn write(out: &mut Out, rules: &[Rule], form: &Form, terminal: &Terminal) -> io::Result<()> {
    let (id, bold) = match terminal.colour {
        true => (AnsiColor::Yellow.on_default(), Style::new().bold()),
        false => (Style::new(), Style::new()),
    };
    let say = |english: &'static str| terminal.language.say(english);
    match form {
        Form::List => rules.iter().try_for_each(|r| {
            writeln!(out, "{id}{:<5}{id:#} {:<11} {}", r.id(), kind_name(r.kind()), say(r.title()))
        }),
        Form::Whole => rules.iter().try_for_each(|r| {
            writeln!(out, "{id}{}{id:#} {bold}{}{bold:#} ({})", r.id(), say(r.title()), kind_name(r.kind()))?;
            writeln!(out, "{}", terminal.wrapped(&say(r.why()), 0))?;
            writeln!(out, "kernel: {}", r.kernel())?;
            let labs = labs(*r);
            if !labs.is_empty() {
                writeln!(out, "labs:   {}", labs.join(", "))?;
            }
            demos(*r).try_for_each(|demo| writeln!(out, "see:    macvlab demo {} --explain", demo.name))
        }),
        Form::Json => rules.iter().try_for_each(|r| {
            let (id, kind, title, why, kernel) =
                (r.id(), kind_name(r.kind()), r.title(), r.why(), r.kernel());
            let (labs, demos) = (labs(*r), demos(*r).map(|demo| demo.name).collect());
            serde_json::to_writer(&mut *out, &Line { id, kind, title, why, kernel, labs, demos })?;
            out.write_all(b"\n")
        }),
        Form::Markdown => markdown(out, rules),
    }
}

/// The rules that have a word in their title, reason or kernel function.
fn speaking_of(word: &str) -> Result<Vec<Rule>, Failure> {
    let lower = word.to_lowercase();
    let speaks = |text: &str| text.to_lowercase().contains(&lower);
    let rules: Vec<Rule> = Rule::ALL
        .iter()
        .copied()
        .filter(|r| [r.title(), r.why(), r.kernel()].into_iter().any(speaks))
        .collect();
    if rules.is_empty() || word.trim().is_empty() {
        let word = word.escape_debug();
        return Err(Failure::Because(format!(
            "there is no rule `{word}`, and none mentions it; `macvlab rules` lists them"
        )));
    }
    Ok(rules)
}

/// The labs that show a rule.
fn labs(rule: Rule) -> Vec<&'static str> {
    let words = LABS.lines().map(str::split_whitespace);
    let line = words.into_iter().find_map(|mut words| (words.next() == Some(rule.id())).then_some(words));
    line.into_iter().flatten().collect()
}

/// The demos in which a rule makes the difference.
fn demos(rule: Rule) -> impl Iterator<Item = &'static Demo> {
    demos::ALL.iter().filter(move |demo| demo.decisions.iter().any(|d| d.rule == rule))
}

/// One table for each kind of rule.
fn markdown(out: &mut Out, rules: &[Rule]) -> io::Result<()> {
    writeln!(
        out,
        "# Rules\n\nEvery decision names one of these rules. `macvlab rules ID` shows a single rule; the labs show it at work: run one \
         with\n`macvlab run LAB --explain`."
    )?;
    let kinds = [
        (RuleKind::Forwarding, "Where a frame goes"),
        (RuleKind::Withholding, "Where a frame ends, or does not go"),
        (RuleKind::Refusal, "What is refused"),
        (RuleKind::Counting, "What is counted"),
        (RuleKind::Ground, "What the other rules build on"),
    ];
    for (kind, heading) in kinds {
        let mut of_kind = rules.iter().filter(|r| r.kind() == kind).peekable();
        if of_kind.peek().is_none() {
            continue;
        }
        writeln!(
            out,
            "\n## {heading}\n\n| rule | title | reason | kernel | labs |\n| --- | --- | --- | --- | --- |"
        )?;
        for r in of_kind {
            let cell = |text: &str| text.replace('|', "\\|");
            let link = |lab: &&str| format!("[{lab}](../fixtures/labs/{lab}.toml)");
            let links: Vec<_> = labs(*r).iter().take(MAX_LINKS).map(link).collect();
            let (id, title, why, kernel) = (r.id(), cell(r.title()), cell(r.why()), cell(r.kernel()));
            writeln!(out, "| <a id=\"{id}\"></a>{id} | {title} | {why} | {kernel} | {} |", links.join(", "))?;
        }
    }
    Ok(())
}

fn kind_name(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Forwarding => "forwarding",
        RuleKind::Withholding => "withholding",
        RuleKind::Refusal => "refusal",
        RuleKind::Counting => "counting",
        RuleKind::Ground => "ground",
    }
}
