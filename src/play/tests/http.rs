//! HTTP requests and their responses, without a network.

use super::super::Workspace;
use super::super::http::respond;
use super::workspace;
use hyper::{Request, StatusCode};
use serde_json::{Value, json};

/// The status of the answer, and its body.
fn ask(workspace: &mut Workspace, method: &str, what: &str, body: &str) -> (StatusCode, Value) {
    ask_as(workspace, method, what, "application/json", body)
}

fn ask_as(
    workspace: &mut Workspace,
    method: &str,
    what: &str,
    media: &str,
    body: &str,
) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri("/").header("content-type", media).body(()).unwrap();
    let response = respond(workspace, what, &request.into_parts().0, body.as_bytes());
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert!(!response.headers().contains_key("access-control-allow-origin"));
    assert!(response.headers().contains_key("content-security-policy"));
    let (status, body) = (response.status(), response.into_body());
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[test]
fn an_action_is_a_step_in_json_or_as_text() {
    let mut workspace = workspace();
    let ping = json!({ "step": { "ping": { "from": "c1", "to": "c2", "count": 2 } } }).to_string();
    let (status, standing) = ask(&mut workspace, "POST", "act", &ping);
    assert_eq!(status, StatusCode::OK);
    assert_eq!(standing["told"]["outcome"], "unreachable: no neighbour answers");
    assert_eq!(standing["told"]["because"][0]["rule"], "R126");
    let text = json!({ "toml": "set = { device = \"c2\", mode = \"bridge\" }" }).to_string();
    let (status, standing) = ask_as(&mut workspace, "POST", "act", "Application/JSON; charset=utf-8", &text);
    assert_eq!(status, StatusCode::OK);
    let devices = standing["state"]["devices"].as_array().unwrap();
    assert!(devices.iter().any(|device| device["name"] == "c2" && device["mode"] == "bridge"));
    // What the page has is not told again.
    assert_eq!(standing["state"]["done"].as_array().unwrap().len(), 1);
    assert_eq!(standing["after"], json!({ "run": 0, "steps": 1 }));
    assert_eq!(standing["at"], json!({ "run": 0, "steps": 2 }));
    let (_, standing) = ask(&mut workspace, "GET", "state", "");
    assert_eq!(
        (&standing["state"]["done"].as_array().unwrap().len(), &standing["after"]),
        (&2, &Value::Null)
    );
    let (_, standing) = ask(&mut workspace, "POST", "undo", "");
    assert_eq!(standing["after"], Value::Null, "all was run again");
    assert_eq!(standing["state"]["redo"], "c2 changes to mode bridge");
    let (_, standing) = ask(&mut workspace, "POST", "redo", "");
    assert_eq!(standing["told"]["action"], "c2 changes to mode bridge");
    let (_, standing) = ask(&mut workspace, "POST", "reset", "");
    assert_eq!(standing["state"]["done"], json!([]));
}

#[test]
fn strings_stay_strings() {
    let mut workspace = workspace();
    for name in ["\"", "\\", "a\" }\n[nic.x]\n", "</script>", "é\u{1}\u{7f}", "a = 1 #", ""] {
        let step = json!({ "step": { "set": { "device": name, "up": true } } }).to_string();
        let (status, answer) = ask(&mut workspace, "POST", "act", &step);
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name:?}");
        assert!(answer["error"].as_str().unwrap().contains("there is no"), "{name:?}: {answer}");
    }
    assert_eq!(workspace.session().unwrap().state().done, []);
}

