//! The way from the far room to our ear: level, room, noise, handset, DTX, coder, lost packets, G.711.

use crate::scene::Clip;
use crate::sources::{Item, Pools, rms};
use base::Stream;
use codecs::g711::Law;
use rand_distr::StandardNormal;
use std::error::Error;
use std::f64::consts::TAU;
use std::io::Write;
use std::process::{Command, Stdio};

/// What a mobile network or a trunk does to a voice before it comes as G.711.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Coder {
    None,
    Gsm,
    Opus,
    G726,
    /// GSM, then G.726.
    Tandem,
}

impl Coder {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Coder::None => "none",
            Coder::Gsm => "gsm",
            Coder::Opus => "opus",
            Coder::G726 => "g726",
            Coder::Tandem => "tandem",
        }
    }
}

/// What was drawn for one clip.
pub(crate) struct Line {
    pub(crate) coder: Coder,
    pub(crate) level_dbov: f64,
    pub(crate) loss_percent: f64,
    law: Law,
}

fn decibels(db: f64) -> f32 {
    10_f64.powf(db / 20.0) as f32
}

fn normal(random: &mut Stream) -> f32 {
    random.sample::<f32, _>(&StandardNormal)
}

/// Second-order section with Butterworth's damping, by the bilinear transform.
fn filter(samples: &mut [f32], hz: f64, high_pass: bool) {
    let (w, q) = (TAU * hz / 8_000.0, std::f64::consts::FRAC_1_SQRT_2);
    let (cos, alpha) = (w.cos(), w.sin() / (2.0 * q));
    let edge = if high_pass { 1.0 + cos } else { 1.0 - cos };
    let (b0, b1) = (edge / 2.0, if high_pass { -edge } else { edge });
    let (a0, a1, a2) = (1.0 + alpha, -2.0 * cos, 1.0 - alpha);
    let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
    for sample in samples {
        let x = f64::from(*sample);
        let y = (b0 * x + b1 * x1 + b0 * x2 - a1 * y1 - a2 * y2) / a0;
        (x2, x1, y2, y1) = (x1, x, y1, y);
        *sample = y as f32;
    }
}

fn any_sentence<'a>(pools: &'a Pools, random: &mut Stream) -> &'a Item {
    let speakers: Vec<&Vec<Item>> = pools.sentences.values().collect();
    let items = speakers[random.below(speakers.len() as u64) as usize];
    &items[random.below(items.len() as u64) as usize]
}

fn background(kind: &str, length: usize, pools: &Pools, random: &mut Stream) -> Vec<f32> {
    let mut noise = vec![0.0_f32; length];
    let overlay = |noise: &mut [f32], item: &Item, random: &mut Stream| {
        let shift = random.below(item.samples.len() as u64) as usize;
        noise.iter_mut().zip(item.samples.iter().cycle().skip(shift)).for_each(|(sample, more)| *sample += more);
    };
    match kind {
        "white" => noise.iter_mut().for_each(|sample| *sample = normal(random)),
        "brown" | "street" => {
            let mut sum = 0.0;
            for sample in &mut noise {
                sum = 0.997 * sum + normal(random);
                *sample = sum;
            }
            filter(&mut noise, 60.0, true);
            if kind == "street" {
                let knots: Vec<f64> = (0..length / 8_000 + 2).map(|_| random.range_f64(0.2, 1.5)).collect();
                let level = rms(&noise);
                for (n, sample) in noise.iter_mut().enumerate() {
                    let at = n as f64 / 8_000.0;
                    let (knot, rest) = (at as usize, at.fract());
                    let swell = knots[knot] * (1.0 - rest) + knots[knot + 1] * rest;
                    *sample = *sample * swell as f32 + 0.3 * level * normal(random);
                }
            }
        }
        "babble" => (0..6).for_each(|_| overlay(&mut noise, any_sentence(pools, random), random)),
        "television" => {
            overlay(&mut noise, any_sentence(pools, random), random);
            if !pools.music.is_empty() {
                let piece = &pools.music[random.below(pools.music.len() as u64) as usize];
                let from = random.below((piece.len() - length) as u64) as usize;
                noise.iter_mut().zip(&piece[from..]).for_each(|(sample, more)| *sample += 0.5 * more);
            }
            filter(&mut noise, 300.0, true);
            filter(&mut noise, 2_500.0, false);
        }
        _ => {
            let mains_hz = if random.chance(0.5) { 50.0 } else { 60.0 };
            let phase = random.range_f64(0.0, TAU);
            for (n, sample) in noise.iter_mut().enumerate() {
                let t = n as f64 / 8_000.0;
                let hum: f64 =
                    [1.0, 2.0, 3.0, 5.0].iter().map(|k| (TAU * mains_hz * k * t + phase * k).sin() / k).sum();
                *sample = hum as f32 + 0.3 * normal(random);
            }
        }
    }
    let level = rms(&noise) + 1e-9;
    noise.iter_mut().for_each(|sample| *sample /= level);
    noise
}

