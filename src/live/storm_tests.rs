use super::super::suspect::MAX_HELD;
use super::*;

/// A group frame.
fn broadcast(tail: u8) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.resize(100, tail);
    frame
}

/// Outlets.
const A: u32 = 0;
const B: u32 = 1;
const C: u32 = 2;

/// Capacity of all cables in frames; any more are lost.
const MOST_UNDER_WAY: usize = 10_000;

/// A lab that floods, with frames on external cables for a millisecond.
struct World {
    storms: Storms,
    millis: u64,
    /// Whether the lab's switch reflects.
    hairpin: bool,
    /// External cables from one outlet to another.
    cables: Vec<(u32, u32)>,
    /// The frames on them.
    under_way: Vec<(u32, Vec<u8>)>,
    /// The frames that entered the lab: where, and their last byte.
    entered: Vec<(u32, u8)>,
    looped: usize,
    said: Vec<String>,
}

impl World {
    fn new(hairpin: bool, cables: &[(u32, u32)]) -> World {
        let (storms, under_way, entered, said) = (Storms::default(), Vec::new(), Vec::new(), Vec::new());
        let cables = cables.to_vec();
        World { storms, millis: 100_000, hairpin, cables, under_way, entered, looped: 0, said }
    }

    fn now(&self) -> Instant {
        Instant::ZERO + Duration::from_millis(self.millis)
    }

    /// A frame arrives.
    fn comes_in(&mut self, outlet: u32, frame: &[u8]) {
        match self.storms.comes_in(self.now(), Outlet::of(outlet), frame) {
            Admission::At(at) => self.enters(at, frame),
            Admission::Held => {}
            Admission::Looped => self.looped += 1,
        }
    }

    fn enters(&mut self, outlet: Outlet, frame: &[u8]) {
        self.entered.push((u32::try_from(outlet.index()).unwrap(), *frame.last().unwrap()));
        for to in [A, B, C] {
            if self.hairpin || Outlet::of(to) != outlet {
                self.leaves(to, frame);
            }
        }
    }

    fn leaves(&mut self, outlet: u32, frame: &[u8]) {
        self.storms.leaves(self.now(), Outlet::of(outlet), frame);
        let ends = self.cables.iter().filter(|(from, _)| *from == outlet);
        self.under_way.extend(ends.map(|(_, to)| (*to, frame.to_vec())));
        self.under_way.truncate(MOST_UNDER_WAY);
    }

    /// A millisecond passes.
    fn tick(&mut self) {
        self.millis += 1;
        for (outlet, frame) in std::mem::take(&mut self.under_way) {
            self.comes_in(outlet, &frame);
        }
        let (mut enter, mut looped, mut said) = (Vec::new(), 0, Vec::new());
        let name = |outlet: Outlet| ["a", "b", "c"][outlet.index()].to_owned();
        self.storms.work(self.now(), &mut |action| match action {
            StormAction::Enter(outlet, frame) => enter.push((outlet, frame.to_vec())),
            StormAction::Looped(_) => looped += 1,
            StormAction::Found(way) => said.push(begins(way, name)),
            StormAction::Over(way) => said.push(ends(way, name)),
        });
        enter.iter().for_each(|(outlet, frame)| self.enters(*outlet, frame));
        self.looped += looped;
        self.said.extend(said);
    }

    fn ticks(&mut self, count: u64) {
        (0..count).for_each(|_| self.tick());
    }

    /// How often frames with this last byte entered.
    fn entered(&self, tail: u8) -> usize {
        self.entered.iter().filter(|(_, last)| *last == tail).count()
    }

    /// A report begins like this.
    fn says(&self, expected: &[&str]) {
        let right = |(said, begin): (&String, &&str)| said.starts_with(*begin);
        let all = self.said.len() == expected.len() && self.said.iter().zip(expected).all(right);
        assert!(all, "{:?}", self.said);
    }
}

const BOTH_WAYS: [(u32, u32); 2] = [(A, B), (B, A)];

