//! Contacts: persons with their numbers, and all that is known of them.

use super::Service;
use super::attempts::Attempt;
use super::campaigns::names;
use super::consents::Consent;
use super::extract::{Id, Json, Query, phone};
use super::page::{next_link, rows};
use super::problem::{FieldError, Problem};
use axum::extract::OriginalUri;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base::WallTime;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::{
    Action, ContactCard, ContactChange, ContactId, ContactQuery, ContactRow, DispositionRow, LeadRow, SuppressionRow,
};
use utoipa::{IntoParams, ToSchema};

/// Longest search that is read.
const SEARCH_CHARS_MAX: usize = 200;
/// Longest name, zone, id: as for an import.
const FIELD_BYTES_MAX: usize = 256;

/// Between two batches of older leads: longer than a group commit of running calls takes.
const FILL_PAUSE: Duration = Duration::from_millis(50);
/// After a fault of the store.
const FILL_RETRY: Duration = Duration::from_secs(5);
/// How often the log tells how far they are.
const FILL_TELL_EVERY: Duration = Duration::from_secs(10);

/// Which contacts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ContactsQuery {
    /// What people type: a number from its front (`+1212`, `1 212`) or, from four digits on, from its end; fronts of words
    /// of the names, in any order, case and accents; an id of another system.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Name of a list that dials the contact.
    list: Option<String>,
    /// Rows of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on; from `next`.
    cursor: Option<String>,
}

/// A person.
#[derive(Serialize, ToSchema)]
pub(super) struct Contact {
    /// Id.
    id: u64,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// Numbers, E.164.
    numbers: Vec<String>,
    /// Id in the system that the contact came from.
    external_id: Option<String>,
    /// IANA zone.
    timezone: Option<String>,
    /// Names of the lists that dial one of the numbers.
    lists: Vec<String>,
    /// When the latest attempt was decided, in microseconds since the Unix epoch.
    last_attempt_us: Option<i64>,
    /// One of the numbers is on the do-not-call set, for all campaigns.
    do_not_call: bool,
    /// When the contact was made.
    created_us: i64,
}

impl Contact {
    fn of(row: ContactRow, lists: &BTreeMap<u64, String>) -> Contact {
        Contact {
            id: row.contact.0,
            first_name: row.first_name,
            last_name: row.last_name,
            numbers: row.numbers,
            external_id: row.external_id,
            timezone: row.timezone,
            lists: row.lists.iter().filter_map(|list| lists.get(&list.0).cloned()).collect(),
            last_attempt_us: row.last_attempt_at.map(WallTime::as_unix_us),
            do_not_call: row.do_not_call,
            created_us: row.created_at.as_unix_us(),
        }
    }
}

/// A page of contacts.
#[derive(Serialize, ToSchema)]
pub(super) struct Contacts {
    /// The contacts: by id, or in the order of what was searched. May be fewer than asked while `next` is not `null`.
    items: Vec<Contact>,
    /// Address of the next page, relative to the server; `null` when there is none.
    next: Option<String>,
    /// About how many there are in all.
    total_estimate: u64,
    /// There are at least so many: it was not counted further.
    total_at_least: bool,
}

/// Contacts, searched or all, page by page.
#[utoipa::path(get, path = "/api/v1/contacts", tag = "contacts", params(ContactsQuery), responses((status = 200, body = Contacts)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<ContactsQuery>,
) -> Result<axum::Json<Contacts>, Problem> {
    let (tenant, limit, at) = (service.tenant, rows(wanted.limit)?, service.wall_now());
    if wanted.search.as_ref().is_some_and(|search| search.chars().count() > SEARCH_CHARS_MAX) {
        let mend = format!("search for at most {SEARCH_CHARS_MAX} characters");
        return Err(Problem::field("search", "is too long", mend));
    }
    let (list_name, search, cursor) = (wanted.list, wanted.search, wanted.cursor);
    let found = service
        .store(move |store| {
            let lists: BTreeMap<u64, String> =
                store.list_names(tenant)?.into_iter().map(|(list, name)| (list.0, name)).collect();
            let list = match &list_name {
                None => None,
                Some(name) => match lists.iter().find(|(_, of_it)| *of_it == name) {
                    Some((list, _)) => Some(base::ListId(*list)),
                    None => return Ok(Err(format!("{name:?} does not exist"))),
                },
            };
            let page = match store.contacts(tenant, ContactQuery { search, list, cursor, limit }, at) {
                Err(error) if error.kind == store::ErrorKind::Value => return Ok(Err(String::new())),
                page => page?,
            };
            let items = page.contacts.into_iter().map(|row| Contact::of(row, &lists)).collect();
            Ok(Ok((items, page.next, page.total_estimate, page.more_than_counted)))
        })
        .await?;
    match found {
        Ok((items, next, total_estimate, total_at_least)) => {
            let next = next.map(|cursor| next_link(&uri, &cursor));
            Ok(axum::Json(Contacts { items, next, total_estimate, total_at_least }))
        }
        Err(what) if what.is_empty() => {
            Err(Problem::field("cursor", "is no cursor of this search", "take it from next of the page before"))
        }
        Err(what) => Err(Problem::field("list", what, "see GET /api/v1/lists")),
    }
}

