//! The known word nearest to an unknown one.

/// The nearest of `known` if it is near: at most a third of its letters, or two, differ.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .filter(|candidate| !candidate.is_empty())
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(2).min(candidate.len() - 1))
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, delete, replace, or neighbours to swap (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Keys are short; a long word is cut, because nothing known is as long.
    let (a, b) = (&a[..a.len().min(64)], &b[..b.len().min(64)]);
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_find_their_word_and_other_words_none() {
        let known = ["max_channels", "max_cps", "name", "host", "ip"];
        for (word, found) in [
            ("max_chanels", Some("max_channels")),
            ("maxcps", Some("max_cps")),
            ("mame", Some("name")),
            ("nmae", Some("name")),
            ("HOST", Some("host")),
            ("pi", Some("ip")),
            ("password", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), found, "{word}");
        }
        assert_eq!(nearest("max_channels", []), None);
        assert_eq!(nearest("a", [""]), None);
    }
}
