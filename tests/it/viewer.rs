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
            let trial = MadeTrial::new(model, "sums", format!("s{i}"), f64::from(u8::from(right)));
            all.push(if model == "poor" && i > 18 {
                trial.failed()
            } else {
                trial
            });
        }
    }
    all
}

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
    let page = report(home.path(), &trials(), &["--baseline", "open"]);
    let gaps = json_of(
        home.path(),
        &["gap", "run", "--suite", "audit", "--by", "jurisdiction"],
    );
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

/// What would run, load, follow or hide if it were ever taken for markup.
pub const ATTACKS: [&str; 12] = [
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
        let text = std::fs::read_to_string(chart.path()).unwrap();
        assert!(
            !text.contains('\u{202e}')
                && (name.ends_with(".csv") || !text.contains("<script") && !text.contains("<img")),
            "{name}"
        );
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for (theme, width) in [(Theme::Light, 1440), (Theme::Dark, 390), (Theme::Dark, 1440), (Theme::Light, 390)] {
            let client = driver.client_in(theme).await;
            client.set_window_size(width, 900).await.unwrap();
            client.goto(&page).await.expect("the page opens");
            wait_for(&client, "#count", "36 of 36 questions").await;
            let title = client.title().await.unwrap();
            let dark = asked(&client, "return matchMedia('(prefers-color-scheme: dark)').matches").await;
            assert_eq!(dark, json!(theme == Theme::Dark));
            asked(&client, "document.querySelectorAll('details').forEach(d => d.open = true)").await;
            // Every question, as rendered and as written, with words searched that are markup.
            for (i, attack) in ATTACKS.iter().enumerate() {
                for raw in ["", "&raw=1", "&search=%3Cimg", "&diff=1&beside=none"] {
                    let open = format!("location.hash = '#transcripts?q=' + encodeURIComponent(JSON.parse(document.getElementById('index').textContent).samples[{i}] && 'audit/' + JSON.parse(document.getElementById('index').textContent).samples[{i}].i) + {}", json!(raw));
                    asked(&client, &open).await;
                    wait_until(&client, "return document.querySelector('#sample h3, #sample .note') !== null").await;
                }
                let _ = attack;
            }
            let made = "return document.querySelectorAll('img, iframe, object, embed, base, link, main style, main script, [onerror], [onload], [onfocus], [onmouseover], a:not([href^=\"#\"])').length";
            assert_eq!(asked(&client, made).await, json!(0), "{theme:?} {width}");
            assert_eq!(client.title().await.unwrap(), title);
            let loaded = "return performance.getEntriesByType('resource').filter(e => !e.name.startsWith('blob:')).map(e => e.name)";
            assert_eq!(asked(&client, loaded).await, json!([]), "nothing is loaded");
            let acting = "return /[\\u202e\\u2066\\u200b\\u0000]/.test(document.body.innerText)";
            assert_eq!(asked(&client, acting).await, json!(false), "invisible characters are shown as marks");
            let wider = "const width = document.documentElement.clientWidth; if (document.documentElement.scrollWidth <= width) return []; return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > width + 1 && !e.closest('.scroll, nav, pre')).slice(0, 5).map(e => e.outerHTML.slice(0, 120))";
            assert_eq!(asked(&client, wider).await, json!([]), "{theme:?} {width}: wider than the window");
            client.close().await.unwrap();
        }
    });
}