#[test]
fn a_cable_between_two_attachments_is_named_and_limited_until_it_is_gone() {
    for hairpin in [false, true] {
        let mut world = World::new(hairpin, &BOTH_WAYS);
        world.comes_in(C, &broadcast(1));
        world.ticks(3_000);
        let begin = "a loop outside the lab: broadcasts that leave by a and b keep coming back by a and b";
        world.says(&[begin]);
        assert!(world.entered(1) < 120 && world.under_way.is_empty(), "{}", world.entered(1));
        // Another frame enters once, and does not circulate.
        let looped = world.looped;
        world.comes_in(C, &broadcast(2));
        world.ticks(100);
        assert_eq!((world.entered(2), world.looped - looped), (1, 2));
        // The loop lasts as long as they come back; without a frame, nothing is known.
        for tail in 3..9 {
            world.comes_in(C, &broadcast(tail));
            world.ticks(2_000);
        }
        world.ticks(60_000);
        world.says(&[begin]);
        // The cable is disconnected.
        world.cables.clear();
        for tail in 9..14 {
            world.comes_in(C, &broadcast(tail));
            world.ticks(1_000);
        }
        let end = "the loop is over: broadcasts that leave by a and b no longer come back by a and b";
        world.says(&[begin, end]);
        assert_eq!(world.storms.due(), None);
    }
}

#[test]
fn a_loop_that_leads_one_way_is_named_by_its_ends() {
    let mut world = World::new(false, &[(B, A)]);
    world.comes_in(C, &broadcast(1));
    world.ticks(2_000);
    // A frame that arrives is flooded to c as well: that frames leaving by c do not come back cannot be known.
    world.says(&["a loop outside the lab: broadcasts that leave by b and c keep coming back by a"]);
}

#[test]
fn a_switch_that_reflects_what_the_lab_reflects_is_a_loop() {
    let mut world = World::new(true, &[(A, A)]);
    world.comes_in(C, &broadcast(1));
    world.ticks(3_000);
    world.says(&["a loop outside the lab: broadcasts that leave by a keep coming back by a"]);
    assert!(world.looped > 0 && world.under_way.is_empty());
    // Its interface disappears.
    world.storms.absent(Outlet::of(A));
    world.tick();
    assert!(world.said[1].starts_with("the loop is over"), "{:?}", world.said);
}

#[test]
fn cables_that_multiply_frames_are_a_loop_too() {
    // Two cables to another switch that reflects: each frame that leaves comes back by both.
    let mut world = World::new(true, &[(A, A), (A, B), (B, A), (B, B)]);
    world.comes_in(C, &broadcast(1));
    world.ticks(3_000);
    world.says(&["a loop outside the lab: broadcasts that leave by a and b keep coming back by a and b"]);
    assert!(world.entered(1) < 200, "{}", world.entered(1));
}

#[test]
fn several_frames_that_go_round_at_once_are_one_loop() {
    let mut world = World::new(true, &BOTH_WAYS);
    for tail in 0..20 {
        world.comes_in(C, &broadcast(tail));
        world.ticks(u64::from(tail % 3));
    }
    world.ticks(3_000);
    assert_eq!(world.said.len(), 1, "{:?}", world.said);
    assert!(world.under_way.is_empty());
}

#[test]
fn frames_for_one_receiver_do_not_go_round_for_ever_either() {
    let mut world = World::new(true, &[(A, A)]);
    let mut single = broadcast(2);
    single[0] = 2;
    world.comes_in(C, &broadcast(1));
    world.ticks(3_000);
    world.comes_in(C, &single);
    world.ticks(100);
    assert!(world.under_way.is_empty());
    // A switch that reflects a few is not a loop.
    assert_eq!(world.entered(2), 1 + REFLECTIONS as usize);
}

