//! Lessons: the course does what it says, goals are judged, and files of teachers are checked.
#![allow(missing_docs, clippy::unwrap_used)]

use macvlab::lab::Options;
use macvlab::lesson::course;

#[test]
fn the_course_is_without_faults() {
    for built_in in course::ALL {
        let lesson = built_in.lesson().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(lesson.faults(&Options::default()), [], "{}", built_in.name);
    }
}
