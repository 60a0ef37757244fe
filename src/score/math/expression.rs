//! Expressions in LaTeX or plain text, and their values.

use super::value::Complex;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 60;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Number(f64),
    /// A letter, a Greek one by its name, with its subscript.
    Variable(String),
    Sum(Box<[Expression; 2]>),
    Product(Box<[Expression; 2]>),
    Quotient(Box<[Expression; 2]>),
    Power(Box<[Expression; 2]>),
    Negative(Box<Expression>),
    Call(Function, Box<Expression>),
    /// The logarithm of the second to the base of the first.
    Log(Box<[Expression; 2]>),
    Binomial(Box<[Expression; 2]>),
}

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Function {
    Sin,
    Cos,
    Tan,
    Cot,
    Sec,
    Csc,
    Arcsin,
    Arccos,
    Arctan,
    Ln,
    Exp,
    Absolute,
    Floor,
    Ceiling,
    Factorial,
}

impl Function {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sin" => Self::Sin,
            "cos" => Self::Cos,
            "tan" => Self::Tan,
            "cot" => Self::Cot,
            "sec" => Self::Sec,
            "csc" => Self::Csc,
            "arcsin" => Self::Arcsin,
            "arccos" => Self::Arccos,
            "arctan" => Self::Arctan,
            "ln" => Self::Ln,
            "exp" => Self::Exp,
            _ => return None,
        })
    }

    fn of(self, x: Complex) -> Complex {
        match self {
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.sin().over(x.cos()),
            Self::Cot => x.cos().over(x.sin()),
            Self::Sec => Complex::real(1.0).over(x.cos()),
            Self::Csc => Complex::real(1.0).over(x.sin()),
            Self::Arcsin => x.real_only(f64::asin),
            Self::Arccos => x.real_only(f64::acos),
            Self::Arctan => x.real_only(f64::atan),
            Self::Ln => x.ln(),
            Self::Exp => x.exp(),
            Self::Absolute => Complex::real(x.size()),
            Self::Floor => x.real_only(f64::floor),
            Self::Ceiling => x.real_only(f64::ceil),
            Self::Factorial => x.factorial(),
        }
    }
}

