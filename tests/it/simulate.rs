//! How often candor's intervals and gates are right, where the truth is known: seeded simulations with their own recipe
//! (`just simulate`). Each prints the table that docs/statistics.md shows, and asserts its acceptance limits with three Monte-Carlo
//! standard errors.
//!
//! A question's difficulty is Beta with total 0.6: most are nearly always right or wrong. Clusters hold five questions; two of one cluster
//! share their difficulty with probability 0.3. A model that changed but is as good redraws one question in twenty; a drop breaks single
//! questions for good.

use std::collections::BTreeMap;
use std::thread;

use candor::analysis::{Estimand, Name, PairedTest, PairedUnit};
use candor::gate::{GateFile, LiveGate, Overall, Scheduled, TrialScores};
use candor::score::Score;
use candor::stats::{
    BettingWealth, Inference, PlannedComparison, Verdict, holm, unchanged_variance, wilson,
    wilson_effective_n,
};
use candor::store::TrialStatus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Simulated evaluations a cell.
const EVALS: u32 = 20_000;
/// Total of the Beta distribution of difficulties.
const TOTAL: f64 = 0.6;
/// Questions a cluster.
const CLUSTER: usize = 5;
/// Correlation of two difficulties in a cluster.
const CORRELATION: f64 = 0.3;
/// Share of the questions that a changed model answers anew.
const CHANGED: f64 = 0.05;

/// Three Monte-Carlo standard errors of a share.
fn slack(share: f64, evals: u32) -> f64 {
    3.0 * (share * (1.0 - share) / f64::from(evals)).sqrt()
}

/// A draw from Beta(a, b) with shapes below 1, by Jöhnk's method.
fn beta(random: &mut ChaCha8Rng, a: f64, b: f64) -> f64 {
    loop {
        let x = random.random::<f64>().powf(1.0 / a);
        let y = random.random::<f64>().powf(1.0 / b);
        if x + y > 0.0 && x + y <= 1.0 {
            return x / (x + y);
        }
    }
}

/// What is simulated.
#[derive(Clone, Copy)]
struct Design {
    n: usize,
    p: f64,
    repeats: u32,
    clustered: bool,
    /// Whether the candidate is another model, as good.
    changed: bool,
    /// True mean drop.
    drop: f64,
}

/// Baseline and candidate means of each question, and its cluster.
fn draw(design: Design, random: &mut ChaCha8Rng) -> Vec<PairedUnit> {
    let difficulty =
        |random: &mut ChaCha8Rng| beta(random, design.p * TOTAL, (1.0 - design.p) * TOTAL);
    let mut shared = 0.0;
    (0..design.n)
        .map(|q| {
            if q % CLUSTER == 0 {
                shared = difficulty(random);
            }
            let own = difficulty(random);
            let follows = design.clustered && random.random::<f64>() < CORRELATION.sqrt();
            let truth = if follows { shared } else { own };
            let mut candidate = truth;
            if design.changed && random.random::<f64>() < CHANGED {
                candidate = difficulty(random);
            }
            if random.random::<f64>() < design.drop / design.p {
                candidate = 0.0;
            }
            let mut mean = |chance: f64| {
                let right = (0..design.repeats)
                    .filter(|_| random.random::<f64>() < chance)
                    .count();
                right as f64 / f64::from(design.repeats)
            };
            let (second, first) = (mean(truth), mean(candidate));
            let cluster = if design.clustered { q / CLUSTER } else { q };
            unit(first, second, cluster, design.repeats == 1)
        })
        .collect()
}

thread_local! {
    static NAMES: Vec<Name> = (0..2000).map(|i| Name::from(i.to_string())).collect();
    static SUITE: Name = Name::from("s");
}

