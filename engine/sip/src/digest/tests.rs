//! The published vectors, and who is answered.

use super::*;
use base::Seed;
use wire::sip::Builder;

/// RFC 7616 §3.9.1: one request, hashed both ways.
fn rfc_7616(algorithm: Algorithm) -> String {
    let challenge = Answerable {
        realm: b"http-auth@example.org".to_vec(),
        nonce: b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v".to_vec(),
        opaque: Some(b"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS".to_vec()),
        algorithm,
        algorithm_text: algorithm.as_str().map(|name| name.as_bytes().to_vec()),
        qop_auth: true,
        used: 1,
    };
    let credentials = Credentials { username: "Mufasa".into(), password: "Circle of Life".into(), realm: None };
    let client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    challenge.response(&credentials, "GET", "/dir/index.html", client_nonce, "00000001")
}

#[test]
fn the_vectors_of_rfc_7616_come_out() {
    assert_eq!(rfc_7616(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
    assert_eq!(rfc_7616(Algorithm::Sha256), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

#[test]
fn the_vector_of_rfc_2617_comes_out() {
    let challenge = Answerable {
        realm: b"testrealm@host.com".to_vec(),
        nonce: b"dcd98b7102dd2f0e8b11d0f600bfb0c093".to_vec(),
        opaque: None,
        algorithm: Algorithm::Md5,
        algorithm_text: None,
        qop_auth: true,
        used: 1,
    };
    let credentials = Credentials { username: "Mufasa".into(), password: "Circle Of Life".into(), realm: None };
    let response = challenge.response(&credentials, "GET", "/dir/index.html", "0a4f113b", "00000001");
    assert_eq!(response, "6629fae49393a05397450978507c4ef1");
    // Without qop (RFC 2069 form) neither count nor client nonce enter the hash.
    let plain = Answerable { qop_auth: false, ..challenge };
    let one = plain.response(&credentials, "GET", "/dir/index.html", "a", "00000001");
    assert_eq!(one, plain.response(&credentials, "GET", "/dir/index.html", "b", "00000002"));
    assert_ne!(one, response);
}

fn asked(code: u16, values: &[&str]) -> Message {
    let name = if code == 407 { "Proxy-Authenticate" } else { "WWW-Authenticate" };
    let built = values.iter().fold(Builder::response(code, ""), |builder, value| builder.header(name, value));
    Message::parse_datagram(&built.finish()).unwrap()
}

fn credentials(realm: Option<&str>) -> Credentials {
    Credentials { username: "al\"ice".into(), password: "secret".into(), realm: realm.map(Into::into) }
}

#[test]
fn a_header_says_all_that_the_server_needs() {
    let mut random = Seed::from_u64(1).stream("digest", 0);
    let mut known = Authenticator::default();
    let credentials = credentials(None);
    let challenge = "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\", opaque=\"op\"";
    assert!(known.challenge(&asked(401, &[challenge]), &credentials));
    let headers = known.headers(&credentials, "INVITE", "sip:a@b", &mut random);
    let [(name, value)] = headers.as_slice() else { panic!("one header: {headers:?}") };
    assert_eq!(*name, "Authorization");
    let sent = wire::sip::Credentials::parse(value).unwrap();
    assert_eq!(sent.username, b"al\\\"ice");
    assert_eq!((sent.realm, sent.nonce, sent.uri), (&b"r"[..], &b"n"[..], &b"sip:a@b"[..]));
    assert_eq!((sent.qop, sent.nc, sent.opaque), (Some(&b"auth"[..]), Some(&b"00000001"[..]), Some(&b"op"[..])));
    assert_eq!(sent.algorithm, Algorithm::Sha256);
    assert_eq!(sent.response.len(), 64);
    let again = known.headers(&credentials, "INVITE", "sip:a@b", &mut random);
    assert_eq!(wire::sip::Credentials::parse(&again[0].1).unwrap().nc, Some(&b"00000002"[..]));
}

#[test]
fn only_the_right_realm_is_answered_and_at_most_twice() {
    let mut random = Seed::from_u64(1).stream("digest", 0);
    let ours = credentials(Some("ours"));
    let mut known = Authenticator::default();
    assert!(!known.challenge(&asked(401, &["Digest realm=\"theirs\", nonce=\"1\""]), &ours));
    assert!(!known.challenge(&asked(401, &["Digest realm=\"ours\", nonce=\"1\", algorithm=SHA-512-256"]), &ours));
    assert!(!known.challenge(&asked(401, &["Digest realm=\"ours\", nonce=\"1\", qop=\"auth-int\""]), &ours));
    assert!(!known.challenge(&asked(401, &["Basic realm=\"ours\""]), &ours));
    assert!(!known.challenge(&asked(401, &[]), &ours));
    assert!(known.challenge(&asked(401, &["Basic realm=\"ours\"", "Digest realm=\"ours\", nonce=\"1\""]), &ours));
    assert_eq!(known.headers(&ours, "REGISTER", "sip:r", &mut random).len(), 1);
    // The same nonce again: the password was wrong.
    assert!(!known.challenge(&asked(401, &["Digest realm=\"ours\", nonce=\"1\""]), &ours));
    assert!(known.challenge(&asked(401, &["Digest realm=\"ours\", nonce=\"2\", stale=true"]), &ours));
    assert!(!known.challenge(&asked(401, &["Digest realm=\"ours\", nonce=\"3\", stale=true"]), &ours));
    known.restart();
    assert!(known.challenge(&asked(401, &["Digest realm=\"ours\", nonce=\"4\""]), &ours));
    // Whoever asked first decides the realm when the credentials name none.
    let any = credentials(None);
    let mut known = Authenticator::default();
    assert!(known.challenge(&asked(407, &["Digest realm=\"one\", nonce=\"1\""]), &any));
    assert!(!known.challenge(&asked(401, &["Digest realm=\"two\", nonce=\"1\""]), &any));
}
