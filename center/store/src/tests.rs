//! The store against a real file: what is acknowledged is there, what the law forbids is refused.

mod amd;
mod away;
mod contacts;
mod control;
mod crash;
mod disk;
mod expressions;
mod hopper;
mod logins;
mod million;
mod records;
mod reports;
mod restart;
mod screens;
mod seal;
mod speed;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use base::{AgentId, AttemptId, CallId, CampaignId, LeadId, ListId, WallTime};
use crossbeam::channel::Receiver;

use crate::testing::Postgres;
use crate::*;

const TENANT: TenantId = TenantId::DEFAULT;

fn at(us: i64) -> WallTime {
    WallTime::from_unix_us(1_772_000_000_000_000 + us)
}

/// Which database a test runs over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Backend {
    Sqlite,
    Postgres,
}

/// Runs tests that take a [`Backend`] over both.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(super::Backend::Sqlite) })*
        }
        mod postgres {
            $(#[test] fn $name() { super::$name(super::Backend::Postgres) })*
        }
    };
}
use on_both;

/// Where a store lives; gone with it.
enum Home {
    Folder(tempfile::TempDir),
    Database(String),
}

impl Home {
    fn new(on: Backend) -> Home {
        match on {
            Backend::Sqlite => Home::Folder(tempfile::tempdir().unwrap()),
            Backend::Postgres => Home::Database(fresh_database()),
        }
    }

    fn url(&self) -> String {
        match self {
            Home::Folder(folder) => url(folder.path()),
            Home::Database(url) => url.clone(),
        }
    }
}

/// A new database on the server that all tests of this process share; the guardian ends it with the process.
fn fresh_database() -> String {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    SERVER.get_or_init(Postgres::start).create_database(&name)
}

/// An open store in a home of its own, with a campaign and a list of leads.
struct Fixture {
    store: Store,
    acks: Receiver<Ack>,
    campaign: CampaignId,
    list: ListId,
    leads: Vec<LeadId>,
    // Last, so that the store is closed before its home goes.
    home: Home,
}

fn url(folder: &std::path::Path) -> String {
    format!("sqlite:{}", folder.join("outpace.db").display())
}

fn number(n: usize) -> String {
    format!("+1555{n:07}")
}

fn new_leads(range: std::ops::Range<usize>) -> Vec<NewLead> {
    range.map(|n| NewLead { number: number(n), ..NewLead::default() }).collect()
}

fn fixture(on: Backend, leads: usize) -> Fixture {
    let home = Home::new(on);
    let (store, acks) = Store::open(&home.url()).unwrap();
    let campaign = store.ensure_campaign(TENANT, "spring", at(0)).unwrap();
    let list = store.create_list(TENANT, "people", at(0)).unwrap();
    store.import_leads(TENANT, list, new_leads(0..leads), at(0)).unwrap();
    let leads = store.leads(TENANT, list, None, 0).unwrap().into_iter().map(|row| row.lead).collect();
    Fixture { store, acks, campaign, list, leads, home }
}

fn intent(campaign: CampaignId, lead: LeadId, attempt: u64, attempt_number: u32) -> AttemptIntentRow {
    AttemptIntentRow {
        tenant: TENANT,
        attempt: AttemptId(attempt),
        campaign,
        lead,
        attempt_number,
        number: number(lead.0 as usize - 1),
        trunk: "carrier".to_owned(),
        caller_id: Some("+15550000000".to_owned()),
        at: at(attempt as i64 * 1_000_000),
        consent_allowed: true,
        consent_rule: "list_consent".to_owned(),
        consent_proof: Some("consent:1".to_owned()),
        why: r#"{"price":0.5}"#.to_owned(),
    }
}

fn close(attempt: u64, ended_us: i64) -> AttemptCloseRow {
    AttemptCloseRow {
        tenant: TENANT,
        attempt: AttemptId(attempt),
        outcome: "human".to_owned(),
        counted_as: "connected".to_owned(),
        verdict: Some("human".to_owned()),
        agent: Some(AgentId(3)),
        cause_whose: "callee".to_owned(),
        cause_code: Some(200),
        ringing_at: Some(at(ended_us - 9)),
        answered_at: Some(at(ended_us - 8)),
        greeting_end_at: Some(at(ended_us - 7)),
        verdict_at: Some(at(ended_us - 6)),
        connected_at: Some(at(ended_us - 5)),
        ended_at: at(ended_us),
        closed_at: at(ended_us + 1),
    }
}

fn cdr(call: u64, attempt: Option<u64>) -> CdrOpenRow {
    CdrOpenRow {
        tenant: TENANT,
        call: CallId(call),
        attempt: attempt.map(AttemptId),
        campaign: None,
        direction: "outbound".to_owned(),
        caller: "+15550000000".to_owned(),
        callee: number(1),
        trunk: Some("carrier".to_owned()),
        answered_at: at(5),
        sip_call_id: "abc@127.0.0.1".to_owned(),
        local_uri: "sip:+15550000000@127.0.0.1".to_owned(),
        local_tag: "l1".to_owned(),
        remote_uri: "sip:+15550000001@127.0.0.1".to_owned(),
        remote_tag: "r1".to_owned(),
        remote_target: "sip:callee@127.0.0.1:5070".to_owned(),
        route_set: vec!["<sip:proxy;lr>".to_owned(), "<sip:\"odd\";lr>".to_owned()],
        local_cseq: u32::MAX,
        peer: "udp:127.0.0.1:5070".to_owned(),
    }
}

/// Submits one op and waits for its answer.
fn write(fixture: &Fixture, op: Op) -> Result<(), StoreError> {
    fixture.store.submit(77, op).unwrap();
    let ack = fixture.acks.recv().unwrap();
    assert_eq!(ack.token, 77);
    ack.result
}

/// A statement from outside, on a connection of its own.
fn outside(fixture: &Fixture, sql: &str) -> Result<(), String> {
    testing::execute(&fixture.home.url(), sql)
}
