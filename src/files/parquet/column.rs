//! A file's columns: what each holds, and its values in a row group.

use std::io::Cursor;

use polars_arrow::array::Array;
use polars_arrow::datatypes::{ArrowDataType, Field, TimeUnit};
use polars_buffer::Buffer;
use polars_parquet::parquet::schema::Repetition;
use polars_parquet::parquet::schema::types::{GroupConvertedType, PrimitiveType};
use polars_parquet::read::{
    BasicDecompressor, ColumnChunkMetadata, GroupLogicalType, PageReader, ParquetType,
    PhysicalType, PrimitiveConvertedType, PrimitiveLogicalType, RowGroupMetadata,
    column_iter_to_arrays, schema::parquet_to_arrow_schema,
};

use super::limits::{self, Room};

/// Deepest nesting of types that is followed.
const MAX_DEPTH: usize = 64;

/// A column or a field within one.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    optional: bool,
}

/// What it holds.
pub(super) enum Kind {
    Plain(ArrowDataType),
    /// Sixteen bytes, written as RFC 9562 does.
    Uuid,
    /// An integer that counts this many units of time.
    Duration(TimeUnit),
    List(Box<Column>),
    /// A list of structs, the first field of which is the key.
    Map(Box<Column>),
    Struct(Vec<Column>),
}

impl Column {
    /// Reads a type of the schema, by the rules of `LogicalTypes.md` of the Parquet format.
    pub(super) fn of(type_: &ParquetType, depth: usize) -> Result<Self, String> {
        let info = type_.get_field_info();
        let wrong = |what: &str| Err(format!("the column '{}' {what}", info.name));
        if depth > MAX_DEPTH {
            return wrong("is nested too deeply");
        }
        let kind = match type_ {
            ParquetType::PrimitiveType(primitive) => match leaf_kind(primitive) {
                Ok(kind) => kind,
                Err(named) => {
                    return wrong(&format!("holds {named}, which candor does not support"));
                }
            },
            ParquetType::GroupType { fields, .. } if fields.is_empty() => {
                return wrong("is a group without fields, which candor does not support");
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
    pub(super) fn array(
        &self,
        group: &RowGroupMetadata,
        bytes: &Buffer<u8>,
        room: &mut Room,
    ) -> Result<Box<dyn Array>, String> {
        let chunks: Vec<&ColumnChunkMetadata> = group
            .columns_under_root_iter(&self.name)
            .map(Iterator::collect)
            .unwrap_or_default();
        if chunks.len() != self.kind.leaves() {
            return Err(self.error("is not whole"));
        }
        let (mut pages, mut types) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let range = chunk.byte_range();
            let at = |n: u64| usize::try_from(n).ok().filter(|n| *n <= bytes.len());
            let (Some(start), Some(end)) = (at(range.start), at(range.end)) else {
                return Err(self.error("is beyond the end of the file"));
            };
            if start > end {
                return Err(self.error("ends before it begins"));
            }
            let reader = || {
                let own = Cursor::new(bytes.clone().sliced(start..end));
                PageReader::new(own, chunk, Vec::new(), end - start)
            };
            limits::check_pages(reader(), chunk, room).map_err(|reason| self.error(&reason))?;
            pages.push(BasicDecompressor::new(reader(), Vec::new()));
            types.push(&chunk.descriptor().descriptor.primitive_type);
        }
        let (arrays, _) = column_iter_to_arrays(pages, types, self.field(), None)
            .map_err(|e| self.error(&format!("cannot be read: {e}")))?;
        match <[Box<dyn Array>; 1]>::try_from(arrays) {
            Ok([array]) if array.len() == group.num_rows() => Ok(array),
            _ => Err(self.error("has a different number of rows than the file states")),
        }
    }

    pub(super) fn error(&self, what: &str) -> String {
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
fn leaf_kind(primitive: &PrimitiveType) -> Result<Kind, String> {
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
    pub(super) fn find_durations(&mut self, arrow: &ArrowDataType) {
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
}
