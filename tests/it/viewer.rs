//! The report's reader in a real browser: every figure leads to its trials, every view has an address, and hostile text stays text.

use std::path::Path;

use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::driver::{Driver, Theme, asked, text, wait_for, wait_until};
use crate::made_run::{MadeTrial, write_run};
use crate::support::{candor, ran};

/// Twelve pairs in two jurisdictions and twenty sums, by three models: open answers everything, guarded withholds on A, poor gets every
/// second sum wrong and fails at two.
pub fn trials() -> Vec<MadeTrial> {
    let mut all = Vec::new();
    for model in ["open", "guarded", "poor"] {
        for i in 0..12 {
            let jurisdiction = if i < 7 { "A" } else { "B" };
            let withheld = model == "guarded" && i < 7 && i != 3;
            let pair = format!("pair-{i}");
            for role in ["sensitive", "control"] {
                let value = f64::from(u8::from(!(withheld && role == "sensitive")));
                let mut trial = MadeTrial::new(model, "audit", format!("{role}-{i}"), value)
                    .side(&pair, role)
                    .stratum("jurisdiction", jurisdiction)
                    .label(if value > 0.5 { "complete" } else { "denial" });
                trial.answer = Some(format!(
                    "**{model}** on {role} {i}: the lighthouse stands.\n\n| a | b |\n|---|---|\n| 1 | 2 |"
                ));
                all.push(trial);
            }
        }
        for i in 1..=20 {
            let right = model != "poor" || i % 2 == 0;
            let mut trial =
                MadeTrial::new(model, "sums", format!("s{i}"), f64::from(u8::from(right)));
            trial.cost = Some(0.001 * f64::from(i));
            all.push(if model == "poor" && i > 18 {
                trial.failed()
            } else {
                trial
            });
        }
    }
    all
}

/// What candor.toml says of two of these models.
pub const KIN: &str = "[[contrasts]]\nkind = \"derivative\"\nmodel = \"guarded\"\nof = \"open\"\n\n[[contrasts]]\nkind = \"version\"\nmodel = \"newer\"\nof = \"open\"\n";

pub fn report(home: &Path, trials: &[MadeTrial], more: &[&str]) -> String {
    write_run(&home.join("run"), trials, |_| ());
    ran(candor(home).args(["report", "run"]).args(more)).exits_with(0);
    format!("file://{}", home.join("run/report.html").display())
}

fn json_of(home: &Path, arguments: &[&str]) -> Value {
    let told = ran(candor(home).args(arguments).args(["--format", "json"])).exits_with(0);
    serde_json::from_str(&told.stdout).expect("JSON")
}

