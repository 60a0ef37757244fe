//! Number words of the languages that part words with spaces, and of those whose scripts join them.
//!
//! A table is a list of words; a figure gives the value of the words after it. Words for a thousand and more are in [`super::scale`], with
//! those that follow digits; here are only the ones that a number may begin with.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::sum::Atom;

/// How one language says numbers.
pub(super) struct Lexicon {
    /// ISO 639-1.
    pub code: &'static str,
    /// Words that add: units, teens, tens, and hundreds that are one word.
    add: &'static str,
    /// Words below a thousand that multiply what is before them.
    times: &'static str,
    /// Words of ten that are joined to a unit to make a teen.
    teen: &'static str,
    /// Words for a thousand and more that may stand without a number before them.
    bare: &'static str,
    /// Words that may stand within a number and add nothing.
    pub and: &'static str,
    /// Numbers that are a word of another kind, or of another language, more often than not: they need company, or a text in this language.
    pub homographs: &'static str,
    /// Units come before tens: "fünfundzwanzig".
    pub units_first: bool,
    /// Words are joined without a space: "duecentomila".
    pub joined: bool,
}

const PLAIN: Lexicon = Lexicon {
    code: "",
    add: "",
    times: "",
    teen: "",
    bare: "",
    and: "",
    homographs: "",
    units_first: false,
    joined: false,
};

