//! `outpace import`: arguments, progress bar, error file, summary.

use super::{Field, ImportOptions, ImportReport, LeadSink, Rejected, StoreSink, import_csv};
use crate::config::Config;
use crate::failure::Failure;
use base::WallTime;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use store::{Imported, NewLead, Store, TenantId};

/// Load leads from a CSV file: numbers made E.164, duplicates dropped, rubbish said
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  \
    outpace import --config outpace.toml --list spring --map phone=Telefon --region DE --errors bad.csv leads.csv\n\n\
    The file has a header; its columns are phone, phone2, phone3, phone4 (further numbers of the person), first_name,\n\
    last_name, timezone, external_id, segment, region and priority (a whole number, larger ones come first), or others\n\
    by --map.\n\
    Comma, semicolon or tab separates. Only the phone column is needed. Files saved as UTF-8, UTF-16 or in an old\n\
    code page (Windows-1250, -1251, …) are understood.")]
pub struct ImportArgs {
    /// Configuration with the store
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// List that the leads go on; made if it is new
    #[arg(long, value_name = "NAME")]
    pub list: String,
    /// Column of the file for a field, as often as needed
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub map: Vec<String>,
    /// Country of numbers without a country code
    #[arg(long, default_value = "US", value_name = "XX")]
    pub region: String,
    /// What the file is saved in, such as utf-8, utf-16, windows-1251; found out by itself unless said
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Count everything and write nothing to the list
    #[arg(long)]
    pub dry_run: bool,
    /// Write rows that were not imported, with the reason, as CSV
    #[arg(long, value_name = "FILE")]
    pub errors: Option<PathBuf>,
    /// Write the summary as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The leads
    #[arg(value_name = "LEADS.csv")]
    pub file: PathBuf,
}

/// Runs the command and prints its summary.
///
/// # Errors
/// Wrong use, an unreadable file, a store that refuses, a file without one usable row.
pub fn run(arguments: &ImportArgs) -> Result<(), Failure> {
    let encoding = arguments.encoding.as_deref().map(encoding).transpose()?;
    let options = ImportOptions { region: arguments.region.clone(), map: parse_map(&arguments.map)?, encoding };
    let config = Config::load(&arguments.config)?;
    crate::config::check_name(&arguments.list)
        .map_err(|mend| Failure::usage(&format!("--list {:?}", arguments.list), "is no name", mend))?;
    let said = arguments.file.display().to_string();
    let file = File::open(&arguments.file).map_err(|e| Failure::io(&said, e))?;
    let size = file.metadata().map_or(0, |about| about.len());

    let store_url = config.store_url();
    let (store, _acks) = Store::open(&store_url)?;
    let at = now();
    let list = store.find_list(TenantId::DEFAULT, &arguments.list)?;
    let sink = match list {
        list if arguments.dry_run => StoreSink::rehearsal(&store, list),
        Some(list) => StoreSink::new(&store, list, at),
        None => StoreSink::new(&store, store.create_list(TenantId::DEFAULT, &arguments.list, at)?, at),
    };
    let mut sink = CommandSink {
        store: sink,
        errors: arguments.errors.as_deref().map(ErrorFile::create).transpose()?,
        bar: bar(size),
    };
    let report = import_csv(file, &options, &mut sink)?;
    sink.bar.finish_and_clear();
    if let Some(errors) = sink.errors {
        errors.finish()?;
    }
    if !arguments.dry_run {
        store.end_import(TenantId::DEFAULT)?;
    }
    store.close()?;
    print!("{}", summary(&report, arguments));
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&report).map_err(|e| Failure::failed(e.to_string()))?;
        std::fs::write(path, text).map_err(|e| Failure::io(&path.display().to_string(), e))?;
    }
    if report.rejected > 0 && report.rejected == report.rows {
        return Err(Failure::failed(format!("not one row is usable, {said}, see the reasons above")));
    }
    Ok(())
}

fn encoding(name: &str) -> Result<&'static encoding_rs::Encoding, Failure> {
    super::encoding_named(name).ok_or_else(|| {
        let mend = "write utf-8, utf-16le, windows-1250, windows-1251 or windows-1252";
        Failure::usage(&format!("--encoding {name:?}"), "is not known", mend)
    })
}

