//! Contacts as they come into being: by imports, and once for the leads of older stores.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use base::WallTime;

use super::further::Further;
use super::index::{self, Entries, INDEX_AT_ONCE_MAX};
use super::words::{joined, of_contact, tail};
use crate::db::{Connection, Kind, Many, Row, Sql, Value};
use crate::lanes::in_transaction;
use crate::ops::id;
use crate::rows::{NewLead, TenantId};
use crate::{Store, StoreError};

/// Numbers of one question, of SQLite's 32,766 placeholders and PostgreSQL's 65,535.
const KNOWN_ROWS: usize = 1_000;

const CONTACT: &[(&str, Kind)] = &[
    ("tenant_id", Kind::Int),
    ("contact_id", Kind::Int),
    ("first_name", Kind::Text),
    ("last_name", Kind::Text),
    ("timezone", Kind::Text),
    ("external_id", Kind::Text),
    ("words", Kind::Text),
    ("created_us", Kind::Int),
];
static CONTACTS: Many = Many::new("INSERT INTO contact", CONTACT, "");
/// They are all there: an insert that meets its key is the one update of many rows that both databases share.
static CONTACTS_ANEW: Many = Many::new(
    "INSERT INTO contact",
    CONTACT,
    "ON CONFLICT (tenant_id, contact_id) DO UPDATE SET first_name = excluded.first_name, \
     last_name = excluded.last_name, timezone = excluded.timezone, external_id = excluded.external_id, \
     words = excluded.words",
);
static NUMBERS: Many = Many::new(
    "INSERT INTO contact_number",
    &[("tenant_id", Kind::Int), ("number", Kind::Text), ("contact_id", Kind::Int), ("tail", Kind::Text)],
    "",
);

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
        self.imports.call(async move |connection| {
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
                        ..NewLead::default()
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

/// A contact that is there already, with the words that lead to it.
struct Known {
    contact: i64,
    fields: Fields,
    words: String,
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

/// Inside a transaction: every lead's number gets its contact, and the contact its further numbers. One that is there keeps
/// what it has; only what it does not know yet is filled from the lead. True: no two leads have the same number, and nobody had any of them before.
pub(crate) async fn of_leads(
    connection: &mut Connection,
    tenant: i64,
    leads: &[NewLead],
    at: WallTime,
    place: &str,
) -> Result<bool, StoreError> {
    let Tally { made, indexed, unfilled, .. } = lock(connection, tenant, place).await?;
    let known = if made == 0 { BTreeMap::new() } else { known_of(connection, tenant, leads, place).await? };
    let mut new: Vec<(&str, Fields)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut changed: BTreeMap<i64, Change> = BTreeMap::new();
    for lead in leads {
        match known.get(lead.number.as_str()) {
            Some(known) => {
                // Two numbers of one contact may both bring something.
                let before = changed.get(&known.contact).map_or(&known.fields, |change| &change.fields);
                let mut filled = before.clone();
                filled.fill(lead.into());
                if filled != *before {
                    changed.insert(known.contact, Change { fields: filled, words_before: known.words.clone() });
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
    rewrite(connection, tenant, &changed, indexed, place).await?;
    let all_new = new.len() == leads.len() && unfilled == 0;
    let made_now = made + id(new.len() as u64)?;
    insert(connection, tenant, made + 1, &new, at, place).await?;
    // Few are found at once; many are put in order first (index.rs).
    let indexed_now = if indexed == made && new.len() <= INDEX_AT_ONCE_MAX {
        let mut entries = Entries::default();
        for (contact, (number, fields)) in (made + 1..).zip(&new) {
            entries.add(contact, fields.words().into_iter(), number);
        }
        index::put(connection, tenant, entries.sorted(), place).await?;
        made_now
    } else {
        indexed
    };
    let bump = Sql::new("UPDATE contact_tally SET made = $1, indexed = $2 WHERE tenant_id = $3");
    connection.execute(bump.with(made_now).with(indexed_now).with(tenant), place).await?;
    // After the first numbers of all: those have contacts of their own.
    let contact_of = |number: &str| match known.get(number) {
        Some(known) => Some(known.contact),
        None => places.get(number).and_then(|place| Some(made + 1 + i64::try_from(*place).ok()?)),
    };
    let wanted = leads.iter().flat_map(|lead| {
        let contact = contact_of(&lead.number);
        lead.further.iter().filter_map(move |number| Some((contact?, number.as_str())))
    });
    let further = Further { wanted: wanted.collect(), before: made, indexed: indexed_now };
    further.put(connection, tenant, place).await?;
    Ok(all_new)
}

/// The row of a tenant's contacts.
pub(super) struct Tally {
    /// Contacts so far, and the last id given.
    pub(super) made: i64,
    /// Up to this one they are found by words and ends of numbers.
    pub(super) indexed: i64,
    /// Changes of contacts beyond it.
    pub(super) rewrites: i64,
    /// Up to so many leads of an older store have no contact yet.
    pub(super) unfilled: i64,
}

/// Inside a transaction, as [`lock`], for who changes a contact that is there: a tenant without any has none to change.
pub(super) async fn hold(connection: &mut Connection, tenant: i64, place: &str) -> Result<Tally, StoreError> {
    let hold = "UPDATE contact_tally SET made = made WHERE tenant_id = $1 \
                RETURNING made, indexed, rewrites, leads_end - leads_done AS unfilled";
    match connection.fetch_one(Sql::new(hold).with(tenant), place).await? {
        Some(row) => tally_row(&row),
        None => Ok(Tally { made: 0, indexed: 0, rewrites: 0, unfilled: 0 }),
    }
}

fn tally_row(row: &Row) -> Result<Tally, StoreError> {
    Ok(Tally {
        made: row.get("made")?,
        indexed: row.get("indexed")?,
        rewrites: row.get("rewrites")?,
        unfilled: row.get("unfilled")?,
    })
}

/// Inside a transaction. The row is the lock: of two that make or change contacts at once, the second sees what the first
/// did.
pub(super) async fn lock(connection: &mut Connection, tenant: i64, place: &str) -> Result<Tally, StoreError> {
    let lock = Sql::new(
        "INSERT INTO contact_tally (tenant_id) VALUES ($1) ON CONFLICT (tenant_id) \
         DO UPDATE SET made = contact_tally.made RETURNING made, indexed, rewrites, \
         leads_end - leads_done AS unfilled",
    );
    match connection.fetch_one(lock.with(tenant), place).await? {
        Some(row) => tally_row(&row),
        None => Err(StoreError::not_found("no tally of contacts", place)),
    }
}

/// The contacts of these leads' numbers, by number.
async fn known_of(
    connection: &mut Connection,
    tenant: i64,
    leads: &[NewLead],
    place: &str,
) -> Result<BTreeMap<String, Known>, StoreError> {
    let mut known = BTreeMap::new();
    for part in leads.chunks(KNOWN_ROWS) {
        for row in connection.fetch(known_query(tenant, part), place).await? {
            let found = Known { contact: row.get("contact_id")?, fields: fields_of(&row)?, words: row.get("words")? };
            known.insert(row.get("number")?, found);
        }
    }
    Ok(known)
}

/// CROSS JOIN: the numbers are looked up first, and then their contacts (sqlite.org/optoverview.html, 6.6). Where its
/// figures are of a table that was small then, SQLite would walk through all contacts.
fn known_query(tenant: i64, leads: &[NewLead]) -> Sql {
    let mut query = Sql::new(
        "SELECT n.number, c.contact_id, c.first_name, c.last_name, c.timezone, c.external_id, c.words \
         FROM contact_number n CROSS JOIN contact c WHERE c.tenant_id = n.tenant_id AND c.contact_id = n.contact_id \
         AND n.tenant_id = ",
    );
    query.bind(tenant).push(" AND n.number IN (").list(leads.iter().map(|lead| lead.number.as_str())).push(")");
    query
}

fn fields_of(row: &Row) -> Result<Fields, StoreError> {
    Ok(Fields {
        first_name: row.get("first_name")?,
        last_name: row.get("last_name")?,
        timezone: row.get("timezone")?,
        external_id: row.get("external_id")?,
    })
}

/// Contacts with one number each, with ids from `first` on. Numbers go in in the order of their keys, which touches few
/// pages.
async fn insert(
    connection: &mut Connection,
    tenant: i64,
    first: i64,
    new: &[(&str, Fields)],
    at: WallTime,
    place: &str,
) -> Result<(), StoreError> {
    let rows = (first..).zip(new);
    let rows =
        rows.flat_map(|(contact, (_, fields))| row_of(tenant, contact, fields, &fields.words(), at.as_unix_us()));
    connection.insert(&CONTACTS, rows.collect(), place).await?;
    let mut numbers: Vec<(&str, i64)> = (first..).zip(new).map(|(contact, (number, _))| (*number, contact)).collect();
    numbers.sort_unstable();
    let rows = numbers
        .into_iter()
        .flat_map(|(number, contact)| [tenant.into(), Value::from(number), contact.into(), tail(number).into()]);
    connection.insert(&NUMBERS, rows.collect(), place).await.map(drop)
}

/// A row of [`CONTACT`].
fn row_of(tenant: i64, contact: i64, fields: &Fields, words: &[String], created_us: i64) -> [Value; CONTACT.len()] {
    [
        tenant.into(),
        contact.into(),
        fields.first_name.clone().into(),
        fields.last_name.clone().into(),
        fields.timezone.clone().into(),
        fields.external_id.clone().into(),
        joined(words).into(),
        created_us.into(),
    ]
}

/// What a contact that is there becomes.
pub(super) struct Change {
    pub(super) fields: Fields,
    /// The words that led to it until now.
    pub(super) words_before: String,
}

/// Inside a transaction that holds the lock: the fields of contacts that are there, and what they are found by. A few
/// statements for all of them: a list that brings names to a million known numbers changes a million contacts.
pub(super) async fn rewrite(
    connection: &mut Connection,
    tenant: i64,
    changed: &BTreeMap<i64, Change>,
    indexed: i64,
    place: &str,
) -> Result<(), StoreError> {
    if changed.is_empty() {
        return Ok(());
    }
    let people: Vec<(i64, &Change, Vec<String>)> =
        changed.iter().map(|(contact, change)| (*contact, change, change.fields.words())).collect();
    let mut gone: Vec<(String, i64)> = Vec::new();
    let mut new: Vec<(String, i64)> = Vec::new();
    for (contact, change, words) in people.iter().filter(|(contact, ..)| *contact <= indexed) {
        let before: Vec<&str> = change.words_before.split_whitespace().collect();
        gone.extend(
            before.iter().filter(|word| !words.iter().any(|kept| kept == *word)).map(|w| (w.to_string(), *contact)),
        );
        new.extend(words.iter().filter(|word| !before.contains(&word.as_str())).map(|w| (w.clone(), *contact)));
    }
    let rows = people.iter();
    let rows = rows.flat_map(|(contact, change, words)| row_of(tenant, *contact, &change.fields, words, 0));
    connection.insert(&CONTACTS_ANEW, rows.collect(), place).await?;
    if people.iter().any(|(contact, ..)| *contact > indexed) {
        index::changed_beyond(connection, tenant, place).await?;
    }
    // Few: only people take something away.
    index::take_words(connection, tenant, &gone, place).await?;
    new.sort_unstable();
    index::put(connection, tenant, (new, Vec::new()), place).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Address, Role};
    use crate::rows::TenantId;

    const AT: WallTime = WallTime::from_unix_us(0);

    fn leads(range: std::ops::Range<u32>) -> Vec<NewLead> {
        range.map(|n| NewLead { number: format!("+1555{n:07}"), ..NewLead::default() }).collect()
    }

    /// The figures by which SQLite plans may be those of a table that was tiny when they were taken.
    #[test]
    fn known_numbers_are_looked_up_whatever_the_planner_believes() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("outpace.db").display());
        let (store, _acks) = Store::open(&url).unwrap();
        let list = store.create_list(TenantId::DEFAULT, "people", AT).unwrap();
        store.import_leads(TenantId::DEFAULT, list, leads(0..1), AT).unwrap();
        crate::testing::execute(&url, "ANALYZE").unwrap();
        for part in 0..4 {
            store.import_leads(TenantId::DEFAULT, list, leads(part * 5_000..(part + 1) * 5_000), AT).unwrap();
        }
        store.close().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let plan: Vec<String> = runtime.block_on(async {
            let mut connection = Connection::open(&Address::parse(&url).unwrap(), Role::Imports).await.unwrap();
            let query = known_query(1, &leads(0..1_000)).explained();
            let steps = connection.fetch(query, "plan").await.unwrap();
            steps.iter().map(|row| row.get("detail").unwrap()).collect()
        });
        assert!(plan[0].starts_with("SEARCH n ") && plan[0].contains("number=?"), "{plan:?}");
        assert!(plan[1].starts_with("SEARCH c ") && plan[1].contains("contact_id=?"), "{plan:?}");
    }
}
