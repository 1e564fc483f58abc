//! The whole matrix: every mode on both drivers at several sizes, and signalling next to SIPp.

use crate::results::{Results, bench, media, number, sip};
use crate::{sipp, table};
use std::path::Path;

/// Modes of the media bench that are built.
pub(crate) const MODES: [&str; 4] = ["play", "echo", "bridge", "detect"];
/// Both drivers.
pub(crate) const DRIVERS: [&str; 2] = ["poll", "ring"];

/// Calls and rates of the signalling bench: the lower rate shows what an idle tick adds.
const SIGNALLING: [(u64, f64); 2] = [(6_000, 200.0), (12_000, 600.0)];

pub(crate) fn all(binary: &Path, folder: &Path, legs: &[usize], seconds: u64) -> Result<(), String> {
    let mut results = Results::begin("media");
    for legs in legs {
        for mode in MODES {
            for driver in DRIVERS {
                let run = bench(binary, &media(mode, driver, *legs, seconds));
                match run {
                    Ok(run) => {
                        println!("{mode} {driver} {legs}: {:.2} × floor", number(&run, "ratio"));
                        results.runs.push(run);
                    }
                    // A machine that cannot do one of them (no io_uring, too few processors) still has the others.
                    Err(fault) => eprintln!("left out: {fault}"),
                }
            }
        }
    }
    results.keep(folder)?;

    let mut results = Results::begin("sip");
    for (calls, rate) in SIGNALLING {
        let run = bench(binary, &sip(calls, rate))?;
        println!("{calls} calls at {rate} a second: {:.0} µs a call", number(&run, "cpu_us_per_call_uac"));
        results.runs.push(run);
        results.runs.extend(sipp::run(calls, rate));
    }
    results.keep(folder)?;
    table::write(folder)
}