impl Expression {
    /// Reads all of a text.
    pub(super) fn read(text: &str) -> Option<Self> {
        let tokens = tokens(text)?;
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
            depth: 0,
        };
        let whole = reader.sum()?;
        (reader.at == tokens.len()).then_some(whole)
    }

    /// Its value where a variable has the value that `at` gives it.
    pub(super) fn value(&self, at: &dyn Fn(&str) -> Complex) -> Complex {
        let both = |pair: &[Self; 2]| (pair[0].value(at), pair[1].value(at));
        match self {
            Self::Number(number) => Complex::real(*number),
            Self::Variable(name) => match name.as_str() {
                "π" => Complex::real(std::f64::consts::PI),
                "e" => Complex::real(std::f64::consts::E),
                "i" => Complex::I,
                _ => at(name),
            },
            Self::Sum(pair) => {
                let (a, b) = both(pair);
                a.plus(b)
            }
            Self::Product(pair) => {
                let (a, b) = both(pair);
                a.times(b)
            }
            Self::Quotient(pair) => {
                let (a, b) = both(pair);
                a.over(b)
            }
            Self::Power(pair) => {
                let (a, b) = both(pair);
                a.power(b)
            }
            Self::Negative(inner) => inner.value(at).times(Complex::real(-1.0)),
            Self::Call(function, inner) => function.of(inner.value(at)),
            Self::Log(pair) => {
                let (base, of) = both(pair);
                of.ln().over(base.ln())
            }
            Self::Binomial(pair) => {
                let (n, k) = both(pair);
                n.factorial()
                    .over(k.factorial().times(n.minus(k).factorial()))
            }
        }
    }

    /// Whether it is a single variable, or a function's name with its variable: what an equation defines.
    pub(super) fn is_name(&self) -> bool {
        match self {
            Self::Variable(_) => true,
            Self::Product(pair) => pair.iter().all(|of| matches!(of, Self::Variable(_))),
            _ => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    /// A letter, a command's or a function's name.
    Name(String),
    Mark(char),
}

/// Names in plain text that are not products of their letters.
const WORDS: [&str; 14] = [
    "arcsin", "arccos", "arctan", "sqrt", "sin", "cos", "tan", "cot", "sec", "csc", "log", "exp",
    "ln", "pi",
];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = if c.is_whitespace() {
            c.len_utf8()
        } else if c.is_ascii_digit() || c == '.' {
            let end = |c: char| !c.is_ascii_digit() && c != '.';
            let length = rest.find(end).unwrap_or(rest.len());
            tokens.push(Token::Number(rest[..length].parse().ok()?));
            length
        } else if let Some(command) = rest.strip_prefix('\\') {
            let end = |c: char| !c.is_ascii_alphabetic();
            let length = command.find(end).unwrap_or(command.len());
            if length == 0 {
                // An escaped brace.
                tokens.push(Token::Mark(command.chars().next()?));
                1 + command.chars().next()?.len_utf8()
            } else {
                tokens.push(Token::Name(command[..length].to_owned()));
                1 + length
            }
        } else if c.is_alphabetic() {
            if let Some(word) = WORDS.iter().find(|word| rest.starts_with(*word)) {
                let name = if *word == "pi" { "π" } else { word };
                tokens.push(Token::Name(name.to_owned()));
                word.len()
            } else {
                // Words are not products of letters.
                let word = rest
                    .find(|c: char| !c.is_alphabetic())
                    .unwrap_or(rest.len());
                if rest[..word].chars().count() > 3 {
                    return None;
                }
                tokens.push(Token::Name(c.to_string()));
                c.len_utf8()
            }
        } else if "+-*/^_!|(){}[]∞".contains(c) {
            tokens.push(if c == '∞' {
                Token::Name("∞".into())
            } else {
                Token::Mark(c)
            });
            c.len_utf8()
        } else {
            return None;
        };
        rest = &rest[taken..];
    }
    Some(tokens)
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn takes(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    /// One level deeper, where there is room.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn sum(&mut self) -> Option<Expression> {
        self.deeper(|reader| {
            let mut sum = reader.product()?;
            loop {
                let negative = if reader.takes('+') {
                    false
                } else if reader.takes('-') {
                    true
                } else {
                    return Some(sum);
                };
                let term = reader.product()?;
                let term = if negative {
                    Expression::Negative(Box::new(term))
                } else {
                    term
                };
                sum = Expression::Sum(Box::new([sum, term]));
            }
        })
    }

    fn product(&mut self) -> Option<Expression> {
        let mut product = self.signed()?;
        loop {
            if self.takes('*') {
                product = Expression::Product(Box::new([product, self.signed()?]));
            } else if self.takes('/') {
                product = Expression::Quotient(Box::new([product, self.signed()?]));
            } else if self.begins_factor() {
                product = Expression::Product(Box::new([product, self.power()?]));
            } else {
                return Some(product);
            }
        }
    }

    fn signed(&mut self) -> Option<Expression> {
        if self.takes('-') {
            return self.deeper(|r| Some(Expression::Negative(Box::new(r.signed()?))));
        }
        if self.takes('+') {
            return self.deeper(Self::signed);
        }
        self.power()
    }

    /// Whether what follows multiplies without a sign: not a number after a number.
    fn begins_factor(&self) -> bool {
        match self.peek() {
            Some(Token::Name(name)) => !matches!(name.as_str(), "rfloor" | "rceil" | "rvert"),
            Some(Token::Mark(mark)) => matches!(mark, '(' | '{' | '['),
            Some(Token::Number(_)) => !matches!(
                self.tokens.get(self.at.wrapping_sub(1)),
                Some(Token::Number(_))
            ),
            None => false,
        }
    }

    fn power(&mut self) -> Option<Expression> {
        let mut base = self.primary()?;
        while self.takes('!') {
            base = Expression::Call(Function::Factorial, Box::new(base));
        }
        if self.takes('^') {
            let exponent = self.deeper(Self::signed)?;
            return Some(Expression::Power(Box::new([base, exponent])));
        }
        Some(base)
    }

    fn primary(&mut self) -> Option<Expression> {
        let token = self.peek()?.clone();
        self.at += 1;
        match token {
            Token::Number(number) => Some(Expression::Number(number)),
            Token::Mark('(') => self.until(')'),
            Token::Mark('{') => self.until('}'),
            Token::Mark('[') => self.until(']'),
            Token::Mark('|') => {
                let inner = self.until('|')?;
                Some(Expression::Call(Function::Absolute, Box::new(inner)))
            }
            Token::Name(name) => self.named(&name),
            Token::Mark(_) => None,
        }
    }

    fn until(&mut self, close: char) -> Option<Expression> {
        let inner = self.sum()?;
        self.takes(close).then_some(inner)
    }

    fn named(&mut self, name: &str) -> Option<Expression> {
        match name {
            "frac" => {
                let parts = Box::new([self.argument()?, self.argument()?]);
                Some(Expression::Quotient(parts))
            }
            "binom" | "dbinom" | "tbinom" => {
                let parts = Box::new([self.argument()?, self.argument()?]);
                Some(Expression::Binomial(parts))
            }
            "sqrt" => {
                let root = if self.takes('[') {
                    self.until(']')?
                } else {
                    Expression::Number(2.0)
                };
                let exponent = Expression::Quotient(Box::new([Expression::Number(1.0), root]));
                let inner = self.argument()?;
                Some(Expression::Power(Box::new([inner, exponent])))
            }
            "log" => {
                let base = if self.takes('_') {
                    self.argument()?
                } else {
                    Expression::Number(10.0)
                };
                let inner = self.operand()?;
                Some(Expression::Log(Box::new([base, inner])))
            }
            "lfloor" => self.fenced("rfloor", Function::Floor),
            "lceil" => self.fenced("rceil", Function::Ceiling),
            "lvert" => self.fenced("rvert", Function::Absolute),
            // Text and matrices are not expressions.
            "text" | "begin" | "end" => None,
            _ => match Function::named(name) {
                Some(function) => self.call(function),
                None => self.variable(name),
            },
        }
    }

    fn fenced(&mut self, close: &str, function: Function) -> Option<Expression> {
        let inner = self.sum()?;
        let closed = self.peek() == Some(&Token::Name(close.to_owned()));
        self.at += 1;
        closed.then(|| Expression::Call(function, Box::new(inner)))
    }

    /// `\sin x`, `\sin^2 x`, `\sin(x)`.
    fn call(&mut self, function: Function) -> Option<Expression> {
        let exponent = if self.takes('^') {
            Some(self.argument()?)
        } else {
            None
        };
        let value = Expression::Call(function, Box::new(self.operand()?));
        Some(match exponent {
            None => value,
            // The inverse, where there is one.
            Some(Expression::Negative(one)) if *one == Expression::Number(1.0) => {
                let Expression::Call(function, of) = value else {
                    return None;
                };
                let inverse = match function {
                    Function::Sin => Function::Arcsin,
                    Function::Cos => Function::Arccos,
                    Function::Tan => Function::Arctan,
                    _ => return None,
                };
                Expression::Call(inverse, of)
            }
            Some(exponent) => Expression::Power(Box::new([value, exponent])),
        })
    }

    fn variable(&mut self, name: &str) -> Option<Expression> {
        let mut name = name.to_owned();
        if self.takes('_') {
            let from = self.at;
            self.argument()?;
            name += &format!("{:?}", &self.tokens[from..self.at])
                .replace("Mark('{'), ", "")
                .replace(", Mark('}')", "");
        }
        Some(Expression::Variable(name))
    }

    /// What a command works on: a group, or one token.
    fn argument(&mut self) -> Option<Expression> {
        self.deeper(Self::primary)
    }

    /// What a function works on without brackets: factors, up to the next function.
    fn operand(&mut self) -> Option<Expression> {
        self.deeper(|reader| {
            let bracketed = matches!(reader.peek(), Some(Token::Mark('(' | '{' | '[' | '|')));
            let mut operand = reader.power()?;
            while !bracketed && reader.begins_factor() {
                if let Some(Token::Name(name)) = reader.peek()
                    && (Function::named(name).is_some() || name == "log")
                {
                    break;
                }
                operand = Expression::Product(Box::new([operand, reader.power()?]));
            }
            Some(operand)
        })
    }
}