/// Everything that is known of a person.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactDetail {
    /// The person.
    #[serde(flatten)]
    contact: Contact,
    /// Consents given and withdrawn, the latest first, at most 100.
    consents: Vec<Consent>,
    /// Do-not-call wishes and their liftings, the latest first, at most 100.
    suppressions: Vec<Suppression>,
    /// Where the numbers stand on lists, at most 100.
    leads: Vec<ContactLead>,
    /// Attempts with why they were made, the latest first, at most 50.
    attempts: Vec<Attempt>,
    /// What was recorded about these attempts, the latest first.
    dispositions: Vec<Disposition>,
}

/// A do-not-call wish, or its lifting.
#[derive(Serialize, ToSchema)]
pub(super) struct Suppression {
    /// Id of the row.
    id: u64,
    /// The number.
    number: String,
    /// `suppressed` or `lifted`.
    action: &'static str,
    /// Only for this campaign; `null`: for all.
    campaign: Option<String>,
    /// Why.
    reason: String,
    /// Who said so.
    source: String,
    /// When, in microseconds since the Unix epoch.
    at_us: i64,
    /// Until when; `null`: for ever.
    until_us: Option<i64>,
}

/// A number of a contact on a list.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactLead {
    /// Id of the lead.
    id: u64,
    /// Name of the list.
    list: Option<String>,
    /// The number.
    number: String,
    /// Dial state.
    state: String,
    /// Attempts so far.
    attempt_number: u32,
    /// Not to be dialled before this moment, in microseconds since the Unix epoch.
    next_at_us: Option<i64>,
    /// Outcome of the latest attempt.
    last_outcome: Option<String>,
}

/// What was recorded about an attempt.
#[derive(Serialize, ToSchema)]
pub(super) struct Disposition {
    /// Id of the attempt.
    attempt: Option<u64>,
    /// The code.
    code: String,
    /// A person was there.
    person: Option<bool>,
    /// Free text.
    note: Option<String>,
    /// Name of the agent who said so.
    agent: Option<String>,
    /// When, in microseconds since the Unix epoch.
    at_us: i64,
}

struct Names {
    lists: BTreeMap<u64, String>,
    campaigns: BTreeMap<u64, String>,
    agents: BTreeMap<u64, String>,
}

impl ContactDetail {
    fn of(card: ContactCard, names: &Names) -> ContactDetail {
        let us = WallTime::as_unix_us;
        let suppression = |row: SuppressionRow| Suppression {
            id: row.id,
            number: row.number,
            action: if row.action == Action::Add { "suppressed" } else { "lifted" },
            campaign: row.campaign.map(|id| names.campaigns.get(&id.0).cloned().unwrap_or_else(|| id.to_string())),
            reason: row.reason,
            source: row.source,
            at_us: us(row.at),
            until_us: row.until.map(us),
        };
        let lead = |row: LeadRow| ContactLead {
            id: row.lead.0,
            list: names.lists.get(&row.list.0).cloned(),
            number: row.number,
            state: row.state,
            attempt_number: row.attempt_number,
            next_at_us: row.next_at.map(us),
            last_outcome: row.last_outcome,
        };
        let disposition = |row: DispositionRow| Disposition {
            attempt: row.attempt.map(|attempt| attempt.0),
            code: row.code,
            person: row.person,
            note: row.note,
            agent: row.agent.and_then(|agent| names.agents.get(&agent.0).cloned()),
            at_us: us(row.at),
        };
        ContactDetail {
            contact: Contact::of(card.row, &names.lists),
            consents: card.consents.into_iter().map(Consent::of).collect(),
            suppressions: card.suppressions.into_iter().map(suppression).collect(),
            leads: card.leads.into_iter().map(lead).collect(),
            attempts: card.attempts.into_iter().map(|row| Attempt::of(row, &names.campaigns)).collect(),
            dispositions: card.dispositions.into_iter().map(disposition).collect(),
        }
    }
}

/// One contact with consents, do-not-call wishes, places on lists, attempts and what was recorded about them.
#[utoipa::path(get, path = "/api/v1/contacts/{id}", tag = "contacts", params(("id" = u64, Path, description = "Id of the contact")),
    responses((status = 200, body = ContactDetail)))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Id(id): Id,
) -> Result<axum::Json<ContactDetail>, Problem> {
    detail(&service, id).await
}

async fn detail(service: &Service, id: u64) -> Result<axum::Json<ContactDetail>, Problem> {
    let (tenant, at) = (service.tenant, service.wall_now());
    let found = service
        .store(move |store| {
            let Some(card) = store.contact_card(tenant, ContactId(id), at)? else { return Ok(None) };
            let names = Names {
                lists: store.list_names(tenant)?.into_iter().map(|(list, name)| (list.0, name)).collect(),
                campaigns: names(store, tenant)?,
                agents: store.agent_names(tenant)?.into_iter().map(|(agent, name)| (agent.0, name)).collect(),
            };
            Ok(Some(ContactDetail::of(card, &names)))
        })
        .await?;
    found.map(axum::Json).ok_or_else(|| no_contact(id))
}

