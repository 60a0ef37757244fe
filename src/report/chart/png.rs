//! Charts as pixels, drawn by a Chromium that is installed: it has the fonts of every script that the machine has.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::files::write_text;
use crate::report::chromium;
use crate::report::embedded::file;

/// Drawings per page: large enough that starting a browser is little, and small enough for its memory.
const PER_PAGE: usize = 40;
/// What a picture begins with in the page that was made.
const PICTURE: &str = "data:image/png;base64,";

/// Each drawing as a PNG file, on white, at twice its size.
///
/// # Errors
/// Why there are none: there is no Chromium, or it does not draw.
pub(in crate::report) fn pictures(drawings: &[String]) -> Result<Vec<Vec<u8>>, String> {
    let mut all = Vec::with_capacity(drawings.len());
    for some in drawings.chunks(PER_PAGE) {
        all.extend(drawn(some)?);
    }
    Ok(all)
}

fn drawn(drawings: &[String]) -> Result<Vec<Vec<u8>>, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let page = folder.path().join("charts.html");
    write_text(&page, &page_of(drawings)).map_err(|e| e.to_string())?;
    let is_done = |dom: &[u8]| in_page(dom).len() == drawings.len();
    let dom = chromium::run(&page, &["--dump-dom".into()], &is_done)?;
    let decoded = in_page(&dom).into_iter().map(|p| STANDARD.decode(p));
    decoded
        .collect::<Result<_, _>>()
        .map_err(|e| format!("it drew no picture: {e}"))
}

/// A page with the drawings as images, in which no script of theirs runs; ours turns them into pictures.
fn page_of(drawings: &[String]) -> String {
    let script = file("pictures.js");
    let hash = STANDARD.encode(Sha256::digest(script.as_bytes()));
    let mut images = String::new();
    for svg in drawings {
        let data = STANDARD.encode(svg);
        let _ = writeln!(images, "<img src=\"data:image/svg+xml;base64,{data}\">");
    }
    format!(
        "<!doctype html><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
        script-src 'sha256-{hash}'\">\n{images}<pre id=\"made\"></pre>\n<script>{script}</script>\n"
    )
}

/// The pictures of a page that was made, in base64.
fn in_page(dom: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(dom);
    let lines = text.lines().filter_map(|line| {
        let (_, picture) = line.split_once(PICTURE)?;
        Some(picture.split('<').next().unwrap_or(picture).to_owned())
    });
    lines.collect()
}
