//! Files as people send them.

use super::*;

/// Keeps what an import gives it.
#[derive(Default)]
struct Kept {
    leads: Vec<NewLead>,
    rejected: Vec<Rejected>,
    batches: usize,
}

impl LeadSink for Kept {
    fn add(&mut self, batch: Vec<NewLead>) -> Result<Imported, Failure> {
        self.batches += 1;
        let added = batch.len() as u64;
        self.leads.extend(batch);
        Ok(Imported { added, already_there: 0 })
    }
    fn reject(&mut self, row: &Rejected) -> Result<(), Failure> {
        self.rejected.push(row.clone());
        Ok(())
    }
}

fn import(csv: impl AsRef<[u8]>, options: &ImportOptions) -> Result<(ImportReport, Kept), Failure> {
    let mut kept = Kept::default();
    let report = import_csv(csv.as_ref(), options, &mut kept)?;
    assert_eq!(report.rows, report.added + report.already_on_list + report.duplicates + report.rejected);
    assert_eq!(report.rejected, report.reasons.values().sum::<u64>());
    Ok((report, kept))
}

fn us(csv: impl AsRef<[u8]>) -> (ImportReport, Kept) {
    import(csv, &ImportOptions::default()).unwrap()
}

#[test]
fn all_columns_are_read_whatever_their_order_and_case() {
    let (report, kept) = us("external_id,Phone,TIMEZONE,last_name,note,first_name,priority,region,segment\n\
         7,212-555-0100,America/New_York,\"O'Neil, Jr\",hello,Ann,-2,CA,gold\n\
         \n\
         8, +1 212 555 0101 ,,,,\n\
         9,212-555-0102,,,,,high,,\n");
    assert_eq!((report.rows, report.added, report.rejected), (3, 2, 1));
    assert!(report.reasons.keys().all(|reason| reason.contains("whole number")), "{:?}", report.reasons);
    let full = NewLead {
        number: "+12125550100".to_owned(),
        further: Vec::new(),
        first_name: Some("Ann".to_owned()),
        last_name: Some("O'Neil, Jr".to_owned()),
        timezone: Some("America/New_York".to_owned()),
        external_id: Some("7".to_owned()),
        segment: Some("gold".to_owned()),
        region: Some("CA".to_owned()),
        priority: -2,
    };
    let bare = NewLead { number: "+12125550101".to_owned(), external_id: Some("8".to_owned()), ..NewLead::default() };
    assert_eq!(kept.leads, [full, bare]);
}

#[test]
fn further_numbers_of_a_person_come_in_their_columns() {
    let (report, kept) = us("phone3,phone,phone2,phone4\n\
         ,212-555-0100,(212) 555-0101,2125550102\n\
         2125550103,212-555-0104,+1 212 555 0104,2125550103\n\
         ,2125550105,none,\n\
         2125550107,2125550106\n");
    let numbers: Vec<(&str, Vec<&str>)> = kept
        .leads
        .iter()
        .map(|lead| (&lead.number[8..], lead.further.iter().map(|number| &number[8..]).collect()))
        .collect();
    // In the order of their fields; none is the number itself, or stands there twice.
    assert_eq!(numbers, [("0100", vec!["0101", "0102"]), ("0104", vec!["0103"]), ("0106", vec!["0107"])]);
    let fault = &kept.rejected[0];
    assert_eq!((report.rejected, fault.field, fault.value.as_str()), (1, "phone2", "none"));
    // Or in columns of other names.
    let map = [(Field::Phone, "Telefon"), (Field::Phone2, "Handy")].map(|(field, column)| (field, column.to_owned()));
    let options = ImportOptions { region: "DE".to_owned(), map: map.into(), ..ImportOptions::default() };
    let (_, kept) = import("Telefon;Handy;phone3\n030 901820;0171 3920001;030 901821\n", &options).unwrap();
    assert_eq!(
        (kept.leads[0].number.as_str(), kept.leads[0].further.join(" ").as_str()),
        ("+4930901820", "+491713920001 +4930901821")
    );
}

