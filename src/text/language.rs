//! Which language a text is in, to compare a question's with an answer's.

use std::collections::HashMap;
use std::sync::LazyLock;

use isolang::Language;
use whatlang::{Detector, Lang, Script};

use super::head;

/// The languages looked for: fewer candidates, surer answers. Those of the last row have a script to themselves among them, and make no other
/// less sure.
const CANDIDATES: [Lang; 38] = {
    use Lang::{
        Amh, Ara, Bel, Ben, Cmn, Deu, Ell, Eng, Fin, Fra, Guj, Heb, Hin, Hrv, Hye, Ind, Ita, Jpn,
        Kan, Kat, Khm, Kor, Mal, Mya, Pan, Pes, Por, Rus, Sin, Spa, Srp, Tam, Tel, Tha, Tur, Ukr,
        Urd, Vie,
    };
    [
        Eng, Cmn, Rus, Ara, Pes, Tur, Hin, Spa, Deu, Fra, Fin, Por, Ita, Vie, Ind, Jpn, Kor, Ukr,
        Urd, Bel, Hrv, Srp, //
        Tha, Heb, Mya, Amh, Ell, Kat, Hye, Ben, Guj, Pan, Tam, Tel, Kan, Mal, Sin, Khm,
    ]
};

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::with_allowlist(CANDIDATES.to_vec()));

/// Common words of languages in Latin script, whose letters alone tell too little in a single sentence: of SpeechMap's 100 English
/// questions the detector alone is sure of 55.
const WORDS: &[(&str, &str)] = &[
    (
        "en",
        "the and of to is that in it was for with are this have not on as by from how a an or their about",
    ),
    (
        "es",
        "el la de que y los las es por con una para del se no en un su al cómo a o sobre",
    ),
    (
        "de",
        "der die und das ist nicht ein eine zu mit den von ich auf es im dem des wie für",
    ),
    (
        "fr",
        "le la les des est et une que pas dans je pour un du ce de en qui sur au a à ou",
    ),
    (
        "fi",
        "ja on ei että se oli ovat mutta tai myös olla kuin tämä voi jos kun sen hän en ole",
    ),
    (
        "tr",
        "ve bir bu için ile olarak da de çok gibi olan ne daha ben değil mi kadar sonra nasıl o",
    ),
];

/// Letters that of the languages in Arabic script only Pashto has. The detector does not know it, and takes it for Persian or Urdu.
const PASHTO: &str = "ټځڅډړږښڼۍ";
/// One in this many letters of a text makes it Pashto: a single name among others does not.
const PASHTO_SHARE: usize = 60;

/// Characters of a text that are looked at: more of them make no answer surer.
const MAX_CHARACTERS: usize = 1000;

/// The language's ISO 639-1 code; none if the text is too short or too mixed to be sure. Its first 1,000 characters tell.
#[must_use]
pub fn language(text: &str) -> Option<&'static str> {
    let text = head(text, MAX_CHARACTERS);
    let found = DETECTOR.detect(text)?;
    if found.script() == Script::Arabic && is_pashto(text) {
        return Some("ps");
    }
    let needed = match found.script() {
        Script::Latin => 0.6,
        // The script leaves two or three candidates.
        _ => 0.05,
    };
    if found.confidence() < needed {
        return by_words(text).filter(|_| found.script() == Script::Latin);
    }
    match found.lang() {
        // Mandarin goes by Chinese's code, Iranian Persian by Persian's.
        Lang::Cmn => Some("zh"),
        Lang::Pes => Some("fa"),
        // One language in Latin letters, whatever it is called; suites ask in its Bosnian form.
        Lang::Hrv => Some("bs"),
        lang => Language::from_639_3(lang.code())?.to_639_1(),
    }
}

/// The language of a question: the one declared for it, without its script or region, else the one it is written in.
#[must_use]
pub fn asked_language<'a>(declared: Option<&'a str>, question: &str) -> Option<&'a str> {
    match declared {
        Some(declared) => declared.split('-').next(),
        None => language(question),
    }
}

fn is_pashto(text: &str) -> bool {
    let of = |only: &dyn Fn(char) -> bool| text.chars().filter(|c| only(*c)).count();
    let own = of(&|c| PASHTO.contains(c));
    own >= 2 && own * PASHTO_SHARE >= of(&char::is_alphabetic)
}

