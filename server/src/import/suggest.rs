//! Which column holds which field, guessed from the words of the header in the languages of the console, and for the
//! number, when its column says nothing, from what stands below.

use super::Field;
use std::collections::BTreeMap;

/// Header words of each field, without case and accents: English, German, Polish, Russian, Bosnian and Croatian. The
/// first of a field is its best name; a word counts more the earlier it stands.
const WORDS: [(Field, &[&str]); 8] = [
    (
        Field::Phone,
        &[
            "phone",
            "telefon",
            "телефон",
            "mobile",
            "mobil",
            "mobilfunk",
            "handy",
            "telephone",
            "telefonnummer",
            "rufnummer",
            "handynummer",
            "mobilnummer",
            "cell",
            "cellphone",
            "msisdn",
            "komorka",
            "komorkowy",
            "мобильный",
            "сотовый",
            "моб",
            "mobitel",
            "tel",
            "тел",
            "gsm",
            "phonenumber",
            "number",
            "nummer",
            "numer",
            "номер",
            "broj",
            "nr",
        ],
    ),
    (
        Field::FirstName,
        &["firstname", "first", "given", "givenname", "vorname", "rufname", "imie", "имя", "ime", "forename", "name"],
    ),
    (
        Field::LastName,
        &[
            "lastname",
            "last",
            "surname",
            "family",
            "familyname",
            "nachname",
            "familienname",
            "zuname",
            "nazwisko",
            "фамилия",
            "prezime",
        ],
    ),
    (
        Field::Timezone,
        &[
            "timezone",
            "zone",
            "tz",
            "zeitzone",
            "strefa",
            "strefaczasowa",
            "часовойпояс",
            "пояс",
            "vremenskazona",
            "zona",
        ],
    ),
    (
        Field::ExternalId,
        &[
            "externalid",
            "id",
            "customerid",
            "customer",
            "crm",
            "reference",
            "ref",
            "kunde",
            "kundennummer",
            "kundennr",
            "klient",
            "identyfikator",
            "sifra",
            "клиент",
            "код",
            "ид",
        ],
    ),
    (Field::Segment, &["segment", "сегмент", "group", "gruppe", "grupa", "группа", "skupina"]),
    (
        Field::Region,
        &[
            "region",
            "state",
            "bundesland",
            "wojewodztwo",
            "регион",
            "область",
            "zupanija",
            "province",
            "county",
            "kanton",
        ],
    ),
    (Field::Priority, &["priority", "prioritat", "priorytet", "приоритет", "prioritet", "score"]),
];

/// What stands with a number's word in the header of a column whose numbers nobody answers.
const NO_PERSON: [&str; 4] = ["fax", "telefax", "faks", "факс"];
/// From this word of a number's on they name any number, of orders and invoices as well: too little for a second one.
const ANY_NUMBER: &str = "number";

/// A column that is called a number's is believed when so many of its cells are some: files are dirty.
const NAMED_SHARE_MIN: f64 = 0.25;

/// The field that each column of the header seems to hold; each field once. `digits` tells how many of a column's cells
/// look like telephone numbers, of 1.
pub(super) fn fields(header: &[String], digits: impl Fn(usize) -> f64) -> BTreeMap<Field, usize> {
    let mut offers: Vec<(usize, usize, Field)> = Vec::new();
    for (column, name) in header.iter().enumerate() {
        for (field, words) in WORDS {
            if let Some(cost) = cost(name, words) {
                offers.push((cost, column, field));
            }
        }
    }
    offers.sort_unstable();
    let mut places = BTreeMap::new();
    for (_, column, field) in offers {
        // A column of texts is no column of numbers, whatever it is called ("number of children").
        let plausible = field != Field::Phone || digits(column) >= NAMED_SHARE_MIN;
        if plausible && !places.contains_key(&field) && !places.values().any(|taken| *taken == column) {
            places.insert(field, column);
        }
    }
    if !places.contains_key(&Field::Phone) {
        let free = (0..header.len()).filter(|column| !places.values().any(|taken| taken == column));
        let best = free.map(|column| (digits(column), column)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        if let Some((share, column)) = best
            && share > 0.5
        {
            places.insert(Field::Phone, column);
        }
    }
    if places.contains_key(&Field::Phone) {
        let free = |column: &usize| !places.values().any(|taken| taken == column);
        let numbers = (0..header.len()).filter(|column| free(column) && is_further(&header[*column]));
        let numbers = numbers.filter(|column| digits(*column) >= NAMED_SHARE_MIN);
        let further: Vec<(Field, usize)> = Field::FURTHER.into_iter().zip(numbers).collect();
        places.extend(further);
    }
    places
}

/// Whether a header names one more telephone number: "phone2", "Telefon (privat)", "alt_phone".
fn is_further(name: &str) -> bool {
    let words = WORDS.iter().find(|(field, _)| *field == Field::Phone).map_or(&[][..], |(_, words)| *words);
    let words: Vec<&str> = words.iter().copied().take_while(|word| *word != ANY_NUMBER).collect();
    let bare: String = name.chars().map(|c| if c.is_numeric() { ' ' } else { c }).collect();
    let person = !parts(name).iter().any(|part| NO_PERSON.contains(&part.as_str()));
    person && cost(&bare, &words).is_some()
}

/// The words of a header.
fn parts(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric()).map(plain).filter(|part| !part.is_empty()).collect()
}