#[test]
fn separators_byte_order_mark_and_line_ends_of_spreadsheets() {
    for csv in [
        "phone,first_name\n2125550100,Ann\n",
        "\u{feff}phone;first_name\r\n2125550100;Ann\r\n",
        "phone\tfirst_name\r2125550100\tAnn",
        "\"phone\";\"first_name\"\n\"2125550100\";\"Ann\"\n",
        "\"pho,ne\";phone;first_name\nx;2125550100;Ann",
    ] {
        let (report, kept) = us(csv);
        assert_eq!(report.added, 1, "{csv:?}");
        assert_eq!(kept.leads[0].first_name.as_deref(), Some("Ann"), "{csv:?}");
    }
    assert_eq!(us("phone\n2125550100\n").0.added, 1);
}

#[test]
fn lines_are_counted_alike_whatever_ends_them() {
    for end in ["\n", "\r\n", "\r"] {
        for last in [end, ""] {
            let (_, kept) = us(format!(
                "phone,note{end}12,a{end}2125550100,\"b{end}c\"{end}13,d{end}{end} ,{end}{end}14,e{end}15,f{last}"
            ));
            let lines: Vec<u64> = kept.rejected.iter().map(|row| row.line).collect();
            assert_eq!(lines, [2, 5, 9, 10], "{end:?} {last:?}");
        }
        // Further than any buffer, so that some line ends fall on its border.
        let many: String = (0..30_000).map(|n| format!("{},{}{end}", n % 10, "x".repeat(n % 7))).collect();
        let (_, kept) = us(format!("phone,note{end}{many}"));
        assert!(kept.rejected.iter().map(|row| row.line).eq(2..30_002), "{end:?}");
    }
}

#[test]
fn the_same_number_in_another_notation_is_a_duplicate_of_its_first_line() {
    let (report, kept) = us("phone,first_name\n(212) 555-0100,first\n+12125550100,second\n1-212-555-0100,third\n");
    assert_eq!((report.added, report.duplicates, report.rejected), (1, 2, 0));
    assert_eq!(kept.leads[0].first_name.as_deref(), Some("first"));
    assert_eq!(kept.rejected[1].reason, "same number as line 2");
    assert_eq!((kept.rejected[1].line, kept.rejected[1].value.as_str()), (4, "1-212-555-0100"));
    assert!(kept.rejected[1].duplicate);
}

#[test]
fn rubbish_rows_are_said_with_line_column_and_reason_and_stop_nothing() {
    let long = "x".repeat(300);
    let mut csv = Vec::new();
    csv.extend_from_slice(b"first_name,phone,timezone\nA,n/a,\nB,,\nC\nD,2125550101,Mars/Olympus\n");
    csv.extend_from_slice(format!("{long},2125550102,\n").as_bytes());
    csv.extend_from_slice(b"J\xf6rg,2125550103,\nok,2125550104,UTC,and,more,columns\n");
    // As one who knows says; by itself it would be taken for an old code page.
    let options = ImportOptions { encoding: encoding_named("utf-8"), ..ImportOptions::default() };
    let (report, kept) = import(csv, &options).unwrap();
    assert_eq!((report.rows, report.added, report.rejected), (7, 1, 6));
    let said: Vec<_> = kept.rejected.iter().map(|row| (row.line, row.field, row.reason.as_str())).collect();
    assert_eq!(
        said,
        [
            (2, "phone", "letters in the phone number (extensions cannot be dialled)"),
            (3, "phone", "no phone number"),
            (4, "phone", "the row ends before this column"),
            (5, "timezone", "no such time zone: write a name like America/New_York"),
            (6, "first_name", "longer than 256 bytes"),
            (7, "first_name", "not UTF-8: save the file as UTF-8"),
        ]
    );
    assert_eq!(kept.rejected[4].value.len(), 60);
}

#[test]
fn a_nul_character_rejects_its_row_alone() {
    let file = "phone,first_name\n2125550100,A\0n\n2125550101,Bob\n";
    let (report, kept) = us(file);
    assert_eq!((report.added, report.rejected), (1, 1));
    assert_eq!((kept.rejected[0].field, kept.leads[0].first_name.as_deref()), ("first_name", Some("Bob")));
    assert!(kept.rejected[0].reason.contains("NUL"), "{:?}", kept.rejected[0]);
    let fault = look(file.as_bytes(), "US", None).rows[0].fault.clone().unwrap();
    assert_eq!((fault.field, &fault.reason), ("first_name", &kept.rejected[0].reason));
}

