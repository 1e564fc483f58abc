//! The whole HTTP side in one process: a real store, a real listener, and a control thread that answers as told.

mod amd;
mod calls;
mod contacts;
mod files;
mod login;
mod numbers;
mod records;
mod simulations;
mod streams;
mod trunks;
mod walk;

use super::*;
use crate::control::api::{Connect, ControlEnd};
use crate::control::decisions::{CalibrationView, DecisionsView};
use crate::control::views::{AgentView, CallDetail, CallView, CampaignView, Snapshot, TimelineEntry, TrunkView};
use crate::control::{Control, Journal, Refusal};
use crate::token::{self, Role, Token};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use store::{Op, SuppressRow};

/// A served API.
struct Bench {
    folder: tempfile::TempDir,
    service: Arc<Service>,
    store: Arc<Store>,
    address: SocketAddr,
    tokens: BTreeMap<Role, String>,
    asked: Arc<Mutex<Vec<String>>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<()>>,
    runtime: tokio::runtime::Runtime,
    over: Arc<AtomicBool>,
    control: Option<JoinHandle<()>>,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    fn is(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

impl Bench {
    fn new() -> Bench {
        Bench::with("")
    }

    fn with(more: &str) -> Bench {
        Bench::outfitted(more, Outfit::default())
    }

    fn outfitted(more: &str, outfit: Outfit) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().display().to_string();
        let text = format!(
            "[server]\ndata_dir = {data_dir:?}\n{more}\n[[trunk]]\nname = \"carrier\"\nhost = \"127.0.0.1:5070\"\n\
             username = \"u\"\npassword = \"s3cret\"\n"
        );
        let config = Config::parse(text.as_bytes(), "outpace.toml").unwrap();
        let (store, acks) = Store::open(&config.store_url()).unwrap();
        let store = Arc::new(store);
        let mut tokens = BTreeMap::new();
        for role in Role::ALL {
            let made = Token::generate().unwrap();
            token::put(&store, TenantId::DEFAULT, role.name(), role, &made, wall_now()).unwrap();
            tokens.insert(role, made.reveal().to_owned());
        }
        let (control, end) = Control::new(Journal::new(77));
        let service = Service::new(control, store.clone(), Arc::new(ArcSwap::from_pointee(config)), None, outfit);
        let (asked, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let live = Live { end, store: store.clone(), picture: picture(), asked: asked.clone(), next_call: 7 };
        live.end.show(live.picture.clone());
        let ended = over.clone();
        let control = std::thread::spawn(move || {
            let mut live = live;
            while !ended.load(Ordering::Relaxed) {
                // Nobody reads the acknowledgements; they must not fill the queue.
                while acks.try_recv().is_ok() {}
                if let Ok(job) = live.end.jobs.recv_timeout(Duration::from_millis(5)) {
                    let answer = live.answer(job.request);
                    // A second goes by with each request.
                    live.picture.at_us += 1_000_000;
                    live.end.show(live.picture.clone());
                    let _ = job.answer.send(answer);
                }
            }
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = runtime.spawn(serve(listener, service.clone(), async {
            let _ = stopped.await;
        }));
        Bench {
            folder,
            service,
            store,
            address,
            tokens,
            asked,
            stop: Some(stop),
            served: Some(served),
            runtime,
            over,
            control: Some(control),
        }
    }

    /// Served anew, as after a restart.
    fn serve_again(&mut self, outfit: Outfit) {
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        self.address = listener.local_addr().unwrap();
        let old = self.served.take();
        drop(self.stop.take());
        if let Some(old) = old {
            let _ = self.runtime.block_on(old);
        }
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let config = self.service.config.clone();
        self.service = Service::new(self.service.control.clone(), self.store.clone(), config, None, outfit);
        self.served = Some(self.runtime.spawn(serve(listener, self.service.clone(), async {
            let _ = stopped.await;
        })));
        self.stop = Some(stop);
    }

    /// One request of a role; `headers` may override what is sent by default.
    fn send(&self, role: Role, method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]) -> Answer {
        let token = format!("Bearer {}", self.tokens[&role]);
        let mut all = vec![("authorization", token.as_str())];
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            all.push(("content-type", "application/json"));
        }
        all.extend_from_slice(headers);
        request(self.address, method, path, body, &all)
    }

    fn get(&self, role: Role, path: &str) -> Answer {
        self.send(role, "GET", path, None, &[])
    }

    fn post(&self, role: Role, path: &str, body: &Value) -> Answer {
        self.send(role, "POST", path, Some(&body.to_string()), &[])
    }

    /// How often something was asked of the control thread.
    fn asked(&self, begins: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(begins)).count()
    }

    fn tell(&self, kind: &'static str, data: Value) {
        self.service.control.journal().tell(1, kind, data);
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(served) = self.served.take() {
            let _ = self.runtime.block_on(served);
        }
        self.over.store(true, Ordering::Relaxed);
        let _ = self.control.take().map(JoinHandle::join);
        let _ = self.store.close();
        drop(std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap()));
    }
}

