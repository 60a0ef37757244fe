//! Adding up a number that is said in words.

/// What a word does to the number that it is in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Atom {
    /// Adds: "five", "twenty", "quinientos".
    Add(f64),
    /// Multiplies: "hundred", "puluh", "thousand".
    Times(f64),
    /// Makes a teen of a unit, and is ten without one: عشر, belas, สิบ.
    Ten,
    /// A number of its own, and a multiplier after another: "mil", "hundert".
    Bare(f64),
}

/// The words so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    /// What scales have closed off.
    total: f64,
    /// Below the next scale; none if nothing was said since the last.
    part: Option<f64>,
    /// What was added last.
    last: f64,
    /// The least scale so far.
    least: f64,
    units_first: bool,
}

impl Sum {
    pub(super) fn new(units_first: bool) -> Self {
        Self {
            total: 0.0,
            part: None,
            last: 0.0,
            least: f64::INFINITY,
            units_first,
        }
    }

    pub(super) fn value(&self) -> f64 {
        self.total + self.part.unwrap_or(0.0)
    }

    fn is_empty(&self) -> bool {
        self.part.is_none() && self.total == 0.0
    }

    /// The number with one more word; none if that word belongs to another number.
    pub(super) fn with(self, atom: Atom) -> Option<Self> {
        match atom {
            Atom::Add(value) => self.add(value),
            Atom::Ten => match self.part {
                Some(part) if (1.0..10.0).contains(&(part % 100.0)) && part == part.trunc() => {
                    self.ten(part)
                }
                _ => self.add(10.0),
            },
            Atom::Bare(value) if self.is_empty() => self.add(value),
            Atom::Bare(value) if value < 1000.0 && self.part.is_none_or(|p| p >= 10.0) => {
                self.add(value)
            }
            Atom::Times(value) | Atom::Bare(value) if value < 1000.0 => self.times(value),
            Atom::Times(value) | Atom::Bare(value) => self.scale(value),
        }
    }

    /// A unit and a ten: "lima belas" is 15, สองสิบ is not said.
    fn ten(mut self, part: f64) -> Option<Self> {
        self.part = Some(if self.units_first || self.last == part % 100.0 {
            part + 10.0
        } else {
            return None;
        });
        self.last = 10.0;
        Some(self)
    }

    fn add(mut self, value: f64) -> Option<Self> {
        if value >= 1000.0 {
            // Only where nothing was said yet.
            let scale = if value < 1e6 { 1e3 } else { 1e6 };
            (self.total, self.least, self.part) = (value, scale, None);
            return Some(self);
        }
        let Some(part) = self.part else {
            (self.part, self.last) = (Some(value), value);
            return Some(self);
        };
        let below_hundred = part % 100.0;
        let fits = if below_hundred == 0.0 && part > 0.0 {
            value < 100.0
        } else if value < 1.0 {
            true
        } else if below_hundred == 4.0 && value == 20.0 && !self.units_first {
            // quatre-vingts
            (self.part, self.last) = (Some(part + 76.0), 80.0);
            return Some(self);
        } else if below_hundred % 10.0 == 0.0 {
            // soixante-dix, quatre-vingt-onze
            value < 10.0 || value < 20.0 && matches!(below_hundred, 60.0 | 80.0)
        } else {
            self.units_first
                && below_hundred < 10.0
                && value % 10.0 == 0.0
                && (20.0..100.0).contains(&value)
        };
        (self.part, self.last) = (Some(part + value), value);
        fits.then_some(self)
    }

    /// "five hundred" multiplies all of a part below a hundred, "năm trăm hai mươi" its last word.
    fn times(mut self, value: f64) -> Option<Self> {
        let part = self.part?;
        if value >= 100.0 && part < 100.0 {
            self.last = part * value;
            self.part = Some(self.last);
        } else if self.last < 10.0 && value < 100.0 {
            self.part = Some(part - self.last + self.last * value);
            self.last *= value;
        } else {
            return None;
        }
        Some(self)
    }

    fn scale(mut self, value: f64) -> Option<Self> {
        if self.is_empty() {
            return None;
        }
        if value < self.least {
            self.total += self.part? * value;
        } else {
            self.total = (self.total + self.part.unwrap_or(0.0)) * value;
        }
        (self.part, self.last, self.least) = (None, 0.0, value.min(self.least));
        Some(self)
    }
}
