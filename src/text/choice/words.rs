//! What the words around a label do to it, in the languages that suites ask in. A word ends in `*` where endings may follow.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::text::announce::{lower, unspaced};

/// A kind of words.
pub(super) struct Words {
    whole: HashSet<&'static str>,
    stems: Vec<&'static str>,
    /// Pieces of text in scripts without spaces.
    joined: Vec<&'static str>,
}

impl Words {
    fn new(spaced: &'static str, joined: &'static str) -> Self {
        let (stems, whole): (Vec<_>, Vec<_>) = spaced.split(' ').partition(|w| w.ends_with('*'));
        Self {
            whole: whole.into_iter().collect(),
            stems: stems.iter().map(|s| s.trim_end_matches('*')).collect(),
            joined: joined.split(' ').filter(|j| !j.is_empty()).collect(),
        }
    }

    /// Whether a word is one of them; a run of a script without spaces, whether it holds one.
    pub(super) fn has(&self, word: &str) -> bool {
        if word.starts_with(unspaced) {
            return self.joined.iter().any(|j| word.contains(j));
        }
        lower(word).is_some_and(|word| {
            self.whole.contains(word.as_str()) || self.stems.iter().any(|s| word.starts_with(s))
        })
    }

    /// Whether a word is one of them and nothing more, in scripts without spaces too.
    pub(super) fn is(&self, word: &str) -> bool {
        if word.starts_with(unspaced) {
            return self.joined.contains(&word);
        }
        self.has(word)
    }
}

/// Denies what follows it.
pub(super) static NOT: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "not isn't wasn't aren't can't cannot don't doesn't didn't won't wouldn't shouldn't couldn't isn’t wasn’t can’t \
        don’t doesn’t wouldn’t never neither nor except without than unlike against eliminat* exclud* reject* discard* \
        dismiss* ruled ruling rule avoid nicht kein* weder noch pas não nem non né не ни кроме niet geen inte ikke ei \
        eikä nie není nem bukan không δεν όχι ليس ليست لا לא",
        "不 非 没选 沒選 排除 除了 ไม่",
    )
});

/// Denies what is before it, whatever follows: "정답은 A가 아니라 B입니다".
pub(super) static POSTPOSED_NOT: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "아니* 아닙* 아닌 않* 대신 değil* yerine नहीं نیست নয়",
        "の代わり",
    )
});

/// Deny both of two letters, one before each: "ni A ni B", "ne A ne B", "न A न B", "نه A و نه B".
pub(super) static PAIRED_NOT: LazyLock<Words> = LazyLock::new(|| Words::new("ni ne न نه", ""));

/// What joins the letter that is not taken to the one that is, "C instead of A": a word and the one that follows it, where the first alone
/// would say another thing.
const INSTEAD_OF: &[(&str, &str)] = &[
    ("instead", "of"),
    ("rather", "than"),
    ("statt", ""),
    ("anstatt", ""),
    ("anstelle", ""),
    ("plutôt", "que"),
    ("lieu", "de"),
    ("lugar", "de"),
    ("vez", "de"),
    ("invece", "di"),
    ("anziché", ""),
    ("вместо", ""),
    ("замість", ""),
    ("plaats", "van"),
    ("zamiast", ""),
    ("stället", "för"),
    ("stedet", "for"),
    ("místo", ""),
    ("بدلا", "من"),
    ("بدلاً", "من"),
    ("بدل", "من"),
    ("عوضا", "عن"),
    ("chứ", "không"),
    ("thay", "vì"),
    ("alih", "alih"),
];

/// Whether two words that follow each other join the letter that is not taken to the one that is.
pub(super) fn is_instead_of(word: &str, next: &str) -> bool {
    let (Some(word), Some(next)) = (lower(word), lower(next)) else {
        return false;
    };
    INSTEAD_OF
        .iter()
        .any(|(first, second)| *first == word && (second.is_empty() || *second == next))
}

/// Takes back what was said before: "The answer is A. Sorry, B."
pub(super) static AMENDS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "sorry correction wait actually oops scratch apologies amend* entschuldigung verzeihung korrektur moment \
        pardon désolé* rectification erratum perdón corrección dicho digo desculp* correção aliás scusa scusate \
        correzione anzi извините простите поправка точнее вернее pardon düzeltme özür aslında माफ़ क्षमा सुधार عفوا \
        عفوًا عفواً تصحيح آسف ببخشید اصلاح maaf koreksi ralat lỗi chính correctie przepraszam korekta förlåt rättelse \
        anteeksi korjaus 정정* 죄송*",
        "更正 抱歉 对不起 對不起 不对 不對 改为 改為 訂正 すみません 失礼",
    )
});

