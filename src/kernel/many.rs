//! Runs many jobs on the kernel in parallel: each thread has its own oracle.

use super::error::OracleError;
use super::oracle::Oracle;
use crate::stop::Stop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

/// Runs jobs 0 to `count - 1` on `jobs` threads; `told` receives each result as it arrives. Once `stop` is set, no
/// further job is started. A thread that gets no oracle, or cannot be started, reports one result, with `trouble`.
pub(super) fn many<T: Send>(
    (count, jobs): (u64, usize),
    stop: &Stop,
    trouble: impl Fn(OracleError) -> T + Sync,
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
        while !stop.asked() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            // The receiver lives as long as the threads.
            let _ = sender.send(one(&mut oracle, number));
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (sender, work) = (sender.clone(), &work);
            // The caller decides whether fewer threads suffice: the error is reported.
            let told = sender.clone();
            if let Err(e) = thread::Builder::new().spawn_scoped(scope, move || work(sender)) {
                let _ = told.send(trouble(OracleError::io("starting a thread")(e)));
                break;
            }
        }
        drop(sender);
        receiver.into_iter().for_each(told);
    });
}
