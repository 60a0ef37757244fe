//! Models behind HTTP.
//!
//! A request's way: a `dialect` writes it as `providers` and `quirks` say that its server takes it; `http` sends it to an `address` and
//! reads the `body` that comes, in one piece or as a stream of `sse`; `reply` tells answers, verdicts and failures apart, with the
//! dialect for answers, `answer`, `content` and `finish` for what they are made of, `fault`, `verdict` and `class` for errors; `setting`
//! learns what a server does not take; `account` says when a request may be sent, by a `limiter`, `bucket`s and a `pace` that
//! all models of one account share; `retry` and `retry_after` decide whether to send again, and when; `served` reads who answered; `prices` says what it cost; `batch` asks in batches that are answered hours later; `opened` is what is settled at first; `endpoint` is the model around
//! all this. `key` and `secrets` see to it that no secret is ever shown.

mod account;
mod address;
mod answer;
mod aws;
mod batch;
mod body;
mod bucket;
mod class;
mod content;
mod dialect;
mod endpoint;
mod excerpt;
mod fault;
mod finish;
mod http;
mod json;
mod key;
mod limiter;
mod opened;
mod pace;
mod prices;
mod providers;
mod quirks;
mod reply;
mod retry;
mod retry_after;
mod secrets;
mod served;
mod setting;
mod sse;
mod timeouts;
mod tokenizer;
mod verdict;

#[cfg(fuzzing)]
pub mod fuzzing;

pub use account::Accounts;
pub use dialect::read_chat_completion;
pub use endpoint::Endpoint;
pub use prices::{Price, PriceError, PriceRow, PriceTable};
pub use providers::{ProviderSettings, key_variables};
pub use timeouts::{Seconds, Timeouts};