/// Ends what a denial reaches: something else is put in its place.
pub(super) static BUT: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "but so therefore thus hence because since as while whereas which that who where sondern aber weil denn sino \
        pero porque mais car mas ma perché но а потому поэтому ama çünkü tetapi melainkan karena mà vì लेकिन बल्कि क्योंकि بل \
        بلکه لأن maar want men utan vaan koska lecz bo ale αλλά אלא nhưng 하지만",
        "而是 但 所以 因此 因为 因為 なので แต่ เพราะ",
    )
});

/// Gives a reason, or says more of something: what follows puts nothing in the place of what was denied.
pub(super) static REASON: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "because since as while whereas which that who where if weil da denn wenn porque pues que si car parce puisque qui \
        perché poiché che se потому так как если который которая çünkü eğer karena sebab jika vì bởi nếu क्योंकि जो यदि \
        لأن إذ إذا زیرا چون که اگر omdat want eftersom koska bo ponieważ protože deoarece",
        "因为 因為 如果 なので から เพราะ ถ้า",
    )
});

/// Denies one letter more: "B is wrong too".
pub(super) static ALSO: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "also too either neither nor auch ebenso aussi également también tampoco também anche neanche тоже также juga cũng भी \
        نیز أيضا أيضًا ook också myös też também 또한",
        "也 亦",
    )
});

/// Says of a letter that it is what the denied one is not: "A n'est pas correct, D l'est".
pub(super) static INSTEAD: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "l'est l’est oui si sí sì sim schon doch да evet ya iya हाँ हां نعم بله wel jo tak ano da igen ναι כן rather instead \
        यह हैं",
        "",
    )
});

/// Calls what is before it a wrong one.
static INCORRECT: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "wrong incorrect* false inaccurate invalid impossible unlikely eliminated excluded out irrelevant falsch* \
        unzutreffend faux fausse* erroné* incorrect* falso falsa* errad* errat* sbagliat* scorrett* невер* неправ* \
        ошибоч* yanlış* salah keliru sai خطأ خاطئ* غلط نادرست गलत ভুল 틀* 오답* fout onjuist* fel felaktig* forkert \
        feil väärin väärä błędn* nieprawidłow* špatn* greșit* hibás helytelen λάθος שגוי*",
        "错 錯 误 誤 間違 ผิด",
    )
});

/// Denies what is before it, without calling it wrong.
static DENIES: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "not isn't wasn't aren't can't cannot doesn't don't isn’t aren’t can’t doesn’t fails lacks contradicts nicht \
        n'est n’est no não non не değil* bukan không غير ليس* نیست नहीं নয় 아니* 아닙* 않* niet inte ei nie není nem לא",
        "不对 不對 不正 正しくな 不是 不符 不选 不選 不成立 排除 ではな ではあり じゃな でもな でもあり ไม่",
    )
});

/// Two denials in one word of a script without spaces, which make none.
static NOT_WRONG: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "",
        "没有错 没错 沒有錯 沒錯 不是错 不是錯 并不错 没有误 間違いではな 間違いではあり 間違ってはいな 間違っていな 間違いな 誤りではな 誤りではあり ไม่ผิด",
    )
});

/// Whether a word denies what is before it, or calls it wrong.
pub(super) fn is_wrong(word: &str) -> bool {
    INCORRECT.has(word) || DENIES.has(word)
}

/// Whether words, the first of which denies or calls wrong, deny that something is wrong: "is not wrong", "yanlış değil", "没有错".
pub(super) fn is_not_wrong(word: &str, next: [&str; 2]) -> bool {
    NOT_WRONG.has(word)
        || DENIES.has(word) && !INCORRECT.has(word) && next.iter().any(|w| INCORRECT.has(w))
        || INCORRECT.has(word) && POSTPOSED_NOT.has(next[0])
}

