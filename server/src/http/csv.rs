//! Lists as CSV: page after page as fast as the reader takes them, and harmless in a spreadsheet.
//!
//! A cell that a spreadsheet would take for a formula (it begins with `= + - @`, a tab or a line end) gets an apostrophe
//! in front (OWASP, CSV injection). International numbers begin with `+`, so they are written `'+12125550100`; the
//! importer takes that apostrophe off again, and programs that want values as they are take JSON.

use super::Service;
use super::limits::WRITE_WAIT;
use super::problem::Problem;
use crate::import::harmless;
use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use base::WallTime;
use serde::Deserialize;
use std::sync::Arc;
use store::{Store, StoreError};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

/// Pages that wait for the reader.
const PAGES_AHEAD: usize = 2;

/// How a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// A page as JSON.
    Json,
    /// All pages as one CSV file.
    Csv,
}

/// Whether CSV is wanted: by the query, or by `Accept`.
pub(super) fn wanted(format: Option<Format>, headers: &HeaderMap) -> bool {
    match format {
        Some(format) => format == Format::Csv,
        None => headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|kinds| {
            kinds.split(',').any(|kind| kind.split(';').next().unwrap_or_default().trim() == "text/csv")
        }),
    }
}

/// One page of a list: its rows, and where the next one begins.
pub(super) type Rows<C> = (Vec<Vec<String>>, Option<C>);

/// A whole list as a file. `page` reads the page that begins at a cursor.
pub(super) async fn file<C, P>(
    service: &Arc<Service>,
    name: &str,
    header: &[&str],
    mut page: P,
) -> Result<Response, Problem>
where
    C: Send + 'static,
    P: FnMut(&Store, Option<C>) -> Result<Rows<C>, StoreError> + Send + 'static,
{
    let Ok(place) = service.exports.clone().try_acquire_owned() else {
        return Err(Problem::too_many("as many exports as may run at once are running", 5));
    };
    // The first page decides whether there is an answer at all.
    let (answered, mut page) = service.store(move |store| Ok((page(store, None)?, page))).await?;
    let (parts, reader) = mpsc::channel::<std::io::Result<Bytes>>(PAGES_AHEAD);
    let head = text(&[header.iter().map(|cell| (*cell).to_owned()).collect()]);
    let task = service.clone();
    tokio::spawn(async move {
        let _place = place;
        let (mut rows, mut next) = answered;
        let mut out = head;
        loop {
            out.extend(text(&rows));
            let sent = parts.send_timeout(Ok(Bytes::from(std::mem::take(&mut out))), WRITE_WAIT).await;
            if sent.is_err() {
                // Nobody reads, or too slowly: a transfer that ends well would hide that rows are missing.
                let _ = parts.send_timeout(Err(std::io::Error::other("the reader is too slow")), WRITE_WAIT).await;
                return;
            }
            let Some(cursor) = next else { return };
            let read = task.store(move |store| Ok((page(store, Some(cursor))?, page))).await;
            match read {
                Ok((answer, reader)) => ((rows, next), page) = (answer, reader),
                Err(problem) => {
                    // The status is out already; a broken transfer is how a client learns that rows are missing.
                    let _ = parts.send(Err(std::io::Error::other(problem.detail))).await;
                    return;
                }
            }
        }
    });
    Ok(answer(name, Body::from_stream(ReceiverStream::new(reader))))
}

/// Rows that are at hand as a file.
pub(super) fn whole(name: &str, rows: &[Vec<String>]) -> Response {
    answer(name, Body::from(text(rows)))
}

fn answer(name: &str, body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    response
}

fn text(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        // Writing into memory cannot fail, and rows of different lengths are allowed.
        let _ = writer.write_record(row.iter().map(|cell| harmless(cell)));
    }
    writer.into_inner().unwrap_or_default()
}

/// A cell of something that may be absent.
pub(super) fn maybe(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A moment as RFC 3339 in UTC, which spreadsheets read.
pub(super) fn at(moment: Option<WallTime>) -> String {
    let moment = moment.and_then(|moment| jiff::Timestamp::from_microsecond(moment.as_unix_us()).ok());
    maybe(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_the_rest_stays_as_it_is() {
        let cells = ["=1+1", "+12125550100", "-1", "@a", "\t=1", "a,b", "say \"hi\"", "plain"];
        let row: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        let text = String::from_utf8(text(&[row])).unwrap();
        assert_eq!(text, "'=1+1,'+12125550100,'-1,'@a,'\t=1,\"a,b\",\"say \"\"hi\"\"\",plain\n");
    }

    #[test]
    fn csv_is_wanted_by_either_way() {
        let mut headers = HeaderMap::new();
        assert!(!wanted(None, &headers) && wanted(Some(Format::Csv), &headers));
        headers.insert(ACCEPT, HeaderValue::from_static("text/html, text/csv;q=0.9"));
        assert!(wanted(None, &headers) && !wanted(Some(Format::Json), &headers));
        assert_eq!(at(Some(WallTime::from_unix_us(1_000_000))), "1970-01-01T00:00:01Z");
    }
}