/// A difference of shares as the report writes it.
fn points(value: f64) -> String {
    let text = format!("{:.1}", (value * 100.0).abs());
    match value {
        _ if text == "0.0" => text,
        v if v < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

async fn address(client: &Client) -> String {
    asked(client, "return decodeURIComponent(location.hash)")
        .await
        .as_str()
        .unwrap()
        .to_owned()
}

async fn press(client: &Client, keys: &str) {
    let body = client.find(Locator::Css("body")).await.expect("the page");
    body.send_keys(keys).await.expect("a key");
}

/// Presses a link, and tells how many trials it leads to.
async fn follow(client: &Client, href: &str) -> String {
    let script = format!(
        "const a = document.querySelector({}) ?? document.querySelector({}); if (!a) return 'no link'; a.closest('details')?.setAttribute('open', ''); a.dispatchEvent(new MouseEvent('click', {{ bubbles: true, cancelable: true, view: window }})); return a.textContent",
        json!(format!("td a[href='{href}']")),
        json!(format!("a[href='{href}']"))
    );
    let figure = asked(client, &script).await;
    assert_ne!(figure, "no link", "{href}");
    wait_until(client, &format!("return location.hash === {}", json!(href))).await;
    let counted =
        "const c = document.getElementById('count').textContent; return c.includes('trial')";
    wait_until(client, counted).await;
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    figure.as_str().unwrap_or_default().to_owned()
}

#[test]
fn every_figure_is_that_of_the_commands_and_leads_to_exactly_its_trials() {
    let Some(driver) = Driver::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("candor.toml"), KIN).expect("a configuration");
    let page = report(home.path(), &trials(), &["--baseline", "open"]);
    let gaps = json_of(
        home.path(),
        &["gap", "run", "--suite", "audit", "--by", "jurisdiction"],
    );
    let of_gaps = json_of(
        home.path(),
        &["gap", "run", "--suite", "audit", "--baseline", "open"],
    );
    let summary = json_of(home.path(), &["report", "run", "-o", "other.html"]);
    let compared = json_of(home.path(), &["compare", "run", "--baseline", "open"]);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = driver.client().await;
        client.goto(&page).await.expect("the page opens");
        wait_for(&client, "#count", "44 of 44 questions, 132 trials").await;
        let mut followed = 0;
        for gap in gaps["gaps"].as_array().unwrap() {
            let model = gap["model"].as_str().unwrap();
            let group = match gap["cell"].as_str() {
                Some(cell) => format!("&group=jurisdiction%3A%20{cell}"),
                None => String::new(),
            };
            let href = format!("#transcripts?suite=audit&model={model}{group}&paired=role");
            let figure = follow(&client, &href).await;
            let value = points(gap["gap"]["value"].as_f64().unwrap());
            assert!(figure.contains(&value), "{href}: {figure} is not {value}");
            let trials = 2 * gap["pairs"].as_u64().unwrap();
            wait_for(&client, "#count", &format!("{trials} trials")).await;
            followed += 1;
        }
        for comparison in compared["comparisons"].as_array().unwrap() {
            let (Some(suite), Some(model)) =
                (comparison["suite"].as_str(), comparison["model"].as_str())
            else {
                continue;
            };
            let href = format!(
                "#transcripts?suite={suite}&model={model}&with=open&show=open&show={model}"
            );
            let figure = follow(&client, &href).await;
            let value = points(comparison["difference"]["value"].as_f64().unwrap());
            assert!(figure.contains(&value), "{href}: {figure} is not {value}");
            wait_for(
                &client,
                "#count",
                &format!("{} trials", comparison["shared"]),
            )
            .await;
            followed += 1;
        }
        for (href, count) in [
            (
                "#transcripts?suite=sums&model=poor&verdict=has-score",
                "18 of 44 questions, 18 trials",
            ),
            (
                "#transcripts?suite=sums&model=poor&verdict=failed",
                "2 of 44 questions, 2 trials",
            ),
        ] {
            follow(&client, href).await;
            wait_for(&client, "#count", count).await;
            followed += 1;
        }
        assert!(followed >= 10, "{followed} links followed");
        // A mark that is focused says its interval and n.
        let focused = "const mark = document.querySelector('#profile svg a'); mark.focus(); return mark.closest('figure').querySelector('.told').textContent";
        let noted = asked(&client, focused).await;
        assert!(noted.as_str().unwrap().contains("], n = "), "{noted}");
        // What is declared to be kin differs by what the commands say, in scores and in gaps; a model that these runs lack is named.
        let rows = asked(&client, "return [...document.querySelectorAll('#contrasts > .scroll tbody tr')].map(r => [...r.cells].map(c => c.textContent))").await;
        let rows: Vec<Vec<String>> = serde_json::from_value(rows).unwrap();
        let difference = |suite: &str| {
            let all = compared["comparisons"].as_array().unwrap().iter();
            let mut own = all.filter(|c| c["model"] == "guarded" && c["suite"] == suite);
            points(own.next().unwrap()["difference"]["value"].as_f64().unwrap())
        };
        let contrast = &of_gaps["contrasts"].as_array().unwrap().iter().find(|c| c["model"] == "guarded").unwrap()["difference"]["value"];
        let expected = [
            ["audit", "withheld", &difference("audit")],
            ["audit", "gap", &points(contrast.as_f64().unwrap())],
            ["sums", "score", &difference("sums")],
        ];
        assert_eq!(rows.len(), expected.len(), "{rows:?}");
        for (row, [suite, of, value]) in rows.iter().zip(expected) {
            assert_eq!((row[0].as_str(), row[1].as_str()), ("derivative", "guarded − open"));
            assert_eq!((row[2].as_str(), row[3].as_str()), (suite, of));
            assert!(row[4].starts_with(value), "{row:?} {value}");
        }
        assert!(text(&client, "#contrasts").await.contains("not in these runs: newer"));
        // Scores and costs as the command's JSON has them.
        for cell in summary["scores"].as_array().unwrap() {
            let name = |key: &str| cell[key].as_str().unwrap();
            let link = format!("#transcripts?suite={}&model={}&verdict=has-score", name("suite"), name("model"));
            let figure = asked(&client, &format!("return document.querySelector('#scores td a[href={}]').textContent", json!(link))).await;
            let value = cell["estimate"]["Ok"]["value"].as_f64().or(cell["estimate"]["value"].as_f64()).expect("an estimate");
            assert_eq!(figure, json!(format!("{:.1}", value * 100.0)), "{cell}");
        }
        let costs = asked(&client, "return [...document.querySelectorAll('#cost > .scroll tbody tr')].map(r => [...r.cells].slice(0, 4).map(c => c.textContent))").await;
        let expected: Vec<[String; 4]> = summary["totals"].as_array().unwrap().iter().map(|total| {
            let (cost, trials) = (total["cost_usd"].as_f64().unwrap(), total["trials"].as_u64().unwrap());
            let per_thousand = cost / trials as f64 * 1000.0;
            [total["model"].as_str().unwrap().into(), trials.to_string(), format!("{cost:.2}"), format!("{per_thousand:.2}")]
        }).collect();
        assert_eq!(costs, json!(expected));
        client.close().await.unwrap();
    });
}

