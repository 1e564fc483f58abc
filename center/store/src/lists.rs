//! Lists and leads: made, imported, read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base::{LeadId, ListId, WallTime};

use crate::contacts;
use crate::db::{Connection, Kind, Many, Row, Sql};
use crate::lanes::in_transaction;
use crate::ops::{id, maybe_id, maybe_text, text};
use crate::read::{maybe_wall, page_rows, small, unsigned, wall};
use crate::rows::*;
use crate::{ErrorKind, LeadExpression, Store, StoreError};

/// Leads that one call of [`Store::import_leads`] takes: some 150 bytes each, so 1.5 MiB.
pub const IMPORT_BATCH_MAX: usize = 10_000;

/// Lists of one tenant that [`Store::lists`] gives at most.
pub const LISTS_MAX: usize = 10_000;

const LEAD: &[(&str, Kind)] = &[
    ("tenant_id", Kind::Int),
    ("list_id", Kind::Int),
    ("number", Kind::Text),
    ("first_name", Kind::Text),
    ("last_name", Kind::Text),
    ("timezone", Kind::Text),
    ("external_id", Kind::Text),
    ("segment", Kind::Text),
    ("region", Kind::Text),
    ("priority", Kind::Int),
    ("imported_us", Kind::Int),
];
static LEADS: Many = Many::new("INSERT INTO lead", LEAD, "ON CONFLICT (tenant_id, list_id, number) DO NOTHING");
/// Of numbers that nobody had: they are on no list. PostgreSQL looks for conflicts before it looks for places.
static NEW_LEADS: Many = Many::new("INSERT INTO lead", LEAD, "");

/// Leads of one transaction at first, at least and at most. Each falls into other pages of the two indexes by number, so
/// that many at once touch fewer pages each; but the group commit of running calls waits for it. It is made smaller when
/// it takes longer than [`COMMIT_LONG`], as it does in a large store on a slow disk, and larger when it takes a quarter.
const COMMIT_ROWS: usize = 2_000;
const COMMIT_ROWS_MIN: usize = 200;
const COMMIT_ROWS_MAX: usize = IMPORT_BATCH_MAX;

/// Longest transaction of an import that is not followed by a smaller one: a third of what the queue of ops can bridge
/// would be long, a tenth is not.
const COMMIT_LONG: Duration = Duration::from_millis(250);

/// What an import waits at least after each transaction on SQLite, where one writer at a time has the file: longer than
/// the group commit of another program takes to ask again (8 ms), so that running calls come first. On a busy machine,
/// where that takes longer too, it waits a fifth of what the transaction took.
const GIVE_WAY_MIN: Duration = Duration::from_millis(15);

/// The pause after each transaction of an import.
pub(crate) struct GiveWay {
    begun: tokio::time::Instant,
}

impl Default for GiveWay {
    fn default() -> Self {
        GiveWay { begun: tokio::time::Instant::now() }
    }
}

impl GiveWay {
    pub(crate) fn begin(&mut self) {
        self.begun = tokio::time::Instant::now();
    }

    /// How long the transaction took, before the pause.
    pub(crate) async fn end(&self, connection: &Connection) -> Duration {
        let took = self.begun.elapsed();
        if !connection.is_remote() {
            tokio::time::sleep(GIVE_WAY_MIN.max(took / 5)).await;
        }
        took
    }
}

/// New leads without which the planner's figures are not taken anew: few change no plan.
const ANALYZE_LEADS_MIN: i64 = 1_000;

/// The pace at which imports begin.
pub(crate) fn import_rows() -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(COMMIT_ROWS))
}

/// A list with what is on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListRow {
    /// The list.
    pub list: ListId,
    /// Unique for the tenant.
    pub name: String,
    /// When it was made.
    pub created_at: WallTime,
    /// Its leads.
    pub counts: LeadCounts,
}

/// Which leads to read. Empty: all of the tenant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeadFilter {
    /// On this list.
    pub list: Option<ListId>,
    /// In this state.
    pub state: Option<String>,
    /// With this number, E.164.
    pub number: Option<String>,
    /// Continue after this lead (the last one of the page before).
    pub after: Option<LeadId>,
    /// Rows of a page; 0 means [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX), which is also the most.
    pub limit: u32,
}

/// What [`Store::matching`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matching {
    /// All leads that are meant.
    pub total: u64,
    /// The first of them.
    pub leads: Vec<LeadRow>,
}

