//! Lists of numbers from outside, with the day that their source says: national do-not-call lists, reassigned numbers.
//!
//! ```text
//!  numbers, ascending ──ScreenPacker──> blocks
//!  begin_screen ──> put_screen_blocks … ──> end_screen: counts from here on, instead of the load of the same source before
//!  drop_screen: a source counts no more           sweep_screens: what does not count any more is deleted
//! ```
//!
//! **Invariants.** A load counts when it is whole, and then at once instead of the one before. Of two loads of one source
//! at once the one that began later goes on, and the other is refused its next numbers. What is given up, or left half
//! loaded by a killed process, never counts and goes with the next sweep after a load of its source. Absent: what a list forbids, and
//! how old it may be.

mod packer;

pub use packer::{ScreenBlock, ScreenPacker};

use std::collections::{BTreeMap, BTreeSet};

use base::WallTime;
use packer::BATCH_BLOCKS;

use crate::db::{Connection, Kind, Many, Sql};
use crate::lanes::in_transaction;
use crate::lists::GiveWay;
use crate::ops::{id, text};
use crate::read::{unsigned, wall};
use crate::rows::TenantId;
use crate::{ErrorKind, Store, StoreError};

static BLOCKS: Many = Many::new(
    "INSERT INTO screen_block",
    &[("screen_id", Kind::Int), ("block", Kind::Int), ("offsets", Kind::Bytes)],
    "",
);

/// Rows of a load before that are deleted in one transaction: of 600 bytes each a megabyte, of 20 KB at most 40.
const DELETE_ROWS: i64 = 2_000;

/// Lists that are in force at most: a country has a few of each kind.
const SCREENS_MAX: i64 = 1_000;

/// What a list of numbers is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ScreenKind {
    /// Numbers that must not be called.
    DoNotCall,
    /// Numbers that belong to somebody else now.
    Reassigned,
}

impl ScreenKind {
    /// Both.
    pub const ALL: [ScreenKind; 2] = [ScreenKind::DoNotCall, ScreenKind::Reassigned];

