//! One contact with all that is known of them; and what people change about it.

use std::collections::BTreeMap;

use base::{AgentId, AttemptId, CampaignId, WallTime};

use super::index;
use super::make::{Change, Fields, Tally, hold, rewrite};
use super::words::tail;
use super::{COLUMNS, CONTACT_NUMBERS_MAX, ContactId, ContactRow, add_history, add_numbers, contact_row, no_contact};
use crate::db::{Connection, Row, Sql};
use crate::lanes::in_transaction;
use crate::lists::lead_row;
use crate::ops::{id, maybe_text, text};
use crate::read::{consent_row, maybe_unsigned, maybe_wall, unsigned, wall};
use crate::records::attempt_row;
use crate::rows::{AttemptRow, ConsentRow, DispositionRow, LeadRow, TenantId};
use crate::{Action, ErrorKind, Store, StoreError};

/// Attempts of a card, the latest.
pub const CARD_ATTEMPTS_MAX: u32 = 50;

/// Rows of every other kind on a card, the latest.
const CARD_ROWS_MAX: i64 = 100;

const LEADS: &str = "SELECT * FROM lead";

/// A suppression of a number, or its lifting.
#[derive(Clone, PartialEq, Debug)]
pub struct SuppressionRow {
    /// Id of the row.
    pub id: u64,
    /// E.164.
    pub number: String,
    /// Suppressed or lifted.
    pub action: Action,
    /// Only for this campaign; `None`: for all.
    pub campaign: Option<CampaignId>,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub source: String,
    /// When.
    pub at: WallTime,
    /// Until when; `None`: for ever.
    pub until: Option<WallTime>,
}

/// Everything that is known of a contact; the latest first.
#[derive(Clone, PartialEq, Debug)]
pub struct ContactCard {
    /// The contact.
    pub row: ContactRow,
    /// Consents given and withdrawn, with their ids.
    pub consents: Vec<(u64, ConsentRow)>,
    /// Suppressions and their liftings.
    pub suppressions: Vec<SuppressionRow>,
    /// Where the numbers stand on lists, by id.
    pub leads: Vec<LeadRow>,
    /// The latest attempts, at most [`CARD_ATTEMPTS_MAX`].
    pub attempts: Vec<AttemptRow>,
    /// What was recorded about these attempts.
    pub dispositions: Vec<DispositionRow>,
}

/// New fields of a contact: `Some(None)` empties one, `None` leaves it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContactChange {
    /// Given name.
    pub first_name: Option<Option<String>>,
    /// Family name.
    pub last_name: Option<Option<String>>,
    /// IANA zone.
    pub timezone: Option<Option<String>>,
    /// The id of the person in the system they came from.
    pub external_id: Option<Option<String>>,
}