impl Store {
    /// Makes a list; its name is unique for the tenant.
    ///
    /// # Errors
    /// [`ErrorKind::Rule`] when the list exists.
    pub fn create_list(&self, tenant: TenantId, name: &str, at: WallTime) -> Result<ListId, StoreError> {
        let insert = Sql::new("INSERT INTO list (tenant_id, name, created_us) VALUES ($1, $2, $3) RETURNING list_id")
            .with(id(tenant.0)?)
            .with(text(name)?)
            .with(at.as_unix_us());
        self.made(format!("list {name:?}"), insert, "list_id").map(ListId)
    }

    /// The list of this name, if there is one.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn find_list(&self, tenant: TenantId, name: &str) -> Result<Option<ListId>, StoreError> {
        let query = Sql::new("SELECT list_id FROM list WHERE tenant_id = $1 AND name = $2");
        let found = self
            .page("lists", query.with(id(tenant.0)?).with(text(name)?), |row| unsigned(row, "list_id").map(ListId))?;
        Ok(found.into_iter().next())
    }

    /// The list of this name with how many leads it has in each state, if there is one.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn list(&self, tenant: TenantId, name: &str) -> Result<Option<ListRow>, StoreError> {
        let query = Sql::new("SELECT list_id, name, created_us FROM list WHERE tenant_id = $1 AND name = $2");
        let found = self.page("lists", query.with(id(tenant.0)?).with(text(name)?), list_row)?;
        let Some(row) = found.into_iter().next() else { return Ok(None) };
        let counts = self.counts(tenant, row.list)?;
        Ok(Some(ListRow { counts, ..row }))
    }

    /// The names of a tenant's lists by id, without a look at their leads; at most [`LISTS_MAX`].
    ///
    /// # Errors
    /// Only what the database says.
    pub fn list_names(&self, tenant: TenantId) -> Result<Vec<(ListId, String)>, StoreError> {
        let names = Sql::new("SELECT list_id, name FROM list WHERE tenant_id = $1 ORDER BY list_id LIMIT $2");
        self.page("lists", names.with(id(tenant.0)?).with(LISTS_MAX as i64), |row| {
            Ok((ListId(unsigned(row, "list_id")?), row.get("name")?))
        })
    }

    /// All lists of a tenant in the order of their making, with how many leads they have in each state.
    ///
    /// # Errors
    /// What the database says; [`ErrorKind::Value`] for more than [`LISTS_MAX`].
    pub fn lists(&self, tenant: TenantId) -> Result<Vec<ListRow>, StoreError> {
        let names =
            Sql::new("SELECT list_id, name, created_us FROM list WHERE tenant_id = $1 ORDER BY list_id LIMIT $2")
                .with(id(tenant.0)?)
                .with(LISTS_MAX as i64 + 1);
        let mut lists = self.page("lists", names, list_row)?;
        if lists.len() > LISTS_MAX {
            let what = format!("more than {LISTS_MAX} lists");
            return Err(StoreError::new(ErrorKind::Value, what, "lists", "delete lists that are empty"));
        }
        let counts = Sql::new(
            "SELECT list_id, state, COUNT(*) AS leads FROM lead WHERE tenant_id = $1 \
             GROUP BY list_id, state ORDER BY list_id, state",
        );
        let counts = self.page("lead counts", counts.with(id(tenant.0)?), |row| {
            Ok((ListId(unsigned(row, "list_id")?), row.get::<String>("state")?, unsigned(row, "leads")?))
        })?;
        for (list, state, leads) in counts {
            if let Ok(place) = lists.binary_search_by_key(&list, |row| row.list) {
                lists[place].counts.total += leads;
                lists[place].counts.by_state.push((state, leads));
            }
        }
        Ok(lists)
    }

    /// Deletes a list without leads, and what is known of its imports.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown list, [`ErrorKind::Rule`] when it has leads or a campaign dials it.
    pub fn delete_list(&self, tenant: TenantId, list: ListId) -> Result<(), StoreError> {
        let (tenant, list_id) = (id(tenant.0)?, id(list.0)?);
        let place = format!("list {list}");
        self.edits.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| {
                for sql in [
                    "DELETE FROM import_reject WHERE tenant_id = $1 AND import_id IN \
                     (SELECT import_id FROM import_job WHERE tenant_id = $1 AND list_id = $2)",
                    "DELETE FROM import_job WHERE tenant_id = $1 AND list_id = $2",
                ] {
                    connection.execute(Sql::new(sql).with(tenant).with(list_id), &place).await?;
                }
                // A lead or a campaign that names it stops it (foreign keys).
                let delete = Sql::new("DELETE FROM list WHERE tenant_id = $1 AND list_id = $2");
                match connection.execute(delete.with(tenant).with(list_id), &place).await? {
                    0 => Err(StoreError::not_found("no such list", &place)),
                    _ => Ok(()),
                }
            })
            .await
        })
    }

    /// A page of a list's leads after `after`; `limit` 0 means [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn leads(
        &self,
        tenant: TenantId,
        list: ListId,
        after: Option<LeadId>,
        limit: u32,
    ) -> Result<Vec<LeadRow>, StoreError> {
        let query = Sql::new(
            "SELECT * FROM lead WHERE tenant_id = $1 AND list_id = $2 AND lead_id > $3 ORDER BY lead_id LIMIT $4",
        );
        let after = id(after.map_or(0, |lead| lead.0))?;
        let query = query.with(id(tenant.0)?).with(id(list.0)?).with(after).with(page_rows(limit));
        self.page("leads", query, lead_row)
    }

    /// A page of leads in the order of their ids.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn leads_page(&self, tenant: TenantId, filter: LeadFilter) -> Result<Vec<LeadRow>, StoreError> {
        let tenant = id(tenant.0)?;
        let mut query = Sql::new("SELECT * FROM lead WHERE tenant_id = ");
        query.bind(tenant);
        query.and(" AND list_id = ", maybe_id(filter.list.map(|list| list.0))?);
        query.and(" AND state = ", maybe_text(filter.state.as_deref())?);
        query.and(" AND number = ", maybe_text(filter.number.as_deref())?);
        if filter.number.is_some() && filter.list.is_none() {
            query.push(" AND list_id IN (SELECT list_id FROM list WHERE tenant_id = ").bind(tenant).push(")");
        }
        query.and(" AND lead_id > ", maybe_id(filter.after.map(|lead| lead.0))?);
        query.push(" ORDER BY lead_id LIMIT ").bind(page_rows(filter.limit));
        self.page("leads", query, lead_row)
    }

    /// How many leads of a list an expression means at `at`, and the first of them by their ids, at most `limit` (0 means
    /// [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX)). Looks at the whole list, on the connection of reports: seconds for
    /// millions.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn matching(
        &self,
        tenant: TenantId,
        list: ListId,
        expression: &LeadExpression,
        at: WallTime,
        limit: u32,
    ) -> Result<Matching, StoreError> {
        let (tenant, list) = (id(tenant.0)?, id(list.0)?);
        let question = |select: &'static str| {
            let mut query = Sql::new(select);
            query.push(" FROM lead WHERE tenant_id = ").bind(tenant).push(" AND list_id = ").bind(list);
            query.push(" AND ");
            expression.push(&mut query, at);
            query
        };
        let count = question("SELECT COUNT(*) AS leads");
        let mut first = question("SELECT *");
        first.push(" ORDER BY lead_id LIMIT ").bind(page_rows(limit));
        self.reports.call(async move |connection| {
            let place = "leads that an expression means";
            let total = connection.fetch_one(count, place).await?.map_or(Ok(0), |row| unsigned(&row, "leads"))?;
            let leads = connection.fetch(first, place).await?.iter().map(lead_row).collect::<Result<_, _>>()?;
            Ok(Matching { total, leads })
        })
    }

    /// How many leads a list has in each state.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn counts(&self, tenant: TenantId, list: ListId) -> Result<LeadCounts, StoreError> {
        let query = Sql::new(
            "SELECT state, COUNT(*) AS leads FROM lead WHERE tenant_id = $1 AND list_id = $2 \
             GROUP BY state ORDER BY state",
        );
        let query = query.with(id(tenant.0)?).with(id(list.0)?);
        let by_state = self.page("lead counts", query, |row| Ok((row.get("state")?, unsigned(row, "leads")?)))?;
        Ok(LeadCounts { total: by_state.iter().map(|(_, leads)| leads).sum(), by_state })
    }

    /// Adds leads to a list; numbers that are on it already are left as they are. Each number gets
    /// its contact, which gets the further numbers that no other has. At most [`IMPORT_BATCH_MAX`] a call.
    /// After the last batch call [`Store::end_import`].
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for a number that is not E.164 or a batch that is too large, [`ErrorKind::NotFound`] for
    /// an unknown list: nothing was added. When the disk fails half way, parts of 2,000 leads may have been added;
    /// importing the batch again is right.
    pub fn import_leads(
        &self,
        tenant: TenantId,
        list: ListId,
        batch: Vec<NewLead>,
        at: WallTime,
    ) -> Result<Imported, StoreError> {
        let place = format!("import into list {list}");
        if batch.len() > IMPORT_BATCH_MAX {
            let what = format!("a batch of {} leads is larger than {IMPORT_BATCH_MAX}", batch.len());
            return Err(StoreError::new(ErrorKind::Value, what, place, "import in smaller batches"));
        }
        for lead in &batch {
            check_lead(lead, &place)?;
        }
        let (tenant, list) = (id(tenant.0)?, id(list.0)?);
        let pace = Arc::clone(&self.import_rows);
        let imported = self.imports.call(async move |connection| {
            let mut imported = Imported::default();
            let (mut rest, mut give_way) = (&batch[..], GiveWay::default());
            while !rest.is_empty() {
                let rows = pace.load(Ordering::Relaxed);
                let (part, after) = rest.split_at(rows.min(rest.len()));
                rest = after;
                give_way.begin();
                let added = in_transaction(connection, async |connection: &mut Connection| {
                    import_part(connection, tenant, list, part, at, &place).await
                })
                .await?;
                imported.added += added;
                imported.already_there += part.len() as u64 - added;
                let took = give_way.end(connection).await;
                if took > COMMIT_LONG {
                    pace.store((rows / 2).max(COMMIT_ROWS_MIN), Ordering::Relaxed);
                } else if took < COMMIT_LONG / 4 && part.len() == rows {
                    pace.store((rows * 2).min(COMMIT_ROWS_MAX), Ordering::Relaxed);
                }
            }
            Ok(imported)
        })?;
        self.index_if_many(tenant)?;
        Ok(imported)
    }

    /// What [`Store::import_leads`] would do with these leads; nothing is written.
    ///
    /// # Errors
    /// As [`Store::import_leads`].
    pub fn rehearse_leads(&self, tenant: TenantId, list: ListId, batch: Vec<NewLead>) -> Result<Imported, StoreError> {
        let place = format!("rehearsed import into list {list}");
        let (tenant, list) = (id(tenant.0)?, id(list.0)?);
        for lead in &batch {
            check_lead(lead, &place)?;
        }
        self.reads.call(async move |connection| {
            let mut imported = Imported::default();
            for part in batch.chunks(COMMIT_ROWS) {
                let mut query = Sql::new("SELECT COUNT(*) AS leads FROM lead WHERE tenant_id = ");
                query.bind(tenant).push(" AND list_id = ").bind(list).push(" AND number IN (");
                query.list(part.iter().map(|lead| lead.number.as_str())).push(")");
                let there = connection.fetch_one(query, &place).await?.map_or(Ok(0), |row| unsigned(&row, "leads"))?;
                imported.already_there += there;
                imported.added += part.len() as u64 - there;
            }
            Ok(imported)
        })
    }

    /// After the last batch of an import: its contacts are found by their names, and the figures that the database plans its
    /// queries by are taken anew when there are a tenth more leads than when they were taken last.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn end_import(&self, tenant: TenantId) -> Result<(), StoreError> {
        self.index_contacts(tenant)?;
        let tenant = id(tenant.0)?;
        self.imports.call(async move |connection| {
            let place = "figures of leads";
            let query = Sql::new(
                "SELECT (SELECT COALESCE(MAX(lead_id), 0) FROM lead) AS leads, analyzed FROM contact_tally \
                 WHERE tenant_id = $1",
            );
            let Some(row) = connection.fetch_one(query.with(tenant), place).await? else { return Ok(()) };
            let (leads, analyzed): (i64, i64) = (row.get("leads")?, row.get("analyzed")?);
            if leads - analyzed < ANALYZE_LEADS_MIN.max(analyzed / 10) {
                return Ok(());
            }
            connection.plain("ANALYZE").await?;
            let update = Sql::new("UPDATE contact_tally SET analyzed = $1 WHERE tenant_id = $2");
            let update = update.with(leads).with(tenant);
            in_transaction(connection, async |c: &mut Connection| c.execute(update, place).await).await.map(drop)
        })
    }

    /// Runs an INSERT with RETURNING and gives the new row's id.
    pub(crate) fn made(&self, place: String, insert: Sql, column: &'static str) -> Result<u64, StoreError> {
        self.edits.call(async move |connection| {
            let made = in_transaction(connection, async |connection: &mut Connection| {
                connection.fetch_one(insert, &place).await
            });
            match made.await? {
                Some(row) => unsigned(&row, column),
                None => Err(StoreError::not_found("no row was made", &place)),
            }
        })
    }

    /// Runs a statement that must change one row.
    pub(crate) fn change(&self, place: String, missing: &'static str, change: Sql) -> Result<(), StoreError> {
        match self.changed(place.clone(), change)? {
            0 => Err(StoreError::not_found(missing, &place)),
            _ => Ok(()),
        }
    }

    /// Runs a statement and gives how many rows it changed. In a transaction, because only its beginning waits for
    /// another writer of the file as it should.
    pub(crate) fn changed(&self, place: String, change: Sql) -> Result<u64, StoreError> {
        self.edits.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| connection.execute(change, &place).await)
                .await
        })
    }
}

