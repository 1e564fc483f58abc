//! What a person sees while the demo runs: one bar and one line of live figures.

use super::DemoArgs;
use super::setting::Setting;
use crate::conductor::Conductor;
use crate::serve::Product;
use base::Instant;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use loadtest::SpeechBank;
use std::cell::Cell;

/// Draws at most so often; figures that change faster cannot be read.
const DRAW_EVERY_MS: u64 = 200;

/// The bar, or nothing when headless or when nobody watches (indicatif draws on terminals only).
pub(super) struct Progress {
    bar: ProgressBar,
    headless: bool,
    drawn_ms: Cell<u64>,
}

impl Progress {
    pub(super) fn new(leads: usize, arguments: &DemoArgs) -> Self {
        let bar = ProgressBar::new(leads as u64);
        if arguments.headless {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {pos}/{len} leads\n  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
        Progress { bar, headless: arguments.headless, drawn_ms: Cell::new(0) }
    }

    /// Says what is about to happen.
    pub(super) fn opening(&self, arguments: &DemoArgs, product: &Product, setting: &Setting, bank: &SpeechBank) {
        if !self.headless {
            println!(
                "Outpace demo: {} leads for {} agents; SIP on {}; voices from {}.",
                setting.leads,
                arguments.agents,
                product.runtime.engine().sip_addr(),
                bank.origin()
            );
        }
    }

    pub(super) fn show(&self, conductor: &Conductor, now: Instant) {
        if self.bar.is_hidden() || now.as_ms() < self.drawn_ms.get() + DRAW_EVERY_MS {
            return;
        }
        self.drawn_ms.set(now.as_ms());
        let snapshot = conductor.dialer().snapshot(now);
        let Some(campaign) = snapshot.campaigns.first() else { return };
        let agents = |state: &str| snapshot.agents.get(state).copied().unwrap_or(0);
        let figures = conductor.figures();
        self.bar.set_position(figures.attempts);
        self.bar.set_message(format!(
            "calls   ringing {} · answered {} · talking {}\n  \
             agents  ready {} · talking {} · wrap-up {} · occupancy {:.0} %\n  \
             law     connected {} · abandoned {} ({:.1} %, limit {:.1} %)\n  \
             pacing  {}",
            campaign.ringing,
            campaign.answered + campaign.waiting,
            campaign.talking,
            agents("ready"),
            agents("talking"),
            agents("wrap_up"),
            snapshot.occupancy * 100.0,
            figures.connected,
            figures.abandoned,
            figures.abandon_rate() * 100.0,
            campaign.limit * 100.0,
            campaign.why,
        ));
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
