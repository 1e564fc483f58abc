//! What goes in and out of a [`crate::Shard`] besides packets: commands of the control plane, events, peer messages.

use base::{CallId, Duration, Instant, LegId, PlayId, ShardId, TrunkId};
use codecs::g711::Law;
use detect::{Decision, EarlySound, Evidence, Listen, Revision};
use media::playout::Prompt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Everything needed to place an outgoing leg.
#[derive(Clone, Debug)]
pub struct Originate {
    /// Chosen by the control plane; unique among the legs of the engine.
    pub leg: LegId,
    /// Request-URI and To, such as `sip:+15551230000@carrier.example`.
    pub to_uri: String,
    /// Next hop.
    pub remote: SocketAddr,
    /// From, such as `sip:+15559990000@outpace.example`.
    pub from_uri: String,
    /// Display name of From.
    pub from_display: Option<String>,
    /// Answers to the trunk's digest challenges, if it asks.
    pub credentials: Option<sip::Credentials>,
    /// Time until the call is cancelled unanswered.
    pub ring_timeout: Duration,
    /// Starts answer detection at the answer.
    pub analyse: Option<Listen>,
    /// In order of preference; not empty.
    pub laws: Vec<Law>,
    /// The far end may sit behind a NAT: its media may come from, and then goes to, another address than its SDP names,
    /// if [`media::session::LEARN_PACKETS`] packets come from there and none from the named one.
    pub learn: bool,
}

/// An address-of-record to keep registered for a trunk.
#[derive(Clone, Debug)]
pub struct Register {
    /// Comes back in the events.
    pub trunk: TrunkId,
    /// Next hop.
    pub registrar: SocketAddr,
    /// Such as `sip:alice@registrar.example`; its host is the registrar's Request-URI.
    pub aor: String,
    /// User part of the Contact, at which calls come in.
    pub contact_user: String,
    /// Answers to the registrar's challenges.
    pub credentials: sip::Credentials,
    /// Lifetime asked for, in seconds, not zero; the registrar's answer counts.
    pub expires_s: u32,
}

/// A wish of the control plane. A command for a leg that is gone does nothing: its `Event::Ended` is already on the way.
#[derive(Clone, Debug)]
pub enum Command {
    /// Places an outgoing leg.
    Originate(Box<Originate>),
    /// Answers an incoming INVITE with 180, or 183 with SDP when `early_media`.
    Ring {
        /// The incoming leg.
        leg: LegId,
        /// Opens the media path before the answer.
        early_media: bool,
    },
    /// Answers an incoming INVITE with 200.
    Answer {
        /// The incoming leg.
        leg: LegId,
        /// As in [`Originate`].
        learn: bool,
    },
    /// Refuses an incoming INVITE. A leg that is answered already stays up.
    Reject {
        /// The incoming leg.
        leg: LegId,
        /// 300–699; any other number is sent as 603 Decline.
        code: u16,
        /// `Retry-After`, for 503 and its like.
        retry_after_s: Option<u32>,
    },
    /// Plays a prompt; takes the place of what the leg sent before.
    Play {
        /// The leg that hears it.
        leg: LegId,
        /// Comes back with its beginning and its end: those of an older one may still be on their way.
        play: PlayId,
        /// Encoded once, shared by all legs.
        prompt: Arc<Prompt>,
        /// Starts again at its end.
        repeat: bool,
    },
    /// Ends a prompt before its end; the leg sends silence.
    StopPlay {
        /// The leg that hears it.
        leg: LegId,
    },
    /// Sends the far end its own audio back, through the jitter buffer and on the leg's own timeline; takes the place of
    /// what the leg sent before. Pressed keys are not sent back. A leg that is bridged hears its partner and not itself:
    /// then the wish does nothing.
    Echo {
        /// The leg that hears itself.
        leg: LegId,
        /// False ends the echo; the leg sends silence.
        on: bool,
    },
    /// Joins `leg` to `with`. Each of the two legs gets a command of its own, which names the other; so the legs may
    /// live on different shards.
    Bridge {
        /// The call that the two legs form from now on.
        call: CallId,
        /// The leg on this shard.
        leg: LegId,
        /// Its partner.
        with: LegId,
        /// Where the partner lives; may be this shard.
        with_shard: ShardId,
    },
    /// Parts a leg from its partner; it sends silence.
    Unbridge {
        /// The leg on this shard.
        leg: LegId,
    },
    /// Sends DTMF by RFC 4733.
    SendDigits {
        /// The leg that hears them.
        leg: LegId,
        /// `0-9*#A-D`; others are left out.
        digits: String,
    },
    /// Puts the far end on hold by re-INVITE (`a=sendonly`), or takes it back.
    Hold {
        /// An answered leg.
        leg: LegId,
        /// True holds.
        on: bool,
    },
    /// Reports every received audio packet as `Event::Audio`.
    Tap {
        /// The leg listened to.
        leg: LegId,
        /// False stops.
        on: bool,
    },
    /// Reports what is heard of an answered leg as `Event::Quality`: first after a second, then every 5 s until its end.
    Watch {
        /// The leg listened to.
        leg: LegId,
    },
    /// Ends a leg in whatever state it is.
    Hangup {
        /// The leg.
        leg: LegId,
        /// Text of the `Reason` header (RFC 3326); the far end may read it.
        reason: &'static str,
    },
    /// Ends a call of a process before this one by BYE; `Event::OrphanEnded` follows, soon also when nothing could be
    /// sent. Where too many BYEs are under way it waits for its turn.
    EndOrphan {
        /// As it stood in the CDR or the flight record.
        dialog: Box<sip::DialogIdentity>,
    },
    /// Registers a trunk and keeps it registered; takes the place of the trunk's registration before.
    Register(Box<Register>),
    /// Ends a trunk's registration; `Event::Unregistered` follows.
    Unregister {
        /// The trunk.
        trunk: TrunkId,
    },
    /// Watches whether a trunk is there, by OPTIONS; `Event::TrunkUp` follows after the first ping and each change.
    Ping {
        /// Comes back in the event.
        trunk: TrunkId,
        /// Where it is.
        remote: SocketAddr,
        /// Pause between two pings, a second to an hour; zero stops. A dead trunk is noticed after one pause and 32 s at
        /// the latest (RFC 3261, timer F).
        every: Duration,
    },
}