#[test]
fn a_view_has_an_address_that_reopens_it_and_keys_move_through_it() {
    let Some(driver) = Driver::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let page = report(home.path(), &trials(), &["--baseline", "open"]);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = driver.client().await;
        client.goto(&page).await.expect("the page opens");
        wait_for(&client, "#sample h3", "audit/control-0").await;
        assert_eq!(asked(&client, "return document.activeElement === document.body && scrollY").await, json!(0), "opening the page moves nobody");
        // A question with its control beside it, each model's answers in a row.
        client.goto(&format!("{page}#transcripts?suite=audit&model=guarded&verdict=withheld&q=audit/sensitive-2")).await.unwrap();
        wait_for(&client, "#count", "6 of 44 questions, 6 trials").await;
        wait_for(&client, "#sample h3", "audit/sensitive-2").await;
        let sides = asked(&client, "return [...document.querySelectorAll('.answers .side .prompt')].map(p => p.textContent)").await;
        assert_eq!(sides, json!(["What is the answer to sensitive-2?", "What is the answer to control-2?"]));
        let badges = asked(&client, "return [...document.querySelectorAll('.answers article:first-of-type .badge.verdict')].map(b => b.textContent)").await;
        assert!(badges.as_array().unwrap().iter().any(|b| b.as_str().unwrap().contains("withheld · denial")), "{badges}");
        // Markdown becomes elements; as it was written it is text.
        assert_eq!(asked(&client, "return document.querySelectorAll('.answers .markdown table td').length > 0 && document.querySelector('.answers .markdown strong').textContent").await, json!("guarded"));
        // Natural order, and keys.
        let order = "return [...document.querySelectorAll('#samples .row small')].map(s => s.textContent.split(' ')[0])";
        assert_eq!(asked(&client, order).await, json!(["audit/sensitive-0", "audit/sensitive-1", "audit/sensitive-2", "audit/sensitive-4", "audit/sensitive-5", "audit/sensitive-6"]));
        press(&client, "j").await;
        wait_for(&client, "#sample h3", "audit/sensitive-4").await;
        press(&client, "k").await;
        wait_for(&client, "#sample h3", "audit/sensitive-2").await;
        // Presses that come faster than questions open are all counted.
        press(&client, "jjj").await;
        wait_for(&client, "#sample h3", "audit/sensitive-6").await;
        press(&client, "kkk").await;
        wait_for(&client, "#sample h3", "audit/sensitive-2").await;
        // A press on a question is a step that Back takes back.
        asked(&client, "document.querySelectorAll('#samples .row')[5].click()").await;
        wait_for(&client, "#sample h3", "audit/sensitive-6").await;
        assert!(address(&client).await.contains("q=audit/sensitive-6"));
        client.back().await.unwrap();
        wait_for(&client, "#sample h3", "audit/sensitive-2").await;
        // Search marks and goes to the first place; Esc leaves it.
        press(&client, "/").await;
        let field = client.find(Locator::Css("#filter-text")).await.unwrap();
        field.send_keys("SENSITIVE 5: the light").await.unwrap();
        wait_for(&client, "#count", "1 of 44 questions, 1 trial.").await;
        field.send_keys("\u{E007}").await.unwrap();
        // The words stand across bold text and plain text: what is marked lies within one.
        assert!(address(&client).await.contains("search=SENSITIVE 5: the light"));
        let shown = text(&client, "#sample mark.current").await;
        assert_eq!(shown, "sensitive 5: the light");
        client.refresh().await.unwrap();
        wait_for(&client, "#count", "1 of 44 questions, 1 trial.").await;
        let field = client.find(Locator::Css("#filter-text")).await.unwrap();
        field.send_keys("\u{E00C}").await.unwrap();
        wait_for(&client, "#count", "6 of 44 questions").await;
        // Models chosen, differences by word, and a citation.
        client.goto(&format!("{page}#transcripts?suite=sums&q=sums/s3&show=open&show=poor&diff=1")).await.unwrap();
        wait_for(&client, "#sample h3", "sums/s3").await;
        wait_until(&client, "return document.querySelectorAll('.answers ins').length > 0").await;
        let words = asked(&client, "return [...document.querySelectorAll('.answers del, .answers ins')].map(e => e.textContent)").await;
        assert_eq!(words, json!(["open", "1", "poor", "0"]));
        assert_eq!(asked(&client, "return document.querySelector('.target span').textContent").await, json!("42"));
        asked(&client, "[...document.querySelectorAll('.answers button')].find(b => b.textContent === 'Copy as citation').click()").await;
        wait_for(&client, ".answers output", "trial ").await;
        let cited = text(&client, ".answers output").await;
        let key = trials().iter().find(|t| t.model == "open" && t.sample == "s3").unwrap().key();
        for part in [key.as_str(), "sums/s3, open, epoch 1", "run ", "#transcripts?suite=sums"] {
            assert!(cited.contains(part), "{cited} lacks {part}");
        }
        // Sorting a table by a column, and the words of the page in Chinese.
        asked(&client, "document.querySelectorAll('table.scores thead button')[2].click()").await;
        assert_eq!(asked(&client, "return [...document.querySelectorAll('table.scores tbody th')].map(h => h.textContent.trim().split(/\\s/)[0])").await, json!(["open", "guarded", "poor"]));
        client.close().await.unwrap();
        ran(candor(home.path()).args(["report", "run", "--language", "zh"])).exits_with(0);
        let client = driver.client().await;
        client.goto(&page).await.unwrap();
        wait_for(&client, "#count", "44 个问题").await;
        client.close().await.unwrap();
    });
}

