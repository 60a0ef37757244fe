"""Generated cases of IFEval's instructions with the verdicts of lm-evaluation-harness's checkers, one JSON object a line.

    NLTK_DATA=FOLDER LM_EVAL=CHECKOUT python3 tests/golden/ifeval.py > tests/golden/ifeval.jsonl

CHECKOUT is one of EleutherAI/lm-evaluation-harness (0.4.13); langdetect, nltk and immutabledict are installed, and FOLDER has nltk's
punkt_tab. Twenty-one cases of every kind: answers are put together of pieces written here, so that about half follow their instruction.
"""

import json
import os
import random
import sys
import types

import langdetect
import nltk

# Only the task's own modules are loaded, not all of the harness.
for name in ("lm_eval", "lm_eval.tasks"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [os.path.join(os.environ["LM_EVAL"], *name.split("."))]
# The checkers load a file of nltk that is no more: its sentences are those of punkt_tab.
nltk.data.load = lambda _: nltk.tokenize.PunktTokenizer("english")

from lm_eval.tasks.ifeval import instructions_registry  # noqa: E402
from lm_eval.tasks.ifeval.utils import (  # noqa: E402
    InputExample,
    test_instruction_following_loose,
    test_instruction_following_strict,
)

langdetect.DetectorFactory.seed = 0
DRAW = random.Random(25)

SENTENCES = [
    "The old harbour was quiet that morning.",
    "Mr. Green met Dr. Brown at 5 p.m. in the U.S. embassy.",
    "Why did nobody answer?",
    "What a day it was!",
    'She said, "I will not go." Then she went.',
    "It cost 3.50 dollars, i.e. nothing.",
    "J. R. Ward wrote three books, and nobody read them.",
    "Wait... what was that?",
    "We don't know yet; they can't say.",
    "The committee (all of it) voted no.",
    "Bread, milk and eggs are on the list.",
    "THE END IS NEAR, said the NASA engineer.",
    "I LOVE IT: DON'T STOP!",
    "e.g. apples and pears grow here.",
    "He works for Smith & Co. The pay is bad.",
    "a small dog ran across the road, barking loudly",
]
LANGUAGES = {
    "de": "Der alte Hafen war an diesem Morgen sehr ruhig, und niemand wusste, warum die Schiffe nicht gekommen waren.",
    "fr": "Le vieux port était très calme ce matin-là, et personne ne savait pourquoi les bateaux n'étaient pas arrivés.",
    "es": "El viejo puerto estaba muy tranquilo aquella mañana, y nadie sabía por qué no habían llegado los barcos.",
    "it": "Il vecchio porto era molto tranquillo quella mattina, e nessuno sapeva perché le navi non fossero arrivate.",
    "pt": "O velho porto estava muito calmo naquela manhã, e ninguém sabia por que os navios não tinham chegado.",
    "ru": "Старый порт был очень тихим в то утро, и никто не знал, почему корабли не пришли.",
    "ar": "كان الميناء القديم هادئا جدا في ذلك الصباح، ولم يعرف أحد لماذا لم تصل السفن.",
    "hi": "उस सुबह पुराना बंदरगाह बहुत शांत था और कोई नहीं जानता था कि जहाज क्यों नहीं आए।",
    "ko": "그날 아침 오래된 항구는 매우 조용했고 배가 왜 오지 않았는지 아무도 몰랐다.",
    "th": "เช้าวันนั้นท่าเรือเก่าเงียบมาก และไม่มีใครรู้ว่าทำไมเรือถึงไม่มา",
    "fi": "Vanha satama oli sinä aamuna hyvin hiljainen, eikä kukaan tiennyt, miksi laivat eivät olleet tulleet.",
    "vi": "Bến cảng cũ rất yên tĩnh vào buổi sáng hôm đó và không ai biết tại sao các con tàu chưa đến.",
    "fa": "بندر قدیمی در آن صبح بسیار آرام بود و هیچ کس نمی دانست چرا کشتی ها نیامده اند.",
    "bn": "সেই সকালে পুরানো বন্দরটি খুব শান্ত ছিল এবং কেউ জানত না কেন জাহাজগুলি আসেনি।",
    "ta": "அன்று காலை பழைய துறைமுகம் மிகவும் அமைதியாக இருந்தது, கப்பல்கள் ஏன் வரவில்லை என்று யாருக்கும் தெரியவில்லை.",
    "te": "ఆ ఉదయం పాత ఓడరేవు చాలా ప్రశాంతంగా ఉంది మరియు ఓడలు ఎందుకు రాలేదో ఎవరికీ తెలియదు.",
    "pa": "ਉਸ ਸਵੇਰ ਪੁਰਾਣੀ ਬੰਦਰਗਾਹ ਬਹੁਤ ਸ਼ਾਂਤ ਸੀ ਅਤੇ ਕੋਈ ਨਹੀਂ ਜਾਣਦਾ ਸੀ ਕਿ ਜਹਾਜ਼ ਕਿਉਂ ਨਹੀਂ ਆਏ।",
    "gu": "તે સવારે જૂનું બંદર ખૂબ શાંત હતું અને કોઈને ખબર ન હતી કે જહાજો કેમ ન આવ્યા.",
    "kn": "ಆ ಬೆಳಿಗ್ಗೆ ಹಳೆಯ ಬಂದರು ತುಂಬಾ ಶಾಂತವಾಗಿತ್ತು ಮತ್ತು ಹಡಗುಗಳು ಏಕೆ ಬರಲಿಲ್ಲ ಎಂದು ಯಾರಿಗೂ ತಿಳಿದಿರಲಿಲ್ಲ.",
    "sw": "Bandari ya zamani ilikuwa kimya sana asubuhi hiyo, na hakuna mtu aliyejua kwa nini meli za wavuvi hazikufika katika mji.",
    "en": "The old harbour was very quiet that morning, and nobody knew why the ships had not arrived yet.",
}


def some(pieces, least, most, by=" "):
    return by.join(DRAW.choice(pieces) for _ in range(DRAW.randint(least, most)))


def prose(least=1, most=6):
    return some(SENTENCES, least, most, DRAW.choice([" ", " ", "\n", "\n\n"]))


def framed(text):
    """Sometimes with a line before or after it, or asterisks: what the loose verdict lets pass."""
    kind = DRAW.random()
    if kind < 0.15:
        return "Sure, here it is:\n" + text
    if kind < 0.3:
        return text + "\nI hope that helps, really."
    if kind < 0.4:
        return "**" + text + "**"
    return text


def relation(count):
    near = max(1, count + DRAW.choice([-1, 0, 0, 1]))
    return {"relation": DRAW.choice(["less than", "at least"])}, near


def case(kind):
    n = DRAW.randint(1, 4)
    if kind == "keywords:existence":
        return {"keywords": DRAW.sample(["harbour", "nobody", "books", "nasa", "eggs", "co."], 2)}, prose(3, 8)
    if kind == "keywords:forbidden_words":
        return {"forbidden_words": DRAW.sample(["harbour", "nobody", "book", "bread", "the", "apple"], 2)}, prose(1, 3)
    if kind == "keywords:frequency":
        text = prose(2, 8)
        word = DRAW.choice(["the", "nobody", "no", "it"])
        bound, near = relation(text.lower().count(word))
        return {"keyword": word, "frequency": near} | bound, text
    if kind == "keywords:letter_frequency":
        text = prose()
        letter = DRAW.choice("aeNsz!")
        if letter == "!":
            letter = "q"
        bound, near = relation(text.lower().count(letter.lower()))
        return {"letter": letter, "let_frequency": near, "let_relation": bound["relation"]}, text
    if kind == "language:response_language":
        language = DRAW.choice([l for l in LANGUAGES if l != "en"])
        return {"language": language}, LANGUAGES[DRAW.choice([language, language, DRAW.choice(list(LANGUAGES))])]
    if kind == "length_constraints:number_sentences":
        text = prose(2, 8)
        bound, near = relation(len(nltk.tokenize.PunktTokenizer("english").tokenize(text)))
        return {"num_sentences": near} | bound, text
    if kind == "length_constraints:number_words":
        text = prose()
        bound, near = relation(len(nltk.tokenize.RegexpTokenizer(r"\w+").tokenize(text)))
        return {"num_words": near} | bound, text
    if kind == "length_constraints:number_paragraphs":
        divider = DRAW.choice(["\n***\n", " *** ", "***", "\n\n***\n\n"])
        text = divider.join([some(SENTENCES, 1, 2) for _ in range(n)] + DRAW.choice([[], [""], ["", "x"]]))
        return {"num_paragraphs": max(1, n + DRAW.choice([0, 0, 1]))}, text
    if kind == "length_constraints:nth_paragraph_first_word":
        firsts = [DRAW.choice(["Harbour", "'tis", '"Go', "We,", "the"]) for _ in range(n)]
        text = DRAW.choice(["\n\n", "\n\n", "\n\n\n\n"]).join(f"{first} {some(SENTENCES, 1, 2)}" for first in firsts)
        nth = DRAW.randint(1, n)
        word = DRAW.choice([firsts[nth - 1].strip("'\",").lower(), "Go", "other"])
        return {"num_paragraphs": n, "nth_paragraph": nth, "first_word": word}, text
    if kind == "detectable_content:number_placeholders":
        return {"num_placeholders": n}, some(["[name]", "[]", "[two words]", "[broken\nover]", "text", "[a] [b]"], 1, 5)
    if kind == "detectable_content:postscript":
        marker = DRAW.choice(["P.S.", "P.P.S"])
        return {"postscript_marker": marker}, prose(1, 3) + DRAW.choice(["\nP.S. more", "\n\nP. S. more", "\nP.P.S. more", "\np.p.s more", "\nPS more", ""])
    if kind == "detectable_format:number_bullet_lists":
        return {"num_bullets": n}, some(["* one", "- two", "  * three", "** four", "five - six", "*seven*", "+ eight"], 1, 5, "\n")
    if kind == "detectable_format:constrained_response":
        return {}, DRAW.choice(["", "Well. "]) + DRAW.choice(["My answer is yes.", "My answer is no.", "My answer is maybe.", "My answer is perhaps.", "my answer is yes.", "My answer is *yes*."])
    if kind == "detectable_format:number_highlighted_sections":
        return {"num_highlights": n}, some(["*one*", "**two**", "* *", "**", "*three\nfour*", "plain", "***five***", "_six_"], 1, 5)
    if kind == "detectable_format:multiple_sections":
        word = DRAW.choice(["Section", "SECTION", "Day"])
        return {"section_spliter": word, "num_sections": n}, "\n".join(f"{DRAW.choice([word, word.lower(), word + ' ', '## ' + word])} {i + 1}\n{DRAW.choice(SENTENCES)}" for i in range(n + DRAW.choice([-1, 0, 1])))
    if kind == "detectable_format:json_format":
        return {}, DRAW.choice(["", "```json\n", "```\n"]) + DRAW.choice(['{"a": [1, 2.5, null]}', '{"a": 1,}', "[]", '"text"', "{'a': 1}", '{"a": 1} more', "12"]) + DRAW.choice(["", "\n```"])
    if kind == "detectable_format:title":
        return {}, DRAW.choice(["<<Ode to joy>>\n", "<< >>\n", "<<>>\n", "<<broken\nover>>\n", "<Title>\n", "see <<a>> and <<b>>\n"]) + prose(1, 2)
    if kind == "combination:two_responses":
        return {}, DRAW.choice(["******", "\n******\n", "*****", "*******"]).join(DRAW.choice(["One.", "Two.", "", "One."]) for _ in range(DRAW.choice([1, 2, 2, 2, 3])))
    if kind == "combination:repeat_prompt":
        prompt = "Write a poem about the SEA. "
        return {"prompt_to_repeat": prompt}, DRAW.choice(["", " \n", "Sure. "]) + DRAW.choice([prompt, prompt.lower(), "Write a poem about a sea."]) + "\nThe sea is wide."
    if kind == "startend:end_checker":
        phrase = DRAW.choice(["Any other questions?", "Peace!"])
        return {"end_phrase": phrase}, prose(1, 2) + " " + DRAW.choice([phrase, phrase.upper(), phrase + '"', phrase + " Bye.", phrase + "\n", phrase[:-1]])
    if kind == "change_case:capital_word_frequency":
        text = prose(2, 6) + some([" NASA", " U.S.", " AND/OR", " A-B", " I'M", " (OK)", " x2Y", " B2B,", " non-EU"], 0, 3, "")
        count = sum(word.isupper() for word in nltk.word_tokenize(text))
        bound, near = relation(count)
        return {"capital_frequency": near, "capital_relation": bound["relation"]}, text
    english = LANGUAGES["en"] + " " + "It was a cold day, and the water was still."
    if kind == "change_case:english_capital":
        return {}, DRAW.choice([english.upper(), english.upper() + " a", english, "12 34", LANGUAGES["ru"].upper(), (english * 2).upper()])
    if kind == "change_case:english_lowercase":
        return {}, DRAW.choice([english.lower(), english.lower() + " A", english, "12 34", LANGUAGES["de"].lower(), LANGUAGES["fr"].lower()])
    if kind == "punctuation:no_comma":
        return {}, prose(1, 3)
    if kind == "startend:quotation":
        return {}, DRAW.choice(['"{}"', ' "{}"\n', "'{}'", '"{}', "“{}”", "{}"]).format(prose(1, 2))
    raise ValueError(kind)


def main():
    for kind in instructions_registry.INSTRUCTION_DICT:
        for _ in range(21):
            kwargs, answer = case(kind)
            answer = framed(answer) if "language" not in kind and "english" not in kind else answer
            row = InputExample(key=0, instruction_id_list=[kind], prompt="", kwargs=[kwargs])
            strict = test_instruction_following_strict(row, answer).follow_all_instructions
            loose = test_instruction_following_loose(row, answer).follow_all_instructions
            print(json.dumps({"id": kind, "kwargs": kwargs, "answer": answer, "strict": bool(strict), "loose": bool(loose)}, ensure_ascii=False))


main()
