//! The console's files and its page.

use super::*;
use std::borrow::Cow;

fn console() -> ::console::Console {
    let file = |name: &str, media_type: &str, bytes: &'static [u8]| {
        (name.to_owned(), media_type.to_owned(), format!("{:08x}", bytes.len()), Cow::Borrowed(bytes))
    };
    ::console::Console::of([
        file("index.html", "text/html", b"<!doctype html><html><head><title>Outpace</title></head></html>"),
        file("assets/app-1a2b.js", "text/javascript", b"console.log(1)"),
        file("assets/app-1a2b.js.br", "", b"brotli"),
        file("assets/app-1a2b.js.gz", "", b"gzip"),
        file("favicon.svg", "image/svg+xml", b"<svg/>"),
    ])
}

fn bench(more: &str) -> Bench {
    Bench::outfitted(more, Outfit { console: console(), ..Outfit::default() })
}

/// The bytes as they are on the wire, which a client library would decode.
fn raw(address: SocketAddr, path: &str, headers: &str) -> (String, Vec<u8>) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let border = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(all[..border].to_ascii_lowercase()).unwrap(), all[border + 4..].to_vec())
}

#[test]
fn every_path_of_the_console_shows_the_page_and_files_are_files() {
    let bench = bench("");
    let get = |path: &str| request(bench.address, "GET", path, None, &[]);
    for path in ["/", "/board", "/campaigns/spring", "/login?next=%2Fboard", "/api-guide"] {
        let page = get(path).is(200);
        assert!(page.text.contains("<base href=\"/\" />"), "{path}: {}", page.text);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-store");
    }
    // A list may be called leads.csv: where a browser wants a page, it gets the console's.
    let html = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let deep = request(bench.address, "GET", "/lists/leads.csv", None, &html).is(200);
    assert!(deep.header("content-type").starts_with("text/html"), "{deep:?}");
    request(bench.address, "GET", "/assets/gone-1.js", None, &html).is(404);
    for path in ["/api", "/api/", "/api/v1", "/api/v2/calls", "/nothing.js", "/assets/app-1a2b.js.br", "/index.html"] {
        assert_eq!(get(path).is(404).header("content-type"), "application/problem+json", "{path}");
    }
    for (method, path) in [("POST", "/board"), ("DELETE", "/favicon.svg")] {
        request(bench.address, method, path, None, &[]).is(404);
    }
    let head = request(bench.address, "HEAD", "/favicon.svg", None, &[]).is(200);
    assert_eq!((head.header("content-length"), head.text.as_str()), ("6", ""));
}

#[test]
fn the_policy_lets_nothing_run_but_the_consoles_own_files() {
    let bench = bench("");
    let nonce = |page: &Answer| {
        let policy = page.header("content-security-policy").to_owned();
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(page.text.contains(&format!("<meta name=\"csp-nonce\" content=\"{nonce}\" />")), "{}", page.text);
        nonce
    };
    let get = |path: &str| request(bench.address, "GET", path, None, &[]).is(200);
    let (one, two) = (nonce(&get("/")), nonce(&get("/board")));
    assert!(one != two && one.len() == 22, "{one} {two}");
    for path in ["/favicon.svg", "/assets/app-1a2b.js", "/healthz"] {
        assert!(get(path).header("content-security-policy").starts_with("default-src 'none'; style-src 'self';"));
    }
    let page = get("/");
    assert_eq!((page.header("x-content-type-options"), page.header("referrer-policy")), ("nosniff", "no-referrer"));
}

#[test]
fn files_come_encoded_tagged_and_are_kept_as_long_as_they_may_be() {
    let bench = bench("");
    for (accept, encoding, bytes) in
        [("br, gzip", "br", "brotli"), ("gzip", "gzip", "gzip"), ("identity", "", "console.log(1)")]
    {
        let (head, body) = raw(bench.address, "/assets/app-1a2b.js", &format!("accept-encoding: {accept}\r\n"));
        assert!(head.contains("cache-control: public, max-age=31536000, immutable"), "{head}");
        assert!(head.contains("content-type: text/javascript; charset=utf-8"), "{head}");
        assert!(head.contains("vary: accept-encoding"), "{head}");
        assert_eq!(head.contains("content-encoding"), !encoding.is_empty(), "{head}");
        assert!(head.contains(&format!("content-encoding: {encoding}")) || encoding.is_empty(), "{head}");
        assert_eq!(String::from_utf8(body).unwrap(), bytes);
    }
    let icon = request(bench.address, "GET", "/favicon.svg", None, &[]).is(200);
    assert_eq!(icon.header("cache-control"), "no-cache");
    let tag = icon.header("etag").to_owned();
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let again = request(bench.address, "GET", "/favicon.svg", None, &[("if-none-match", &known)]).is(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", tag.as_str()));
    }
    request(bench.address, "GET", "/favicon.svg", None, &[("if-none-match", "\"other\"")]).is(200);
}

#[test]
fn the_console_stands_below_the_base_path_and_nowhere_else() {
    let bench = bench("base_path = \"/outpace\"");
    let get = |path: &str| request(bench.address, "GET", path, None, &[]);
    for path in ["/outpace", "/outpace/", "/outpace/board"] {
        assert!(get(path).is(200).text.contains("<base href=\"/outpace/\" />"), "{path}");
    }
    assert_eq!(get("/outpace/assets/app-1a2b.js").is(200).text, "console.log(1)");
    for path in ["/", "/board", "/assets/app-1a2b.js", "/outpaces/board", "/outpace/api/nothing"] {
        get(path).is(404);
    }
}

#[test]
fn without_a_console_the_page_says_how_to_build_it() {
    let bench = Bench::outfitted("", Outfit { console: ::console::Console::default(), ..Outfit::default() });
    let page = request(bench.address, "GET", "/board", None, &[]).is(200);
    assert!(page.text.contains("make console"), "{}", page.text);
    request(bench.address, "GET", "/favicon.svg", None, &[]).is(404);
}
