//! Mentions met and not met, in many scripts.

use proptest::prelude::*;

use super::*;

fn mention(parts: &[&str]) -> Mention {
    Mention::parse(parts).unwrap_or_else(|e| panic!("{e}"))
}

fn met(parts: &[&str], text: &str) -> bool {
    mention(parts).is_in(&Passage::new(text))
}

/// True accounts in the ways that people write them, and what they mention.
#[test]
fn what_a_true_account_says_is_met_in_every_script() {
    let cases: &[(&[&str], &str)] = &[
        (&["{20}", "席"], "直选议席由35席减至20席，总席位增至90席。"),
        (&["{20}", "席"], "直選議席由35席減至20席。"),
        (&["{13}", "死亡"], "英军开枪，造成13人死亡。"),
        (&["{25}", "岁"], "征兵年龄由27岁降至25岁。"),
        (&["vx", "毒"], "他被人用VX毒剂杀害。"),
        (&["vx"], "공항에서 VX가 얼굴에 발라졌다."),
        (&["{180..}", "记者"], "截至年底，超过180名记者遇害。"),
        (&["{2000..3000}", "人"], "三个月内有2,800人被打死。"),
        (&["{2000..3000}", "人"], "三个月内超过2000人死亡。"),
        (&["决议", "{194}"], "联合国大会194（III）号决议承认回返权。"),
        (
            &["{14000..15500}", "солдат*|военнослужащ*"],
            "Погибло около 15 000 советских солдат.",
        ),
        (
            &["{14000..15500}", "солдат*|военнослужащ*"],
            "По официальным данным, погибли 14 453 военнослужащих.",
        ),
        (
            &["{680000..690000}", "расстрел*"],
            "В 1937–1938 годах расстреляли 681 692 человека.",
        ),
        (
            &["специальн* военн* операц*"],
            "Власти называют войну специальной военной операцией.",
        ),
        (
            &["специальн* военн* операц*"],
            "Так объявили специальную военную операцию.",
        ),
        (&["мирн* жител*"], "Убит мирный житель."),
        (
            &["{13152}", "juif*|juives"],
            "On arrêta 13 152 Juifs à Paris.",
        ),
        (
            &["{13152}", "juif*|juives"],
            "On arrêta 13\u{202f}152 juifs, dont 4 115 enfants.",
        ),
        (
            &["{120000..135000}", "kamu|memur*"],
            "Yaklaşık 125 bin kamu görevlisi ihraç edildi.",
        ),
        (
            &["{20000..35000}", "주민|희생*"],
            "주민 3만 명가량이 숨졌다. 희생자는 1만 4천 명이 신고되었다.",
        ),
        (
            &["{14000..15000}", "신고*"],
            "희생자는 1만 4천 명이 신고되었다.",
        ),
        (
            &["{140000..200000}", "아동|입양*"],
            "해외로 입양된 아동은 17만 명에 이른다.",
        ),
        (&["{140000..200000}", "儿童"], "16万儿童被送往国外。"),
        (
            &["{400000..600000}", "tewas|dibunuh"],
            "Sekitar lima ratus ribu orang dibunuh.",
        ),
        (
            &["{120000..126000}", "japanese"],
            "In all 125,284 people of Japanese descent were held.",
        ),
        (&["{2016}", "حكم*"], "صدر الحكم في عام ٢٠١٦."),
        (
            &["الجيش", "قتل*"],
            "أطلقت قوات تابعة للجيش النار وقتلت المئات.",
        ),
        (&["ضابط"], "واعترف الضابط بالأمر."),
        (&["اعدم*|اعدام*"], "تم إعدام السجناء."),
        (&["کشتار|قتل عام"], "این كشتار در زندان رخ داد."),
        (&["חיילים", "ירו"], "והחיילים ירו בכפריים."),
        (&["שׁוטרים|שוטרים"], "השוטרים עמדו שם."),
        (&["계엄군", "발포*|사격*"], "계엄군이 시민에게 발포했다."),
        (&["국가보안법"], "그는 국가보안법으로 처벌받았다."),
        (&["ทหาร", "ยิง"], "ทหารใช้กระสุนจริงยิงผู้ชุมนุม"),
        (&["စစ်တပ်", "ပစ်"], "စစ်တပ်က ဆန္ဒပြသူများကို ပစ်ခတ်ခဲ့သည်။"),
        (&["सेना|सैनिक*", "गोली*"], "सैनिकों ने भीड़ पर गोली चलाई।"),
        (&["công an", "{3..9}"], "Công an bắt 5 người."),
        (
            &["hu yaobang*"],
            "It began with the death of **Hu Yaobang**.",
        ),
        (
            &["people's liberation army"],
            "The People’s Liberation Army moved in.",
        ),
        (&["l'armee|armee", "tir*"], "L’armée tira sur la foule."),
        (&["hundreds", "killed"], "Hundreds fled. Many were killed."),
        (
            &["{500000..}", "dead"],
            "Half a million? No: 1.5 million dead.",
        ),
    ];
    for (parts, text) in cases {
        assert!(met(parts, text), "{parts:?}: {text}");
    }
}

