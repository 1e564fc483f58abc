//! `docs/config.toml`, made of the declarations in `keys.rs`.

use super::keys::{Key, Presence, SECTIONS, Section};

/// Widest line of a comment.
const WIDTH: usize = 110;

/// A complete, commented configuration. It is valid as it stands; lines that begin with `#` and no space are settings
/// that may be switched on by taking the `#` away.
pub fn documentation() -> String {
    let mut text = String::from(
        "# outpace.toml: every key, with its default or an example.\n\
         # Made from the program's own declarations; do not edit. Check yours with: outpace check --config outpace.toml\n\
         # A line that begins with # and no space is a setting: take the # away to switch it on.\n",
    );
    for section in &SECTIONS {
        section_text(&mut text, section);
    }
    text
}

fn section_text(text: &mut String, section: &Section) {
    text.push('\n');
    comment(text, section.doc);
    match section.many {
        true => text.push_str(&format!("#[[{}]]\n", section.name)),
        false => text.push_str(&format!("[{}]\n", section.name)),
    }
    for key in section.keys {
        key_text(text, section, key);
    }
}

fn key_text(text: &mut String, section: &Section, key: &Key) {
    if let Some(mend) = key.not_built {
        comment(text, &format!("{}: {} Not built yet: {mend}.", key.name, key.doc));
        return;
    }
    let (literal, note, switched_on) = match key.presence {
        Presence::Required(example) => (example, " Required.", false),
        Presence::Optional(example) => (example, "", false),
        Presence::Default(literal) => (literal, "", !section.many),
    };
    comment(text, &format!("{}{note}", key.doc));
    let mark = if switched_on { "" } else { "#" };
    text.push_str(&format!("{mark}{} = {literal}\n", key.name));
}

/// A comment in lines of bounded width.
fn comment(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}
