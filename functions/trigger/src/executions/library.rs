//! The playbooks that may be started, and those by which something runs.
//!
//! An execution goes on with the version that it began with. So a playbook is kept in the table, under the fingerprint
//! of its content, with the first execution that begins with it. How customers are reached is not part of a playbook: the
//! policy that holds now holds for whatever goes out now.

use contract::playbook::{self, PlaybookFile};
use contract::problem::Fault;
use domain::contact::{ContactPolicy, Contacts, Door};
use domain::digest::Digest;
use domain::id::{PlaybookId, TenantId};
use domain::playbook::{Execution, Playbook, Playbooks};
use platform::function::Failure;
use platform::keys;
use platform::table::{self, Expect, Table, Write};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The playbooks that may be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    playbooks: Playbooks,
    files: BTreeMap<Digest, PlaybookFile>,
    contact: ContactPolicy,
}

impl Library {
    /// The built-in playbooks.
    pub fn built_in() -> Result<Self, Vec<Fault>> {
        Self::new(playbook::built_in()?)
    }

    /// A library of these, with the built-in policy of contact. Names every fault of every file; a fault is led by the playbook's name.
    pub fn new(files: Vec<PlaybookFile>) -> Result<Self, Vec<Fault>> {
        let (mut playbooks, mut by_version, mut faults) = (Vec::new(), BTreeMap::new(), Vec::new());
        for file in files {
            match Playbook::try_from(file.clone()) {
                Ok(playbook) => {
                    by_version.insert(playbook.version(), file);
                    playbooks.push(playbook);
                }
                Err(found) => {
                    let led = |fault: Fault| Fault::new(format!("{}.{}", file.id, fault.path), fault.reason);
                    faults.extend(found.into_iter().map(led));
                }
            }
        }
        match Playbooks::new(playbooks) {
            Ok(playbooks) if faults.is_empty() => {
                Ok(Self { playbooks, files: by_version, contact: contract::contact::built_in()? })
            }
            Ok(_) => Err(faults),
            Err(more) => {
                faults.extend(more.into_iter().map(|fault| Fault::new(fault.path, fault.reason)));
                Err(faults)
            }
        }
    }

    /// The same playbooks with another policy of contact.
    #[must_use]
    pub fn reaching(self, contact: ContactPolicy) -> Self {
        Self { contact, ..self }
    }

    /// How customers are reached.
    pub const fn contact(&self) -> &ContactPolicy {
        &self.contact
    }

    /// What goes out to a customer who was reached then passes here.
    pub const fn door<'a>(&'a self, contacts: &'a Contacts) -> Door<'a> {
        Door { policy: &self.contact, contacts }
    }

    /// The playbooks that may be started.
    pub const fn playbooks(&self) -> &Playbooks {
        &self.playbooks
    }

    /// The playbook by which an execution goes on.
    pub async fn of(
        &self,
        table: &dyn Table,
        tenant: &TenantId,
        execution: &Execution,
    ) -> Result<Cow<'_, Playbook>, Failure> {
        self.version(table, tenant, &execution.playbook, execution.version).await
    }

    async fn version(
        &self,
        table: &dyn Table,
        tenant: &TenantId,
        id: &PlaybookId,
        version: Digest,
    ) -> Result<Cow<'_, Playbook>, Failure> {
        if let Some(playbook) = self.playbooks.get(id).filter(|playbook| playbook.version() == version) {
            return Ok(Cow::Borrowed(playbook));
        }
        let lost = |why: &str| Failure::Unhandled(format!("playbook `{id}` of version {version} {why}"));
        let item = table.get(&keys::playbook(tenant, version)).await?.ok_or_else(|| lost("is not kept"))?;
        let file: PlaybookFile = table::read(&item)?;
        let playbook = Playbook::try_from(file).map_err(|faults| {
            let first = faults.first().map_or_else(String::new, |fault| format!("`{}` {}", fault.path, fault.reason));
            lost(&format!("cannot be read any more: {first}"))
        })?;
        Ok(Cow::Owned(playbook))
    }

    /// The write that keeps a playbook; nothing where it is kept.
    pub async fn keep(
        &self,
        table: &dyn Table,
        tenant: &TenantId,
        playbook: &Playbook,
    ) -> Result<Option<Write>, Failure> {
        let key = keys::playbook(tenant, playbook.version());
        let Some(file) = self.files.get(&playbook.version()) else { return Ok(None) };
        if table.get(&key).await?.is_some() {
            return Ok(None);
        }
        Ok(Some(Write::Put { key, expect: Expect::Absent, body: table::body(file)?, expires_at: None }))
    }
}
