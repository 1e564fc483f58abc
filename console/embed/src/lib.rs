//! Floor 5: the web console's built files, inside the binary. The wrapped library is `rust-embed`.
//!
//! ```text
//!  console/src ──npm run build──> console/dist ──build.rs, rust-embed──> Console ──> server: /, /assets/…
//!     index.html  assets/NAME-HASH.js  assets/NAME-HASH.js.br  assets/NAME-HASH.js.gz  …
//! ```
//!
//! **Invariants.** A file is served with the bytes that the build wrote; `.br` and `.gz` siblings are the same file in
//! another encoding and are never served by their own names. Paths are looked up whole, so no path leads elsewhere.
//! Nothing under `assets/` ever changes under its name.
//!
//! **Absent.** No HTTP, no templates but the two marks of the page (see [`Console::page`]). Without a built console
//! everything here is empty and the server says how to build it.

use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
struct Dist;

/// The page that every path of the console shows.
const PAGE: &str = "index.html";
/// Where files stand whose names hold the hash of their content.
const HASHED: &str = "assets/";

/// All files of a console.
#[derive(Default)]
pub struct Console {
    files: BTreeMap<String, File>,
}

/// One file.
pub struct File {
    /// Media type with its character set.
    pub media_type: String,
    /// A strong tag of the plain bytes, without quotes (RFC 9110 section 8.8.3).
    pub tag: String,
    /// Its name holds a hash: it may be kept for ever.
    pub immutable: bool,
    plain: Cow<'static, [u8]>,
    brotli: Option<Cow<'static, [u8]>>,
    gzip: Option<Cow<'static, [u8]>>,
}

/// How bytes are encoded, as `Content-Encoding` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    Identity,
    /// `br`.
    Brotli,
    /// `gzip`.
    Gzip,
}

impl Encoding {
    /// The word of the header; `None` for plain bytes.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Encoding::Identity => None,
            Encoding::Brotli => Some("br"),
            Encoding::Gzip => Some("gzip"),
        }
    }
}

impl Console {
    /// What was built into this binary.
    pub fn embedded() -> Console {
        let files = Dist::iter().filter_map(|name| Dist::get(&name).map(|file| (name.into_owned(), file)));
        Console::of(files.map(|(name, file)| {
            let (tag, media_type) = (hex(&file.metadata.sha256_hash()[..16]), file.metadata.mimetype().to_owned());
            (name, media_type, tag, file.data)
        }))
    }

    /// Of files given as path, media type, tag and bytes.
    pub fn of(files: impl IntoIterator<Item = (String, String, String, Cow<'static, [u8]>)>) -> Console {
        let (mut plain, mut encoded) = (BTreeMap::new(), Vec::new());
        for (name, media_type, tag, bytes) in files {
            if name.ends_with(".br") || name.ends_with(".gz") {
                encoded.push((name, bytes));
                continue;
            }
            let immutable = name.starts_with(HASHED);
            let media_type = with_charset(media_type);
            plain.insert(name, File { media_type, tag, immutable, plain: bytes, brotli: None, gzip: None });
        }
        for (name, bytes) in encoded {
            // One without its plain sibling is of no use to anybody.
            if let Some(file) = name.strip_suffix(".br").and_then(|name| plain.get_mut(name)) {
                file.brotli = Some(bytes);
            } else if let Some(file) = name.strip_suffix(".gz").and_then(|name| plain.get_mut(name)) {
                file.gzip = Some(bytes);
            }
        }
        Console { files: plain }
    }

    /// A file by its path without a leading `/`; the page itself is not among them, see [`Console::page`].
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path).filter(|_| path != PAGE)
    }

    /// The page for a server under `base_path` (without a trailing `/`), with two marks put behind its `<head>`:
    /// `<base href>`, which all its links are relative to, and `<meta name="csp-nonce">`, with which its code may add
    /// styles. `None`: no console was built. Both values must not need escaping.
    pub fn page(&self, base_path: &str, nonce: &str) -> Option<String> {
        let text = std::str::from_utf8(&self.files.get(PAGE)?.plain).ok()?;
        let head = text.find("<head>").map(|at| at + "<head>".len())?;
        let (front, rest) = text.split_at(head);
        Some(format!(
            "{front}\n    <base href=\"{base_path}/\" />\n    <meta name=\"csp-nonce\" content=\"{nonce}\" />{rest}"
        ))
    }
}

