//! Pages of contacts. Each page walks one index in its order, so that a million contacts cost what a hundred do; a
//! cursor says where in which index it goes on. What an index cannot answer alone (a second word, a list) is looked up
//! row by row, over a bounded stretch: a page may then be shorter than asked, or even empty, and still have a next one.

use base::{ListId, WallTime};

use super::words::{Ask, asks, tail};
use super::{COLUMNS, ContactRow, add_history, add_numbers, contact_row};
use crate::db::{Connection, Row, Sql};
use crate::ops::id;
use crate::read::page_rows;
use crate::rows::TenantId;
use crate::{ErrorKind, Store, StoreError};

/// Entries of an index that one page looks at when each must be looked up: some 50 ms.
const STRETCH: i64 = 10_000;

/// How far is counted to tell rare from common, and to say about how many there are.
const COUNT_MAX: i64 = 1_000;

/// How often a page goes on reading because what it read was there before.
const ROUNDS_MAX: usize = 4;

/// Which contacts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContactQuery {
    /// A number from its front or its end, fronts of words of the names, an external id; as people type it.
    pub search: Option<String>,
    /// With a number that this list dials.
    pub list: Option<ListId>,
    /// [`ContactPage::next`] of the page before.
    pub cursor: Option<String>,
    /// Rows of a page; 0 means [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX), which is also the most.
    pub limit: u32,
}

/// A page of contacts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContactPage {
    /// The contacts. There may be fewer than asked, and yet more to come.
    pub contacts: Vec<ContactRow>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<String>,
    /// About how many there are in all; never fewer than stand here.
    pub total_estimate: u64,
    /// It was not counted further: there are at least as many.
    pub more_than_counted: bool,
}

/// The index that is walked.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Walk {
    /// All contacts by their ids; the last one seen.
    All(i64),
    /// The leads of the list; the last one seen.
    List(i64),
    /// Numbers; the last one seen, empty before the first.
    Number(String),
    /// Ends of numbers; the last one seen, empty before the first.
    Tail(String),
    /// Words that begin like this term; the last word and contact seen.
    Word(usize, String, i64),
}

/// A place between two pages: which of the search's asks, and where in its walk.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Place {
    ask: usize,
    walk: Walk,
}

impl Place {
    fn text(&self) -> String {
        let ask = self.ask;
        match &self.walk {
            Walk::All(contact) => format!("{ask}a{contact}"),
            Walk::List(lead) => format!("{ask}l{lead}"),
            Walk::Number(number) => format!("{ask}n{number}"),
            Walk::Tail(tail) => format!("{ask}t{tail}"),
            Walk::Word(term, word, contact) => format!("{ask}w{term}.{word}.{contact}"),
        }
    }

    fn read(text: &str) -> Option<Place> {
        let ask = text.get(..1)?.parse().ok()?;
        let (kind, rest) = (text.get(1..2)?, text.get(2..)?);
        let walk = match kind {
            "a" => Walk::All(rest.parse().ok()?),
            "l" => Walk::List(rest.parse().ok()?),
            "n" => Walk::Number(rest.to_owned()),
            "t" => Walk::Tail(rest.to_owned()),
            "w" => {
                let (term, rest) = rest.split_once('.')?;
                let (word, contact) = rest.rsplit_once('.')?;
                Walk::Word(term.parse().ok()?, word.to_owned(), contact.parse().ok()?)
            }
            _ => return None,
        };
        (!text.contains('\0')).then_some(Place { ask, walk })
    }
}

/// A contact on its way into a page, with the entry of the index that led to it.
struct Found {
    row: ContactRow,
    words: String,
    walk: Walk,
}

impl Store {
    /// A page of contacts: by id, or in the order of what was searched.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for a cursor that is none of this search.
    pub fn contacts(&self, tenant: TenantId, query: ContactQuery, at: WallTime) -> Result<ContactPage, StoreError> {
        let tenant = id(tenant.0)?;
        let list = query.list.map(|list| id(list.0)).transpose()?;
        let asked = match query.search.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(asks(text)),
        };
        let search = Search { tenant, list, asks: asked.unwrap_or_else(|| vec![Ask::Words(Vec::new())]) };
        let begin = match query.cursor.as_deref() {
            None => None,
            Some(text) => Some(Place::read(text).filter(|place| search.fits(place)).ok_or_else(no_cursor)?),
        };
        let want = usize::try_from(page_rows(query.limit)).unwrap_or(1);
        self.reads.call(async move |connection| {
            let page = async |connection: &mut Connection| search.page(connection, begin, want, at).await;
            connection.by_index(page).await
        })
    }
}

