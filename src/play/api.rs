//! A request and the answer to it.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /TOKEN/` | the page |
//! | `GET /TOKEN/state` | `{ "state": …, "bundle": … }`: how the session stands, and what the page shows |
//! | `POST /TOKEN/act` | the same and `"told"`, what came of the action: `{"step": {"ping": {"from": "c1", "to": "c2"}}}`, any step of a lab file, or `{"toml": "…"}`, its text |
//! | `POST /TOKEN/undo`, `redo`, `reset` | likewise |
//! | `GET /TOKEN/lab.toml` | the session as a lab file |
//! | `GET /TOKEN/traffic.pcapng` | every hop as a packet |
//!
//! What is refused is answered with `{ "error": "…" }`, a sentence for people: 400 not JSON, 403 not let in, 404 no such
//! thing, 405 not in this way, 413 too long, 415 not called JSON, 422 no possible action.

use super::guard::Guard;
use super::request::Act;
use super::session::{Denied, Session};
use super::state::{State, Told};
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde::Serialize;

/// The longest body of a request, in bytes: a step with the longest frame in hex has less.
pub const MAX_BODY: usize = 256 * 1024;

const JSON: &str = "application/json";

/// What every answer says of itself: it is for this page alone, and for now.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
];

/// Why a request is not answered as it wishes.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    why: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, why: impl ToString) -> Refused {
        Refused { status, why: why.to_string() }
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Refused {
        Refused::new(StatusCode::UNPROCESSABLE_ENTITY, denied)
    }
}

/// How the session stands, and what came of the action.
#[derive(Serialize)]
struct Standing {
    told: Option<Told>,
    state: State,
}

/// What a request names behind the token, or the answer to an outsider, whose body nobody reads.
///
/// # Errors
/// The answer.
pub fn admit<'p>(guard: &Guard, head: &'p Parts) -> Result<&'p str, Response<Bytes>> {
    let admitted = guard.admit(head.uri.path(), &head.headers);
    admitted.map_err(|outsider| refusal(&Refused::new(StatusCode::FORBIDDEN, outsider)))
}

/// Answers a request that was let in and names `what`.
pub fn answer(session: &mut Session, what: &str, head: &Parts, body: &[u8]) -> Response<Bytes> {
    respond(session, what, head, body).unwrap_or_else(|refused| refusal(&refused))
}

/// The answer to a request that is refused.
pub(super) fn refusal(refused: &Refused) -> Response<Bytes> {
    let body = serde_json::json!({ "error": refused.why }).to_string();
    let mut response = response(JSON, body);
    *response.status_mut() = refused.status;
    response
}

fn respond(session: &mut Session, what: &str, head: &Parts, body: &[u8]) -> Result<Response<Bytes>, Refused> {
    match (what, &head.method) {
        ("", &Method::GET) => Ok(page()),
        ("state", &Method::GET) => standing(session, None),
        ("lab.toml", &Method::GET) => Ok(file("lab.toml", "application/toml", session.export())),
        ("traffic.pcapng", &Method::GET) => match session.traffic() {
            Ok(capture) => Ok(file("traffic.pcapng", "application/x-pcapng", capture)),
            Err(e) => Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, e)),
        },
        ("act", &Method::POST) => {
            let told = session.act(&asked(head, body)?.into_toml())?;
            standing(session, Some(told))
        }
        ("undo" | "redo" | "reset", &Method::POST) => {
            is_json(head)?;
            let told = match what {
                "undo" => session.undo().map(|()| None),
                "redo" => session.redo().map(Some),
                _ => session.reset().map(|()| None),
            }?;
            standing(session, told)
        }
        ("" | "state" | "lab.toml" | "traffic.pcapng" | "act" | "undo" | "redo" | "reset", method) => {
            Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, format!("this is not for {method}")))
        }
        _ => Err(Refused::new(StatusCode::NOT_FOUND, "the playground has nothing of this name")),
    }
}

/// What is asked for.
fn asked(head: &Parts, body: &[u8]) -> Result<Act, Refused> {
    is_json(head)?;
    let wrong = |e| Refused::new(StatusCode::BAD_REQUEST, format!("this is no action in JSON: {e}"));
    serde_json::from_slice(body).map_err(wrong)
}

/// A form of another page cannot say that it sends JSON.
fn is_json(head: &Parts) -> Result<(), Refused> {
    let given = head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let media = given.and_then(|value| value.split(|b| *b == b';').next()).map(<[u8]>::trim_ascii);
    if media.is_some_and(|media| media.eq_ignore_ascii_case(JSON.as_bytes())) {
        return Ok(());
    }
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("the body must be {JSON}")))
}

fn standing(session: &Session, told: Option<Told>) -> Result<Response<Bytes>, Refused> {
    let standing = Standing { told, state: session.state() };
    let body = serde_json::to_vec(&standing);
    body.map(|body| response(JSON, body)).map_err(|e| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, e))
}

fn page() -> Response<Bytes> {
    response("text/html; charset=utf-8", "")
}

/// Something to be kept under this name.
fn file(name: &'static str, media: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = response(media, body);
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    response.headers_mut().extend(disposition.map(|value| (header::CONTENT_DISPOSITION, value)));
    response
}

fn response(media: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
