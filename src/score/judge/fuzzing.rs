//! What fuzzing puts bytes into.

/// Reads a judge's reply.
pub fn verdict(reply: &str) {
    let labels = ["complete", "official_line", "denial"].map(str::to_owned);
    let _ = super::verdict::read(reply, &labels);
}