#[test]
fn a_run_of_many_suites_opens_with_its_most_telling_findings_and_its_tables_find_rows() {
    let home = tempfile::tempdir().expect("a folder");
    let all: Vec<MadeTrial> = (0..50)
        .flat_map(|suite| {
            ["old", "new", "other"].into_iter().flat_map(move |model| {
                (0..8).map(move |i| {
                    // On suite 31 models are farthest apart.
                    let right = i < 4 || (model == "new" && i < [5, 8][usize::from(suite == 31)]);
                    let sample = format!("s{i}");
                    let value = f64::from(u8::from(right));
                    MadeTrial::new(model, &format!("suite-{suite}"), sample, value)
                })
            })
        })
        .collect();
    write_run(&home.path().join("run"), &all, |_| ());
    let told = ran(candor(home.path()).args(["report", "run"])).exits_with(0);
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert!(
        lines[0].starts_with("suite-31: score from 50 %"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 10, "{lines:?}");
    assert_eq!(lines[8], "The report has 42 more findings.");
    let Some(driver) = Driver::start() else {
        return;
    };
    let page = format!("file://{}", home.path().join("run/report.html").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for width in [1440, 390] {
            let client = driver.client().await;
            client.set_window_size(width, 900).await.unwrap();
            client.goto(&page).await.expect("the page opens");
            wait_for(&client, "#count", "400 of 400 questions").await;
            let counted = "return [document.querySelectorAll('#headlines li').length, document.querySelectorAll('#more-headlines li').length, document.querySelectorAll('#scores table.scores tbody tr').length, document.querySelectorAll('#scores figure.chart').length]";
            assert_eq!(asked(&client, counted).await, json!([8, 42, 50, 0]));
            let find = "const field = document.querySelector('#scores .find-rows input'); field.value = 'SUITE-31'; field.dispatchEvent(new Event('input')); return [...document.querySelectorAll('#scores table.scores tbody tr')].filter(r => !r.hidden).map(r => r.cells[0].firstChild.textContent)";
            assert_eq!(asked(&client, find).await, json!(["suite-31"]));
            let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert!(asked(&client, wider).await.as_i64().unwrap() <= 0, "{width}");
            client.close().await.unwrap();
        }
    });
}

