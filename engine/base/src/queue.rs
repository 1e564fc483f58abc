//! Bounded queues for the borders between threads: values cross, handles do not. A full queue refuses, it never waits.

pub use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError};

/// A queue of at most `limit` values, many senders, many receivers. `try_send` hands the value back when it is full.
pub fn bounded<T>(limit: usize) -> (Sender<T>, Receiver<T>) {
    crossbeam::channel::bounded(limit)
}
