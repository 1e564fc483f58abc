//! An installation with a campaign, a carrier and agents' phones around it.

use crate::books::Books;
use crate::harness::{Api, Database, Product, Site, wait_for};
use crate::witness::{self, Seen, Witness};
use base::ListId;
use loadtest::{AgentPhones, Carrier};

pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) carrier: Witness<Carrier>,
    pub(crate) phones: Witness<AgentPhones>,
    pub(crate) api: Api,
    pub(crate) list: ListId,
    /// Sections of the configuration that name trunk and agents.
    pub(crate) sections: String,
    leads: usize,
}

/// The rows and the books of all others, when everything has ended.
pub(crate) struct Ended {
    pub(crate) books: Books,
    pub(crate) calls: Vec<Seen>,
    pub(crate) agent_calls: Vec<Seen>,
    pub(crate) carrier: Carrier,
    pub(crate) faults: Vec<String>,
}

impl Stage {
    /// Callees as `scenario` says, so many agents and leads, and the campaign, stopped.
    pub(crate) fn set(database: Database, scenario: &str, agents: usize, leads: usize, seed: u64) -> Stage {
        Stage::set_at(Site::new(database), scenario, agents, leads, seed)
    }

    /// The same on a site of the caller's.
    pub(crate) fn set_at(site: Site, scenario: &str, agents: usize, leads: usize, seed: u64) -> Stage {
        let carrier = witness::carrier(scenario, seed);
        let phones = witness::phones(agents, seed);
        let sections = witness::sections(carrier.sip(), phones.sip(), agents);
        site.configure("drain_s = 60", &format!("{sections}{}", witness::campaign("")));
        let list = site.fill_list(leads);
        let api = site.api();
        Stage { site, carrier, phones, api, list, sections, leads }
    }

    /// Starts the process and the campaign, and waits until so many calls are up.
    #[track_caller]
    pub(crate) fn run(&self, calls_up: usize) -> Product {
        let mut product = self.site.start();
        product.ready();
        self.api.drive("start");
        self.calls_up(calls_up);
        product
    }

    /// Waits until so many calls are up.
    #[track_caller]
    pub(crate) fn calls_up(&self, least: usize) {
        wait_for("calls", || (self.carrier.book().up().count() >= least).then_some(()));
    }

    /// INVITEs so far.
    pub(crate) fn invites(&self) -> usize {
        self.carrier.book().calls.len()
    }

    /// Waits for the ends of all answered calls, stops carrier and phones, and compares the books.
    #[track_caller]
    pub(crate) fn end(self) -> Ended {
        let settled = |call: &Seen| call.ended.is_some() || (call.picked_up.is_none() && call.acked.is_none());
        wait_for("the end of all answered calls", || self.carrier.book().calls.iter().all(settled).then_some(()));
        wait_for("the phones to be hung up", || (self.phones.book().up().count() == 0).then_some(()));
        let (calls, carrier) = self.carrier.stop();
        let (agent_calls, _) = self.phones.stop();
        let books = Books::read(&self.site, self.list);
        let faults = books.faults(self.leads, &calls);
        Ended { books, calls, agent_calls, carrier, faults }
    }
}

impl Ended {
    /// Ends the test when something does not fit.
    #[track_caller]
    pub(crate) fn fits(&self) {
        assert!(self.faults.is_empty(), "{} faults\n{}", self.faults.len(), self.faults.join("\n"));
    }
}