pub(super) const LEXICONS: &[Lexicon] = &[
    Lexicon {
        code: "en",
        add: "0 zero 1 one 2 two 3 three 4 four 5 five 6 six 7 seven 8 eight 9 nine 10 ten 11 eleven 12 twelve 13 thirteen 14 fourteen \
            15 fifteen 16 sixteen 17 seventeen 18 eighteen 19 nineteen 20 twenty 30 thirty 40 forty fourty 50 fifty 60 sixty \
            70 seventy 80 eighty 90 ninety 0.5 half",
        times: "100 hundred",
        and: "and a",
        ..PLAIN
    },
    Lexicon {
        code: "es",
        add: "0 cero 1 uno una un 2 dos 3 tres 4 cuatro 5 cinco 6 seis 7 siete 8 ocho 9 nueve 10 diez 11 once 12 doce 13 trece \
            14 catorce 15 quince 16 dieciséis dieciseis 17 diecisiete 18 dieciocho 19 diecinueve 20 veinte 21 veintiuno veintiún \
            veintiuna 22 veintidós veintidos 23 veintitrés veintitres 24 veinticuatro 25 veinticinco 26 veintiséis veintiseis \
            27 veintisiete 28 veintiocho 29 veintinueve 30 treinta 40 cuarenta 50 cincuenta 60 sesenta 70 setenta 80 ochenta \
            90 noventa 100 cien ciento 200 doscientos doscientas 300 trescientos trescientas 400 cuatrocientos cuatrocientas \
            500 quinientos quinientas 600 seiscientos seiscientas 700 setecientos setecientas 800 ochocientos ochocientas \
            900 novecientos novecientas 0.5 medio media",
        bare: "1000 mil",
        and: "y",
        homographs: "once mil un una uno media medio",
        ..PLAIN
    },
    Lexicon {
        code: "pt",
        add: "0 zero 1 um uma 2 dois duas 3 três 4 quatro 5 cinco 6 seis 7 sete 8 oito 9 nove 10 dez 11 onze 12 doze 13 treze \
            14 quatorze catorze 15 quinze 16 dezesseis dezasseis 17 dezessete dezassete 18 dezoito 19 dezenove dezanove 20 vinte \
            30 trinta 40 quarenta 50 cinquenta 60 sessenta 70 setenta 80 oitenta 90 noventa 100 cem cento 200 duzentos duzentas \
            300 trezentos trezentas 400 quatrocentos quatrocentas 500 quinhentos quinhentas 600 seiscentos seiscentas \
            700 setecentos setecentas 800 oitocentos oitocentas 900 novecentos novecentas 0.5 meio",
        bare: "1000 mil",
        and: "e",
        homographs: "um uma mil sete meio",
        ..PLAIN
    },
    Lexicon {
        code: "fr",
        add: "0 zéro 1 un une 2 deux 3 trois 4 quatre 5 cinq 6 six 7 sept 8 huit 9 neuf 10 dix 11 onze 12 douze 13 treize 14 quatorze \
            15 quinze 16 seize 20 vingt vingts 30 trente 40 quarante 50 cinquante 60 soixante 70 septante 80 octante huitante \
            90 nonante 0.5 demi",
        times: "100 cent cents",
        bare: "100 cent 1000 mille",
        and: "et",
        homographs: "un une cent cents sept mille neuf six seize",
        ..PLAIN
    },
    Lexicon {
        code: "it",
        add: "0 zero 1 uno una un 2 due 3 tre tré 4 quattro 5 cinque 6 sei 7 sette 8 otto 9 nove 10 dieci 11 undici 12 dodici \
            13 tredici 14 quattordici 15 quindici 16 sedici 17 diciassette 18 diciotto 19 diciannove 20 venti vent 30 trenta trent \
            40 quaranta quarant 50 cinquanta cinquant 60 sessanta sessant 70 settanta settant 80 ottanta ottant 90 novanta novant \
            0.5 mezzo",
        times: "100 cento cent 1000 mila",
        bare: "100 cento cent 1000 mille",
        and: "e",
        homographs: "un una uno due sei tre otto mille cent mezzo vent trent",
        joined: true,
        ..PLAIN
    },
    Lexicon {
        code: "de",
        add: "0 null 1 ein eins eine einen einer 2 zwei zwo 3 drei 4 vier 5 fünf fuenf 6 sechs 7 sieben 8 acht 9 neun 10 zehn 11 elf \
            12 zwölf zwoelf 16 sechzehn 17 siebzehn 20 zwanzig 30 dreißig dreissig 40 vierzig 50 fünfzig fuenfzig 60 sechzig \
            70 siebzig 80 achtzig 90 neunzig 13 dreizehn 14 vierzehn 15 fünfzehn 18 achtzehn 19 neunzehn 0.5 halbe",
        times: "100 hundert",
        bare: "100 hundert 1000 tausend",
        and: "und",
        homographs: "null ein eine einen einer eins elf acht halbe",
        units_first: true,
        joined: true,
        ..PLAIN
    },
    Lexicon {
        code: "nl",
        add: "0 nul 1 een één 2 twee 3 drie 4 vier 5 vijf 6 zes 7 zeven 8 acht 9 negen 10 tien 11 elf 12 twaalf 13 dertien 14 veertien \
            15 vijftien 16 zestien 17 zeventien 18 achttien 19 negentien 20 twintig 30 dertig 40 veertig 50 vijftig 60 zestig \
            70 zeventig 80 tachtig 90 negentig",
        times: "100 honderd",
        bare: "100 honderd 1000 duizend",
        and: "en ën",
        homographs: "een elf acht nul",
        units_first: true,
        joined: true,
        ..PLAIN
    },
    Lexicon {
        code: "ru",
        add: "0 ноль нуль 1 один одна одну одного 2 два две двух 3 три трёх трех 4 четыре четырёх четырех 5 пять пяти 6 шесть шести \
            7 семь семи 8 восемь восьми 9 девять девяти 10 десять десяти 11 одиннадцать одиннадцати 12 двенадцать двенадцати \
            13 тринадцать тринадцати 14 четырнадцать четырнадцати 15 пятнадцать пятнадцати 16 шестнадцать шестнадцати \
            17 семнадцать семнадцати 18 восемнадцать восемнадцати 19 девятнадцать девятнадцати 20 двадцать двадцати \
            30 тридцать тридцати 40 сорок сорока 50 пятьдесят пятидесяти 60 шестьдесят шестидесяти 70 семьдесят семидесяти \
            80 восемьдесят восьмидесяти 90 девяносто девяноста 100 сто ста 200 двести двухсот 300 триста трёхсот трехсот \
            400 четыреста четырёхсот четырехсот 500 пятьсот пятисот 600 шестьсот шестисот 700 семьсот семисот 800 восемьсот \
            восьмисот 900 девятьсот девятисот",
        bare: "1000 тысяча тысячу 500000 полмиллиона",
        homographs: "один одна одну одного",
        ..PLAIN
    },
    Lexicon {
        code: "uk",
        add: "0 нуль 1 один одна одну 2 два дві 3 три 4 чотири 5 п'ять п’ять 6 шість 7 сім 8 вісім 9 дев'ять дев’ять 10 десять \
            11 одинадцять 12 дванадцять 13 тринадцять 14 чотирнадцять 15 п'ятнадцять п’ятнадцять 16 шістнадцять 17 сімнадцять \
            18 вісімнадцять 19 дев'ятнадцять дев’ятнадцять 20 двадцять 30 тридцять 40 сорок 50 п'ятдесят п’ятдесят 60 шістдесят \
            70 сімдесят 80 вісімдесят 90 дев'яносто дев’яносто 100 сто 200 двісті 300 триста 400 чотириста 500 п'ятсот п’ятсот \
            600 шістсот 700 сімсот 800 вісімсот 900 дев'ятсот дев’ятсот",
        bare: "1000 тисяча тисячу",
        homographs: "один одна одну",
        ..PLAIN
    },
    Lexicon {
        code: "pl",
        add: "0 zero 1 jeden jedna 2 dwa dwie 3 trzy 4 cztery 5 pięć 6 sześć 7 siedem 8 osiem 9 dziewięć 10 dziesięć 11 jedenaście \
            12 dwanaście 13 trzynaście 14 czternaście 15 piętnaście 16 szesnaście 17 siedemnaście 18 osiemnaście 19 dziewiętnaście \
            20 dwadzieścia 30 trzydzieści 40 czterdzieści 50 pięćdziesiąt 60 sześćdziesiąt 70 siedemdziesiąt 80 osiemdziesiąt \
            90 dziewięćdziesiąt 100 sto 200 dwieście 300 trzysta 400 czterysta 500 pięćset 600 sześćset 700 siedemset 800 osiemset \
            900 dziewięćset",
        bare: "1000 tysiąc",
        homographs: "jeden jedna sto",
        ..PLAIN
    },
    Lexicon {
        code: "tr",
        add: "0 sıfır 1 bir 2 iki 3 üç 4 dört 5 beş 6 altı 7 yedi 8 sekiz 9 dokuz 10 on 20 yirmi 30 otuz 40 kırk 50 elli 60 altmış \
            70 yetmiş 80 seksen 90 doksan 0.5 yarım buçuk",
        times: "100 yüz",
        bare: "100 yüz 1000 bin",
        homographs: "bir on bin yüz yarım",
        joined: true,
        ..PLAIN
    },
    Lexicon {
        code: "id",
        add: "0 nol kosong 1 satu 2 dua 3 tiga 4 empat 5 lima 6 enam 7 tujuh 8 delapan lapan 9 sembilan 10 sepuluh 11 sebelas \
            100 seratus 0.5 setengah",
        times: "10 puluh 100 ratus",
        teen: "10 belas",
        bare: "1000 seribu 1000000 sejuta",
        homographs: "satu lima kosong nol setengah",
        ..PLAIN
    },
    Lexicon {
        code: "vi",
        add: "0 không 1 một mốt 2 hai 3 ba 4 bốn tư 5 năm lăm nhăm 6 sáu 7 bảy bẩy 8 tám 9 chín 10 mười",
        times: "10 mươi 100 trăm",
        and: "linh lẻ",
        homographs: "không một mốt hai ba tư năm lăm nhăm chín",
        ..PLAIN
    },
    Lexicon {
        code: "fi",
        add: "0 nolla 1 yksi 2 kaksi 3 kolme 4 neljä 5 viisi 6 kuusi 7 seitsemän 8 kahdeksan 9 yhdeksän 10 kymmenen 0.5 puoli",
        times: "10 kymmentä 100 sataa 1000 tuhatta",
        teen: "10 toista",
        bare: "100 sata 1000 tuhat",
        homographs: "kuusi puoli yksi",
        joined: true,
        ..PLAIN
    },
    Lexicon {
        code: "sw",
        add: "0 sifuri 1 moja 2 mbili 3 tatu 4 nne 5 tano 6 sita 7 saba 8 nane 9 tisa 10 kumi 20 ishirini 30 thelathini 40 arobaini \
            50 hamsini 60 sitini 70 sabini 80 themanini 90 tisini",
        and: "na",
        homographs: "moja sita saba tano tatu nane",
        ..PLAIN
    },
    Lexicon {
        code: "ar",
        add: "0 صفر 1 واحد واحدة 2 اثنان اثنين اثنتان اثنتين اثنا اثني 3 ثلاثة ثلاث 4 أربعة أربع اربعة 5 خمسة خمس 6 ستة ست \
            7 سبعة سبع 8 ثمانية ثماني ثمان 9 تسعة تسع 11 أحد 20 عشرون عشرين 30 ثلاثون ثلاثين 40 أربعون أربعين 50 خمسون خمسين \
            60 ستون ستين 70 سبعون سبعين 80 ثمانون ثمانين 90 تسعون تسعين 100 مئة مائة 200 مئتان مئتين مائتان مائتين \
            300 ثلاثمئة ثلاثمائة 400 أربعمئة أربعمائة 500 خمسمئة خمسمائة 600 ستمئة ستمائة 700 سبعمئة سبعمائة 800 ثمانمئة ثمانمائة \
            900 تسعمئة تسعمائة",
        teen: "10 عشر عشرة",
        bare: "1000 ألف 2000 ألفان ألفين 1000000 مليون 2000000 مليونان مليونين",
        and: "و",
        homographs: "واحد واحدة أحد صفر ست",
        units_first: true,
        ..PLAIN
    },
    Lexicon {
        code: "fa",
        add: "0 صفر 1 یک 2 دو 3 سه 4 چهار 5 پنج 6 شش 7 هفت 8 هشت 9 نه 10 ده 11 یازده 12 دوازده 13 سیزده 14 چهارده 15 پانزده 16 شانزده \
            17 هفده 18 هجده 19 نوزده 20 بیست 30 سی 40 چهل 50 پنجاه 60 شصت 70 هفتاد 80 هشتاد 90 نود 100 صد یکصد 200 دویست 300 سیصد \
            400 چهارصد 500 پانصد 600 ششصد 700 هفتصد 800 هشتصد 900 نهصد 0.5 نیم",
        bare: "1000 هزار",
        and: "و",
        homographs: "یک دو نه سی ده صد هزار نیم",
        ..PLAIN
    },
    Lexicon {
        code: "ur",
        add: "0 صفر 1 ایک 2 دو 3 تین 4 چار 5 پانچ 6 چھ 7 سات 8 آٹھ 9 نو 10 دس 11 گیارہ 12 بارہ 13 تیرہ 14 چودہ 15 پندرہ 16 سولہ \
            17 سترہ 18 اٹھارہ 19 انیس 20 بیس 25 پچیس 30 تیس 40 چالیس 50 پچاس 60 ساٹھ 70 ستر 75 پچھتر 80 اسی 90 نوے",
        times: "100 سو",
        homographs: "ایک دو نو اسی دس",
        ..PLAIN
    },
    Lexicon {
        code: "hi",
        add: "0 शून्य 1 एक 2 दो 3 तीन 4 चार 5 पाँच पांच 6 छह छः छ 7 सात 8 आठ 9 नौ 10 दस 11 ग्यारह 12 बारह 13 तेरह 14 चौदह 15 पंद्रह पन्द्रह 16 सोलह \
            17 सत्रह 18 अठारह 19 उन्नीस 20 बीस 21 इक्कीस 22 बाईस बाइस 23 तेईस तेइस 24 चौबीस 25 पच्चीस 26 छब्बीस 27 सत्ताईस 28 अट्ठाईस 29 उनतीस \
            30 तीस 31 इकतीस 32 बत्तीस 33 तैंतीस 34 चौंतीस 35 पैंतीस 36 छत्तीस 37 सैंतीस 38 अड़तीस 39 उनतालीस 40 चालीस 41 इकतालीस 42 बयालीस \
            43 तैंतालीस 44 चवालीस 45 पैंतालीस 46 छियालीस 47 सैंतालीस 48 अड़तालीस 49 उनचास 50 पचास 51 इक्यावन 52 बावन 53 तिरपन 54 चौवन 55 पचपन \
            56 छप्पन 57 सत्तावन 58 अट्ठावन 59 उनसठ 60 साठ 61 इकसठ 62 बासठ 63 तिरसठ 64 चौंसठ 65 पैंसठ 66 छियासठ 67 सड़सठ 68 अड़सठ 69 उनहत्तर \
            70 सत्तर 71 इकहत्तर 72 बहत्तर 73 तिहत्तर 74 चौहत्तर 75 पचहत्तर 76 छिहत्तर 77 सतहत्तर 78 अठहत्तर 79 उनासी 80 अस्सी 81 इक्यासी 82 बयासी \
            83 तिरासी 84 चौरासी 85 पचासी 86 छियासी 87 सत्तासी 88 अट्ठासी 89 नवासी 90 नब्बे 91 इक्यानवे 92 बानवे 93 तिरानवे 94 चौरानवे 95 पचानवे \
            96 छियानवे 97 सत्तानवे 98 अट्ठानवे 99 निन्यानवे 1.5 डेढ़ 2.5 ढाई",
        times: "100 सौ",
        homographs: "एक दो छ",
        ..PLAIN
    },
    Lexicon {
        code: "bn",
        add: "0 শূন্য 1 এক 2 দুই দু 3 তিন 4 চার 5 পাঁচ 6 ছয় 7 সাত 8 আট 9 নয় 10 দশ 11 এগারো 12 বারো 13 তেরো 14 চৌদ্দ 15 পনেরো 16 ষোলো 17 সতেরো \
            18 আঠারো 19 উনিশ 20 বিশ 25 পঁচিশ 30 ত্রিশ 40 চল্লিশ 50 পঞ্চাশ 60 ষাট 70 সত্তর 75 পঁচাত্তর 80 আশি 90 নব্বই",
        times: "100 শ শত",
        homographs: "এক নয় দু",
        ..PLAIN
    },
    Lexicon {
        code: "he",
        add: "0 אפס 1 אחד אחת 2 שניים שתיים שני שתי 3 שלושה שלוש שלושת 4 ארבעה ארבע ארבעת 5 חמישה חמש חמשת 6 שישה שש ששת 7 שבעה שבע שבעת \
            8 שמונה שמונת 9 תשעה תשע תשעת 20 עשרים 30 שלושים 40 ארבעים 50 חמישים 60 שישים 70 שבעים 80 שמונים 90 תשעים 100 מאה 200 מאתיים",
        times: "100 מאות",
        teen: "10 עשר עשרה עשרת",
        bare: "1000 אלף 2000 אלפיים",
        and: "ו",
        homographs: "אחד אחת שני שתי",
        ..PLAIN
    },
];