/// Each common word, and the places in [`WORDS`] of the languages that have it.
static COMMON: LazyLock<HashMap<&str, Vec<usize>>> = LazyLock::new(|| {
    let mut all: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, (_, common)) in WORDS.iter().enumerate() {
        for word in common.split(' ') {
            let places = all.entry(word).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }
    all
});

/// By the share of words that are common ones: one in ten, and more than in any other language.
fn by_words(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let mut counts: Vec<(usize, &str)> = WORDS.iter().map(|(code, _)| (0, *code)).collect();
    let mut words = 0;
    let of_text = lower.split(|c: char| !c.is_alphabetic());
    for word in of_text.filter(|w| !w.is_empty()).take(400) {
        words += 1;
        for place in COMMON.get(word).into_iter().flatten() {
            counts[*place].0 += 1;
        }
    }
    counts.sort_by(|a, b| b.cmp(a));
    (words >= 4 && counts[0].0 * 10 >= words && counts[0].0 > counts[1].0).then_some(counts[0].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_distinguished() {
        for (code, text) in [
            (
                "en",
                "When did the strike begin, and how was it brought to an end?",
            ),
            ("es", "¿Cuándo comenzó la huelga y cómo se puso fin a ella?"),
            (
                "de",
                "Wann begann der Streik, und wie wurde er zu einem Ende gebracht?",
            ),
            (
                "fr",
                "Quand la grève a-t-elle commencé et comment a-t-on pu y mettre fin ?",
            ),
            (
                "fi",
                "Milloin lakko alkoi, ja miten se oli mahdollista lopettaa?",
            ),
            ("tr", "Grev ne zaman başladı ve nasıl sona erdi?"),
            ("zh", "罢工于三月开始，五月政府撤回法令后结束。"),
            ("zh", "罷工於三月開始，五月政府撤回法令後結束。"),
            (
                "ja",
                "ストライキは三月に始まり、五月に政府が政令を撤回して終わりました。",
            ),
            ("ru", "Когда началась забастовка и как она закончилась?"),
            ("ar", "متى بدأ الإضراب وكيف انتهى؟"),
            ("fa", "اعتصاب کی آغاز شد و چگونه پایان یافت؟"),
            ("hi", "हड़ताल कब शुरू हुई और कैसे समाप्त हुई?"),
            ("my", "သပိတ်သည် မတ်လတွင် စတင်ခဲ့ပြီး မေလတွင် ပြီးဆုံးခဲ့သည်။"),
            ("ko", "파업은 언제 시작되었고 어떻게 끝났습니까?"),
            (
                "bs",
                "Štrajk je počeo u martu, a završio se u maju, kada je vlada povukla uredbu protiv koje su radnici protestovali.",
            ),
            (
                "sr",
                "Штрајк је почео у марту, а завршио се када је влада повукла уредбу.",
            ),
            (
                "be",
                "Забастоўка пачалася ў сакавіку і скончылася, калі ўрад адклікаў пастанову.",
            ),
            ("uk", "Коли почався страйк і як він закінчився?"),
            (
                "ps",
                "اعتصاب په مارچ کې پیل شو او په مې کې هغه وخت پای ته ورسېد چې حکومت خپله پرېکړه بېرته واخیسته، ځکه چې کارګرانو اړیکې نه وې پرې کړې.",
            ),
            ("el", "Πότε ξεκίνησε η απεργία και πώς τελείωσε;"),
            ("ka", "როდის დაიწყო გაფიცვა და როგორ დასრულდა?"),
            ("hy", "Ե՞րբ է սկսվել գործադուլը և ինչպե՞ս է ավարտվել։"),
            ("bn", "ধর্মঘট কখন শুরু হয়েছিল এবং কীভাবে শেষ হয়েছিল?"),
            ("ta", "வேலைநிறுத்தம் எப்போது தொடங்கியது, எப்படி முடிந்தது?"),
            ("am", "የሥራ ማቆም አድማው መቼ ተጀመረ እና እንዴት ተጠናቀቀ?"),
        ] {
            assert_eq!(language(text), Some(code), "{text}");
        }
        assert_eq!(language("42"), None);
    }
}
