//! Flags and `candor.toml`, turned once into the library's options.

use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};
use crate::model::remote::{Accounts, PriceTable};
use crate::model::{ModelSpec, Named, OpenOptions};
use crate::net::NetworkRules;
use crate::run::Configuration;
use crate::sandbox::CodePolicy;
use crate::store::is_on_a_store;
use crate::suite::DataOptions;

/// Everything a command can need from configuration and flags.
pub(super) struct Settings {
    pub configuration: Configuration,
    pub data: DataOptions,
    pub open: OpenOptions,
}

impl Settings {
    pub(super) fn read(configuration: Option<&Path>, offline: bool) -> Result<Self, Failure> {
        let configuration = Configuration::read(configuration)?;
        NetworkRules {
            offline,
            authorities: configuration.authorities()?,
        }
        .apply();
        let data = DataOptions {
            folders: configuration.data_folders(),
            offline,
            ..DataOptions::default()
        };
        let open = OpenOptions {
            offline,
            unasked: false,
            prefer_gpu: false,
            providers: configuration.providers.clone(),
            batches: None,
            prices: configuration.prices()?,
            timeouts: configuration.http.clone(),
            max_connections: configuration.run.max_connections,
            accounts: Accounts::default(),
            named: Named::default(),
            code: CodePolicy {
                candor: std::env::current_exe().ok(),
                without_sandbox: false,
            },
        };
        let named: Vec<String> = [&configuration.run.models, &configuration.run.judges]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let mut settings = Self {
            configuration,
            data,
            open,
        };
        settings.name(&named)?;
        Ok(settings)
    }

    /// Those of a command that asks no model and fetches no data: of the network it needs no more than the stores that its runs are on.
    pub(super) fn for_reading(
        configuration: Option<&Path>,
        runs: &[PathBuf],
    ) -> Result<Self, Failure> {
        let offline = !runs.iter().any(|run| is_on_a_store(run));
        let mut settings = Self::read(configuration, offline)?;
        settings.data.offline = true;
        settings.open.offline = true;
        Ok(settings)
    }

    /// Adds the prices of a file, which come before all others.
    pub(super) fn price(&mut self, file: Option<&Path>) -> Result<(), Failure> {
        if let Some(file) = file {
            let table = PriceTable::read(file).map_err(|e| Failure::new(Exit::Usage, e))?;
            self.open.prices.prepend(table);
        }
        Ok(())
    }

    /// Adds models and judges that a person named.
    pub(super) fn name(&mut self, specs: &[String]) -> Result<(), Failure> {
        let specs: Result<Vec<ModelSpec>, _> = specs.iter().map(|s| s.parse()).collect();
        self.open
            .named
            .extend(specs.map_err(|e| Failure::new(Exit::Usage, e))?);
        Ok(())
    }
}
