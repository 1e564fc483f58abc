//! Contacts as they come into being: by imports, and once for the leads of older stores.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use base::WallTime;

use super::words::{joined, of_contact, tail};
use crate::db::{Connection, Sql};
use crate::lanes::in_transaction;
use crate::ops::id;
use crate::rows::{NewLead, TenantId};
use crate::{Store, StoreError};

/// Rows of one INSERT: at most 8 values each make 8,000 of SQLite's 32,766 and PostgreSQL's 65,535.
const INSERT_ROWS: usize = 1_000;

/// Leads of older stores that one call of [`Store::make_contacts`] serves.
const FILL_ROWS: i64 = 2_000;

/// How far the contacts of an older store's leads are made, by ids of leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Filled {
    /// Up to this lead they are there.
    pub done: u64,
    /// Up to this lead they have to be made.
    pub end: u64,
}

impl Store {
    /// Makes contacts for some leads of a store that is older than contacts; call it until `done` is `end`. A process
    /// that is killed goes on where it stopped.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn make_contacts(&self, tenant: TenantId, at: WallTime) -> Result<Filled, StoreError> {
        let tenant = id(tenant.0)?;
        let place = "contacts of older leads";
        self.edits.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| {
                let tally = Sql::new("SELECT leads_done, leads_end FROM contact_tally WHERE tenant_id = $1");
                let Some(row) = connection.fetch_one(tally.with(tenant), place).await? else {
                    return Ok(Filled { done: 0, end: 0 });
                };
                let (done, end): (i64, i64) = (row.get("leads_done")?, row.get("leads_end")?);
                let leads = Sql::new(
                    "SELECT lead_id, number, first_name, last_name, timezone, external_id FROM lead \
                     WHERE tenant_id = $1 AND lead_id > $2 AND lead_id <= $3 ORDER BY lead_id LIMIT $4",
                );
                let leads = leads.with(tenant).with(done).with(end).with(FILL_ROWS);
                let rows = connection.fetch(leads, place).await?;
                let done = match rows.last() {
                    Some(row) => row.get("lead_id")?,
                    None => end,
                };
                let mut people = Vec::with_capacity(rows.len());
                for row in rows {
                    people.push(NewLead {
                        number: row.get("number")?,
                        first_name: row.get("first_name")?,
                        last_name: row.get("last_name")?,
                        timezone: row.get("timezone")?,
                        external_id: row.get("external_id")?,
                    });
                }
                of_leads(connection, tenant, &people, at, place).await?;
                let update = Sql::new("UPDATE contact_tally SET leads_done = $1 WHERE tenant_id = $2");
                connection.execute(update.with(done).with(tenant), place).await?;
                Ok(Filled { done: done.unsigned_abs(), end: end.unsigned_abs() })
            })
            .await
        })
    }
}

/// A contact that is there already.
struct Known {
    contact: i64,
    fields: Fields,
}

/// What is known of a person beside the number: given name, family name, zone, id elsewhere.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Fields {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) external_id: Option<String>,
}

impl Fields {
    /// What is empty takes what the other has.
    fn fill(&mut self, other: Fields) {
        let pairs = [
            (&mut self.first_name, other.first_name),
            (&mut self.last_name, other.last_name),
            (&mut self.timezone, other.timezone),
            (&mut self.external_id, other.external_id),
        ];
        for (here, there) in pairs {
            if here.is_none() {
                *here = there;
            }
        }
    }

    pub(super) fn words(&self) -> Vec<String> {
        of_contact(self.first_name.as_deref(), self.last_name.as_deref(), self.external_id.as_deref())
    }
}

impl From<&NewLead> for Fields {
    fn from(lead: &NewLead) -> Self {
        Fields {
            first_name: lead.first_name.clone(),
            last_name: lead.last_name.clone(),
            timezone: lead.timezone.clone(),
            external_id: lead.external_id.clone(),
        }
    }
}

/// Inside a transaction: every lead's number gets its contact. One that is there keeps what it has; only what it does
/// not know yet is filled from the lead.
pub(crate) async fn of_leads(
    connection: &mut Connection,
    tenant: i64,
    leads: &[NewLead],
    at: WallTime,
    place: &str,
) -> Result<(), StoreError> {
    // The row is the lock: of two that make contacts at once, the second sees what the first made.
    let lock = Sql::new(
        "INSERT INTO contact_tally (tenant_id) VALUES ($1) ON CONFLICT (tenant_id) \
         DO UPDATE SET made = contact_tally.made RETURNING made",
    );
    let made: i64 = match connection.fetch_one(lock.with(tenant), place).await? {
        Some(row) => row.get("made")?,
        None => return Err(StoreError::not_found("no tally of contacts", place)),
    };
    let known = if made == 0 { BTreeMap::new() } else { known_of(connection, tenant, leads, place).await? };
    let mut new: Vec<(&str, Fields)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut changed: BTreeMap<i64, Fields> = BTreeMap::new();
    for lead in leads {
        match known.get(lead.number.as_str()) {
            Some(known) => {
                // Two numbers of one contact may both bring something.
                let before = changed.get(&known.contact).unwrap_or(&known.fields);
                let mut filled = before.clone();
                filled.fill(lead.into());
                if filled != *before {
                    changed.insert(known.contact, filled);
                }
            }
            None => match places.entry(lead.number.as_str()) {
                Entry::Occupied(place) => new[*place.get()].1.fill(lead.into()),
                Entry::Vacant(place) => {
                    place.insert(new.len());
                    new.push((lead.number.as_str(), lead.into()));
                }
            },
        }
    }
    for (contact, fields) in changed {
        rewrite(connection, tenant, contact, &fields, place).await?;
    }
    if new.is_empty() {
        return Ok(());
    }
    let count = id(new.len() as u64)?;
    let bump = Sql::new("UPDATE contact_tally SET made = made + $1 WHERE tenant_id = $2");
    connection.execute(bump.with(count).with(tenant), place).await?;
    insert(connection, tenant, made + 1, &new, at, place).await
}

