use super::*;
use base::LegId;

fn handle_without_threads(limit: usize) -> (EngineHandle, Vec<Receiver<Command>>) {
    let (commands, commands_out) = bounded(limit);
    let (requests, _) = bounded(1);
    let door = ShardDoor { commands, requests, wake: Arc::new(Wake::new().unwrap()), failed: OnceLock::new() };
    let (_, events) = bounded(1);
    let stop = Arc::new(AtomicBool::new(false));
    let sip = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5_060);
    let driver = DriverKind::Poll;
    (EngineHandle { events, shards: vec![door].into(), stop, sip, driver, fallback: None }, vec![commands_out])
}

fn command(leg: u64) -> Command {
    Command::StopPlay { leg: LegId(leg) }
}

#[test]
fn a_command_that_is_not_taken_comes_back_with_the_reason() {
    let (handle, mut queues) = handle_without_threads(2);
    assert!(handle.command(ShardId(0), command(1)).is_ok());
    assert!(handle.command(ShardId(0), command(2)).is_ok());
    let full = handle.command(ShardId(0), command(3)).unwrap_err();
    assert_eq!(full.cause, FullCause::QueueFull);
    assert!(matches!(*full.command, Command::StopPlay { leg: LegId(3) }));
    assert_eq!(handle.command(ShardId(1), command(4)).unwrap_err().cause, FullCause::NoSuchShard);
    assert_eq!(handle.command(ShardId(u64::MAX), command(4)).unwrap_err().cause, FullCause::NoSuchShard);
    queues.clear();
    assert_eq!(handle.command(ShardId(0), command(5)).unwrap_err().cause, FullCause::ShardGone);
    let stats = handle.stats();
    assert_eq!((stats.shards.len(), stats.silent), (0, vec![ShardId(0)]));
}

#[test]
fn a_wake_up_is_never_lost() {
    // The sleeper sleeps an hour unless woken: one lost wake-up hangs the test.
    let wake = Arc::new(Wake::new().unwrap());
    let (queue, items) = bounded::<u32>(4);
    let sleeper = {
        let wake = Arc::clone(&wake);
        std::thread::spawn(move || {
            let mut next = 0;
            while next < 20_000 {
                wake.sleep(Some(|| items.is_empty()), |event| sys::wait_readable(event, 3_600_000_000_000));
                for item in items.try_iter() {
                    assert_eq!(item, next);
                    next += 1;
                }
            }
        })
    };
    for number in 0..20_000 {
        let mut item = number;
        while let Err(TrySendError::Full(back)) = queue.try_send(item) {
            item = back;
            std::thread::yield_now();
        }
        wake.wake();
        if number % 64 == 0 {
            std::thread::yield_now();
        }
    }
    sleeper.join().unwrap();
}

#[test]
fn a_panic_ends_the_shard_with_its_message_kept() {
    let (handle, _queues) = handle_without_threads(1);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {})); // keeps the expected panics out of the test's output
    assert_eq!(handle.failed(), None);
    assert!(guarded(&handle.shards[0].failed, || panic!("number {}", 7)).is_none());
    let third = OnceLock::new();
    assert!(guarded(&third, || Err(std::io::Error::from_raw_os_error(libc::EEXIST))).is_none());
    assert!(third.get().is_some_and(|why| why.starts_with("the driver could not begin")));
    let other = OnceLock::new();
    assert!(guarded(&other, || std::panic::panic_any(5)).is_none());
    std::panic::set_hook(hook);
    assert_eq!(handle.stats().failed, [(ShardId(0), "number 7".to_owned())]);
    assert_eq!(handle.failed(), Some((ShardId(0), "number 7".to_owned())));
    assert_eq!(other.get().map(String::as_str), Some("a panic without a message"));
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let config = |change: fn(&mut EngineConfig)| {
        let mut config = EngineConfig { ports: 14_400..=14_499, ..EngineConfig::default() };
        change(&mut config);
        Engine::start(config).map(|_| ()).unwrap_err()
    };
    assert!(matches!(config(|config| config.shards = 0), NetError::Config(_)));
    assert!(matches!(config(|config| config.shards = SHARDS_MAX + 1), NetError::Config(_)));
    assert!(matches!(config(|config| config.ports = 14_400..=14_400), NetError::Config(_)));
    let few = config(|config| (config.shards, config.ports) = (3, 14_400..=14_403));
    assert!(few.to_string().contains("14400-14403"), "{few}");

    let taken = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let socket = std::net::UdpSocket::bind(taken).unwrap();
    let fault = Engine::start(EngineConfig { sip: taken, ..EngineConfig::default() }).map(|_| ()).unwrap_err();
    assert!(matches!(fault, NetError::Bind { what: "SIP", .. }), "{fault}");
    drop(socket);

    // Whether this bind succeeds or another run of the tests sits there: the port is taken.
    let holder = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 14_502));
    let fault =
        Engine::start(EngineConfig { ports: 14_502..=14_503, ..EngineConfig::default() }).map(|_| ()).unwrap_err();
    assert!(matches!(fault, NetError::NoPorts { error: Some(_), .. }), "{fault}");
    drop(holder);
}