fn request(address: SocketAddr, method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into();
    let mut builder = ureq::http::Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let mut response = match body {
        Some(body) => agent.run(builder.body(body.to_owned()).unwrap()),
        None => agent.run(builder.body(()).unwrap()),
    }
    .unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    Answer { status: response.status().as_u16(), headers: response.headers().clone(), text }
}

/// The control thread's side.
struct Live {
    end: ControlEnd,
    store: Arc<Store>,
    picture: Snapshot,
    asked: Arc<Mutex<Vec<String>>>,
    next_call: u64,
}

fn picture() -> Snapshot {
    let mut picture = Snapshot { at_us: 1, ready: true, ..Snapshot::default() };
    picture.store.state = "ok";
    picture.agents.insert(1, agent(1, "ann"));
    picture.trunks.insert(
        "carrier".to_owned(),
        TrunkView {
            name: "carrier".to_owned(),
            host: "127.0.0.1:5070".to_owned(),
            up: Some(true),
            registered: None,
            channels: 1,
            channels_max: 100,
            cps_max: 10.0,
        },
    );
    picture
}

fn agent(id: u64, name: &str) -> AgentView {
    AgentView {
        id,
        name: name.to_owned(),
        state: "ready".to_owned(),
        since_us: 1,
        wish: crate::control::api::AgentWish::Ready,
        phone_up: true,
        offer: None,
        skills: Vec::new(),
        call: None,
        occupancy: 0.5,
    }
}

