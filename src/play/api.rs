//! HTTP requests and their responses.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /TOKEN/` | the page |
//! | `GET /open/CODE` | redirects to the page, once |
//! | `GET /TOKEN/state` | `{ "state": …, "bundle": … }`: the session's state, and the page's content |
//! | `POST /TOKEN/act` | the same and `"told"`, the outcome of the action: `{"step": {"ping": {"from": "c1", "to":
//! "c2"}}}`, any step of a lab file, or `{"toml": "…"}`, its text |
//! | `POST /TOKEN/undo`, `redo`, `reset` | the same |
//! | `POST /TOKEN/why` | why the step of the body, `{"step": 3}`, got no reply, and what would help: the object of `macvlab why --json` |
//! | `GET /TOKEN/lab.toml` | the session as a lab file |
//! | `GET /TOKEN/traffic.pcapng` | every hop as a packet |
//!
//! Errors are answered with `{ "error": "…" }`, a sentence for users: 400 not JSON, 403 access denied, 404 unknown
//! path, 405 wrong method, 413 too long, 415 not declared as JSON, 422 impossible action.

use super::assets;
use super::guard::AccessDenied;
use super::request::{Act, Why};
use super::session::{Denied, Session};
use super::state::{ActionResult, State};
use crate::report::html::Bundle;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// Maximum length of a request body, in bytes: more than a step with the longest frame in hex needs.
pub const MAX_BODY: usize = 256 * 1024;

const JSON: &str = "application/json";

/// The page runs scripts from this server only, talks to this server only, and cannot be framed.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                   base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every response: for this page only, and not to be cached.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::CONTENT_SECURITY_POLICY, CSP),
];

/// Why a request failed.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    why: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, why: impl ToString) -> ApiError {
        ApiError { status, why: why.to_string() }
    }

    pub(super) fn answer(&self) -> Response<Bytes> {
        let mut response = response(JSON, serde_json::json!({ "error": self.why }).to_string());
        *response.status_mut() = self.status;
        response
    }
}

impl From<AccessDenied> for ApiError {
    fn from(outsider: AccessDenied) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, outsider)
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> ApiError {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, denied)
    }
}

/// The session's state, and the outcome of the action.
#[derive(Serialize)]
struct SessionView {
    told: Option<ActionResult>,
    state: State,
    bundle: Bundle,
}

/// Redirects a browser to this path.
pub(super) fn lead_to(path: &str) -> Response<Bytes> {
    let mut response = response("text/plain", "");
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().extend(HeaderValue::from_str(path).map(|value| (header::LOCATION, value)));
    response
}

/// Answers an authorized request ([`Guard`](super::Guard)) for `what`, the part of its path after the token.
pub fn answer(session: &mut Session, what: &str, head: &Parts, body: &[u8]) -> Response<Bytes> {
    respond(session, what, head, body).unwrap_or_else(|refused| refused.answer())
}

/// The possible requests.
enum ApiRequest {
    /// A file of the page: its media type and text.
    Part(&'static str, Cow<'static, str>),
    State,
    Act,
    Why,
    Undo,
    Redo,
    Reset,
    Lab,
    Traffic,
}

impl ApiRequest {
    /// The request for the path after the token, and its method.
    fn of(name: &str) -> Option<(Method, ApiRequest)> {
        let (method, ask) = match name {
            "state" => (Method::GET, ApiRequest::State),
            "lab.toml" => (Method::GET, ApiRequest::Lab),
            "traffic.pcapng" => (Method::GET, ApiRequest::Traffic),
            "act" => (Method::POST, ApiRequest::Act),
            "why" => (Method::POST, ApiRequest::Why),
            "undo" => (Method::POST, ApiRequest::Undo),
            "redo" => (Method::POST, ApiRequest::Redo),
            "reset" => (Method::POST, ApiRequest::Reset),
            name => {
                let (media, text) = assets::find(name)?;
                (Method::GET, ApiRequest::Part(media, text))
            }
        };
        Some((method, ask))
    }
}

fn respond(
    session: &mut Session,
    what: &str,
    head: &Parts,
    body: &[u8],
) -> Result<Response<Bytes>, ApiError> {
    let nothing = || ApiError::new(StatusCode::NOT_FOUND, "the playground has no such path");
    let (method, ask) = ApiRequest::of(what).ok_or_else(nothing)?;
    if head.method != method {
        let why = format!("this path takes {method}, not {}", head.method);
        let mut response = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, why).answer();
        let allowed = HeaderValue::from_str(method.as_str());
        response.headers_mut().extend(allowed.map(|value| (header::ALLOW, value)));
        return Ok(response);
    }
    if method == Method::POST {
        is_json(head)?;
    }
    let told = match ask {
        ApiRequest::Part(media, text) => return Ok(response(media, text.into_owned())),
        ApiRequest::Lab => return Ok(file("lab.toml", "application/toml", session.export())),
        ApiRequest::Traffic => {
            let capture = session.traffic().map_err(broken)?;
            return Ok(file("traffic.pcapng", "application/x-pcapng", capture));
        }
        ApiRequest::Why => {
            let report = session.why(from_json::<Why>(body, "a step's number")?.step)?;
            return Ok(response(JSON, serde_json::to_vec(&report).map_err(broken)?));
        }
        ApiRequest::State => None,
        ApiRequest::Act => Some(session.act(&from_json::<Act>(body, "an action")?.into_toml())?),
        ApiRequest::Redo => Some(session.redo()?),
        ApiRequest::Undo => session.undo().map(|()| None)?,
        ApiRequest::Reset => session.reset().map(|()| None)?,
    };
    let standing = SessionView { told, state: session.state(), bundle: session.bundle() };
    let body = serde_json::to_vec(&standing).map_err(broken)?;
    Ok(response(JSON, body))
}

/// An impossible action.
fn broken(why: impl ToString) -> ApiError {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, why)
}

fn from_json<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, ApiError> {
    let wrong = |e| ApiError::new(StatusCode::BAD_REQUEST, format!("this is not {what} in JSON: {e}"));
    serde_json::from_slice(body).map_err(wrong)
}

/// A form on another page cannot claim to send JSON.
fn is_json(head: &Parts) -> Result<(), ApiError> {
    let given = head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let media = given.and_then(|value| value.split(|b| *b == b';').next()).map(<[u8]>::trim_ascii);
    if media.is_some_and(|media| media.eq_ignore_ascii_case(JSON.as_bytes())) {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("the body must be {JSON}")))
}

/// A download with this name.
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
