//! A rounded model's file: written tensor by tensor, so that no more than one matrix's scales and a few rows are in memory.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use half::{bf16, f16};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::blocks::{BLOCK, round_row};
use super::{Rounding, Uses, blocks_of, scales_of};
use crate::files::replace;
use crate::model::ModelError;
use crate::model::onnx::files_error;
use crate::model::onnx::weights::{Checkpoint, Element, Entry};
use crate::text::visible_line;

/// A tensor of the file to be.
enum Planned<'a> {
    /// As it is published.
    Kept(&'a str, &'a Entry),
    /// Two tensors: blocks and scales.
    Rounded(&'a str, &'a Entry),
}

/// Rows and columns of a matrix.
fn sides(entry: &Entry) -> (usize, usize) {
    let side = |n: usize| {
        let side = entry.shape.get(n).copied().unwrap_or(0);
        usize::try_from(side).unwrap_or(usize::MAX)
    };
    (side(0), side(1))
}

/// Writes the file: whole, or not at all.
///
/// # Errors
/// [`crate::model::ErrorClass::Files`] names the tensor that cannot be read or rounded; `failed` words what the disk says.
pub(super) fn write(
    checkpoint: &Checkpoint,
    uses: &Uses,
    rounding: Rounding,
    path: &Path,
    failed: &dyn Fn(&dyn Display) -> ModelError,
) -> Result<(), ModelError> {
    let mut plan = Vec::new();
    for (names, planned) in [
        (&uses.kept, Planned::Kept as fn(_, _) -> _),
        (&uses.rounded, Planned::Rounded as fn(_, _) -> _),
    ] {
        for name in names {
            let found = checkpoint.get(name);
            let (entry, _) = found.ok_or_else(|| gone(name))?;
            plan.push(planned(name.as_str(), entry));
        }
    }
    let bar = progress_bar(&plan, rounding);
    let written = replace(
        path,
        |e| failed(&e),
        |file| {
            let mut out = BufWriter::new(file);
            let header = header(&plan, rounding);
            let length = header.len() as u64;
            out.write_all(&length.to_le_bytes())
                .and_then(|()| out.write_all(header.as_bytes()))
                .map_err(|e| failed(&e))?;
            for planned in &plan {
                match planned {
                    Planned::Kept(name, entry) => {
                        let copied = std::io::copy(&mut read(checkpoint, name)?, &mut out);
                        copied.map_err(|e| failed(&e))?;
                        bar.inc(entry.length);
                    }
                    Planned::Rounded(name, entry) => {
                        let source = read(checkpoint, name)?;
                        let scales = round(name, entry, rounding, source, &bar, |bytes| {
                            out.write_all(bytes).map_err(|e| failed(&e))
                        })?;
                        let bytes: Vec<u8> = scales.iter().flat_map(|s| s.to_le_bytes()).collect();
                        out.write_all(&bytes).map_err(|e| failed(&e))?;
                    }
                }
            }
            out.flush().map_err(|e| failed(&e))
        },
    );
    bar.finish_and_clear();
    written
}

fn progress_bar(plan: &[Planned], rounding: Rounding) -> ProgressBar {
    let bytes = plan.iter().map(|planned| match planned {
        Planned::Kept(_, entry) | Planned::Rounded(_, entry) => entry.length,
    });
    let style = "{msg} {bytes} of {total_bytes}, {eta} left";
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes.sum())
        .with_style(style)
        .with_message(format!(
            "rounding the weights to {}, once:",
            rounding.name()
        ))
}

/// The header of the file, filled up with spaces so that tensors begin at multiples of 8.
fn header(plan: &[Planned], rounding: Rounding) -> String {
    let mut tensors = Map::new();
    let mut end = 0_usize;
    let mut add = |name: String, kind: String, shape: Value, length: usize| {
        let place = json!({"dtype": kind, "shape": shape, "data_offsets": [end, end + length]});
        end += length;
        tensors.insert(name, place);
    };
    for planned in plan {
        match planned {
            Planned::Kept(name, entry) => {
                let length = usize::try_from(entry.length).unwrap_or(usize::MAX);
                let kind = entry.element.to_string();
                add((*name).to_owned(), kind, json!(entry.shape), length);
            }
            Planned::Rounded(name, entry) => {
                let (rows, columns) = sides(entry);
                let (blocks, bytes) = (columns.div_ceil(BLOCK), rounding.block_bytes());
                let shape = json!([rows, blocks, bytes]);
                add(blocks_of(name), "U8".into(), shape, rows * blocks * bytes);
                let shape = json!([rows, blocks]);
                add(scales_of(name), "F32".into(), shape, rows * blocks * 4);
            }
        }
    }
    let mut header = Value::Object(tensors).to_string();
    header.extend(std::iter::repeat_n(
        ' ',
        header.len().next_multiple_of(8) - header.len(),
    ));
    header
}

fn gone(name: &str) -> ModelError {
    files_error(format!("the tensor '{}' is gone", visible_line(name)))
}

/// A tensor's bytes, from its file.
fn read(checkpoint: &Checkpoint, name: &str) -> Result<impl Read, ModelError> {
    let (entry, location) = checkpoint.get(name).ok_or_else(|| gone(name))?;
    let path = checkpoint.root().join(location);
    let open = || {
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(entry.offset))?;
        Ok(BufReader::with_capacity(1 << 20, file.take(entry.length)))
    };
    open().map_err(|e: std::io::Error| unreadable(&path, &e))
}

fn unreadable(path: &Path, error: &std::io::Error) -> ModelError {
    files_error(format!("cannot read {}: {error}", path.display()))
}

/// Rounds a matrix row by row, and gives its scales.
fn round(
    name: &str,
    entry: &Entry,
    rounding: Rounding,
    mut source: impl Read,
    bar: &ProgressBar,
    mut write: impl FnMut(&[u8]) -> Result<(), ModelError>,
) -> Result<Vec<f32>, ModelError> {
    let (rows, columns) = sides(entry);
    let width = match entry.element {
        Element::F32 => 4,
        _ => 2,
    };
    let mut bytes = vec![0; columns * width];
    let (mut row, mut blocks, mut scales) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        source.read_exact(&mut bytes).map_err(|e| {
            files_error(format!(
                "the tensor '{}' cannot be read: {e}",
                visible_line(name)
            ))
        })?;
        row.clear();
        row.extend(bytes.chunks_exact(width).map(|b| number(&entry.element, b)));
        blocks.clear();
        round_row(&row, rounding, &mut blocks, &mut scales).ok_or_else(|| {
            files_error(format!(
                "the tensor '{}' has weights that are not finite numbers, which cannot be rounded",
                visible_line(name)
            ))
        })?;
        write(&blocks)?;
        bar.inc(bytes.len() as u64);
    }
    Ok(scales)
}

fn number(element: &Element, bytes: &[u8]) -> f32 {
    match (element, bytes) {
        (Element::F16, [a, b]) => f16::from_le_bytes([*a, *b]).to_f32(),
        (Element::Bf16, [a, b]) => bf16::from_le_bytes([*a, *b]).to_f32(),
        (_, [a, b, c, d]) => f32::from_le_bytes([*a, *b, *c, *d]),
        _ => f32::NAN,
    }
}
