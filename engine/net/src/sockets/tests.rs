use super::*;

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn bind_all(ports: &mut MediaPorts, count: usize) -> Vec<u16> {
    let mut list = Vec::new();
    ports.bind_more(count, &mut list, |_, _| Ok(()));
    list
}

#[test]
fn a_range_is_cut_into_pairs() {
    let range = |a, b| PortRange::new(&(a..=b)).map(|range| (range.port(0), range.pairs()));
    assert_eq!(range(20_000, 20_003), Some((20_000, 2)));
    assert_eq!(range(20_001, 20_003), Some((20_002, 1)));
    assert_eq!(range(20_000, 20_000), None);
    assert_eq!(range(20_001, 20_002), None);
    assert_eq!(range(20_003, 20_000), None);
    assert_eq!(range(0, 65_535), Some((2, 32_767)));
    assert_eq!(range(65_534, 65_535), Some((65_534, 1)));
    assert_eq!(range(65_535, 65_535), None);
    let range = PortRange::new(&(20_000..=20_009)).unwrap();
    for index in 0..range.pairs() {
        assert_eq!(range.index(range.port(index)), Some(index));
        assert_eq!(range.index(range.port(index) + 1), None);
    }
    assert_eq!((range.index(19_998), range.index(20_010)), (None, None));
}

/// A range that is free at the moment: the ports are asked from the system and given back. Below the ports that the
/// system lends by itself (32,768 and up); each test looks in a region of its own, a process begins at a place of its own.
fn free_range(region: u16, pairs: u16) -> PortRange {
    let begin = region + (std::process::id() % 10) as u16 * 64;
    for start in (begin..region + 1_000 - pairs * 2).step_by(usize::from(pairs) * 2) {
        let range = PortRange::new(&(start..=start + pairs * 2 - 1)).unwrap();
        let mut probe = MediaPorts::new(LOOPBACK, range, 0, 1);
        if bind_all(&mut probe, usize::from(pairs)).len() == usize::from(pairs) {
            return range;
        }
    }
    panic!("no free port range of {pairs} pairs on this machine");
}

#[test]
fn shards_and_engines_of_one_range_never_collide_and_taken_ports_are_skipped() {
    let range = free_range(11_000, 16);
    let stranger = UdpSocket::bind(SocketAddr::new(LOOPBACK, range.port(5) + 1)).unwrap();
    let mut shard0 = MediaPorts::new(LOOPBACK, range, 0, 2);
    let mut shard1 = MediaPorts::new(LOOPBACK, range, 1, 2);
    let mut other_engine = MediaPorts::new(LOOPBACK, range, 0, 1);
    let mut all = bind_all(&mut shard0, 3);
    all.extend(bind_all(&mut shard1, 3));
    all.extend(bind_all(&mut other_engine, 100));
    all.extend(bind_all(&mut shard0, 100));
    all.extend(bind_all(&mut shard1, 100));
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "a port was lent twice");
    assert_eq!(count, 15, "all but the pair that the stranger sits on");
    assert!(!all.contains(&range.port(5)));
    assert_eq!(shard0.bound() + shard1.bound() + other_engine.bound(), 15);
    assert_eq!(other_engine.take_error().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));

    // What others let go is found by a later look.
    drop(stranger);
    drop(other_engine);
    let found = bind_all(&mut shard1, 100);
    assert!(found.contains(&range.port(5)), "{found:?}");
}

#[test]
fn a_pair_is_found_by_its_rtp_port_only() {
    let range = free_range(12_000, 4);
    let mut ports = MediaPorts::new(LOOPBACK, range, 0, 1);
    assert!(ports.by_port(range.port(0)).is_none());
    assert_eq!(bind_all(&mut ports, 1), [range.port(0)]);
    let pair = ports.by_port(range.port(0)).unwrap();
    assert_eq!(pair.rtp.local_addr().unwrap().port(), range.port(0));
    assert_eq!(pair.rtcp.local_addr().unwrap().port(), range.port(0) + 1);
    assert!(ports.by_port(range.port(0) + 1).is_none());
    assert!(ports.by_port(1).is_none());

    let (rtcp, port, is_rtcp) = ports.by_token(MediaPorts::token(0, true)).unwrap();
    assert_eq!((rtcp.local_addr().unwrap().port(), port, is_rtcp), (range.port(0) + 1, range.port(0), true));
    let (rtp, port, is_rtcp) = ports.by_token(MediaPorts::token(0, false)).unwrap();
    assert_eq!((rtp.local_addr().unwrap().port(), port, is_rtcp), (range.port(0), range.port(0), false));
    assert!(ports.by_token(MediaPorts::token(1, false)).is_none(), "not bound");
    assert!(ports.by_token(u64::MAX).is_none());
}

#[test]
fn a_pair_that_cannot_be_watched_is_not_kept() {
    let range = free_range(12_500, 4);
    let mut ports = MediaPorts::new(LOOPBACK, range, 0, 1);
    let mut list = Vec::new();
    ports.bind_more(2, &mut list, |_, _| Err(io::Error::from_raw_os_error(libc::ENOMEM)));
    assert_eq!((list.len(), ports.bound()), (0, 0));
    assert_eq!(ports.take_error().and_then(|error| error.raw_os_error()), Some(libc::ENOMEM));
    assert_eq!(bind_all(&mut ports, 1), [range.port(0)], "its sockets were closed again");
}

#[test]
fn a_foreign_address_is_an_error_and_no_endless_walk() {
    // 192.0.2.0/24 is for documentation (RFC 5737): no interface of ours has it.
    let foreign: IpAddr = "192.0.2.1".parse().unwrap();
    let mut ports = MediaPorts::new(foreign, PortRange::new(&(20_000..=29_999)).unwrap(), 0, 1);
    assert_eq!(bind_all(&mut ports, 10), [0u16; 0]);
    assert_eq!(ports.take_error().map(|error| error.kind()), Some(io::ErrorKind::AddrNotAvailable));
    let fault = bind_sip(SocketAddr::new(foreign, 0)).unwrap_err();
    assert!(fault.to_string().contains("192.0.2.1"), "{fault}");
}

#[test]
fn sip_takes_any_free_port_and_refuses_a_taken_one() {
    let (_socket, local) = bind_sip(SocketAddr::new(LOOPBACK, 0)).unwrap();
    assert_ne!(local.port(), 0);
    assert!(matches!(bind_sip(local), Err(NetError::Bind { what: "SIP", .. })));
}
