//! Which mark parts decimals in a text.

use std::cell::OnceCell;

use crate::text::language;

/// Languages (ISO 639-1) that write decimals with a comma, among those that can be determined.
const COMMA: &[&str] = &[
    "de", "es", "fr", "fi", "pt", "it", "vi", "id", "tr", "ru", "uk", "nl", "pl", "cs", "sv", "da",
    "nb", "el", "ro", "hu", "bg",
];
/// As much of a text's end is looked at.
const LOOKED_AT: usize = 1500;

/// A text's way with decimals, found out when it is first asked for.
pub(super) struct Convention<'t> {
    text: &'t str,
    known: OnceCell<bool>,
    /// A plain space groups digits whatever the language.
    spaced: bool,
}

impl<'t> Convention<'t> {
    /// That of a text; `announced` where a word in it has told already that it is a comma.
    pub(super) fn of(text: &'t str, announced: bool) -> Self {
        let known = OnceCell::new();
        if announced {
            let _ = known.set(true);
        }
        Self {
            text,
            known,
            spaced: false,
        }
    }

    /// That of a text in which a plain space groups digits, as it does where nothing is calculated.
    pub(super) fn spaced(text: &'t str) -> Self {
        Self {
            spaced: true,
            ..Self::of(text, false)
        }
    }

    /// The decimal point.
    pub(super) fn point() -> Self {
        Self {
            text: "",
            known: OnceCell::from(false),
            spaced: false,
        }
    }

    /// Whether a plain space between two groups of digits joins them.
    pub(super) fn space_groups(&self) -> bool {
        self.spaced || self.decimal_comma()
    }

    /// Whether decimals are parted by a comma.
    pub(super) fn decimal_comma(&self) -> bool {
        *self.known.get_or_init(|| {
            let from = self
                .text
                .floor_char_boundary(self.text.len().saturating_sub(LOOKED_AT));
            language(&self.text[from..]).is_some_and(|code| COMMA.contains(&code))
        })
    }
}
