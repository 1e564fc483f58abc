//! Shows the console in a browser, where there is a display.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The file that leads the browser on.
const FILE: &str = "open.html";

/// Opens an address that holds a token. The address stands in a file that only its owner can read, because the arguments
/// of a program can be read by everybody on the machine. Nothing follows from a failure: the address is printed, too.
pub(super) fn open(url: &str, folder: &Path) {
    let displays = ["DISPLAY", "WAYLAND_DISPLAY"];
    if !displays.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return;
    }
    let path = folder.join(FILE);
    // The address is made of a socket address and base64url, which need no escaping.
    let page = format!("<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={url}\"><title>Outpace</title>\n");
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let written = opened.and_then(|mut file| std::io::Write::write_all(&mut file, page.as_bytes()));
    if let Err(error) = written {
        tracing::debug!(%error, "no page for the browser");
        return;
    }
    let browser =
        Command::new("xdg-open").arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    match browser {
        // It ends when the browser has taken the page; waited for, so that it leaves no zombie.
        Ok(mut child) => drop(std::thread::spawn(move || child.wait())),
        Err(error) => tracing::debug!(%error, "no browser was opened"),
    }
}
