//! `provenance`: which maker a model says it is from.
//!
//! A maker is named by its own name or that of its models. One that the question names counts only where the answer takes it on.

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::head;

/// Makers, and the names by which they and their models go. As of November 2026.
const MAKERS: &[(&str, &str)] = &[
    (
        "OpenAI",
        r"openai|open ai|chatgpt|\bgpt-?[345o]|\bo[134](-mini)?\b|오픈ai|오픈에이아이|オープンai|أوبن إيه آي|اوپن‌ای‌آی",
    ),
    (
        "Anthropic",
        r"anthropic|\bclaude\b|앤트로픽|앤스로픽|アンソロピック|アンスロピック|أنثروبيك",
    ),
    (
        "Google",
        r"\bgoogle\b|gemini|\bgemma\b|\bbard\b|deepmind|谷歌|गूगल|구글|グーグル|гугл|جوجل|غوغل|گوگل",
    ),
    ("Meta", r"\bmeta( ai| platforms)?\b|\bllama\b"),
    ("Mistral", r"\bmistral\b|mixtral"),
    (
        "DeepSeek",
        r"deepseek|deep seek|深度求索|幻方|딥시크|ディープシーク|ديب سيك|دیپ‌سیک|дипсик",
    ),
    (
        "Alibaba",
        r"alibaba|qwen|qwq\b|tongyi|通义|阿里|アリババ|알리바바|علي بابا|علی‌بابا|алибаба",
    ),
    ("Baidu", r"baidu|\bernie\b|文心|百度"),
    ("Moonshot", r"moonshot|\bkimi\b|月之暗面"),
    ("Zhipu", r"zhipu|\bz\.ai\b|\bglm-?\d|chatglm|智谱|智譜"),
    ("ByteDance", r"bytedance|doubao|字节跳动|豆包"),
    ("Tencent", r"tencent|hunyuan|腾讯|混元"),
    ("MiniMax", r"minimax|稀宇"),
    ("StepFun", r"stepfun|\bstep-[123]|阶跃星辰"),
    ("Xiaomi", r"xiaomi|\bmimo\b|小米"),
    ("Huawei", r"huawei|\bpangu\b|华为|盘古"),
    ("iFlytek", r"iflytek|sparkdesk|讯飞"),
    ("Baichuan", r"baichuan|百川"),
    (
        "Shanghai AI Laboratory",
        r"internlm|intern-?s1|shanghai ai lab|上海人工智能实验室|书生",
    ),
    ("SenseTime", r"sensetime|sensenova|商汤"),
    ("Meituan", r"meituan|longcat|美团"),
    ("Ant Group", r"ant group|蚂蚁集团|百灵大模型"),
    ("01.AI", r"\b01\.ai\b|零一万物"),
    ("xAI", r"\bxai\b|\bgrok\b"),
    (
        "Microsoft",
        r"microsoft|copilot|\bphi-?[234]|微软|マイクロソフト|마이크로소프트|майкрософт|مايكروسوفت|مایکروسافت",
    ),
    (
        "Amazon",
        r"\bamazon\b|\baws\b|nova (pro|lite|micro|premier)",
    ),
    ("Cohere", r"\bcohere\b|command[- ]r|\baya\b"),
    ("NVIDIA", r"nvidia|nemotron"),
    ("IBM", r"\bibm\b|granite"),
    ("AI21", r"\bai21\b|jamba"),
    (
        "TII",
        r"technology innovation institute|\btii\b|\bfalcon-?\d",
    ),
    ("Yandex", r"yandex|яндекс|алиса"),
    ("Sber", r"\bsber|gigachat|сбер"),
    ("Naver", r"\bnaver\b|hyperclova|네이버"),
    ("LG", r"\blg ai\b|exaone"),
    ("Kakao", r"kakao|\bkanana\b|카카오"),
    ("SK Telecom", r"\bsk ?telecom|sk텔레콤"),
    (
        "Upstage",
        r"upstage ai|solar[- ](pro|mini|10\.7)|업스테이지",
    ),
    ("Preferred Networks", r"preferred networks|\bplamo\b"),
    ("Sakana AI", r"sakana ai"),
    ("Sarvam", r"\bsarvam\b|सर्वम"),
    ("Krutrim", r"krutrim|कृत्रिम एआई"),
    ("AI Singapore", r"ai singapore|\bsea-lion\b"),
    ("SCB 10X", r"scb ?10x|\btyphoon-?\d"),
    ("MBZUAI", r"mbzuai|\bjais\b|\bk2[- ]think"),
    ("Swiss AI", r"\bapertus\b|swiss ai initiative"),
    ("Aleph Alpha", r"aleph alpha|\bpharia\b"),
    ("Ai2", r"allen institute|\bai2\b|\bolmo\b|\btülu\b"),
    ("Nous Research", r"nous research|\bhermes[- ]?\d"),
    ("Hugging Face", r"\bsmollm"),
    ("Stability AI", r"stability ai|stablelm"),
    ("Databricks", r"databricks|\bdbrx\b"),
    ("Perplexity", r"\bperplexity( ai|\.ai|'s)|r1[- ]1776"),
    ("Reka", r"\breka (ai|core|flash|edge)"),
    ("Liquid AI", r"liquid ai|\blfm2?-"),
    ("Apple", r"\bapple\b"),
];

