//! REGISTER against a hand-driven registrar, and digest as the calls use it.

use super::world::*;
use crate::{Cause, Credentials, Event, Refusal, Register, RegistrationId, Whose};
use base::Duration;
use wire::sip::{HeaderName, Message};

fn register(world: &mut World) -> RegistrationId {
    let register = Register {
        remote: stranger(1),
        registrar_uri: "sip:registrar.example".into(),
        aor: "sip:alice@registrar.example".into(),
        contact: "sip:alice@192.0.2.1:5060".into(),
        expires_s: 600,
        credentials: Some(credentials(None)),
    };
    let id = world.on(0, |end, now| end.register(now, register)).unwrap();
    world.run(Duration::from_ms(20));
    id
}

fn credentials(realm: Option<&str>) -> Credentials {
    Credentials { username: "alice".into(), password: "wonder".into(), realm: realm.map(Into::into) }
}

fn last_request(world: &World) -> Message {
    world.inbox.last().expect("a request").message()
}

fn answer(world: &mut World, code: u16, extra: &[(&str, &str)]) {
    let request = last_request(world);
    world.send(stranger(1), address(0), response(&request, code, "reg", stranger(1), extra, b""));
    world.run(Duration::from_ms(20));
}

const CHALLENGE: (&str, &str) =
    ("WWW-Authenticate", "Digest realm=\"registrar.example\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"");

#[test]
fn register_answers_a_challenge_refreshes_and_leaves() {
    let mut world = World::new(1, 61, Link::CLEAN);
    let id = register(&mut world);
    let first = last_request(&world);
    assert_eq!(first.request_uri(), Some(&b"sip:registrar.example"[..]));
    assert!(first.header(HeaderName::Authorization).is_none());
    assert_eq!(first.header(HeaderName::Contact), Some(&b"<sip:alice@192.0.2.1:5060>;expires=600"[..]));
    answer(&mut world, 401, &[CHALLENGE]);
    let second = last_request(&world);
    assert_eq!(second.cseq().unwrap().0, first.cseq().unwrap().0 + 1);
    assert_eq!(second.call_id(), first.call_id());
    let header = second.header(HeaderName::Authorization).expect("credentials").to_vec();
    let sent = wire::sip::Credentials::parse(&header).unwrap();
    assert_eq!((sent.username, sent.nonce, sent.nc), (&b"alice"[..], &b"n1"[..], Some(&b"00000001"[..])));
    answer(&mut world, 200, &[("Expires", "3600"), ("Contact", "<sip:alice@192.0.2.1:5060>;expires=120")]);
    // Our own binding's lifetime counts, not another's. (The hand-made response names its own Contact first.)
    assert_eq!(world.events_of(0), [&Event::Registered { registration: id, expires_s: 120 }]);

    let bound_at = world.now;
    let before = world.inbox.len();
    world.run_until(Duration::from_secs(120), |world| world.inbox.len() > before);
    assert!(world.now.since(bound_at) < Duration::from_secs(81), "refreshed 40 s ahead");
    let refresh = last_request(&world);
    let header = refresh.header(HeaderName::Authorization).expect("the nonce serves again").to_vec();
    assert_eq!(wire::sip::Credentials::parse(&header).unwrap().nc, Some(&b"00000002"[..]));
    answer(&mut world, 200, &[("Expires", "120")]);

    world.on(0, |end, now| end.unregister(now, id)).unwrap();
    assert_eq!(world.on(0, |end, now| end.unregister(now, id)), Err(Refusal::WrongState));
    world.run(Duration::from_ms(20));
    assert_eq!(last_request(&world).header(HeaderName::Expires), Some(&b"0"[..]));
    answer(&mut world, 200, &[]);
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::Unregistered { registration: id });
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_wrong_password_stops_after_two_tries_and_pauses() {
    let mut world = World::new(1, 62, Link::CLEAN);
    let id = register(&mut world);
    for nonce in ["n1", "n2", "n3", "n4"] {
        let value = format!("Digest realm=\"registrar.example\", nonce=\"{nonce}\"");
        if last_request(&world).method().is_some() && world.events_of(0).is_empty() {
            answer(&mut world, 401, &[("WWW-Authenticate", &value)]);
        }
    }
    let [Event::RegistrationFailed { registration, code: 401, reason, retry_after_s }] = world.events_of(0)[..] else {
        panic!("{:?}", world.events_of(0));
    };
    assert_eq!((*registration, reason.as_str()), (id, "Unauthorized"));
    assert!((15..=30).contains(retry_after_s), "{retry_after_s}");
    assert_eq!(world.count_sent(0, "REGISTER"), 3, "one without and two with credentials");
    let failed_at = world.now;
    world.run_until(Duration::from_secs(31), |world| world.count_sent(0, "REGISTER") == 4);
    assert!(world.now.since(failed_at) >= Duration::from_secs(14));
    world.on(0, |end, now| end.unregister(now, id)).unwrap();
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_silent_registrar_and_retry_after_are_tried_again() {
    let mut world = World::new(1, 63, Link::CLEAN);
    let id = register(&mut world);
    world.run(Duration::from_secs(33));
    let [Event::RegistrationFailed { registration, code: 408, reason, .. }] = world.events_of(0)[..] else {
        panic!("{:?}", world.events_of(0));
    };
    assert_eq!((*registration, reason.as_str()), (id, Cause::NO_RESPONSE));
    let sent = world.inbox.len();
    world.run_until(Duration::from_secs(31), |world| world.inbox.len() > sent);
    answer(&mut world, 503, &[("Retry-After", "100 (maintenance)")]);
    let (paused_at, sent) = (world.now, world.inbox.len());
    world.run_until(Duration::from_secs(110), |world| world.inbox.len() > sent);
    assert!(world.now.since(paused_at) >= Duration::from_secs(99));
    answer(&mut world, 423, &[("Min-Expires", "1800")]);
    assert_eq!(last_request(&world).header(HeaderName::Expires), Some(&b"1800"[..]));
    answer(&mut world, 200, &[]);
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::Registered { registration: id, expires_s: 1_800 });
    world.on(0, |end, now| end.unregister(now, id)).unwrap();
    world.run_out();
    world.assert_clean();
}

#[test]
fn an_invite_answers_a_challenge_with_a_new_invite_and_its_ack_repeats_the_credentials() {
    let mut world = World::new(1, 64, Link::CLEAN);
    let invite = crate::Invite { credentials: Some(credentials(Some("trunk"))), ..invite_to(stranger(1)) };
    let caller = world.call_with(0, invite);
    world.run(Duration::from_ms(20));
    let first = last_request(&world);
    let challenges = [
        ("Proxy-Authenticate", "Digest realm=\"trunk\", nonce=\"x\", algorithm=SHA-512-256, qop=\"auth\""),
        (
            "Proxy-Authenticate",
            "Digest realm=\"trunk\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth,auth-int\", opaque=\"o\"",
        ),
    ];
    answer(&mut world, 407, &challenges);
    let second = last_request(&world);
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(second.from().unwrap().tag(), first.from().unwrap().tag());
    assert_eq!(second.cseq().unwrap().0, first.cseq().unwrap().0 + 1);
    assert_ne!(second.top_via().unwrap().branch(), first.top_via().unwrap().branch());
    assert_eq!(second.body(), OFFER);
    let header = second.header(HeaderName::ProxyAuthorization).expect("credentials").to_vec();
    assert_eq!(wire::sip::Credentials::parse(&header).unwrap().algorithm, wire::sip::Algorithm::Sha256);
    answer(&mut world, 200, &[]);
    let ack = last_request(&world);
    assert_eq!(ack.header(HeaderName::ProxyAuthorization), Some(&header[..]));
    assert!(matches!(world.events_of(0)[0], Event::Answered { .. }));

    // Inside the call nobody gets credentials (CVE-2021-41158).
    world.on(0, |end, now| end.reoffer(now, caller, OFFER.to_vec())).unwrap();
    world.run(Duration::from_ms(20));
    answer(&mut world, 407, &[("Proxy-Authenticate", "Digest realm=\"trunk\", nonce=\"n9\"")]);
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::ReRejected { dialog: caller, code: 407 });
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.run(Duration::from_ms(20));
    answer(&mut world, 407, &[("Proxy-Authenticate", "Digest realm=\"trunk\", nonce=\"n9\"")]);
    assert_eq!(world.count_sent(0, "BYE"), 1);
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_challenge_of_another_realm_or_inside_the_peers_call_gets_nothing() {
    let mut world = World::new(1, 65, Link::CLEAN);
    let invite = crate::Invite { credentials: Some(credentials(Some("trunk"))), ..invite_to(stranger(1)) };
    let caller = world.call_with(0, invite);
    world.run(Duration::from_ms(20));
    answer(&mut world, 401, &[("WWW-Authenticate", "Digest realm=\"elsewhere\", nonce=\"n1\"")]);
    let cause = Cause::new(Some(401), "Unauthorized", Whose::Peer);
    assert_eq!(world.events_of(0), [&Event::Failed { dialog: caller, cause }]);
    assert_eq!(world.count_sent(0, "INVITE"), 1);
    world.run_out();
    world.assert_clean();
}
