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
