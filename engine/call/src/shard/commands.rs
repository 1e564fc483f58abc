//! Wishes of the control plane.

use super::{Shard, Timer};
use crate::api::{Command, Event, Originate, PeerMessage};
use crate::leg::{Leg, LegKey, LegMedia, Partner, Source, State};
use base::limits::SHARD_QUEUE_MAX;
use base::{CallId, Instant, LegId, ShardId};
use media::playout::Player;
use sip::{Cause, Invite, Whose};
use wire::sdp::Direction;

/// Calls of a process before this one that wait to be ended, beside the `LEGS_PER_SHARD_MAX` whose BYEs are under way: as
/// many as a full queue of commands brings at once. Together they are the legs of three full shards, should fewer shards
/// follow more; at about 1 kB each they are 16 MiB at worst, and a BYE that nobody answers lets the next go after 32 s.
const ORPHANS_WAITING_MAX: usize = SHARD_QUEUE_MAX;

impl Shard {
    /// A wish of the control plane. A command for a leg that is gone does nothing.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        let leg = leg_of(&command);
        self.work_on(leg);
        #[cfg(any(test, feature = "fault-injection"))]
        if let (Some(leg), false) = (leg, matches!(command, Command::Originate(_))) {
            super::fault::spring(&mut self.config.fault, leg, crate::FaultPoint::Command);
        }
        match command {
            Command::Originate(originate) => self.originate(now, *originate),
            Command::Ring { leg, early_media } => self.ring(now, leg, early_media),
            Command::Answer { leg, learn } => self.answer(now, leg, learn),
            Command::Reject { leg, code, retry_after_s } => self.reject(now, leg, code, retry_after_s),
            Command::Play { leg, play, prompt, repeat } => {
                if let Some((_, leg)) = self.leg_mut(leg) {
                    leg.media.source = Source::Player { player: Player::new(prompt, repeat), play };
                }
            }
            Command::StopPlay { leg } => {
                if let Some((_, leg)) = self.leg_mut(leg)
                    && matches!(leg.media.source, Source::Player { .. })
                {
                    leg.media.source = Source::Silence;
                }
            }
            Command::Echo { leg, on } => self.echo(leg, on),
            Command::Bridge { call, leg, with, with_shard } => self.bridge(call, leg, with, with_shard),
            Command::Unbridge { leg } => {
                if let Some((key, _)) = self.leg_mut(leg) {
                    self.unbridge(key);
                }
            }
            Command::SendDigits { leg, digits } => {
                if let Some((_, leg)) = self.leg_mut(leg)
                    && leg.media.takes_digits()
                {
                    for digit in digits.chars() {
                        leg.media.digits_out.push(digit);
                    }
                }
            }
            Command::Hold { leg, on } => self.hold(now, leg, on),
            Command::Tap { leg, on } => {
                if let Some((_, leg)) = self.leg_mut(leg) {
                    leg.tap = on;
                }
            }
            Command::Watch { leg } => self.watch(now, leg),
            Command::Hangup { leg, reason } => {
                if let Some((key, _)) = self.leg_mut(leg) {
                    self.hang_up(now, key, reason);
                }
            }
            Command::EndOrphan { dialog } => {
                if self.orphans_waiting.len() < ORPHANS_WAITING_MAX {
                    self.orphans_waiting.push_back(dialog);
                } else {
                    self.event(Event::OrphanEnded { call_id: dialog.call_id, code: None });
                }
            }
            Command::Register(register) => self.register(now, *register),
            Command::Unregister { trunk } => self.unregister(now, trunk),
            Command::Ping { trunk, remote, every } => self.ping(now, trunk, remote, every),
        }
        self.drain_endpoint(now);
    }

    fn originate(&mut self, now: Instant, originate: Originate) {
        let refuse = |shard: &mut Shard, reason: &str| {
            let cause = Cause::new(None, reason, Whose::Us);
            shard.event(Event::Ended { leg: originate.leg, cause, answered: false, media: None });
        };
        if self.by_id.contains_key(&originate.leg) {
            // Not `Ended`: that would end the leg that bears this id.
            debug_assert!(false, "leg {} placed twice", originate.leg);
            return;
        }
        self.at_work.owed = true;
        if self.full() {
            return refuse(self, "shard-full");
        }
        let Some(port) = self.ports.take(now) else {
            return refuse(self, "no-media-port");
        };
        self.at_work.port = Some(port);
        let mut media = LegMedia::new(port, &mut self.seed.stream("leg-media", originate.leg.0));
        media.session.set_learn(originate.learn);
        let sdp = media.describe(self.config.media_advertise, &originate.laws, Direction::SendRecv, None).to_bytes();
        let invite = Invite {
            remote: originate.remote,
            to_uri: originate.to_uri,
            from_uri: originate.from_uri,
            from_display: originate.from_display,
            sdp,
            credentials: originate.credentials,
            headers: Vec::new(),
            answer_timeout: originate.ring_timeout,
        };
        match self.endpoint.invite(now, invite) {
            Ok(dialog) => {
                self.at_work.dialog = Some(dialog);
                #[cfg(any(test, feature = "fault-injection"))]
                super::fault::spring(&mut self.config.fault, originate.leg, crate::FaultPoint::Command);
                let mut leg = Leg::new(originate.leg, dialog, false, originate.laws, media);
                leg.analyse = originate.analyse;
                self.admit(leg);
            }
            Err(refusal) => {
                self.ports.give_back(now, port);
                self.at_work.port = None;
                let cause = Cause::new(None, refusal.to_string(), Whose::Us);
                self.event(Event::Ended { leg: originate.leg, cause, answered: false, media: None });
            }
        }
    }

    /// Takes a new leg into the tables.
    pub(super) fn admit(&mut self, leg: Leg) -> LegKey {
        let (id, dialog, port) = (leg.id, leg.dialog, leg.media.port);
        let key = self.legs.insert(leg);
        self.by_id.insert(id, key);
        self.by_dialog.insert(dialog, key);
        self.by_port[usize::from(port / 2)] = Some(key);
        self.work_on(Some(id));
        key
    }

    fn ring(&mut self, now: Instant, leg: LegId, early_media: bool) {
        let Some((key, leg)) = self.leg_mut(leg) else { return };
        if leg.state != State::Setup || !leg.incoming {
            return;
        }
        let dialog = leg.dialog;
        if !early_media {
            let _ = self.endpoint.progress(now, dialog, 180, None);
            return;
        }
        match self.describe_answer(now, key) {
            Ok(sdp) => {
                let _ = self.endpoint.progress(now, dialog, 183, Some(sdp));
                self.start_media(now, key);
            }
            Err(_) => {
                let _ = self.endpoint.reject(now, dialog, 488, None);
            }
        }
    }

    fn answer(&mut self, now: Instant, leg: LegId, learn: bool) {
        let Some((key, leg)) = self.leg_mut(leg) else { return };
        if leg.state != State::Setup || !leg.incoming {
            return;
        }
        leg.media.session.set_learn(learn);
        let dialog = leg.dialog;
        let described = self.describe_answer(now, key);
        let Some(leg) = self.legs.get_mut(key) else { return };
        match described {
            Ok(sdp) => {
                leg.state = State::Answering;
                let _ = self.endpoint.answer(now, dialog, sdp);
            }
            Err(_) => {
                leg.state = State::Ending;
                let _ = self.endpoint.reject(now, dialog, 488, None);
            }
        }
    }

    /// Refuses an incoming call that still rings. Any other leg stays as it is: one that is marked as ending while its
    /// dialog lives on could never be hung up again.
    fn reject(&mut self, now: Instant, leg: LegId, code: u16, retry_after_s: Option<u32>) {
        let Some((key, leg)) = self.leg_mut(leg) else { return };
        if leg.state != State::Setup || !leg.incoming {
            return;
        }
        let dialog = leg.dialog;
        if self.endpoint.reject(now, dialog, code, retry_after_s).is_err() {
            return self.hang_up(now, key, "refused");
        }
        if let Some(leg) = self.legs.get_mut(key) {
            leg.state = State::Ending;
        }
    }

    fn bridge(&mut self, call: CallId, leg: LegId, with: LegId, with_shard: ShardId) {
        let Some((key, leg)) = self.leg_mut(leg) else { return };
        leg.media.relay(Source::Bridge { heard: false });
        leg.media.analysis = None;
        self.set_partner(key, Some(Partner { call, leg: with, shard: with_shard }));
    }

    /// A leg goes on alone and silent.
    pub(super) fn unbridge(&mut self, key: LegKey) {
        if let Some(leg) = self.legs.get_mut(key)
            && matches!(leg.media.source, Source::Bridge { .. })
        {
            leg.media.source = Source::Silence;
        }
        self.set_partner(key, None);
    }

    fn echo(&mut self, leg: LegId, on: bool) {
        let Some((_, leg)) = self.leg_mut(leg) else { return };
        match (on, &leg.media.source) {
            (true, Source::Echo) => {}
            (true, _) if leg.partner.is_none() => leg.media.relay(Source::Echo),
            (false, Source::Echo) => leg.media.source = Source::Silence,
            _ => {}
        }
    }

    fn hold(&mut self, now: Instant, leg: LegId, on: bool) {
        let Some((key, leg)) = self.leg_mut(leg) else { return };
        if leg.state != State::Answered || leg.holding == on {
            return;
        }
        leg.holding = on;
        // Whoever was held was free to be silent; the watch over dead media begins anew.
        leg.media.heard_at = now;
        self.send_reoffer(now, key);
    }

    /// Offers the media anew, for hold and its end. While another offer is under way the endpoint refuses; the change
    /// then goes out when that one is over (`signalling.rs`).
    pub(super) fn send_reoffer(&mut self, now: Instant, key: LegKey) {
        let advertise = self.config.media_advertise;
        let Some(leg) = self.legs.get_mut(key) else { return };
        let direction = if leg.holding { Direction::SendOnly } else { Direction::SendRecv };
        let events = leg.media.negotiated.as_ref().and_then(|agreed| agreed.event_payload_type);
        let dialog = leg.dialog;
        let description = leg.media.describe(advertise, &leg.laws, direction, events);
        if self.endpoint.reoffer(now, dialog, description.to_bytes()).is_err()
            && let Some(leg) = self.legs.get_mut(key)
        {
            leg.reoffer_wanted = true;
        }
    }

    /// Ends a leg in whatever state it is; `Event::Ended` follows from the dialog's last event.
    pub(super) fn hang_up(&mut self, now: Instant, key: LegKey, reason: &str) {
        let Some(leg) = self.legs.get_mut(key) else { return };
        if leg.state == State::Ending {
            return;
        }
        leg.state = State::Ending;
        let dialog = leg.dialog;
        self.stop_media(key);
        // RFC 3326 §2: a protocol with its cause, free text only in quotes. Q.850 cause 16 is "normal call clearing".
        self.endpoint.hangup(now, dialog, Some(format!("Q.850;cause=16;text={}", wire::sip::quoted(reason))));
    }

    /// Takes a message from another shard.
    pub fn handle_peer(&mut self, now: Instant, message: PeerMessage) {
        match message {
            PeerMessage::Frame { from, to, frame } => self.accept_frame(now, from, to, &frame),
            PeerMessage::Digit { from, to, digit } => self.accept_digit(from, to, digit),
            PeerMessage::Parted { from, to } => {
                self.work_on(Some(to));
                self.parted(from, to);
            }
        }
    }

    /// Stops the timers of a leg's media and says goodbye (RFC 3550 §6.6); the port stays lent until the dialog is over.
    pub(super) fn stop_media(&mut self, key: LegKey) {
        let Some(leg) = self.legs.get_mut(key) else { return };
        if let (Some(_), Some(to)) = (leg.media.tick, leg.media.rtcp_to()) {
            let session = &leg.media.session;
            self.packets.push_with(leg.media.port, true, to, None, |out| session.write_bye(out));
        }
        let timers = [leg.media.tick.take(), leg.media.report.take(), leg.media.quality.take()];
        for timer in timers.into_iter().flatten() {
            let _: Option<Timer> = self.timers.cancel(timer);
        }
        leg.media.analysis = None;
    }
}

/// The leg that a command is about.
fn leg_of(command: &Command) -> Option<LegId> {
    match command {
        Command::Originate(originate) => Some(originate.leg),
        Command::Ring { leg, .. }
        | Command::Answer { leg, .. }
        | Command::Reject { leg, .. }
        | Command::Play { leg, .. }
        | Command::StopPlay { leg }
        | Command::Echo { leg, .. }
        | Command::Bridge { leg, .. }
        | Command::Unbridge { leg }
        | Command::SendDigits { leg, .. }
        | Command::Hold { leg, .. }
        | Command::Tap { leg, .. }
        | Command::Watch { leg }
        | Command::Hangup { leg, .. } => Some(*leg),
        Command::EndOrphan { .. } | Command::Register(_) | Command::Unregister { .. } | Command::Ping { .. } => None,
    }
}
