//! The packet path allocates nothing: an allocator that counts watches 10,000 packets go through.

use base::{Duration, Instant, Seed};
use media::dtmf::{DtmfReceiver, DtmfSender};
use media::jitter::{JitterBuffer, Pop};
use media::playout::{Player, Prompt};
use media::session::RtpSession;
use media::{FRAME_SAMPLES, Law, PTIME};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: count::Counting<std::alloc::System> = count::Counting(std::alloc::System);

#[test]
fn ten_thousand_packets_allocate_nothing() {
    let mut random = Seed::from_u64(5).stream("no-alloc", 0);
    let (customer, agent) = ("10.0.0.1:4000".parse().unwrap(), "10.0.0.2:4000".parse().unwrap());
    let (mut far, mut near, mut out_leg) =
        (RtpSession::new(&mut random), RtpSession::new(&mut random), RtpSession::new(&mut random));
    near.set_remote(customer);
    out_leg.set_remote(agent);
    let prompt = Arc::new(Prompt::from_samples(&[1_000; 8_000]));
    let mut player = Player::new(prompt, true);
    let (mut jitter, mut converted) = (JitterBuffer::new(), [0; FRAME_SAMPLES]);
    let (mut digits_out, mut digits_in) = (DtmfSender::new(), DtmfReceiver::new());
    let (mut wire, mut sent) = ([0; 200], [0; 200]);
    let mut samples = [0_i16; FRAME_SAMPLES];
    let (mut played, mut heard, mut written) = (0_u32, 0_u32, 0_usize);

    let allocations = count::during(|| {
        for n in 0..10_000_u64 {
            let now = Instant::from_ns(1) + PTIME * n + Duration::from_us(n % 7 * 900);
            if n % 1_000 == 0 {
                digits_out.push('7');
            }
            let length = match digits_out.next_packet(&mut far, 101, &mut wire) {
                Some(length) => length,
                None => {
                    let frame = player.next_frame(Law::Mu).unwrap_or(&[]);
                    far.write_audio(0, frame, FRAME_SAMPLES as u32, &mut wire)
                }
            };
            // One packet in 50 is lost.
            if n % 50 != 49
                && let Ok(packet) = near.receive(now, customer, &wire[..length])
            {
                if packet.payload_type == 101 {
                    heard += u32::from(digits_in.push(packet.timestamp, packet.payload).is_some());
                } else {
                    let (sequence, timestamp) = (packet.sequence, packet.timestamp);
                    jitter.insert(now, sequence, timestamp, packet.marker, packet.payload_type, packet.payload);
                }
            }
            match jitter.pop() {
                Pop::Frame { payload, .. } => {
                    played += 1;
                    Law::Mu.decode_slice(payload, &mut samples);
                    codecs::g711::transcode(Law::Mu, Law::A, payload, &mut converted);
                    written += out_leg.write_audio(8, &converted, FRAME_SAMPLES as u32, &mut sent);
                }
                Pop::Missing | Pop::Empty => out_leg.skip(FRAME_SAMPLES as u32),
            }
        }
    });

    assert_eq!(allocations, 0);
    // The path was really walked.
    assert_eq!(heard, 10);
    assert!(played > 9_600, "{played}");
    assert_eq!(written, played as usize * 172);
    assert!(near.stats().lost >= 190, "{:?}", near.stats());
    // And the counter does count.
    assert!(count::during(|| drop(vec![1_u8; 100])) >= 2);
}
