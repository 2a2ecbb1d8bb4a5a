//! The engine for a page: requests and answers in the linear memory of a WebAssembly module that imports nothing.
//!
//! A caller asks for [`room`], writes a request's name and body there, and calls [`ask`]; the answer is at [`answer`]. If
//! the module traps, the answer says why, and the module must not be used any more.

use macvlab::play::{Refusal, Unwatched, Workspace};
use std::cell::RefCell;

thread_local! {
    static REQUEST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static WORKSPACE: RefCell<Workspace> = RefCell::new(begin());
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn begin() -> Workspace {
    std::panic::set_hook(Box::new(|info| ANSWER.set(info.to_string().into_bytes())));
    // The page ends the whole worker when its time is over.
    Workspace::new(|| Box::new(Unwatched))
}

/// Where a request of this length is to be written. Memory may have moved.
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    REQUEST.with_borrow_mut(|request| {
        request.clear();
        request.resize(length, 0);
        request.as_mut_ptr()
    })
}

/// Answers the request, which begins with its name of this length. Returns 0, or the kind of the refusal: 1 unknown, 2
/// malformed, 3 denied, 4 an internal error.
#[unsafe(no_mangle)]
pub extern "C" fn ask(name: usize) -> u32 {
    let request = REQUEST.take();
    let (name, body) = request.split_at_checked(name).unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let answered = WORKSPACE.with_borrow_mut(|workspace| workspace.answer(&name, body));
    let (kind, text) = match answered {
        Ok(answer) => (0, answer.body),
        Err(refused) => (number(refused.kind), refused.why.into_bytes()),
    };
    ANSWER.set(text);
    kind
}

fn number(kind: Refusal) -> u32 {
    match kind {
        Refusal::Unknown => 1,
        Refusal::Malformed => 2,
        Refusal::Denied => 3,
        _ => 4,
    }
}

/// Where the last answer is: bytes of JSON or of a file, or a sentence about a refusal.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    ANSWER.with_borrow(Vec::as_ptr)
}

/// The length of the last answer in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn answer_length() -> usize {
    ANSWER.with_borrow(Vec::len)
}
