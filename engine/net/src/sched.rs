//! What the scheduler is asked for on behalf of a shard thread.

use crate::sys;
use std::fmt;

/// Real-time priority of shard threads: above everything ordinary, below the kernel's own threads (50) and audio servers.
/// The kernel keeps 5 % of each second for others (`sched_rt_runtime_us`), so even a runaway shard can be stopped.
const FIFO_PRIORITY: i32 = 10;
/// Nice value of work in the background: the last there is.
const BACKGROUND_NICE: i32 = 19;
/// Where SCHED_FIFO is refused: ahead of ordinary threads of the same session.
const NICE: i32 = -11;

/// The scheduling class in force for a shard thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sched {
    /// SCHED_FIFO with this priority.
    Fifo(i32),
    /// The ordinary class with this nice value (CAP_SYS_NICE was not there for more).
    Nice(i32),
    /// The ordinary class: nothing was granted.
    Other,
}

impl fmt::Display for Sched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sched::Fifo(priority) => write!(f, "fifo {priority}"),
            Sched::Nice(nice) => write!(f, "other, nice {nice}"),
            Sched::Other => f.write_str("other"),
        }
    }
}

/// Readies the calling thread for pacing: tight timers, the highest class that is granted, and one processor when `pin`
/// names a place (places beyond the last allowed processor begin again at the first). Returns the class in force.
pub fn prepare_thread(pin: Option<usize>) -> Sched {
    sys::tight_timers();
    if let Some(place) = pin {
        let allowed = sys::allowed_cpus();
        if !allowed.is_empty() {
            // A refusal leaves the thread free to move, which costs precision and nothing else.
            let _ = sys::pin_to(allowed[place % allowed.len()]);
        }
    }
    if sys::set_fifo(FIFO_PRIORITY).is_ok() {
        Sched::Fifo(FIFO_PRIORITY)
    } else if sys::set_nice(NICE).is_ok() {
        Sched::Nice(NICE)
    } else {
        Sched::Other
    }
}

/// Lets the calling thread have what is left over: work that nobody waits for. A refusal costs others time, not more.
pub fn be_background() {
    let _ = sys::set_nice(BACKGROUND_NICE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prepared_thread_sits_on_its_place() {
        std::thread::spawn(|| {
            let allowed = sys::allowed_cpus();
            let sched = prepare_thread(Some(allowed.len() + 1));
            assert_eq!(sys::allowed_cpus(), [allowed[1 % allowed.len()]]);
            println!("class in force: {sched}");
        })
        .join()
        .unwrap();
    }
}
