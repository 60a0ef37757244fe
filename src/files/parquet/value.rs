//! A column's values as JSON.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp, civil};
use polars_arrow::array::{
    Array, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, ListArray, PrimitiveArray,
    StructArray, Utf8ViewArray,
};
use polars_arrow::datatypes::{ArrowDataType, TimeUnit};
use polars_arrow::types::NativeType;
use polars_utils::float16::pf16;
use serde_json::{Map, Value};

use super::column::{Column, Kind};
use super::limits::Room;

impl Kind {
    /// The value of row `i`, `room` being what is left for it.
    pub(super) fn value(
        &self,
        array: &dyn Array,
        i: usize,
        room: &mut Room,
    ) -> Result<Value, String> {
        room.take(text_bytes(array, i))?;
        if array.is_null(i) {
            return Ok(Value::Null);
        }
        match self {
            Self::Plain(dtype) => plain_value(dtype, array, i),
            Self::Uuid => {
                let bytes = of::<FixedSizeBinaryArray>(array)?.value(i);
                let hex = crate::text::hex(bytes);
                let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
                let parts: Vec<&str> = parts.into_iter().filter_map(|p| hex.get(p)).collect();
                Ok(parts.join("-").into())
            }
            Self::Duration(unit) => Ok(duration(number::<i64>(array, i)?, *unit).into()),
            Self::List(element) => Ok(Value::Array(elements(element, array, i, room)?)),
            Self::Map(entry) => entries(entry, array, i, room),
            Self::Struct(fields) => {
                let values = of::<StructArray>(array)?.values();
                let fields = fields.iter().zip(values);
                fields
                    .map(|(field, values)| {
                        Ok((
                            field.name.clone(),
                            field.kind.value(values.as_ref(), i, room)?,
                        ))
                    })
                    .collect::<Result<Map<_, _>, String>>()
                    .map(Value::Object)
            }
        }
    }
}

/// Bytes of text or binary in a row; 0 for every other type.
fn text_bytes(array: &dyn Array, i: usize) -> usize {
    let any = array.as_any();
    any.downcast_ref::<Utf8ViewArray>()
        .map(|texts| texts.value(i).len())
        .or_else(|| {
            any.downcast_ref::<BinaryViewArray>()
                .map(|b| 2 * b.value(i).len())
        })
        .unwrap_or(0)
}

fn elements(
    element: &Column,
    array: &dyn Array,
    i: usize,
    room: &mut Room,
) -> Result<Vec<Value>, String> {
    let values = of::<ListArray<i64>>(array)?.value(i);
    (0..values.len())
        .map(|i| element.kind.value(values.as_ref(), i, room))
        .collect()
}

/// A map as an object, where its keys can be names.
fn entries(entry: &Column, array: &dyn Array, i: usize, room: &mut Room) -> Result<Value, String> {
    let list = elements(entry, array, i, room)?;
    let pair = |entry: &Value| {
        let mut parts = entry.as_object()?.values();
        let key = match parts.next()? {
            Value::String(text) => text.clone(),
            key @ (Value::Number(_) | Value::Bool(_)) => key.to_string(),
            _ => return None,
        };
        Some((key, parts.next()?.clone()))
    };
    let object: Option<Map<String, Value>> = list.iter().map(pair).collect();
    Ok(object.map_or(Value::Array(list), Value::Object))
}

/// The array as what its type says it is.
fn of<T: 'static>(array: &dyn Array) -> Result<&T, String> {
    let found = array.as_any().downcast_ref();
    found.ok_or_else(|| format!("was read as {:?}, which is a different type", array.dtype()))
}

fn number<T: NativeType>(array: &dyn Array, i: usize) -> Result<T, String> {
    Ok(of::<PrimitiveArray<T>>(array)?.value(i))
}

fn plain_value(dtype: &ArrowDataType, array: &dyn Array, i: usize) -> Result<Value, String> {
    use ArrowDataType as Type;
    Ok(match dtype {
        Type::Boolean => of::<BooleanArray>(array)?.value(i).into(),
        Type::Int8 => number::<i8>(array, i)?.into(),
        Type::Int16 => number::<i16>(array, i)?.into(),
        Type::Int32 => number::<i32>(array, i)?.into(),
        Type::Int64 => number::<i64>(array, i)?.into(),
        Type::UInt8 => number::<u8>(array, i)?.into(),
        Type::UInt16 => number::<u16>(array, i)?.into(),
        Type::UInt32 => number::<u32>(array, i)?.into(),
        Type::UInt64 => number::<u64>(array, i)?.into(),
        Type::Float16 => short_float(number::<pf16>(array, i)?.0.to_f32()),
        Type::Float32 => short_float(number::<f32>(array, i)?),
        Type::Float64 => float(number::<f64>(array, i)?),
        Type::Utf8View => of::<Utf8ViewArray>(array)?.value(i).into(),
        Type::BinaryView => BASE64_STANDARD
            .encode(of::<BinaryViewArray>(array)?.value(i))
            .into(),
        Type::FixedSizeBinary(_) => BASE64_STANDARD
            .encode(of::<FixedSizeBinaryArray>(array)?.value(i))
            .into(),
        Type::Decimal(_, scale) => decimal(number::<i128>(array, i)?, *scale).into(),
        Type::Date32 => date(number::<i32>(array, i)?)?.into(),
        Type::Time32(_) => time(i64::from(number::<i32>(array, i)?), 1_000_000)?.into(),
        Type::Time64(unit) => time(number::<i64>(array, i)?, nanoseconds(*unit))?.into(),
        Type::Timestamp(unit, zone) => {
            let instant = timestamp(number::<i64>(array, i)?, *unit)?;
            match zone {
                Some(_) => instant.to_string(),
                None => instant
                    .to_zoned(jiff::tz::TimeZone::UTC)
                    .datetime()
                    .to_string(),
            }
            .into()
        }
        other => return Err(format!("holds {other:?}, which candor does not support")),
    })
}

