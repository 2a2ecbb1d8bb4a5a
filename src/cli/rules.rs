//! `macvlab rules [ID]`

use super::terminal::{Out, Terminal};
use super::{Exit, Failure};
use anstyle::{AnsiColor, Style};
use macvlab::verdict::{Rule, RuleKind};
use serde::Serialize;
use std::io::{self, Write};

/// List the rules by which frames are decided, or say what one of them says.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab rules                         all of them, a line each
  macvlab rules R14                     one, with its reason and its place in the kernel
  macvlab rules --json                  one object a line
  macvlab rules --markdown              a page of documentation

Exit codes: 0, or 2 if there is no such rule.")]
pub(super) struct Args {
    /// A rule's id, such as R14.
    id: Option<String>,
    /// One JSON object a line.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Tables in Markdown.
    #[arg(long)]
    markdown: bool,
}

/// How rules are written.
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
}

/// Does it.
pub(super) fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let rules = match &args.id {
        None => Rule::ALL.to_vec(),
        Some(id) => vec![Rule::from_id(id).ok_or_else(|| {
            Failure::Because(format!("there is no rule `{id}`; `macvlab rules` lists them"))
        })?],
    };
    let form = match (args.json, args.markdown, args.id) {
        (true, ..) => Form::Json,
        (_, true, _) => Form::Markdown,
        (_, _, Some(_)) => Form::Whole,
        _ => Form::List,
    };
    let mut out = terminal.out();
    write(&mut out, &rules, &form, terminal.colour)?;
    out.flush()?;
    Ok(Exit::Held)
}

fn write(out: &mut Out, rules: &[Rule], form: &Form, colour: bool) -> io::Result<()> {
    let (id, bold) = match colour {
        true => (AnsiColor::Yellow.on_default(), Style::new().bold()),
        false => (Style::new(), Style::new()),
    };
    match form {
        Form::List => rules.iter().try_for_each(|r| {
            writeln!(out, "{id}{:<5}{id:#} {:<11} {}", r.id(), kind_name(r.kind()), r.title())
        }),
        Form::Whole => rules.iter().try_for_each(|r| {
            writeln!(out, "{id}{}{id:#} {bold}{}{bold:#} ({})", r.id(), r.title(), kind_name(r.kind()))?;
            writeln!(out, "{}", r.why())?;
            writeln!(out, "kernel: {}", r.kernel())
        }),
        Form::Json => rules.iter().try_for_each(|r| {
            let (id, kind, title, why, kernel) =
                (r.id(), kind_name(r.kind()), r.title(), r.why(), r.kernel());
            serde_json::to_writer(&mut *out, &Line { id, kind, title, why, kernel })?;
            out.write_all(b"\n")
        }),
        Form::Markdown => markdown(out, rules),
    }
}

/// A table of each sort of rule.
fn markdown(out: &mut Out, rules: &[Rule]) -> io::Result<()> {
    writeln!(out, "# Rules")?;
    let kinds = [
        (RuleKind::Forwarding, "Where a frame goes"),
        (RuleKind::Withholding, "Where a frame ends, or does not go"),
        (RuleKind::Refusal, "What is refused"),
        (RuleKind::Counting, "What is counted"),
        (RuleKind::Ground, "What the other rules stand on"),
    ];
    for (kind, heading) in kinds {
        let mut of_kind = rules.iter().filter(|r| r.kind() == kind).peekable();
        if of_kind.peek().is_none() {
            continue;
        }
        writeln!(out, "\n## {heading}\n\n| rule | title | reason | kernel |\n| --- | --- | --- | --- |")?;
        for r in of_kind {
            let cell = |text: &str| text.replace('|', "\\|");
            writeln!(out, "| {} | {} | {} | {} |", r.id(), cell(r.title()), cell(r.why()), cell(r.kernel()))?;
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
