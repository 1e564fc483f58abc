use super::*;
use std::time::{Duration, Instant};
use wire::rtp::RtpView;

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn config(mode: Mode, streams: usize, to: Vec<SocketAddr>) -> Config {
    let prompt = (0..3 * FRAME_BYTES).map(|byte| (byte / FRAME_BYTES) as u8 + 1).collect();
    Config { mode, threads: 2.min(streams), streams, ip: LOOPBACK, to, prompt }
}

#[test]
fn streams_leave_in_order_with_the_prompt_and_what_comes_is_read() {
    carries(Mode::Poll);
    match net::BareRing::new() {
        Ok(_) => carries(Mode::Ring),
        Err(error) => println!("no io_uring here ({error}), so only poll was tried"),
    }
}

fn carries(mode: Mode) {
    let far = UdpSocket::bind(SocketAddr::new(LOOPBACK, 0)).unwrap();
    far.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let floor = Floor::start(&config(mode, 5, vec![far.local_addr().unwrap()])).unwrap();
    assert_eq!(floor.ports().len(), 5);
    let mut next = [0_u16; 5];
    let mut buffer = [0; 2_048];
    while next.iter().any(|sequence| *sequence < 10) {
        let (length, source) = far.recv_from(&mut buffer).unwrap();
        let packet = RtpView::parse(&buffer[..length]).unwrap();
        let stream = floor.ports().iter().position(|port| *port == source.port()).unwrap();
        assert_eq!(packet.sequence(), next[stream]);
        assert_eq!(packet.timestamp(), u32::from(next[stream]) * FRAME_BYTES as u32);
        assert_eq!(packet.payload(), [(next[stream] % 3) as u8 + 1; FRAME_BYTES]);
        next[stream] += 1;
    }
    for port in floor.ports() {
        far.send_to(&[0; 172], SocketAddr::new(LOOPBACK, *port)).unwrap();
    }
    let patience = Instant::now();
    while floor.counts().received < 5 {
        assert!(patience.elapsed() < Duration::from_secs(30), "{:?}", floor.counts());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(floor.counts().sent >= 50);
}

#[test]
fn what_cannot_run_is_refused() {
    let to = vec![SocketAddr::new(LOOPBACK, 9)];
    for broken in [
        Config { streams: 0, ..config(Mode::Poll, 1, to.clone()) },
        Config { threads: 0, ..config(Mode::Poll, 1, to.clone()) },
        Config { threads: 2, ..config(Mode::Poll, 1, to.clone()) },
        Config { to: Vec::new(), ..config(Mode::Poll, 1, to.clone()) },
        Config { prompt: vec![0; 100], ..config(Mode::Poll, 1, to.clone()) },
        Config { prompt: Vec::new(), ..config(Mode::Poll, 1, to) },
    ] {
        let error = Floor::start(&broken).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{broken:?}");
    }
}