fn float(value: f64) -> Value {
    if value.is_infinite() {
        Value::from(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        Value::from(value)
    }
}

/// A number of single precision with the digits that it was written with: 0.1, not 0.10000000149011612.
fn short_float(value: f32) -> Value {
    float(value.to_string().parse().unwrap_or(f64::from(value)))
}

fn decimal(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

fn nanoseconds(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

fn date(days: i32) -> Result<String, String> {
    let days = SignedDuration::from_hours(24 * i64::from(days));
    let date = civil::date(1970, 1, 1).checked_add(days);
    let date = date.map_err(|_| "holds a date beyond the years -9999 to 9999".to_owned())?;
    Ok(date.to_string())
}

fn time(value: i64, unit: i64) -> Result<String, String> {
    let since_midnight = value.checked_mul(unit).map(SignedDuration::from_nanos);
    let time = since_midnight.and_then(|d| civil::Time::midnight().checked_add(d).ok());
    let time = time.ok_or("holds a time that is not within a day")?;
    Ok(time.to_string())
}

/// `P1DT2H3M4.5S`: days of 24 hours, as Arrow and Python count them.
fn duration(value: i64, unit: TimeUnit) -> String {
    let nanoseconds = i128::from(value) * i128::from(nanoseconds(unit));
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (seconds, rest) = (
        nanoseconds.unsigned_abs() / 1_000_000_000,
        nanoseconds.unsigned_abs() % 1_000_000_000,
    );
    let fraction = format!("{rest:09}");
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let parts = [
        (seconds / 3600 % 24, "", "H"),
        (seconds / 60 % 60, "", "M"),
        (seconds % 60, fraction, "S"),
    ];
    let time: String = parts
        .iter()
        .filter(|(n, fraction, _)| *n > 0 || !fraction.is_empty())
        .map(|(n, fraction, letter)| match fraction {
            &"" => format!("{n}{letter}"),
            fraction => format!("{n}{point}{fraction}{letter}"),
        })
        .collect();
    let days = seconds / 86_400;
    match (days, time.as_str()) {
        (0, "") => "PT0S".into(),
        (0, time) => format!("{sign}PT{time}"),
        (days, "") => format!("{sign}P{days}D"),
        (days, time) => format!("{sign}P{days}DT{time}"),
    }
}

fn timestamp(value: i64, unit: TimeUnit) -> Result<Timestamp, String> {
    let nanoseconds = i128::from(value) * i128::from(nanoseconds(unit));
    Timestamp::from_nanosecond(nanoseconds)
        .map_err(|_| "holds a time beyond the years -9999 to 9999".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        for (unscaled, scale, want) in [
            (150, 2, "1.50"),
            (-5, 2, "-0.05"),
            (7, 0, "7"),
            (0, 3, "0.000"),
            (i128::MIN, 1, "-17014118346046923173168730371588410572.8"),
        ] {
            assert_eq!(decimal(unscaled, scale), want);
        }
    }

    #[test]
    fn days_and_instants_are_written_as_iso_8601_does() {
        assert_eq!(date(19_724).as_deref(), Ok("2024-01-02"));
        assert_eq!(date(-1).as_deref(), Ok("1969-12-31"));
        assert!(date(i32::MAX).is_err());
        assert_eq!(time(11_045_000_000, 1_000).as_deref(), Ok("03:04:05"));
        assert!(time(90_000_000, 1_000_000).is_err());
        let instant = timestamp(1_704_164_645_500, TimeUnit::Millisecond);
        assert_eq!(
            instant.map(|t| t.to_string()).as_deref(),
            Ok("2024-01-02T03:04:05.5Z")
        );
        assert!(timestamp(i64::MAX, TimeUnit::Second).is_err());
    }

    #[test]
    fn durations_are_days_hours_minutes_and_seconds() {
        for (value, unit, want) in [
            (86_400_000_000, TimeUnit::Microsecond, "P1D"),
            (93_784_500, TimeUnit::Millisecond, "P1DT2H3M4.5S"),
            (-90, TimeUnit::Second, "-PT1M30S"),
            (5, TimeUnit::Nanosecond, "PT0.000000005S"),
            (0, TimeUnit::Second, "PT0S"),
        ] {
            assert_eq!(duration(value, unit), want);
        }
    }

    #[test]
    fn numbers_of_single_precision_keep_their_written_form() {
        assert_eq!(short_float(0.1).to_string(), "0.1");
        assert_eq!(short_float(f32::NAN), Value::Null);
        assert_eq!(short_float(f32::NEG_INFINITY), "-Infinity");
    }
}
