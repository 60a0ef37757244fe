//! Models behind HTTP.
//!
//! An answer's way: `wire` writes the request as `providers` says that the server takes it; `http` sends it to an `address` and reads
//! the `body` that comes, in one piece or as a `stream` of `sse`; `reply` tells answers, verdicts and failures apart, with `chat`,
//! `content`, `finish` and `beside` for answers, `fault`, `verdict` and `class` for errors; `retry` and `retry_after` decide whether to send again, and when; `endpoint` is the model
//! around all this. `key` and `secrets` see to it that no secret is ever shown.

mod address;
mod beside;
mod body;
mod chat;
mod class;
mod content;
mod endpoint;
mod fault;
mod finish;
mod http;
mod json;
mod key;
mod prices;
mod providers;
mod reply;
mod retry;
mod retry_after;
mod secrets;
mod sse;
mod stream;
mod timeouts;
mod verdict;
mod wire;

#[cfg(fuzzing)]
pub mod fuzzing;

pub use chat::read_chat_completion;
pub use endpoint::ChatEndpoint;
pub use prices::{PRICES_AS_OF, Price};
pub use providers::{ProviderSettings, key_variables};
pub use timeouts::{Seconds, Timeouts};
