//! The one place where the environment is read. Settings become typed values at start; every problem is named at once.

use std::collections::BTreeMap;

/// Variables by name.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// What is missing or wrong in the environment, all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment is not complete: {}", .0.join("; "))]
pub struct EnvironmentError(pub Vec<String>);

impl Environment {
    /// The process's own environment.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn process() -> Self {
        Self(std::env::vars().collect())
    }

    /// Given variables, for tests and the local host.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A variable that may be absent. An empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Reads the named variables, or names every one that is missing.
    pub fn require<const N: usize>(&self, names: [&str; N]) -> Result<[String; N], EnvironmentError> {
        self.require_all(&names)?;
        Ok(names.map(|name| self.get(name).unwrap_or_default().to_owned()))
    }

    /// The values of these variables, in their order; an error that names every missing one.
    pub fn require_all(&self, names: &[&str]) -> Result<Vec<String>, EnvironmentError> {
        let missing: Vec<String> =
            names.iter().filter(|name| self.get(name).is_none()).map(|name| format!("`{name}` is not set")).collect();
        if missing.is_empty() {
            Ok(names.iter().map(|name| self.get(name).unwrap_or_default().to_owned()).collect())
        } else {
            Err(EnvironmentError(missing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_variable_is_named_at_once() {
        let environment = Environment::of([("A", "1"), ("B", "")]);
        let error = environment.require(["A", "B", "C"]).unwrap_err();
        assert_eq!(error.to_string(), "the environment is not complete: `B` is not set; `C` is not set");
    }
}