impl Store {
    /// A contact with all that is known of them at `at`.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn contact_card(
        &self,
        tenant: TenantId,
        contact: ContactId,
        at: WallTime,
    ) -> Result<Option<ContactCard>, StoreError> {
        let (tenant_id, contact) = (id(tenant.0)?, id(contact.0)?);
        self.reads.call(async move |connection| {
            let place = "contact";
            let Some(mut row) = one(connection, tenant_id, contact, place).await? else { return Ok(None) };
            add_history(connection, tenant_id, at, std::slice::from_mut(&mut row), place).await?;
            let mut card = ContactCard {
                row,
                consents: Vec::new(),
                suppressions: Vec::new(),
                leads: Vec::new(),
                attempts: Vec::new(),
                dispositions: Vec::new(),
            };
            if card.row.numbers.is_empty() {
                return Ok(Some(card));
            }
            let of_numbers = |select: &'static str, order: &'static str, rows: i64| {
                let mut query = Sql::new(select);
                query.push(" WHERE tenant_id = ").bind(tenant_id);
                if select == LEADS {
                    // Their index begins with the list.
                    query
                        .push(" AND list_id IN (SELECT list_id FROM list WHERE tenant_id = ")
                        .bind(tenant_id)
                        .push(")");
                }
                query.push(" AND number IN (");
                query.list(card.row.numbers.iter().map(String::as_str)).push(") ORDER BY ").push(order);
                query.push(" LIMIT ").bind(rows);
                query
            };
            let consents = of_numbers("SELECT * FROM consent", "consent_id DESC", CARD_ROWS_MAX);
            let suppressions = of_numbers("SELECT * FROM suppression", "suppression_id DESC", CARD_ROWS_MAX);
            let leads = of_numbers(LEADS, "lead_id", CARD_ROWS_MAX);
            let attempts = of_numbers("SELECT * FROM attempt", "intent_us DESC", i64::from(CARD_ATTEMPTS_MAX));
            let consents = connection.fetch(consents, place).await?;
            card.consents = consents.iter().map(|row| consent_row(tenant, row)).collect::<Result<_, _>>()?;
            let suppressions = connection.fetch(suppressions, place).await?;
            card.suppressions = suppressions.iter().map(suppression_row).collect::<Result<_, _>>()?;
            let leads = connection.fetch(leads, place).await?;
            card.leads = leads.iter().map(lead_row).collect::<Result<_, _>>()?;
            let attempts = connection.fetch(attempts, place).await?;
            card.attempts = attempts.iter().map(attempt_row).collect::<Result<_, _>>()?;
            if !card.attempts.is_empty() {
                let mut query = Sql::new("SELECT * FROM disposition WHERE tenant_id = ");
                query.bind(tenant_id).push(" AND attempt_id IN (");
                query.list(card.attempts.iter().map(|row| row.intent.attempt.0.cast_signed()));
                query.push(") ORDER BY disposition_id DESC LIMIT ").bind(CARD_ROWS_MAX);
                let rows = connection.fetch(query, place).await?;
                card.dispositions = rows.iter().map(|row| disposition_row(tenant, row)).collect::<Result<_, _>>()?;
            }
            Ok(Some(card))
        })
    }

    /// Changes what is known of a contact.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown contact, [`ErrorKind::Value`] for a text that cannot be kept.
    pub fn change_contact(
        &self,
        tenant: TenantId,
        contact: ContactId,
        change: ContactChange,
    ) -> Result<(), StoreError> {
        let (tenant, contact) = (id(tenant.0)?, id(contact.0)?);
        for value in [&change.first_name, &change.last_name, &change.timezone, &change.external_id] {
            maybe_text(value.as_ref().and_then(Option::as_deref))?;
        }
        let place = format!("contact {contact}");
        self.edits.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| {
                let Tally { indexed, .. } = hold(connection, tenant, &place).await?;
                let words = Sql::new("SELECT words FROM contact WHERE tenant_id = $1 AND contact_id = $2");
                let words = connection.fetch_one(words.with(tenant).with(contact), &place).await?;
                let words_before = words.ok_or_else(|| no_contact(&place))?.get("words")?;
                let row = one(connection, tenant, contact, &place).await?.ok_or_else(|| no_contact(&place))?;
                let fields = Fields {
                    first_name: change.first_name.unwrap_or(row.first_name),
                    last_name: change.last_name.unwrap_or(row.last_name),
                    timezone: change.timezone.unwrap_or(row.timezone),
                    external_id: change.external_id.unwrap_or(row.external_id),
                };
                let changed = BTreeMap::from([(contact, Change { fields, words_before })]);
                rewrite(connection, tenant, &changed, indexed, &place).await
            })
            .await
        })
    }

    /// Gives a contact one more number, E.164.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown contact, [`ErrorKind::Rule`] for a number that a contact has, or one more
    /// than [`CONTACT_NUMBERS_MAX`].
    pub fn add_contact_number(&self, tenant: TenantId, contact: ContactId, number: &str) -> Result<(), StoreError> {
        let (tenant, contact, number) = (id(tenant.0)?, id(contact.0)?, text(number)?);
        let place = format!("contact {contact}");
        self.edits.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| {
                let Tally { indexed, .. } = hold(connection, tenant, &place).await?;
                let row = one(connection, tenant, contact, &place).await?.ok_or_else(|| no_contact(&place))?;
                let rule = |what: String, mend: &str| Err(StoreError::new(ErrorKind::Rule, what, &place, mend));
                if row.numbers.len() >= CONTACT_NUMBERS_MAX {
                    let what = format!("the contact has {CONTACT_NUMBERS_MAX} numbers");
                    return rule(what, "take one away first");
                }
                let owner = Sql::new("SELECT contact_id FROM contact_number WHERE tenant_id = $1 AND number = $2");
                let owner = connection.fetch_one(owner.with(tenant).with(number.clone()), &place).await?;
                if let Some(owner) = owner {
                    let what = format!("the number belongs to contact {}", owner.get::<i64>("contact_id")?);
                    return rule(what, "take it away there first");
                }
                // The last to be dialled.
                let insert = Sql::new(
                    "INSERT INTO contact_number (tenant_id, number, contact_id, tail, place) \
                     SELECT $1, $2, $3, $4, COALESCE(MAX(place), 0) + 1 FROM contact_number \
                     WHERE tenant_id = $1 AND contact_id = $3",
                );
                let end = tail(&number);
                let entry = vec![(end.clone(), contact)];
                connection.execute(insert.with(tenant).with(number).with(contact).with(end), &place).await?;
                if contact > indexed {
                    index::changed_beyond(connection, tenant, &place).await?;
                    return Ok(());
                }
                index::put(connection, tenant, (Vec::new(), entry), &place).await
            })
            .await
        })
    }

    /// Takes a number away from a contact.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the contact does not have it, [`ErrorKind::Rule`] when a list dials it.
    pub fn remove_contact_number(&self, tenant: TenantId, contact: ContactId, number: &str) -> Result<(), StoreError> {
        let (tenant, contact, number) = (id(tenant.0)?, id(contact.0)?, text(number)?);
        let place = format!("contact {contact}");
        self.edits.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| {
                let Tally { indexed, .. } = hold(connection, tenant, &place).await?;
                let delete =
                    Sql::new("DELETE FROM contact_number WHERE tenant_id = $1 AND contact_id = $2 AND number = $3");
                let delete = delete.with(tenant).with(contact).with(number.clone());
                if connection.execute(delete, &place).await? == 0 {
                    return Err(StoreError::not_found("the contact has no such number", &place));
                }
                if contact > indexed {
                    index::changed_beyond(connection, tenant, &place).await?;
                }
                index::take_tails(connection, tenant, &[(tail(&number), contact)], &place).await?;
                let dialled = Sql::new(
                    "SELECT lead_id FROM lead WHERE tenant_id = $1 AND number = $2 \
                     AND list_id IN (SELECT list_id FROM list WHERE tenant_id = $1) LIMIT 1",
                );
                match connection.fetch_one(dialled.with(tenant).with(number), &place).await? {
                    None => Ok(()),
                    Some(_) => {
                        let mend = "leave it: a number that must not be called goes on the do-not-call set";
                        Err(StoreError::new(ErrorKind::Rule, "a list dials the number", &place, mend))
                    }
                }
            })
            .await
        })
    }
}

