//! How each endpoint was asked: how many requests were in flight, what was sent again and why, and what came empty.

use super::Part;
use super::tables::{Table, Tables};
use crate::report::table::Grid;
use crate::report::{Report, ReportError};

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let servers = report.data.traffic();
    if servers.is_empty() {
        return Ok(None);
    }
    let heads = [
        "Server",
        "In flight at first",
        "At most",
        "In the end",
        "Cuts",
        "Sent again",
        "Why",
        "Waited, s",
        "Empty replies",
    ];
    let mut grid = Grid::new(&heads, &[1, 2, 3, 4, 5, 7, 8]);
    for (server, own) in servers {
        let of_limit = |figure: fn(&crate::store::LimitHistory) -> String| {
            own.limit.as_ref().map_or_else(|| "–".to_owned(), figure)
        };
        let retries: u64 = own.retries.values().sum();
        let why = own.retries.iter();
        let why = why.map(|(class, n)| format!("{} {n}", class.replace('_', " ")));
        grid.rows.push(vec![
            server.clone(),
            of_limit(|limit| limit.first.to_string()),
            of_limit(|limit| limit.most.to_string()),
            of_limit(|limit| limit.last.to_string()),
            of_limit(|limit| limit.cuts.to_string()),
            retries.to_string(),
            why.collect::<Vec<_>>().join(", "),
            format!("{:.1}", own.waited_seconds),
            own.empty.to_string(),
        ]);
    }
    let found = Tables {
        grids: vec![Table::of("", grid)],
        notes: vec![
            "Requests in flight are counted where candor found out how many a server bears; a cut follows a request that the server turned \
             away. Waits are those of all requests together. Every change and every retry is a line of traffic.jsonl in the run's directory."
                .into(),
        ],
        ..Tables::default()
    };
    found.render(report)
}
