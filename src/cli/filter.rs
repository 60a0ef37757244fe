//! Flags that choose among a suite's samples.

use clap::Args;

use crate::suite::Filter;

/// Which samples of the suites are asked.
#[derive(Args, Default)]
pub(super) struct FilterArguments {
    /// Ask only samples with these values of strata or fields, e.g. language=en,phrasing=question; naming a field twice accepts either value.
    #[arg(long = "where", value_name = "FIELD=VALUE", value_delimiter = ',', value_parser = parse_where)]
    wanted: Vec<(String, String)>,
    /// Ask only N clusters per value of a stratum or field, drawn with the seed, e.g. jurisdiction=2.
    #[arg(long, value_name = "FIELD=N", value_delimiter = ',', value_parser = parse_per)]
    per: Vec<(String, usize)>,
}

impl FilterArguments {
    pub(super) fn filter(&self) -> Filter {
        let mut filter = Filter {
            per: self.per.iter().cloned().collect(),
            ..Filter::default()
        };
        for (name, value) in &self.wanted {
            let values = filter.wanted.entry(name.clone()).or_default();
            values.insert(value.clone());
        }
        filter
    }
}

fn parse_where(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(n, v)| (n.trim(), v.trim()));
    parts
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "write FIELD=VALUE, e.g. language=en".into())
}

fn parse_per(text: &str) -> Result<(String, usize), String> {
    let parts = text
        .split_once('=')
        .map(|(n, k)| (n.trim(), k.trim().parse()));
    match parts {
        Some((name, Ok(n))) if !name.is_empty() && n > 0 => Ok((name.to_owned(), n)),
        _ => Err("write FIELD=N with N above 0, e.g. jurisdiction=2".into()),
    }
}
