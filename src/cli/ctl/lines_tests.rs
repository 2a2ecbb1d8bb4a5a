use super::*;
use std::io::{PipeWriter, Write as _};
use std::os::fd::OwnedFd;

/// Lines from a pipe; its writing end, and the end that cancels the wait when it is closed.
fn lines() -> (Lines, PipeWriter, PipeWriter) {
    let (input, writer) = io::pipe().unwrap();
    let (last_call, bell) = io::pipe().unwrap();
    (Lines::of(File::from(OwnedFd::from(input)), last_call), writer, bell)
}

fn next(lines: &mut Lines) -> Option<Line> {
    lines.next().unwrap()
}

fn whole(text: &str) -> Option<Line> {
    Some(Line::Whole(text.as_bytes().to_vec()))
}

#[test]
fn lines_come_one_by_one_and_the_last_may_lack_its_end() {
    let (mut lines, mut writer, _bell) = lines();
    writer.write_all(b"one\n\ntwo\r\nthr").unwrap();
    assert_eq!(next(&mut lines), whole("one"));
    assert_eq!(next(&mut lines), whole(""));
    assert_eq!(next(&mut lines), whole("two\r"));
    writer.write_all(b"ee").unwrap();
    drop(writer);
    assert_eq!(next(&mut lines), whole("three"));
    assert_eq!([next(&mut lines), next(&mut lines)], [None, None]);
}

#[test]
fn when_time_is_up_what_is_there_is_still_read_and_nothing_is_waited_for() {
    let (mut lines, mut writer, bell) = lines();
    writer.write_all(b"one\ntwo\nhalf").unwrap();
    drop(bell);
    assert_eq!(next(&mut lines), whole("one"));
    assert_eq!(next(&mut lines), whole("two"));
    // The input has not ended, so this may be half a line.
    assert_eq!(next(&mut lines), None);
    drop(writer);
}

#[test]
fn a_waiting_caller_gets_a_timeout() {
    let (mut lines, writer, bell) = lines();
    let waiting = std::thread::spawn(move || next(&mut lines));
    drop(bell);
    assert_eq!(waiting.join().unwrap(), None);
    drop(writer);
}

#[test]
fn a_line_longer_than_any_request_is_not_kept() {
    let (mut lines, mut writer, _bell) = lines();
    let most = "x".repeat(MAX_REQUEST);
    let writing = std::thread::spawn({
        let most = most.clone();
        move || {
            let huge = vec![b'x'; 20 * MAX_REQUEST];
            let parts: [&[u8]; 6] = [most.as_bytes(), b"\n", &huge, b"\nnext\n", &huge, b"x"];
            parts.iter().for_each(|part| writer.write_all(part).unwrap());
        }
    });
    assert_eq!(next(&mut lines), whole(&most));
    assert_eq!(next(&mut lines), Some(Line::TooLong));
    assert!(lines.read.capacity() < 4 * MAX_REQUEST);
    assert_eq!(next(&mut lines), whole("next"));
    assert_eq!(next(&mut lines), Some(Line::TooLong));
    assert_eq!(next(&mut lines), None);
    writing.join().unwrap();
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let (last_call, _bell) = io::pipe().unwrap();
    assert!(Lines::of(File::open("/").unwrap(), last_call).next().is_err());
}