/// Calls what is before or after it the right one.
pub(super) static RIGHT: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "correct* right best better true answer richtig* korrekt* zutreffend* antwort stimmt correcte* juste bonne \
        réponse vrai* correcta* correcto* respuesta verdader* correta* correto* certa certo resposta corretta* giust* \
        esatta risposta верн* правильн* ответ* doğru* cevap* oikein oikea* benar tepat betul đúng صحيح* الصحيح* درست \
        صحیح* सही सहीं उत्तर সঠিক 정답* 맞* 옳* juist* goede rätt* riktig* korrekt* rigtig* poprawn* prawidłow* správn* \
        corect* helyes* σωστ* נכונ* נכון sahihi tama*",
        "正确 正確 正解 正しい 是对 是對 对的 對的 符合 成立 ถูก",
    )
});

/// Names the choice that was made, which "is" joins to it.
pub(super) static PICK: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "choice pick selection vote wahl choix elección opción escolha opção scelta выбор вариант seçimim pilihan lựa \
        keuze val valg valintani wybór volba alegerea الخيار اختياري گزینه विकल्प",
        "选择是 選擇是 选项是 選項是 選択は",
    )
});

/// Chooses what follows it.
pub(super) static CHOOSE: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "choose chose choosing select* pick* go going opt vote settle say guess wähle wählen nehme entscheide choisis \
        choisirais choisir sélectionne* opte elijo elegiría escojo selecciono escolho seleciono marco scelgo \
        sceglierei выбираю выберу выбрать seçiyorum memilih pilih chọn kies väljer vælger velger valitsen wybieram \
        vybírám aleg أختار اخترت אבחר בוחר nachagua",
        "选 選 เลือก",
    )
});

/// Chooses what is before it.
pub(super) static CHOSEN: LazyLock<Words> =
    LazyLock::new(|| Words::new("seç* चुन* 선택* 고르* انتخاب بیچ", "を選 を选 にします"));

/// Draws a conclusion, which follows it.
pub(super) static SO: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "so therefore thus hence be it's it’s that's leaves leaving conclude namely i.e also daher folglich donc ainsi \
        alors entonces por luego portanto logo quindi dunque поэтому значит следовательно итак dolayısıyla jadi maka \
        vậy nên إذن إذاً لذلك بنابراین अतः इसलिए সুতরাং 따라서 그러므로 dus alltså altså siis więc zatem tedy deci tehát άρα \
        לכן kwa",
        "因此 所以 故 综上 綜上 よって したがって 従って つまり ดังนั้น 应为 應為",
    )
});

/// Names what follows it a choice.
pub(super) static OPTION: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "option choice letter alternative item opción opcion inciso letra alternativa opção opzione lettera lettre \
        proposition buchstabe auswahl вариант пункт буква seçenek şık pilihan opsi phương án خيار الخيار گزینه گزینه‌ی \
        विकल्प বিকল্প 선택지 보기 optie alternativ alternativet vaihtoehto opcja możnost varianta válasz επιλογή אפשרות \
        chaguo",
        "选项 選項 選択肢 ตัวเลือก ข้อ 项 項",
    )
});

/// Joins two labels into a choice of both.
pub(super) static AND: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "and und et y e и і ve ile dan và و और এবং och og ja a oraz și és και en na 와 과 plus 및",
        "和 与 與 及 と และ",
    )
});

/// Leaves open which of two labels it is.
pub(super) static OR: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "or oder ou o или або veya ya atau hoặc أو या বা eller tai lub albo nebo sau vagy ή of au 또는 혹은 یا או",
        "或 または か หรือ",
    )
});

/// After these a sentence tells what others say, or what would be.
pub(super) static HEARSAY: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "if many some people students others someone might tempting wenn falls manche si certains algunos se alguns \
        если многие некоторые eğer jika nếu إذا اگر यदि অনেকে",
        "如果 有人 もし ถ้า",
    )
});

/// May follow a label that is also a word, such as A: the sentence continues about it.
pub(super) static CONTINUES: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "because since as is was for due with based given weil da denn ist parce car puisque est porque pues ya es já é \
        perché poiché è потому так çünkü karena vì bởi क्योंकि omdat eftersom koska bo ponieważ protože deoarece mert \
        لأن and or und oder et ou seems appears fits",
        "",
    )
});

/// Stand before letters that label no choice.
pub(super) static NAMED: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        "vitamin vitamina vitamine hepatitis plan type group class grade point figure table team player person side \
        phase appendix schedule influenza mr ms dr variable set matrix",
        "维生素 維生素",
    )
});