/// Languages whose scripts join words: their numbers are found within a run of letters.
const UNSPACED: &[Lexicon] = &[
    Lexicon {
        code: "th",
        add: "0 ศูนย์ 1 หนึ่ง เอ็ด 2 สอง ยี่ 3 สาม 4 สี่ 5 ห้า 6 หก 7 เจ็ด 8 แปด 9 เก้า",
        times: "100 ร้อย",
        teen: "10 สิบ",
        ..PLAIN
    },
    Lexicon {
        code: "my",
        add: "0 သုည 1 တစ် တ 2 နှစ် 3 သုံး 4 လေး 5 ငါး 6 ခြောက် 7 ခုနစ် ခုနှစ် ခွန် 8 ရှစ် 9 ကိုး",
        times: "10 ဆယ် ဆယ့် 100 ရာ ရာ့",
        ..PLAIN
    },
    Lexicon {
        code: "lo",
        add: "0 ສູນ 1 ໜຶ່ງ ຫນຶ່ງ ເອັດ 2 ສອງ 3 ສາມ 4 ສີ່ 5 ຫ້າ 6 ຫົກ 7 ເຈັດ 8 ແປດ 9 ເກົ້າ 20 ຊາວ",
        times: "100 ຮ້ອຍ",
        teen: "10 ສິບ",
        ..PLAIN
    },
];

