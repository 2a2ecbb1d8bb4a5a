use super::*;

/// A stream with a peer, and the peer's end.
fn connected() -> (Stream, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let peer = Peer { socket: near, came: vec![0; BUFFER], filled: 0, waiting: Vec::new(), written: 0 };
    let stream =
        Stream { peer: Some(peer), ..Stream::new(Side::Connect(PathBuf::new()), "nobody listens yet") };
    (stream, far)
}

#[test]
fn a_frame_from_a_stream_has_a_limit() {
    for (bytes, fits) in [(65_561_u32, true), (65_562, false)] {
        let (mut stream, mut far) = connected();
        far.set_nonblocking(true).unwrap();
        far.write_all(&[&bytes.to_be_bytes()[..], &vec![7; bytes as usize]].concat()).unwrap();
        let (mut rim, mut came) = (BoundaryCounters::default(), Vec::new());
        // Once for the frame; a disconnected peer is not connected again.
        stream.receive(Instant::ZERO, &mut rim, &mut |frame| came.push(frame.len()));
        let whole: &[usize] = if fits { &[65_561] } else { &[] };
        assert_eq!((came.as_slice(), rim.in_malformed), (whole, u64::from(!fits)));
        match stream.presence() {
            PeerState::Here => assert!(fits),
            gone => assert_eq!(
                *gone,
                PeerState::Away("the peer sent an invalid frame, and was disconnected".to_owned())
            ),
        }
    }
}

#[test]
fn frames_for_a_peer_that_does_not_read_are_dropped_and_counted() {
    let (mut stream, _far) = connected();
    let peer = stream.peer.as_mut().unwrap();
    // With its length prefix, each is a 1,024th of the limit.
    let frame = Frame::from(vec![7; 1024 - PREFIX]);
    let mut rim = BoundaryCounters::default();
    (0..1025).for_each(|_| peer.queue(&frame, &mut rim));
    assert_eq!((rim.out_frames, rim.out_dropped), (1025, 0), "as long as no more than that waits");
    (0..3).for_each(|_| peer.queue(&frame, &mut rim));
    assert_eq!((rim.out_frames, rim.out_dropped), (1025, 3));
}
