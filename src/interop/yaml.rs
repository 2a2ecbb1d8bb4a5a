//! YAML as a tree, made of a parser's events: aliases stand for what they name, and merge keys (`<<`) are carried out.

use super::tree::{Key, MAX_DEPTH, MAX_DOCUMENTS, MAX_NODES, Node, Value};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What is wrong with a text.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) message: String,
    /// At which byte.
    pub(super) at: usize,
}

/// The documents of a text that have something in them.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, Wrong> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Wrong {
            message: error.to_string(),
            at: error.marker().byte_offset().unwrap_or_default(),
        })?;
        builder.event(event, bytes(&span))?;
    }
    Ok(builder.documents)
}

fn bytes(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    /// The lists and maps that are not complete.
    open: Vec<Open>,
    /// What aliases may name, by the parser's number.
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

/// A list or map that is not complete.
struct Open {
    span: Range<usize>,
    anchor: usize,
    parts: Parts,
}

enum Parts {
    List(Vec<Node>),
    Map(Map),
}

#[derive(Default)]
struct Map {
    entries: Vec<(Key, Node)>,
    /// The texts of its keys.
    keys: BTreeSet<String>,
    /// The key whose value is next.
    key: Option<(Node, IsMerge)>,
    /// What merge keys add.
    merged: Vec<Node>,
}

/// Whether a scalar is the merge key; in quotes it is a key like others.
type IsMerge = bool;

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Wrong> {
        match event {
            Event::DocumentStart(..) if self.documents.len() >= MAX_DOCUMENTS => {
                Err(wrong(format!("more than {MAX_DOCUMENTS} documents"), span.start))
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                let is_merge = is_plain && text == "<<";
                let value = if is_plain { plain(&text) } else { Value::Text(text.into_owned()) };
                self.count(1, 0, span.start)?;
                self.complete(Node { value, span }, anchor, is_merge)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(Parts::List(Vec::new()), anchor, span),
            Event::MappingStart(_, anchor, _) => self.begin(Parts::Map(Map::default()), anchor, span),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { span: begin, anchor, parts }) => {
                    let value = match parts {
                        Parts::List(list) => Value::List(list),
                        Parts::Map(map) => Value::Map(map.merged(span.start)?),
                    };
                    self.complete(Node { value, span: begin }, anchor, false)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let named = self.anchors.get(&anchor).cloned();
                // A list that contains itself is not complete yet.
                let named =
                    named.ok_or_else(|| wrong("an alias of what it is in itself".to_owned(), span.start))?;
                let (nodes, depth) = measure(&named);
                self.count(nodes, depth, span.start)?;
                self.complete(Node { span, ..named }, 0, false)
            }
            _ => Ok(()),
        }
    }

    /// So many more nodes, the deepest of which is so deep.
    fn count(&mut self, nodes: usize, depth: usize, at: usize) -> Result<(), Wrong> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(wrong(format!("more than {MAX_NODES} values, with what aliases repeat"), at));
        }
        if self.open.len() + depth > MAX_DEPTH {
            return Err(wrong(format!("lists and maps in each other more than {MAX_DEPTH} deep"), at));
        }
        Ok(())
    }

    fn begin(&mut self, parts: Parts, anchor: usize, span: Range<usize>) -> Result<(), Wrong> {
        self.count(1, 1, span.start)?;
        self.open.push(Open { span, anchor, parts });
        Ok(())
    }

    /// Puts a node where it belongs.
    fn complete(&mut self, node: Node, anchor: usize, is_merge: IsMerge) -> Result<(), Wrong> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.parts) {
            Some(Parts::List(list)) => list.push(node),
            Some(Parts::Map(map)) => map.put(node, is_merge)?,
            None if node.value == Value::Null => {}
            None => self.documents.push(node),
        }
        Ok(())
    }
}

impl Map {
    /// A key and its value come one after the other.
    fn put(&mut self, node: Node, is_merge: IsMerge) -> Result<(), Wrong> {
        match self.key.take() {
            None => self.key = Some((node, is_merge)),
            Some((_, true)) => self.merged.push(node),
            Some((Node { value: Value::Text(text), span }, false)) => {
                if !self.keys.insert(text.clone()) {
                    return Err(wrong(format!("duplicate mapping key: {text}"), span.start));
                }
                self.entries.push((Key { text, span }, node));
            }
            // A key that is no scalar has no name, and nothing asks for it.
            Some(_) => {}
        }
        Ok(())
    }

    /// Its entries, with what merge keys add: the keys that it does not have itself.
    fn merged(mut self, at: usize) -> Result<Vec<(Key, Node)>, Wrong> {
        let maps = self.merged.into_iter().flat_map(|node| match node.value {
            Value::List(list) => list,
            value => vec![Node { value, span: node.span }],
        });
        for map in maps {
            let Value::Map(more) = map.value else {
                return Err(wrong("a merge key takes a map, or a list of maps".to_owned(), at));
            };
            self.entries.extend(more.into_iter().filter(|(key, _)| self.keys.insert(key.text.clone())));
        }
        Ok(self.entries)
    }
}

