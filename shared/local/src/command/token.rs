//! `cs-ops token`: a token from this machine's development issuer, on standard output.

use super::DATA;
use crate::issuer::Issuer;
use crate::play::TENANT;
use clap::Args;
use domain::id::{PersonId, TenantId};
use jiff::SignedDuration;
use platform::clock::{Clock as _, WallClock};
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

/// What the token is to say.
#[derive(Debug, Args)]
pub struct Token {
    /// What it allows, such as `cs-ops.ingest.write`; several with spaces or commas between, or given again
    #[arg(long, required = true, value_delimiter = ',')]
    scope: Vec<String>,
    /// Whose data it opens
    #[arg(long, default_value = TENANT)]
    tenant: String,
    /// Who holds it
    #[arg(long, default_value = "developer")]
    subject: String,
    /// For how long, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 8 * 3600)]
    lifetime: i64,
    /// The data folder with the issuer's key
    #[arg(long, value_name = "FOLDER", default_value = DATA)]
    data: PathBuf,
}

impl Token {
    pub(super) fn execute(self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        std::fs::create_dir_all(&self.data)?;
        let (tenant, subject) = (TenantId::new(&self.tenant)?, PersonId::new(&self.subject)?);
        let scopes: Vec<&str> = self.scope.iter().flat_map(|scope| scope.split_ascii_whitespace()).collect();
        let lifetime = SignedDuration::from_secs(self.lifetime);
        let token = Issuer::open(&self.data)?.mint(&tenant, &subject, &scopes, lifetime, WallClock.now())?;
        writeln!(out, "{token}")?;
        Ok(())
    }
}
