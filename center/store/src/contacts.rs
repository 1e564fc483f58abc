//! Contacts: persons with their numbers, found by whatever people type.
//!
//! ```text
//!  import ──of_leads (make.rs)──> contact ── contact_number ──index.rs──> contact_word, contact_tail
//!  search ──asks (words.rs)──> one index at a time (search.rs), in its order ──> page ── numbers, lists, do-not-call
//! ```
//!
//! **Invariants.** A number belongs to one contact of a tenant, and every lead's number has one. A lead's contact is
//! found by its number; the lead does not name it. Absent: merging, deleting.

mod card;
mod further;
mod index;
mod make;
mod numbers;
mod search;
mod words;

pub use card::*;
pub use make::Filled;
pub(crate) use make::of_leads;
pub use search::*;

use std::collections::BTreeMap;

use base::{ListId, WallTime};

use crate::db::{Connection, Row, Sql};
use crate::read::{maybe_wall, unsigned, wall};
use crate::{ErrorKind, StoreError};

/// Numbers of one contact: nobody has more phones.
pub const CONTACT_NUMBERS_MAX: usize = 20;

/// Leads that are looked at for one page of contacts: 1,000 contacts on 20 lists each.
const PAGE_LEADS_MAX: i64 = 20_000;

/// A person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ContactId(pub u64);

/// A contact as lists show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContactRow {
    /// The contact.
    pub contact: ContactId,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
    /// The id of the person in the system they came from.
    pub external_id: Option<String>,
    /// When the contact was made.
    pub created_at: WallTime,
    /// E.164, in the order in which they were given.
    pub numbers: Vec<String>,
    /// Lists that dial one of the numbers, in order.
    pub lists: Vec<ListId>,
    /// When the latest attempt at one of the numbers was decided.
    pub last_attempt_at: Option<WallTime>,
    /// One of the numbers must not be dialled by anybody.
    pub do_not_call: bool,
}

/// The columns of a contact `c`.
const COLUMNS: &str = "c.contact_id, c.first_name, c.last_name, c.timezone, c.external_id, c.words, c.created_us";

fn contact_row(row: &Row) -> Result<ContactRow, StoreError> {
    Ok(ContactRow {
        contact: ContactId(unsigned(row, "contact_id")?),
        first_name: row.get("first_name")?,
        last_name: row.get("last_name")?,
        timezone: row.get("timezone")?,
        external_id: row.get("external_id")?,
        created_at: wall(row, "created_us")?,
        numbers: Vec::new(),
        lists: Vec::new(),
        last_attempt_at: None,
        do_not_call: false,
    })
}

/// Fills in the numbers of contacts.
async fn add_numbers(
    connection: &mut Connection,
    tenant: i64,
    contacts: &mut [ContactRow],
    place: &str,
) -> Result<(), StoreError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let mut query = Sql::new("SELECT contact_id, number FROM contact_number WHERE tenant_id = ");
    query.bind(tenant).push(" AND contact_id IN (");
    query.list(contacts.iter().map(|row| row.contact.0.cast_signed())).push(") ORDER BY contact_id, place, number");
    let mut numbers: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for row in connection.fetch(query, place).await? {
        numbers.entry(unsigned(&row, "contact_id")?).or_default().push(row.get("number")?);
    }
    for contact in contacts {
        contact.numbers = numbers.remove(&contact.contact.0).unwrap_or_default();
    }
    Ok(())
}

/// Fills in what is known of contacts by their numbers.
async fn add_history(
    connection: &mut Connection,
    tenant: i64,
    at: WallTime,
    contacts: &mut [ContactRow],
    place: &str,
) -> Result<(), StoreError> {
    if contacts.iter().all(|contact| contact.numbers.is_empty()) {
        return Ok(());
    }
    let all = || contacts.iter().flat_map(|contact| contact.numbers.iter().map(String::as_str));
    let mut leads = Sql::new("SELECT number, list_id, last_attempt_us FROM lead WHERE tenant_id = ");
    leads.bind(tenant).push(" AND list_id IN (SELECT list_id FROM list WHERE tenant_id = ").bind(tenant);
    leads.push(") AND number IN (").list(all());
    leads.push(") ORDER BY number, lead_id LIMIT ").bind(PAGE_LEADS_MAX);
    let mut by_number: BTreeMap<String, Vec<(ListId, Option<WallTime>)>> = BTreeMap::new();
    for row in connection.fetch(leads, place).await? {
        let lead = (ListId(unsigned(&row, "list_id")?), maybe_wall(&row, "last_attempt_us")?);
        by_number.entry(row.get("number")?).or_default().push(lead);
    }
    let suppressed = suppressed_among(connection, tenant, all(), at, place).await?;
    for contact in contacts {
        let leads = || contact.numbers.iter().filter_map(|number| by_number.get(number)).flatten();
        let mut lists: Vec<ListId> = leads().map(|(list, _)| *list).collect();
        lists.sort_unstable();
        lists.dedup();
        (contact.last_attempt_at, contact.lists) = (leads().filter_map(|(_, at)| *at).max(), lists);
        contact.do_not_call = contact.numbers.iter().any(|number| suppressed.contains(number));
    }
    Ok(())
}

/// Which of these numbers nobody may dial at `at`.
async fn suppressed_among(
    connection: &mut Connection,
    tenant: i64,
    numbers: impl Iterator<Item = &str>,
    at: WallTime,
    place: &str,
) -> Result<Vec<String>, StoreError> {
    let mut query = Sql::new(
        "WITH latest AS (SELECT number, action, until_us, ROW_NUMBER() OVER \
         (PARTITION BY number ORDER BY suppression_id DESC) AS age FROM suppression WHERE tenant_id = ",
    );
    query.bind(tenant).push(" AND campaign_id IS NULL AND at_us <= ").bind(at.as_unix_us());
    query.push(" AND number IN (").list(numbers);
    query.push(")) SELECT number FROM latest WHERE age = 1 AND action = 'add' AND (until_us IS NULL OR until_us > ");
    query.bind(at.as_unix_us()).push(")");
    connection.fetch(query, place).await?.iter().map(|row| row.get("number")).collect()
}

fn no_contact(place: &str) -> StoreError {
    StoreError::new(ErrorKind::NotFound, "no such contact", place, "see the list of contacts")
}