/// The words of those languages, the longest first, by their place in the table.
pub(super) static UNSPACED_WORDS: LazyLock<Vec<Vec<(&'static str, Atom)>>> = LazyLock::new(|| {
    let of = |lexicon: &Lexicon| {
        let mut words: Vec<_> = lexicon.words().collect();
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        words
    };
    UNSPACED.iter().map(of).collect()
});

impl Lexicon {
    /// Its words with what they do.
    fn words(&self) -> impl Iterator<Item = (&'static str, Atom)> {
        let add = table(self.add).map(|(word, value)| (word, Atom::Add(value)));
        let times = table(self.times).map(|(word, value)| (word, Atom::Times(value)));
        let teen = table(self.teen).map(|(word, _)| (word, Atom::Ten));
        let bare = table(self.bare).map(|(word, value)| (word, Atom::Bare(value)));
        // A word that may stand alone does so at the beginning, and multiplies after a number.
        add.chain(bare).chain(times).chain(teen)
    }
}

fn table(words: &'static str) -> impl Iterator<Item = (&'static str, f64)> {
    let mut value = 0.0;
    words
        .split_ascii_whitespace()
        .filter_map(move |word| match word.parse() {
            Ok(figure) => {
                value = figure;
                None
            }
            Err(_) => Some((word, value)),
        })
}

