//! What the API asks of the live state.

use super::{AgentPhone, Conductor, Output, rows};
use crate::config;
use crate::control::api::{AgentWish, Refusal, Reply, Request};
use crate::control::decisions::CalibrationView;
use crate::control::views::AmdDrift;
use base::{AgentId, CampaignId, Instant, ListId, TrunkId};
use dialer::{Input, Number};
use std::collections::{BTreeMap, BTreeSet};

/// A campaign as the conductor knows it.
pub(super) struct Campaign {
    pub(super) name: String,
    pub(super) list: ListId,
    pub(super) settings: config::Campaign,
    /// What of its answer detection is unlike the week before.
    pub(super) amd_drift: Vec<AmdDrift>,
}

/// How a request was answered.
#[derive(Debug)]
pub enum Answer {
    /// At once.
    Now(Result<Reply, Refusal>),
    /// When the op of this token is on the disk; refused if it cannot be.
    OnDisk(u64, Reply),
}

impl Conductor {
    /// Does what is asked, or says why not.
    pub fn handle_request(&mut self, now: Instant, request: Request) -> Answer {
        // What is only said of calls that are there must go on: a wish not to be called above all.
        let begins = matches!(
            request,
            Request::Originate(_)
                | Request::StartCampaign(_)
                | Request::PutCampaign { .. }
                | Request::PutAgent { .. }
                | Request::PutTrunk { .. }
                | Request::SetRoutes(_)
                | Request::SetLimits { .. }
                | Request::SetAgent { wish: AgentWish::Ready | AgentWish::OnBreak, .. }
        );
        if self.draining && begins {
            return Answer::Now(Err(Refusal::Draining));
        }
        let answer = match request {
            Request::Originate(call) => Answer::Now(self.place(now, call)),
            Request::HangUp(call) => Answer::Now(self.end_call(now, call)),
            Request::ShowCall(call) => {
                let detail = self.call_detail(call).map(|detail| Reply::CallDetail(Box::new(detail)));
                Answer::Now(detail.ok_or_else(|| Refusal::NotFound { what: format!("call {call}") }))
            }
            Request::ShowDecisions { campaign, at, limit } => {
                let decisions = self.decisions(now, campaign, at, limit as usize);
                let decisions = decisions.map(|decisions| Reply::Decisions(Box::new(decisions)));
                Answer::Now(decisions.ok_or_else(|| Refusal::NotFound { what: format!("campaign {campaign}") }))
            }
            Request::ShowCalibration(campaign) => {
                let calibration = self.dialer.calibration(campaign).map(CalibrationView::from);
                let calibration = calibration.map(|calibration| Reply::Calibration(Box::new(calibration)));
                Answer::Now(calibration.ok_or_else(|| Refusal::NotFound { what: format!("campaign {campaign}") }))
            }
            Request::PutCampaign { campaign, list, settings, messages } => {
                Answer::Now(self.put_campaign(now, campaign, list, *settings, messages))
            }
            Request::RemoveCampaign(campaign) => Answer::Now(self.remove_campaign(now, campaign)),
            Request::StartCampaign(campaign) => self.run_campaign(now, campaign, "running"),
            Request::PauseCampaign(campaign) => self.run_campaign(now, campaign, "paused"),
            Request::StopCampaign(campaign) => self.run_campaign(now, campaign, "stopped"),
            Request::PutAgent { agent, settings, phone } => Answer::Now(self.put_agent(now, agent, *settings, phone)),
            Request::RemoveAgent(agent) => Answer::Now(self.remove_agent(now, agent)),
            Request::Preview { agent, lead, choice } => Answer::Now(self.preview(now, agent, lead, choice)),
            Request::SetAgent { agent, wish } => Answer::Now(self.set_agent(now, agent, wish)),
            Request::Disposition { attempt, campaign, agent, code, note, person, answered } => {
                let row = rows::disposition(self.config.tenant, &self.anchor, now, attempt, agent, code, person, note);
                let token = self.store(store::Op::Disposition(row));
                self.dialer.handle_input(now, Input::Disposition { campaign, attempt, person });
                // In the order of their tokens: when the last is on the disk, the first is.
                let token = answered.map_or(token, |label| self.store(store::Op::AmdLabel(label)));
                Answer::OnDisk(token, Reply::Done)
            }
            Request::AmdFound { campaign, measured, drift } => {
                self.amd_found(now, campaign, measured, drift);
                Answer::Now(Ok(Reply::Done))
            }
            Request::AmdLabel(row) => Answer::OnDisk(self.store(store::Op::AmdLabel(row)), Reply::Done),
            Request::DoNotCall { number, campaign, reason, source } => {
                self.do_not_call(now, &number, campaign, reason, source)
            }
            Request::CallAgain { number, campaigns, source } => self.call_again(now, &number, campaigns, &source),
            Request::LiftMark(number) => self.lift_mark(now, &number),
            Request::ForgetRecording(id) => self.forget_recording(&id),
            Request::Consent(row) => {
                let number = Number::parse(&row.number).ok();
                let token = self.store(store::Op::Consent(*row));
                self.revived.extend(number.map(|number| (token, number)));
                Answer::OnDisk(token, Reply::Done)
            }
            Request::CallBack { row, number } => {
                let number = Number::parse(&number).ok();
                let token = self.store(store::Op::Callback(*row));
                self.revived.extend(number.map(|number| (token, number)));
                Answer::OnDisk(token, Reply::Done)
            }
            Request::ListGrew(list) => {
                // Lists of a mix are known by their names alone: their campaigns look again, too.
                let dials = |campaign: &Campaign| campaign.list == list || campaign.settings.mix.is_some();
                let over = self.campaigns.iter().filter(|(_, campaign)| dials(campaign)).map(|(id, _)| *id);
                for campaign in over.collect::<Vec<_>>() {
                    self.outputs.push_back(Output::ListGrew(campaign));
                }
                Answer::Now(Ok(Reply::Done))
            }
            Request::PutTrunk { trunk, settings } => {
                let room = self.trunks.contains_key(&trunk) || self.trunks.len() < dialer::TRUNKS_MAX;
                Answer::Now(if room {
                    self.put_trunk(now, trunk, *settings);
                    self.trunk_reply(trunk)
                } else {
                    Err(Refusal::Conflict {
                        what: format!("trunk {:?} finds no room: {} are the most", settings.name, dialer::TRUNKS_MAX),
                        mend: "delete one that is not used".to_owned(),
                    })
                })
            }
            Request::RemoveTrunk(trunk) => Answer::Now(self.remove_trunk(now, trunk)),
            Request::SetRoutes(routes) => {
                self.set_routes(routes);
                self.outputs.push_back(Output::Tell("routes.changed", serde_json::json!({})));
                Answer::Now(Ok(Reply::Done))
            }
            Request::SetLimits { wrap_up, drain } => {
                self.dialer.handle_input(now, Input::WrapUpLimit { limit: Some(wrap_up) });
                self.outputs.push_back(Output::DrainLimit(drain));
                Answer::Now(Ok(Reply::Done))
            }
            Request::Drain => {
                self.drain(now);
                Answer::Now(Ok(Reply::Done))
            }
        };
        self.drain_dialer(now);
        answer
    }

