//! `candor report`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{Form, print_findings, print_note, print_summary};
use super::settings::Settings;
use crate::analysis::{Dataset, Estimand, OutsideLabels, totals};
use crate::report::{Language, Report, ReportOptions, count, pdf};
use crate::store::{Output, may_be_written, read_labels, send_report, working_folder};

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories, or their addresses on a store; several are pooled.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// File to write [default: report.html in the first run's directory]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Model to compare the others with [default: the first of two models; none with more]
    #[arg(long, value_name = "MODEL")]
    baseline: Option<String>,
    /// Title of the report.
    #[arg(long, value_name = "T")]
    title: Option<String>,
    /// Estimand: what the figures generalise to (population, suite or run).
    #[arg(long, alias = "target", value_name = "ESTIMAND", default_value_t)]
    estimand: Estimand,
    /// External labels, as `candor label` writes them [default: labels.jsonl in the first run's directory, if present]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Folder to write the report into, with the transcripts in files beside its page, however few
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    dir: Option<PathBuf>,
    /// Lay the report out for paper: folds open, tables that fit, no script
    #[arg(long, conflicts_with = "dir")]
    print: bool,
    /// Print it to a PDF file, through an installed Chromium or Chrome ($`CANDOR_CHROMIUM` names another)
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Question to add to what is printed, with all its answers, as a numbered exhibit; may be repeated
    #[arg(long = "exhibit", value_name = "SUITE/SAMPLE")]
    exhibits: Vec<String>,
    /// Print the sections alone, as JSON, for `candor view`
    #[arg(long, hide = true)]
    sections: bool,
    /// Keep the models of each run apart
    #[arg(long, hide = true, requires = "sections")]
    apart: bool,
    /// Directory to write every chart to as well: as SVG, its figures as CSV, and, through an installed Chromium or Chrome, as PNG
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,
    /// Language of the page's own words: en or zh
    #[arg(long, value_name = "LANGUAGE", default_value_t)]
    language: Language,
    /// Configuration file [default: candor.toml, if present]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// The labels in the file named, else in the run's own `labels.jsonl`, if there is one.
pub(super) fn labels_beside(
    run: &Path,
    named: Option<&Path>,
) -> Result<Option<OutsideLabels>, Failure> {
    let beside = working_folder(run)?.join("labels.jsonl");
    match named {
        None if !beside.is_file() => Ok(None),
        named => Ok(Some(read_labels(named.unwrap_or(&beside))?)),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::for_reading(arguments.config.as_deref(), &arguments.runs)?;
    if arguments.sections {
        return print_sections(arguments, settings);
    }
    let path = match (&arguments.output, &arguments.dir) {
        (Some(path), _) => path.clone(),
        (None, Some(folder)) => folder.join("index.html"),
        (None, None) => working_folder(&arguments.runs[0])?.join("report.html"),
    };
    let mut read: Vec<&Path> = arguments.runs.iter().map(PathBuf::as_path).collect();
    read.extend(arguments.labels.as_deref());
    read.extend(arguments.config.as_deref());
    may_be_written(&path, Output::Report, &read)?;
    if let Some(pdf) = &arguments.pdf {
        may_be_written(pdf, Output::Other, &read)?;
    }
    if !arguments.exhibits.is_empty() && !arguments.print && arguments.pdf.is_none() {
        let why = "--exhibit is for what is printed: add --print or --pdf FILE";
        return Err(Failure::new(Exit::Usage, why));
    }
    let data = Dataset::open(&arguments.runs)?;
    let options = options(arguments, settings)?;
    let sums = totals(&data)?;
    let report = Report::new(data, &options)?;
    let beside = match &arguments.dir {
        Some(folder) => {
            report.write_folder(folder)?;
            None
        }
        None if arguments.print => {
            report.write_paper(&path, &arguments.exhibits)?;
            None
        }
        None => report.write(&path)?,
    };
    let path = if arguments.output.is_none() && arguments.dir.is_none() {
        send_report(&arguments.runs[0])?;
        arguments.runs[0].join("report.html")
    } else {
        path
    };
    if let Some(pdf) = &arguments.pdf {
        print_pdf(&report, &arguments.exhibits, pdf)?;
    }
    let charts = match &arguments.charts {
        Some(folder) => Some((report.write_charts(folder)?, folder)),
        None => None,
    };
    if arguments.format == Form::Json {
        print_summary(&report, &sums, &path)?;
        return Ok(Exit::Done);
    }
    print_findings(&report);
    if let Some((charts, folder)) = charts {
        let number = count(charts.charts, "chart");
        outln!("Charts: {number} in {}", folder.display());
        if let Some(reason) = charts.without_pictures {
            print_note(&format!(
                "They are SVG and CSV; as PNG they are not, because {reason}."
            ));
        }
    }
    if let Some(folder) = beside {
        outln!(
            "Its transcripts are too many for one file: they are in {}, which belongs beside it.",
            folder.display()
        );
    }
    if let Some(pdf) = &arguments.pdf {
        outln!("PDF: {}", pdf.display());
    }
    outln!("Report: {}", path.display());
    Ok(Exit::Done)
}

fn options(arguments: &Arguments, settings: Settings) -> Result<ReportOptions, Failure> {
    Ok(ReportOptions {
        labels: labels_beside(&arguments.runs[0], arguments.labels.as_deref())?,
        baseline: arguments.baseline.clone(),
        title: arguments.title.clone(),
        data_folders: settings.data.folders,
        estimand: arguments.estimand,
        language: arguments.language,
        contrasts: settings.configuration.contrasts,
    })
}

fn print_sections(arguments: &Arguments, settings: Settings) -> Result<Exit, Failure> {
    let data = if arguments.apart {
        Dataset::open_apart(&arguments.runs)?
    } else {
        Dataset::open(&arguments.runs)?
    };
    let report = Report::new(data, &options(arguments, settings)?)?;
    outln!("{}", report.sections_as_json()?);
    Ok(Exit::Done)
}

/// Prints the report by way of a page of its own.
fn print_pdf(report: &Report, exhibits: &[String], path: &Path) -> Result<(), Failure> {
    let cannot = |e| Failure::new(Exit::CouldNotRun, format!("cannot print: {e}"));
    let folder = tempfile::tempdir().map_err(cannot)?;
    let page = folder.path().join("report.html");
    report.write_paper(&page, exhibits)?;
    Ok(pdf::print(&page, path)?)
}
