//! How evenly each model serves the two sides of controversies, over all and by country.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{SideMeasure, sides_table};
use crate::report::chart::intervals::{Axis, Bar, intervals};
use crate::report::sides::{sides_grid, sides_notes, uneven_grid};
use crate::report::{Report, ReportError};

/// The strata that it is broken down by, where the runs have them.
const BY: [&str; 2] = ["country", "task"];

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let (data, asked) = (&report.data, &report.asked);
    let baseline = report.baseline.as_deref();
    let Some(table) = sides_table(data, asked, &[], baseline)? else {
        return Ok(None);
    };
    let bar = |f: &crate::analysis::SidesFigure| {
        let estimate = f.uneven.ok()?;
        (f.measure == SideMeasure::Answered).then(|| Bar {
            label: f.model.clone(),
            estimate,
            trials: None,
        })
    };
    let bars: Vec<Bar> = table.figures.iter().filter_map(bar).collect();
    let mut found = Tables::default();
    if !bars.is_empty() {
        let caption = "Pairs of which one side alone is answered, 95 % interval";
        found.charts.push(intervals(caption, bars, Axis::Share));
    }
    found.grids.push(Table::of("", sides_grid(&table)));
    for stratum in BY {
        let by = [stratum.to_owned()];
        if data.stratum(stratum).is_err() {
            continue;
        }
        if let Some(table) = sides_table(data, asked, &by, None)? {
            let caption = format!("By {stratum}");
            found
                .grids
                .push(Table::of(&caption, sides_grid(&table)).folded());
        }
    }
    if let Some(grid) = uneven_grid(&table) {
        let caption = "The controversies whose sides are served most unevenly";
        found.grids.push(Table::of(caption, grid));
    }
    found.notes = sides_notes(&table);
    found.render(report)
}
