//! Parquet files as rows of JSON: every type is read, or refused by its name and column.
//!
//! | Parquet | JSON |
//! |---|---|
//! | integers, floats, booleans | the same; NaN is null, an infinity is text |
//! | strings, enums, JSON, UUID | text |
//! | dates, times, timestamps, durations | text as in ISO 8601 |
//! | decimals of up to 38 digits | text with all their digits |
//! | binary | text in base64 |
//! | lists, structs | arrays, objects |
//! | maps | objects; arrays of `{key, value}` where keys are not plain values |
//!
//! Intervals, wider decimals and groups without fields are refused. Types are taken from the Parquet schema, not from the Arrow schema that
//! some writers put beside it, which can contradict the file; that one only says which integers are durations.

use std::io::Cursor;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp, civil};
use polars_arrow::array::{
    Array, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, ListArray, PrimitiveArray,
    StructArray, Utf8ViewArray,
};
use polars_arrow::datatypes::{ArrowDataType, Field, TimeUnit};
use polars_arrow::types::NativeType;
use polars_buffer::Buffer;
use polars_parquet::parquet::schema::Repetition;
use polars_parquet::parquet::schema::types::{GroupConvertedType, PrimitiveType};
use polars_parquet::read::{
    BasicDecompressor, ColumnChunkMetadata, GroupLogicalType, PageReader, ParquetType,
    PhysicalType, PrimitiveConvertedType, PrimitiveLogicalType, RowGroupMetadata,
    column_iter_to_arrays, read_metadata,
    schema::{parquet_to_arrow_schema, read_custom_key_value_metadata, read_schema_from_metadata},
};
use polars_utils::float16::pf16;
use serde_json::{Map, Value};

use super::{Row, apart};

/// Deepest nesting of types that is followed.
const MAX_DEPTH: usize = 64;

/// Most values of a column in one row group; writers make groups of a million rows.
const MAX_VALUES: i64 = 1 << 28;

/// Every row of a file.
///
/// # Errors
/// What is wrong with the file, or which column has a type that cannot be read.
pub(super) fn rows(path: &Path) -> Result<Vec<Row>, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    // The decoder asserts where it might return errors, and descends nested types before their depth can be looked at.
    let broken = |_| Err("it is not a whole, valid Parquet file; get it again".into());
    apart(|| read(bytes)).unwrap_or_else(broken)
}

