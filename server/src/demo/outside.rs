//! The world outside of the product: a carrier and the agents' phones, each with an engine of its own.

use super::DemoArgs;
use super::setting::PORTS;
use crate::failure::Failure;
use base::Seed;
use loadtest::runner::Actor;
use loadtest::{AgentPhones, Carrier, Crowd, SpeechBank};
use net::EngineConfig;
use std::net::SocketAddr;
use std::sync::Arc;

/// See the module's head.
pub(super) struct Outside {
    carrier: Actor<Carrier>,
    phones: Actor<AgentPhones>,
    /// The agents, by whose names the phones are called.
    pub(super) names: Vec<String>,
}

impl Outside {
    pub(super) fn start(arguments: &DemoArgs, bank: &Arc<SpeechBank>, seed: Seed) -> Result<Outside, Failure> {
        let names: Vec<String> = (1..=arguments.agents).map(|number| format!("agent-{number:02}")).collect();
        let engine = |user_agent: &str, names: &str| EngineConfig {
            ports: PORTS,
            user_agent: user_agent.to_owned(),
            names: names.to_owned(),
            ..EngineConfig::default()
        };
        let carrier = Carrier::new(Crowd::new(arguments.callees()?), Arc::clone(bank), seed);
        let carrier = Actor::start(engine("Simulated carrier", "carrier"), carrier)?;
        let phones = AgentPhones::new(&names, bank, seed);
        let phones = Actor::start(engine("Simulated phone", "phones"), phones)?;
        Ok(Outside { carrier, phones, names })
    }

    /// Where the carrier takes calls.
    pub(super) fn carrier(&self) -> SocketAddr {
        self.carrier.sip_addr()
    }

    /// Where the phones are.
    pub(super) fn phones(&self) -> SocketAddr {
        self.phones.sip_addr()
    }

    /// What the carrier saw, and how many talks the phones heard.
    pub(super) fn stop(self) -> (loadtest::Ledger, usize) {
        let phones = self.phones.stop();
        let carrier = self.carrier.stop();
        (carrier.ledger().clone(), phones.talks().len())
    }
}