/// How far a header is from a field's words; `None`: none of them is in it.
fn cost(name: &str, words: &[&str]) -> Option<usize> {
    let parts = parts(name);
    let whole = parts.concat();
    let place = |text: &str| words.iter().position(|word| *word == text);
    let exact = place(&whole);
    let inside = parts.iter().filter_map(|part| place(part)).min();
    exact.or_else(|| inside.map(|place| 100 + place))
}

/// Without case, and without the accents of these languages.
fn plain(text: &str) -> String {
    let letters = text.chars().flat_map(char::to_lowercase).map(|c| match c {
        'ą' | 'ä' => 'a',
        'ć' | 'č' => 'c',
        'đ' => 'd',
        'ę' => 'e',
        'ё' => 'е',
        'ł' => 'l',
        'ń' => 'n',
        'ó' | 'ö' => 'o',
        'ś' | 'š' => 's',
        'ü' => 'u',
        'ź' | 'ż' | 'ž' => 'z',
        c => c,
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_five_languages_are_understood() {
        for (header, found) in [
            (vec!["Phone", "First name", "Last name", "Time zone", "Customer ID"], [0, 1, 2, 3, 4]),
            (vec!["Kundennummer", "Vorname", "Nachname", "Telefonnummer", "Zeitzone"], [3, 1, 2, 4, 0]),
            (vec!["Imię", "Nazwisko", "Numer telefonu", "Strefa czasowa", "Identyfikator"], [2, 0, 1, 3, 4]),
            (vec!["Код клиента", "Фамилия", "Имя", "Мобильный телефон", "Часовой пояс"], [3, 2, 1, 4, 0]),
            (vec!["Šifra", "Ime", "Prezime", "Broj telefona", "Vremenska zona"], [3, 1, 2, 4, 0]),
            (vec!["id", "phone", "first_name", "last_name", "timezone"], [1, 2, 3, 4, 0]),
        ] {
            let header: Vec<String> = header.into_iter().map(str::to_owned).collect();
            let places = fields(&header, |_| 1.0);
            assert_eq!(places.into_values().collect::<Vec<_>>(), found, "{header:?}");
        }
        let header: Vec<String> = ["Priorität", "Bundesland", "Segment", "Telefon"].map(str::to_owned).into();
        let found = [(Field::Phone, 3), (Field::Segment, 2), (Field::Region, 1), (Field::Priority, 0)];
        assert_eq!(fields(&header, |_| 1.0), BTreeMap::from(found));
    }

    #[test]
    fn further_columns_of_telephones_are_further_numbers() {
        let places = |header: &[&str], digits: &dyn Fn(usize) -> f64| {
            let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
            let places = fields(&header, digits);
            [Field::Phone, Field::Phone2, Field::Phone3, Field::Phone4].map(|field| places.get(&field).copied())
        };
        let all = |_: usize| 1.0;
        assert_eq!(places(&["id", "phone", "phone2", "phone3"], &all), [Some(1), Some(2), Some(3), None]);
        assert_eq!(places(&["alt_phone", "Phone", "Mobile"], &all), [Some(1), Some(0), Some(2), None]);
        let german =
            ["Telefon", "Vorname", "Telefon 2", "Handy", "Telefax-Rufnummer", "Auftragsnummer", "Rufnummer (privat)"];
        assert_eq!(places(&german, &all), [Some(0), Some(2), Some(3), Some(6)]);
        // A column of something else, and numbers of orders.
        assert_eq!(
            places(&["phone", "phone2", "order number"], &|column: usize| [1.0, 0.1, 1.0][column]),
            [Some(0), None, None, None]
        );
    }

    #[test]
    fn a_column_of_numbers_is_found_whatever_it_is_called_and_one_of_texts_is_none() {
        let header: Vec<String> = ["number of children", "contact", "x"].map(str::to_owned).into();
        let digits = |column: usize| [0.0, 0.9, 0.2][column];
        assert_eq!(fields(&header, digits), BTreeMap::from([(Field::Phone, 1)]));
        assert_eq!(fields(&header, |_| 0.0), BTreeMap::new());
    }
}