fn read(bytes: Vec<u8>) -> Result<Vec<Row>, String> {
    let bytes = Buffer::from(bytes);
    let metadata = read_metadata(&mut Cursor::new(&bytes[..])).map_err(|e| e.to_string())?;
    let mut columns: Vec<Column> = metadata
        .schema()
        .fields()
        .iter()
        .map(|field| Column::of(field, 0))
        .collect::<Result<_, _>>()?;
    let mut beside = read_custom_key_value_metadata(metadata.key_value_metadata());
    if let Ok(Some(arrow)) = read_schema_from_metadata(&mut beside) {
        for column in &mut columns {
            if let Some(field) = arrow.get(column.name.as_str()) {
                column.kind.find_durations(&field.dtype);
            }
        }
    }
    for (i, column) in columns.iter().enumerate() {
        if columns[..i].iter().any(|c| c.name == column.name) {
            return Err(format!("two columns are called '{}'", column.name));
        }
    }
    // The decoder makes room for as many values as the file says there are, before it reads one.
    for group in &metadata.row_groups {
        let rows = i64::try_from(group.num_rows()).unwrap_or(i64::MAX);
        let mut values = group
            .parquet_columns()
            .iter()
            .map(ColumnChunkMetadata::num_values);
        if rows > MAX_VALUES || values.any(|n| !(0..=MAX_VALUES).contains(&n)) {
            return Err(format!(
                "it says that a row group holds more than {MAX_VALUES} values, or less than none"
            ));
        }
    }
    let mut rows = Vec::new();
    for group in &metadata.row_groups {
        let arrays: Vec<Box<dyn Array>> = columns
            .iter()
            .map(|column| column.array(group, &bytes))
            .collect::<Result<_, _>>()?;
        for i in 0..group.num_rows() {
            let mut row = Map::new();
            for (column, array) in columns.iter().zip(&arrays) {
                let value = column.kind.value(array.as_ref(), i);
                let value = value.map_err(|reason| column.wrong(&reason))?;
                row.insert(column.name.clone(), value);
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

/// A column or a field within one.
struct Column {
    name: String,
    kind: Kind,
    optional: bool,
}

/// What it holds.
enum Kind {
    Plain(ArrowDataType),
    /// Sixteen bytes, written as RFC 9562 does.
    Uuid,
    /// An integer that counts so many units of time.
    Duration(TimeUnit),
    List(Box<Column>),
    /// A list of structs, the first field of which is the key.
    Map(Box<Column>),
    Struct(Vec<Column>),
}

impl Column {
    /// Reads a type of the schema, by the rules of `LogicalTypes.md` of the Parquet format.
    fn of(type_: &ParquetType, depth: usize) -> Result<Self, String> {
        let info = type_.get_field_info();
        let wrong = |what: &str| Err(format!("the column '{}' {what}", info.name));
        if depth > MAX_DEPTH {
            return wrong("is nested too deeply");
        }
        let kind = match type_ {
            ParquetType::PrimitiveType(primitive) => match plain(primitive) {
                Ok(kind) => kind,
                Err(named) => return wrong(&format!("holds {named}, which candor does not read")),
            },
            ParquetType::GroupType { fields, .. } if fields.is_empty() => {
                return wrong("is a group without fields, which candor does not read");
            }
            ParquetType::GroupType {
                logical_type,
                converted_type,
                fields,
                ..
            } => match (logical_type, converted_type) {
                (Some(GroupLogicalType::List), _) | (None, Some(GroupConvertedType::List)) => {
                    Kind::List(Box::new(element(&fields[0], &info.name, depth)?))
                }
                (Some(GroupLogicalType::Map), _)
                | (None, Some(GroupConvertedType::Map | GroupConvertedType::MapKeyValue)) => {
                    let entry = Self::of_once(&fields[0], depth + 1)?;
                    match entry.kind {
                        Kind::Struct(ref parts) if parts.len() == 2 => Kind::Map(Box::new(entry)),
                        _ => Kind::List(Box::new(entry)),
                    }
                }
                _ => {
                    let fields = fields.iter().map(|field| Self::of(field, depth + 1));
                    Kind::Struct(fields.collect::<Result<_, _>>()?)
                }
            },
        };
        let one = Self {
            name: info.name.to_string(),
            kind,
            optional: info.repetition == Repetition::Optional,
        };
        // A repeated field that no annotation makes a list is one all the same.
        Ok(if info.repetition == Repetition::Repeated {
            Self {
                name: one.name.clone(),
                kind: Kind::List(Box::new(one)),
                optional: false,
            }
        } else {
            one
        })
    }

    /// One element of a repeated field.
    fn of_once(type_: &ParquetType, depth: usize) -> Result<Self, String> {
        let column = Self::of(type_, depth)?;
        Ok(match (type_.get_field_info().repetition, column.kind) {
            (Repetition::Repeated, Kind::List(element)) => *element,
            (_, kind) => Self { kind, ..column },
        })
    }

    fn field(&self) -> Field {
        Field::new(self.name.as_str().into(), self.kind.arrow(), self.optional)
    }

    /// Its values in a row group.
    fn array(
        &self,
        group: &RowGroupMetadata,
        bytes: &Buffer<u8>,
    ) -> Result<Box<dyn Array>, String> {
        let chunks: Vec<&ColumnChunkMetadata> = group
            .columns_under_root_iter(&self.name)
            .map(Iterator::collect)
            .unwrap_or_default();
        if chunks.len() != self.kind.leaves() {
            return Err(self.wrong("is not whole"));
        }
        let (mut pages, mut types) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let range = chunk.byte_range();
            let at = |n: u64| usize::try_from(n).ok().filter(|n| *n <= bytes.len());
            let (Some(start), Some(end)) = (at(range.start), at(range.end)) else {
                return Err(self.wrong("lies beyond the end of the file"));
            };
            if start > end {
                return Err(self.wrong("ends before it begins"));
            }
            let own = Cursor::new(bytes.clone().sliced(start..end));
            let reader = PageReader::new(own, chunk, Vec::new(), usize::MAX);
            pages.push(BasicDecompressor::new(reader, Vec::new()));
            types.push(&chunk.descriptor().descriptor.primitive_type);
        }
        let (arrays, _) = column_iter_to_arrays(pages, types, self.field(), None)
            .map_err(|e| self.wrong(&format!("cannot be read: {e}")))?;
        match <[Box<dyn Array>; 1]>::try_from(arrays) {
            Ok([array]) if array.len() == group.num_rows() => Ok(array),
            _ => Err(self.wrong("has another number of rows than the file says")),
        }
    }

    fn wrong(&self, what: &str) -> String {
        format!("the column '{}' {what}", self.name)
    }
}

/// The element of a list, with the rules for files of older writers.
fn element(repeated: &ParquetType, list: &str, depth: usize) -> Result<Column, String> {
    if let ParquetType::GroupType { fields, .. } = repeated
        && let [only] = fields.as_slice()
        && repeated.name() != "array"
        && repeated.name() != format!("{list}_tuple")
    {
        return Column::of(only, depth + 1);
    }
    Column::of_once(repeated, depth + 1)
}

/// What a leaf holds, or the name of what candor does not read.
fn plain(primitive: &PrimitiveType) -> Result<Kind, String> {
    use PrimitiveLogicalType as Logical;
    let logical = primitive.logical_type;
    let fixed = matches!(primitive.physical_type, PhysicalType::FixedLenByteArray(_));
    match (logical, primitive.converted_type) {
        (_, Some(PrimitiveConvertedType::Interval)) => return Err("intervals".into()),
        (Some(Logical::Float16), _) => return Ok(Kind::Plain(ArrowDataType::Float16)),
        (Some(Logical::Uuid), _) => return Ok(Kind::Uuid),
        (Some(Logical::Json | Logical::Enum), _)
        | (None, Some(PrimitiveConvertedType::Json | PrimitiveConvertedType::Enum))
            if !fixed =>
        {
            return Ok(Kind::Plain(ArrowDataType::Utf8View));
        }
        _ => {}
    }
    let alone = ParquetType::PrimitiveType(PrimitiveType {
        field_info: polars_parquet::parquet::schema::types::FieldInfo {
            repetition: Repetition::Required,
            ..primitive.field_info.clone()
        },
        ..primitive.clone()
    });
    let schema = parquet_to_arrow_schema(std::slice::from_ref(&alone));
    match schema.iter_values().next().map(|field| field.dtype.clone()) {
        Some(ArrowDataType::Decimal(precision, _)) if precision > 38 => {
            Err(format!("decimals of {precision} digits"))
        }
        Some(dtype) => Ok(Kind::Plain(dtype)),
        None => Err("a type without a name".into()),
    }
}

impl Kind {
    fn arrow(&self) -> ArrowDataType {
        match self {
            Self::Plain(dtype) => dtype.clone(),
            Self::Uuid => ArrowDataType::FixedSizeBinary(16),
            Self::Duration(_) => ArrowDataType::Int64,
            Self::List(element) | Self::Map(element) => {
                ArrowDataType::LargeList(Box::new(element.field()))
            }
            Self::Struct(fields) => {
                ArrowDataType::Struct(fields.iter().map(Column::field).collect())
            }
        }
    }

    /// Parquet has no durations: writers put integers, and say so in an Arrow schema.
    fn find_durations(&mut self, arrow: &ArrowDataType) {
        match (self, arrow) {
            (kind @ Self::Plain(ArrowDataType::Int64), ArrowDataType::Duration(unit)) => {
                *kind = Self::Duration(*unit);
            }
            (Self::List(element), ArrowDataType::LargeList(field)) => {
                element.kind.find_durations(&field.dtype);
            }
            (Self::Struct(fields), ArrowDataType::Struct(theirs)) => {
                for (field, other) in fields.iter_mut().zip(theirs) {
                    field.kind.find_durations(&other.dtype);
                }
            }
            _ => {}
        }
    }

    /// How many columns of the file it is spread over.
    fn leaves(&self) -> usize {
        match self {
            Self::Plain(_) | Self::Uuid | Self::Duration(_) => 1,
            Self::List(element) | Self::Map(element) => element.kind.leaves(),
            Self::Struct(fields) => fields.iter().map(|f| f.kind.leaves()).sum(),
        }
    }

    fn value(&self, array: &dyn Array, i: usize) -> Result<Value, String> {
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
            Self::List(element) => Ok(Value::Array(elements(element, array, i)?)),
            Self::Map(entry) => entries(entry, array, i),
            Self::Struct(fields) => {
                let values = of::<StructArray>(array)?.values();
                let fields = fields.iter().zip(values);
                fields
                    .map(|(field, values)| {
                        Ok((field.name.clone(), field.kind.value(values.as_ref(), i)?))
                    })
                    .collect::<Result<Map<_, _>, String>>()
                    .map(Value::Object)
            }
        }
    }
}

fn elements(element: &Column, array: &dyn Array, i: usize) -> Result<Vec<Value>, String> {
    let values = of::<ListArray<i64>>(array)?.value(i);
    (0..values.len())
        .map(|i| element.kind.value(values.as_ref(), i))
        .collect()
}

/// A map as an object, where its keys can be names.
fn entries(entry: &Column, array: &dyn Array, i: usize) -> Result<Value, String> {
    let list = elements(entry, array, i)?;
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
    found.ok_or_else(|| format!("was read as {:?}, which is another type", array.dtype()))
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
        other => return Err(format!("holds {other:?}, which candor does not read")),
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
