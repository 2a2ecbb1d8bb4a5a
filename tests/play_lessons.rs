//! The first course in a real browser, taken as a student would.
#![cfg(all(unix, feature = "serve"))]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::playground::Playground;
use common::webdriver::{Browser, key};
use common::{one_file, root};
use macvlab::lab::spec::{ExerciseSpec, PartSpec, StepSpec};
use macvlab::labfile::write_action;
use macvlab::lesson::{Lesson, course};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// The control with this name.
fn control(name: &str) -> String {
    format!("[data-key='{name}']")
}

/// Waits until there is such a control.
fn there_is(browser: &Browser, name: &str) {
    browser.wait_for(&format!("!document.body.ariaBusy && document.querySelector(\"{}\")", control(name)));
}

/// Clicks a control, and waits until what it asked for was answered.
fn click(browser: &Browser, name: &str) {
    there_is(browser, name);
    browser.click(&control(name));
    browser.wait_for("!document.body.ariaBusy");
}

/// Waits until the lesson's text contains this.
fn says(browser: &Browser, text: &str) {
    browser.wait_for(&format!("document.getElementById('lesson').innerText.includes({})", Value::from(text)));
}

fn lessons() -> Vec<Lesson> {
    course::ALL.iter().map(|built| built.lesson().unwrap()).collect()
}

/// Chooses what is right at the predictions of one time.
fn answer(browser: &Browser, part: &PartSpec, after: bool) {
    for (index, asked) in part.predictions.iter().enumerate().filter(|(_, asked)| asked.after == after) {
        let right = asked.choices.iter().position(|choice| choice.right).unwrap();
        let unsaid = !browser.text("#lesson").contains(&asked.choices[right].why);
        assert!(unsaid, "what a choice says is shown when it was chosen");
        click(browser, &format!("choice {} {}", index + 1, right + 1));
    }
}

/// Does a step with the page's controls: at its flag, or typed.
fn act(browser: &Browser, step: &StepSpec) {
    let text = write_action(step);
    browser.eval("document.getElementById('result').className = 'waiting'");
    if text == r#"set = { switch = "sw0", port = "eth0", hairpin = true }"# {
        click(browser, "flag sw0.eth0 hairpin");
    } else {
        let is_open =
            browser.eval("return document.querySelector(\"[data-key='section step']\").parentElement.open");
        if is_open == json!(false) {
            click(browser, "section step");
        }
        browser.eval("document.querySelector(\"[data-key='step text']\").value = ''");
        browser.fill(&control("step text"), &text);
        click(browser, "step go");
    }
    browser.wait_for("document.getElementById('result').className !== 'waiting'");
}

fn solve(browser: &Browser, exercise: &ExerciseSpec) {
    click(browser, "exercise");
    says(browser, &exercise.task);
    assert_eq!(browser.eval("return document.querySelector('.solved')"), Value::Null);
    if let Some(hint) = exercise.hints.first() {
        assert!(!browser.text("#lesson").contains(hint));
        click(browser, "hint");
        says(browser, hint);
    }
    for step in &exercise.solution {
        act(browser, step);
    }
    browser.wait_for("document.querySelector('#lesson .solved')");
    assert_eq!(browser.eval("return document.querySelectorAll('.goals .good').length"), exercise.goals.len());
    assert_eq!(browser.text(&control("to lesson")), format!("Goals: {0} of {0}", exercise.goals.len()));
    says(browser, &exercise.explanation);
}

