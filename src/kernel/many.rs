//! Many questions to the kernel, several at a time: each thread has an oracle of its own.

use super::oracle::Oracle;
use super::trouble::Trouble;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

/// Puts the questions 0 to `count - 1` on `jobs` threads; `told` hears of each answer as it comes. Once `stop` is set, no
/// further question is begun. A thread that gets no oracle answers once, with `trouble`.
pub(super) fn many<T: Send>(
    (count, jobs): (u64, usize),
    stop: &AtomicBool,
    trouble: impl Fn(Trouble) -> T + Sync,
    one: impl Fn(&mut Oracle, u64) -> T + Sync,
    told: &mut dyn FnMut(T),
) {
    let next = AtomicU64::new(0);
    let (sender, receiver) = mpsc::channel();
    let work = |sender: mpsc::Sender<T>| {
        let mut oracle = match Oracle::new() {
            Ok(oracle) => oracle,
            Err(e) => return drop(sender.send(trouble(e))),
        };
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            // The receiver lives as long as the threads do.
            let _ = sender.send(one(&mut oracle, number));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (sender, work) = (sender.clone(), &work);
            scope.spawn(move || work(sender));
        }
        drop(sender);
        receiver.into_iter().for_each(told);
    });
}