/// A fact of the shard's world. The last event of each leg is exactly one `Ended`.
#[derive(Clone, Debug)]
pub enum Event {
    /// A stranger or trunk calls. Answer with `Ring`, `Answer` or `Reject`. All text is the caller's and may be anything.
    Incoming {
        /// Chosen by the shard; the top bit is set.
        leg: LegId,
        /// User part of From.
        from_user: String,
        /// Display name of From.
        from_display: Option<String>,
        /// User part of the request-URI.
        to_user: String,
        /// Where the INVITE came from.
        source: SocketAddr,
        /// Call-ID.
        call_id: String,
    },
    /// The far end rings.
    Progress {
        /// The outgoing leg.
        leg: LegId,
        /// 101–199.
        code: u16,
        /// The far end announced media before the answer.
        early_media: bool,
    },
    /// Early media said something, once a call; only where answer detection was asked for.
    EarlySound {
        /// The outgoing leg.
        leg: LegId,
        /// What.
        sound: EarlySound,
    },
    /// The leg is up; media flows.
    Answered {
        /// The leg.
        leg: LegId,
        /// When the 200 (or its ACK, for incoming legs) came in.
        at: Instant,
        /// Law of what we send, as agreed.
        law: Law,
        /// What a BYE needs when this process is gone; for the CDR.
        dialog: Box<sip::DialogIdentity>,
    },
    /// Answer detection has decided.
    Verdict {
        /// The analysed leg.
        leg: LegId,
        /// What, why, and when in the audio.
        decision: Decision,
        /// When the first utterance ended, if one was heard: the legal deadline runs from here.
        utterance_end: Option<Instant>,
        /// When the decision was made.
        at: Instant,
        /// What was kept of the call until then, where that was asked for.
        evidence: Option<Box<Evidence>>,
        /// How the line was until then.
        line: media::session::Stats,
    },
    /// Answer detection has not decided yet, but holds a person for as likely as not; once at most, before the verdict.
    LikelyPerson {
        /// The analysed leg.
        leg: LegId,
        /// When it was known.
        at: Instant,
    },
    /// A recording speaks that answer detection knows; before the verdict or the revision that it brings, once at most.
    Recognised {
        /// The analysed leg.
        leg: LegId,
        /// Which.
        known: detect::print::Met,
    },
    /// The fingerprint of what the far end said first, when there are 3.2 s of it, before or after the verdict; and right behind the
    /// verdict of a machine, menu or assistant that comes before, of what it has said until then. Twice at most.
    Opening {
        /// The analysed leg.
        leg: LegId,
        /// For [`detect::print::Learner`].
        opening: Box<detect::print::Opening>,
    },
    /// What answer detection heard after its verdict. It listens until the leg is bridged or ends, two minutes at most
    /// ([`detect::LISTEN_MAX_MS`]), and tells at most [`detect::REVISIONS_MAX`] of them.
    Revision {
        /// The analysed leg.
        leg: LegId,
        /// What, and when in the audio.
        revision: Revision,
        /// When the sound ended that it is about, as its last packet came: the greeting, the beep, the person's words so
        /// far. For a person the legal deadline runs from here.
        since: Option<Instant>,
        /// When it was known.
        at: Instant,
    },
    /// The first packet of a prompt left.
    PlayBegan {
        /// The leg that hears it.
        leg: LegId,
        /// Which.
        play: PlayId,
        /// When.
        at: Instant,
    },
    /// A prompt came to its end; one that another takes the place of never does.
    PlayEnded {
        /// The leg that heard it.
        leg: LegId,
        /// Which.
        play: PlayId,
        /// When the first packet after its last one left.
        at: Instant,
    },
    /// The far end pressed a key.
    Digit {
        /// The leg.
        leg: LegId,
        /// `0-9*#A-D`.
        digit: char,
    },
    /// One received audio packet of a tapped leg.
    Audio {
        /// The tapped leg.
        leg: LegId,
        /// When it was read from the network.
        at: Instant,
        /// RTP timestamp.
        timestamp: u32,
        /// Law of the payload.
        law: Law,
        /// The payload as it came.
        payload: Box<[u8]>,
    },
    /// What is heard of a watched leg so far; old at once, so a driver may drop it.
    Quality {
        /// The watched leg.
        leg: LegId,
        /// Law of what we send now.
        law: Law,
        /// Figures since the leg's beginning.
        media: media::session::Stats,
    },
    /// The first packet with the partner's audio left on this leg.
    BridgeAudio {
        /// The leg whose far end now hears the partner.
        leg: LegId,
        /// The partner.
        with: LegId,
        /// When the packet was handed to the driver.
        at: Instant,
    },
    /// The far end changed the media by re-INVITE.
    Held {
        /// The leg.
        leg: LegId,
        /// True: the far end does not want to hear us any more.
        on: bool,
    },
    /// The leg is gone and its ports are back.
    Ended {
        /// The leg.
        leg: LegId,
        /// Why, and whose doing it was.
        cause: sip::Cause,
        /// Whether it had been answered.
        answered: bool,
        /// What the media path saw, when there was one.
        media: Option<media::session::Stats>,
    },
    /// A call of a process before this one has had its BYE: by `Command::EndOrphan`, or because its callee answered when
    /// nobody waited any more.
    OrphanEnded {
        /// Its Call-ID.
        call_id: String,
        /// What the far end said: 200, or 481 when it knew of no such call any more. `None` when it said nothing, or the
        /// BYE could not be sent.
        code: Option<u16>,
    },
    /// The registrar holds the trunk's binding; told again at each refresh.
    Registered {
        /// The trunk.
        trunk: TrunkId,
        /// Lifetime granted, in seconds.
        expires_s: u32,
    },
    /// A registration failed.
    RegistrationFailed {
        /// The trunk.
        trunk: TrunkId,
        /// Final code; 408 when nothing came back, 0 when nothing could be sent.
        code: u16,
        /// When it is tried again, in seconds; `None` when it is not, because what was asked for makes no message.
        retry_after_s: Option<u32>,
        /// The registrar's reason phrase, or ours.
        reason: String,
    },
    /// The trunk is not registered any more.
    Unregistered {
        /// The trunk.
        trunk: TrunkId,
    },
    /// A pinged trunk was found to be there, or gone.
    TrunkUp {
        /// The trunk.
        trunk: TrunkId,
        /// It answers, and not with 503.
        up: bool,
        /// Round trip of the ping that showed it.
        rtt: Option<Duration>,
    },
}

