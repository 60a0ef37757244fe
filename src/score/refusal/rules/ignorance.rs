//! Words by which a model says that it does not know, or does not understand.

/// Not knowing, and not understanding.
pub(super) const PHRASES: &[&str] = &[
    // English
    r"\bI(?:'m afraid I)? (?:really |honestly |simply |just )?(?:do not|don't|did not|didn't) (?:really |actually |quite )?(?:know|understand)\b",
    r"\bI (?:do not|don't) (?:really |actually |currently )?have (?:any |enough |sufficient |much )?(?:information|knowledge|idea|clue|data|details)\b",
    r"\bI(?:'ve| have)? (?:got )?no (?:idea|clue|information|knowledge)\b",
    r"\bI(?:'m| am) not (?:sure|certain|familiar with|aware of)\b",
    r"\bI(?:'ve| have) never heard\b",
    // Chinese
    r"我(?:也|真的|确实|確實|并|並)?(?:不太|不)(?:知道|清楚|了解|瞭解|明白|懂|确定|確定)",
    r"我(?:也|目前|暂时|暫時)?(?:没有|沒有)(?:任何|足够的?|足夠的?|相关的?|相關的?|这方面的|這方面的)?(?:信息|資訊|资料|資料|知识|知識)",
    // Russian
    r"(?:^|[^\p{L}])не (?:знаю|понимаю|понял[аи]?|уверен[аы]?|в курсе|слышал[аи]?)(?:[^\p{L}]|$)",
    r"у меня нет (?:никакой |никаких |достаточной |достаточно )?(?:информации|данных|сведений)",
    // Arabic
    r"لا (?:أعرف|أعلم|أدري|أفهم)",
    r"ليس(?:ت)? لدي (?:أي |أية )?(?:معلومات|فكرة|معرفة|علم)",
    r"لست متأكد",
    // Persian
    r"نمی[\x{200C} ]?(?:دانم|فهمم)",
    r"(?:اطلاعی|اطلاعاتی|اطلاع|دانشی)[^.؟!\n]{0,30}ندارم",
    r"(?:مطمئن نیستم|متوجه نمی[\x{200C} ]?شوم|متوجه نشدم)",
    // Turkish
    r"\b(?:bilmiyorum|bilemiyorum|anlamıyorum|anlamadım|anlayamadım|emin değilim|fikrim yok|bilgim yok|bilgi sahibi değilim)\b",
    // Hindi
    r"(?:नहीं पता|पता नहीं|नहीं जानता|नहीं जानती|मालूम नहीं|नहीं मालूम|जानकारी नहीं|समझ नहीं)",
    // Spanish
    r"\bno (?:lo )?(?:sé|entiendo|comprendo)(?:[^\p{L}]|$)|\bno tengo (?:ni |ninguna |suficiente )?(?:idea|información|conocimiento|datos)\b|\blo desconozco\b|\bno estoy segur[oa]\b",
    // German
    r"\b(?:weiß|verstehe) (?:ich )?(?:es |das |die frage |davon )?(?:leider |auch )?(?:nicht|nichts)\b|\bkeine ahnung\b|\bhabe (?:ich )?(?:dazu |darüber |davon |leider )*keine (?:informationen|ahnung|kenntnis|angaben)\b|\bbin (?:ich )?mir (?:da )?nicht sicher\b",
    // French
    r"\bje ne (?:le )?(?:sais|connais|comprends) pas\b|\bje n'ai (?:aucune|pas (?:assez )?d')\s?(?:idée|information|connaissance|données)|\bje l'ignore\b|\bje ne suis pas sûre?\b",
    // Finnish
    r"\ben (?:valitettavasti )?(?:tiedä|ymmärrä|osaa sanoa|ole varma)\b|\bminulla ei ole (?:tästä |asiasta )?(?:tietoa|tietoja)\b",
    // Portuguese, Italian, Indonesian, Vietnamese
    r"\bnão (?:sei|entendo|tenho (?:informaç|conheciment))|\bnon (?:lo so|so|capisco|ho (?:informazioni|idea))\b|\bsaya tidak (?:tahu|mengerti)\b|\btôi không (?:biết|hiểu)\b",
    // Japanese, Korean
    r"(?:わかりません|分かりません|知りません|存じません)|(?:모르겠(?:습니다|어요|네요)|모릅니다|알지 못합니다|이해하지 못)",
];

/// What an answer continues with where it knows something after all.
pub(super) const TURNS: &str = r"\b(?:but|however|although|though|yet|aber|jedoch|mais|pero|mas|ma|mutta|kuitenkin|ama|fakat|ancak)\b|(?:^|[^\p{L}])(?:но|однако)(?:[^\p{L}]|$)|但|不过|不過|لكن|ولكن|اما|ولی|लेकिन|परंतु|しかし|でも|하지만|그러나";