/// The contacts of these leads' numbers, by number.
async fn known_of(
    connection: &mut Connection,
    tenant: i64,
    leads: &[NewLead],
    place: &str,
) -> Result<BTreeMap<String, Known>, StoreError> {
    let mut known = BTreeMap::new();
    for part in leads.chunks(INSERT_ROWS) {
        let mut query = Sql::new(
            "SELECT n.number, c.contact_id, c.first_name, c.last_name, c.timezone, c.external_id \
             FROM contact_number n JOIN contact c ON c.tenant_id = n.tenant_id AND c.contact_id = n.contact_id \
             WHERE n.tenant_id = ",
        );
        query.bind(tenant).push(" AND n.number IN (");
        query.list(part.iter().map(|lead| lead.number.as_str()));
        query.push(")");
        for row in connection.fetch(query, place).await? {
            let fields = Fields {
                first_name: row.get("first_name")?,
                last_name: row.get("last_name")?,
                timezone: row.get("timezone")?,
                external_id: row.get("external_id")?,
            };
            known.insert(row.get("number")?, Known { contact: row.get("contact_id")?, fields });
        }
    }
    Ok(known)
}

/// Contacts with one number each, with ids from `first` on. Rows go into numbers and words in the order of their keys,
/// which touches few pages.
async fn insert(
    connection: &mut Connection,
    tenant: i64,
    first: i64,
    new: &[(&str, Fields)],
    at: WallTime,
    place: &str,
) -> Result<(), StoreError> {
    let people: Vec<(i64, &str, &Fields, Vec<String>)> =
        (first..).zip(new).map(|(contact, (number, fields))| (contact, *number, fields, fields.words())).collect();
    for part in people.chunks(INSERT_ROWS) {
        let mut contacts = Sql::new(
            "INSERT INTO contact (tenant_id, contact_id, first_name, last_name, timezone, external_id, words, created_us) \
             VALUES ",
        );
        for (n, (contact, _, fields, words)) in part.iter().enumerate() {
            contacts.push(if n == 0 { "(" } else { ", (" });
            contacts.list([
                tenant.into(),
                (*contact).into(),
                fields.first_name.clone().into(),
                fields.last_name.clone().into(),
                fields.timezone.clone().into(),
                fields.external_id.clone().into(),
                joined(words).into(),
                crate::db::Value::from(at.as_unix_us()),
            ]);
            contacts.push(")");
        }
        connection.execute(contacts, place).await?;
    }
    let mut numbers: Vec<(&str, i64)> = people.iter().map(|(contact, number, ..)| (*number, *contact)).collect();
    numbers.sort_unstable();
    for part in numbers.chunks(INSERT_ROWS) {
        let mut insert = Sql::new("INSERT INTO contact_number (tenant_id, number, contact_id, tail) VALUES ");
        for (n, (number, contact)) in part.iter().enumerate() {
            insert.push(if n == 0 { "(" } else { ", (" });
            insert.bind(tenant).push(", ").bind(*number).push(", ").bind(*contact).push(", ").bind(tail(number));
            insert.push(")");
        }
        connection.execute(insert, place).await?;
    }
    let mut words: Vec<(String, i64)> = Vec::with_capacity(2 * people.len());
    for (contact, _, _, of_one) in people {
        words.extend(of_one.into_iter().map(|word| (word, contact)));
    }
    words.sort_unstable();
    put_words(connection, tenant, &words, place).await
}

async fn put_words(
    connection: &mut Connection,
    tenant: i64,
    words: &[(String, i64)],
    place: &str,
) -> Result<(), StoreError> {
    for part in words.chunks(INSERT_ROWS) {
        let mut insert = Sql::new("INSERT INTO contact_word (tenant_id, word, contact_id) VALUES ");
        for (n, (word, contact)) in part.iter().enumerate() {
            insert.push(if n == 0 { "(" } else { ", (" });
            insert.bind(tenant).push(", ").bind(word.as_str()).push(", ").bind(*contact).push(")");
        }
        connection.execute(insert, place).await?;
    }
    Ok(())
}

/// Inside a transaction: a contact's fields and what it is found by.
pub(super) async fn rewrite(
    connection: &mut Connection,
    tenant: i64,
    contact: i64,
    fields: &Fields,
    place: &str,
) -> Result<(), StoreError> {
    let words = fields.words();
    let old = Sql::new("SELECT words FROM contact WHERE tenant_id = $1 AND contact_id = $2");
    let Some(old) = connection.fetch_one(old.with(tenant).with(contact), place).await? else {
        return Err(StoreError::not_found("no such contact", place));
    };
    for word in old.get::<String>("words")?.split_whitespace() {
        let delete = Sql::new("DELETE FROM contact_word WHERE tenant_id = $1 AND word = $2 AND contact_id = $3");
        connection.execute(delete.with(tenant).with(word).with(contact), place).await?;
    }
    let update = Sql::new(
        "UPDATE contact SET first_name = $1, last_name = $2, timezone = $3, external_id = $4, words = $5 \
         WHERE tenant_id = $6 AND contact_id = $7",
    );
    let update = update
        .with(fields.first_name.clone())
        .with(fields.last_name.clone())
        .with(fields.timezone.clone())
        .with(fields.external_id.clone())
        .with(joined(&words));
    connection.execute(update.with(tenant).with(contact), place).await?;
    let words: Vec<(String, i64)> = words.into_iter().map(|word| (word, contact)).collect();
    put_words(connection, tenant, &words, place).await
}
