//! What the command line says of itself: completions for shells, and the manual page.

use crate::failure::Failure;
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::Write;

/// Print completions for a shell
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace completions bash > /etc/bash_completion.d/outpace")]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Print the manual page
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace man | gzip > /usr/share/man/man1/outpace.1.gz")]
pub struct ManArgs {}

/// Prints the completions of `command` on stdout.
///
/// # Errors
/// stdout cannot be written.
pub fn completions(arguments: &CompletionsArgs, mut command: Command) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "outpace", &mut text);
    print(&text)
}

/// Prints one manual page with all commands on stdout.
///
/// # Errors
/// stdout cannot be written.
pub fn man(mut command: Command) -> Result<(), Failure> {
    // Fills in what clap adds by itself, so that it stands in the page too.
    command.build();
    let mut text = Vec::new();
    let io = |e| Failure::io("the manual page", e);
    clap_mangen::Man::new(command.clone()).render(&mut text).map_err(io)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let man = clap_mangen::Man::new(sub.clone());
        writeln!(text, ".SH COMMAND {}", sub.get_name().to_uppercase()).map_err(io)?;
        man.render_description_section(&mut text).map_err(io)?;
        man.render_options_section(&mut text).map_err(io)?;
        man.render_extra_section(&mut text).map_err(io)?;
    }
    print(&text)
}

fn print(text: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().write_all(text) {
        // `outpace man | head` is no failure.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|e| Failure::io("stdout", e)),
    }
}