fn add(samples: &mut [f32], noise: &[f32], gain: f32) {
    samples.iter_mut().zip(noise.iter()).for_each(|(sample, more)| *sample += more * gain);
}

/// Everything up to the coder.
pub(crate) fn line(clip: &mut Clip, label: &str, pools: &Pools, random: &mut Stream) -> Line {
    let level_dbov = (random.range_f64(-33.0, -11.0) * 10.0).round() / 10.0;
    let reference = decibels(level_dbov);
    let samples = &mut clip.samples;
    let active: Vec<f32> = samples.iter().copied().filter(|sample| sample.abs() > 0.01).collect();
    let own = if active.len() > 200 { rms(&active) } else { 0.1 };
    samples.iter_mut().for_each(|sample| *sample *= reference / own);
    if random.chance(0.2) && !matches!(label, "fax" | "sit") {
        room(samples, random);
    }
    let noise = match clip.line_noise.as_ref().filter(|_| random.chance(0.8)) {
        Some((noise, snr_db)) => (endless(noise, samples.len(), random), *snr_db),
        None => (background("white", samples.len(), pools, random), random.range_f64(28.0, 55.0)),
    };
    add(samples, &noise.0, reference * decibels(-noise.1));
    let share = match label {
        "human" => 0.35,
        "machine" => 0.22,
        "silence" => 0.5,
        _ => 0.12,
    };
    if random.chance(share) {
        let kind = match random.unit() {
            c if c < 0.30 => "television",
            c if c < 0.55 => "street",
            c if c < 0.75 => "babble",
            c if c < 0.90 => "brown",
            _ => "hum",
        };
        let noise = background(kind, samples.len(), pools, random);
        add(samples, &noise, reference * decibels(-random.range_f64(8.0, 32.0)));
    }
    if random.chance(0.8) {
        filter(samples, random.range_f64(180.0, 320.0), true);
        filter(samples, random.range_f64(3_250.0, 3_700.0), false);
    }
    if random.chance(0.25) {
        discontinuous(samples, reference, random);
    }
    if label != "silence" && random.chance(0.06) {
        samples.iter_mut().for_each(|sample| *sample = (*sample * 2.5).clamp(-0.7, 0.7));
    }
    samples.iter_mut().for_each(|sample| *sample = sample.clamp(-0.999, 0.999));
    let coder = match random.unit() {
        c if c < 0.45 => Coder::None,
        c if c < 0.70 => Coder::Gsm,
        c if c < 0.78 => Coder::Opus,
        c if c < 0.88 => Coder::G726,
        _ => Coder::Tandem,
    };
    let loss_percent = if random.chance(0.35) { (random.range_f64(0.3, 5.0) * 100.0).round() / 100.0 } else { 0.0 };
    Line { coder, level_dbov, loss_percent, law: if random.chance(0.6) { Law::Mu } else { Law::A } }
}

/// A small room: decaying noise as its answer, up to 0.25 s.
fn room(samples: &mut [f32], random: &mut Stream) {
    // Sixty taps at random places sound like a room and cost a thirtieth of a full answer.
    let length = random.range_f64(0.05, 0.25) * 8_000.0;
    let taps: Vec<(usize, f32)> = (0..60)
        .map(|_| {
            let at = random.range_f64(8.0, length);
            (at as usize, normal(random) * (-5.0 * at / length).exp() as f32)
        })
        .collect();
    let energy: f32 = taps.iter().map(|(_, gain)| gain * gain).sum::<f32>().sqrt();
    let dry = samples.to_vec();
    for (delay, gain) in taps {
        let gain = 0.35 * gain / energy;
        samples[delay..].iter_mut().zip(&dry).for_each(|(sample, earlier)| *sample += earlier * gain);
    }
}

/// A quarter of a second of noise made endless by overlapping pieces from random places.
fn endless(noise: &[f32], length: usize, random: &mut Stream) -> Vec<f32> {
    let mut out = vec![0.0; length];
    for start in (0..length - 400).step_by(200) {
        let from = random.below((noise.len() - 400) as u64) as usize;
        for n in 0..400 {
            let window = 0.5 - 0.5 * (TAU * n as f64 / 400.0).cos();
            out[start + n] += noise[from + n] * window as f32;
        }
    }
    let level = rms(&out) + 1e-9;
    out.iter_mut().for_each(|sample| *sample /= level);
    out
}