fn now() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_us(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn parse_map(entries: &[String]) -> Result<BTreeMap<Field, String>, Failure> {
    let mut map = BTreeMap::new();
    for entry in entries {
        let fault = |what: &str| {
            let fields = Field::ALL.map(Field::name).join(", ");
            Err(Failure::usage(
                &format!("--map {entry:?}"),
                what,
                &format!("write FIELD=COLUMN, FIELD one of {fields}"),
            ))
        };
        let Some((field, column)) = entry.split_once('=') else { return fault("has no =") };
        let Some(field) = Field::named(field.trim()) else { return fault("names no field") };
        if map.insert(field, column.to_owned()).is_some() {
            return fault("maps a field twice");
        }
    }
    Ok(map)
}

/// A bar over the bytes of the file, on a terminal only.
fn bar(size: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(size).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

struct CommandSink<'a> {
    store: StoreSink<'a>,
    errors: Option<ErrorFile>,
    bar: ProgressBar,
}

impl LeadSink for CommandSink<'_> {
    fn add(&mut self, batch: Vec<NewLead>) -> Result<Imported, Failure> {
        self.store.add(batch)
    }
    fn reject(&mut self, row: &Rejected) -> Result<(), Failure> {
        self.errors.as_mut().map_or(Ok(()), |errors| errors.write(row))
    }
    fn progress(&mut self, bytes: u64) -> Result<(), Failure> {
        self.bar.set_position(bytes);
        Ok(())
    }
}

/// The rows that were not imported, as CSV that a spreadsheet may open.
struct ErrorFile {
    path: String,
    csv: csv::Writer<File>,
}

impl ErrorFile {
    fn create(path: &Path) -> Result<Self, Failure> {
        let said = path.display().to_string();
        let mut csv = csv::Writer::from_path(path).map_err(|e| written(&said, &e))?;
        csv.write_record(["line", "column", "value", "reason"]).map_err(|e| written(&said, &e))?;
        Ok(ErrorFile { path: said, csv })
    }

    fn write(&mut self, row: &Rejected) -> Result<(), Failure> {
        let cells = [row.line.to_string(), row.field.to_owned(), harmless(&row.value), row.reason.clone()];
        self.csv.write_record(cells).map_err(|e| written(&self.path, &e))
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.csv.flush().map_err(|e| Failure::io(&self.path, e))
    }
}

fn written(path: &str, error: &csv::Error) -> Failure {
    Failure::failed(format!("{error}, {path}, check that the folder exists and has room"))
}

/// A text that no spreadsheet takes for a formula (OWASP, CSV injection): what begins like one gets an apostrophe.
pub(crate) fn harmless(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{value}") } else { value.to_owned() }
}

