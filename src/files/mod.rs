//! Files are read here as others wrote them, and written whole or not at all: paths that are plain, folders that nothing leads out of, text in the encodings people
//! save it in, and rows in the formats their tools write.

mod archive;
mod folder;
mod isolate;
mod json;
mod parquet;
mod plain_path;
mod python;
mod replace;
mod rows;
mod text;

pub use archive::Archive;
pub use folder::Folder;
pub use isolate::{Panicked, isolate};
pub use json::{Repairs, Row, from_json};
pub use plain_path::{PlainPath, PlainPathError};
pub use python::from_python;
pub use replace::{replace, sync_folder, write_bytes, write_output, write_text};
pub use rows::{Format, ReadError, Rows, parse_json_rows, parse_jsonl, rows};
pub use text::{decode, read_text, read_text_within, without_bom};
