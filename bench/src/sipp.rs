//! SIPp calling SIPp, as a yardstick for signalling in the same minute: nearly the floor for a system call per datagram.

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command, Stdio};

/// Processor time of all children that were waited for, in microseconds.
fn children_us() -> f64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return 0.0 };
    let us = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e6 + time.tv_usec() as f64;
    us(usage.user_time()) + us(usage.system_time())
}

fn free_port() -> std::io::Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn sipp(scenario: &str, port: u16, arguments: &[&str]) -> std::io::Result<Child> {
    Command::new("sipp")
        .args(["-sn", scenario, "-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin", "-watchdog_interval", "0"])
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Runs SIPp's built-in caller and called party with these calls; `None` where SIPp is not installed or fails.
pub(crate) fn run(calls: u64, rate: f64) -> Option<Value> {
    let (called_port, calling_port) = (free_port().ok()?, free_port().ok()?);
    let (calls_text, rate_text) = (calls.to_string(), (rate.round() as u64).to_string());
    let before = children_us();
    let mut called = sipp("uas", called_port, &["-m", &calls_text]).ok()?;
    // It says nothing when it is ready; the caller repeats its first INVITE after half a second if it came too early.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let target = format!("127.0.0.1:{called_port}");
    let caller = sipp("uac", calling_port, &["-m", &calls_text, "-r", &rate_text, "-d", "0", &target]);
    let Ok(mut caller) = caller else {
        let _ = called.kill();
        let _ = called.wait();
        return None;
    };
    let fine = caller.wait().ok()?.success();
    let after_caller = children_us();
    if !fine {
        let _ = called.kill();
    }
    called.wait().ok()?;
    let after_called = children_us();
    fine.then(|| {
        json!({
            "program": "sipp",
            "calls": calls,
            "rate": rate,
            "cpu_us_per_call_uac": (after_caller - before) / calls as f64,
            "cpu_us_per_call_uas": (after_called - after_caller) / calls as f64,
        })
    })
}
