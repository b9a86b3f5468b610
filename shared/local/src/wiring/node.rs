//! A place in the template: its value, the path that leads there, and what parameters stand for.
//!
//! Guarantee: every error names the path. `Ref` of a parameter is followed to its value, here and nowhere else.

use super::WiringError;
use serde_json::Value;
use std::collections::BTreeMap;

/// A place in the template.
#[derive(Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: String,
    name: String,
    scope: Scope<'a>,
}

/// What parameters stand for.
#[derive(Clone, Copy)]
struct Scope<'a> {
    document: &'a Value,
    given: &'a BTreeMap<String, String>,
}

impl<'a> Node<'a> {
    pub(super) fn root(document: &'a Value, given: &'a BTreeMap<String, String>) -> Self {
        Self { value: document, path: String::new(), name: String::new(), scope: Scope { document, given } }
    }

    /// The last part of the path: a resource's logical id.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn error(&self, problem: String) -> WiringError {
        WiringError::At { path: self.path.clone(), problem }
    }

    /// The entry of this name, if there is one.
    pub(super) fn find(&self, name: &str) -> Option<Self> {
        self.value.get(name).map(|value| self.child(name.to_owned(), value))
    }

    /// The entry of this name.
    pub(super) fn get(&self, name: &str) -> Result<Self, WiringError> {
        self.find(name).ok_or_else(|| self.error(format!("`{name}` is missing")))
    }

    /// Every entry of a mapping.
    pub(super) fn entries(&self) -> Result<Vec<Self>, WiringError> {
        let map = self.value.as_object().ok_or_else(|| self.error("is not a mapping".into()))?;
        Ok(map.iter().map(|(name, value)| self.child(name.clone(), value)).collect())
    }

    /// Every item of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, WiringError> {
        let list = self.value.as_array().ok_or_else(|| self.error("is not a list".into()))?;
        Ok(list.iter().enumerate().map(|(index, value)| self.child(index.to_string(), value)).collect())
    }

    /// The entries that are resources of this type.
    pub(super) fn of_type(&self, kind: &str) -> Result<Vec<Self>, WiringError> {
        let entries = self.entries()?;
        Ok(entries.into_iter().filter(|entry| entry.value.get("Type").and_then(Value::as_str) == Some(kind)).collect())
    }

    /// A text, written there or the value of a parameter.
    pub(super) fn text(&self) -> Result<String, WiringError> {
        match self.value.get("Ref").and_then(Value::as_str) {
            Some(parameter) => self.parameter(parameter),
            None => scalar(self.value).ok_or_else(|| self.error("is not a plain value".into())),
        }
    }

    /// A whole number from 1 on.
    pub(super) fn at_least_one(&self) -> Result<u32, WiringError> {
        let text = self.text()?;
        text.parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| self.error(format!("`{text}` is not a whole number from 1 on")))
    }

    /// The resource that `Ref` or `GetAtt` points at.
    pub(super) fn resource(&self, resources: &Self, kind: &str) -> Result<Self, WiringError> {
        let attribute = || self.value.get("Fn::GetAtt").and_then(|path| path.get(0));
        let id = self.value.get("Ref").or_else(attribute).and_then(Value::as_str);
        let id = id.ok_or_else(|| self.error("is neither `!Ref` nor `!GetAtt`".into()))?;
        let found = resources.of_type(kind)?.into_iter().find(|resource| resource.name == id);
        found.ok_or_else(|| self.error(format!("there is no `{kind}` called `{id}`")))
    }

    fn parameter(&self, name: &str) -> Result<String, WiringError> {
        if let Some(given) = self.scope.given.get(name) {
            return Ok(given.clone());
        }
        let declared = self.scope.document.get("Parameters").and_then(|all| all.get(name));
        let declared = declared.ok_or_else(|| self.error(format!("there is no parameter `{name}`")))?;
        let default = declared.get("Default").and_then(scalar);
        default.ok_or_else(|| self.error(format!("parameter `{name}` has no default and was not given")))
    }

    fn child(&self, name: String, value: &'a Value) -> Self {
        let path = if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
        Self { value, path, name, scope: self.scope }
    }
}

/// Text, a number or a truth value, as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
