//! Configuration as it is read: YAML that people write, and JSON that was made of the built-in files.

use crate::problem::Fault;
use serde::de::DeserializeOwned;

/// The largest configuration file, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// A file of this type. The fault names the first place where it has not the type's shape.
#[cfg(feature = "yaml")]
pub(crate) fn yaml<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Fault>> {
    if text.len() > MAX_BYTES {
        return Err(vec![Fault::new("", format!("has {} bytes; give at most {MAX_BYTES}", text.len()))]);
    }
    let mut fault = None;
    let read = serde_saphyr::with_deserializer_from_str(text, |yaml| {
        serde_path_to_error::deserialize(yaml).map_err(|error| {
            fault = Some(Fault::of_shape("", &error));
            error.into_inner()
        })
    });
    // The reader's own words name the line and show it.
    read.map_err(|error| vec![Fault { reason: error.to_string(), ..fault.unwrap_or_else(|| Fault::new("", "")) }])
}

/// A built-in file of this type.
pub(crate) fn built_in<T: DeserializeOwned>(json: &str) -> Result<T, Vec<Fault>> {
    serde_json::from_str(json).map_err(|error| vec![Fault::new("", error.to_string())])
}

/// A value as a type; a fault with the path to the first place where it has not its shape.
pub(crate) fn shape<T: DeserializeOwned>(path: &str, value: serde_json::Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| Fault::of_shape(path, &error))
}