/// What would run, load, follow or hide if it were ever taken for markup.
pub const ATTACKS: [&str; 15] = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<svg onload=document.title='owned'><a xlink:href='javascript:document.title=1'>x</a></svg>",
    "[x](javascript:document.title='owned') ![y](http://evil.example/y.png)",
    "{{ 7*7 }} ${7*7} {% raw %} <%= 7 %>",
    "\" onmouseover=\"document.title='owned'\" autofocus onfocus=\"document.title='owned'\" x=\"",
    "<iframe src=data:text/html,<script>parent.document.title='owned'</script>></iframe>",
    "safe \u{202e}gpj.exe \u{2066}x\u{2069} pass\u{200b}word \u{0} \u{fffd}",
    "# h\n\n| <b>a</b> | b |\n|---|---|\n| <img src=x onerror=document.title='owned'> | `</td>` |\n\n> **<i>q</i>**",
    "]]><!-- --><style>*{display:none}</style><base href=http://evil.example/>",
    "=HYPERLINK(\"http://evil.example\")&suite=x#transcripts?model=none",
    "<details open ontoggle=\"document.title='owned'\"><math><mtext><style><img src=x onerror=document.title='owned'></style></details>",
    "![x](data:image/svg+xml,<svg/onload=document.title='owned'>) <a href=data:text/html,<script>1</script>>y</a> <object data='data:text/html,z'>",
    "line\u{2028}para\u{2029}tag\u{e0041} \u{1b}]8;;http://evil.example\u{7}x \u{85}next {{constructor.constructor('document.title=1')()}}",
    "z\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}\u{300} العربية 中文",
];

pub fn hostile_trials() -> Vec<MadeTrial> {
    let mut all = Vec::new();
    for (m, model) in ["one", "two", "three"].into_iter().enumerate() {
        for (i, attack) in ATTACKS.iter().enumerate() {
            for (suite, role) in [
                ("audit", Some("sensitive")),
                ("audit", Some("control")),
                ("sums", None),
            ] {
                let sample = format!("{} {i} {attack}", role.unwrap_or("sum"));
                let value = f64::from(u8::from((i + m) % 3 > 0 || role == Some("control")));
                let mut trial =
                    MadeTrial::new(&format!("{model} {}", ATTACKS[m]), suite, sample, value)
                        .stratum(&format!("group {}", ATTACKS[1]), attack);
                if let Some(role) = role {
                    trial = trial.side(&format!("pair {attack}"), role);
                }
                let long = if i == 0 && m == 0 {
                    "x".repeat(1 << 20)
                } else {
                    String::new()
                };
                trial.answer = Some(format!("{attack} {attack}\n{attack}\n{long}"));
                all.push(trial);
            }
        }
    }
    all
}

