//! What happens, as server-sent events: numbered, resumable, bounded.
//!
//! ```text
//!  Journal ──since(number)──> filter by kind ──> queue of 64 ──┬─> reader (cut when it takes nothing for 30 s)
//!  the latest board (board.rs) ────────── no queue ────────────┘
//!       id: RUN-NUMBER, event: kind, data: JSON          event: reset when something was lost: read the state anew
//! ```

use super::Service;
use super::auth::{Credential, Holder, Peer};
use super::board::{self, Latest};
use super::extract::Query;
use super::limits::{EVENT_STREAMS_PER_HOLDER_MAX, TOKEN_LIFE, WRITE_WAIT};
use super::page::seen_by;
use super::problem::Problem;
use crate::control::Resume;
use crate::token::Role;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Deserialize;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::{ReceiverStream, WatchStream};
use utoipa::IntoParams;

/// A comment keeps proxies from closing a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events that wait for the reader: a second's worth.
const AHEAD: usize = 64;
/// Notices taken from the journal at once.
const TAKE: usize = 256;
/// Kind of the event that shows the board.
const BOARD: &str = "board";
/// Kinds of one filter.
const KINDS_MAX: usize = 32;

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Kinds with commas between, `call.answered,agent.state`; a kind ending in `.*` takes all that begin so. All kinds
    /// unless said otherwise.
    kinds: Option<String>,
    /// Go on after this id; the header `Last-Event-ID` does the same and counts more. From now on unless said otherwise.
    after: Option<String>,
}

/// What happens, as it happens: `id: RUN-NUMBER`, `event: KIND`, `data:` the thing as JSON. After a break send the last
/// id; event `reset` says that something is lost and the state must be read anew. Once a second comes `event: board`,
/// without an id, with what `/api/v1/board` answers; who reads slowly gets fewer boards and every other event.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventsQuery,
    ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was seen")),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(super) async fn stream(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Extension(shown): Extension<Credential>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Query(wanted): Query<EventsQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let kinds = Kinds::read(wanted.kinds.as_deref())?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned).or(wanted.after);
    let journal = service.control.journal();
    let after = match last {
        None => Some(journal.newest()),
        // An id of another run or no id at all: something is lost.
        Some(id) => read_id(&id).filter(|(run, _)| *run == journal.run()).map(|(_, number)| number),
    };
    let Ok(place) = service.streams.clone().try_acquire_owned() else {
        return Err(Problem::too_many("as many event streams as may be open are open", 5));
    };
    let Some(share) = service.stream_shares.take(holder.of) else {
        let what = format!("{EVENT_STREAMS_PER_HOLDER_MAX} event streams of this token or account are open, close one");
        return Err(Problem::too_many(what, 5));
    };
    let from = Peer::of(peer.as_deref());
    let boards = kinds.want(BOARD).then(|| board::listen(&service));
    let (events, reader) = mpsc::channel(AHEAD);
    let watcher = Watcher { service, events, kinds, role: holder.role, shown, from };
    tokio::spawn(async move {
        let _held = (place, share);
        watcher.run(after).await;
    });
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("still here");
    Ok(Sse::new(Feed::new(reader, boards)).keep_alive(heartbeat))
}

/// What one reader gets: every event in order, and between them the latest board whenever there is room. It ends with
/// the events.
struct Feed {
    events: ReceiverStream<Event>,
    boards: Option<WatchStream<Latest>>,
}

impl Feed {
    fn new(events: mpsc::Receiver<Event>, boards: Option<watch::Receiver<Latest>>) -> Feed {
        Feed { events: ReceiverStream::new(events), boards: boards.map(WatchStream::new) }
    }
}

impl Stream for Feed {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // First, since there is one a second and may always be an event.
        while let Some(boards) = &mut self.boards
            && let Poll::Ready(Some(latest)) = Pin::new(boards).poll_next(cx)
        {
            if let Some(board) = latest {
                return Poll::Ready(Some(Ok(Event::default().event(BOARD).data(board))));
            }
        }
        Pin::new(&mut self.events).poll_next(cx).map(|event| event.map(Ok))
    }
}

fn read_id(id: &str) -> Option<(u64, u64)> {
    let (run, number) = id.split_once('-')?;
    Some((run.parse().ok()?, number.parse().ok()?))
}

/// Kinds that are wanted.
struct Kinds(Vec<String>);

impl Kinds {
    fn read(text: Option<&str>) -> Result<Kinds, Problem> {
        let kinds: Vec<String> = text
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|kind| !kind.is_empty())
            .map(str::to_owned)
            .collect();
        if kinds.len() > KINDS_MAX {
            return Err(Problem::field(
                "kinds",
                "names too many kinds",
                format!("name at most {KINDS_MAX}, or call.*"),
            ));
        }
        Ok(Kinds(kinds))
    }

    fn want(&self, kind: &str) -> bool {
        let fits = |wanted: &String| match wanted.strip_suffix('*') {
            Some(front) => kind.starts_with(front),
            None => kind == wanted,
        };
        self.0.is_empty() || self.0.iter().any(fits)
    }
}

