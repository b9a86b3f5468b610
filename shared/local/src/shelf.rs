//! The shelf of one machine: a folder beside the table.

use async_trait::async_trait;
use platform::shelf::{Paper, Shelf, ShelfError};
use std::fs;
use std::io;
use std::path::PathBuf;

/// A folder in which papers lie under their names.
pub struct Folder(pub PathBuf);

#[async_trait]
impl Shelf for Folder {
    async fn lay(&self, paper: &Paper) -> Result<(), ShelfError> {
        let lay = || -> io::Result<()> {
            let path = self.0.join(&paper.name);
            fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
            // Whoever opens it finds the whole paper, or the one before.
            let unfinished = path.with_extension("unfinished");
            fs::write(&unfinished, &paper.text)?;
            fs::rename(&unfinished, &path)
        };
        lay().map_err(|error| ShelfError { name: paper.name.clone(), reason: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::at_once;

    #[test]
    fn a_paper_lies_under_its_name_and_the_next_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Folder(folder.path().join("papers"));
        for text in ["one", "two"] {
            let paper = Paper { name: "t/daily/2026-01-05.csv".into(), media_type: "text/csv", text: text.into() };
            at_once(shelf.lay(&paper)).unwrap().unwrap();
        }
        assert_eq!(fs::read_to_string(folder.path().join("papers/t/daily/2026-01-05.csv")).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path().join("papers/t/daily")).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_names_the_paper() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let paper = Paper { name: "t/x.csv".into(), media_type: "text/csv", text: String::new() };
        let error = at_once(Folder(folder.path().join("file")).lay(&paper)).unwrap().unwrap_err();
        assert!(error.to_string().starts_with("`t/x.csv` could not be laid down: "), "{error}");
    }
}