fn summary(report: &ImportReport, arguments: &ImportArgs) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let lines = [
        ("rows", report.rows),
        ("added", report.added),
        ("already on the list", report.already_on_list),
        ("duplicates in the file", report.duplicates),
        ("rejected", report.rejected),
    ];
    // Writing into a String cannot fail.
    let rehearsal = if arguments.dry_run { " (dry run: nothing was written)" } else { "" };
    let _ = writeln!(text, "list {}{rehearsal}", arguments.list);
    for (what, count) in lines {
        let _ = writeln!(text, "  {what:<24}{count:>10}");
    }
    for (reason, count) in &report.reasons {
        let _ = writeln!(text, "    {count:>8}  {reason}");
    }
    match arguments.errors.as_deref() {
        Some(path) if report.rejected + report.duplicates > 0 => {
            let _ = writeln!(text, "  rows that were not imported: {}", path.display());
        }
        None if report.rejected > 0 => text.push_str("  give --errors FILE to get these rows\n"),
        _ => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[store]\nurl = \"sqlite:leads.db\"\n";

    fn arguments(folder: &Path, csv: &[u8]) -> ImportArgs {
        let file = folder.join("leads.csv");
        std::fs::write(&file, csv).unwrap();
        let config = folder.join("outpace.toml");
        std::fs::write(&config, format!("[server]\ndata_dir = {:?}\n{CONFIG}", folder.display().to_string())).unwrap();
        ImportArgs {
            config,
            list: "spring".to_owned(),
            map: vec!["phone=Telefon".to_owned()],
            region: "US".to_owned(),
            encoding: None,
            dry_run: false,
            errors: Some(folder.join("errors.csv")),
            json: Some(folder.join("summary.json")),
            file,
        }
    }

    #[test]
    fn a_file_goes_onto_its_list_and_bad_rows_into_the_error_file() {
        let folder = tempfile::tempdir().unwrap();
        let csv = "Telefon;first_name\n212-555-0100;Ann\n+12125550100;Bob\n=1+1;Eve\n\"2\n\";Short\n2125550101;Cy\n";
        let arguments = arguments(folder.path(), csv.as_bytes());
        run(&arguments).unwrap();
        let errors = std::fs::read_to_string(folder.path().join("errors.csv")).unwrap();
        assert_eq!(
            errors,
            "line,column,value,reason\n\
             3,phone,'+12125550100,same number as line 2\n\
             4,phone,'=1+1,characters that no phone number has\n\
             5,phone,2,too few digits\n"
        );
        let summary = std::fs::read_to_string(folder.path().join("summary.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["rows"], 5);
        assert_eq!(summary["added"], 2);
        assert_eq!(summary["duplicates"], 1);
        assert_eq!(summary["reasons"]["too few digits"], 1);
        // A rehearsal writes nothing; once more, everything is there already.
        let rehearsal = ImportArgs { dry_run: true, list: "autumn".to_owned(), ..arguments.clone() };
        run(&rehearsal).unwrap();
        let summary = std::fs::read_to_string(folder.path().join("summary.json")).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&summary).unwrap()["added"], 2);
        run(&arguments).unwrap();
        let (store, _acks) = Store::open(&format!("sqlite:{}/leads.db", folder.path().display())).unwrap();
        assert_eq!(store.find_list(TenantId::DEFAULT, "autumn").unwrap(), None);
        let list = store.find_list(TenantId::DEFAULT, "spring").unwrap().unwrap();
        let leads = store.leads(TenantId::DEFAULT, list, None, 0).unwrap();
        let names: Vec<_> = leads.iter().map(|lead| (lead.number.as_str(), lead.first_name.as_deref())).collect();
        assert_eq!(names, [("+12125550100", Some("Ann")), ("+12125550101", Some("Cy"))]);
    }

    #[test]
    fn wrong_use_is_code_2_and_failure_code_1() {
        let folder = tempfile::tempdir().unwrap();
        let good = arguments(folder.path(), b"Telefon\n2125550100\n");
        let missing = ImportArgs { file: folder.path().join("nowhere.csv"), ..good.clone() };
        let unmapped = ImportArgs { map: vec![], ..good.clone() };
        let twice = ImportArgs { map: vec!["phone=a".to_owned(), "phone=b".to_owned()], ..good.clone() };
        let unknown = ImportArgs { map: vec!["fax=a".to_owned()], ..good.clone() };
        let no_sign = ImportArgs { map: vec!["phone".to_owned()], ..good.clone() };
        let region = ImportArgs { region: "XX".to_owned(), ..good.clone() };
        let list = ImportArgs { list: "a\nb".to_owned(), ..good.clone() };
        let klingon = ImportArgs { encoding: Some("klingon".to_owned()), ..good.clone() };
        for (arguments, code, word) in [
            (missing, 1, "nowhere.csv"),
            (unmapped, 2, "phone=COLUMN"),
            (twice, 2, "twice"),
            (unknown, 2, "external_id"),
            (no_sign, 2, "FIELD=COLUMN"),
            (region, 2, "XX"),
            (list, 2, "--list"),
            (klingon, 2, "--encoding"),
        ] {
            let failure = run(&arguments).unwrap_err();
            assert_eq!(failure.code(), code, "{failure}");
            assert!(failure.to_string().contains(word), "{failure}");
        }
        std::fs::write(&good.file, "Telefon\nnothing\n").unwrap();
        let failure = run(&good).unwrap_err();
        assert_eq!(failure.code(), 1);
        assert!(failure.to_string().contains("not one row"), "{failure}");
    }

    #[test]
    fn no_cell_of_the_error_file_begins_like_a_formula() {
        for value in ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert!(harmless(value).starts_with('\''), "{value:?}");
        }
        assert_eq!(harmless("2125550100"), "2125550100");
    }
}
