"""Writes prompts.json: ten prompts in five scripts, and one of about 1,200 tokens, past the model's 512-token window."""

import json
from pathlib import Path

SHORT = [
    ("The capital of France is", [" Paris", " London", " a city on the river Seine."]),
    ("Q: What is 17 + 25?\nA:", [" 42", " 41", " forty-two"]),
    ("In 1969, the first people to walk on the Moon were", [" Neil Armstrong and Buzz Aldrin", " Yuri Gagarin"]),
    ("def fibonacci(n):\n    ", ["if n < 2:", "return", "print(n)"]),
    ("Столица России —", [" Москва", " Париж"]),
    ("Он открыл дверь и увидел", [" свою мать.", " человека"]),
    ("中国的首都是", ["北京", "上海"]),
    ("春天到了，花园里的花", ["都开了。", "还没有开"]),
    ("عاصمة مصر هي", [" القاهرة", " بغداد"]),
    ("भारत की राजधानी", [" नई दिल्ली है।", " मुंबई है।"]),
]
SENTENCES = [
    "The archive of the harbour office was moved three times before anyone counted its boxes.",
    "Each box held the log of one ship, and each log began with the weather.",
    "A clerk named Ines read them in the order of the tides rather than the years.",
    "She noted every storm in a green book, and every birth on board in a red one.",
    "By autumn the green book was full, and the red one had eleven lines.",
    "The harbour master asked her what she had learned, and she said that the sea keeps no calendar.",
]


def main():
    # The sentences return in a shifting order, so that the far past, outside the window, differs from the near one.
    long = " ".join(SENTENCES[(i * 5 + i // 6) % 6] + f" That was day {i + 1}." for i in range(50))
    prompts = [{"text": text, "continuations": rest} for text, rest in SHORT]
    prompts.append({"text": long, "continuations": [" The next morning", " She noted every storm in a green book", " Ines"]})
    Path(__file__).with_name("prompts.json").write_text(json.dumps(prompts, ensure_ascii=False, indent=1) + "\n", "utf8")


main()