fn unit(first: f64, second: f64, cluster: usize, single: bool) -> PairedUnit {
    PairedUnit {
        first,
        second,
        cluster: (
            SUITE.with(Name::clone),
            NAMES.with(|names| Name::clone(&names[cluster])),
        ),
        single,
        rerun_variance: None,
        epochs: 0,
        order: 0,
    }
}

fn verdict(units: &[PairedUnit], margin: f64) -> Verdict {
    let test = PairedTest::of(units, Estimand::Population, units.len()).expect("a test");
    Verdict::of(test.interval(0.9).expect("an interval"), margin)
}

/// Shares of pass and fail over many evaluations.
fn gate_rates(design: Design, margin: f64, evals: u32, seed: u64) -> (f64, f64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut pass, mut fail) = (0_u32, 0_u32);
    for _ in 0..evals {
        match verdict(&draw(design, &mut random), margin) {
            Verdict::Pass | Verdict::PassWithDrop => pass += 1,
            Verdict::Fail => fail += 1,
            _ => {}
        }
    }
    (
        f64::from(pass) / f64::from(evals),
        f64::from(fail) / f64::from(evals),
    )
}

/// Runs cells on all cores, in order.
fn on_all_cores<T: Send + Sync, R: Send>(
    cells: Vec<T>,
    run: impl Fn(&T, u64) -> R + Sync,
) -> Vec<(T, R)> {
    let threads = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results = std::sync::Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(cell) = cells.get(i) else { break };
                    let result = run(cell, i as u64 + 1);
                    results.lock().expect("no panic").insert(i, result);
                }
            });
        }
    });
    let results = results.into_inner().expect("no panic");
    cells.into_iter().zip(results.into_values()).collect()
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

#[test]
#[ignore = "a simulation: `just simulate`"]
fn simulate_1_a_drop_of_the_margin_seldom_passes() {
    let mut cells = Vec::new();
    for p in [0.75, 0.95] {
        for margin in [0.05, 0.10] {
            for repeats in [1, 5] {
                for n in [20, 50, 100, 200] {
                    cells.push((p, margin, repeats, n, false));
                }
                for n in [50, 100, 200] {
                    cells.push((p, margin, repeats, n, true));
                }
            }
        }
    }
    println!("| p | margin | K | clustered | n | false pass % |\n|---|---|---|---|---|---:|");
    let results = on_all_cores(cells, |(p, margin, repeats, n, clustered), seed| {
        let design = Design {
            n: *n,
            p: *p,
            repeats: *repeats,
            clustered: *clustered,
            changed: true,
            drop: *margin,
        };
        gate_rates(design, *margin, EVALS, seed).0
    });
    for ((p, margin, repeats, n, clustered), pass) in &results {
        println!(
            "| {p} | {margin} | {repeats} | {clustered} | {n} | {} |",
            percent(*pass)
        );
    }
    for ((p, margin, repeats, n, clustered), pass) in results {
        let most = if clustered { 0.06 } else { 0.07 };
        assert!(
            pass <= most + slack(most, EVALS),
            "{p} {margin} {repeats} {n} {clustered}: {pass}"
        );
    }
}

