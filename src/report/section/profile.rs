//! Each model's gap per jurisdiction, and per jurisdiction and language: maps, and a table below them.

use std::collections::BTreeSet;

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{Asked, GapFigure, GapKind, GapTable, VALUE_SEPARATOR, gap_table};
use crate::report::chart::Chart;
use crate::report::chart::heat_map::{Field, HeatMap, Scale, heat_map};
use crate::report::gap::{gap_grid, gap_trials};
use crate::report::{Report, ReportError};

/// Strata that name an audit's subjects.
const SUBJECTS: &[&str] = &["jurisdiction", "country"];

/// The stratum of a question's language.
const LANGUAGE: &str = "language";
/// Maximum number of models that have a map by language each.
const MAX_MODELS: usize = 6;

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let mut found = Tables::default();
    let asked = report.asked.of_suites(&report.data.audits());
    let suites = asked.suites();
    let subjects = SUBJECTS
        .iter()
        .filter(|s| report.data.strata.iter().any(|own| own == *s));
    for subject in subjects {
        let by = [(*subject).to_owned()];
        // A run without pairs in this stratum has no profile.
        let Ok(table) = gap_table(&report.data, &asked, &by, None, None) else {
            continue;
        };
        if table.kind != GapKind::Controls {
            continue;
        }
        let caption = format!("Withheld beyond the matched controls, points, by {subject}");
        found.charts.push(map(caption, &table, &suites));
        found
            .charts
            .extend(by_language(report, &asked, &suites, subject));
        let caption = format!("Every gap by {subject}, with interval");
        found
            .grids
            .push(Table::of(&caption, gap_grid(&table)).folded());
        found.notes.push(format!(
            "Each field is a gap in points: the share withheld on sensitive questions minus that on their controls. Rows are in the run's order and columns in alphabetical order; nothing is ranked. A hatched field has too few pairs, or pairs from a single cluster, and no estimate: this is not a gap of zero. Stars in the table are after Holm's correction for {} comparisons; a colour alone proves nothing.",
            table.looks
        ));
    }
    found.render(report)
}

/// For each of a few models a map of subjects and languages; none where questions are in one language only.
fn by_language(report: &Report, asked: &Asked, suites: &[&str], subject: &str) -> Vec<Chart> {
    let by = [subject.to_owned(), LANGUAGE.to_owned()];
    let both = report.data.strata.iter().any(|s| s == LANGUAGE);
    if !both || report.data.models.len() > MAX_MODELS {
        return Vec::new();
    }
    let Ok(table) = gap_table(&report.data, asked, &by, None, None) else {
        return Vec::new();
    };
    if table.kind != GapKind::Controls {
        return Vec::new();
    }
    let values = |g: &GapFigure| -> Option<(String, String)> {
        let (subject, language) = g.cell.as_ref()?.rsplit_once(VALUE_SEPARATOR)?;
        Some((subject.to_owned(), language.to_owned()))
    };
    let cells: BTreeSet<(String, String)> = table.gaps.iter().filter_map(values).collect();
    let subjects: BTreeSet<&String> = cells.iter().map(|(subject, _)| subject).collect();
    let languages: BTreeSet<&String> = cells.iter().map(|(_, language)| language).collect();
    if languages.len() < 2 {
        return Vec::new();
    }
    let map = |model: &str| {
        let field = |cell: (String, String)| {
            let mut own = table.gaps.iter().filter(|g| g.model == model);
            let gap = own.find(|g| values(g).as_ref() == Some(&cell));
            gap.map_or(Field::Empty, |g| {
                Field::of(g.gap, g.pairs, gap_trials(&table, g, suites))
            })
        };
        let row = |subject: &&String| {
            let cells = languages.iter();
            cells
                .map(|l| field(((*subject).clone(), (*l).clone())))
                .collect()
        };
        heat_map(HeatMap {
            caption: format!(
                "{model}: withheld beyond the matched controls, points, by {subject} and language"
            ),
            rows: subjects.iter().map(|s| (*s).clone()).collect(),
            columns: languages.iter().map(|l| (*l).clone()).collect(),
            fields: subjects.iter().map(row).collect(),
            scale: Scale::Difference,
        })
    };
    report.data.names().map(map).collect()
}

fn map(caption: String, table: &GapTable, suites: &[&str]) -> Chart {
    let mut models: Vec<String> = table.gaps.iter().map(|g| g.model.clone()).collect();
    models.dedup();
    let mut cells: Vec<String> = table.gaps.iter().filter_map(|g| g.cell.clone()).collect();
    cells.sort();
    cells.dedup();
    let field = |model: &String, cell: &String| {
        let own = |g: &&GapFigure| g.model == *model && g.cell.as_ref() == Some(cell);
        let gap = table.gaps.iter().find(own);
        gap.map_or(Field::Empty, |g| {
            Field::of(g.gap, g.pairs, gap_trials(table, g, suites))
        })
    };
    let fields = models
        .iter()
        .map(|m| cells.iter().map(|c| field(m, c)).collect())
        .collect();
    heat_map(HeatMap {
        caption,
        rows: models,
        columns: cells,
        fields,
        scale: Scale::Difference,
    })
}