fn no_cursor() -> StoreError {
    StoreError::new(ErrorKind::Value, "this is no cursor of this search", "contacts", "begin without a cursor")
}

/// A search. One without words is for all contacts, or all of the list.
struct Search {
    tenant: i64,
    list: Option<i64>,
    asks: Vec<Ask>,
}

const PLACE: &str = "contacts";

impl Search {
    fn terms(&self, ask: usize) -> &[String] {
        match self.asks.get(ask) {
            Some(Ask::Words(terms)) => terms,
            _ => &[],
        }
    }

    /// Whether a place, which anybody can write, is one of this search.
    fn fits(&self, place: &Place) -> bool {
        match (self.asks.get(place.ask), &place.walk) {
            (Some(Ask::Words(terms)), Walk::All(_)) => terms.is_empty() && self.list.is_none(),
            (Some(_), Walk::List(_)) => self.list.is_some(),
            (Some(Ask::Words(terms)), Walk::Word(term, word, _)) => {
                terms.get(*term).is_some_and(|term| word.starts_with(term.as_str()))
            }
            (Some(Ask::Number(front)), Walk::Number(number)) => number.is_empty() || number.starts_with(front.as_str()),
            (Some(Ask::Tail(front)), Walk::Tail(tail)) => tail.is_empty() || tail.starts_with(front.as_str()),
            _ => false,
        }
    }

    async fn page(
        &self,
        connection: &mut Connection,
        begin: Option<Place>,
        want: usize,
        at: WallTime,
    ) -> Result<ContactPage, StoreError> {
        let first = begin.is_none();
        let mut contacts = Vec::new();
        let mut next = None;
        let (mut ask, mut walk) = match begin {
            Some(Place { ask, walk }) => (ask, Some(walk)),
            None => (0, None),
        };
        let mut rounds = 0;
        while ask < self.asks.len() {
            let here = match walk.take() {
                Some(walk) => walk,
                None => self.beginning(connection, ask).await?,
            };
            let wanted = want - contacts.len();
            let (found, end) = self.walk(connection, ask, here, wanted).await?;
            // What was looked up in vain is enough for one page.
            let tired = found.len() < wanted;
            for found in self.fresh(connection, ask, found).await? {
                contacts.push(found.row);
            }
            rounds += 1;
            match end {
                Some(end) if tired || contacts.len() >= want || rounds >= ROUNDS_MAX => {
                    next = Some(Place { ask, walk: end }.text());
                    break;
                }
                Some(end) => walk = Some(end),
                None => {
                    ask += 1;
                    if contacts.len() >= want && ask < self.asks.len() {
                        let walk = self.beginning(connection, ask).await?;
                        next = Some(Place { ask, walk }.text());
                        break;
                    }
                }
            }
        }
        add_history(connection, self.tenant, at, &mut contacts, PLACE).await?;
        let here = contacts.len() as u64;
        let (total_estimate, more_than_counted) = match (first, &next) {
            (true, None) => (here, false),
            _ => {
                let (counted, more) = self.count(connection).await?;
                (counted.max(here), more)
            }
        };
        Ok(ContactPage { contacts, next, total_estimate, more_than_counted })
    }

    /// Where an ask begins: in the index in which it finds fewest.
    async fn beginning(&self, connection: &mut Connection, ask: usize) -> Result<Walk, StoreError> {
        let terms = match &self.asks[ask] {
            Ask::Number(_) | Ask::Tail(_) => {
                let by_number = match &self.asks[ask] {
                    Ask::Tail(_) => Walk::Tail(String::new()),
                    _ => Walk::Number(String::new()),
                };
                if self.list.is_none() {
                    return Ok(by_number);
                }
                let on_list = self.count_walk(connection, ask, &Walk::List(0)).await?;
                let fits = self.count_walk(connection, ask, &by_number).await?;
                return Ok(if on_list < fits { Walk::List(0) } else { by_number });
            }
            Ask::Words(terms) => terms,
        };
        if terms.is_empty() {
            return Ok(if self.list.is_some() { Walk::List(0) } else { Walk::All(0) });
        }
        if terms.len() == 1 && self.list.is_none() {
            return Ok(Walk::Word(0, terms[0].clone(), 0));
        }
        let mut rarest = (i64::MAX, Walk::List(0));
        if self.list.is_some() {
            rarest.0 = self.count_walk(connection, ask, &Walk::List(0)).await?;
        }
        for (n, term) in terms.iter().enumerate() {
            let walk = Walk::Word(n, term.clone(), 0);
            let count = self.count_walk(connection, ask, &walk).await?;
            if count < rarest.0 {
                rarest = (count, walk);
            }
        }
        Ok(rarest.1)
    }