#[test]
fn columns_are_mapped_and_missing_ones_named() {
    let map = |field, column: &str| ImportOptions {
        map: BTreeMap::from([(field, column.to_owned())]),
        ..ImportOptions::default()
    };
    let (_, kept) = import("Telefon,Vorname\n2125550100,Ann\n", &map(Field::Phone, "telefon")).unwrap();
    assert_eq!(kept.leads[0].number, "+12125550100");
    for (csv, options, words) in [
        ("tel\n1\n", ImportOptions::default(), vec!["\"phone\"", "\"tel\"", "map a column: phone=COLUMN"]),
        ("phone\n1\n", map(Field::LastName, "surname"), vec!["\"surname\"", "map a column: last_name=COLUMN"]),
        ("phone,phone\n1,2\n", ImportOptions::default(), vec!["\"phone\"", "twice"]),
        ("", ImportOptions::default(), vec!["\"phone\""]),
        ("phone\n1\n", ImportOptions { region: "ZZ".to_owned(), ..ImportOptions::default() }, vec!["\"ZZ\"", "US"]),
    ] {
        let failure = import(csv, &options).err().unwrap();
        assert_eq!(failure.code(), 2, "{failure}");
        for word in words {
            assert!(failure.to_string().contains(word), "{failure}");
        }
    }
}

#[test]
fn a_quote_that_is_never_closed_does_not_swallow_the_file() {
    let mut csv = String::from("phone,first_name\n2125550100,\"Ann\n");
    for row in 0..200_000 {
        csv.push_str(&format!("212556{:04},Bob\n", row % 10_000));
    }
    let failure = import(csv, &ImportOptions::default()).err().unwrap();
    assert_eq!(failure.code(), 1);
    assert!(failure.to_string().contains("never closed"), "{failure}");
}

#[test]
fn a_long_file_is_handed_over_in_batches() {
    let mut csv = String::from("phone\n");
    for row in 0..25_000 {
        csv.push_str(&format!("2125{:02}{:04}\n", 20 + row / 10_000, row % 10_000));
    }
    let (report, kept) = us(csv);
    assert_eq!((report.added, kept.batches), (25_000, 3));
}

#[test]
fn a_generated_list_gives_exactly_its_planted_numbers() {
    let planted = loadtest::leads::leads(400, base::Seed::from_u64(5));
    let (report, kept) = us(&planted.csv);
    let numbers: Vec<_> = kept.leads.into_iter().map(|lead| lead.number).collect();
    assert_eq!(numbers, planted.numbers);
    assert_eq!(report.duplicates as usize, planted.planted.duplicates);
    assert_eq!(report.rejected as usize, planted.planted.rubbish());
}

#[test]
fn the_store_sink_tells_what_was_on_the_list_before() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("outpace.db").display());
    let (store, _acks) = Store::open(&url).unwrap();
    let at = WallTime::from_unix_us(1);
    let list = store.create_list(store::TenantId::DEFAULT, "spring", at).unwrap();
    let options = ImportOptions::default();
    import_csv(&b"phone\n2125550100\n2125550101\n"[..], &options, &mut StoreSink::new(&store, list, at)).unwrap();
    let csv = &b"phone\n2125550101\n2125550102\n"[..];
    let report = import_csv(csv, &options, &mut StoreSink::new(&store, list, at)).unwrap();
    assert_eq!((report.added, report.already_on_list), (1, 1));
    assert_eq!(store.counts(store::TenantId::DEFAULT, list).unwrap().total, 3);
}

fn saved(text: &str, encoding: &str) -> Vec<u8> {
    encoding_named(encoding).unwrap().encode(text).0.into_owned()
}

#[test]
fn files_in_old_code_pages_and_utf_16_are_read_like_any_other() {
    let russian = "phone;first_name;last_name\n89161234567;Артём;Йовович\n89161234568;Наталья;Щербакова\n";
    let polish = "phone;first_name;last_name\n501234567;Łukasz;Żółć\n501234568;Małgorzata;Święcicka\n";
    let wide: Vec<u8> = format!("\u{feff}{polish}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (file, region, first, last) in [
        (saved(russian, "windows-1251"), "RU", "Артём", "Щербакова"),
        (saved(polish, "windows-1250"), "PL", "Łukasz", "Święcicka"),
        (wide, "PL", "Łukasz", "Święcicka"),
        (russian.as_bytes().to_vec(), "RU", "Артём", "Щербакова"),
    ] {
        let options = ImportOptions { region: region.to_owned(), ..ImportOptions::default() };
        let (report, kept) = import(file, &options).unwrap();
        assert_eq!((report.added, report.rejected), (2, 0), "{:?}", kept.rejected);
        assert_eq!(kept.leads[0].first_name.as_deref(), Some(first));
        assert_eq!(kept.leads[1].last_name.as_deref(), Some(last));
    }
    // What is said counts more than what it looks like.
    let encoding = encoding_named("windows-1251");
    let options = ImportOptions { region: "RU".to_owned(), encoding, ..ImportOptions::default() };
    let (_, kept) = import(saved("phone;first_name\n89161234567;Ян\n", "windows-1251"), &options).unwrap();
    assert_eq!(kept.leads[0].first_name.as_deref(), Some("Ян"));
}

