//! The order of scenarios' ids, as a person counts them.

use std::cmp::Ordering;

/// Compares two ids: `C1`, `C1b`, `C2`, `C10`, `T2a`. Numbers count as numbers.
pub fn by_id(one: &str, other: &str) -> Ordering {
    parts(one).cmp(parts(other))
}

/// An id's runs of digits and of other characters, each in a form that compares as it should.
fn parts(id: &str) -> impl Iterator<Item = (bool, usize, &[u8])> {
    id.as_bytes()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .map(|part| {
            let word = !part[0].is_ascii_digit();
            // Of two numbers without leading zeros the longer one is the greater.
            (word, if word { 0 } else { part.len() }, part)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_and_letters_follow() {
        let in_order = ["C1", "C1b", "C2", "C10", "T2", "T2a", "T2b", "X1"];
        let mut shuffled = ["T2b", "C10", "X1", "C1b", "T2", "C2", "T2a", "C1"];
        shuffled.sort_by(|a, b| by_id(a, b));
        assert_eq!(shuffled, in_order);
    }
}