#[test]
#[ignore = "a simulation: `just simulate`"]
fn simulate_2_an_unchanged_model_seldom_fails() {
    let mut cells = Vec::new();
    for margin in [0.02, 0.05] {
        for repeats in [1, 5] {
            for n in [100, 500] {
                cells.push((margin, repeats, n));
            }
        }
    }
    println!("| margin | K | n | pass % | fail % |\n|---|---|---|---:|---:|");
    let evals = EVALS / 2;
    let results = on_all_cores(cells, |(margin, repeats, n), seed| {
        let design = Design {
            n: *n,
            p: 0.8,
            repeats: *repeats,
            clustered: false,
            changed: true,
            drop: 0.0,
        };
        gate_rates(design, *margin, evals, 100 + seed)
    });
    for ((margin, repeats, n), (pass, fail)) in &results {
        println!(
            "| {margin} | {repeats} | {n} | {} | {} |",
            percent(*pass),
            percent(*fail)
        );
    }
    for ((margin, repeats, n), (_, fail)) in results {
        let most = if margin < 0.03 && n == 100 {
            0.03
        } else {
            0.01
        };
        assert!(
            fail <= most + slack(most, evals),
            "{margin} {repeats} {n}: {fail}"
        );
    }
    // Twenty metrics, none changed.
    let (mut any_fail, mut any_holm) = (0_u32, 0_u32);
    let rounds = 2000;
    let mut random = ChaCha8Rng::seed_from_u64(77);
    for _ in 0..rounds {
        let tests: Vec<PairedTest> = (0..20)
            .map(|_| {
                let design = Design {
                    n: 200,
                    p: 0.8,
                    repeats: 1,
                    clustered: false,
                    changed: true,
                    drop: 0.0,
                };
                let units = draw(design, &mut random);
                PairedTest::of(&units, Estimand::Population, units.len()).expect("a test")
            })
            .collect();
        let fails = tests
            .iter()
            .any(|t| Verdict::of(t.interval(0.9).expect("an interval"), 0.05) == Verdict::Fail);
        any_fail += u32::from(fails);
        let p: Vec<f64> = tests
            .iter()
            .map(|t| t.p_not_below(0.0).expect("a p"))
            .collect();
        any_holm += u32::from(holm(&p).expect("p values").iter().any(|p| *p <= 0.05));
    }
    let share = |n: u32| f64::from(n) / f64::from(rounds);
    println!(
        "20 unchanged metrics, n = 200: any FAIL {} %, any drop after Holm {} %",
        percent(share(any_fail)),
        percent(share(any_holm))
    );
    assert!(share(any_fail) <= 0.01 + slack(0.01, rounds));
    assert!(share(any_holm) <= 0.055 + slack(0.055, rounds));
}

#[test]
#[ignore = "a simulation: `just simulate`"]
fn simulate_3_the_plan_says_what_happens() {
    let p = 0.75;
    // E[θ(1 − θ)] of a Beta with this total.
    let within = p * (1.0 - p) * TOTAL / (TOTAL + 1.0);
    let mut cells = Vec::new();
    for margin in [0.05, 0.10] {
        for repeats in [1_u32, 5] {
            for n in [100, 200, 500] {
                cells.push((margin, repeats, n));
            }
        }
    }
    println!("| margin | K | n | planned pass % | realised |\n|---|---|---|---:|---:|");
    let results = on_all_cores(cells, |(margin, repeats, n), seed| {
        let design = Design {
            n: *n,
            p,
            repeats: *repeats,
            clustered: false,
            changed: false,
            drop: 0.0,
        };
        gate_rates(design, *margin, EVALS / 2, 200 + seed).0
    });
    let plan = |(margin, repeats, n): (f64, u32, usize)| {
        PlannedComparison {
            n,
            variance: unchanged_variance(within, repeats),
            margin,
            alpha: 0.05,
            single: repeats == 1,
        }
        .pass(0.0)
        .expect("a plan")
    };
    for (cell, realised) in &results {
        let (margin, repeats, n) = cell;
        println!(
            "| {margin} | {repeats} | {n} | {} | {} |",
            percent(plan(*cell)),
            percent(*realised)
        );
    }
    for (cell, realised) in results {
        let planned = plan(cell);
        assert!(
            (planned - realised).abs() <= 0.03,
            "{cell:?}: {planned} planned, {realised} realised"
        );
    }
}

