#![allow(dead_code, missing_docs, clippy::all, unused_imports)]
#[path = "../src/cli/bench/paths.rs"]
mod paths;
#[path = "../src/cli/bench/tables.rs"]
mod tables;
use macvlab::capture::{FrameSize, Traffic};
use macvlab::macvlan::Mode;
use paths::*;
use std::hint::black_box;
use std::time::Instant;
use tables::*;
fn time(f: &mut dyn FnMut()) -> f64 {
    f();
    let t = Instant::now();
    for _ in 0..20 { f(); }
    t.elapsed().as_nanos() as f64 / 20.0
}
fn main() {
    let which = std::env::args().nth(1).unwrap_or_default();
    for ports in [64u32, 1024] {
        for hits in [100, 50] {
            let macs: Vec<_> = (0..ports).map(Traffic::station).collect();
            let f = forwarding(&macs, Mode::Vepa).unwrap();
            let mut fr = Frames::new(&macs, FrameSize::Fixed(64), hits);
            let mut own = Parent::new((*f).clone());
            let mut fx = Parent::new(f.with_table(FxMap::new));
            let mut std = Parent::new(f.with_table(StdMap::new));
            let mut chains = Parent::new(f.with_table(Chains::new));
            if which == "own" { for _ in 0..20000 { fr.decide(&mut own); } return; }
            if which == "walk" { for _ in 0..20000 { black_box(fr.walk()); } return; }
            if which == "fx" { for _ in 0..20000 { fr.decide(&mut fx); } return; }
            let mut r = vec![vec![]; 5];
            for _ in 0..31 {
                r[0].push(time(&mut || { black_box(fr.walk()); }));
                r[1].push(time(&mut || fr.decide(&mut own)));
                r[2].push(time(&mut || fr.decide(&mut fx)));
                r[3].push(time(&mut || fr.decide(&mut std)));
                r[4].push(time(&mut || fr.decide(&mut chains)));
            }
            let m: Vec<f64> = r.into_iter().map(|mut v| { v.sort_by(f64::total_cmp); v[v.len() / 2] / FRAMES as f64 }).collect();
            println!("{ports} ports {hits}%: walk {:.2} own {:.2} fx {:.2} std {:.2} chains {:.2} | own/walk {:.2} std/own {:.2} fx/own {:.2}", m[0], m[1], m[2], m[3], m[4], m[1]/m[0], m[3]/m[1], m[2]/m[1]);
        }
    }
    for n in [8u32, 64, 1024] {
        let macs: Vec<_> = (0..n).map(Traffic::station).collect();
        let mut fl = Flood::new(forwarding(&macs, Mode::Bridge).unwrap());
        let mut frame = [0xff; 64];
        frame[6..14].copy_from_slice(&[6, 0, 0, 0, 0, 9, 8, 6]);
        let mut v = vec![];
        for _ in 0..31 { let mut c = 0; let t = Instant::now(); for i in 0..(65536 / n) { c += fl.hand_over(i, black_box(&frame)); } v.push(t.elapsed().as_nanos() as f64 / c as f64); }
        v.sort_by(f64::total_cmp);
        println!("flood {n}: {:.2} ns a copy", v[15]);
    }
}
