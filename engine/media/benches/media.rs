//! What one packet costs. `copy 172 bytes` is the baseline: a packet moved once and nothing else.

use base::{Instant, Seed};
use criterion::{Criterion, criterion_group, criterion_main};
use media::jitter::JitterBuffer;
use media::playout::{Player, Prompt};
use media::session::RtpSession;
use media::{FRAME_SAMPLES, Law, PTIME};
use std::hint::black_box;
use std::sync::Arc;

fn session(id: u64) -> RtpSession {
    RtpSession::new(&mut Seed::from_u64(1).stream("bench", id))
}

fn packets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("media");
    let (source, mut target) = ([0x55_u8; 172], [0_u8; 172]);
    group.bench_function("copy 172 bytes (baseline)", |bencher| {
        bencher.iter(|| {
            target.copy_from_slice(black_box(&source));
            black_box(&mut target);
        });
    });

    let (mut sender, mut out) = (session(0), [0_u8; 200]);
    let payload = [0xFF_u8; FRAME_SAMPLES];
    group.bench_function("write_audio", |bencher| {
        bencher.iter(|| sender.write_audio(0, black_box(&payload), 160, black_box(&mut out)));
    });

    let mut player = Player::new(Arc::new(Prompt::from_samples(&[1_000; 80_000])), true);
    group.bench_function("prompt frame and write_audio", |bencher| {
        bencher.iter(|| match player.next_frame(Law::Mu) {
            Some(frame) => sender.write_audio(0, frame, 160, black_box(&mut out)),
            None => 0,
        });
    });

    let address = "10.0.0.1:4000".parse().expect("an address");
    let mut receiver = session(1);
    receiver.set_remote(address);
    let mut now = Instant::from_ns(1);
    group.bench_function("write_audio and receive", |bencher| {
        bencher.iter(|| {
            now += PTIME;
            let length = sender.write_audio(0, &payload, 160, &mut out);
            black_box(receiver.receive(now, address, black_box(&out[..length])).is_ok())
        });
    });

    let (mut jitter, mut sequence, mut timestamp) = (JitterBuffer::new(), 0_u16, 0_u32);
    group.bench_function("jitter insert and pop", |bencher| {
        bencher.iter(|| {
            now += PTIME;
            sequence = sequence.wrapping_add(1);
            timestamp = timestamp.wrapping_add(160);
            jitter.insert(now, sequence, timestamp, false, 0, black_box(&payload));
            black_box(jitter.pop());
        });
    });

    let mut converted = [0; FRAME_SAMPLES];
    group.bench_function("relay PCMU to PCMA", |bencher| {
        bencher.iter(|| codecs::g711::transcode(Law::Mu, Law::A, black_box(&payload), black_box(&mut converted)));
    });
    group.finish();
}

criterion_group!(benches, packets);
criterion_main!(benches);