#[test]
#[ignore = "a simulation: `just simulate`"]
fn simulate_4_intervals_cover() {
    let mut cells = Vec::new();
    for (clustered, repeats) in [(false, 1), (false, 5), (true, 1), (true, 5)] {
        for n in [20, 100, 500] {
            for p in [0.5, 0.8, 0.95] {
                cells.push((clustered, repeats, n, p));
            }
        }
    }
    println!(
        "| clustered | K | n | p | coverage % | Wald on responses |\n|---|---|---|---|---:|---:|"
    );
    let evals = EVALS / 4;
    let results = on_all_cores(cells, |(clustered, repeats, n, p), seed| {
        let design = Design {
            n: *n,
            p: *p,
            repeats: *repeats,
            clustered: *clustered,
            changed: false,
            drop: 0.0,
        };
        let mut random = ChaCha8Rng::seed_from_u64(300 + seed);
        let (mut ours, mut naive) = (0_u32, 0_u32);
        for _ in 0..evals {
            let units = draw(design, &mut random);
            let values: Vec<f64> = units.iter().map(|u| u.second).collect();
            let clusters: Vec<&Name> = units.iter().map(|u| &u.cluster.1).collect();
            let responses = n * *repeats as usize;
            let estimate =
                wilson_effective_n(&values, &clusters, responses, 0.95).expect("an estimate");
            ours += u32::from(!estimate.interval.excludes(*p));
            let mean = estimate.value;
            let half = 1.96 * (mean * (1.0 - mean) / responses as f64).sqrt();
            naive += u32::from((mean - p).abs() <= half);
        }
        (
            f64::from(ours) / f64::from(evals),
            f64::from(naive) / f64::from(evals),
        )
    });
    for ((clustered, repeats, n, p), (ours, naive)) in &results {
        println!(
            "| {clustered} | {repeats} | {n} | {p} | {} | {} |",
            percent(*ours),
            percent(*naive)
        );
    }
    for ((clustered, repeats, n, p), (ours, _)) in results {
        let units = if clustered { n / CLUSTER } else { n };
        let least = if p > 0.9 { 0.90 } else { 0.93 };
        if units >= 20 {
            assert!(
                ours >= least - slack(least, evals),
                "{clustered} {repeats} {n} {p}: {ours}"
            );
        }
    }
}

#[test]
fn simulate_5_what_is_never_certain() {
    let unchanged =
        |n: usize| -> Vec<PairedUnit> { (0..n).map(|q| unit(1.0, 1.0, q, true)).collect() };
    let test = PairedTest::of(&unchanged(50), Estimand::Population, 50).expect("a test");
    let interval = test.interval(0.9).expect("an interval");
    assert!((interval.low + 0.0513).abs() < 5e-5, "{interval:?}");
    assert_eq!(verdict(&unchanged(50), 0.05), Verdict::Inconclusive);
    assert_eq!(verdict(&unchanged(200), 0.05), Verdict::Pass);
    let all_right = wilson(20.0, 20.0, 0.95).expect("an interval");
    assert!((all_right.low - 0.839).abs() < 5e-4 && all_right.high == 1.0);
}

/// The combined rule: bets at α/5 at every cluster, the fixed test at 4α/5 at the end. Whether it passed, and after how many questions.
fn early(units: &[PairedUnit], margin: f64) -> (Option<bool>, usize) {
    let m = f64::midpoint(1.0, -margin);
    let (mut kept, mut broken) = (
        BettingWealth::against(m, None),
        BettingWealth::against(1.0 - m, None),
    );
    for (i, unit) in units.iter().enumerate() {
        let x = f64::midpoint(1.0, unit.difference());
        kept.push(x);
        broken.push(1.0 - x);
        if kept.rejects_at(0.01) {
            return (Some(true), i + 1);
        }
        if broken.rejects_at(0.01) {
            return (Some(false), i + 1);
        }
    }
    let test = PairedTest::of(units, Estimand::Population, units.len()).expect("a test");
    let decided = match Verdict::of(test.interval(0.92).expect("an interval"), margin) {
        v if v.passed() => Some(true),
        Verdict::Fail => Some(false),
        _ => None,
    };
    (decided, units.len())
}