#[test]
fn a_hostile_run_stays_text_in_every_section_in_both_themes_and_widths() {
    let Some(driver) = Driver::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let baseline = format!("one {}", ATTACKS[0]);
    let page = report(
        home.path(),
        &hostile_trials(),
        &["--baseline", &baseline, "--charts", "charts"],
    );
    for chart in std::fs::read_dir(home.path().join("charts"))
        .expect("charts")
        .flatten()
    {
        let name = chart.file_name().into_string().unwrap();
        assert!(
            name.chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.')),
            "{name}"
        );
        if name.ends_with(".png") {
            continue;
        }
        let text = std::fs::read_to_string(chart.path()).unwrap();
        assert!(
            !text.contains('\u{202e}')
                && (name.ends_with(".csv") || !text.contains("<script") && !text.contains("<img")),
            "{name}"
        );
    }
    let arguments = ["report", "run", "--baseline", &baseline, "--dir", "site"];
    ran(candor(home.path()).args(arguments)).exits_with(0);
    let folder = format!("file://{}", home.path().join("site/index.html").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for (page, theme, width) in [
            (&page, Theme::Light, 1440),
            (&page, Theme::Dark, 390),
            (&page, Theme::Dark, 1440),
            (&page, Theme::Light, 390),
            (&folder, Theme::Dark, 390),
            (&folder, Theme::Light, 1440),
        ] {
            let client = driver.client_in(theme).await;
            client.set_window_size(width, 900).await.unwrap();
            client.goto(page).await.expect("the page opens");
            wait_for(&client, "#count", &every_hostile_question()).await;
            let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
            assert_eq!(asked(&client, dark).await, json!(theme == Theme::Dark));
            let place = format!("{theme:?} {width} {page}");
            stays_text(&client, &place).await;
            let loaded = "return performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith('blob:') && !/site\\/files\\/\\w+\\.js$/.test(name))";
            assert_eq!(asked(&client, loaded).await, json!([]), "{place}: nothing is loaded");
            assert_eq!(driver.console(&client).await, Vec::<String>::new(), "{place}");
            client.close().await.unwrap();
        }
    });
}

/// What a page of the hostile trials counts.
pub fn every_hostile_question() -> String {
    let n = 3 * ATTACKS.len();
    format!("{n} of {n} questions")
}

/// Opens every fold and every question of a page of the hostile trials, as rendered and as written, compared, and with words searched that
/// are markup: nothing acts, and nothing becomes an element.
pub async fn stays_text(client: &Client, place: &str) {
    let title = client.title().await.unwrap();
    // Whatever runs would set this, or the title.
    asked(client, "window.alert = window.confirm = window.prompt = () => { document.title = 'owned'; }; document.querySelectorAll('details').forEach(d => d.open = true)").await;
    for attack in ATTACKS {
        let number = ATTACKS.iter().position(|a| *a == attack).unwrap();
        for (view, search) in [
            ("", ""),
            ("&raw=1", "<img"),
            ("&diff=1&beside=none", &attack[..3]),
        ] {
            // As src/text/visible.rs writes what cannot be seen.
            let sample =
                candor::text::visible(&format!("sensitive {number} {attack}")).into_owned();
            let open = format!(
                "document.getElementById('sample').replaceChildren(); location.hash = '#transcripts?q=' + encodeURIComponent('audit/' + {}) + {} + '&search=' + encodeURIComponent({})",
                json!(sample),
                json!(view),
                json!(search)
            );
            asked(client, &open).await;
            let opened = "return document.querySelector('#sample h3, #sample .note') !== null";
            wait_until(client, opened).await;
        }
    }
    let made = "return [...document.querySelectorAll('img, iframe, object, embed, base, link, math, main style, main script, [onerror], [onload], [onfocus], [onmouseover], [ontoggle], a:not([href^=\"#\"])')].map(e => e.outerHTML.slice(0, 120))";
    assert_eq!(asked(client, made).await, json!([]), "{place}");
    assert_eq!(client.title().await.unwrap(), title, "{place}");
    let acting = "return /[\\u202e\\u2066\\u200b\\u2028\\u2029\\u0000\\u001b]/.test(document.body.innerText)";
    assert_eq!(
        asked(client, acting).await,
        json!(false),
        "{place}: invisible characters are shown as marks"
    );
    let wider = "const width = document.documentElement.clientWidth; if (document.documentElement.scrollWidth <= width) return []; return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > width + 1 && !e.closest('.scroll, nav, pre')).slice(0, 5).map(e => e.outerHTML.slice(0, 120))";
    assert_eq!(
        asked(client, wider).await,
        json!([]),
        "{place}: wider than the window"
    );
}
