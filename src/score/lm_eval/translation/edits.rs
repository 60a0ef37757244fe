//! The edit distance of Tercom: words inserted, deleted and replaced, looked for near the diagonal.

/// Cells on either side of the diagonal.
const BEAM: usize = 25;

const INFINITE: u32 = u32::MAX / 2;

/// How a word of the answer became one of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    Insert,
    Delete,
    Keep,
    Replace,
}

/// A cell: the cost to it, and the edit that it was reached by.
type Cell = (u32, Option<Edit>);

/// A row of the matrix: its cells from one column on.
#[derive(Debug, Clone)]
struct Row {
    first: usize,
    cells: Vec<Cell>,
}

impl Row {
    fn get(&self, column: usize) -> Cell {
        let cell = column
            .checked_sub(self.first)
            .and_then(|i| self.cells.get(i));
        cell.copied().unwrap_or((INFINITE, None))
    }
}

/// The matrix of an answer against a reference.
pub(super) struct Matrix {
    rows: Vec<Row>,
    columns: usize,
}

impl Matrix {
    /// The matrix of words. Another one's rows are where its answer begins with the same words.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )] // Counts of words.
    pub(super) fn new(answer: &[&str], reference: &[&str], like: Option<(&Self, usize)>) -> Self {
        let columns = reference.len();
        let mut rows = if let Some((other, same)) = like {
            other.rows[..=same].to_vec()
        } else {
            let cells = (0_u32..).take(columns + 1).map(|i| (i, Some(Edit::Insert)));
            vec![Row {
                first: 0,
                cells: cells.collect(),
            }]
        };
        let ratio = if answer.is_empty() {
            1.0
        } else {
            columns as f64 / answer.len() as f64
        };
        let beam = if (BEAM as f64) < ratio / 2.0 {
            (ratio / 2.0 + BEAM as f64).ceil() as usize
        } else {
            BEAM
        };
        for i in rows.len()..=answer.len() {
            let diagonal = (i as f64 * ratio).floor() as usize;
            let first = diagonal.saturating_sub(beam);
            let end = if i == answer.len() {
                columns + 1
            } else {
                (columns + 1).min(diagonal + beam)
            };
            let mut row = Row {
                first,
                cells: Vec::with_capacity(end.saturating_sub(first)),
            };
            let above = &rows[i - 1];
            for j in first..end {
                let cell = if j == 0 {
                    (above.get(0).0 + 1, Some(Edit::Delete))
                } else {
                    let same = answer[i - 1] == reference[j - 1];
                    let edit = if same { Edit::Keep } else { Edit::Replace };
                    // Of equal costs the first counts: kept or replaced, deleted, inserted.
                    let ways = [
                        (above.get(j - 1).0 + u32::from(!same), edit),
                        (above.get(j).0 + 1, Edit::Delete),
                        (row.get(j - 1).0 + 1, Edit::Insert),
                    ];
                    let mut best: Cell = (INFINITE, None);
                    for (cost, edit) in ways {
                        if best.0 > cost {
                            best = (cost, Some(edit));
                        }
                    }
                    best
                };
                row.cells.push(cell);
            }
            rows.push(row);
        }
        Self { rows, columns }
    }

    /// Edits at least.
    pub(super) fn distance(&self) -> u32 {
        self.rows.last().map_or(0, |row| row.get(self.columns).0)
    }

    /// The edits, from the first on.
    pub(super) fn edits(&self) -> Vec<Edit> {
        let (mut i, mut j) = (self.rows.len() - 1, self.columns);
        let mut edits = Vec::with_capacity(i + j);
        while i > 0 || j > 0 {
            let Some(edit) = self.rows[i].get(j).1 else {
                break;
            };
            edits.push(edit);
            i -= usize::from(edit != Edit::Insert);
            j -= usize::from(edit != Edit::Delete);
        }
        edits.reverse();
        edits
    }
}
