//! Numbers on the command line, with errors that say what to write.

use std::str::FromStr;

/// A whole number from 0.
pub(super) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "write a whole number from 0, without separators".into())
}

/// A whole number above 0.
pub(super) fn positive<T: FromStr + Default + PartialOrd>(text: &str) -> Result<T, String> {
    text.parse()
        .ok()
        .filter(|n| *n > T::default())
        .ok_or_else(|| "write a whole number above 0, without separators".into())
}
