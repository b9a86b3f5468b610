//! Examples for a model, read from a CSV file: one column is the outcome, every other one a feature.

use csv::StringRecord;
use domain::fixed::Quantity;
use domain::risk::examples::{Examples, ExamplesError, Feature, Values};

/// What the columns of a file are.
#[derive(Debug, Clone, Default)]
pub struct Columns<'a> {
    /// The column of the outcome.
    pub outcome: &'a str,
    /// What it holds where it happened.
    pub happened: &'a str,
    /// Columns that are protected attributes.
    pub protected: &'a [&'a str],
    /// Columns that are no features.
    pub left_out: &'a [&'a str],
}

/// Why a file holds no examples.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no CSV.
    #[error("it is not read as CSV")]
    Csv(#[from] csv::Error),
    /// A column is not there.
    #[error("there is no column `{0}`")]
    Column(String),
    /// The columns do not belong together.
    #[error(transparent)]
    Examples(#[from] ExamplesError),
}

/// A file's rows.
#[derive(Debug)]
pub struct Sheet {
    header: StringRecord,
    rows: Vec<StringRecord>,
}

impl Sheet {
    /// Reads a file's text.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers()?.clone();
        let rows = reader.records().collect::<Result<Vec<_>, _>>()?;
        Ok(Self { header, rows })
    }

    /// The cells of a column.
    pub fn column(&self, name: &str) -> Result<Vec<&str>, ReadError> {
        let at =
            self.header.iter().position(|other| other == name).ok_or_else(|| ReadError::Column(name.to_owned()))?;
        Ok(self.rows.iter().map(|row| row.get(at).unwrap_or_default()).collect())
    }

    /// The examples. A column all of whose known cells are numbers is measured; an empty cell and `NA` are unknown.
    pub fn examples(&self, columns: &Columns<'_>) -> Result<Examples, ReadError> {
        let outcomes = self.column(columns.outcome)?.into_iter().map(|cell| cell == columns.happened).collect();
        for name in columns.protected.iter().chain(columns.left_out) {
            self.column(name)?;
        }
        let names = self.header.iter().filter(|name| *name != columns.outcome && !columns.left_out.contains(name));
        let feature = |name: &str| {
            let values = values(&self.column(name)?);
            Ok::<_, ReadError>(Feature { name: name.to_owned(), protected: columns.protected.contains(&name), values })
        };
        Ok(Examples::new(names.map(feature).collect::<Result<_, _>>()?, outcomes)?)
    }
}

fn values(cells: &[&str]) -> Values {
    let known = |cell: &&&str| !cell.is_empty() && **cell != "NA";
    if cells.iter().filter(known).all(|cell| cell.parse::<Quantity>().is_ok()) {
        Values::Numbers(cells.iter().map(|cell| cell.parse().ok()).collect())
    } else {
        Values::Words(cells.iter().map(|cell| Some(*cell).filter(|cell| known(&cell)).map(str::to_owned)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::risk::examples::Value;

    #[test]
    fn columns_become_features_and_what_is_not_known_stays_unknown() {
        let sheet = Sheet::read("id,age,kind,left\n1,40,a,Yes\n2,,NA,No\n3,NA,b,No\n").unwrap();
        let columns = Columns { outcome: "left", happened: "Yes", protected: &["age"], left_out: &["id"] };
        let examples = sheet.examples(&columns).unwrap();
        assert_eq!(examples.outcomes(), [true, false, false]);
        assert_eq!(examples.protected(), ["age"]);
        assert_eq!(examples.value(0, "age"), Value::Number(Quantity::whole(40)));
        assert_eq!((examples.value(1, "age"), examples.value(2, "age")), (Value::Unknown, Value::Unknown));
        assert_eq!((examples.value(1, "kind"), examples.value(2, "kind")), (Value::Unknown, Value::Word("b")));
        assert_eq!(examples.value(0, "id"), Value::Unknown);
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let sheet = Sheet::read("a,b\n1,2\n").unwrap();
        let columns = Columns { outcome: "a", happened: "1", protected: &["sex"], left_out: &[] };
        assert_eq!(sheet.examples(&columns).unwrap_err().to_string(), "there is no column `sex`");
    }
}
