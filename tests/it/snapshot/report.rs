//! The report's skeleton: its sections, headings and the heads of its tables, without figures.

use std::fs;
use std::sync::LazyLock;

use fancy_regex::Regex;

use super::{shows, terminal, worlds};
use crate::support::ran;

/// Elements that make up the skeleton, with their content.
static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)<(section|h[1-6]|th|caption|summary|label|button)\b([^>]*)>(.*?)(?=</?(?:section|h[1-6]|th|td|tr|caption|summary|label|button|div|p|ul|details)\b)")
        .expect("a pattern")
});

static NUMBERS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?<![A-Za-z\d])\d[\d,.:T-]*Z?").expect("a pattern"));

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let value = attributes.split_once(&format!("{name}=\""))?.1;
    value.split('"').next()
}

/// An element's own words, up to the first element in it, with its numbers left out.
fn words(html: &str) -> String {
    let own = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = html
        .split('<')
        .enumerate()
        .map(|(i, part)| {
            if i == 0 {
                part
            } else {
                part.split_once('>').map_or("", |(_, text)| text)
            }
        })
        .map(own)
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    NUMBERS.replace_all(&text, "N").into_owned()
}

/// One line per section, heading and head of a column; what repeats within a section stands once.
pub fn skeleton(html: &str) -> String {
    let body = html.split("<body").nth(1).expect("a body");
    let mut lines: Vec<String> = Vec::new();
    let mut section = 0;
    for found in PARTS.captures_iter(body) {
        let found = found.expect("a short match");
        let part = |i| found.get(i).map_or("", |m| m.as_str());
        let line = match part(1) {
            "section" => format!("\n# {}", attribute(part(2), "id").unwrap_or_default()),
            "th" if attribute(part(2), "scope") == Some("row") => continue,
            "th" => format!("  | {}", words(part(3))),
            name => format!("{name}: {}", words(part(3))),
        };
        if part(1) == "section" {
            section = lines.len();
        }
        let repeated = lines.iter().skip(section).any(|l| *l == line);
        if !repeated {
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[test]
fn a_report_has_its_sections_headings_and_columns() {
    let project = worlds::project();
    ran(terminal(project.path()).args(["report", "run", "-o", "page.html", "--baseline", "open"]))
        .exits_with(0);
    let page = fs::read_to_string(project.path().join("page.html")).unwrap();
    shows("report", &skeleton(&page));
}