impl Live {
    fn answer(&mut self, request: Request) -> Result<Reply, Refusal> {
        self.asked.lock().unwrap().push(format!("{request:?}"));
        match request {
            Request::Originate(call) => {
                if call.to == "full" {
                    return Err(Refusal::Busy { what: "all channels are in use".to_owned(), retry_after_s: 3 });
                }
                let id = self.next_call;
                self.next_call += 1;
                let view = CallView {
                    id,
                    direction: "outbound",
                    state: "dialling",
                    from: call.caller_id.unwrap_or_default(),
                    to: call.to,
                    trunk: Some(call.trunk),
                    campaign: None,
                    attempt: None,
                    agent: matches!(call.connect, Connect::Agent(_)).then(|| "ann".to_owned()),
                    began_us: 2,
                    answered_us: None,
                    connected_us: None,
                    codec: None,
                    quality: None,
                    verdict: None,
                };
                self.picture.calls.insert(id, view.clone());
                Ok(Reply::Call(Box::new(view)))
            }
            Request::HangUp(call) => match self.picture.calls.remove(&call.0) {
                Some(_) => Ok(Reply::Done),
                None => Err(Refusal::NotFound { what: format!("call {call}") }),
            },
            Request::ShowCall(call) => match self.picture.calls.get(&call.0) {
                Some(view) => {
                    let began = TimelineEntry { at_us: view.began_us, what: "began".into(), detail: None };
                    Ok(Reply::CallDetail(Box::new(CallDetail { call: view.clone(), timeline: vec![began] })))
                }
                None => Err(Refusal::NotFound { what: format!("call {call}") }),
            },
            Request::ShowDecisions { at, limit, .. } => {
                let at_us = Some(at.as_unix_us() - i64::from(limit));
                Ok(Reply::Decisions(Box::new(DecisionsView { items: vec![], oldest_us: at_us, newest_us: at_us })))
            }
            Request::ShowCalibration(_) => {
                Ok(Reply::Calibration(Box::new(CalibrationView::from(&dialer::pacing::Calibration::default()))))
            }
            Request::PutCampaign { campaign, settings, .. } => {
                let view = CampaignView {
                    id: campaign.0,
                    name: settings.name.clone(),
                    list: settings.list.clone(),
                    state: "stopped".to_owned(),
                    why: "stopped".to_owned(),
                    settings: Value::Object(settings.to_json()),
                    outcomes: BTreeMap::from([("human".to_owned(), 3)]),
                    ..CampaignView::default()
                };
                self.picture.campaigns.insert(campaign.0, view.clone());
                Ok(Reply::Campaign(Box::new(view)))
            }
            Request::StartCampaign(campaign) => {
                let view = self.picture.campaigns.get_mut(&campaign.0).unwrap();
                view.state = "running".to_owned();
                Ok(Reply::Campaign(Box::new(view.clone())))
            }
            Request::RemoveCampaign(campaign) => {
                self.picture.campaigns.remove(&campaign.0);
                Ok(Reply::Done)
            }
            Request::PutAgent { agent: id, settings, .. } => {
                let view = AgentView { skills: settings.skills.clone(), ..agent(id.0, &settings.name) };
                self.picture.agents.insert(id.0, view.clone());
                Ok(Reply::Agent(Box::new(view)))
            }
            Request::PutTrunk { settings, .. } => {
                if settings.max_cps == 666.0 {
                    return Err(Refusal::Conflict { what: "no room".to_owned(), mend: "make some".to_owned() });
                }
                let known = self.picture.trunks["carrier"].clone();
                let view = TrunkView { name: settings.name.clone(), channels_max: settings.max_channels, ..known };
                self.picture.trunks.insert(view.name.clone(), view.clone());
                Ok(Reply::Trunk(Box::new(view)))
            }
            Request::RemoveTrunk(_) => {
                self.picture.trunks.retain(|name, _| name == "carrier");
                Ok(Reply::Done)
            }
            Request::SetAgent { agent, .. } => Ok(Reply::Agent(Box::new(self.picture.agents[&agent.0].clone()))),
            Request::DoNotCall { number, campaign, reason, source } => {
                self.keep(Op::Suppress(suppression(number, campaign, reason, source, store::Action::Add)))
            }
            Request::CallAgain { number, campaigns, source } => {
                for campaign in campaigns {
                    let row =
                        suppression(number.clone(), campaign, "lifted".to_owned(), source.clone(), store::Action::Lift);
                    self.keep(Op::Suppress(row))?;
                }
                Ok(Reply::Done)
            }
            Request::Consent(row) => self.keep(Op::Consent(*row)),
            Request::LiftMark(number) => self.keep(Op::UnmarkNumber(TenantId::DEFAULT, number)),
            Request::ForgetRecording(id) => self.keep(Op::AmdRecordingGone(TenantId::DEFAULT, id)),
            Request::AmdLabel(row) | Request::Disposition { answered: Some(row), .. } => self.keep(Op::AmdLabel(row)),
            _ => Ok(Reply::Done),
        }
    }

    fn keep(&self, op: Op) -> Result<Reply, Refusal> {
        self.store.submit(1, op).unwrap();
        self.store.flush().unwrap();
        Ok(Reply::Done)
    }
}

fn suppression(
    number: String,
    campaign: Option<base::CampaignId>,
    reason: String,
    source: String,
    action: store::Action,
) -> SuppressRow {
    let (tenant, at) = (TenantId::DEFAULT, wall_now());
    SuppressRow { tenant, number, action, campaign, reason, source, at, until: None }
}

/// Waits for something that comes soon.
#[track_caller]
fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came");
}
