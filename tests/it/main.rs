//! Integration tests: through the real binary, real servers, a real browser. One target, so that the heavy dependencies link
//! once; a module a subject.

#![allow(
    unreachable_pub,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

#[cfg(unix)]
mod axe;
mod bad_input;
mod batch;
mod batching;
mod bbq;
mod benchmarks;
#[cfg(unix)]
mod browser;
mod by_token;
mod cache;
mod calibrate;
mod cases;
mod choice_letters;
mod clients;
mod compare;
mod controls;
mod demo;
mod dialects;
#[cfg(unix)]
mod driver;
mod endpoint;
#[cfg(target_os = "linux")]
mod ends;
mod every_task;
mod evidence;
mod exchange;
mod exchange_tools;
#[cfg(unix)]
mod fault_proxy;
#[cfg(unix)]
mod faults;
mod final_numbers;
mod foreign;
mod foreign_data;
mod freedombench;
mod gap;
mod gate;
mod gate_run;
mod groups;
mod gsm8k;
mod hostile;
mod house;
mod hub;
mod installed;
mod judge;
mod labeller;
mod letters;
mod limiter;
mod lints;
#[cfg(target_os = "linux")]
mod live;
mod lm_eval;
mod lm_eval_golden;
mod made_run;
mod money;
mod network;
mod onnx;
mod openai_schema;
mod own_files;
#[cfg(target_os = "linux")]
mod packages;
mod pictures;
mod platform;
mod properties;
mod public_sets;
mod published;
mod quantised;
mod raw_server;
mod real_model;
mod record;
mod reference;
mod replay;
mod resume;
#[cfg(target_os = "linux")]
mod sandbox;
mod scale;
mod secrets;
mod serve;
mod shards;
mod sides;
mod signals;
mod simulate;
mod snapshot;
mod speechmap;
mod store;
mod suites;
mod support;
mod taxonomy;
#[cfg(target_os = "linux")]
mod tls;
mod translation;
mod transport;
mod unrelated;
mod verdicts;
#[cfg(unix)]
mod view;
#[cfg(unix)]
mod viewer;