#[test]
fn where_io_uring_is_forbidden_auto_takes_poll_and_ring_says_what_to_do() {
    std::thread::spawn(|| {
        let config = |driver| EngineConfig { driver, ports: 12_000..=12_199, ..EngineConfig::default() };
        let engine = Engine::start(config(DriverChoice::Auto)).unwrap();
        assert_eq!((engine.driver(), engine.stats().fallback), (DriverKind::Ring, None), "this machine has it");
        drop(engine);
        sys::forbid_call(libc::SYS_io_uring_setup).unwrap();
        let engine = Engine::start(config(DriverChoice::Auto)).unwrap();
        assert_eq!(engine.driver(), DriverKind::Poll);
        let stats = engine.stats();
        assert_eq!(stats.driver, DriverKind::Poll);
        assert!(stats.fallback.is_some_and(|why| why.contains("io_uring")));
        drop(engine);
        let fault = Engine::start(config(DriverChoice::Ring)).map(|_| ()).unwrap_err();
        assert!(matches!(fault, NetError::NoRing(_)), "{fault}");
        assert!(fault.to_string().contains("ask for \"auto\" or \"poll\""), "{fault}");
        assert!(Engine::start(config(DriverChoice::Poll)).is_ok());
    })
    .join()
    .unwrap();
}

#[test]
fn an_engine_starts_answers_and_stops() {
    for driver in [DriverChoice::Poll, DriverChoice::Ring] {
        starts_answers_and_stops(driver);
    }
}

fn starts_answers_and_stops(driver: DriverChoice) {
    let config = EngineConfig { driver, shards: 2, ports: 14_600..=14_799, pin: true, ..EngineConfig::default() };
    let engine = Engine::start(config).unwrap();
    assert_ne!(engine.sip_addr().port(), 0);
    let handle = engine.handle();
    handle.command(ShardId(1), command(1)).unwrap();
    // A loaded machine may let a shard miss the half second once; it never stays silent.
    let stats = loop {
        let stats = handle.stats();
        if stats.silent.is_empty() && stats.counters().commands == 1 {
            break stats;
        }
    };
    assert_eq!(stats.counts(), call::Counts::default());
    assert!(stats.shards.iter().all(|shard| shard.pairs_bound > 0));
    println!("{} driver, class in force: {}", stats.driver, stats.sched());
    let last = engine.shutdown();
    assert_eq!((last.shards.len(), last.failed.len()), (2, 0));
    assert!(last.counters().ticks > 0);
    assert_eq!(handle.command(ShardId(0), command(2)).unwrap_err().cause, FullCause::ShardGone);
}

#[test]
fn an_idle_engine_costs_little() {
    for driver in [DriverChoice::Poll, DriverChoice::Ring] {
        costs_little_when_idle(driver);
    }
}

fn costs_little_when_idle(driver: DriverChoice) {
    let config = EngineConfig { driver, shards: 2, ports: 14_800..=14_999, ..EngineConfig::default() };
    let engine = Engine::start(config).unwrap();
    let sample = || loop {
        let stats = engine.stats();
        if stats.silent.is_empty() {
            break (stats.shards[0].at, stats.cpu_ns(), stats.counters().ticks);
        }
    };
    let first = sample();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let last = sample();
    let elapsed = last.0.since(first.0);
    // Two shards wake once in 10 ms each, and once for the request. Only upper bounds: a busy machine wakes them less.
    let ticks = last.2 - first.2;
    assert!(ticks <= 2 * (elapsed.as_ms() / 10 + 2), "{ticks} ticks in {elapsed:?}");
    // 100 ticks a second of 20 µs are 0.2 % of a core for each; 5 % leaves room for a slow or crowded machine.
    let cpu_ns = last.1 - first.1;
    assert!(cpu_ns <= elapsed.as_ns() / 10, "{cpu_ns} ns of processor time in {elapsed:?}");
}
