//! The sections of the page, in their order. A new one is a file here, a template, and a line in [`SECTIONS`].

mod canned;
mod cost;
mod detectors;
mod differences;
mod gaps;
mod heat_map;
mod labels;
mod method;
mod metrics;
mod pair;
mod platform;
mod profile;
mod related;
mod routes;
mod scores;
mod sides;
mod tables;
mod worst;

use super::{Report, ReportError};

/// A part of the page.
pub(super) struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its HTML; none if the runs have nothing for it.
    pub render: fn(&Report) -> Result<Option<String>, ReportError>,
}

/// Every section.
pub(super) const SECTIONS: &[Section] = &[
    Section {
        id: "scores",
        title: "Models and suites",
        render: scores::render,
    },
    Section {
        id: "gaps",
        title: "Withheld on sensitive questions beyond their controls",
        render: gaps::withheld,
    },
    Section {
        id: "subjects",
        title: "Withheld on one subject versus another",
        render: gaps::values,
    },
    Section {
        id: "pairs",
        title: "Scores on sensitive questions versus their controls",
        render: gaps::scores,
    },
    Section {
        id: "sides",
        title: "Two sides of a controversy",
        render: sides::render,
    },
    Section {
        id: "pair",
        title: "One pair, word for word",
        render: pair::render,
    },
    Section {
        id: "differences",
        title: "Differences from the baseline",
        render: differences::render,
    },
    Section {
        id: "heat-map",
        title: "Where answers are withheld",
        render: heat_map::render,
    },
    Section {
        id: "profile",
        title: "Profile by jurisdiction",
        render: profile::render,
    },
    Section {
        id: "platform",
        title: "Weights or platform",
        render: platform::render,
    },
    Section {
        id: "routes",
        title: "The same weights on several routes",
        render: routes::render,
    },
    Section {
        id: "worst",
        title: "Withheld and answered pairs",
        render: worst::render,
    },
    Section {
        id: "canned",
        title: "The same words for many questions",
        render: canned::render,
    },
    Section {
        id: "detectors",
        title: "Patterns over the whole run",
        render: detectors::render,
    },
    Section {
        id: "labels",
        title: "How far the labels can be trusted",
        render: labels::render,
    },
    Section {
        id: "published",
        title: "Published figures on related benchmarks",
        render: related::render,
    },
    Section {
        id: "metrics",
        title: "Every metric",
        render: metrics::render,
    },
    Section {
        id: "cost",
        title: "Cost and time",
        render: cost::render,
    },
    Section {
        id: "method",
        title: "Method and limits",
        render: method::render,
    },
];