#[test]
fn a_flood_of_equal_broadcasts_by_a_sender_is_delivered_as_it_was_sent() {
    // The sender is in the lab and its frames are reflected to a; or it is at c, and its frames come back to a.
    for every in [1, 2, 9] {
        for burst in [1, 30] {
            let mut world = World::new(false, &[]);
            world.cables = vec![(A, A)];
            let mut sent = 0;
            for millis in 0..2_000_u64 {
                if millis % every == 0 {
                    for _ in 0..burst {
                        world.leaves(A, &broadcast(1));
                        sent += 1;
                    }
                    world.comes_in(B, &broadcast(u8::try_from(2 + millis % 250).unwrap()));
                }
                world.tick();
                // The lab's flooding does not matter here.
                world.under_way.retain(|(_, frame)| *frame.last().unwrap() == 1);
            }
            world.ticks(1_000);
            assert_eq!(world.entered(1), sent, "every {every} ms {burst}");
            assert!(world.said.is_empty() && world.looped == 0, "{:?}", world.said);
        }
    }
}

#[test]
fn equal_frames_by_several_attachments_keep_their_order() {
    let mut world = World::new(false, &[]);
    let mut order = Vec::new();
    for millis in 0..2_000_u32 {
        world.leaves(A, &broadcast(1));
        let outlet = [A, B, C][(millis as usize * 7 / 3) % 3];
        order.push((outlet, 1));
        world.comes_in(outlet, &broadcast(1));
        world.tick();
    }
    world.ticks(1_000);
    assert!(world.entered == order && world.looped == 0 && world.said.is_empty());
}

#[test]
fn a_burst_that_ends_just_when_it_is_suspicious_is_delivered() {
    for sent in [99, 100, 101, 150] {
        let mut world = World::new(false, &[(A, A)]);
        for _ in 0..sent {
            world.leaves(A, &broadcast(1));
            world.tick();
        }
        world.ticks(400);
        assert_eq!(world.entered(1), sent);
        assert!(world.said.is_empty() && world.looped == 0 && world.storms.suspects.is_empty());
    }
}

#[test]
fn a_sender_at_intervals_after_a_burst_is_none() {
    for interval in [15, 30, 60, 90, 110, 150, 190, 210, 300] {
        let mut world = World::new(false, &[(A, A)]);
        let mut sent = 0;
        for _ in 0..150 {
            world.leaves(A, &broadcast(1));
            sent += 1;
            world.tick();
        }
        for _ in 0..50 {
            world.ticks(interval);
            world.leaves(A, &broadcast(1));
            sent += 1;
        }
        world.ticks(1_000);
        assert_eq!((world.entered(1), world.looped), (sent, 0), "each {interval} ms");
        assert!(world.said.is_empty(), "each {interval} ms");
    }
}

#[test]
fn a_sender_that_waits_for_answers_is_slowed_and_loses_nothing() {
    for hairpin in [false, true] {
        let mut world = World::new(hairpin, &[]);
        let mut sent = 0;
        for millis in 0..20_000 {
            // It is at c, and sends as soon as its last frame has arrived somewhere.
            if world.entered(1) == sent && millis < 15_000 {
                world.comes_in(C, &broadcast(1));
                sent += 1;
            }
            world.tick();
        }
        assert_eq!((world.entered(1), world.looped), (sent, 0));
        assert!(sent > 1_000 && world.said.is_empty() && world.storms.due().is_none(), "{sent}");
    }
}

#[test]
fn what_may_be_a_loop_is_limited_until_another_frame_shows_it() {
    // The frame comes from beyond the switch that reflects.
    let mut world = World::new(true, &[(A, A)]);
    world.comes_in(A, &broadcast(1));
    world.ticks(2_000);
    let before = world.entered(1);
    world.ticks(10_000);
    let more = world.entered(1) - before;
    assert!((900..=1_000).contains(&more) && world.said.is_empty(), "{more}");
    world.comes_in(C, &broadcast(2));
    world.ticks(3_000);
    world.says(&["a loop outside the lab: broadcasts that leave by a keep coming back by a"]);
    assert!(world.under_way.is_empty());
}

