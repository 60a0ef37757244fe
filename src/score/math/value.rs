//! Complex numbers, as far as answers need them.

/// A complex number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Complex {
    pub re: f64,
    pub im: f64,
}

impl Complex {
    pub(super) const I: Self = Self { re: 0.0, im: 1.0 };
    pub(super) const NAN: Self = Self::real(f64::NAN);

    pub(super) const fn real(re: f64) -> Self {
        Self { re, im: 0.0 }
    }

    pub(super) fn size(self) -> f64 {
        self.re.hypot(self.im)
    }

    pub(super) fn is_finite(self) -> bool {
        self.re.is_finite() && self.im.is_finite()
    }

    pub(super) fn plus(self, b: Self) -> Self {
        Self {
            re: self.re + b.re,
            im: self.im + b.im,
        }
    }

    pub(super) fn minus(self, b: Self) -> Self {
        self.plus(b.times(Self::real(-1.0)))
    }

    pub(super) fn times(self, b: Self) -> Self {
        Self {
            re: self.re * b.re - self.im * b.im,
            im: self.re * b.im + self.im * b.re,
        }
    }

    pub(super) fn over(self, b: Self) -> Self {
        let size = b.re * b.re + b.im * b.im;
        Self {
            re: (self.re * b.re + self.im * b.im) / size,
            im: (self.im * b.re - self.re * b.im) / size,
        }
    }

    pub(super) fn exp(self) -> Self {
        let size = self.re.exp();
        Self {
            re: size * self.im.cos(),
            im: size * self.im.sin(),
        }
    }

    pub(super) fn ln(self) -> Self {
        Self {
            re: self.size().ln(),
            im: self.im.atan2(self.re),
        }
    }

    /// The principal power; a whole exponent is multiplied out, so that it is exact.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn power(self, exponent: Self) -> Self {
        if exponent.im == 0.0 && exponent.re.fract() == 0.0 && exponent.re.abs() <= 64.0 {
            let mut product = Self::real(1.0);
            for _ in 0..exponent.re.abs() as u32 {
                product = product.times(self);
            }
            return if exponent.re < 0.0 {
                Self::real(1.0).over(product)
            } else {
                product
            };
        }
        if self.im == 0.0 && self.re > 0.0 && exponent.im == 0.0 {
            return Self::real(self.re.powf(exponent.re));
        }
        if self.size() == 0.0 {
            return if exponent.re > 0.0 {
                Self::real(0.0)
            } else {
                Self::NAN
            };
        }
        exponent.times(self.ln()).exp()
    }

    pub(super) fn sin(self) -> Self {
        Self {
            re: self.re.sin() * self.im.cosh(),
            im: self.re.cos() * self.im.sinh(),
        }
    }

    pub(super) fn cos(self) -> Self {
        Self {
            re: self.re.cos() * self.im.cosh(),
            im: -self.re.sin() * self.im.sinh(),
        }
    }

    /// Of whole numbers from 0 on.
    pub(super) fn factorial(self) -> Self {
        if self.im != 0.0 || self.re.fract() != 0.0 || !(0.0..=170.0).contains(&self.re) {
            return Self::NAN;
        }
        let mut product = 1.0;
        let mut factor = 2.0;
        while factor <= self.re {
            product *= factor;
            factor += 1.0;
        }
        Self::real(product)
    }

    /// Of a real number; others have none.
    pub(super) fn real_only(self, of: impl Fn(f64) -> f64) -> Self {
        if self.im.abs() < 1e-12 {
            Self::real(of(self.re))
        } else {
            Self::NAN
        }
    }

    /// Whether two values are one, up to what rounding does.
    pub(super) fn is_near(self, b: Self) -> bool {
        let scale = 1.0_f64.max(self.size()).max(b.size());
        self.is_finite() && b.is_finite() && self.minus(b).size() <= 1e-9 * scale
    }
}