#[test]
fn what_is_malformed_is_refused_with_a_reason() {
    let mut workspace = workspace();
    let deep = format!("{{\"step\":{}1{}}}", "{\"a\":".repeat(100), "}".repeat(100));
    let deeper = format!("{{\"step\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, status) in [
        ("", StatusCode::BAD_REQUEST),
        ("{", StatusCode::BAD_REQUEST),
        ("[]", StatusCode::BAD_REQUEST),
        ("{}", StatusCode::BAD_REQUEST),
        ("\"act\"", StatusCode::BAD_REQUEST),
        ("{\"step\": 1}", StatusCode::BAD_REQUEST),
        ("{\"jump\": {}}", StatusCode::BAD_REQUEST),
        ("{\"toml\": \"wait = '1s'\", \"step\": {}}", StatusCode::BAD_REQUEST),
        ("\u{0}\u{1}", StatusCode::BAD_REQUEST),
        (&deeper, StatusCode::BAD_REQUEST),
        ("{\"step\": {}}", StatusCode::UNPROCESSABLE_ENTITY),
        ("{\"step\": {\"ping\": null}}", StatusCode::UNPROCESSABLE_ENTITY),
        ("{\"step\": {\"ping\": {\"from\": 1e400}}}", StatusCode::BAD_REQUEST),
        ("{\"step\": {\"wait\": 1e30}}", StatusCode::UNPROCESSABLE_ENTITY),
        (&deep, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let (answered, error) = ask(&mut workspace, "POST", "act", body);
        let start = &body[..body.len().min(60)];
        assert_eq!(answered, status, "{start}: {error}");
        assert!(!error["error"].as_str().unwrap().is_empty(), "{start}");
    }
    let (status, _) = ask_as(&mut workspace, "POST", "act", "text/plain", "{\"toml\":\"wait = '1s'\"}");
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for what in ["undo", "redo", "reset"] {
        let (status, _) = ask_as(&mut workspace, "POST", what, "application/x-www-form-urlencoded", "");
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{what}");
    }
    let (status, error) = ask(&mut workspace, "POST", "undo", "");
    assert_eq!(
        (status, &error["error"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("there is nothing to undo"))
    );
}

#[test]
fn each_thing_has_its_way() {
    let mut workspace = workspace();
    for (method, what, status) in [
        ("GET", "", StatusCode::OK),
        ("GET", "state", StatusCode::OK),
        ("GET", "lab.toml", StatusCode::OK),
        ("GET", "traffic.pcapng", StatusCode::OK),
        ("POST", "", StatusCode::METHOD_NOT_ALLOWED),
        ("POST", "state", StatusCode::METHOD_NOT_ALLOWED),
        ("DELETE", "lab.toml", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "act", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "undo", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "act/", StatusCode::NOT_FOUND),
        ("GET", "../state", StatusCode::NOT_FOUND),
        ("GET", "etc/passwd", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(ask(&mut workspace, method, what, "").0, status, "{method} {what}");
    }
    assert_eq!(workspace.session().unwrap().state().done, []);
}

proptest::proptest! {
    #[test]
    fn no_body_breaks_the_server(body in "\\PC{0,60}", step in "[a-z]{1,7} = [\\[\\]{}\",=a-z0-9. ]{0,40}") {
        let mut workspace = workspace();
        for body in [body.clone(), json!({ "toml": step }).to_string(), json!({ "step": { step.clone(): body } }).to_string()] {
            let (status, _) = ask(&mut workspace, "POST", "act", &body);
            proptest::prop_assert!([200, 400, 422].contains(&status.as_u16()), "{status} {body}");
        }
    }
}

#[test]
fn what_would_help_is_asked_of_a_step() {
    let mut workspace = workspace();
    let ping = json!({ "step": { "ping": { "from": "c1", "to": "c2" } } }).to_string();
    let (_, standing) = ask(&mut workspace, "POST", "act", &ping);
    assert_eq!((&standing["told"]["asks"], &standing["told"]["step"]), (&json!(true), &json!(1)));
    let (status, answer) = ask(&mut workspace, "POST", "why", "{\"step\": 1}");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["remedies"][0]["change"], "Set c1 and c2 to mode bridge.");
    // Asking changes nothing.
    assert_eq!(workspace.session().unwrap().state().done.len(), 1);
    let set = json!({ "step": { "set": { "device": "c1", "up": true } } }).to_string();
    ask(&mut workspace, "POST", "act", &set);
    for (body, status) in [
        ("{\"step\": 0}", StatusCode::UNPROCESSABLE_ENTITY),
        ("{\"step\": 2}", StatusCode::UNPROCESSABLE_ENTITY),
        ("{\"step\": 3}", StatusCode::UNPROCESSABLE_ENTITY),
        ("{\"step\": -1}", StatusCode::BAD_REQUEST),
        ("{}", StatusCode::BAD_REQUEST),
    ] {
        let (refused, answer) = ask(&mut workspace, "POST", "why", body);
        assert_eq!(refused, status, "{body}: {answer}");
    }
}

/// Two containers in the mode of the article, as people paste them.
const PASTED: &str = "\
ip netns add c1
ip netns add c2
ip link add m1 link eth0 netns c1 type macvlan mode vepa
ip link add m2 link eth0 netns c2 type macvlan mode vepa
ip -n c1 addr add 192.168.128.222/24 dev m1
ip -n c2 addr add 192.168.128.233/24 dev m2
ip -n c1 link set m1 up
ip -n c2 link set m2 up
";

#[test]
fn what_is_pasted_is_opened_and_its_findings_are_mended_by_their_steps() {
    let mut workspace = workspace();
    let before = ask(&mut workspace, "GET", "state", "").1;
    let text = json!({ "text": PASTED }).to_string();
    let (status, opened) = ask(&mut workspace, "POST", "open", &text);
    assert_eq!(status, StatusCode::OK, "{opened}");
    assert_eq!(opened["after"], Value::Null);
    assert_ne!(opened["at"], before["at"], "another page notices that the lab is another");
    let (status, findings) = ask(&mut workspace, "GET", "findings", "");
    assert_eq!(status, StatusCode::OK, "{findings}");
    let found =
        findings.as_array().unwrap().iter().find(|finding| finding["id"] == "vepa-without-hairpin").unwrap();
    assert_eq!(found["at"]["input"], "the text");
    assert!(found["at"]["line"].as_u64().is_some_and(|line| line > 0), "{found}");
    let pair =
        json!({ "step": { "ping": { "from": found["pair"][0], "to": found["pair"][1] } } }).to_string();
    assert_eq!(ask(&mut workspace, "POST", "act", &pair).1["told"]["failed"], true);
    for step in found["remedies"][0]["steps"].as_array().unwrap() {
        let (status, done) = ask(&mut workspace, "POST", "act", &json!({ "toml": step }).to_string());
        assert_eq!(status, StatusCode::OK, "{done}");
        assert_eq!(done["told"]["failed"], false, "{done}");
    }
    assert_eq!(ask(&mut workspace, "POST", "act", &pair).1["told"]["failed"], false);
}

#[test]
fn what_cannot_be_opened_changes_nothing_and_is_said_with_its_place() {
    let mut workspace = workspace();
    let before = ask(&mut workspace, "GET", "state", "");
    for (text, said) in [
        ("[nic.eth0]\nmtu = true\n", "the text:2"),
        ("{ \"a\": [ 1, }", "no lab file"),
        (&"[".repeat(100_000), ""),
        (&"x".repeat(5_000_000), "longer than 4194304 bytes"),
    ] {
        let (status, answer) = ask(&mut workspace, "POST", "open", &json!({ "text": text }).to_string());
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        let error = answer["error"].as_str().unwrap();
        assert!(!error.is_empty() && error.contains(said), "{error}");
        assert_eq!(ask(&mut workspace, "GET", "state", ""), before);
    }
}
