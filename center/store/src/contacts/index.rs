//! What people search contacts by, written for many at once in the order of its keys.
//!
//! ```text
//!  import ──contact, contact_number──> made grows
//!                                        └── contacts indexed+1 … made: their words and ends of numbers, sorted
//!                                              ──part by part, in order──> contact_word, contact_tail ──> indexed = made
//! ```
//!
//! Names and ends of numbers come in no order. One contact after the other would touch a page of its own for every entry;
//! those of a hundred thousand contacts in order touch each page once. Until then such a contact is found by its number
//! and its list, not by a name.
//!
//! **Invariants.** A contact up to `indexed` has exactly the entries of its words and numbers. Beyond it there may be some
//! of a pass that was cut off; they are written again and lead nowhere else, since a search looks at the contact's own
//! words. Who changes a contact beyond `indexed` counts it in `rewrites`, and the pass looks again.

use super::make::{Tally, lock};
use super::words::tail;
use crate::db::{Connection, Kind, Many, Sql};
use crate::lanes::in_transaction;
use crate::lists::GiveWay;
use crate::ops::id;
use crate::rows::TenantId;
use crate::{Store, StoreError};

/// New contacts of one transaction that are indexed in it, when none waits.
pub(super) const INDEX_AT_ONCE_MAX: usize = 1_000;

/// Contacts of one pass: with three entries each of some 60 bytes, 45 MB.
const PASS_CONTACTS: i64 = 250_000;

/// Waiting contacts from which a pass begins beside an import; one that an import waits for begins with
/// [`PASS_CONTACTS`].
const BESIDE_WANTED: i64 = 50_000;

/// Entries of one transaction: they lie side by side, so that it touches some 200 pages.
const PART_ENTRIES: usize = 10_000;

static WORDS: Many = Many::new(
    "INSERT INTO contact_word",
    &[("tenant_id", Kind::Int), ("word", Kind::Text), ("contact_id", Kind::Int)],
    "ON CONFLICT DO NOTHING",
);
static TAILS: Many = Many::new(
    "INSERT INTO contact_tail",
    &[("tenant_id", Kind::Int), ("tail", Kind::Text), ("contact_id", Kind::Int)],
    "ON CONFLICT DO NOTHING",
);

/// Contacts of one question.
const READ_ROWS: i64 = 20_000;

/// Words with their contacts, and ends of numbers with theirs.
#[derive(Default)]
pub(super) struct Entries {
    words: Vec<(String, i64)>,
    tails: Vec<(String, i64)>,
}

/// Entries in the order of their keys: words, then ends of numbers.
type Sorted = (Vec<(String, i64)>, Vec<(String, i64)>);

impl Entries {
    pub(super) fn add(&mut self, contact: i64, words: impl Iterator<Item = String>, number: &str) {
        self.words.extend(words.map(|word| (word, contact)));
        self.tails.push((tail(number), contact));
    }

    pub(super) fn sorted(mut self) -> Sorted {
        self.words.sort_unstable();
        self.tails.sort_unstable();
        (self.words, self.tails)
    }

    /// Those of some contacts as they stand.
    async fn of(connection: &mut Connection, tenant: i64, after: i64, last: i64) -> Result<Entries, StoreError> {
        let place = "contacts to be indexed";
        let mut entries = Entries::default();
        let mut after = after;
        while after < last {
            let to = last.min(after + READ_ROWS);
            let words = Sql::new(
                "SELECT contact_id, words FROM contact WHERE tenant_id = $1 AND contact_id > $2 AND contact_id <= $3",
            );
            for row in connection.fetch(words.with(tenant).with(after).with(to), place).await? {
                let (contact, words): (i64, String) = (row.get("contact_id")?, row.get("words")?);
                entries.words.extend(words.split_whitespace().map(|word| (word.to_owned(), contact)));
            }
            let numbers = Sql::new(
                "SELECT contact_id, tail FROM contact_number WHERE tenant_id = $1 AND contact_id > $2 \
                 AND contact_id <= $3",
            );
            for row in connection.fetch(numbers.with(tenant).with(after).with(to), place).await? {
                entries.tails.push((row.get("tail")?, row.get("contact_id")?));
            }
            after = to;
        }
        Ok(entries)
    }
}

impl Store {
    /// Lets contacts that wait for it be found by their names; call it after the last batch of an import, and once when a
    /// process starts. One that is killed goes on where it stopped.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn index_contacts(&self, tenant: TenantId) -> Result<(), StoreError> {
        let tenant = id(tenant.0)?;
        let lane = self.indexing.as_ref().unwrap_or(&self.imports);
        while lane.call(async move |connection| pass(connection, tenant, 1).await)? {}
        Ok(())
    }

    /// Between two parts of an import: a pass when many wait; beside the import where there is a lane for it.
    ///
    /// # Errors
    /// Only what the database says.
    pub(crate) fn index_if_many(&self, tenant: i64) -> Result<(), StoreError> {
        let pass_of =
            |wanted| async move |connection: &mut Connection| pass(connection, tenant, wanted).await.map(drop);
        match &self.indexing {
            // What a pass leaves undone is done by the next one.
            Some(lane) => {
                lane.post(pass_of(BESIDE_WANTED));
                Ok(())
            }
            None => self.imports.call(pass_of(PASS_CONTACTS)),
        }
    }
}

