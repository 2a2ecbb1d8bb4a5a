//! Access control.

use super::super::{AccessDenied, CODE_LIFE, Guard, TOKEN_BYTES};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

const PORT: u16 = 4321;

fn guard() -> Guard {
    Guard::new(PORT, [0xa5; TOKEN_BYTES])
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v)));
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value);
    }
    headers
}

fn path(what: &str) -> String {
    format!("/{}/{what}", "a5".repeat(TOKEN_BYTES))
}

#[test]
fn the_page_itself_is_let_in() {
    let url = guard().url();
    assert_eq!(url, format!("http://127.0.0.1:4321{}", path("")));
    let own: [&[(&str, &str)]; 4] = [
        &[("host", "127.0.0.1:4321")],
        &[("host", "localhost:4321")],
        &[("host", "127.0.0.1:4321"), ("origin", "http://127.0.0.1:4321"), ("sec-fetch-site", "same-origin")],
        &[("host", "127.0.0.1:4321"), ("sec-fetch-site", "none")],
    ];
    for pairs in own {
        assert_eq!(guard().admit(&path("state"), &headers(pairs)), Ok("state"), "{pairs:?}");
    }
}

#[test]
fn others_are_not() {
    let outsiders: [(&[(&str, &str)], AccessDenied); 11] = [
        (&[], AccessDenied::Host),
        (&[("host", "127.0.0.1")], AccessDenied::Host),
        (&[("host", "127.0.0.1:80")], AccessDenied::Host),
        (&[("host", "evil.example:4321")], AccessDenied::Host),
        (&[("host", "127.0.0.1:4321"), ("host", "127.0.0.1:4321")], AccessDenied::Host),
        (&[("host", "127.0.0.1:4321"), ("origin", "http://evil.example")], AccessDenied::Origin),
        (&[("host", "127.0.0.1:4321"), ("origin", "https://127.0.0.1:4321")], AccessDenied::Origin),
        (&[("host", "127.0.0.1:4321"), ("origin", "null")], AccessDenied::Origin),
        (&[("host", "127.0.0.1:4321"), ("origin", "http://127.0.0.1:8080")], AccessDenied::Origin),
        (&[("host", "127.0.0.1:4321"), ("sec-fetch-site", "cross-site")], AccessDenied::Origin),
        (&[("host", "127.0.0.1:4321"), ("sec-fetch-site", "same-site")], AccessDenied::Origin),
    ];
    for (pairs, outsider) in outsiders {
        assert_eq!(guard().admit(&path("state"), &headers(pairs)), Err(outsider), "{pairs:?}");
    }
}

#[test]
fn the_token_must_be_whole_and_right() {
    let own = headers(&[("host", "127.0.0.1:4321")]);
    let right = "a5".repeat(TOKEN_BYTES);
    for path in [
        "".to_owned(),
        "/".to_owned(),
        "//".to_owned(),
        "/state".to_owned(),
        "//state".to_owned(),
        format!("/{right}"),
        format!("/{}/state", &right[1..]),
        format!("/{right}a/state"),
        format!("/{}/state", right.replacen('a', "b", 1)),
        format!("/{}/state", right.to_uppercase()),
        format!("/x/{right}/state"),
    ] {
        assert_eq!(guard().admit(&path, &own), Err(AccessDenied::Token), "{path}");
    }
    let other = Guard::new(PORT, [0x5a; TOKEN_BYTES]);
    assert_eq!(other.admit(&self::path("state"), &own), Err(AccessDenied::Token));
}

#[test]
fn a_code_leads_to_the_page_once() {
    let guard = guard();
    let own = headers(&[("host", "127.0.0.1:4321")]);
    let code = "c3".repeat(TOKEN_BYTES);
    let path = format!("/open/{code}");
    let redeem = |path: &str, is_own| guard.redeem(path, &own, Duration::ZERO, || is_own);
    assert_eq!(redeem(&path, true), Some(Err(AccessDenied::Code)), "none was made");
    assert_eq!(guard.one_time_url([0xc3; TOKEN_BYTES]), format!("http://127.0.0.1:4321{path}"));
    assert_eq!(redeem(&self::path("state"), true), None);
    for wrong in
        ["/open/", &path[..10], &path.to_uppercase().replace("/OPEN/", "/open/"), &format!("{path}/")]
    {
        assert_eq!(redeem(wrong, true), Some(Err(AccessDenied::Code)), "{wrong}");
    }
    let other = headers(&[("host", "127.0.0.1:4321"), ("origin", "http://evil.example")]);
    assert_eq!(guard.redeem(&path, &other, Duration::ZERO, || true), Some(Err(AccessDenied::Origin)));
    assert_eq!(guard.redeem(&path, &own, CODE_LIFE, || true), Some(Err(AccessDenied::Code)), "too old");
    assert_eq!(redeem(&path, false), Some(Err(AccessDenied::Code)), "another user");
    assert_eq!(redeem(&path, true), Some(Ok(self::path(""))));
    assert_eq!(redeem(&path, true), Some(Err(AccessDenied::Code)), "used");
    // It is not a token.
    assert_eq!(guard.admit(&format!("/{code}/state"), &own), Err(AccessDenied::Token));
}