    fn put_campaign(
        &mut self,
        now: Instant,
        id: CampaignId,
        list: ListId,
        settings: config::Campaign,
        mut messages: Messages,
    ) -> Result<Reply, Refusal> {
        let Some(trunk) = self.trunk_named(&settings.trunk) else {
            return Err(Refusal::NotFound { what: format!("trunk {:?}", settings.trunk) });
        };
        let mut wanted = settings.dialer_config(trunk).map_err(|error| Refusal::Invalid {
            field: "campaign".to_owned(),
            what: error.to_string(),
            mend: "change it, or the profile".to_owned(),
        })?;
        if !settings.agents.is_empty() {
            wanted.skills.insert(team(&settings.name));
        }
        for (key, prompt) in &messages {
            let max = base::Duration::from_ms(u64::from(prompt.duration_ms()) + MESSAGE_SLACK_MS);
            wanted.message_lasts(&settings.message_name(key), max);
            wanted.validate().map_err(|error| Refusal::Invalid {
                field: (*key).to_owned(),
                what: error.to_string(),
                mend: "record it anew".to_owned(),
            })?;
        }
        let config = Box::new(wanted);
        let before = self.campaigns.get(&id).map(|campaign| campaign.list);
        // Leads of the list before would be dialled on, and the ledger is the campaign's, not the list's.
        if before.is_some_and(|before| before != list) {
            return Err(Refusal::Conflict {
                what: format!("campaign {:?} dials another list already", settings.name),
                mend: "make a campaign of its own for the new list, or change the file and start anew".to_owned(),
            });
        }
        let known = before.is_some();
        let source = |campaigns: &BTreeMap<CampaignId, Campaign>| {
            campaigns.get(&id).map(|campaign| campaign.settings.source(list, id.0))
        };
        let source_before = source(&self.campaigns);
        let asked = self.campaigns.get(&id).map(|campaign| campaign.settings.asks_consent());
        if asked.is_some_and(|asked| asked != settings.asks_consent()) {
            return Err(Refusal::Conflict {
                what: format!("the leads of campaign {:?} are loaded under the other rule of consent", settings.name),
                mend: "change the profile in the file and start anew, or make another campaign".to_owned(),
            });
        }
        let input =
            if known { Input::Configure { campaign: id, config } } else { Input::AddCampaign { campaign: id, config } };
        self.dialer.handle_input(now, input);
        if self.dialer.campaign_snapshot(now, id).is_none() {
            return Err(Refusal::Conflict {
                what: format!("campaign {:?} finds no room: {} are the most", settings.name, dialer::CAMPAIGNS_MAX),
                mend: "remove one that is over".to_owned(),
            });
        }
        let name = settings.name.clone();
        // Nothing is refused from here on, so no refusal has changed what abandoned persons hear.
        for (key, _) in settings.messages() {
            let name = settings.message_name(key);
            match messages.remove(key) {
                Some(prompt) => self.config.messages.insert(name, prompt),
                None => self.config.messages.remove(&name),
            };
        }
        let amd_drift = self.campaigns.remove(&id).map(|before| before.amd_drift).unwrap_or_default();
        let campaign = Campaign { name: name.clone(), list, settings, amd_drift };
        self.campaigns.insert(id, campaign);
        let source = source(&self.campaigns);
        if let Some(source) = source.filter(|source| source_before.as_ref() != Some(source)) {
            self.outputs.push_back(Output::Supply(id, Box::new(source)));
        }
        self.teams_changed(now);
        self.drain_dialer(now);
        self.tell_campaign(now, "campaign.changed", id);
        self.campaign_reply(now, id)
    }

