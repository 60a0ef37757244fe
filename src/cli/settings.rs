//! Flags and `candor.toml` turned, once, into what the library wants.

use std::path::Path;

use super::exit::Failure;
use crate::model::{OpenOptions, data_directory};
use crate::run::Configuration;
use crate::suite::DataOptions;

/// Everything a command may need from configuration and flags.
pub(super) struct Settings {
    pub configuration: Configuration,
    pub data: DataOptions,
    pub open: OpenOptions,
}

impl Settings {
    pub(super) fn read(configuration: Option<&Path>, offline: bool) -> Result<Self, Failure> {
        let configuration = Configuration::read(configuration)?;
        let data = DataOptions {
            folders: configuration.data_folders(),
            offline,
            cache: data_directory(),
        };
        let open = OpenOptions {
            offline,
            prefer_gpu: false,
            providers: configuration.providers.clone(),
            timeouts: configuration.http.clone(),
        };
        Ok(Self {
            configuration,
            data,
            open,
        })
    }
}
