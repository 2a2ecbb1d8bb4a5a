//! HTTP on the loopback interface, in one thread: a session has one user.

use super::connections::{Connections, Known};
use super::guard::Guard;
use super::http::{self, HttpError, MAX_BODY};
use super::peer::{Ends, is_own};
use super::timed_stream::TimedStream;
use super::workspace::Workspace;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::{LocalSet, yield_now};
use tokio::time::{Instant, sleep, timeout};

/// Maximum number of headers of a request.
pub const MAX_HEADERS: usize = 64;

/// Maximum length of a request head, and size of the read buffer, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;

/// Timeouts: for the head of a request (from before its first byte), then for its body; for the client to read on; and
/// for a connection to present the token.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How often the server checks whether to stop.
const TICK: Duration = Duration::from_millis(100);

/// A port of the loopback interface; 0: any that is free.
///
/// # Errors
/// The port is taken, or not for this user.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves a workspace until `ended` returns true. An error on a connection ends only that connection, and clients without
/// the token cannot lock out those that have it.
///
/// # Errors
/// The system provides no event loop, or the socket cannot be used in it.
pub fn serve(
    listener: TcpListener,
    workspace: Workspace,
    guard: Guard,
    ended: impl Fn() -> bool,
) -> io::Result<()> {
    serve_with(PATIENCE, listener, workspace, guard, ended)
}

/// [`serve`] with other timeouts.
pub(super) fn serve_with(
    patience: Duration,
    listener: TcpListener,
    workspace: Workspace,
    guard: Guard,
    ended: impl Fn() -> bool,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let shared =
        Rc::new(Shared { workspace: RefCell::new(workspace), guard, patience, begin: Instant::now() });
    LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut crowd = Connections::default();
        while !ended() {
            if !crowd.has_room() {
                // All of them have the token. The system queues new connections until one of them ends.
                sleep(TICK).await;
                continue;
            }
            match timeout(TICK, listener.accept()).await {
                Ok(Ok((stream, _))) => {
                    let known = Known::default();
                    let served = connection(stream, known.clone(), Rc::clone(&shared));
                    crowd.take(known, tokio::task::spawn_local(served).abort_handle());
                    // Data that the connection has sent already is read before another one can take its place.
                    yield_now().await;
                }
                // The system is short of a resource, such as file descriptors.
                Ok(Err(_)) if crowd.close_a_stranger() => yield_now().await,
                Ok(Err(_)) => sleep(TICK).await,
                Err(_) => {}
            }
        }
        Ok(())
    })
}

struct Shared {
    workspace: RefCell<Workspace>,
    guard: Guard,
    patience: Duration,
    begin: Instant,
}

async fn connection(stream: TcpStream, known: Known, shared: Rc<Shared>) {
    let patience = shared.patience;
    let is_known = known.clone();
    // A connection without addresses has been closed by the client.
    let Ok(ends) = Ends::of(&stream) else { return };
    let service = service_fn(move |request| {
        let (known, shared) = (known.clone(), Rc::clone(&shared));
        async move { Ok::<_, Infallible>(handle(request, ends, &known, &shared).await.map(Full::new)) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD);
    let mut served =
        pin!(builder.serve_connection(TokioIo::new(TimedStream::new(stream, patience)), service));
    // A connection that broke off needs no response.
    if timeout(patience, served.as_mut()).await.is_err() && is_known.get() {
        let _ = served.await;
    }
}

async fn handle(request: Request<Incoming>, ends: Ends, known: &Known, shared: &Shared) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    if let Some(redeemed) =
        shared.guard.redeem(head.uri.path(), &head.headers, shared.begin.elapsed(), || is_own(ends))
    {
        let refused = |outsider| last(HttpError::from(outsider).answer());
        return redeemed.map_or_else(refused, |page| http::lead_to(&page));
    }
    // The body of an unauthorized request is not read, and its connection not reused.
    let what = match shared.guard.admit(head.uri.path(), &head.headers) {
        Ok(what) => what,
        Err(outsider) => return last(HttpError::from(outsider).answer()),
    };
    known.set();
    let refused = |status, why: &str| HttpError::new(status, why).answer();
    let body = match timeout(shared.patience, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(e)) if e.is::<http_body_util::LengthLimitError>() => {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, &format!("at most {MAX_BODY} bytes are read"));
        }
        Ok(Err(_)) => return refused(StatusCode::BAD_REQUEST, "the request body cannot be read"),
        Err(_) => return refused(StatusCode::REQUEST_TIMEOUT, "the request takes too long to arrive"),
    };
    // No await while the workspace is borrowed.
    http::respond(&mut shared.workspace.borrow_mut(), what, &head, &body)
}

/// The last response on its connection.
fn last(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