/// A scalar without quotes: null and truth values have several spellings (YAML 1.2.2, 10.3.2).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "True" | "TRUE" => Value::Text("true".to_owned()),
        "False" | "FALSE" => Value::Text("false".to_owned()),
        text => Value::Text(text.to_owned()),
    }
}

/// The number of nodes in a tree, and how deep lists and maps are in each other.
fn measure(node: &Node) -> (usize, usize) {
    let inner = |all: &mut dyn Iterator<Item = &Node>| {
        let (nodes, depth) = all.map(measure).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1.max(one.1)));
        (nodes + 1, depth + 1)
    };
    match &node.value {
        Value::Null | Value::Text(_) => (1, 0),
        Value::List(list) => inner(&mut list.iter()),
        Value::Map(entries) => inner(&mut entries.iter().map(|(_, node)| node)),
    }
}

fn wrong(message: String, at: usize) -> Wrong {
    Wrong { message, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The only document, in short: `{a: [b, ~]}`.
    fn short(text: &str) -> String {
        let documents = documents(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        let [document] = documents.as_slice() else { panic!("{text}: {documents:?}") };
        of(document)
    }

    fn of(node: &Node) -> String {
        match &node.value {
            Value::Null => "~".to_owned(),
            Value::Text(text) => text.clone(),
            Value::List(list) => format!("[{}]", list.iter().map(of).collect::<Vec<_>>().join(", ")),
            Value::Map(entries) => {
                let pairs = entries.iter().map(|(key, node)| format!("{}: {}", key.text, of(node)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }

    #[test]
    fn scalars_stay_as_they_are_written() {
        let text = "a: 3.10\nb: 007\nc: \"\"\nd:\ne: null\nf: 'null'\ng: TRUE\nh: !!str ~\ni: 0x1f\nj: |\n  two\n  lines\n";
        assert_eq!(
            short(text),
            "{a: 3.10, b: 007, c: , d: ~, e: ~, f: null, g: true, h: ~, i: 0x1f, j: two\nlines\n}"
        );
    }

    #[test]
    fn an_alias_is_what_it_names_and_a_merge_key_adds_what_is_missing() {
        assert_eq!(short("a: &a [1, {b: 2}]\nc: *a\n"), "{a: [1, {b: 2}], c: [1, {b: 2}]}");
        let base = "x: &x {mode: vepa, mtu: 1500}\ny: &y {mode: bridge, up: no}\n";
        assert!(
            short(&format!("{base}z: {{<<: *x, mode: private}}\n"))
                .ends_with("z: {mode: private, mtu: 1500}}")
        );
        assert!(
            short(&format!("{base}z:\n  <<: [*x, *y]\n")).ends_with("z: {mode: vepa, mtu: 1500, up: no}}")
        );
        // In quotes it is a key like others.
        assert_eq!(short("'<<': 1\n"), "{<<: 1}");
    }

    #[test]
    fn documents_without_content_are_left_out() {
        assert_eq!(documents("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n").unwrap().len(), 2);
        assert!(documents("").unwrap().is_empty());
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "one:\n  - two: \"thrée\"\n    four: *x\n".replace("*x", "five");
        let documents = documents(&text).unwrap();
        let list = documents[0].get("one").unwrap().list();
        let [(two, three), (four, five)] = list[0].entries() else { panic!("{list:?}") };
        let spans = [&two.span, &three.span, &four.span, &five.span];
        assert_eq!(spans.map(|span| &text[span.clone()]), ["two", "\"thrée\"", "four", "five"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, said, at) in [
            ("a: 1\nb: 2\na: 3\n", "duplicate mapping key: a", 10),
            ("a: &a\n  - *a\n", "an alias of what it is in itself", 10),
            ("a: *b\n", "anchor", 3),
            ("a: {<<: 7}\n", "a merge key takes a map", 9),
            ("a: [1,\n", "unclosed bracket", 3),
        ] {
            let wrong = documents(text).unwrap_err();
            assert!(wrong.message.contains(said), "{text}: {wrong:?}");
            assert_eq!(wrong.at, at, "{text}: {wrong:?}");
        }
    }

    #[test]
    fn aliases_of_aliases_and_deep_texts_end() {
        let bomb: String = (1..20).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, at| {
            let before = at - 1;
            text + &format!("a{at}: &a{at} [{}]\n", vec![format!("*a{before}"); 10].join(", "))
        });
        assert!(documents(&bomb).unwrap_err().message.contains("more than 100000 values"));
        let deep: String = (1..100)
            .fold("a0: &a0 [x]\n".to_owned(), |text, at| text + &format!("a{at}: &a{at} [*a{}]\n", at - 1));
        for text in [deep, "[".repeat(500_000), "- ".repeat(500_000), "{a: ".repeat(100_000)] {
            let wrong = documents(&text).unwrap_err();
            // Brackets are counted by the parser as well.
            let says = ["more than 48 deep", "recursion limit"];
            assert!(says.iter().any(|says| wrong.message.contains(says)), "{wrong:?}");
        }
    }
}
