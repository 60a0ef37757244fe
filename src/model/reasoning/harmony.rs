//! The channels in which gpt-oss answers: `analysis` and `commentary` are reasoning, `final` is the answer.

const CHANNEL: &str = "<|channel|>";
const MESSAGE: &str = "<|message|>";
/// The tokens that end a message.
const ENDS: [&str; 5] = ["<|end|>", "<|return|>", "<|call|>", "<|start|>", CHANNEL];

/// Reasoning and answer; none if the text is not in channels.
pub(super) fn split(text: &str) -> Option<(Option<String>, String)> {
    let body = text.trim_start();
    if body.starts_with(CHANNEL) || body.starts_with("<|start|>") && body.contains(CHANNEL) {
        return Some(channels(body));
    }
    // A server that strips control tokens leaves the channels' names.
    let rest = body.strip_prefix("analysis")?;
    let (thought, answer) = rest.split_once("assistantfinal")?;
    Some((
        Some(thought.trim().to_owned()),
        answer.trim_start().to_owned(),
    ))
}

fn channels(text: &str) -> (Option<String>, String) {
    let (mut thoughts, mut answer) = (Vec::new(), Vec::new());
    for channel in text.split(CHANNEL).skip(1) {
        let (name, message) = channel.split_once(MESSAGE).unwrap_or((channel, ""));
        let end = ENDS.iter().filter_map(|e| message.find(e)).min();
        let message = message[..end.unwrap_or(message.len())].trim();
        if name.trim_start().starts_with("final") {
            answer.push(message);
        } else {
            thoughts.push(message);
        }
    }
    let thought = (!thoughts.is_empty()).then(|| thoughts.join("\n\n"));
    (thought, answer.join("\n\n"))
}