/// Plays all lessons of the page, and returns the score.
fn play(browser: &Browser) -> String {
    browser.wait_for("document.getElementById('result').textContent.startsWith('Change something')");
    browser.click("#lessons");
    click(browser, "take figure");
    let place = "return document.querySelector('.stage').getBoundingClientRect().top";
    let top = browser.eval(place);
    let (mut asked, mut solved) = (0, 0);
    for lesson in lessons() {
        for part in &lesson.lab().lesson {
            says(browser, &part.question);
            assert_eq!(browser.text("#title"), lesson.title());
            answer(browser, part, false);
            click(browser, "run");
            browser.wait_for("document.querySelector('#lesson .ran')");
            if part.predictions.iter().any(|asked| asked.after) {
                assert!(!browser.text("#lesson").contains(&part.explanation));
                answer(browser, part, true);
                click(browser, "answer");
            }
            says(browser, &part.explanation);
            assert_eq!(
                browser.eval("return document.querySelector('#lesson .bad')"),
                Value::Null,
                "all is right"
            );
            let rule = part.rules.first().map(|rule| format!("rule {}", rule.id()));
            rule.into_iter().for_each(|rule| click(browser, &rule));
            asked += part.predictions.len();
            if let Some(exercise) = &part.exercise {
                solve(browser, exercise);
                solved += 1;
            }
            assert_eq!(browser.eval(place), top, "the diagram stays where it is");
            click(browser, "next");
        }
    }
    let score = format!("{asked} of {asked} predictions right, {solved} exercises solved");
    says(browser, &score);
    score
}

/// The progress is the browser's.
fn score_is_kept(browser: &Browser, score: &str) {
    browser.click("#lessons");
    says(browser, score);
    assert_eq!(browser.text("#lesson").matches("✓ done").count(), course::ALL.len());
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn the_whole_course_is_played() {
    let playground = Playground::start(root(), &[]);
    let Some(browser) = Browser::open(1400, 900) else { return };
    browser.go(&playground.url());
    let score = play(&browser);
    browser.go(&playground.url());
    // The session is where it was.
    browser.wait_for("document.querySelector('#lesson .solved')");
    score_is_kept(&browser, &score);
    click(&browser, "leave");
    browser.wait_for("document.getElementById('lesson').hidden");
    assert!(browser.text("#title").starts_with("The classic set-up"));
}

#[test]
fn the_whole_course_is_played_from_disk() {
    let Some(page) = one_file() else { return };
    let Some(browser) = Browser::open(1400, 900) else { return };
    browser.visit(&page);
    let score = play(&browser);
    browser.visit(&page);
    browser.wait_for("document.getElementById('result').textContent.startsWith('Change something')");
    score_is_kept(&browser, &score);
}

#[test]
fn the_whole_course_is_played_from_a_host_that_serves_a_file() {
    let Some(page) = one_file() else { return };
    let Some(browser) = Browser::open(1400, 900) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        // The page, and nothing else: it asks for nothing.
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let page = std::fs::read(page).unwrap();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            page.len()
        );
        stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(&page)).unwrap();
    });
    browser.go(&url);
    served.join().unwrap();
    play(&browser);
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_lesson_is_taken_by_keyboard_and_its_first_answers_count() {
    let playground = Playground::start(root(), &["lesson:host"]);
    let Some(browser) = Browser::open(390, 844) else { return };
    browser.go(&playground.url());
    there_is(&browser, "choice 1 1");
    // Nothing is run, and nothing can be changed.
    assert_eq!(browser.eval("return document.getElementById('panel').hidden"), json!(true));
    assert_eq!(browser.eval("return document.querySelector(\"[data-key=run]\").disabled"), json!(true));
    browser.eval("document.querySelector(\"[data-key='choice 1 1']\").focus()");
    browser.press([' ', key::TAB, key::ENTER]);
    browser.wait_for("document.querySelector('#lesson .bad')");
    let lesson = course::named("host").unwrap().lesson().unwrap();
    let choices = &lesson.lab().lesson[0].predictions[0].choices;
    let told = browser.text("#lesson");
    for choice in choices {
        assert_eq!(told.contains(&choice.why), choice.right || choice == &choices[0], "{}", choice.text);
    }
    assert_eq!(browser.eval("return document.documentElement.scrollWidth <= innerWidth"), json!(true));

    // Chosen again, what is right does not count.
    click(&browser, "to lesson");
    click(&browser, "part 1");
    click(&browser, "choice 1 3");
    click(&browser, "run");
    browser.wait_for("document.querySelector('#lesson .good') && !document.querySelector('#lesson .bad')");
    browser.click("#lessons");
    says(&browser, "0 of 1 predictions right");
    browser.go(&playground.url());
    there_is(&browser, "answer");
    browser.click("#lessons");
    click(&browser, "forget");
    click(&browser, "forget");
    browser.wait_for("!document.getElementById('lesson').innerText.includes('predictions right')");
    assert_eq!(browser.console(), [""; 0]);
}