impl File {
    /// The bytes in the best encoding that a client takes; `accept` is its `Accept-Encoding`.
    pub fn bytes(&self, accept: &str) -> (Encoding, &Cow<'static, [u8]>) {
        match (&self.brotli, &self.gzip) {
            (Some(brotli), _) if takes(accept, "br") => (Encoding::Brotli, brotli),
            (_, Some(gzip)) if takes(accept, "gzip") => (Encoding::Gzip, gzip),
            _ => (Encoding::Identity, &self.plain),
        }
    }
}

/// Whether `Accept-Encoding` names a coding with a weight above zero (RFC 9110 section 12.5.3). `*` counts for nothing:
/// who sends no names gets plain bytes.
fn takes(accept: &str, coding: &str) -> bool {
    accept.split(',').any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        named && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

/// Texts of the build are UTF-8.
fn with_charset(media_type: String) -> String {
    let text = media_type.starts_with("text/") || ["application/json", "image/svg+xml"].contains(&media_type.as_str());
    if text { format!("{media_type}; charset=utf-8") } else { media_type }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console() -> Console {
        let file = |name: &str, media_type: &str, bytes: &'static [u8]| {
            (name.to_owned(), media_type.to_owned(), format!("tag-{name}"), Cow::Borrowed(bytes))
        };
        Console::of([
            file("index.html", "text/html", b"<html><head><title>x</title></head></html>"),
            file("assets/app-1a.js", "text/javascript", b"plain"),
            file("assets/app-1a.js.br", "application/octet-stream", b"brotli"),
            file("assets/app-1a.js.gz", "application/gzip", b"gzip"),
            file("assets/lonely.js.br", "application/octet-stream", b"brotli"),
            file("favicon.svg", "image/svg+xml", b"<svg/>"),
        ])
    }

    #[test]
    fn a_file_comes_in_the_best_encoding_that_is_taken() {
        let console = console();
        let app = console.file("assets/app-1a.js").unwrap();
        assert!(app.immutable && app.media_type == "text/javascript; charset=utf-8");
        for (accept, encoding, bytes) in [
            ("", Encoding::Identity, "plain"),
            ("*", Encoding::Identity, "plain"),
            ("gzip, deflate, br, zstd", Encoding::Brotli, "brotli"),
            ("gzip, br;q=0", Encoding::Gzip, "gzip"),
            ("GZIP;q=0.5", Encoding::Gzip, "gzip"),
            ("br;q=0.000, gzip;q=0, brr", Encoding::Identity, "plain"),
        ] {
            let (got, data) = app.bytes(accept);
            assert_eq!((got, &**data), (encoding, bytes.as_bytes()), "{accept}");
        }
        assert!(!console.file("favicon.svg").unwrap().immutable);
    }

    #[test]
    fn siblings_and_the_page_have_no_path_of_their_own() {
        let console = console();
        for path in ["index.html", "assets/app-1a.js.br", "assets/lonely.js", "assets/../favicon.svg", "", "assets/"] {
            assert!(console.file(path).is_none(), "{path}");
        }
    }

    #[test]
    fn the_page_knows_its_base_and_its_nonce() {
        let page = console().page("/outpace", "n0nce").unwrap();
        let base = page.find("<base href=\"/outpace/\" />").unwrap();
        assert!(page.contains("<meta name=\"csp-nonce\" content=\"n0nce\" />"));
        assert!(base < page.find("<title>").unwrap(), "a base counts for what stands behind it: {page}");
        assert!(console().page("", "n").unwrap().contains("<base href=\"/\" />"));
        assert!(Console::default().page("", "n").is_none());
    }
}
