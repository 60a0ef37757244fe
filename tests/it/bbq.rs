//! UnifiedQA's recorded predictions on BBQ: accuracies and bias scores as the paper defines them.

use std::fs;

use crate::support::{candor, ran, shared};

/// Computed in Python, straight from the files, by exact match of the lower-cased prediction with an answer's text:
/// accuracy (ambiguous, disambiguated), s_AMB, s_DIS.
const EXPECTED: &[(&str, [&str; 4])] = &[
    ("race", ["0.5721", "0.9213", "0.2598", "0.0092"]),
    ("qonly", ["0.3713", "0.3156", "0.4400", "0.6999"]),
    ("arc", ["0.3631", "0.8852", "0.4294", "0.0337"]),
];

#[test]
fn recorded_predictions_give_the_papers_accuracies_and_bias_scores() {
    let Some(data) = shared("data") else { return };
    let home = tempfile::tempdir().expect("a folder");
    let run = home.path().join("run");
    let mut command = candor(home.path());
    command.env("CANDOR_DATA", &data).args([
        "run",
        "-s",
        "bbq",
        "--no-cache",
        "-o",
        run.to_str().unwrap(),
    ]);
    for (format, _) in EXPECTED {
        command.args(["-m", &format!("replay:{}?key=category+example_id&answer=unifiedqa-t5-11b_pred_{format}&name={format}", data.join("bbq").display())]);
    }
    ran(&mut command).exits_with(0);
    let html = fs::read_to_string(run.join("report.html")).expect("the report");
    let table = html
        .split("id=\"metrics\"")
        .nth(1)
        .and_then(|t| t.split("</section>").next())
        .expect("the metrics' section");
    let columns: Vec<&str> = [
        "accuracy_ambiguous",
        "accuracy_disambiguated",
        "bias_ambiguous",
        "bias_disambiguated",
    ]
    .to_vec();
    let heads: Vec<String> = table
        .split("<th scope=\"col\">")
        .skip(1)
        .map(|h| h.split("</th>").next().unwrap_or_default().to_owned())
        .collect();
    let leads = html
        .split("id=\"bias\"")
        .nth(1)
        .and_then(|t| t.split("</section>").next())
        .expect("the bias scores lead");
    for (format, [.., ambiguous, disambiguated]) in EXPECTED {
        for (context, score) in [("ambiguous", ambiguous), ("disambiguated", disambiguated)] {
            let figures = leads.split(&format!("bbq: {context} contexts</h3>")).nth(1);
            let row = figures.and_then(|f| f.split(&format!(">{format}</th>")).nth(1));
            let shown = row.and_then(|r| r.split("</a>").next()).expect("its row");
            let score = format!(">+{:.3}", score.parse::<f64>().expect("a score"));
            assert!(
                shown.ends_with(&score),
                "{format} {context}: {shown} {score}"
            );
        }
    }
    for (format, expected) in EXPECTED {
        let row = table
            .split(&format!("<th scope=\"row\">{format}</th>"))
            .nth(1)
            .and_then(|r| r.split("</tr>").next())
            .expect("the model's row");
        let cells: Vec<&str> = row
            .split("<td>")
            .skip(1)
            .map(|c| c.split_whitespace().next().unwrap_or_default())
            .collect();
        for (column, want) in columns.iter().zip(expected) {
            let at = heads
                .iter()
                .position(|h| h.ends_with(&format!(" {column}")))
                .expect("the metric's column")
                - 1;
            assert_eq!(&cells[at], want, "{format} {column}");
        }
    }
}
