//! What somebody may have meant by a name that is not known.

use crate::nearest::nearest;

/// Says that a name is not known and which one is nearest, or which ones there are.
pub fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let shown: String = name.chars().take(80).collect();
    match nearest(&shown, &known) {
        Some(near) => format!("names `{shown}`, which is not known; perhaps `{near}` is meant"),
        None if known.is_empty() => format!("names `{shown}`; there is none"),
        None => format!("names `{shown}`, which is not known; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_where_it_is_near() {
        assert!(unknown("kickof", ["pilot", "kick-off"]).contains("perhaps `kick-off`"));
        assert!(unknown("xyz", ["pilot", "kick-off"]).contains("there are pilot, kick-off"));
        assert!(unknown("xyz", []).contains("there is none"));
    }
}
