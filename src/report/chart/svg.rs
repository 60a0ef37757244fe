//! Writes SVG: escaped, with classes instead of colours.

use std::fmt::{Display, Write};

use crate::report::address::Trials;
use crate::text::visible_line;

/// A drawing while it grows. Coordinates are pixels.
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// Where a text is held.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Text as it may be in an element or an attribute.
pub(super) fn escaped(text: &str) -> String {
    visible_line(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    fn push(&mut self, part: impl Display) {
        let _ = write!(self.body, "{part}");
    }

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        let held = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " middle",
            Anchor::End => " end",
        };
        self.push(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}{held}\">{}</text>",
            escaped(text)
        ));
    }

    /// Text that rises to the right.
    pub(super) fn slanted(&mut self, x: f64, y: f64, text: &str) {
        self.push(format_args!(
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-40)\">{}</text>",
            escaped(text)
        ));
    }

    pub(super) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    pub(super) fn circle(&mut self, class: &str, x: f64, y: f64, radius: f64) {
        self.push(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
        ));
    }

    pub(super) fn rect(&mut self, [x, y]: [f64; 2], width: f64, height: f64) {
        self.push(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    pub(super) fn path(&mut self, class: &str, points: &[[f64; 2]]) {
        let mut steps = String::new();
        for (i, [x, y]) in points.iter().enumerate() {
            let _ = write!(steps, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
        }
        self.push(format_args!("<path class=\"{class}\" d=\"{steps}\"/>"));
    }

    /// A group of a class with a note that shows on hovering; a link where it has trials.
    pub(super) fn group(
        &mut self,
        class: &str,
        note: &str,
        link: Option<&Trials>,
        draw: impl FnOnce(&mut Self),
    ) {
        if let Some(link) = link {
            self.push(format_args!("<a href=\"{}\">", escaped(link.as_str())));
        }
        let title = if note.is_empty() {
            String::new()
        } else {
            format!("<title>{}</title>", escaped(note))
        };
        let (outer, inner) = if link.is_some() {
            (title.as_str(), "")
        } else {
            ("", title.as_str())
        };
        self.push(format_args!("{outer}<g class=\"{class}\">{inner}"));
        draw(self);
        self.push("</g>");
        if link.is_some() {
            self.push("</a>");
        }
    }

    /// The drawing. With links in it, it is a group of them for screen readers, else one picture.
    pub(super) fn finish(self, description: &str) -> String {
        let Self {
            width,
            height,
            body,
        } = self;
        let role = if body.contains("<a ") { "group" } else { "img" };
        format!(
            "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"{role}\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">{body}</svg>",
            escaped(description)
        )
    }
}

/// How wide a text is at 12 px, about.
pub(super) fn width_of(text: &str) -> f64 {
    let of = |c: char| match c {
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{ffef}' => 12.0,
        'A'..='Z' | 'm' | 'w' | '%' => 8.6,
        'i' | 'j' | 'l' | 't' | 'f' | ' ' | '.' | ',' | '/' | '-' | '1' | ':' => 5.0,
        _ => 7.0,
    };
    visible_line(text).chars().map(of).sum()
}

/// A label of at most this many pixels; of a longer one its beginning and its end, where versions are.
pub(super) fn fit(label: &str, most: f64) -> String {
    let label = visible_line(label);
    if width_of(&label) <= most {
        return label.into_owned();
    }
    let all: Vec<char> = label.chars().collect();
    let mut kept = all.len();
    loop {
        let (first, last) = (kept.div_ceil(2), kept / 2);
        let shown: String = all[..first]
            .iter()
            .chain(&['…'])
            .chain(&all[all.len() - last..])
            .collect();
        if kept == 0 || width_of(&shown) <= most {
            return shown;
        }
        kept -= 1;
    }
}