/// Indexes up to [`PASS_CONTACTS`] contacts if at least `wanted` wait; whether it did.
async fn pass(connection: &mut Connection, tenant: i64, wanted: i64) -> Result<bool, StoreError> {
    let place = "index of contacts";
    let tally = Sql::new("SELECT made, indexed, rewrites FROM contact_tally WHERE tenant_id = $1");
    let Some(row) = connection.fetch_one(tally.with(tenant), place).await? else { return Ok(false) };
    let (made, indexed, rewrites): (i64, i64, i64) = (row.get("made")?, row.get("indexed")?, row.get("rewrites")?);
    if made - indexed < wanted {
        return Ok(false);
    }
    let last = made.min(indexed + PASS_CONTACTS);
    let (words, tails) = Entries::of(connection, tenant, indexed, last).await?.sorted();
    let mut give_way = GiveWay::default();
    for (into, entries) in [(&WORDS, &words), (&TAILS, &tails)] {
        for part in entries.chunks(PART_ENTRIES) {
            give_way.begin();
            let write = async |c: &mut Connection| put_entries(c, tenant, into, part, place).await;
            in_transaction(connection, write).await?;
            give_way.end(connection).await;
        }
    }
    in_transaction(connection, async |connection: &mut Connection| {
        let now: Tally = lock(connection, tenant, place).await?;
        if now.rewrites != rewrites {
            let (words_now, tails_now) = Entries::of(connection, tenant, indexed, last).await?.sorted();
            take_words(connection, tenant, &missing_in(&words, &words_now), place).await?;
            take_tails(connection, tenant, &missing_in(&tails, &tails_now), place).await?;
            let new = (missing_in(&words_now, &words), missing_in(&tails_now, &tails));
            put(connection, tenant, new, place).await?;
        }
        let done = Sql::new("UPDATE contact_tally SET indexed = $1 WHERE tenant_id = $2");
        connection.execute(done.with(last).with(tenant), place).await.map(drop)
    })
    .await?;
    Ok(true)
}

/// What stands in the one and not in the other, both in order.
fn missing_in(one: &[(String, i64)], other: &[(String, i64)]) -> Vec<(String, i64)> {
    one.iter().filter(|entry| other.binary_search(entry).is_err()).cloned().collect()
}

/// Inside a transaction that holds the lock: a contact beyond `indexed` has changed.
pub(super) async fn changed_beyond(connection: &mut Connection, tenant: i64, place: &str) -> Result<(), StoreError> {
    let count = Sql::new("UPDATE contact_tally SET rewrites = rewrites + 1 WHERE tenant_id = $1");
    connection.execute(count.with(tenant), place).await.map(drop)
}

/// Inside a transaction: entries that may be there.
pub(super) async fn put(
    connection: &mut Connection,
    tenant: i64,
    (words, tails): Sorted,
    place: &str,
) -> Result<(), StoreError> {
    put_entries(connection, tenant, &WORDS, &words, place).await?;
    put_entries(connection, tenant, &TAILS, &tails, place).await
}

async fn put_entries(
    connection: &mut Connection,
    tenant: i64,
    into: &'static Many,
    entries: &[(String, i64)],
    place: &str,
) -> Result<(), StoreError> {
    let rows = entries.iter().flat_map(|(key, contact)| [tenant.into(), key.as_str().into(), (*contact).into()]);
    connection.insert(into, rows.collect(), place).await.map(drop)
}

/// Inside a transaction. One by one, because SQLite walks the whole table for a list of keys.
pub(super) async fn take_words(
    connection: &mut Connection,
    tenant: i64,
    words: &[(String, i64)],
    place: &str,
) -> Result<(), StoreError> {
    for (word, contact) in words {
        let delete = Sql::new("DELETE FROM contact_word WHERE tenant_id = $1 AND word = $2 AND contact_id = $3");
        connection.execute(delete.with(tenant).with(word.as_str()).with(*contact), place).await?;
    }
    Ok(())
}

/// Inside a transaction.
pub(super) async fn take_tails(
    connection: &mut Connection,
    tenant: i64,
    tails: &[(String, i64)],
    place: &str,
) -> Result<(), StoreError> {
    for (tail, contact) in tails {
        let delete = Sql::new("DELETE FROM contact_tail WHERE tenant_id = $1 AND tail = $2 AND contact_id = $3");
        connection.execute(delete.with(tenant).with(tail.as_str()).with(*contact), place).await?;
    }
    Ok(())
}