/// A mobile that sends nothing in pauses, and a far end that fills them with noise of its own or with none.
fn discontinuous(samples: &mut [f32], reference: f32, random: &mut Stream) {
    let gate = reference * decibels(-random.range_f64(22.0, 32.0));
    let comfort = if random.chance(0.8) { decibels(random.range_f64(-72.0, -52.0)) } else { 0.0 };
    let mut hang = 0;
    for frame in samples.chunks_mut(160) {
        hang = if rms(frame) > gate { 8 } else { hang - 1 };
        if hang <= 0 {
            frame.iter_mut().for_each(|sample| *sample = comfort * normal(random));
        }
    }
}

/// Runs ffmpeg once for each coder over all its clips.
pub(crate) fn code(batch: &mut [(Clip, Line, Stream)]) -> Result<(), Box<dyn Error>> {
    for (coder, passes) in [
        (Coder::Gsm, &["gsm"][..]),
        (Coder::Opus, &["opus"]),
        (Coder::G726, &["g726"]),
        (Coder::Tandem, &["gsm", "g726"]),
    ] {
        let mut clips: Vec<&mut Vec<f32>> =
            batch.iter_mut().filter(|entry| entry.1.coder == coder).map(|entry| &mut entry.0.samples).collect();
        if clips.is_empty() {
            continue;
        }
        for pass in passes {
            let all: Vec<f32> = clips.iter().flat_map(|clip| clip.iter().copied()).collect();
            let coded = through(pass, &all)?;
            let mut coded = &coded[..];
            for clip in &mut clips {
                // A coder with a delay gives a little less than it got.
                let (part, rest) = coded.split_at(clip.len().min(coded.len()));
                clip[..part.len()].copy_from_slice(part);
                coded = rest;
            }
        }
    }
    Ok(())
}

fn through(coder: &str, samples: &[f32]) -> Result<Vec<f32>, Box<dyn Error>> {
    let (format, options): (&str, &[&str]) = match coder {
        "gsm" => ("gsm", &["-c:a", "libgsm"]),
        "opus" => ("ogg", &["-c:a", "libopus", "-b:a", "8k", "-application", "voip", "-frame_duration", "60"]),
        _ => ("wav", &["-c:a", "g726", "-b:a", "24k"]),
    };
    let raw = ["-f", "s16le", "-ar", "8000", "-ac", "1"];
    let coded = std::env::temp_dir().join(format!("openings-{}.{format}", std::process::id()));
    let mut encoder = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(raw)
        .args(["-i", "-"])
        .args(options)
        .arg(&coded)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("ffmpeg: {error}; install it, the coders of mobile networks come from there"))?;
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()).collect();
    encoder.stdin.take().ok_or("ffmpeg takes no input")?.write_all(&bytes)?;
    let encoded = encoder.wait()?.success();
    let output = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&coded).args(raw).arg("-").output()?;
    std::fs::remove_file(&coded)?;
    if !encoded || !output.status.success() {
        return Err(format!("ffmpeg cannot code {coder}").into());
    }
    let (pairs, _) = output.stdout.as_chunks::<2>();
    Ok(pairs.iter().map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32_768.0).collect())
}

/// Loss and G.711: what our ear gets. A lost packet is silence, as the engine plays it, or repeated and faded, as
/// gateways on the way do.
pub(crate) fn arrive(clip: &Clip, line: &Line, random: &mut Stream) -> Vec<i16> {
    let mut samples: Vec<i16> = clip
        .samples
        .iter()
        .map(|sample| line.law.decode(line.law.encode((sample.clamp(-1.0, 1.0) * 32_767.0) as i16)))
        .collect();
    if line.loss_percent == 0.0 {
        return samples;
    }
    let (conceals, begins) = (random.chance(0.5), line.loss_percent / 100.0 / 2.0);
    let (mut lost, mut run) = (false, 0);
    for at in (160..samples.len()).step_by(160) {
        lost = random.chance(if lost { 0.5 } else { begins });
        run = if lost { run + 1 } else { 0 };
        if lost && conceals {
            let fade = if run < 4 { 0.8 } else { 0.2 };
            for n in at..at + 160 {
                samples[n] = (f32::from(samples[n - 160]) * fade) as i16;
            }
        } else if lost {
            samples[at..at + 160].fill(0);
        }
    }
    samples
}
