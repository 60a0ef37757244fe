//! How long a reply's headers ask to wait.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::fault::seconds;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
/// Years from which on a date is beyond all measure: there is no calendar for it.
const NEVER: i32 = 9999;

/// What `retry-after-ms` says, or `Retry-After` in seconds or as a date. What is neither says nothing.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let in_ms = header("retry-after-ms").and_then(seconds);
    in_ms.map(|ms| ms / 1000).or_else(|| {
        let written = header(RETRY_AFTER.as_str())?;
        seconds(written).or_else(|| until(written))
    })
}

/// Allowances with the headers that tell what is left of them, and when they are whole again: OpenAI's and those like it, Anthropic's,
/// and the draft of the IETF.
const ALLOWANCES: &[(&str, &str)] = &[
    (
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    (
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    (
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ),
    (
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
];

/// How long until every allowance of which nothing is left is whole again.
pub(super) fn reset_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    ALLOWANCES
        .iter()
        .filter(|(left, _)| header(left) == Some("0"))
        .filter_map(|(_, reset)| reset_time(header(reset)?))
        .max()
}

/// A time as servers write it: `6m0s`, seconds, a date of RFC 3339, or a time since 1970 in seconds or milliseconds.
fn reset_time(written: &str) -> Option<Duration> {
    let since_now = |time: Timestamp| Duration::try_from(time - Timestamp::now()).ok();
    if let Some(number) = seconds(written) {
        // Nobody waits for thirty years, so that this many seconds are a date.
        return match number.as_secs() {
            0..1_000_000_000 => Some(number),
            date @ 1_000_000_000..100_000_000_000 => {
                since_now(Timestamp::from_second(date.try_into().ok()?).ok()?)
            }
            date => since_now(Timestamp::from_millisecond(date.try_into().ok()?).ok()?),
        };
    }
    match written.parse::<Timestamp>() {
        Ok(time) => since_now(time),
        Err(_) => Duration::try_from(written.parse::<jiff::SignedDuration>().ok()?).ok(),
    }
}

/// The time until a date; none if it is past.
fn until(written: &str) -> Option<Duration> {
    let wait = match http_date(written) {
        Some(Date::Never) => return Some(Duration::MAX),
        Some(Date::At(time)) => time - Timestamp::now(),
        // With an offset, as mail has it.
        None => rfc2822::parse(written).ok()?.timestamp() - Timestamp::now(),
    };
    Duration::try_from(wait).ok()
}

enum Date {
    At(Timestamp),
    Never,
}

/// A date in one of the three forms of RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
/// `Sun Nov  6 08:49:37 1994`.
fn http_date(written: &str) -> Option<Date> {
    let words = written.split([' ', '-', ',']).filter(|w| !w.is_empty());
    let words: Vec<&str> = words.collect();
    let ([_, day, month, year, time, "GMT" | "UTC"] | [_, month, day, time, year]) = words[..]
    else {
        return None;
    };
    let month = MONTHS.iter().position(|m| month.eq_ignore_ascii_case(m))?;
    let year = match (year.len(), year.parse::<i32>().ok()?) {
        (2, year @ 70..) => 1900 + year,
        (2, year) => 2000 + year,
        (_, year) => year,
    };
    if year >= NEVER {
        return Some(Date::Never);
    }
    let mut clock = time.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let date = DateTime::new(
        year.try_into().ok()?,
        i8::try_from(month + 1).ok()?,
        day.parse().ok()?,
        hour,
        minute,
        // A leap second has no place of its own.
        second.min(59),
        0,
    );
    let time = date.ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(Date::At(time.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        retry_after(&headers)
    }

    #[test]
    fn seconds_and_milliseconds_are_read_and_no_amount_of_them_is_a_panic() {
        assert_eq!(
            read("retry-after", "2.5"),
            Some(Duration::from_millis(2500))
        );
        assert_eq!(
            read("retry-after-ms", "2500"),
            Some(Duration::from_millis(2500))
        );
        for huge in ["1e300", "inf", "99999999999999999999", "1e400"] {
            assert_eq!(read("retry-after", huge), Some(Duration::MAX), "{huge}");
        }
        for nothing in ["soon", "-1", "nan", "", "-1e300"] {
            assert_eq!(read("retry-after", nothing), None, "{nothing}");
        }
    }

    #[test]
    fn an_allowance_of_which_nothing_is_left_says_when_it_is_whole_again() {
        let in_a_minute = Timestamp::now() + jiff::SignedDuration::from_secs(60);
        for (left, reset, at) in [
            (
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
                "1m0s".to_owned(),
            ),
            (
                "x-ratelimit-remaining-tokens",
                "x-ratelimit-reset-tokens",
                "60".to_owned(),
            ),
            (
                "anthropic-ratelimit-requests-remaining",
                "anthropic-ratelimit-requests-reset",
                in_a_minute.to_string(),
            ),
            (
                "x-ratelimit-remaining",
                "x-ratelimit-reset",
                in_a_minute.as_millisecond().to_string(),
            ),
            (
                "ratelimit-remaining",
                "ratelimit-reset",
                in_a_minute.as_second().to_string(),
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(reset, at.parse().unwrap());
            headers.insert(left, "1".parse().unwrap());
            assert_eq!(reset_after(&headers), None, "{left}");
            headers.insert(left, "0".parse().unwrap());
            let wait = reset_after(&headers).expect(&at).as_secs();
            assert!((55..=60).contains(&wait), "{at}: {wait}");
        }
    }

    #[test]
    fn a_date_is_read_in_every_form_that_http_has_had() {
        let in_a_minute = Timestamp::now() + jiff::SignedDuration::from_secs(60);
        for form in [
            "%a, %d %b %Y %H:%M:%S GMT",
            "%A, %d-%b-%y %H:%M:%S GMT",
            "%a %b %e %H:%M:%S %Y",
            "%a, %d %b %Y %H:%M:%S +0000",
        ] {
            let written = in_a_minute.strftime(form).to_string();
            let wait = read("retry-after", &written).expect(&written).as_secs();
            assert!((55..=60).contains(&wait), "{written}: {wait}");
        }
        for past in [
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(read("retry-after", past), None, "{past}");
        }
    }

    #[test]
    fn a_date_that_no_calendar_has_is_a_wait_without_end_or_none() {
        for never in [
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Friday, 31-Dec-9999 23:59:59 GMT",
            "Fri Dec 31 23:59:59 9999",
            "Sat, 01 Jan 20000 00:00:00 GMT",
        ] {
            assert_eq!(read("retry-after", never), Some(Duration::MAX), "{never}");
        }
        assert!(read("retry-after", "Thu, 31 Dec 9998 23:59:59 GMT").is_some());
        for nothing in [
            "Fri, 31 Feb 2090 23:59:59 GMT",
            "Fri, 99 Dec 2090 23:59:59 GMT",
            "Fri, 31 Dec 2090 99:59:59 GMT",
            "Fri, 31 Dec 2090 GMT",
            "Fri, 31 Foo 2090 23:59:59 GMT",
            "- - - - -",
        ] {
            assert_eq!(read("retry-after", nothing), None, "{nothing}");
        }
    }
}