    /// At most [`COUNT_MAX`] + 1 entries of a walk.
    async fn count_walk(&self, connection: &mut Connection, ask: usize, walk: &Walk) -> Result<i64, StoreError> {
        let mut query = Sql::new("SELECT COUNT(*) AS entries FROM (SELECT 1 AS one FROM ");
        query.push(walk.table()).push(" k WHERE ");
        self.entries(&mut query, ask, walk, None);
        query.push(" LIMIT ").bind(COUNT_MAX + 1).push(") AS counted");
        connection.fetch_one(query, PLACE).await?.map_or(Ok(0), |row| row.get("entries"))
    }

    /// About how many there are in all, and whether there are more.
    async fn count(&self, connection: &mut Connection) -> Result<(u64, bool), StoreError> {
        if self.list.is_none() && self.terms(0).is_empty() && self.asks.len() == 1 {
            let tally = Sql::new("SELECT made FROM contact_tally WHERE tenant_id = $1").with(self.tenant);
            let made = connection.fetch_one(tally, PLACE).await?.map_or(Ok(0), |row| row.get::<i64>("made"))?;
            return Ok((made.unsigned_abs(), false));
        }
        let mut total = 0;
        let mut more = false;
        for ask in 0..self.asks.len() {
            let walk = self.beginning(connection, ask).await?;
            let count = self.count_walk(connection, ask, &walk).await?;
            more |= count > COUNT_MAX;
            total += count.min(COUNT_MAX).unsigned_abs();
        }
        Ok((total, more))
    }

    /// That `k` is an entry of a walk after its place and up to `end`.
    fn entries(&self, query: &mut Sql, ask: usize, walk: &Walk, end: Option<&Walk>) {
        query.push("k.tenant_id = ").bind(self.tenant);
        match walk {
            Walk::All(after) => {
                query.push(" AND k.contact_id > ").bind(*after);
            }
            Walk::List(after) => {
                query.push(" AND k.list_id = ").bind(self.list.unwrap_or(0));
                query.push(" AND k.lead_id > ").bind(*after);
            }
            Walk::Number(after) | Walk::Tail(after) => {
                let (from, after_it, before) = match walk {
                    Walk::Tail(_) => (" AND k.tail >= ", " AND k.tail > ", " AND k.tail < "),
                    _ => (" AND k.number >= ", " AND k.number > ", " AND k.number < "),
                };
                let front = self.front(ask);
                match after.as_str() {
                    "" => query.push(from).bind(front),
                    after => query.push(after_it).bind(after),
                };
                query.push(before).bind(beyond(front));
            }
            Walk::Word(term, after, contact) => {
                let front = self.terms(ask).get(*term).map_or("", String::as_str);
                query.push(" AND (k.word, k.contact_id) > (").bind(after.as_str()).push(", ").bind(*contact);
                query.push(") AND k.word < ").bind(beyond(front));
            }
        }
        match end {
            None => {}
            Some(Walk::All(end)) => {
                query.push(" AND k.contact_id <= ").bind(*end);
            }
            Some(Walk::List(end)) => {
                query.push(" AND k.lead_id <= ").bind(*end);
            }
            Some(Walk::Number(end)) => {
                query.push(" AND k.number <= ").bind(end.as_str());
            }
            Some(Walk::Tail(end)) => {
                query.push(" AND k.tail <= ").bind(end.as_str());
            }
            Some(Walk::Word(_, end, contact)) => {
                query.push(" AND (k.word, k.contact_id) <= (").bind(end.as_str()).push(", ").bind(*contact).push(")");
            }
        }
    }

    fn front(&self, ask: usize) -> &str {
        match self.asks.get(ask) {
            Some(Ask::Number(front) | Ask::Tail(front)) => front,
            _ => "",
        }
    }

