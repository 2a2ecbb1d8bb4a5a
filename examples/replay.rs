//! Replays a capture into a custom sink, on the fast path: counts the bytes that each device received.
#![allow(clippy::print_stdout)]
use macvlab::capture::Reader;
use macvlab::lab::HopKind;
use macvlab::replay::{Feed, FeedOutcome, HopRef, Limits, Pipeline, Replay, Route};
use std::collections::BTreeMap;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lab = "nic.eth0 = {}\nmacvlan.c1 = { parent = 'eth0', mode = 'bridge' }";
    let pipeline = Pipeline::new(&macvlab::labfile::parse("lab.toml", lab)?, None);
    let route = Route { entry: Some(pipeline.entry(None)?), ..Route::default() };
    let capture = include_bytes!("../fixtures/captures/vepa-hairpin-on/wire-in.pcap");
    let feed = Feed::new(vec![Reader::new(&capture[..])?], route, Limits::default());
    let mut replay = Replay::new(pipeline, feed);
    let mut bytes = BTreeMap::new();
    while let FeedOutcome::Frames = replay.step_into(&mut |hop: &HopRef<'_>| {
        if let HopKind::Receive(..) = hop.kind {
            *bytes.entry(hop.device).or_insert(0) += hop.frame.len();
        }
    }) {}
    println!("bytes received, by device: {bytes:?}");
    Ok(())
}