    fn remove_campaign(&mut self, now: Instant, id: CampaignId) -> Result<Reply, Refusal> {
        let Some(campaign) = self.campaigns.get(&id) else {
            return Err(Refusal::NotFound { what: format!("campaign {id}") });
        };
        let name = campaign.name.clone();
        let messages = campaign.settings.messages().map(|(key, _)| campaign.settings.message_name(key));
        let running = self.dialer.campaign_snapshot(now, id).is_some_and(|view| view.state == "running");
        let busy = running || self.attempt_campaigns.values().any(|of| *of == id);
        if busy {
            return Err(Refusal::Conflict {
                what: format!("campaign {name:?} is running or has calls"),
                mend: "stop it and wait until its calls have ended".to_owned(),
            });
        }
        self.dialer.handle_input(now, Input::RemoveCampaign { campaign: id });
        self.campaigns.remove(&id);
        messages.iter().for_each(|message| drop(self.config.messages.remove(message)));
        self.outputs.push_back(Output::Unsupply(id));
        self.teams_changed(now);
        self.tell("campaign.removed", &serde_json::json!({ "id": id.0, "name": name }));
        Ok(Reply::Done)
    }

    fn remove_trunk(&mut self, now: Instant, id: TrunkId) -> Result<Reply, Refusal> {
        let Some(entry) = self.trunks.get(&id) else {
            return Err(Refusal::NotFound { what: format!("trunk {id}") });
        };
        let (name, remote, registered, pinged) =
            (entry.name.clone(), entry.remote, entry.register, !entry.ping.is_zero());
        let over: Vec<&str> = self
            .campaigns
            .values()
            .filter(|campaign| campaign.settings.trunk == name)
            .map(|campaign| campaign.name.as_str())
            .collect();
        let conflict = |what: String, mend: &str| Err(Refusal::Conflict { what, mend: mend.to_owned() });
        if !over.is_empty() {
            let what = format!("trunk {name:?} is dialled over by {}", over.join(", "));
            return conflict(what, "give those campaigns another trunk, or delete them");
        }
        if self.routes.iter().any(|route| route.from_trunk == Some(id)) {
            return conflict(format!("a route names trunk {name:?}"), "change the routes first");
        }
        if self.channels_in_use(id) > 0 {
            return conflict(format!("trunk {name:?} has calls"), "wait until they have ended, or end them");
        }
        self.let_trunk_go(id, remote, registered, pinged);
        self.trunks.remove(&id);
        self.dialer.handle_input(now, Input::RemoveTrunk { trunk: id });
        self.outputs.push_back(Output::Tell("trunk.removed", serde_json::json!({ "name": name })));
        Ok(Reply::Done)
    }