#[test]
fn progress_counts_the_bytes_of_the_file_and_may_end_it() {
    struct Watcher(Vec<u64>);
    impl LeadSink for Watcher {
        fn add(&mut self, batch: Vec<NewLead>) -> Result<Imported, Failure> {
            Ok(Imported { added: batch.len() as u64, already_there: 0 })
        }
        fn progress(&mut self, bytes: u64) -> Result<(), Failure> {
            self.0.push(bytes);
            if self.0.len() == 3 { Err(Failure::failed("enough")) } else { Ok(()) }
        }
    }
    let mut csv = String::from("phone\n");
    for row in 0..25_000 {
        csv.push_str(&format!("2125{:02}{:04}\n", 20 + row / 10_000, row % 10_000));
    }
    let wide: Vec<u8> = csv.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut watcher = Watcher(Vec::new());
    let failure = import_csv(&wide[..], &ImportOptions::default(), &mut watcher).unwrap_err();
    assert!(failure.to_string().contains("enough"), "{failure}");
    assert!(watcher.0.is_sorted(), "{:?}", watcher.0);
    assert_eq!(watcher.0[2], wide.len() as u64);
}

#[test]
fn a_column_can_be_left_out() {
    let map = BTreeMap::from([(Field::FirstName, String::new())]);
    let (_, kept) =
        import("phone,first_name\n2125550100,Ann\n", &ImportOptions { map, ..ImportOptions::default() }).unwrap();
    assert_eq!(kept.leads[0].first_name, None);
}

fn look(file: &[u8], region: &str, map: Option<BTreeMap<Field, String>>) -> Preview {
    let mapped = map.is_some();
    let options = ImportOptions { region: region.to_owned(), map: map.unwrap_or_default(), ..ImportOptions::default() };
    preview(file, true, &options, mapped).unwrap()
}

#[test]
fn a_preview_guesses_columns_and_says_what_is_wrong_with_rows() {
    let file = "Kunde;Vorname;Nachname;Handynummer\n\
                1;Jörg;Groß;15123456789\n\
                2;Eva;Klein;4.9E+11\n\
                3;Udo;Mittel;015123456789\n\
                4;Ida;Lang;+49 151 23456780\n";
    let seen = look(&saved(file, "windows-1252"), "de", None);
    assert_eq!((seen.delimiter.as_str(), seen.encoding.as_str(), seen.region.as_str()), (";", "windows-1252", "DE"));
    let columns: Vec<_> = seen.columns.iter().map(|column| (column.name.as_str(), column.field)).collect();
    assert_eq!(
        columns,
        [
            ("Kunde", Some("external_id")),
            ("Vorname", Some("first_name")),
            ("Nachname", Some("last_name")),
            ("Handynummer", Some("phone"))
        ]
    );
    assert_eq!(seen.columns[1].samples, ["Jörg", "Eva", "Udo", "Ida"]);
    assert!(seen.missing.is_empty());
    let rows = &seen.rows;
    assert_eq!(
        (rows[0].line, rows[0].fields["phone"].as_str(), rows[0].note),
        (2, "+4915123456789", Some("leading_zero"))
    );
    assert_eq!(rows[0].fields["last_name"], "Groß");
    let fault = rows[1].fault.as_ref().unwrap();
    assert_eq!((fault.field, fault.value.as_str()), ("phone", "4.9E+11"));
    assert!(fault.reason.contains("power of ten"), "{}", fault.reason);
    assert_eq!(rows[2].fault.as_ref().unwrap().reason, "same number as line 2");
    assert_eq!((rows[3].fault.clone(), rows[3].note), (None, None));

    // As mapped, not as it seems.
    let map = BTreeMap::from([(Field::Phone, "Handynummer".to_owned()), (Field::LastName, "Kunde".to_owned())]);
    let seen = look(file.as_bytes(), "DE", Some(map));
    assert_eq!(
        seen.columns.iter().map(|column| column.field).collect::<Vec<_>>(),
        [Some("last_name"), None, None, Some("phone")]
    );
    assert_eq!(seen.rows[0].fields["last_name"], "1");
    let seen = look(file.as_bytes(), "DE", Some(BTreeMap::new()));
    assert_eq!((seen.missing, seen.rows.len()), (vec!["phone"], 0));
}