    /// Contacts of the entries after `walk`, at most `want`; and where to go on, if there is more.
    async fn walk(
        &self,
        connection: &mut Connection,
        ask: usize,
        walk: Walk,
        want: usize,
    ) -> Result<(Vec<Found>, Option<Walk>), StoreError> {
        let own_term = if let Walk::Word(term, ..) = &walk { Some(*term) } else { None };
        let others: Vec<&String> =
            self.terms(ask).iter().enumerate().filter(|(n, _)| Some(*n) != own_term).map(|(_, term)| term).collect();
        let on_list = self.list.filter(|_| !matches!(walk, Walk::List(_)));
        let by_number = match (&walk, self.asks.get(ask)) {
            (Walk::List(_), Some(Ask::Number(front))) => Some(("m.number", front)),
            (Walk::List(_), Some(Ask::Tail(front))) => Some(("m.tail", front)),
            _ => None,
        };
        // Entries that may be passed over are bounded; else each gives a contact.
        let mut end = None;
        if !others.is_empty() || on_list.is_some() || by_number.is_some() {
            let mut query = Sql::new("SELECT ");
            query.push(walk.columns()).push(" FROM ").push(walk.table()).push(" k WHERE ");
            self.entries(&mut query, ask, &walk, None);
            query.push(walk.order()).push(" LIMIT 1 OFFSET ").bind(STRETCH - 1);
            end = connection.fetch_one(query, PLACE).await?.map(|row| walk.of(&row)).transpose()?;
        }
        let mut query = Sql::new("SELECT ");
        query.push(walk.columns()).push(", ").push(COLUMNS).push(" FROM ").push(walk.table());
        // CROSS JOIN: the index is walked first, in its order (sqlite.org/optoverview.html, 6.6).
        query.push(match walk {
            Walk::List(_) => {
                " k CROSS JOIN contact_number n CROSS JOIN contact c WHERE n.tenant_id = k.tenant_id \
                 AND n.number = k.number AND c.tenant_id = n.tenant_id AND c.contact_id = n.contact_id AND "
            }
            _ => " k CROSS JOIN contact c WHERE c.tenant_id = k.tenant_id AND c.contact_id = k.contact_id AND ",
        });
        self.entries(&mut query, ask, &walk, end.as_ref());
        for term in others {
            query.push(" AND c.words LIKE ").bind(format!("% {term}%"));
        }
        if let Some(list) = on_list {
            query.push(
                " AND EXISTS (SELECT 1 FROM contact_number m CROSS JOIN lead l WHERE l.tenant_id = m.tenant_id \
                 AND l.number = m.number AND m.tenant_id = c.tenant_id AND m.contact_id = c.contact_id AND l.list_id = ",
            );
            query.bind(list).push(")");
        }
        if let Some((column, front)) = by_number {
            query.push(
                " AND EXISTS (SELECT 1 FROM contact_number m WHERE m.tenant_id = c.tenant_id \
                 AND m.contact_id = c.contact_id AND ",
            );
            query.push(column).push(" >= ").bind(front.as_str()).push(" AND ");
            query.push(column).push(" < ").bind(beyond(front)).push(")");
        }
        let rows = i64::try_from(want).unwrap_or(i64::MAX);
        query.push(walk.order()).push(" LIMIT ").bind(rows);
        let mut found = Vec::with_capacity(want);
        for row in connection.fetch(query, PLACE).await? {
            found.push(Found { row: contact_row(&row)?, words: row.get("words")?, walk: walk.of(&row)? });
        }
        let last = found.last().filter(|_| found.len() >= want).map(|found| found.walk.clone());
        Ok((found, last.or(end)))
    }