#[test]
#[ignore = "a simulation: `just simulate`"]
fn simulate_6_early_stops_keep_their_error() {
    let mut cells = Vec::new();
    for (n, repeats) in [(300, 1), (300, 5), (1000, 1), (1000, 5)] {
        for drop in [0.0, 0.05, 0.10] {
            cells.push((n, repeats, drop));
        }
    }
    println!(
        "| N | K | drop | pass % | inconclusive | fail | mean questions |\n|---|---|---|---:|---:|---:|---:|"
    );
    let evals = 2000;
    let results = on_all_cores(cells, |(n, repeats, drop), seed| {
        let design = Design {
            n: *n,
            p: 0.8,
            repeats: *repeats,
            clustered: false,
            changed: true,
            drop: *drop,
        };
        let mut random = ChaCha8Rng::seed_from_u64(400 + seed);
        let (mut pass, mut fail, mut asked) = (0_u32, 0_u32, 0);
        for _ in 0..evals {
            let (decided, questions) = early(&draw(design, &mut random), 0.05);
            pass += u32::from(decided == Some(true));
            fail += u32::from(decided == Some(false));
            asked += questions;
        }
        let share = |n: u32| f64::from(n) / f64::from(evals);
        (share(pass), share(fail), asked as f64 / f64::from(evals))
    });
    for ((n, repeats, drop), (pass, fail, asked)) in &results {
        println!(
            "| {n} | {repeats} | {drop} | {} | {} | {} | {asked:.0} |",
            percent(*pass),
            percent(1.0 - pass - fail),
            percent(*fail)
        );
    }
    for ((n, repeats, drop), (pass, fail, _)) in results {
        if drop == 0.05 {
            assert!(
                pass <= 0.05 + slack(0.05, evals),
                "{n} {repeats}: passes the margin in {pass}"
            );
            assert!(
                fail <= 0.05 + slack(0.05, evals),
                "{n} {repeats}: fails the margin in {fail}"
            );
        }
        if drop == 0.0 {
            assert!(
                fail <= 0.01,
                "{n} {repeats}: fails an unchanged model in {fail}"
            );
        }
    }
}

/// A question's answer, and how long it takes: refusals are short, so they come first.
fn arrivals(scheduled: &[Scheduled], right: &[bool], random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut flights: Vec<(f64, usize)> = (0..scheduled.len())
        .map(|i| {
            let seconds = if right[i] { 5.0 } else { 0.5 } * (0.5 + random.random::<f64>());
            // 32 in flight: a question starts when the one 32 places before it is roughly through.
            ((i / 32) as f64 * 3.0 + seconds, i)
        })
        .collect();
    flights.sort_by(|a, b| a.0.total_cmp(&b.0));
    flights.into_iter().map(|(_, i)| i).collect()
}

