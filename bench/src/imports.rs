//! `outpace-bench imports`: rows a second from a CSV file onto a list, by the command `outpace import`.
//!
//! ```text
//!  files of made-up people ──outpace import --dry-run──> parsed and normalised
//!                          ──outpace import──> an empty list, and one beside many leads ──> results/DATE-imports.json
//! ```
//!
//! **Invariants.** A run is timed from the start of the command to its end, so it holds the store's opening and the index
//! of names. A database is given empty and is left full; the default one is a file that goes with the bench.

use crate::results::Results;
use crate::table;
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Numbers are `n` times this modulo [`NUMBERS`]: different ones, and neighbours in the file are no neighbours in an index.
const STEP: u64 = 1_000_003;
/// A prime, so that the walk comes to all of them.
const NUMBERS: u64 = 7_999_993;
/// Area codes that exist; with [`NUMBERS`] each they make 40 million numbers.
const AREAS: [u32; 5] = [212, 310, 415, 617, 713];
const GIVEN: [&str; 8] = ["Anna", "Peter", "Eva", "Ivan", "Olga", "Lukas", "Emina", "Paul"];
const SYLLABLES: [&str; 8] = ["ba", "ce", "di", "fo", "gu", "ha", "ke", "li"];

/// What to do.
pub(crate) struct Wanted<'a> {
    pub(crate) results: &'a Path,
    /// Databases beside the default file.
    pub(crate) stores: &'a [String],
    pub(crate) rows: u64,
    pub(crate) beside: u64,
}

/// Measures and keeps the figures.
pub(crate) fn run(binary: &Path, wanted: &Wanted<'_>) -> Result<(), String> {
    let folder = Folder::new()?;
    let first = folder.file("first.csv", 0..wanted.rows)?;
    let many = folder.file("many.csv", wanted.rows..wanted.beside)?;
    let then = folder.file("then.csv", wanted.beside..wanted.beside + wanted.rows)?;
    let mut results = Results::begin("imports");
    let own = format!("sqlite:{}", folder.0.join("outpace.db").display());
    for store in std::iter::once(&own).chain(wanted.stores) {
        let config = folder.0.join("outpace.toml");
        let text = format!("[server]\ndata_dir = {:?}\n[store]\nurl = {store:?}\n", folder.0.display().to_string());
        std::fs::write(&config, text).map_err(|error| format!("{error}, {}", config.display()))?;
        let database = store.split(':').next().unwrap_or_default();
        let mut measure = |what: &str, rows: u64, dry: bool, file: &Path| {
            let begun = Instant::now();
            import(binary, &config, dry, file)?;
            let rows_s = (rows as f64 / begun.elapsed().as_secs_f64()).round();
            eprintln!("{database}: {rows} rows {what}: {rows_s} rows/s");
            results.runs.push(json!({ "database": database, "what": what, "rows": rows, "rows_per_s": rows_s }));
            Ok::<_, String>(())
        };
        measure("parsed and normalised", wanted.rows, true, &first)?;
        measure("into an empty list", wanted.rows, false, &first)?;
        if wanted.beside > wanted.rows {
            measure("on the way", wanted.beside - wanted.rows, false, &many)?;
            measure(&format!("beside {}", wanted.beside), wanted.rows, false, &then)?;
        }
    }
    results.keep(wanted.results)?;
    table::write(wanted.results)
}

fn import(binary: &Path, config: &Path, dry: bool, file: &Path) -> Result<(), String> {
    let mut command = Command::new(binary);
    command.arg("import").arg("--config").arg(config).args(["--list", "people"]).arg(file);
    if dry {
        command.arg("--dry-run");
    }
    let output = command.output().map_err(|error| format!("{error}, {}", binary.display()))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("outpace import: {said}")) }
}

/// A temporary folder that goes with the bench.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, String> {
        let path = std::env::temp_dir().join(format!("outpace-imports-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| format!("{error}, {}", path.display()))?;
        Ok(Folder(path))
    }

    /// People `range` as CSV.
    fn file(&self, name: &str, range: std::ops::Range<u64>) -> Result<PathBuf, String> {
        let path = self.0.join(name);
        let written = File::create(&path).and_then(|file| {
            let mut file = BufWriter::new(file);
            writeln!(file, "phone,first_name,last_name,timezone,external_id")?;
            for n in range {
                let (area, number) = (AREAS[(n / NUMBERS) as usize % AREAS.len()], n % NUMBERS * STEP % NUMBERS);
                let family: String = (0..4).map(|place| SYLLABLES[((n * 7_919) >> (3 * place)) as usize % 8]).collect();
                let given = GIVEN[(n / 3) as usize % GIVEN.len()];
                writeln!(file, "+1{area}{:07},{given},{family},America/New_York,C-{n}", number + 2_000_000)?;
            }
            file.flush()
        });
        written.map(|()| path.clone()).map_err(|error| format!("{error}, {}", path.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // it lies among temporary files
    }
}