    /// What no entry before and no ask before has led to: a contact with two numbers or words that fit stands once.
    async fn fresh(
        &self,
        connection: &mut Connection,
        ask: usize,
        found: Vec<Found>,
    ) -> Result<Vec<Found>, StoreError> {
        let (mut rows, walks): (Vec<ContactRow>, Vec<(String, Walk)>) =
            found.into_iter().map(|found| (found.row, (found.words, found.walk))).unzip();
        add_numbers(connection, self.tenant, &mut rows, PLACE).await?;
        let firsts = match walks.first() {
            Some((_, Walk::List(_))) => self.first_leads(connection, &rows).await?,
            _ => Vec::new(),
        };
        let mut fresh = Vec::with_capacity(rows.len());
        for (n, (row, (words, walk))) in rows.into_iter().zip(walks).enumerate() {
            let is_first = match &walk {
                Walk::All(_) => true,
                Walk::List(lead) => firsts.get(n) == Some(lead),
                Walk::Number(number) => {
                    let front = self.front(ask);
                    row.numbers.iter().find(|of_it| of_it.starts_with(front)) == Some(number)
                }
                Walk::Tail(end) => {
                    let front = self.front(ask);
                    row.numbers.iter().map(|of_it| tail(of_it)).filter(|tail| tail.starts_with(front)).min().as_ref()
                        == Some(end)
                }
                Walk::Word(term, word, _) => {
                    let front = self.terms(ask).get(*term).map_or("", String::as_str);
                    words.split_whitespace().find(|of_it| of_it.starts_with(front)) == Some(word)
                }
            };
            let was_there = self.asks[..ask].iter().any(|ask| answers(ask, &row, &words));
            if is_first && !was_there {
                fresh.push(Found { row, words, walk });
            }
        }
        Ok(fresh)
    }

    /// The first lead of each contact on the list.
    async fn first_leads(&self, connection: &mut Connection, rows: &[ContactRow]) -> Result<Vec<i64>, StoreError> {
        let mut query = Sql::new("SELECT number, lead_id FROM lead WHERE tenant_id = ");
        query.bind(self.tenant).push(" AND list_id = ").bind(self.list.unwrap_or(0));
        query.push(" AND number IN (").list(rows.iter().flat_map(|row| row.numbers.iter().map(String::as_str)));
        query.push(")");
        let mut leads = std::collections::BTreeMap::new();
        for row in connection.fetch(query, PLACE).await? {
            leads.insert(row.get::<String>("number")?, row.get::<i64>("lead_id")?);
        }
        let first = |row: &ContactRow| row.numbers.iter().filter_map(|number| leads.get(number)).min().copied();
        Ok(rows.iter().map(|row| first(row).unwrap_or(0)).collect())
    }
}

/// Whether an ask finds this contact.
fn answers(ask: &Ask, row: &ContactRow, words: &str) -> bool {
    match ask {
        Ask::Number(front) => row.numbers.iter().any(|number| number.starts_with(front.as_str())),
        Ask::Tail(front) => row.numbers.iter().any(|number| tail(number).starts_with(front.as_str())),
        Ask::Words(terms) => {
            terms.iter().all(|term| words.split_whitespace().any(|word| word.starts_with(term.as_str())))
        }
    }
}

/// After everything that begins so, in the order of bytes.
fn beyond(front: &str) -> String {
    format!("{front}\u{10ffff}")
}

impl Walk {
    fn table(&self) -> &'static str {
        match self {
            Walk::All(_) => "contact",
            Walk::List(_) => "lead",
            Walk::Number(_) => "contact_number",
            Walk::Tail(_) => "contact_tail",
            Walk::Word(..) => "contact_word",
        }
    }

    fn columns(&self) -> &'static str {
        match self {
            Walk::All(_) => "k.contact_id AS k_contact",
            Walk::List(_) => "k.lead_id AS k_lead",
            Walk::Number(_) => "k.number AS k_number",
            Walk::Tail(_) => "k.tail AS k_tail",
            Walk::Word(..) => "k.word AS k_word, k.contact_id AS k_contact",
        }
    }

    fn order(&self) -> &'static str {
        match self {
            Walk::All(_) => " ORDER BY k.contact_id",
            Walk::List(_) => " ORDER BY k.lead_id",
            Walk::Number(_) => " ORDER BY k.number",
            Walk::Tail(_) => " ORDER BY k.tail",
            Walk::Word(..) => " ORDER BY k.word, k.contact_id",
        }
    }

    /// The place after an entry of this walk.
    fn of(&self, row: &Row) -> Result<Walk, StoreError> {
        Ok(match self {
            Walk::All(_) => Walk::All(row.get("k_contact")?),
            Walk::List(_) => Walk::List(row.get("k_lead")?),
            Walk::Number(_) => Walk::Number(row.get("k_number")?),
            Walk::Tail(_) => Walk::Tail(row.get("k_tail")?),
            Walk::Word(term, ..) => Walk::Word(*term, row.get("k_word")?, row.get("k_contact")?),
        })
    }
}