#[test]
fn single_reflections_are_not_held() {
    let mut world = World::new(false, &[(A, A)]);
    for n in 0..3_000_u32 {
        let mut frame = broadcast(1);
        frame[20..24].copy_from_slice(&n.to_be_bytes());
        world.leaves(A, &frame);
        world.tick();
        assert_eq!(world.entered.len(), n as usize + 1);
    }
    assert!(world.said.is_empty() && world.storms.due().is_none());
}

#[test]
fn no_more_is_held_than_there_is_room_for() {
    let mut world = World::new(false, &[]);
    world.leaves(A, &broadcast(1));
    let sent = SUSPICIOUS as usize + 3 * MAX_HELD;
    for _ in 0..sent {
        world.comes_in(A, &broadcast(1));
    }
    assert_eq!(world.entered(1), sent - MAX_HELD, "the rest is held");
    world.ticks(200);
    assert_eq!((world.entered(1), world.looped), (sent, 0));
    assert!(world.said.is_empty() && world.storms.suspects.is_empty());
}

#[test]
fn no_more_are_suspected_than_there_is_room_for() {
    let mut world = World::new(false, &[]);
    for tail in 0..100 {
        world.leaves(A, &broadcast(tail));
        (0..=SUSPICIOUS).for_each(|_| world.comes_in(A, &broadcast(tail)));
    }
    assert_eq!(world.storms.suspects.len(), MAX_SUSPECTS);
    world.ticks(500);
    assert_eq!(world.entered.len(), 100 * (SUSPICIOUS as usize + 1));
    assert!(world.storms.suspects.is_empty() && world.storms.cleared.len() == MAX_SUSPECTS);
}

#[test]
fn the_oldest_that_was_left_alone_may_be_suspected_again() {
    let mut world = World::new(false, &[]);
    let frame = |n: u16| [&[0xff; 6][..], &n.to_be_bytes(), &[0; 92]].concat();
    // Comes back until it is suspicious; returns whether it became a suspect.
    let mut is_suspected = |n: u16| {
        world.ticks(2000);
        assert!(world.storms.suspects.is_empty());
        world.leaves(A, &frame(n));
        (0..=SUSPICIOUS).for_each(|_| world.comes_in(A, &frame(n)));
        let suspected = !world.storms.suspects.is_empty();
        world.ticks(200);
        suspected
    };
    // Frames that turned out not to be in a loop are ignored for a minute, so there is no time for 257 one by one.
    assert!(is_suspected(0) && !is_suspected(0));
    let now = world.now();
    world.storms.cleared.extend((1..256).map(|n| (hash(&frame(n)), now + LEFT_ALONE)));
    assert_eq!(world.storms.cleared.len(), 256);
    let mut is_suspected = |n: u16| {
        world.ticks(2000);
        world.leaves(A, &frame(n));
        (0..=SUSPICIOUS).for_each(|_| world.comes_in(A, &frame(n)));
        let suspected = !world.storms.suspects.is_empty();
        world.ticks(500);
        suspected
    };
    assert!(!is_suspected(0), "there is room for 256");
    assert!(is_suspected(256) && is_suspected(0), "the oldest has made room");
    assert!(!is_suspected(2));
}

#[test]
fn a_ninth_loop_is_a_part_of_the_eighth() {
    let mut storms = Storms::default();
    for n in 0..9 {
        storms.found(&LoopPath { leave: vec![Outlet::of(2 * n)], come_back: vec![Outlet::of(2 * n + 1)] });
        assert_eq!(storms.loops.len(), (n as usize + 1).min(8));
    }
    let last = &storms.loops[7].way;
    assert_eq!(
        (&last.leave, &last.come_back),
        (&vec![Outlet::of(14), Outlet::of(16)], &vec![Outlet::of(15), Outlet::of(17)])
    );
    // Frames circulating in it are dropped, as in the others.
    let frame = broadcast(1);
    storms.leaves(Instant::ZERO, Outlet::of(16), &frame);
    assert_eq!(storms.comes_in(Instant::ZERO, Outlet::of(17), &frame), Admission::Looped);
}
