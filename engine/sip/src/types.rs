//! What goes in and out of an [`Endpoint`](crate::Endpoint): requests of the call above, events, causes, refusals.

use base::Duration;
use std::fmt;
use std::net::SocketAddr;

slotmap::new_key_type! {
    /// One INVITE and the call it becomes, either way. Ends with exactly one [`Event::Failed`] or [`Event::Ended`];
    /// stale ids are refused harmlessly.
    pub struct DialogId;
    /// One address-of-record kept registered at a registrar, until `unregister` has run.
    pub struct RegistrationId;
}

/// One OPTIONS ping; answered by exactly one [`Event::OptionsAnswered`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OptionsId(pub u64);

/// Settings of one endpoint (one shard).
#[derive(Clone, Debug)]
pub struct Config {
    /// The address the world reaches us at: sent-by of Via and host of Contact. Never 0.0.0.0.
    pub local: SocketAddr,
    /// Text of User-Agent and Server.
    pub user_agent: String,
    /// Round-trip estimate (RFC 3261 §17.1.1.1): 500 ms.
    pub t1: Duration,
    /// Longest wait between two retransmissions of a non-INVITE request or an INVITE response: 4 s.
    pub t2: Duration,
    /// How long a message may stay in the network: 5 s.
    pub t4: Duration,
    /// Dialogs held at a time; above it incoming calls get 503 and ours are refused.
    pub dialogs_max: usize,
}

impl Config {
    /// The RFC's timers and room for 2 × [`base::limits::LEGS_PER_SHARD_MAX`] dialogs: each leg's next call may be
    /// set up while the last one is still being torn down.
    pub fn new(local: SocketAddr) -> Self {
        Config {
            local,
            user_agent: "Outpace".to_string(),
            t1: Duration::from_ms(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            dialogs_max: 2 * base::limits::LEGS_PER_SHARD_MAX,
        }
    }
}

/// An outgoing call.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Next hop: where the INVITE goes, whatever host `to_uri` names.
    pub remote: SocketAddr,
    /// Request-URI and To, for instance `sip:+15551234@trunk.example`.
    pub to_uri: String,
    /// From URI.
    pub from_uri: String,
    /// From display name.
    pub from_display: Option<String>,
    /// The offer; empty sends an INVITE without one.
    pub sdp: Vec<u8>,
    /// Answers a challenge to this INVITE.
    pub credentials: Option<Credentials>,
    /// Further header lines, name and value. Names that the endpoint writes itself are refused.
    pub headers: Vec<(String, String)>,
    /// Ring limit: then CANCEL and `Failed` with [`Cause::NO_ANSWER`].
    pub answer_timeout: Duration,
}

/// A name and its password for digest authentication (RFC 8760).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Name as the challenger knows it.
    pub username: String,
    /// Never printed.
    pub password: String,
    /// Answer challenges of this realm only; any realm when `None`.
    pub realm: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &"(redacted)")
            .field("realm", &self.realm)
            .finish()
    }
}

/// An address-of-record to keep registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// Next hop: the registrar or its edge.
    pub remote: SocketAddr,
    /// Request-URI, for instance `sip:registrar.example`.
    pub registrar_uri: String,
    /// Address-of-record: To and From, for instance `sip:alice@registrar.example`.
    pub aor: String,
    /// Contact URI to bind, for instance `sip:alice@192.0.2.7:5060`.
    pub contact: String,
    /// Lifetime asked for, in seconds; the registrar's answer counts.
    pub expires_s: u32,
    /// Answers challenges to the REGISTER.
    pub credentials: Option<Credentials>,
}

/// Something to send, or something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// One UDP datagram.
    Datagram {
        /// Where it goes.
        to: SocketAddr,
        /// The whole message.
        bytes: Vec<u8>,
    },
    /// For the call above.
    Event(Event),
}

