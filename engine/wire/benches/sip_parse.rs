//! What a SIP datagram costs. The goal: a 500-byte INVITE in about a microsecond. The floor below which no parser of
//! lines can go is the baseline: the same bytes walked line by line with memchr, nothing stored.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wire::sip::{HeaderName, Message, peek_call_id};

/// A trunk's INVITE of exactly 500 bytes.
fn invite() -> Vec<u8> {
    let head = "INVITE sip:+14155550123@192.0.2.10:5060;user=phone SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9;rport\r\n\
        Max-Forwards: 70\r\n\
        From: \"Outpace\" <sip:+14155550199@192.0.2.1>;tag=9fxced76sl\r\n\
        To: <sip:+14155550123@192.0.2.10>\r\n\
        Call-ID: s3-3848276298220188511\r\n\
        CSeq: 2 INVITE\r\n\
        Contact: <sip:outpace@192.0.2.1:5060>\r\n";
    let length = 40;
    let tail = format!("Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{}", "v".repeat(length));
    let fill = 500 - head.len() - tail.len() - "User-Agent: \r\n".len();
    let bytes = format!("{head}User-Agent: {}\r\n{tail}", "u".repeat(fill)).into_bytes();
    assert_eq!(bytes.len(), 500);
    bytes
}

fn sip_parse(c: &mut Criterion) {
    let bytes = invite();
    let mut group = c.benchmark_group("sip_invite_500_bytes");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("baseline_line_walk", |b| {
        b.iter(|| memchr::memchr_iter(b'\n', black_box(&bytes)).fold(0, |sum, at| sum ^ at));
    });
    group.bench_function("parse", |b| b.iter(|| Message::parse_datagram(black_box(&bytes)).expect("sound")));
    group.bench_function("parse_and_validate", |b| {
        b.iter(|| {
            let message = Message::parse_datagram(black_box(&bytes)).expect("sound");
            message.validate().expect("valid");
            message
        });
    });
    let message = Message::parse_datagram(&bytes).expect("sound");
    group.bench_function("read_what_a_transaction_needs", |b| {
        b.iter(|| {
            let m = black_box(&message);
            let branch = m.top_via().expect("Via").branch().map(<[u8]>::len);
            let tags = (m.from().expect("From").tag().map(<[u8]>::len), m.to().expect("To").tag().map(<[u8]>::len));
            (m.cseq(), m.call_id().map(<[u8]>::len), branch, tags, m.header(HeaderName::Contact).map(<[u8]>::len))
        });
    });
    group.bench_function("peek_call_id", |b| b.iter(|| peek_call_id(black_box(&bytes)).map(<[u8]>::len)));
    group.finish();
}

criterion_group!(benches, sip_parse);
criterion_main!(benches);