    fn trunk_reply(&mut self, id: TrunkId) -> Result<Reply, Refusal> {
        let view = self.trunk_view(id).ok_or(Refusal::Gone)?;
        self.tell("trunk.changed", &view);
        Ok(Reply::Trunk(Box::new(view)))
    }

    fn run_campaign(&mut self, now: Instant, id: CampaignId, state: &'static str) -> Answer {
        if !self.campaigns.contains_key(&id) {
            return Answer::Now(Err(Refusal::NotFound { what: format!("campaign {id}") }));
        }
        let input = match state {
            "running" => Input::Start { campaign: id },
            "paused" => Input::Pause { campaign: id },
            _ => Input::Stop { campaign: id },
        };
        self.dialer.handle_input(now, input);
        if state == "stopped" {
            // Others that dial its lists may have its leads.
            self.outputs.extend(
                self.campaigns
                    .get(&id)
                    .map(|campaign| Output::Supply(id, Box::new(campaign.settings.source(campaign.list, id.0)))),
            );
        }
        let row = rows::campaign_state(self.config.tenant, &self.anchor, now, id, state);
        let token = self.store(store::Op::CampaignState(row));
        self.drain_dialer(now);
        self.tell_campaign(now, "campaign.state", id);
        match self.campaign_reply(now, id) {
            Ok(reply) => Answer::OnDisk(token, reply),
            Err(refusal) => Answer::Now(Err(refusal)),
        }
    }

    /// Goes on where the process before this one stopped; the row says so already.
    pub fn resume_campaign(&mut self, now: Instant, campaign: CampaignId, state: &str) {
        match state {
            "running" | "finished" => self.handle_input(now, Input::Start { campaign }),
            "paused" => self.handle_input(now, Input::Pause { campaign }),
            _ => {}
        }
    }

    fn put_agent(
        &mut self,
        now: Instant,
        id: AgentId,
        settings: config::Agent,
        remote: Option<std::net::SocketAddr>,
    ) -> Result<Reply, Refusal> {
        let line = match (settings.sip.clone(), remote) {
            (Some(uri), Some(remote)) => Some(AgentPhone { uri, remote }),
            _ => None,
        };
        let name = settings.name.clone();
        self.agent_skills.insert(id, settings.skills.iter().cloned().collect());
        let skills = self.skills_of(id, &name);
        if self.phones.contains_key(&id) {
            self.change_line(id, name, line);
            self.dialer.handle_input(now, Input::SetSkills { agent: id, skills });
        } else {
            self.add_agent(now, id, &name, line, skills);
            if settings.auto_ready {
                self.set_agent(now, id, AgentWish::Ready)?;
            }
        }
        self.drain_dialer(now);
        self.agent_reply(now, id)
    }

    fn remove_agent(&mut self, now: Instant, id: AgentId) -> Result<Reply, Refusal> {
        let Some(entry) = self.dialer.desk().agent(id) else {
            return Err(Refusal::NotFound { what: format!("agent {id}") });
        };
        if entry.item().is_some() {
            return Err(Refusal::Conflict {
                what: format!("agent {:?} has a call", entry.name),
                mend: "log the agent out and wait until the call has ended".to_owned(),
            });
        }
        let name = entry.name.clone();
        self.set_agent(now, id, AgentWish::LoggedOut)?;
        self.dialer.handle_input(now, Input::RemoveAgent { agent: id });
        self.agent_skills.remove(&id);
        self.forget_phone(id);
        self.tell("agent.removed", &serde_json::json!({ "id": id.0, "name": name }));
        Ok(Reply::Done)
    }

    fn lift_mark(&mut self, now: Instant, number: &str) -> Answer {
        let parsed = match parsed(number) {
            Ok(parsed) => parsed,
            Err(refused) => return Answer::Now(Err(refused)),
        };
        let token = self.store(store::Op::UnmarkNumber(self.config.tenant, number.to_owned()));
        self.revived.insert(token, parsed);
        self.dialer.handle_input(now, Input::LiftMark { number: parsed });
        Answer::OnDisk(token, Reply::Done)
    }