/// What a word does in a language, which is given by its place in [`LEXICONS`].
pub(super) type Entry = (usize, Atom);

static WORDS: LazyLock<HashMap<&'static str, Vec<Entry>>> = LazyLock::new(|| {
    let mut words: HashMap<_, Vec<Entry>> = HashMap::new();
    for (own, lexicon) in LEXICONS.iter().enumerate() {
        for (word, atom) in lexicon.words() {
            words.entry(word).or_default().push((own, atom));
        }
    }
    words
});

/// What a word in lower case does, by language.
pub(super) fn entries(word: &str) -> &'static [Entry] {
    WORDS.get(word).map_or(&[], Vec::as_slice)
}

/// The words of the languages that join them, by their first character, the longest first.
static JOINED: LazyLock<HashMap<char, Vec<(&'static str, Entry)>>> = LazyLock::new(|| {
    let mut words: HashMap<_, Vec<(&str, Entry)>> = HashMap::new();
    for (own, lexicon) in LEXICONS.iter().enumerate().filter(|(_, l)| l.joined) {
        for (word, atom) in lexicon.words() {
            let first = word.chars().next().unwrap_or_default();
            words.entry(first).or_default().push((word, (own, atom)));
        }
    }
    for list in words.values_mut() {
        list.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    }
    words
});

/// The words that a part of a joined word may begin with, the longest first.
pub(super) fn beginnings(part: &str) -> impl Iterator<Item = (&'static str, Entry)> {
    let first = part.chars().next().unwrap_or_default();
    let listed = JOINED.get(&first).map_or(&[][..], Vec::as_slice);
    listed
        .iter()
        .copied()
        .filter(move |(word, _)| part.starts_with(word))
}