fn no_contact(id: u64) -> Problem {
    Problem::not_found(format!("contact {id}"))
}

/// Fields to change; `null` empties one, what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "first_name": "Ann", "timezone": null }))]
pub(super) struct ContactPatch {
    /// Given name.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<String>, max_length = 256)]
    first_name: Option<Option<String>>,
    /// Family name.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<String>, max_length = 256)]
    last_name: Option<Option<String>>,
    /// IANA zone.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<String>, max_length = 256)]
    timezone: Option<Option<String>>,
    /// Id in the system that the contact came from.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<String>, max_length = 256)]
    external_id: Option<Option<String>>,
}

/// A field that stands there, be it `null`.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Changes what is known of a person.
#[utoipa::path(patch, path = "/api/v1/contacts/{id}", tag = "contacts", params(("id" = u64, Path, description = "Id of the contact")),
    request_body = ContactPatch, responses((status = 200, body = ContactDetail)))]
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    Json(wanted): Json<ContactPatch>,
) -> Result<axum::Json<ContactDetail>, Problem> {
    let mut errors = Vec::new();
    let mut checked = |field: &str, value: Option<Option<String>>| {
        let value = value.map(|text| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()));
        if let Some(Some(text)) = &value
            && (text.len() > FIELD_BYTES_MAX || text.chars().any(char::is_control))
        {
            let mend = format!("write at most {FIELD_BYTES_MAX} bytes on one line");
            errors.push(FieldError::new(field, "cannot be kept", mend));
        }
        value
    };
    let change = ContactChange {
        first_name: checked("first_name", wanted.first_name),
        last_name: checked("last_name", wanted.last_name),
        timezone: checked("timezone", wanted.timezone),
        external_id: checked("external_id", wanted.external_id),
    };
    if let Some(Some(zone)) = &change.timezone
        && !crate::import::is_zone(zone)
    {
        errors.push(FieldError::new("timezone", format!("{zone:?} is no time zone"), "write it like America/New_York"));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let tenant = service.tenant;
    service.store(move |store| store.change_contact(tenant, ContactId(id), change)).await?;
    detail(&service, id).await
}

/// A number for a contact.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "number": "+12125550100" }))]
pub(super) struct NewNumber {
    /// E.164.
    #[schema(pattern = "^\\+[1-9][0-9]{2,14}$")]
    number: String,
}

/// Gives a contact one more number; a number belongs to one contact.
#[utoipa::path(post, path = "/api/v1/contacts/{id}/numbers", tag = "contacts", params(("id" = u64, Path, description = "Id of the contact")),
    request_body = NewNumber, responses((status = 200, body = ContactDetail)))]
pub(super) async fn add_number(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    Json(wanted): Json<NewNumber>,
) -> Result<axum::Json<ContactDetail>, Problem> {
    let (tenant, number) = (service.tenant, phone("number", &wanted.number)?);
    service.store(move |store| store.add_contact_number(tenant, ContactId(id), &number)).await?;
    detail(&service, id).await
}

/// Takes a number that no list dials away from a contact.
#[utoipa::path(delete, path = "/api/v1/contacts/{id}/numbers/{number}", tag = "contacts",
    params(("id" = u64, Path, description = "Id of the contact"), ("number" = String, Path, description = "E.164, the plus sign percent-encoded")),
    responses((status = 204, description = "Gone")))]
pub(super) async fn remove_number(
    State(service): State<Arc<Service>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Ok(Path((id, number))) = path else {
        return Err(Problem::malformed("the path is no UTF-8, percent-encode it"));
    };
    let id = id.parse::<u64>().ok().filter(|id| i64::try_from(*id).is_ok());
    let id = id.ok_or_else(|| Problem::not_found("this contact"))?;
    let (tenant, number) = (service.tenant, phone("number", &number)?);
    service.store(move |store| store.remove_contact_number(tenant, ContactId(id), &number)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes contacts for the leads of a store that is older than contacts, batch by batch while everything else runs.
pub(super) async fn fill(service: Arc<Service>) {
    let (tenant, at) = (service.tenant, service.wall_now());
    let mut stop = service.stopping.subscribe();
    let mut told = None;
    loop {
        let made = service.store(move |store| {
            let filled = store.make_contacts(tenant, at)?;
            if filled.done >= filled.end {
                store.index_contacts(tenant)?;
            }
            Ok(filled)
        });
        let pause = match made.await {
            Ok(filled) if filled.done >= filled.end => {
                if told.is_some() {
                    tracing::info!("all leads of the older store have their contacts");
                }
                return;
            }
            Ok(filled) => {
                if told.is_none_or(|at: tokio::time::Instant| at.elapsed() >= FILL_TELL_EVERY) {
                    told = Some(tokio::time::Instant::now());
                    tracing::info!(done = filled.done, end = filled.end, "contacts are made for older leads, by ids");
                }
                FILL_PAUSE
            }
            // The store is away or busy.
            Err(_) => FILL_RETRY,
        };
        tokio::select! {
            () = async { drop(stop.wait_for(|stopping| *stopping).await) } => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
