//! Rebuilds when something that is compiled into the binary changes.

#[allow(clippy::print_stdout)]
fn main() {
    for folder in ["suites", "reports", "models/open", "models/guarded"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
