//! What a process can learn about itself, and the scheduling group that it runs in.

use nix::time::{ClockId, clock_gettime};

/// Nice value of a part's scheduling group: it gets what it asks for beside any number of ordinary programs.
const GROUP_NICE: &str = "-12";

/// Takes the process into a session, and so a scheduling group, of its own and raises the group. Returns what came of it.
///
/// With `sched_autogroup_enabled` the kernel shares the processors between sessions first, and `nice` of a thread means
/// nothing to other sessions; a benchmark that stays in its caller's session measures its caller's other work.
pub fn enter_own_session() -> String {
    // A refusal means that the process leads a group already, whose session is then as good as its own.
    let _ = nix::unistd::setsid();
    match std::fs::write("/proc/self/autogroup", GROUP_NICE) {
        Ok(()) => format!("autogroup nice {GROUP_NICE}"),
        Err(_) => match std::fs::read_to_string("/proc/self/autogroup") {
            Ok(text) => format!(
                "autogroup{}",
                text.trim().split_once(' ').map_or("", |(_, nice)| nice).replace("nice", " nice")
            ),
            Err(_) => "no autogroup".to_owned(),
        },
    }
}

/// Processor time of this process so far, user and system, all threads, in nanoseconds.
pub fn processor_ns() -> u64 {
    // Every Linux has this clock.
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID);
    time.map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// Resident memory of this process in bytes; 0 where /proc does not tell.
pub fn rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).map_or(0, |kb| kb * 1_024)
}

/// Open file descriptors of this process; 0 where /proc does not tell.
pub fn open_files() -> usize {
    // The directory itself is open while it is read.
    std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_itself() {
        let (cpu, files) = (processor_ns(), open_files());
        let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(processor_ns() > cpu);
        assert!(rss_bytes() > memory.len() as u64);
        let file = std::fs::File::open("/proc/self/status").unwrap();
        assert!(open_files() > 0 && files > 0);
        drop(file);
    }
}
