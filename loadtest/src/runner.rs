//! Drives a controller with an engine of its own over real sockets, on one thread.

use crate::controller::Controller;
use base::queue::RecvTimeoutError;
use base::{Duration, ShardId};
use call::Command;
use net::{Clock, Engine, EngineConfig, FullCause, NetError};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Longest wait for an event: how late a stop or a request is noticed.
const WAIT_MAX: Duration = Duration::from_ms(20);
/// Events taken before timers and commands are looked at again: a millisecond's work of a busy shard (SHARD_QUEUE_MAX
/// of 16,384 bridges 1.6 s, so 100 legs of 50 packets a second are 5 a millisecond).
const EVENTS_PER_TURN: usize = 256;

/// A controller on its thread, with its engine.
pub struct Actor<C> {
    sip: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<C>,
    engine: Engine,
}

impl<C: Controller + Send> Actor<C> {
    /// Starts an engine and drives `controller` with it until [`Actor::stop`].
    ///
    /// # Errors
    /// Sockets, ports or threads cannot be had.
    pub fn start(config: EngineConfig, controller: C) -> Result<Self, NetError> {
        let name = format!("{}-control", config.names);
        let engine = Engine::start(config)?;
        let handle = engine.handle();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || drive(&handle, controller, &stopped))
            .map_err(|error| NetError::Os { what: "starting an actor's thread", error })?;
        Ok(Actor { sip: engine.sip_addr(), stop, thread, engine })
    }

    /// Where this actor takes SIP.
    pub fn sip_addr(&self) -> SocketAddr {
        self.sip
    }

    /// The engine, for its statistics.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Ends the thread and the engine and hands the controller with its records back. Calls still up are dropped without
    /// a word.
    ///
    /// # Panics
    /// When the controller's thread panicked: its records are gone, and that is a fault of ours.
    pub fn stop(self) -> C {
        self.stop.store(true, Ordering::Release);
        let controller = self.thread.join().expect("the controller's thread ends in order");
        self.engine.shutdown();
        controller
    }
}

fn drive<C: Controller>(engine: &net::EngineHandle, mut controller: C, stop: &AtomicBool) -> C {
    let clock = Clock::new();
    let mut held_back: Option<(ShardId, Command)> = None;
    while !stop.load(Ordering::Acquire) {
        // Commands first; one that finds its queue full waits for the next turn and keeps its place.
        while let Some((shard, command)) = held_back.take().or_else(|| controller.poll_command()) {
            if let Err(full) = engine.command(shard, command) {
                match full.cause {
                    FullCause::QueueFull => {
                        held_back = Some((shard, *full.command));
                        break;
                    }
                    FullCause::ShardGone | FullCause::NoSuchShard => return controller,
                }
            }
        }
        let now = clock.now();
        let until_due = controller.poll_timeout().map_or(WAIT_MAX, |at| at.since(now)).min(WAIT_MAX);
        let wait = std::time::Duration::from_nanos(until_due.as_ns());
        match engine.events.recv_timeout(wait) {
            Ok((shard, event)) => {
                let now = clock.now();
                controller.handle_event(now, shard, event);
                for (shard, event) in engine.events.try_iter().take(EVENTS_PER_TURN) {
                    controller.handle_event(now, shard, event);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return controller,
        }
        let now = clock.now();
        if controller.poll_timeout().is_some_and(|at| at <= now) {
            controller.handle_timeout(now);
        }
    }
    controller
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callee::{Crowd, Nature};
    use crate::carrier::Carrier;
    use crate::driver::{Driver, Plan};
    use crate::phones::AgentPhones;
    use crate::speech::{Source, SpeechBank};
    use base::Seed;
    use dialer::sim::callee::CalleeModel;

    const QUICK: &str = r#"
[dial]
human = 0.6
machine = 0.2
busy = 0.15
fail = 0
post_dial_s = { dist = "uniform", min = 0.1, max = 0.3 }
human_ring_s = { dist = "uniform", min = 0.2, max = 0.5 }
machine_ring_s = { dist = "uniform", min = 0.2, max = 0.5 }
[agent]
talk_s = { dist = "uniform", min = 2, max = 3 }
"#;

    fn config(names: &str, seed: u64) -> EngineConfig {
        EngineConfig { seed: Some(Seed::from_u64(seed)), names: names.to_owned(), ..EngineConfig::default() }
    }

    /// Ten calls over real sockets on loopback, with a carrier, four phones and the smallest product.
    #[test]
    fn calls_over_real_sockets() {
        let seed = Seed::from_u64(21);
        let bank = Arc::new(SpeechBank::load(&[Source::Babble]).expect("babble is always there"));
        let crowd = Crowd::new(CalleeModel::parse(QUICK).expect("a scenario"));
        let carrier =
            Actor::start(config("carrier", 1), Carrier::new(crowd, Arc::clone(&bank), seed)).expect("carrier");
        let names: Vec<String> = (0..4).map(|agent| format!("agent{agent}")).collect();
        let phones = Actor::start(config("phones", 2), AgentPhones::new(&names, &bank, seed)).expect("phones");
        let numbers: Vec<String> = (0..10).map(|n| format!("+1212555{n:04}")).collect();
        let driver = Driver::new(1, 4, &numbers, Plan::Connect, carrier.sip_addr(), phones.sip_addr());
        let product = Actor::start(config("product", 3), driver).expect("product");
        // The last number is dialled after 4.25 s; the calls are over when only the agents' legs are left.
        let pause = |ms| std::thread::sleep(std::time::Duration::from_millis(ms));
        pause(5_000);
        let legs = |engine: &Engine| engine.stats().counts().legs;
        for _ in 0..300 {
            if legs(carrier.engine()) == 0 && legs(product.engine()) == names.len() {
                break;
            }
            pause(100);
        }
        pause(600); // until the phones notice
        let (driver, phones, carrier) = (product.stop(), phones.stop(), carrier.stop());
        assert_eq!((driver.ends.len(), carrier.calls_open(), phones.off_hook()), (10, 0, 4));
        let summary = carrier.ledger().summary();
        assert!(
            summary.connected >= 3 && summary.connected == phones.talks().len(),
            "{summary:?} {:?}",
            phones.talks()
        );
        assert_eq!((summary.double_dialled, summary.agents_lost_to_machines), (0, 0));
        let natures = |nature| carrier.ledger().records().iter().filter(|record| record.nature == nature).count();
        assert!(natures(Nature::Busy) > 0 && natures(Nature::Person) > 0);
        // Detection needs 800 ms of silence; real time on a busy machine adds little to it.
        let quickest = summary.connect_delays.first().expect("somebody was connected");
        assert!(*quickest >= Duration::from_ms(700) && *quickest < Duration::from_ms(1_500), "{summary:?}");
    }
}