    pub(super) fn do_not_call(
        &mut self,
        now: Instant,
        number: &str,
        campaign: Option<CampaignId>,
        reason: String,
        source: String,
    ) -> Answer {
        let parsed = match parsed(number) {
            Ok(parsed) => parsed,
            Err(refused) => return Answer::Now(Err(refused)),
        };
        let row = rows::suppress(self.config.tenant, &self.anchor, now, parsed, campaign, reason, source);
        let token = self.store(store::Op::Suppress(row));
        // The dialer's set holds for all campaigns: what is suppressed for one is kept by the others too.
        self.dialer.handle_input(now, Input::DoNotCall { number: parsed });
        Answer::OnDisk(token, Reply::Done)
    }

    fn call_again(&mut self, now: Instant, number: &str, campaigns: Vec<Option<CampaignId>>, source: &str) -> Answer {
        let parsed = match parsed(number) {
            Ok(parsed) => parsed,
            Err(refused) => return Answer::Now(Err(refused)),
        };
        let mut answer = Answer::Now(Ok(Reply::Done));
        for campaign in campaigns {
            let row = rows::suppress(
                self.config.tenant,
                &self.anchor,
                now,
                parsed,
                campaign,
                "lifted".to_owned(),
                source.to_owned(),
            );
            let token = self.store(store::Op::Suppress(store::SuppressRow { action: store::Action::Lift, ..row }));
            self.revived.insert(token, parsed);
            answer = Answer::OnDisk(token, Reply::Done);
        }
        self.dialer.handle_input(now, Input::LiftDoNotCall { number: parsed });
        answer
    }

    /// No new calls from now on. Campaigns keep their state in the store: the next process goes on with them.
    fn drain(&mut self, now: Instant) {
        self.draining = true;
        self.dialer.handle_input(now, Input::Hold { on: true });
        self.outputs.push_back(Output::Tell("server.draining", serde_json::json!({})));
    }

    /// Whether `drain` was asked for.
    pub fn draining(&self) -> bool {
        self.draining
    }

    /// Which agents belong to a campaign's team is a skill; campaigns that name agents changed.
    fn teams_changed(&mut self, now: Instant) {
        let agents: Vec<(AgentId, String)> = self.phones.iter().map(|(id, phone)| (*id, phone.name.clone())).collect();
        for (agent, name) in agents {
            let skills = self.skills_of(agent, &name);
            if self.dialer.desk().agent(agent).is_some_and(|entry| entry.skills != skills) {
                self.dialer.handle_input(now, Input::SetSkills { agent, skills });
            }
        }
    }

    fn skills_of(&self, agent: AgentId, name: &str) -> desk::Skills {
        let mut skills: BTreeSet<String> = self.agent_skills.get(&agent).cloned().unwrap_or_default();
        let mine =
            self.campaigns.values().filter(|campaign| campaign.settings.agents.iter().any(|other| other == name));
        skills.extend(mine.map(|campaign| team(&campaign.name)));
        skills.into_iter().collect()
    }

    fn trunk_named(&self, name: &str) -> Option<TrunkId> {
        self.trunks.iter().find(|(_, entry)| entry.name == name).map(|(id, _)| *id)
    }

    fn campaign_reply(&self, now: Instant, id: CampaignId) -> Result<Reply, Refusal> {
        self.campaign_view(now, id).map(|view| Reply::Campaign(Box::new(view))).ok_or(Refusal::Gone)
    }

    pub(super) fn agent_reply(&self, now: Instant, id: AgentId) -> Result<Reply, Refusal> {
        self.agent_view(now, id).map(|view| Reply::Agent(Box::new(view))).ok_or(Refusal::Gone)
    }

    pub(super) fn tell_campaign(&mut self, now: Instant, kind: &'static str, id: CampaignId) {
        if let Some(view) = self.campaign_view(now, id) {
            self.tell(kind, &view);
        }
    }
}

/// What is played in a campaign, by the keys that name the files.
type Messages = BTreeMap<&'static str, std::sync::Arc<media::playout::Prompt>>;

/// The skill that a campaign's own agents have. A colon cannot stand in a configured skill, so no two can meet.
fn team(campaign: &str) -> String {
    format!("campaign:{campaign}")
}

/// A message may take so much longer than its audio until it is cut: its last packets and the event of its end.
const MESSAGE_SLACK_MS: u64 = 1_000;

/// A number of a request.
fn parsed(number: &str) -> Result<Number, Refusal> {
    Number::parse(number).map_err(|_| Refusal::Invalid {
        field: "number".to_owned(),
        what: "is no number in international form".to_owned(),
        mend: "write it as +12125550100".to_owned(),
    })
}