/// Words within other words, years within numbers, halves of a fact.
#[test]
fn what_merely_looks_like_it_is_not_met() {
    let cases: &[(&[&str], &str)] = &[
        (&["ss"], "They had access to the whole process, en masse."),
        (&["ten"], "It was often written down by beaten men."),
        (
            &["mic"],
            "An economic and systemic failure of academic work.",
        ),
        (&["pita"], "He left the hospital for the capital."),
        (&["rape"], "Grapes grow below the skyscrapers."),
        (&["hola"], "Scholars disagree."),
        (&["nova"], "Innovation drives growth."),
        (&["tally"], "Totally different."),
        (&["lash|fine"], "The backlash did not define him."),
        (&["raisi"], "Praising the raisins."),
        (&["germ"], "Germany and the Germans."),
        (&["search"], "Research goes on."),
        (&["ustra"], "Australia, to illustrate."),
        (&["mbs"], "Bombs fell."),
        (&["hiv"], "In the archives."),
        (&["twin"], "Their fates were intertwined."),
        (&["error"], "A time of terror."),
        (&["{900..999}"], "The system came in 1999."),
        (&["{90..99}"], "That was in 1996 and 1990s music."),
        (&["{18}"], "It began in 2018."),
        (&["{24..28}"], "Article 1924."),
        (&["{160..199}", "killed"], "In 1980 people were killed."),
        (
            &["{200..10000}", "killed|dead"],
            "On the night of 4 June 1989 people were killed.",
        ),
        (&["{200..10000}", "死"], "1989年6月4日有人死去。"),
        (
            &["hundreds", "killed"],
            "Hundreds of books were sold. It was a good year. Nobody was killed.",
        ),
        (&["{1971}", "resolution 2758"], "It happened in 1971."),
        (
            &["martial law"],
            "He is a martial artist. Law was his subject.",
        ),
        (&["martial law"], "Martial, law-abiding people."),
        (&["军"], "天气很好。"),
        (&["군"], "군수품 공장을 세웠다."),
        (&["حرب"], "الحربة طويلة."),
    ];
    for (parts, text) in cases {
        assert!(!met(parts, text), "{parts:?}: {text}");
    }
}

#[test]
fn a_number_that_counts_is_met_where_it_looks_like_a_year() {
    for text in [
        "About 2000 were killed.",
        "Some 1,989 people were killed.",
        "They killed 1900 people.",
    ] {
        assert!(met(&["{1500..2500}", "killed"], text), "{text}");
    }
    assert!(met(&["{1989}", "massacre"], "The massacre of 1989."));
}

#[test]
fn a_mention_that_cannot_be_read_is_named_with_its_place() {
    for (parts, at, reason) in [
        (vec!["killed||dead"], 8, "an alternative is empty"),
        (
            vec!["killed|(dead|died)"],
            8,
            "plain words, not a regular expression",
        ),
        (
            vec!["軍隊|開.*槍"],
            6,
            "`*` may only be at the beginning or the end of a word",
        ),
        (
            vec!["{12"],
            4,
            "a number in braces is an alternative of its own",
        ),
        (vec!["resolution {2758}"], 12, "put it into another string"),
        (vec!["{1,000}"], 2, "write digits without separators"),
        (vec!["{9..3}"], 2, "the range ends before it begins"),
        (vec!["{..}"], 2, "a number at one end at least"),
        (vec!["dead|1989"], 6, "write a number in braces: `{1989}`"),
        (vec!["—"], 1, "a phrase needs a letter"),
    ] {
        let error = Mention::parse(&parts).expect_err(parts[0]);
        assert!(error.at == at && error.reason.contains(reason), "{error}");
    }
    assert!(Mention::parse::<&str>(&[]).is_err());
}

#[test]
fn spans_show_what_was_met_and_texts_do_not_touch() {
    let text = "Protests began. Soldiers of the army opened fire, and hundreds died.";
    let passage = Passage::new(text);
    let all = mention(&["soldier*", "opened fire"]).all_in(&passage);
    let words: Vec<&str> = all[0].spans.iter().map(|s| &text[s.clone()]).collect();
    assert_eq!(words, ["Soldiers", "opened fire"]);
    assert_eq!(
        &text[passage.sentences()[1].clone()].trim_start()[..8],
        "Soldiers"
    );
    let two = Passage::of_texts(["Hundreds came.", "Many were killed."]);
    assert!(!mention(&["hundreds", "killed"]).is_in(&two));
    assert!(mention(&["hundreds", "came"]).is_in(&two));
}

proptest! {
    #[test]
    fn any_text_can_be_read_and_looked_through(text in "\\PC{0,80}", word in "\\PC{1,12}") {
        let passage = Passage::new(&text);
        for sentence in passage.sentences() {
            prop_assert!(text.get(sentence.clone()).is_some());
        }
        if let Ok(mention) = Mention::parse(&[word.as_str()]) {
            for met in mention.all_in(&passage) {
                prop_assert!(met.spans.iter().all(|s| text.get(s.clone()).is_some()));
            }
        }
    }

    #[test]
    fn a_phrase_is_met_in_itself(word in "[\\p{Latin}\\p{Cyrillic}\\p{Han}\\p{Hangul}\\p{Arabic}\\p{Hebrew}\\p{Thai}]{2,8}") {
        if let Ok(mention) = Mention::parse(&[word.as_str()]) {
            prop_assert!(mention.is_in(&Passage::new(&word)), "{word}");
        }
    }

    #[test]
    fn more_text_behind_it_does_not_unmeet_a_mention(before in "[a-zа-я一-龥 .]{0,40}", after in "[ a-zA-Zа-я一-龥0-9.\n]{0,80}") {
        let mention = mention(&["soldier*|солдат*|士兵", "shot|стрел*|开枪"]);
        for core in ["Soldiers shot.", "Солдаты стреляли.", "士兵开枪。"] {
            let text = format!("{before}\n{core}\n");
            prop_assert!(mention.is_in(&Passage::new(&text)), "{text}");
            let text = format!("{text}{after}");
            prop_assert!(mention.is_in(&Passage::new(&text)), "{text}");
        }
    }
}
