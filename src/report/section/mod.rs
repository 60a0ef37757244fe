//! The sections of the page, in their order. A new one is a file here, a template, and a line in [`SECTIONS`].

mod bias;
mod canned;
mod contrasts;
mod cost;
mod detectors;
mod differences;
mod disagreements;
mod failures;
mod gaps;
mod groups;
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
mod traffic;
mod worst;

use super::chart::Chart;
use super::{Report, ReportError};

/// What a section became.
pub(super) struct Part {
    pub html: String,
    /// The charts in it.
    pub charts: Vec<Chart>,
}

impl Part {
    /// A part without charts.
    #[allow(clippy::unnecessary_wraps)]
    fn of(html: String) -> Option<Self> {
        Some(Self {
            html,
            charts: Vec::new(),
        })
    }
}

/// A part of the page.
pub(super) struct Section {
    /// Its anchor; its heading is the word `section.ID` of `reports/words/`.
    pub id: &'static str,
    /// Its HTML; none if the runs have nothing for it.
    pub render: fn(&Report) -> Result<Option<Part>, ReportError>,
}

/// Every section.
pub(super) const SECTIONS: &[Section] = &[
    Section {
        id: "bias",
        render: bias::render,
    },
    Section {
        id: "scores",
        render: scores::render,
    },
    Section {
        id: "groups",
        render: groups::render,
    },
    Section {
        id: "failures",
        render: failures::render,
    },
    Section {
        id: "gaps",
        render: gaps::withheld,
    },
    Section {
        id: "subjects",
        render: gaps::values,
    },
    Section {
        id: "pairs",
        render: gaps::scores,
    },
    Section {
        id: "sides",
        render: sides::render,
    },
    Section {
        id: "pair",
        render: pair::render,
    },
    Section {
        id: "differences",
        render: differences::render,
    },
    Section {
        id: "heat-map",
        render: heat_map::render,
    },
    Section {
        id: "profile",
        render: profile::render,
    },
    Section {
        id: "platform",
        render: platform::render,
    },
    Section {
        id: "routes",
        render: routes::render,
    },
    Section {
        id: "contrasts",
        render: contrasts::render,
    },
    Section {
        id: "worst",
        render: worst::render,
    },
    Section {
        id: "disagreements",
        render: disagreements::render,
    },
    Section {
        id: "canned",
        render: canned::render,
    },
    Section {
        id: "detectors",
        render: detectors::render,
    },
    Section {
        id: "labels",
        render: labels::render,
    },
    Section {
        id: "published",
        render: related::render,
    },
    Section {
        id: "metrics",
        render: metrics::render,
    },
    Section {
        id: "cost",
        render: cost::render,
    },
    Section {
        id: "traffic",
        render: traffic::render,
    },
    Section {
        id: "method",
        render: method::render,
    },
];