fn check_lead(lead: &NewLead, place: &str) -> Result<(), StoreError> {
    // E.164 (ITU-T): a plus sign and up to 15 digits, the first of which is not 0.
    let valid = |number: &String| {
        let digits = number.strip_prefix('+').unwrap_or_default().as_bytes();
        (3..=15).contains(&digits.len()) && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit)
    };
    if !valid(&lead.number) || !lead.further.iter().all(valid) {
        // The number itself stays out of messages, which end in logs.
        let what = "a number that is not E.164";
        return Err(StoreError::new(ErrorKind::Value, what, place, "normalise numbers before the import"));
    }
    for value in [&lead.first_name, &lead.last_name, &lead.timezone, &lead.external_id, &lead.segment, &lead.region] {
        maybe_text(value.as_deref())?;
    }
    Ok(())
}

/// One transaction of an import; gives the number of rows that are new.
async fn import_part(
    connection: &mut Connection,
    tenant: i64,
    list: i64,
    part: &[NewLead],
    at: WallTime,
    place: &str,
) -> Result<u64, StoreError> {
    let known = Sql::new("SELECT list_id FROM list WHERE tenant_id = $1 AND list_id = $2").with(tenant).with(list);
    if connection.fetch_one(known, place).await?.is_none() {
        return Err(StoreError::not_found("no such list", place));
    }
    let all_new = contacts::of_leads(connection, tenant, part, at, place).await?;
    let rows = part.iter().flat_map(|lead| {
        [
            tenant.into(),
            list.into(),
            lead.number.as_str().into(),
            lead.first_name.clone().into(),
            lead.last_name.clone().into(),
            lead.timezone.clone().into(),
            lead.external_id.clone().into(),
            lead.segment.clone().into(),
            lead.region.clone().into(),
            lead.priority.into(),
            at.as_unix_us().into(),
        ]
    });
    connection.insert(if all_new { &NEW_LEADS } else { &LEADS }, rows.collect(), place).await
}

/// A list without its counts.
fn list_row(row: &Row) -> Result<ListRow, StoreError> {
    Ok(ListRow {
        list: ListId(unsigned(row, "list_id")?),
        name: row.get("name")?,
        created_at: wall(row, "created_us")?,
        counts: LeadCounts::default(),
    })
}

pub(crate) fn lead_row(row: &Row) -> Result<LeadRow, StoreError> {
    Ok(LeadRow {
        lead: LeadId(unsigned(row, "lead_id")?),
        list: ListId(unsigned(row, "list_id")?),
        number: row.get("number")?,
        dial_number: row.get("dial_number")?,
        first_name: row.get("first_name")?,
        last_name: row.get("last_name")?,
        timezone: row.get("timezone")?,
        external_id: row.get("external_id")?,
        state: row.get("state")?,
        attempt_number: small(row, "attempt_number")?,
        last_attempt_at: maybe_wall(row, "last_attempt_us")?,
        next_at: maybe_wall(row, "next_at_us")?,
        last_outcome: row.get("last_outcome")?,
        segment: row.get("segment")?,
        region: row.get("region")?,
        priority: row.get("priority")?,
        imported_at: wall(row, "imported_us")?,
    })
}
