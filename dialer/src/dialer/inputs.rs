//! Each input's way to the function that takes it.

use base::Instant;
use desk::Wanted;

use super::{Dialer, RunState, TRUNKS_MAX};
use crate::compliance::Known;
use crate::io::Input;
use crate::reject::Reject;
use crate::trunk::Trunk;

impl Dialer {
    pub(super) fn take(&mut self, now: Instant, input: Input) -> Result<(), Reject> {
        match input {
            Input::AddCampaign { campaign, config } => self.add_campaign(now, campaign, *config),
            Input::Configure { campaign, config } => self.configure(now, campaign, *config),
            Input::RemoveCampaign { campaign } => self.remove_campaign(campaign),
            Input::RestoreLedger { campaign, began, entries } => self.restore_ledger(now, campaign, began, entries),
            Input::AddLeads { campaign, leads } => self.add_leads(now, campaign, leads),
            Input::Screens { do_not_call, reassigned } => {
                self.screens = (do_not_call, reassigned);
                self.dirty = true;
                Ok(())
            }
            Input::LetGo { campaign, until } => self.let_go(now, campaign, until),
            Input::SupplyAway { campaign } => {
                self.campaign_mut(campaign)?.supply_away = true;
                Ok(())
            }
            Input::Start { campaign } => {
                self.campaign_mut(campaign)?.enter(now, RunState::Running);
                self.roll_ledger(now, campaign);
                self.dirty = true;
                Ok(())
            }
            Input::Pause { campaign } => {
                self.campaign_mut(campaign)?.enter(now, RunState::Paused);
                self.withdraw_offers(now, campaign);
                Ok(())
            }
            Input::Stop { campaign } => {
                self.campaign_mut(campaign)?.enter(now, RunState::Stopped);
                self.withdraw_offers(now, campaign);
                self.cancel_unanswered(now, campaign);
                Ok(())
            }
            Input::PlannedEnd { campaign, at } => {
                self.campaign_mut(campaign)?.planned_end = at;
                Ok(())
            }
            Input::AddAgent { agent, name, skills } => self.add_agent(now, agent, name, skills),
            Input::SetSkills { agent, skills } => self.set_skills(now, agent, skills),
            Input::RemoveAgent { agent } => self.remove_agent(now, agent),
            Input::ReserveAgent { agent, item } => self.reserve_agent(now, agent, item),
            Input::ItemConnected { agent } => self.item_connected(now, agent),
            Input::ItemFinished { agent } => self.item_finished(now, agent),
            Input::PutInbound { kind, config } => self.put_inbound(now, kind, *config),
            Input::InboundArrived { kind, item } => self.inbound_arrived(now, kind, item),
            Input::InboundLeft { item } => self.inbound_left(item),
            Input::PreviewAccept { agent, lead } => self.accept(now, agent, lead),
            Input::PreviewSkip { agent, lead } => self.skip(now, agent, lead),
            Input::AgentReady { agent } => self.set_agent(now, agent, Wanted::Ready),
            Input::AgentBreak { agent, announced } => self.set_agent(now, agent, Wanted::OnBreak { announced }),
            Input::AgentLoggedOut { agent } => self.set_agent(now, agent, Wanted::LoggedOut { announced: false }),
            Input::AgentLeaves { agent } => self.set_agent(now, agent, Wanted::LoggedOut { announced: true }),
            Input::IntentDurable { attempt } => self.intent_durable(now, attempt),
            Input::IntentRefused { attempt } => self.intent_refused(now, attempt),
            Input::IntentDeferred { attempt } => self.intent_deferred(now, attempt),
            Input::LeadElsewhere { attempt } => self.lead_elsewhere(now, attempt),
            Input::Progress { attempt, early_media } => self.progress(now, attempt, early_media),
            Input::Heard { attempt, class } => self.heard(now, attempt, class),
            Input::Answered { attempt } => self.answered(now, attempt),
            Input::GreetingEnded { attempt, at } => self.greeting_ended(now, attempt, at),
            Input::Verdict { attempt, verdict, greeting_end } => self.verdict(now, attempt, verdict, greeting_end),
            Input::Revised { attempt, revision, at } => self.revised(now, attempt, revision, at),
            Input::AmdMeasured { campaign, measured } => self.amd_measured(now, campaign, measured),
            Input::Connected { attempt, agent } => self.connected(now, attempt, agent),
            Input::MessageBegan { attempt, at } => self.message_began(now, attempt, at),
            Input::MessageEnded { attempt } => self.message_ended(now, attempt),
            Input::MessageCut { attempt } => self.message_cut(attempt),
            Input::Disposition { campaign, attempt, person } => {
                let recorded = self.campaign_mut(campaign)?.ledger.record(attempt, person);
                if recorded { Ok(()) } else { Err(Reject::NotCounted(attempt)) }
            }
            Input::Ended { attempt, cause } => self.ended(now, attempt, cause),
            Input::TrunkRoom { trunk, channels, cps } => {
                if !self.trunks.contains_key(&trunk) && self.trunks.len() >= TRUNKS_MAX {
                    return Err(Reject::Full);
                }
                let entry = self.trunks.entry(trunk).or_insert_with(|| Trunk::new(0, 0.0));
                entry.set_channels(channels);
                entry.set_rate(cps);
                self.release_held(now);
                self.dirty = true;
                Ok(())
            }
            Input::RemoveTrunk { trunk } => {
                let dialled = self.campaigns.values().any(|campaign| campaign.config.trunk == trunk);
                if dialled || self.trunk_in_use(trunk) > 0 {
                    return Err(Reject::TrunkBusy(trunk));
                }
                self.trunks.remove(&trunk);
                Ok(())
            }
            Input::WrapUpLimit { limit } => {
                self.desk.set_wrap_up_limit(limit);
                Ok(())
            }
            Input::DoNotCall { number } => {
                if self.gate.do_not_call(number) {
                    Ok(())
                } else {
                    Err(Reject::Full)
                }
            }
            Input::LiftDoNotCall { number } => {
                self.gate.lift_do_not_call(number);
                Ok(())
            }
            Input::LiftMark { number } => {
                self.gate.lift_mark(number);
                Ok(())
            }
            Input::Reconsider { campaign } => self.reconsider(now, campaign),
            Input::History { number, attempts, abandoned, machine } => {
                let now_us = self.steady_us(now);
                self.gate.history(number, &Known { attempts: &attempts, abandoned, machine }, now_us);
                Ok(())
            }
            Input::Hold { on } => {
                self.on_hold = on;
                self.dirty = true;
                Ok(())
            }
            Input::WallClock { anchor } => {
                self.wall = anchor;
                Ok(())
            }
        }
    }
}