/// One open stream.
struct Watcher {
    service: Arc<Service>,
    events: mpsc::Sender<Event>,
    kinds: Kinds,
    role: Role,
    shown: Credential,
    from: IpAddr,
}

impl Watcher {
    /// Sends events until the reader goes away or takes nothing, the token is withdrawn, the login ends, or the server stops.
    async fn run(self, after: Option<u64>) {
        let journal = self.service.control.journal().clone();
        let mut stop = self.service.stopping.subscribe();
        let mut last = match after {
            Some(number) => number,
            None => match self.reset(journal.newest()).await {
                Some(number) => number,
                None => return,
            },
        };
        let mut looked_at = tokio::time::Instant::now();
        loop {
            // A withdrawn token and a login that has ended end their streams too, quiet or busy.
            if looked_at.elapsed() >= TOKEN_LIFE {
                looked_at = tokio::time::Instant::now();
                let holder = self.service.holder(&self.shown, self.from, false).await;
                if matches!(holder, Err(problem) if problem.status == 401) {
                    return;
                }
            }
            match journal.since(last, TAKE) {
                Resume::Lost { newest } => match self.reset(newest).await {
                    Some(number) => last = number,
                    None => return,
                },
                Resume::Since(notices) => {
                    for notice in &notices {
                        last = notice.number;
                        if !self.kinds.want(notice.kind) {
                            continue;
                        }
                        let data = seen_by(self.role, notice.data.clone());
                        let event = Event::default().id(format!("{}-{last}", journal.run())).event(notice.kind);
                        if !self.send(event.data(data.to_string())).await {
                            return;
                        }
                    }
                    if !notices.is_empty() {
                        continue;
                    }
                    tokio::select! {
                        () = journal.grown(last) => {}
                        () = async { drop(stop.wait_for(|stopping| *stopping).await) } => return,
                        () = self.events.closed() => return,
                        () = tokio::time::sleep(TOKEN_LIFE) => {}
                    }
                }
            }
        }
    }

    /// Says that something is lost; gives the number to go on after.
    async fn reset(&self, newest: u64) -> Option<u64> {
        let run = self.service.control.journal().run();
        let event = Event::default().id(format!("{run}-{newest}")).event("reset");
        self.send(event.data("{\"why\":\"events were lost, read the state anew\"}")).await.then_some(newest)
    }

    async fn send(&self, event: Event) -> bool {
        self.events.send_timeout(event, WRITE_WAIT).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_wanted_whole_or_by_their_front() {
        let kinds = Kinds::read(Some("call.*, agent.state")).unwrap();
        for (kind, wanted) in [("call.answered", true), ("agent.state", true), ("agent.phone", false), ("call", false)]
        {
            assert_eq!(kinds.want(kind), wanted, "{kind}");
        }
        assert!(Kinds::read(None).unwrap().want("anything"));
        assert!(Kinds::read(Some(&"a,".repeat(KINDS_MAX + 1))).is_err());
    }

    #[test]
    fn a_slow_reader_loses_boards_and_no_event() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (events, reader) = mpsc::channel(AHEAD);
            let (boards, latest) = watch::channel::<Latest>(None);
            let mut feed = Feed::new(reader, Some(latest));
            // A minute in which the reader takes nothing.
            for second in 0..60 {
                boards.send_replace(Some(format!("{{\"at_us\":{second}}}").into()));
                events.try_send(Event::default().id(format!("77-{second}")).event("call.ended").data("{}")).unwrap();
            }
            // Boards that were drawn meanwhile took no place: that is all there is room for.
            assert_eq!(events.capacity(), AHEAD - 60);
            drop(events);
            let mut seen = Vec::new();
            while let Some(Ok(event)) = std::future::poll_fn(|cx| Pin::new(&mut feed).poll_next(cx)).await {
                seen.push(format!("{event:?}"));
            }
            assert_eq!(seen.len(), 61, "one board and all events: {seen:?}");
            assert!(seen[0].contains("board") && seen[0].contains("59"), "the latest: {}", seen[0]);
            for (second, event) in seen[1..].iter().enumerate() {
                assert!(event.contains(&format!("77-{second}\\n")), "in order: {event}");
            }
            drop(boards);
        });
    }

    #[test]
    fn an_id_is_a_run_and_a_number() {
        assert_eq!(read_id("17-3"), Some((17, 3)));
        for text in ["", "17", "17-", "-3", "a-b", "17-3-1"] {
            assert_eq!(read_id(text), None, "{text}");
        }
    }
}