#[test]
fn simulate_6b_the_order_of_answers_changes_nothing() {
    let gate = GateFile::parse(
        "gate.toml",
        "[[rule]]\nname = \"Answers\"\nsuite = \"s\"\nat_least = \"60 %\"\n".into(),
    )
    .expect("a gate");
    let schedule: Vec<Scheduled> = (0..600)
        .map(|i| Scheduled {
            suite: "s".into(),
            sample: format!("q{i}"),
            unit: format!("q{i}"),
            pair: None,
            sensitive: None,
            strata: BTreeMap::new(),
        })
        .collect();
    let suite = serde_json::from_value(serde_json::json!({
        "name": "s", "version": "1", "kind": "audit", "title": "s", "spec": "s", "content_hash": "0",
        "headline": ["refusal", "class"], "strata": [], "samples": 600, "available": 600, "licence": "CC0-1.0", "source": "here",
    }))
    .expect("a suite");
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let right: Vec<bool> = (0..600).map(|_| random.random::<f64>() < 0.7).collect();
    let decide = |order: &[usize]| {
        let mut live = LiveGate::new(
            &gate,
            "m",
            None,
            vec![Clone::clone(&suite)],
            schedule.clone(),
            1,
            &[],
        )
        .expect("a live gate");
        let mut decided = None;
        for i in order {
            let score: Score = serde_json::from_value(serde_json::json!({
                "scorer": "refusal", "version": 1, "metric": "class", "value": f64::from(u8::from(right[*i])),
            }))
            .expect("a score");
            let trial = TrialScores {
                suite: "s",
                sample: &schedule[*i].sample,
                scores: &[score],
                status: TrialStatus::Ok,
            };
            // Only the first decision counts; later answers arrive all the same.
            let now = live.record(trial);
            if decided.is_none() {
                decided = now.map(|overall| {
                    (
                        overall,
                        live.outcome(None).rules[0].checks[0].value,
                        live.progress().0,
                    )
                });
            }
        }
        decided
    };
    let in_order: Vec<usize> = (0..600).collect();
    let straight = decide(&in_order).expect("decided");
    assert_eq!(straight.0, Overall::Pass);
    for seed in 0..5 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let quick_first = decide(&arrivals(&schedule, &right, &mut random)).expect("decided");
        // Several clusters may complete at once, so the decision may be noticed a few questions late; never on another verdict, and
        // never on a figure that the order of arrival has bent.
        assert_eq!(quick_first.0, straight.0);
        assert!(
            quick_first.2 >= straight.2 && quick_first.2 < straight.2 + 40,
            "{quick_first:?} {straight:?}"
        );
        let mut shuffled = in_order.clone();
        shuffled.shuffle(&mut random);
        let last = decide(&shuffled).expect("decided");
        assert_eq!(last.0, straight.0);
    }
}

