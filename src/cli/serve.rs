//! `candor serve`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use super::exit::{Exit, Failure};
use super::interrupt::interrupts_saying;
use super::number::{positive, whole};
use super::settings::Settings;
use super::terminal::say;
use crate::model;
use crate::serve::{Access, Limits, Server};

/// Holds the key that requests must show, where it is set.
const KEY: &str = "CANDOR_SERVE_KEY";

#[derive(Args)]
pub(super) struct Arguments {
    /// Model: onnx:DIR, `https://host/v1#NAME`, replay:FILE …; requests call it by its name, which ?name=NAME sets.
    #[arg(short, long, value_name = "MODEL")]
    model: String,
    /// Address to listen at; any but this machine's own (127.0.0.1, `::1`) is open to others.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8000, value_parser = whole::<u16>)]
    port: u16,
    /// Environment variable with the key that requests must send [default: `CANDOR_SERVE_KEY`, if set]
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// Number of requests that are answered or wait at once; one more gets 429 and Retry-After.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive::<usize>)]
    queue: usize,
    /// Seconds an answer may take, waiting included.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = positive::<u64>)]
    timeout: u64,
    /// Largest request, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = positive::<u32>)]
    max_request: u32,
    /// Maximum number of tokens of a chat's answer where the request names none.
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = positive::<u32>)]
    max_tokens: u32,
    /// Seconds that answers in progress may continue after Ctrl-C or SIGTERM.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = whole::<u64>)]
    grace: u64,
    /// Fail instead of using the network.
    #[arg(long)]
    offline: bool,
    /// Configuration file [default: candor.toml, if present]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let key = read_key(arguments.key_env.as_deref())?;
    let settings = Settings::read(arguments.config.as_deref(), arguments.offline)?;
    let spec = arguments
        .model
        .parse()
        .map_err(|e: model::SpecError| Failure::new(Exit::Usage, e))?;
    let address = SocketAddr::new(arguments.host, arguments.port);
    if !arguments.host.is_loopback() {
        let open = match key {
            Some(_) => "keys and texts are sent to it without encryption",
            None => "anybody who reaches it can use the model: set a key in CANDOR_SERVE_KEY",
        };
        say(&format!(
            "warning: {address} is open to other machines, and {open}"
        ));
    }
    // The port first: loading a model takes a while.
    let cannot = |e: std::io::Error| {
        let why = format!("cannot listen at {address}: {e}. Choose another port with --port");
        Failure::new(Exit::CouldNotRun, why)
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let mut stop = interrupts_saying(
        "Stopping; answers in progress are finished. Press Ctrl-C again to quit at once.",
    );
    let model = model::open(&spec, &settings.open).await?;
    let access = Access::new(
        arguments.host,
        key.as_ref().map(ExposeSecret::expose_secret),
    );
    let limits = Limits {
        queue: arguments.queue,
        body: (arguments.max_request as usize) << 20,
        timeout: Duration::from_secs(arguments.timeout),
        grace: Duration::from_secs(arguments.grace),
        default_tokens: arguments.max_tokens,
    };
    outln!(
        "serving {} at http://{address}/v1 (Ctrl-C ends)",
        model.identity().name
    );
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    if !Server::new(model, access, limits)
        .serve(listener, stopped)
        .await
    {
        say("answers still in progress were cut off");
    }
    Ok(Exit::Done)
}

/// The key of the variable that is named, or of the usual one where that is set.
fn read_key(named: Option<&str>) -> Result<Option<SecretString>, Failure> {
    let variable = named.unwrap_or(KEY);
    let value = match (std::env::var(variable), named) {
        (Ok(value), _) => value,
        (Err(std::env::VarError::NotPresent), None) => return Ok(None),
        (Err(std::env::VarError::NotPresent), Some(name)) => {
            let why = format!(
                "the environment variable {name} is not set; --key-env names the one that holds the key"
            );
            return Err(Failure::new(Exit::Usage, why));
        }
        (Err(error), _) => {
            let why = format!("the environment variable {variable} cannot be read: {error}");
            return Err(Failure::new(Exit::Usage, why));
        }
    };
    let key = value.trim();
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
        let why = format!(
            "the key in {variable} must be printable ASCII without spaces, at least one character"
        );
        return Err(Failure::new(Exit::Usage, why));
    }
    Ok(Some(key.into()))
}