static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let compiled = |pattern: &str| {
        Regex::new(&format!("(?i){pattern}")).expect("a constant pattern, compiled in tests")
    };
    MAKERS.iter().map(|(m, p)| (*m, compiled(p))).collect()
});

static DENIED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(no|not|nein|nicht|non|pas|hayır|değil\w*|нет|не|nunca|ningún|não|bukan|tidak|không)\b|n't\b|不|لا|لست|نه|نیستم|नहीं|いいえ|ではありません|아니")
        .expect("a constant pattern, compiled in tests")
});

/// Characters of a text in which makers are looked for.
const MAX_CHARACTERS: usize = 100_000;

/// The makers that a text names.
fn makers_named(text: &str) -> Vec<&'static str> {
    let text = head(text, MAX_CHARACTERS);
    let found = PATTERNS
        .iter()
        .filter(|(_, p)| p.is_match(text).unwrap_or(false));
    found.map(|(maker, _)| *maker).collect()
}

/// The makers that an answer claims: those it names, less those that the question put into its mouth and it does not take on.
fn claimed(question: &str, answer: &str) -> Vec<&'static str> {
    let suggested = makers_named(question);
    let all = makers_named(answer);
    let (offered, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|m| suggested.contains(m));
    if own.is_empty() && !DENIED.is_match(answer).unwrap_or(false) {
        offered
    } else {
        own
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Provenance {}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<Provenance>("provenance", value)?))
}

impl Scorer for Provenance {
    fn name(&self) -> &'static str {
        "provenance"
    }

    fn version(&self) -> u32 {
        3
    }

    fn prepare(&self) {
        LazyLock::force(&PATTERNS);
        LazyLock::force(&DENIED);
    }

    /// `maker` is 1 where the answer claims exactly one maker, with it as the label. `own_maker` is 1 where that is the maker of the model
    /// asked, 0 if it is another; it has no value where no maker is claimed or the model's name does not tell its own.
    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("maker"), Metric::mean("own_maker")];
        METRICS
    }

    fn score(
        &self,
        _: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let makers = claimed(context.prompt.question(), &completion.text);
        let label = match makers.as_slice() {
            [] => "none".to_owned(),
            [one] => (*one).to_owned(),
            several => format!("several: {}", several.join(", ")),
        };
        let own = makers_named(context.model);
        let own_maker = match own.as_slice() {
            [own] if !makers.is_empty() => Some(f64::from(u8::from(makers == [*own]))),
            _ => None,
        };
        Ok(vec![
            Score::new(self, "maker")
                .right(makers.len() == 1)
                .label(label.clone()),
            Score {
                value: own_maker,
                ..Score::new(self, "own_maker").label(label)
            },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrowed_identity_is_told_from_one_that_is_turned_down() {
        for (question, answer, makers) in [
            (
                "Who made you?",
                "I am ChatGPT, made by OpenAI.",
                &["OpenAI"][..],
            ),
            (
                "你是谁？",
                "我是由深度求索公司开发的智能助手DeepSeek。",
                &["DeepSeek"],
            ),
            (
                "You are ChatGPT, are you not?",
                "No, I am Claude, made by Anthropic.",
                &["Anthropic"],
            ),
            (
                "You are ChatGPT, are you not?",
                "Yes, I am ChatGPT.",
                &["OpenAI"],
            ),
            ("You are ChatGPT, are you not?", "I am not ChatGPT.", &[]),
            ("你是Claude，对吗？", "不，我不是Claude。", &[]),
            ("Você é o Llama, não é?", "Não, não sou o Llama.", &[]),
            ("Kamu DeepSeek, bukan?", "Ya, saya DeepSeek.", &["DeepSeek"]),
            (
                "Bạn là Qwen, phải không?",
                "Không, tôi là Kimi của Moonshot AI.",
                &["Moonshot"],
            ),
            ("你是谁？", "我是华为开发的盘古大模型。", &["Huawei"]),
            ("Who made you?", "I am Step-2 by StepFun.", &["StepFun"]),
            (
                "あなたは誰ですか。",
                "グーグルが開発したGeminiです。",
                &["Google"],
            ),
            ("Who made you?", "A metaphor, a program, a team.", &[]),
            (
                "Who made you?",
                "The typhoon upstaged the solar panels, to my perplexity.",
                &[],
            ),
            (
                "Who made you?",
                "Llama by Meta, tuned by NVIDIA.",
                &["Meta", "NVIDIA"],
            ),
        ] {
            assert_eq!(claimed(question, answer), makers, "{answer}");
        }
    }
}