/// A contact with its numbers.
async fn one(
    connection: &mut Connection,
    tenant: i64,
    contact: i64,
    place: &str,
) -> Result<Option<ContactRow>, StoreError> {
    let mut query = Sql::new("SELECT ");
    query.push(COLUMNS).push(" FROM contact c WHERE c.tenant_id = ").bind(tenant);
    query.push(" AND c.contact_id = ").bind(contact);
    let Some(row) = connection.fetch_one(query, place).await? else { return Ok(None) };
    let mut row = contact_row(&row)?;
    add_numbers(connection, tenant, std::slice::from_mut(&mut row), place).await?;
    Ok(Some(row))
}

fn suppression_row(row: &Row) -> Result<SuppressionRow, StoreError> {
    Ok(SuppressionRow {
        id: unsigned(row, "suppression_id")?,
        number: row.get("number")?,
        action: if row.get::<String>("action")? == Action::Add.text() { Action::Add } else { Action::Lift },
        campaign: maybe_unsigned(row, "campaign_id")?.map(CampaignId),
        reason: row.get("reason")?,
        source: row.get("source")?,
        at: wall(row, "at_us")?,
        until: maybe_wall(row, "until_us")?,
    })
}

pub(crate) fn disposition_row(tenant: TenantId, row: &Row) -> Result<DispositionRow, StoreError> {
    Ok(DispositionRow {
        tenant,
        attempt: maybe_unsigned(row, "attempt_id")?.map(AttemptId),
        call: maybe_unsigned(row, "call_id")?.map(base::CallId),
        agent: maybe_unsigned(row, "agent_id")?.map(AgentId),
        code: row.get("code")?,
        person: row.get::<Option<i64>>("person")?.map(|person| person != 0),
        note: row.get("note")?,
        at: wall(row, "at_us")?,
    })
}