/// What the call above learns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A call comes in; a 100 Trying is on its way already. Answer, reject or hang up within
    /// [`crate::ANSWER_LIMIT`].
    Incoming {
        /// The new dialog.
        dialog: DialogId,
        /// Where the INVITE came from.
        source: SocketAddr,
        /// User part of the From URI, unescaped; empty when there is none.
        from_user: String,
        /// User part of the Request-URI, unescaped; empty when there is none.
        to_user: String,
        /// From display name without quotes.
        from_display: Option<String>,
        /// Call-ID as received.
        call_id: String,
        /// The offer, if the INVITE has one.
        sdp: Option<Vec<u8>>,
    },
    /// A provisional answer 101..=199 to our INVITE. With forks: of the branch that spoke last.
    Progress {
        /// Our dialog.
        dialog: DialogId,
        /// Its code.
        code: u16,
        /// Early media's answer, if any.
        sdp: Option<Vec<u8>>,
    },
    /// Our INVITE got its 2xx; the ACK is sent.
    Answered {
        /// Our dialog.
        dialog: DialogId,
        /// The answer.
        sdp: Option<Vec<u8>>,
    },
    /// Our 2xx got its ACK.
    Confirmed {
        /// The peer's call.
        dialog: DialogId,
        /// The answer to our offer when the INVITE came without one.
        sdp: Option<Vec<u8>>,
    },
    /// The INVITE, of either side, ended without an answered call. Last event of the dialog.
    Failed {
        /// Stale from now on.
        dialog: DialogId,
        /// Why.
        cause: Cause,
    },
    /// An answered call is over. Last event of the dialog.
    Ended {
        /// Stale from now on.
        dialog: DialogId,
        /// Why.
        cause: Cause,
    },
    /// The peer sent a re-INVITE: call `answer_reoffer` or `reject_reoffer` within 64 × T1.
    ReOffered {
        /// The answered dialog.
        dialog: DialogId,
        /// The new offer; `None` asks us for one.
        sdp: Option<Vec<u8>>,
    },
    /// Our 2xx to the peer's re-INVITE got its ACK.
    ReConfirmed {
        /// The answered dialog.
        dialog: DialogId,
        /// The answer to our offer when the re-INVITE came without one.
        sdp: Option<Vec<u8>>,
    },
    /// Our re-INVITE was answered; the ACK is sent.
    ReAnswered {
        /// The answered dialog.
        dialog: DialogId,
        /// The answer.
        sdp: Option<Vec<u8>>,
    },
    /// Our re-INVITE was refused; the call goes on as it was.
    ReRejected {
        /// The answered dialog.
        dialog: DialogId,
        /// The refusal's code; 491 when glare did not settle.
        code: u16,
    },
    /// The registrar holds our binding; sent again at each refresh.
    Registered {
        /// The registration.
        registration: RegistrationId,
        /// Lifetime granted in seconds.
        expires_s: u32,
    },
    /// A REGISTER failed. The registration stays and tries again by itself (30 s doubling to 30 min, or Retry-After).
    RegistrationFailed {
        /// The registration.
        registration: RegistrationId,
        /// Final code; 408 when nothing came back.
        code: u16,
        /// The response's reason phrase, or one of [`Cause`]'s constants.
        reason: String,
        /// When it is tried again: seconds from now, rounded up.
        retry_after_s: u32,
    },
    /// `unregister` has run (or timed out): the id is stale.
    Unregistered {
        /// Stale from now on.
        registration: RegistrationId,
    },
    /// A call of a process before this one has had its BYE: see `end_orphan`; also after an answer to a call of that
    /// process came in too late.
    OrphanEnded {
        /// Its Call-ID.
        call_id: String,
        /// Final code of the BYE: 481 says that the peer knew of no such call any more; `None` when nothing came back.
        code: Option<u16>,
    },
    /// A ping came back.
    OptionsAnswered {
        /// As returned by `options`.
        options: OptionsId,
        /// Where it was sent.
        remote: SocketAddr,
        /// Final code; 408 when nothing came back.
        code: u16,
        /// From our first datagram to the final answer.
        round_trip: Duration,
    },
}

/// Who made a call end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// The call above us, or one of our limits.
    Us,
    /// The other side said so in a message.
    Peer,
    /// Nobody: something did not arrive in time.
    Network,
}

/// Why a call ended, in the protocol's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The final response's code, or 408 for a timeout, 487 for our CANCEL; `None` after a BYE.
    pub code: Option<u16>,
    /// The peer's reason phrase or Reason text, or one of this type's constants.
    pub reason: String,
    /// Who ended it.
    pub whose: Whose,
    /// Retry-After of the response, in seconds.
    pub retry_after_s: Option<u32>,
    /// Q.850 cause of the Reason header (RFC 3326).
    pub q850: Option<u16>,
}

impl Cause {
    /// Our ring limit passed (code 408, ours).
    pub const NO_ANSWER: &str = "no-answer";
    /// The call above hung up before an answer (code 487, ours).
    pub const CANCELLED: &str = "cancelled";
    /// The caller hung up before our answer (code 487, the peer's).
    pub const CALLER_GAVE_UP: &str = "caller-gave-up";
    /// No response at all to our request (code 408, the network's).
    pub const NO_RESPONSE: &str = "no-response";
    /// Our 2xx was never acknowledged (the network's).
    pub const NO_ACK: &str = "no-ack";
    /// The call above hung up an answered call (ours).
    pub const HANGUP: &str = "hangup";
    /// The peer hung up an answered call and gave no Reason (the peer's).
    pub const BYE: &str = "bye";
    /// The call above neither answered nor rejected in time (code 480, ours).
    pub const NOT_HANDLED: &str = "not-handled";
    /// The call reached [`crate::DIALOG_AGE_MAX`] (ours).
    pub const AGE_LIMIT: &str = "age-limit";

    /// A cause without Retry-After and Q.850.
    pub fn new(code: Option<u16>, reason: impl Into<String>, whose: Whose) -> Self {
        Cause { code, reason: reason.into(), whose, retry_after_s: None, q850: None }
    }
}

/// Why the endpoint will not do what was asked. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such dialog or registration (any more).
    Stale,
    /// The dialog's state does not allow it: answering twice, a re-offer while one is under way.
    WrongState,
    /// A table has reached its limit.
    Full,
    /// Text that would not make a legal message; says which.
    Invalid(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Stale => f.write_str("no such dialog or registration"),
            Refusal::WrongState => f.write_str("not possible in the dialog's state"),
            Refusal::Full => f.write_str("too many dialogs or transactions"),
            Refusal::Invalid(what) => write!(f, "not a legal {what}"),
        }
    }
}

impl std::error::Error for Refusal {}

/// Live objects; all zero when everything is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls, from INVITE to their last event.
    pub dialogs: usize,
    /// Transactions of all four kinds, until their last timer.
    pub transactions: usize,
    /// Timers set.
    pub timers: usize,
    /// Registrations, until unregistered.
    pub registrations: usize,
}

/// Datagrams that led to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Not a SIP message, and not readable enough to be answered.
    pub unreadable: u64,
    /// Responses and ACKs that belong to nothing here: late repetitions, or somebody guessing.
    pub strays: u64,
    /// Not answered because too many came in one second.
    pub limited: u64,
}