    /// `do_not_call`, `reassigned`.
    pub const fn name(self) -> &'static str {
        match self {
            ScreenKind::DoNotCall => "do_not_call",
            ScreenKind::Reassigned => "reassigned",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<ScreenKind> {
        ScreenKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// `whole` of a load that does not count any more, or never will. 0: it is under way; above: it counts, and the number
/// rises with every load that ends.
const GIVEN_UP: i64 = -1;

/// A list of numbers that is in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScreenRow {
    /// Rises with every load that comes into force: the highest of all lists changes with each.
    pub order: u64,
    /// What it is.
    pub kind: ScreenKind,
    /// Whose list it is, as its loader named it.
    pub source: String,
    /// The day that the source says.
    pub as_of: WallTime,
    /// When it was loaded.
    pub loaded_at: WallTime,
    /// Numbers on it.
    pub numbers: u64,
}

impl Store {
    /// Begins to load a list; gives the load's id. Another load of this source that is under way is given up.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn begin_screen(
        &self,
        tenant: TenantId,
        kind: ScreenKind,
        source: &str,
        as_of: WallTime,
        at: WallTime,
    ) -> Result<u64, StoreError> {
        let insert = Sql::new(
            "INSERT INTO screen (tenant_id, kind, source, as_of_us, loaded_us) VALUES ($1, $2, $3, $4, $5) \
             RETURNING screen_id",
        );
        let (tenant, source) = (id(tenant.0)?, text(source)?.to_owned());
        self.imports.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| {
                let place = "list of numbers";
                let others = Sql::new(
                    "UPDATE screen SET whole = $1 WHERE tenant_id = $2 AND kind = $3 AND source = $4 AND whole = 0",
                );
                let others = others.with(GIVEN_UP).with(tenant).with(kind.name()).with(source.as_str());
                connection.execute(others, place).await?;
                let insert = insert.with(tenant).with(kind.name()).with(source.as_str());
                let insert = insert.with(as_of.as_unix_us()).with(at.as_unix_us());
                let made = connection.fetch_one(insert, place).await?;
                made.map_or_else(|| Err(under_way_no_more(place)), |row| unsigned(&row, "screen_id"))
            })
            .await
        })
    }

    /// Adds rows of a [`ScreenPacker`] to a load, one batch of it at most, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for a batch that is too large, [`ErrorKind::Rule`] for a load that is not under way.
    pub fn put_screen_blocks(&self, screen: u64, blocks: Vec<ScreenBlock>) -> Result<(), StoreError> {
        let place = "list of numbers";
        if blocks.len() > BATCH_BLOCKS + 1 {
            let what = format!("{} rows at once", blocks.len());
            return Err(StoreError::new(ErrorKind::Value, what, place, "put what the packer gives"));
        }
        let screen = id(screen)?;
        let numbers = blocks.iter().map(ScreenBlock::numbers).sum::<u64>();
        let numbers = id(numbers)?;
        self.imports.call(async move |connection| {
            let mut give_way = GiveWay::default();
            give_way.begin();
            in_transaction(connection, async |connection: &mut Connection| {
                let grown = Sql::new("UPDATE screen SET numbers = numbers + $1 WHERE screen_id = $2 AND whole = 0");
                if connection.execute(grown.with(numbers).with(screen), place).await? == 0 {
                    return Err(under_way_no_more(place));
                }
                let row = |row: ScreenBlock| [screen.into(), row.block.into(), row.offsets.into()];
                connection.insert(&BLOCKS, blocks.into_iter().flat_map(row).collect(), place).await.map(drop)
            })
            .await?;
            give_way.end(connection).await;
            Ok(())
        })
    }

    /// The load is whole: it counts now, and other loads of the same source count no more. Gives its numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Rule`] for a load that is not under way.
    pub fn end_screen(&self, tenant: TenantId, screen: u64) -> Result<u64, StoreError> {
        let (tenant, screen) = (id(tenant.0)?, id(screen)?);
        self.imports.call(async move |connection| {
            let place = "list of numbers";
            in_transaction(connection, async |connection: &mut Connection| {
                let whole = Sql::new(
                    "UPDATE screen SET whole = (SELECT MAX(s.whole) + 1 FROM screen s WHERE s.tenant_id = $2) \
                     WHERE tenant_id = $2 AND screen_id = $1 AND whole = 0",
                );
                if connection.execute(whole.with(screen).with(tenant), place).await? == 0 {
                    return Err(under_way_no_more(place));
                }
                let before = Sql::new(
                    "SELECT b.screen_id FROM screen b, screen s WHERE s.screen_id = $1 AND b.tenant_id = $2 \
                     AND b.kind = s.kind AND b.source = s.source AND b.screen_id <> $1",
                );
                let rows = connection.fetch(before.with(screen).with(tenant), place).await?;
                let before = rows.iter().map(|row| row.get("screen_id")).collect::<Result<Vec<i64>, _>>()?;
                for old in &before {
                    let gone = Sql::new("UPDATE screen SET whole = $1 WHERE screen_id = $2");
                    connection.execute(gone.with(GIVEN_UP).with(*old), place).await?;
                }
                let count = Sql::new("SELECT numbers FROM screen WHERE screen_id = $1").with(screen);
                connection.fetch_one(count, place).await?.map_or(Ok(0), |row| unsigned(&row, "numbers"))
            })
            .await
        })
    }

    /// The list of a source counts no more. False: there is none.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn drop_screen(&self, tenant: TenantId, kind: ScreenKind, source: &str) -> Result<bool, StoreError> {
        let (tenant, source) = (id(tenant.0)?, text(source)?.to_owned());
        self.imports.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| {
                let gone = Sql::new(
                    "UPDATE screen SET whole = $1 WHERE tenant_id = $2 AND kind = $3 AND source = $4 AND whole > 0",
                );
                let gone = gone.with(GIVEN_UP).with(tenant).with(kind.name()).with(source.as_str());
                Ok(connection.execute(gone, "list of numbers").await? > 0)
            })
            .await
        })
    }

    /// Deletes loads that count no more. What cannot be deleted now goes with the next sweep.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn sweep_screens(&self, tenant: TenantId) -> Result<(), StoreError> {
        let tenant = id(tenant.0)?;
        self.imports.call(async move |connection| {
            let place = "list of numbers";
            let gone = Sql::new("SELECT screen_id FROM screen WHERE tenant_id = $1 AND whole = $2");
            let rows = connection.fetch(gone.with(tenant).with(GIVEN_UP), place).await?;
            for row in &rows {
                forget(connection, row.get("screen_id")?, place).await?;
            }
            Ok(())
        })
    }

    /// A load that is under way is given up: what it has is deleted.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn give_up_screen(&self, tenant: TenantId, screen: u64) -> Result<(), StoreError> {
        let (tenant, screen) = (id(tenant.0)?, id(screen)?);
        self.imports.call(async move |connection| {
            let place = "list of numbers";
            let gone = in_transaction(connection, async |connection: &mut Connection| {
                let gone =
                    Sql::new("UPDATE screen SET whole = $1 WHERE tenant_id = $2 AND screen_id = $3 AND whole = 0");
                connection.execute(gone.with(GIVEN_UP).with(tenant).with(screen), place).await
            });
            match gone.await? {
                0 => Ok(()),
                _ => forget(connection, screen, place).await,
            }
        })
    }

    /// The lists that are in force, by kind and source.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn screens(&self, tenant: TenantId) -> Result<Vec<ScreenRow>, StoreError> {
        let query = Sql::new(
            "SELECT * FROM screen WHERE tenant_id = $1 AND whole > 0 ORDER BY kind, source, screen_id LIMIT $2",
        );
        self.page("lists of numbers", query.with(id(tenant.0)?).with(SCREENS_MAX), |row| {
            Ok(ScreenRow {
                order: unsigned(row, "whole")?,
                kind: ScreenKind::named(&row.get::<String>("kind")?)
                    .ok_or_else(|| crate::read::foreign("kind", "no kind of list"))?,
                source: row.get("source")?,
                as_of: wall(row, "as_of_us")?,
                loaded_at: wall(row, "loaded_us")?,
                numbers: unsigned(row, "numbers")?,
            })
        })
    }

    /// Which of these numbers, E.164, stand on a list in force, with what that is; in their order.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn screened(&self, tenant: TenantId, numbers: &[String]) -> Result<Vec<(String, ScreenKind)>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let mut wanted: BTreeMap<i64, Vec<(u16, &String)>> = BTreeMap::new();
        for number in numbers {
            if let Some((block, offset)) = packer::place(number) {
                wanted.entry(block).or_default().push((offset, number));
            }
        }
        let mut query = Sql::new(
            "SELECT s.kind, n.block, n.offsets FROM screen s CROSS JOIN screen_block n WHERE s.whole > 0 \
             AND n.screen_id = s.screen_id AND s.tenant_id = ",
        );
        query.bind(id(tenant.0)?).push(" AND n.block IN (").list(wanted.keys().copied()).push(")");
        let rows = self.page("numbers on lists", query, |row| {
            let kind = ScreenKind::named(&row.get::<String>("kind")?);
            let kind = kind.ok_or_else(|| crate::read::foreign("kind", "no kind of list"))?;
            Ok((kind, row.get::<i64>("block")?, row.get::<Vec<u8>>("offsets")?))
        })?;
        let mut found = BTreeSet::new();
        for (kind, block, offsets) in rows {
            let here = wanted.get(&block).into_iter().flatten().filter(|(offset, _)| packer::holds(&offsets, *offset));
            found.extend(here.map(|(_, number)| ((*number).clone(), kind)));
        }
        Ok(found.into_iter().collect())
    }
}

fn under_way_no_more(place: &str) -> StoreError {
    let what = "this load is not under way: it has ended, or a later one of the same source has begun";
    StoreError::new(ErrorKind::Rule, what, place, "load one list of a source at a time")
}

/// Deletes a load part by part, so that nobody waits for it.
async fn forget(connection: &mut Connection, screen: i64, place: &str) -> Result<(), StoreError> {
    let mut give_way = GiveWay::default();
    loop {
        give_way.begin();
        let gone = in_transaction(connection, async |connection: &mut Connection| {
            let delete = Sql::new(
                "DELETE FROM screen_block WHERE screen_id = $1 AND block <= (SELECT MAX(block) FROM \
                 (SELECT block FROM screen_block WHERE screen_id = $1 ORDER BY block LIMIT $2) AS part)",
            );
            connection.execute(delete.with(screen).with(DELETE_ROWS), place).await
        });
        let gone = gone.await?;
        give_way.end(connection).await;
        if gone == 0 {
            break;
        }
    }
    in_transaction(connection, async |connection: &mut Connection| {
        connection.execute(Sql::new("DELETE FROM screen WHERE screen_id = $1").with(screen), place).await.map(drop)
    })
    .await
}