#[test]
fn a_preview_of_the_beginning_shows_no_half_row_and_refuses_what_an_import_would() {
    let options = ImportOptions::default();
    let cut = preview(b"phone\n2125550100\n2125550101\n21255", false, &options, false).unwrap();
    assert_eq!(cut.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3]);
    let long: String = (0..50).map(|n| format!("212555{n:04}\n")).collect();
    assert_eq!(preview(format!("phone\n{long}").as_bytes(), true, &options, false).unwrap().rows.len(), 20);
    let empty = preview(b"", true, &options, false).unwrap();
    assert_eq!((empty.columns.len(), empty.missing), (0, vec!["phone"]));
    let map = BTreeMap::from([(Field::Phone, "nowhere".to_owned())]);
    let failure = preview(b"phone\n1\n", true, &ImportOptions { map, ..ImportOptions::default() }, true).unwrap_err();
    assert_eq!(failure.code(), 2, "{failure}");
}

#[test]
fn an_import_goes_on_behind_the_rows_that_were_taken() {
    #[derive(Default)]
    struct Rest(Kept, Option<u64>);
    impl LeadSink for Rest {
        fn add(&mut self, batch: Vec<NewLead>) -> Result<Imported, Failure> {
            self.0.add(batch)
        }
        fn reject(&mut self, row: &Rejected) -> Result<(), Failure> {
            self.0.reject(row)
        }
        fn goes_on(&mut self, line: u64) -> Result<(), Failure> {
            self.1 = Some(line);
            Ok(())
        }
    }
    let csv = "phone\n2125550100\nrubbish\n\n2125550101\n2125550100\nnothing\n2125550102\n";
    let rest = |taken| {
        let mut rest = Rest::default();
        let report = import_rest(csv.as_bytes(), &ImportOptions::default(), taken, &mut rest).unwrap();
        let leads: Vec<String> = rest.0.leads.iter().map(|lead| lead.number.clone()).collect();
        let refused: Vec<u64> = rest.0.rejected.iter().map(|row| row.line).collect();
        (report.rows, leads, refused, rest.1)
    };
    let numbers = |numbers: &[&str]| numbers.iter().map(|n| format!("+1{n}")).collect::<Vec<_>>();
    assert_eq!(rest(0), (6, numbers(&["2125550100", "2125550101", "2125550102"]), vec![3, 6, 7], None));
    // A number that stood in the first part is a duplicate in the second.
    assert_eq!(rest(2), (4, numbers(&["2125550101", "2125550102"]), vec![6, 7], Some(3)));
    assert_eq!(rest(6), (0, Vec::new(), Vec::new(), Some(8)));
}

/// Where an import waits, nothing of the next part has been told: what is written down then is whole parts.
#[test]
fn a_part_begins_before_its_rejected_rows() {
    #[derive(Default)]
    struct Order(Kept, Vec<&'static str>);
    impl LeadSink for Order {
        fn part(&mut self) -> Result<(), Failure> {
            self.1.push("part");
            Ok(())
        }
        fn add(&mut self, batch: Vec<NewLead>) -> Result<Imported, Failure> {
            self.1.push("add");
            self.0.add(batch)
        }
        fn reject(&mut self, row: &Rejected) -> Result<(), Failure> {
            self.1.push("reject");
            self.0.reject(row)
        }
        fn progress(&mut self, _bytes: u64) -> Result<(), Failure> {
            self.1.push("progress");
            Ok(())
        }
    }
    let mut order = Order::default();
    import_csv("phone\nrubbish\n2125550100\n".as_bytes(), &ImportOptions::default(), &mut order).unwrap();
    assert_eq!(order.1, ["part", "reject", "add", "progress"]);
}
