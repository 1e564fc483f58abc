//! Further numbers of contacts, as imports bring them.
//!
//! **Invariants.** A number has one contact: one that a contact has stays there, whoever brings it. A contact's further
//! numbers come after those that it has, in the order in which they are brought, up to
//! [`CONTACT_NUMBERS_MAX`].

use std::collections::{BTreeMap, BTreeSet};

use super::words::tail;
use super::{CONTACT_NUMBERS_MAX, index};
use crate::StoreError;
use crate::db::{Connection, Kind, Many, Sql, Value};

/// Keys of one question, of SQLite's 32,766 placeholders.
const ASKED_AT_ONCE: usize = 1_000;

static NUMBERS: Many = Many::new(
    "INSERT INTO contact_number",
    &[
        ("tenant_id", Kind::Int),
        ("number", Kind::Text),
        ("contact_id", Kind::Int),
        ("tail", Kind::Text),
        ("place", Kind::Int),
    ],
    "",
);

/// Contacts and the numbers that they get.
pub(super) struct Further<'l> {
    /// In the order in which they are brought.
    pub(super) wanted: Vec<(i64, &'l str)>,
    /// The last contact that was there before; those after it have one number.
    pub(super) before: i64,
    /// Up to this contact they are found by ends of numbers.
    pub(super) indexed: i64,
}

impl Further<'_> {
    /// Inside a transaction that holds the lock of contacts.
    pub(super) async fn put(self, connection: &mut Connection, tenant: i64, place: &str) -> Result<(), StoreError> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        let mut taken = self.taken(connection, tenant, place).await?;
        let mut have = self.have(connection, tenant, place).await?;
        let mut new: Vec<(&str, i64, i64)> = Vec::new();
        for (contact, number) in &self.wanted {
            let (count, last) = have.entry(*contact).or_insert((1, 0));
            if *count < CONTACT_NUMBERS_MAX as i64 && taken.insert((*number).to_owned()) {
                (*count, *last) = (*count + 1, *last + 1);
                new.push((*number, *contact, *last));
            }
        }
        new.sort_unstable();
        let row = |(number, contact, place): &(&str, i64, i64)| {
            [tenant.into(), Value::from(*number), (*contact).into(), tail(number).into(), (*place).into()]
        };
        connection.insert(&NUMBERS, new.iter().flat_map(row).collect(), place).await?;
        if new.iter().any(|(_, contact, _)| (self.indexed + 1..=self.before).contains(contact)) {
            index::changed_beyond(connection, tenant, place).await?;
        }
        let found = new.iter().filter(|(_, contact, _)| *contact <= self.indexed);
        let mut tails: Vec<(String, i64)> = found.map(|(number, contact, _)| (tail(number), *contact)).collect();
        tails.sort_unstable();
        index::put(connection, tenant, (Vec::new(), tails), place).await
    }

    /// Those of the wanted numbers that a contact has.
    async fn taken(
        &self,
        connection: &mut Connection,
        tenant: i64,
        place: &str,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut taken = BTreeSet::new();
        for part in self.wanted.chunks(ASKED_AT_ONCE) {
            let mut query = Sql::new("SELECT number FROM contact_number WHERE tenant_id = ");
            query.bind(tenant).push(" AND number IN (").list(part.iter().map(|(_, number)| *number)).push(")");
            for row in connection.fetch(query, place).await? {
                taken.insert(row.get("number")?);
            }
        }
        Ok(taken)
    }

    /// How many numbers the contacts that were there before have, and the last one's place.
    async fn have(
        &self,
        connection: &mut Connection,
        tenant: i64,
        place: &str,
    ) -> Result<BTreeMap<i64, (i64, i64)>, StoreError> {
        let known: BTreeSet<i64> =
            self.wanted.iter().map(|(contact, _)| *contact).filter(|id| *id <= self.before).collect();
        let mut have = BTreeMap::new();
        for part in known.into_iter().collect::<Vec<_>>().chunks(ASKED_AT_ONCE) {
            let mut query = Sql::new(
                "SELECT contact_id, COUNT(*) AS numbers, MAX(place) AS last FROM contact_number WHERE tenant_id = ",
            );
            query.bind(tenant).push(" AND contact_id IN (").list(part.iter().copied()).push(") GROUP BY contact_id");
            for row in connection.fetch(query, place).await? {
                have.insert(row.get("contact_id")?, (row.get("numbers")?, row.get("last")?));
            }
        }
        Ok(have)
    }
}
