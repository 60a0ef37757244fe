//! Server-sent events out of bytes, as the HTML standard describes them (section "Interpreting an event stream").
//!
//! Every byte is looked at once. Nothing that a server sends is an error here: what is not a field is skipped.

/// An event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its kind, where it has one.
    pub name: String,
    /// Its lines of data.
    pub data: String,
}

/// Bytes in, events out.
#[derive(Default)]
pub(super) struct Events {
    /// Open brackets of an event that is bare JSON; 0 in any other.
    open: usize,
    /// What came of the line that is not over.
    line: Vec<u8>,
    /// What came of the event that is not over.
    event: Event,
    /// Whether a line has ended already: before the first one a byte order mark may stand.
    begun: bool,
    /// Whether the last byte was a carriage return, whose line feed is not another line.
    after_return: bool,
}

impl Events {
    /// Takes bytes in, and gives the events that are over.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Vec<Event> {
        let mut over = Vec::new();
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(at) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            self.line.extend_from_slice(&bytes[..at]);
            over.extend(self.end_line());
            let is_return = bytes[at] == b'\r';
            bytes = &bytes[at + 1..];
            self.after_return = is_return && bytes.is_empty();
            if is_return {
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        self.line.extend_from_slice(bytes);
        over
    }

    /// The event that the stream ended in, where servers leave out the empty line after it.
    pub(super) fn finish(mut self) -> Option<Event> {
        let last = self.end_line();
        last.or_else(|| (!self.event.data.is_empty()).then_some(self.event))
    }

    /// Bytes that are kept until their event is over.
    pub(super) fn pending(&self) -> usize {
        self.line.len() + self.event.data.len()
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let mut line = &*String::from_utf8_lossy(&bytes);
        if !std::mem::replace(&mut self.begun, true) {
            line = line.trim_start_matches('\u{feff}');
        }
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            self.open = 0;
            return (!event.data.is_empty()).then_some(event);
        }
        // Some gateways write an error in the middle of a stream as bare JSON, on one line or on many.
        if self.open > 0 || self.event.data.is_empty() && line.starts_with(['{', '[']) {
            if self.open == 0 || !is_field(line) {
                return self.push_bare(line);
            }
            self.open = 0;
        }
        let (field, value) = match line.split_once(':') {
            _ if line.starts_with('{') => ("data", line),
            Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
            None => (line, ""),
        };
        match field {
            "data" => self.push_data(value),
            "event" => value.clone_into(&mut self.event.name),
            _ => {}
        }
        None
    }

    fn push_data(&mut self, line: &str) {
        if !self.event.data.is_empty() {
            self.event.data.push('\n');
        }
        self.event.data += line;
    }

    /// A line of bare JSON, which is an event of its own, over with its last bracket.
    fn push_bare(&mut self, line: &str) -> Option<Event> {
        self.push_data(line);
        self.open = still_open(self.open, line);
        (self.open == 0).then(|| std::mem::take(&mut self.event))
    }
}

/// Whether a line is one of an event rather than one of JSON.
fn is_field(line: &str) -> bool {
    ["data:", "event:", "id:", "retry:", ":"]
        .iter()
        .any(|field| line.starts_with(field))
}

/// Brackets that are open behind a line of JSON, of which no string continues to the next.
fn still_open(mut open: usize, line: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for byte in line.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => open += 1,
            b'}' | b']' if !quoted => open = open.saturating_sub(1),
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(stream: &[u8], size: usize) -> Vec<String> {
        let mut events = Events::default();
        let mut data: Vec<String> = Vec::new();
        for chunk in stream.chunks(size.max(1)) {
            data.extend(events.push(chunk).into_iter().map(|e| e.data));
        }
        data.extend(events.finish().map(|e| e.data));
        data
    }

    #[test]
    fn lines_end_as_the_standard_allows_wherever_the_bytes_are_cut() {
        let stream = "\u{feff}: hello\ndata: 北京\r\n\r\nevent: x\ndata:1\rdata: 2\r\rid: 7\n\n{\"error\": 1}\n\ndata: [DONE]";
        for size in 1..stream.len() {
            assert_eq!(
                read(stream.as_bytes(), size),
                ["北京", "1\n2", "{\"error\": 1}", "[DONE]"],
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn bare_json_of_many_lines_is_an_event_wherever_it_stands() {
        let error = "{\n  \"error\": {\n    \"message\": \"a } b\",\n    \"code\": 429\n  }\n}";
        for (stream, events) in [
            (format!("data: 1\n\n{error}\n\n"), vec!["1", error]),
            (
                format!("data: 1\n\n{error}\ndata: [DONE]\n\n"),
                vec!["1", error, "[DONE]"],
            ),
            (format!("data: 1\n\n{error}"), vec!["1", error]),
            (format!("event: error\n{error}\n\n"), vec![error]),
            (
                "data: 1\n\n[{\n\"error\": 1\n}]\n\n".to_owned(),
                vec!["1", "[{\n\"error\": 1\n}]"],
            ),
            // Cut off in the middle, it is what came of it.
            (
                "data: 1\n\n{\n\"error\":\n\ndata: 2\n\n".to_owned(),
                vec!["1", "{\n\"error\":", "2"],
            ),
            (
                "data: 1\n\n{\n\"error\":\ndata: 2\n\n".to_owned(),
                vec!["1", "{\n\"error\":\n2"],
            ),
            (
                "{\"a\": 1}\n{\"b\": 2}\n".to_owned(),
                vec!["{\"a\": 1}", "{\"b\": 2}"],
            ),
        ] {
            for size in [1, 7, stream.len()] {
                assert_eq!(read(stream.as_bytes(), size), events, "{stream}");
            }
        }
    }

    #[test]
    fn a_line_without_end_is_read_in_linear_time() {
        let mut events = Events::default();
        let started = std::time::Instant::now();
        for _ in 0..100_000 {
            assert!(events.push(&[b'a'; 100]).is_empty());
        }
        assert_eq!(events.pending(), 10_000_000);
        assert!(started.elapsed().as_secs() < 5);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_no_cut_matters(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..80), size in 1..9_usize) {
            prop_assert_eq!(read(&bytes, size), read(&bytes, bytes.len()));
        }
    }
}