/// A team's 200-question benchmark: over a month of unchanged nightly runs it read 0.908 to 0.956, mean 0.944, and a gate at a raw 0.935
/// went red in 14 % of the nights.
#[test]
#[ignore = "a simulation: `just simulate`"]
fn simulate_a_noisy_benchmark() {
    const MEAN: f64 = 0.944;
    const NIGHTS: u32 = 20_000;
    // A night's score is Normal to good approximation, in steps of 1/200, so that red is 0.930 or less: P(score < 0.9325) = 0.14 gives its
    // standard deviation, and that the variance within questions: n·SD².
    let sd = (MEAN - 0.9325) / 1.0803;
    let within = 200.0 * sd * sd;
    // The Beta total with E[θ(1 − θ)] = within.
    let share = within / (MEAN * (1.0 - MEAN));
    let total = share / (1.0 - share);
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let questions: Vec<f64> = loop {
        let drawn: Vec<f64> = (0..200)
            .map(|_| beta(&mut random, MEAN * total, (1.0 - MEAN) * total))
            .collect();
        let mean = drawn.iter().sum::<f64>() / 200.0;
        let noise = drawn.iter().map(|t| t * (1.0 - t)).sum::<f64>() / 200.0;
        if (mean - MEAN).abs() < 0.001 && (noise / within - 1.0).abs() < 0.05 {
            break drawn;
        }
    };
    let run = |questions: &[f64], repeats: u32, random: &mut ChaCha8Rng| -> Vec<f64> {
        questions
            .iter()
            .map(|chance| {
                let right = (0..repeats)
                    .filter(|_| random.random::<f64>() < *chance)
                    .count();
                right as f64 / f64::from(repeats)
            })
            .collect()
    };
    let score = |run: &[f64]| run.iter().sum::<f64>() / run.len() as f64;
    let (mut red, mut lowest, mut highest) = (0_u32, 1.0_f64, 0.0_f64);
    let (mut ranges, mut month) = (Vec::new(), Vec::new());
    for _ in 0..NIGHTS {
        let tonight = score(&run(&questions, 1, &mut random));
        red += u32::from(tonight < 0.935);
        month.push(tonight);
        if month.len() == 30 {
            lowest = month.iter().copied().fold(1.0, f64::min);
            highest = month.iter().copied().fold(0.0, f64::max);
            ranges.push(highest - lowest);
            month.clear();
        }
    }
    println!(
        "raw gate at 0.935: red in {} % of {NIGHTS} unchanged nights; a month's range {:.3} on average (last: {lowest:.3} to {highest:.3})",
        percent(f64::from(red) / f64::from(NIGHTS)),
        ranges.iter().sum::<f64>() / ranges.len() as f64
    );
    // candor's gate: each night beside a pinned baseline night, paired, margin 2 points.
    let margin = 0.02;
    let gate = |questions: &[f64], worse: &[f64], repeats: u32, random: &mut ChaCha8Rng| {
        let (base, now) = (run(questions, repeats, random), run(worse, repeats, random));
        let units: Vec<PairedUnit> = now
            .iter()
            .zip(&base)
            .enumerate()
            .map(|(q, (now, base))| unit(*now, *base, q % 2000, repeats == 1))
            .collect();
        verdict(&units, margin)
    };
    let share_of = |questions: &[f64],
                    worse: &dyn Fn(&mut ChaCha8Rng) -> Vec<f64>,
                    repeats: u32,
                    nights: u32,
                    random: &mut ChaCha8Rng| {
        let mut counts = [0_u32; 3];
        for _ in 0..nights {
            let tonight = worse(random);
            match gate(questions, &tonight, repeats, random) {
                v if v.passed() => counts[0] += 1,
                Verdict::Fail => counts[2] += 1,
                _ => counts[1] += 1,
            }
        }
        counts.map(|c| f64::from(c) / f64::from(nights))
    };
    let unchanged = |_: &mut ChaCha8Rng| questions.clone();
    for repeats in [1, 3, 5] {
        let [pass, open, fail] = share_of(&questions, &unchanged, repeats, 5000, &mut random);
        println!(
            "candor, 200 questions, K = {repeats}, margin 2 points, unchanged: pass {} %, inconclusive {} %, FAIL {} %",
            percent(pass),
            percent(open),
            percent(fail)
        );
        assert!(fail < 0.01, "alarms in {fail}");
    }
    // A true drop of five points, with the n and K that plan-size recommends for finding it.
    for repeats in [3, 5] {
        let plan = PlannedComparison {
            n: 2,
            variance: unchanged_variance(within, repeats),
            margin,
            alpha: 0.05,
            single: false,
        };
        let n = plan.questions_to_find(0.05, 0.8).expect("a number");
        let many: Vec<f64> = (0..n).map(|i| questions[i % 200]).collect();
        let broken = |random: &mut ChaCha8Rng| -> Vec<f64> {
            many.iter()
                .map(|t| {
                    if random.random::<f64>() < 0.05 / MEAN {
                        0.0
                    } else {
                        *t
                    }
                })
                .collect()
        };
        let lowered = |_: &mut ChaCha8Rng| -> Vec<f64> {
            many.iter().map(|t| t * (1.0 - 0.05 / MEAN)).collect()
        };
        let caught = share_of(&many, &broken, repeats, 2000, &mut random)[2];
        let spread = share_of(&many, &lowered, repeats, 2000, &mut random)[2];
        let same = |_: &mut ChaCha8Rng| many.clone();
        let [pass, _, fail] = share_of(&many, &same, repeats, 2000, &mut random);
        println!(
            "plan-size for a drop of 5 points: n = {n}, K = {repeats}: FAIL {} % where single questions broke, {} % where all fell a little; unchanged: pass {} %, FAIL {} %",
            percent(caught),
            percent(spread),
            percent(pass),
            percent(fail)
        );
        assert!(caught >= 0.8 - slack(0.8, 2000), "finds it in {caught}");
        assert!(spread >= 0.8 - slack(0.8, 2000), "finds it in {spread}");
        assert!(fail < 0.01);
    }
}
