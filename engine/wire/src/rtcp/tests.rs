use super::*;

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 0x0102_0304,
    fraction_lost: 12,
    cumulative_lost: -3,
    extended_highest_seq: 0x0001_fff0,
    jitter: 77,
    last_sr: 0xaabb_ccdd,
    delay_since_last_sr: 65_536,
};
const INFO: SenderInfo =
    SenderInfo { ntp: 0x1122_3344_5566_7788, rtp_timestamp: 160_000, packets: 1_000, octets: 160_000 };

#[test]
fn a_sender_report_comes_back() {
    let mut out = [0; 256];
    let length = write_report(&mut out, Some(INFO), 7, &[BLOCK], "leg@outpace").expect("room");
    assert_eq!(length % 4, 0);
    assert!(crate::rtp::looks_like_rtcp(&out[..length]));
    let items = parse(&out[..length]).expect("our own compound");
    let cname = b"leg@outpace".to_vec();
    assert_eq!(
        items,
        [Item::SenderReport { ssrc: 7, info: INFO, blocks: vec![BLOCK] }, Item::Cname { ssrc: 7, cname }]
    );
}

#[test]
fn a_receiver_report_comes_back_with_every_cname_length() {
    for length in 0..=CNAME_BYTES_MAX {
        let mut out = [0; 1_200];
        let name = "x".repeat(length);
        let written = write_report(&mut out, None, u32::MAX, &[BLOCK; BLOCKS_MAX], &name).expect("room");
        let items = parse(&out[..written]).expect("our own compound");
        assert_eq!(items[0], Item::ReceiverReport { ssrc: u32::MAX, blocks: vec![BLOCK; BLOCKS_MAX] });
        assert_eq!(items[1], Item::Cname { ssrc: u32::MAX, cname: name.into_bytes() });
    }
}

#[test]
fn a_bye_stands_behind_report_and_cname() {
    let mut out = [0; 64];
    let length = write_bye(&mut out, 9, "c").expect("room");
    let items = parse(&out[..length]).expect("our own compound");
    assert_eq!(items.len(), 3);
    assert_eq!(items[2], Item::Bye { ssrcs: vec![9] });
}

/// What RFC 3550 §6.4.1, §6.5 and §6.6 draw, byte by byte.
#[test]
fn a_compound_is_laid_out_as_the_rfc_draws_it() {
    let mut out = [0xee; 64];
    let length = write_bye(&mut out, 0x0102_0304, "abc").expect("room");
    let ssrc = [1, 2, 3, 4];
    let report = [&[0x80, 201, 0, 1][..], &ssrc].concat();
    let sdes = [&[0x81, 202, 0, 3][..], &ssrc, &[1, 3, b'a', b'b', b'c', 0, 0, 0]].concat();
    let bye = [&[0x81, 203, 0, 1][..], &ssrc].concat();
    assert_eq!(out[..length], [report, sdes, bye].concat());

    let length = write_report(&mut out, Some(INFO), 0x0102_0304, &[BLOCK], "").expect("room");
    let words: [u32; 15] = [
        0x81c8_000c,
        0x0102_0304,
        0x1122_3344,
        0x5566_7788,
        160_000,
        1_000,
        160_000,
        0x0102_0304,
        0x0cff_fffd,
        0x0001_fff0,
        77,
        0xaabb_ccdd,
        65_536,
        0x81ca_0002,
        0x0102_0304,
    ];
    let head: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    assert_eq!(out[..length], [&head[..], &[1, 0, 0, 0]].concat());
}

#[test]
fn loss_counts_are_signed_and_clamped_to_24_bits() {
    for (lost, back) in [(0x7f_ffff, 0x7f_ffff), (i32::MAX, 0x7f_ffff), (-1, -1), (i32::MIN, -0x80_0000)] {
        let mut out = [0; 128];
        let block = ReportBlock { cumulative_lost: lost, ..BLOCK };
        let length = write_report(&mut out, None, 1, &[block], "c").expect("room");
        let Item::ReceiverReport { blocks, .. } = &parse(&out[..length]).expect("our own compound")[0] else {
            panic!("no receiver report")
        };
        assert_eq!(blocks[0], ReportBlock { cumulative_lost: back, ..BLOCK });
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut out = [0; 1_400];
    let long = "x".repeat(CNAME_BYTES_MAX + 1);
    assert_eq!(write_report(&mut out, None, 1, &[], &long), Err(Reject::TooLong));
    assert_eq!(write_report(&mut out, None, 1, &[BLOCK; BLOCKS_MAX + 1], "c"), Err(Reject::TooManyItems));
    let whole = write_report(&mut out, Some(INFO), 1, &[BLOCK], "cname").expect("room");
    for room in 0..whole {
        assert_eq!(write_report(&mut out[..room], Some(INFO), 1, &[BLOCK], "cname"), Err(Reject::NoRoom));
    }
}

#[test]
fn broken_compounds_are_refused() {
    let mut out = [0; 128];
    let length = write_report(&mut out, Some(INFO), 1, &[BLOCK], "cname").expect("room");
    assert_eq!(parse(&[]), Err(Reject::Truncated));
    for cut in 1..length {
        let cut_short = parse(&out[..cut]);
        // A cut between SR (28 + 24 bytes) and SDES leaves a whole packet, which RFC 5506 allows.
        assert_eq!(cut_short.is_ok(), cut == 52, "cut at {cut}: {cut_short:?}");
    }
    assert_eq!(parse(&[0x00, 200, 0, 0]), Err(Reject::Version));
    assert_eq!(parse(&[0x81, 200, 0, 0]), Err(Reject::Rtcp), "a report of four bytes");
    assert_eq!(parse(&[0x9f, 203, 0, 0]), Err(Reject::Rtcp), "31 sources in no bytes");
    assert_eq!(parse(&[0x80; base::limits::MEDIA_PACKET_BYTES_MAX + 1]), Err(Reject::TooLong));
}

#[test]
fn unknown_types_are_stepped_over() {
    let app = [0x80, 204, 0, 2, 0, 0, 0, 1, b'n', b'a', b'm', b'e'];
    let bye = [0x81, 203, 0, 1, 0, 0, 0, 5];
    let feedback = [0x81, 205, 0, 0];
    let all = [&app[..], &feedback, &bye].concat();
    assert_eq!(parse(&all), Ok(vec![Item::Bye { ssrcs: vec![5] }]));
}

#[test]
fn an_unreadable_sdes_does_not_cost_the_report() {
    let mut out = [0; 128];
    let report = write_report(&mut out, Some(INFO), 1, &[BLOCK], "cname").expect("room");
    let sdes = 52;
    out[sdes + 9] = 200; // the CNAME's length points beyond the packet
    let items = parse(&out[..report]).expect("the report is sound");
    assert_eq!(items, [Item::SenderReport { ssrc: 1, info: INFO, blocks: vec![BLOCK] }]);
}
