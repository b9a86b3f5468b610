//! What somebody may have meant by a name that is not known.

/// Says that a name is not known and which one is nearest, or which ones there are.
pub fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let shown: String = name.chars().take(80).collect();
    let near = known.iter().map(|other| (distance(name, other), *other)).min();
    match near {
        None => format!("names `{shown}`; there is none"),
        Some((distance, other)) if distance <= 2.max(other.chars().count() / 3) => {
            format!("names `{shown}`, which is not known; perhaps `{other}` is meant")
        }
        Some(_) => format!("names `{shown}`, which is not known; there are {}", known.join(", ")),
    }
}

/// How many characters have to be put in, taken out or changed to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, character) in one.chars().take(crate::id::MAX_LENGTH).enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        let mut next = vec![left];
        for (above, same) in row.iter().skip(1).zip(other.iter().map(|c| *c == character)) {
            left = (diagonal + usize::from(!same)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_two_words_is_the_number_of_changes() {
        for (one, other, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kickoff", "kick-off", 1),
            ("pilot", "pliot", 2),
            ("abc", "abd", 1),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered_only_where_it_is_near() {
        assert!(unknown("kickof", ["pilot", "kick-off"]).contains("perhaps `kick-off`"));
        assert!(unknown("xyz", ["pilot", "kick-off"]).contains("there are pilot, kick-off"));
        assert!(unknown("xyz", []).contains("there is none"));
    }
}
