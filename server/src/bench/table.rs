//! The figures as a person reads them.

use measure::Spread;
use measure::media::{Driver, MediaResult, Mode};
use measure::sip::SipResult;

fn row(name: &str, value: String) {
    println!("  {name:<42}{value}");
}

fn spread(spread: &Spread, digits: usize) -> String {
    let Spread { p50, p99, p999, max } = spread;
    format!("{p50:.digits$} / {p99:.digits$} / {p999:.digits$} / {max:.digits$}")
}

pub(super) fn media(result: &MediaResult) {
    let mode = match result.mode {
        Mode::Play => "play",
        Mode::Echo => "echo",
        Mode::Bridge => "bridge",
        Mode::Detect => "detect",
    };
    let driver = match result.driver {
        Driver::Ring => "ring",
        Driver::Poll => "poll",
    };
    println!(
        "\nOutpace bench, {mode}: {} legs for {:.0} s, driver {driver}, {} shards, {}\n",
        result.legs, result.seconds, result.shards, result.sched
    );
    let [before, after] = result.floor_runs_us_per_pair;
    row("Processor time a pair of packets", format!("{:.2} µs", result.cpu_us_per_pair));
    row("The least possible (before, after)", format!("{:.2} µs ({before:.2}, {after:.2})", result.floor_us_per_pair));
    row("Ratio", format!("{:.2}", result.ratio));
    row("Processor a leg", format!("{:.4} %", result.cpu_percent_per_leg));
    println!();
    row("Send lateness", format!("{} µs (p50 / p99 / p99.9 / max)", spread(&result.send_lateness_us, 0)));
    row("Arrival lateness", format!("{} µs", spread(&result.arrival_lateness_us, 0)));
    if let Some(delay) = &result.relay_delay_us {
        row("Relay delay", format!("{} µs", spread(delay, 0)));
    }
    row("A thread that only sleeps", format!("{} µs", spread(&result.idle_thread_lateness_us, 0)));
    row("Later than 1 ms / 20 ms", format!("{} / {}", result.late_over_1ms, result.late_over_20ms));
    println!();
    row(
        "Packets sent / received / lost",
        format!("{} / {} / {}", result.packets_sent, result.packets_received, result.packets_lost),
    );
    let audio = &result.audio;
    row(
        "Frames right / wrong",
        format!(
            "{} / {} ({} missing, {} repeated, {} silent)",
            audio.right, audio.wrong, audio.missing, audio.concealed, audio.silent
        ),
    );
    row("Allocations a packet", format!("{} ({} in all)", result.allocations_per_packet, result.allocations));
    row("Memory", format!("{:.1} MB", result.rss_bytes as f64 / 1e6));
    let leaked = &result.leaked;
    row(
        "Leaked legs / ports / timers / fds",
        format!("{} / {} / {} / {}", leaked.legs, leaked.ports, leaked.timers, leaked.fds),
    );
    println!();
}

pub(super) fn sip(result: &SipResult) {
    println!("\nOutpace bench, signalling: {} calls at {} a second\n", result.calls, result.rate);
    row("Failed", result.failed.to_string());
    row(
        "Processor time a call, caller / callee",
        format!("{:.0} / {:.0} µs", result.cpu_us_per_call_uac, result.cpu_us_per_call_uas),
    );
    row("Order to 200", format!("{} ms (p50 / p99 / p99.9 / max)", spread(&result.setup_ms, 1)));
    row("Allocations a call, caller", format!("{:.0}", result.allocations_per_call));
    let mb = |bytes: u64| bytes as f64 / 1e6;
    row(
        "Memory of the caller, start / end",
        format!("{:.1} / {:.1} MB", mb(result.rss_bytes_start), mb(result.rss_bytes_end)),
    );
    let leaked = &result.leaked;
    row(
        "Leaked legs / ports / transactions / fds",
        format!("{} / {} / {} / {}", leaked.legs, leaked.ports, leaked.transactions, leaked.fds),
    );
    println!();
}