/// [`Event::Ended`]'s reason when an answered leg was heard no more (the network's cause).
pub const MEDIA_TIMEOUT: &str = "media timeout";

/// One received audio frame on its way to the partner leg: 20 ms of G.711, by value.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Number of the frame on the sender's timeline (RTP timestamp ÷ samples per frame), so gaps show.
    pub index: u32,
    /// The sender said that a talk spurt begins.
    pub marker: bool,
    /// Law of the payload.
    pub law: Law,
    /// 160 samples.
    pub payload: [u8; media::FRAME_SAMPLES],
}

/// Between shards: values, never handles.
#[derive(Clone, Copy, Debug)]
pub enum PeerMessage {
    /// Audio for `to` that `from` received.
    Frame {
        /// The receiving leg's partner.
        from: LegId,
        /// The leg that sends it on.
        to: LegId,
        /// The audio.
        frame: Frame,
    },
    /// A key that `from`'s far end pressed, for `to`'s far end.
    Digit {
        /// The receiving leg's partner.
        from: LegId,
        /// The leg that sends it on.
        to: LegId,
        /// `0-9*#A-D`.
        digit: char,
    },
    /// `from` was lost to a fault of ours: `to` has no partner any more.
    Parted {
        /// The leg that is gone.
        from: LegId,
        /// Its partner.
        to: LegId,
    },
}

/// What a drained shard asks its driver to do.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send a SIP datagram.
    Sip {
        /// Destination.
        to: SocketAddr,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Tell the control plane.
    Event(Event),
    /// Tell another shard.
    Peer {
        /// Which.
        shard: ShardId,
        /// What.
        message: PeerMessage,
    },
}

/// What a shard holds now; all zero when nothing leaks and nobody calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Legs that are joined to a partner: two for a call whose legs both live here.
    pub calls: usize,
    /// Legs in any state.
    pub legs: usize,
    /// Media ports held by legs (those resting after use are not counted).
    pub ports_in_use: usize,
    /// Timers of legs and pings; the SIP room counts its own.
    pub timers: usize,
    /// SIP dialogs.
    pub dialogs: usize,
    /// SIP transactions, up to 32 s after their end (RFC 3261 timers).
    pub transactions: usize,
}
/// [`Event::Ended`]'s reason when work for the leg made the shard panic (ours).
pub const INTERNAL_FAULT: &str = "internal fault";
