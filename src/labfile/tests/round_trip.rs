//! Every declaration survives writing and reading; and no input makes the reader panic.

use super::choices::lab;
use super::parse;
use crate::lab::spec::*;
use crate::labfile::write;
use proptest::prelude::*;

fn without_lines(mut spec: LabSpec) -> LabSpec {
    spec.devices.iter_mut().for_each(|d| d.line = 0);
    spec.hosts.iter_mut().for_each(|h| h.line = 0);
    spec.switches.iter_mut().for_each(|s| s.line = 0);
    spec.steps.iter_mut().for_each(|s| s.line = 0);
    for exercise in spec.lesson.iter_mut().filter_map(|part| part.exercise.as_mut()) {
        exercise.goals.iter_mut().chain(&mut exercise.solution).for_each(|s| s.line = 0);
    }
    spec
}

proptest! {
    #[test]
    fn written_and_read_it_is_the_same(numbers in prop::collection::vec(any::<u32>(), 0..400)) {
        let lab = lab(&numbers);
        let text = write(&lab);
        match parse("lab.toml", &text) {
            Ok(read) => prop_assert_eq!(without_lines(read), lab, "{}", text),
            Err(mistakes) => prop_assert!(false, "{mistakes}\n{text}"),
        }
    }

    #[test]
    fn no_text_makes_it_panic(
        numbers in prop::collection::vec(any::<u32>(), 0..300),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..12usize, any::<prop::sample::Index>()), 0..6),
    ) {
        let pieces = ["", "\n", "\"", "[", "]", "{", "}", "=", "#", "\u{7f}\0", "ü", "99999999999999999999"];
        let mut text = write(&lab(&numbers));
        for (at, piece, len) in cuts {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.floor_char_boundary((start + len.index(9)).min(text.len()));
            text.replace_range(start..end.max(start), pieces[piece]);
        }
        if let Err(mistakes) = parse("lab.toml", &text) {
            prop_assert!(!mistakes.list().is_empty());
            let shown = mistakes.render(false);
            prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
            prop_assert!(mistakes.render(true).len() >= shown.len());
        }
    }

    #[test]
    fn no_garbage_makes_it_panic(text in "(\\[|\\]|\\{|\\}|=|\"|'|\\.|,|\n|nic|step|a|1| |switch|port|0x|-|\\\\){0,60}") {
        if let Err(mistakes) = parse("lab.toml", &text) {
            prop_assert!(!mistakes.render(false).is_empty());
        }
    }
}

#[test]
fn a_lab_of_ten_thousand_ports_is_read() {
    let mut text = "[nic.eth0]\n".to_owned();
    for i in 0..10_000 {
        text.push_str(&format!(
            "[macvlan.c{i}]\nparent = \"eth0\"\nmode = \"bridge\"\naddress = [\"10.1.{}.{}/8\"]\n",
            i / 250,
            i % 250
        ));
    }
    assert_eq!(parse("lab.toml", &text).unwrap().devices.len(), 10_001);
}
