//! A model behind OpenAI's API, for other programs: chat completions, and text completions that score what a prompt says.
//!
//! `server` accepts connections and ends; `routes` lets requests in (`guard`, `queue`, `body`), hands them to a form of the API (`chat`,
//! `completions`) and gives the answer back whole or as events (`answer`). `fault` is every error, in OpenAI's shape.

mod answer;
mod body;
mod chat;
mod completions;
mod fault;
mod form;
mod guard;
mod house;
mod logprobs;
mod metrics;
mod queue;
mod routes;
mod sampling;
mod server;

pub use guard::Access;
pub use house::Limits;
pub use server::Server;
