//! The name that somebody may have meant by one that is not known.

/// The known name that takes the fewest slips of the pen (a letter put in, taken out, changed, or two that changed places),
/// if they are few, or the one that is written short.
pub fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let long = known.iter().find(|name| given.len() >= 3 && name.starts_with(given)).copied();
    if long.is_some() {
        return long;
    }
    let slips = |name: &&&str| strsim::damerau_levenshtein(given, name);
    let near = known.iter().min_by_key(slips)?;
    (slips(&near) <= given.chars().count().div_ceil(3).max(2)).then_some(*near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_given_only_where_it_is_near() {
        let known = ["pilot", "kick-off", "net_promoter"];
        assert_eq!(nearest("kickof", &known), Some("kick-off"));
        assert_eq!(nearest("pliot", &known), Some("pilot"));
        assert_eq!(nearest("net", &known), Some("net_promoter"));
        assert_eq!(nearest("xyz", &known), None);
        assert_eq!(nearest("pilot", &[]), None);
    }
}
