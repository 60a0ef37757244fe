//! Judge error, and whether stated probabilities come true.

use candor_stats::{
    JudgeQuality, brier, expected_calibration_error, log_loss, prediction_powered_mean,
    rogan_gladen,
};

use super::each;

#[test]
fn golden_rogan_gladen() {
    each("rogan_gladen", |case| {
        let judge = JudgeQuality {
            sensitivity: case.number("sensitivity"),
            positives: case.number("n_positive"),
            specificity: case.number("specificity"),
            negatives: case.number("n_negative"),
        };
        let got = rogan_gladen(
            case.number("rate_judge"),
            case.number("n"),
            judge,
            case.number("level"),
        );
        if case.refused(&got) {
            return;
        }
        let got = got.expect("a rate");
        case.check("point_unclipped", Ok(got.unclipped));
        case.check("point", Ok(got.value));
        let warned = case.value["expected"]["warning"].as_str() == Some("calibration_contradicted");
        assert_eq!(got.contradicted, warned, "{}", case.id());
        case.check_interval("ci95", Ok(got.interval));
    });
}

#[test]
fn golden_ppi_mean() {
    each("ppi_mean", |case| {
        let (human, on_human, rest) = (
            case.floats("human"),
            case.floats("judge_on_human"),
            case.floats("judge_rest"),
        );
        for (field, lambda) in [
            ("ppi_lambda1", Some(1.0)),
            ("ppi_plus_plus", None),
            ("classical_lambda0", Some(0.0)),
        ] {
            let want = &case.value["expected"][field];
            if want.is_null() {
                continue;
            }
            let got =
                prediction_powered_mean(&human, &on_human, &rest, lambda, case.number("level"))
                    .expect("an estimate");
            case.close(Ok(got.value), &want["estimate"], case.tolerance, field);
            case.close(
                Ok(got.interval.low),
                &want["ci95"][0],
                case.tolerance,
                field,
            );
            case.close(
                Ok(got.interval.high),
                &want["ci95"][1],
                case.tolerance,
                field,
            );
        }
    });
}

#[test]
fn golden_calibration() {
    each("calibration", |case| {
        let p = case.floats("prob");
        let y: Vec<bool> = case.floats("label").iter().map(|v| *v != 0.0).collect();
        case.check("brier", brier(&p, &y));
        case.check("log_loss", log_loss(&p, &y));
        case.check("ece_equal_width_10", expected_calibration_error(&p, &y, 10));
        case.check("ece_equal_width_15", expected_calibration_error(&p, &y, 15));
        // The top-label form: the probability of the class called, and whether the call was right.
        let top: Vec<f64> = p.iter().map(|p| p.max(1.0 - p)).collect();
        let right: Vec<bool> = p.iter().zip(&y).map(|(p, y)| (*p >= 0.5) == *y).collect();
        let top_label = expected_calibration_error(&top, &right, 10);
        case.check("own_ece_top_label_10", top_label);
        case.check("library_ece_top_label_10", top_label);
    });
}
