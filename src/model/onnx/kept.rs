//! How much a model keeps of what it has read, as its specification says: `?kv_cache_gb=2&share_prefixes=false`.

use super::paged::Keeping;
use crate::model::{ErrorClass, ModelError, ModelSpec};

/// Bytes of a gigabyte.
const GB: f64 = 1e9;
/// Keys and values where neither the specification nor the machine says anything.
const USUAL_GB: f64 = 4.0;

/// Most bytes of keys and values: as `kv_cache_gb` says, or else a quarter of the machine's memory.
///
/// # Errors
/// [`ErrorClass::BadRequest`] if that is not a number above 0.
pub(super) fn most_bytes(spec: &ModelSpec) -> Result<u64, ModelError> {
    let gigabytes = match spec.options.get("kv_cache_gb") {
        None => memory_gb().map_or(USUAL_GB, |all| all / 4.0),
        Some(text) => {
            let number = text
                .parse()
                .ok()
                .filter(|n: &f64| n.is_finite() && *n > 0.0);
            number.ok_or_else(|| {
                wrong(
                    spec,
                    &format!("kv_cache_gb must be a number above 0, not '{text}'"),
                )
            })?
        }
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // above 0, and saturating
    Ok((gigabytes * GB) as u64)
}

/// What is kept of beginnings, as `share_prefixes` says.
///
/// # Errors
/// [`ErrorClass::BadRequest`] if that is neither `true` nor `false`.
pub(super) fn keeping(spec: &ModelSpec) -> Result<Keeping, ModelError> {
    match spec
        .options
        .get("share_prefixes")
        .map_or("true", String::as_str)
    {
        "true" => Ok(Keeping::Prefixes),
        "false" => Ok(Keeping::Nothing),
        other => Err(wrong(
            spec,
            &format!("share_prefixes must be true or false, not '{other}'"),
        )),
    }
}

fn wrong(spec: &ModelSpec, what: &str) -> ModelError {
    ModelError::new(ErrorClass::BadRequest, format!("{spec}: {what}"))
}

/// The machine's memory, where it says.
fn memory_gb() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024.0 / GB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceiling_is_a_number_of_gigabytes() {
        let bytes = |options: &str| {
            most_bytes(&format!("onnx:x{options}").parse().expect("a specification"))
        };
        assert_eq!(bytes("?kv_cache_gb=0.5").expect("a number"), 500_000_000);
        assert!(bytes("").expect("the usual") > 100_000_000);
        for wrong in ["0", "-1", "inf", "NaN", "much"] {
            let error = bytes(&format!("?kv_cache_gb={wrong}")).expect_err("not a ceiling");
            assert!(
                error
                    .message
                    .contains("kv_cache_gb must be a number above 0"),
                "{error}"
            );
        }
    }
}
