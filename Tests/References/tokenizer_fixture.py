"""Writes Tests/Fixtures/tokenizer: a small byte-level tokenizer and what the tokenizers library makes of texts.

`tokenizer.json` is trained here on a few sentences; `cases.json` lists variants of it (members that replace those of
the file) with texts, their ids and the decoded ids. Usage: python tokenizer_fixture.py (tokenizers 0.23).
"""

import copy
import json
import random
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TARGET = Path(__file__).parents[1] / "Fixtures/tokenizer"

TRAINING = [
    "The quick brown fox jumps over the lazy dog, and the dog doesn't mind; it's what they'd expect.",
    "We've seen 1234 birds in 2019, 567 in 2020 and I'm sure they'll be back by 10:45 on 31/12.",
    "    def forward(self, x):\n        return self.weight * x + self.bias\n\n\tif x > 0:\r\n\t\tpass\n",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Ça va déjà très bien, monsieur.",
    "Быстрая коричневая лиса прыгает через ленивую собаку. Γρήγορη καφέ αλεπού πηδά πάνω από το σκυλί.",
    "敏捷的棕色狐狸跳过了懒狗。素早い茶色の狐がのろまな犬を飛び越える。빠른 갈색 여우가 게으른 개를 뛰어넘는다.",
    "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है। الثعلب البني السريع يقفز فوق الكلب الكسول. השועל החום המהיר",
    "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ 🦊🐶 👍🏽 👨‍👩‍👧 🇩🇪 Con cáo nâu nhanh nhẹn nhảy qua con chó lười.",
    "State space models scan a sequence with a selective state; attention looks at all of the tokens.",
]

TEXTS = [
    "", " ", "  ", "   ", "\n", "\n\n", "\t", "a", " a", "  a", "a ", "a  ", "a   b", "a\n b", "a \n b", "a\t\tb",
    "Hello world", " Hello world", "  hello", "hello  ", "a" + " " * 25 + "b", " " * 26, " " * 7 + "\n" + " " * 3,
    "don't 123 4567", "I'm we've they'll he'd she's you're it'S CAN'T 'tis ''s 'sss 'x ' s' 'l 'r 'v", " 's 't",
    "\n        return x", "a\r\nb\r\n\r\n", "tab\tseparated\tvalues", "no\u00a0break\u00a0space", "\u00a0\u00a0x",
    "line\u2028separator\u2029end \u3000 ideographic\u3000space", "\u0085next\u000bvertical\u000cfeed", "\u180e\u200b\ufeffx",
    "a\x00b\x01\x7f\x1f", "\x1c\x1d\x1e x", "e\u0301", "é", "e\u0323\u0301", "e\u0301\u0323", "A\u030a\u212b\u00c5", "\u0344\u0340\u0374\u037e",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 한글 \uac00\u11a8 \u1100\u1161\u11a7", "\u0915\u093c \u0958 \u0928\u093c \u09c7\u09be \u0bc6\u0bbe \u0b47\u0b3e",
    "\u0dd9\u0dcf\u0dca \u0dd9\u0dca\u0dcf", "\u0f71\u0f72\u0f80 \u0fb2\u0f71\u0f80", "\u1025\u102e", "\u30ab\u3099\u304b\u309a", "\ufb1d\ufb2a \u05d9\u05b4",
    "\uf900\ufa10\U0002f800", "\U0001d15e\U0001d160", "\U00011131\U00011127 \U000114b9\U000114ba", "a\u0345\u1ac0b\u08d3\u0345", "ÅÅÅ ﬁ ﬂ Ⅷ ²",
    "\u0301leading mark", "q\u0307\u0323 d\u0307\u0323 s\u0307\u0323 \u1e9b\u0323", "e" + "\u0301\u0323\u0345" * 30,
    "Быстрая лиса, ленивая собака!", "Γρήγορη αλεπού", "敏捷的棕色狐狸", "素早い茶色の狐がﾊﾝｶｸ", "빠른 갈색 여우", "तेज़ भूरी लोमड़ी", "الثعلب البني ١٢٣٤",
    "השועל החום", "สุนัขจิ้งจอก ๑๒๓", "Tiếng Việt có dấu", "Tie\u0302\u0301ng Vie\u0302\u0323t", "ⅣⅤ ½¾ ①② 一二三 𝟙𝟚𝟛 ௧௨௩ 〇",
    "🦊🐶👍🏽", "👨‍👩‍👧‍👦 🇩🇪🇫🇷", "x🦊y 1🦊2", "a\u0308o\u0308u\u0308", "∑∫√ ≠ ≤ → «quoted» “curly” ‘single’ — …", "snake_case camelCase kebab-case",
    "!!!???...", " !!! ???", "$1,234.56 (50%) #hash @name a+b=c", "https://example.org/path?query=1&x=%20", "<>&\"'\\/", "\ufffd\ufffe", "\U0010ffff\ue000",
    "<|endoftext|>", "x <|endoftext|> y", "a<|endoftext|>b", "<|endoftext|><|endoftext|>", "<|endoftext", "<|endoftext|>  <|endoftext|>",
    "<image>\nWhat is this?", "un<image>known", "<imag<image>e>", "<images> <image>s <imagesize>", "Vi\u1ec7ts", "Vie\u0302\u0323ts", "a Vie\u0323\u0302t b", "na\u00efve na\u0131ve",
    "[word] s[word]s [word][word] \u00e9[word] _[word] 1[word] ([word])", "a [left] b  [left]", "\u00a0[left]", "a [right] b [right]  ", "[right]\u3000 [right]x",
    "[right]   [left]   x", "a  [both]  b", "[both]     [both]", "  [left]  [right]  ", "[right]     x", "\u0888\u088f \u0c5c \U000105c9 \u1c89 \ua7cb \U00016d67",
]

RUNS = [AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def train() -> dict:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<|endoftext|>", "<|padding|>", "<image>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    tokenizer.add_tokens(RUNS)
    tokenizer.add_tokens([
        AddedToken("<images>", normalized=False), AddedToken("Vie\u0302\u0323t", normalized=True),
        AddedToken("Vie\u0302\u0323ts", normalized=False)])
    return json.loads(tokenizer.to_str())


def variants(base: dict) -> list[dict]:
    byte_level = base["pre_tokenizer"]
    split = {"type": "Split", "pattern": {"Regex": GPT2}, "behavior": "Isolated", "invert": False}
    size = 1 + max(token["id"] for token in base["added_tokens"])
    flags = {"[word]": "single_word", "[left]": "lstrip", "[right]": "rstrip", "[both]": "lstrip rstrip"}
    stripping = [
        {"id": size + i, "content": content, "special": False, "normalized": i % 2 == 1,
         **{flag: flag in names.split() for flag in ("single_word", "lstrip", "rstrip")}}
        for i, (content, names) in enumerate(flags.items())]
    few = base["added_tokens"][:3]  # Those of the vocabulary: the library numbers others without gaps.
    alone = [{**token, "id": len(base["model"]["vocab"]) + i} for i, token in enumerate(stripping)]
    legacy = [" ".join(pair) for pair in base["model"]["merges"]]
    scarce = base["model"]["merges"][:100]
    return [
        {"name": "as trained", "members": {}},
        {"name": "a space before every text", "members": {"pre_tokenizer": {**byte_level, "add_prefix_space": True}}},
        {"name": "one piece a text", "members": {"pre_tokenizer": {**byte_level, "use_regex": False}}},
        {"name": "split before byte level", "members": {"pre_tokenizer": {
            "type": "Sequence", "pretokenizers": [split, {**byte_level, "use_regex": False}]}}},
        {"name": "no normalizer", "members": {"normalizer": None}},
        {"name": "sequence of normalizers", "members": {
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "NFC"}]}}},
        {"name": "merges as strings", "members": {"model": {**base["model"], "merges": legacy}}},
        {"name": "whole pieces", "members": {"model": {**base["model"], "merges": scarce, "ignore_merges": True}}},
        {"name": "tokens that strip", "members": {"added_tokens": few + alone}},
        {"name": "tokens that strip and runs of spaces", "members": {"added_tokens": base["added_tokens"] + stripping}},
        {"name": "no added tokens", "members": {"added_tokens": []}},
    ]


def expectations(definition: dict, texts: list[str]) -> list[dict]:
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    cases = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
    return cases


def broken_texts(definition: dict, count: int) -> list[dict]:
    """Random tokens of single bytes, which mostly are no UTF-8."""
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    source = random.Random(1)
    singles = sorted(id for piece, id in definition["model"]["vocab"].items() if len(piece) == 1)
    high = [id for id in singles if not tokenizer.id_to_token(id).isascii()]
    result = []
    for _ in range(count):
        ids = source.choices(singles, k=2) + source.choices(high, k=10)
        source.shuffle(ids)
        result.append({"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
    return result


def patch(base: dict, members: dict) -> dict:
    """What the file stores of a variant: for the model only the settings that differ."""
    stored = copy.deepcopy(members)
    if "model" in stored:
        stored["model"] = {k: v for k, v in stored["model"].items() if v != base["model"].get(k)}
    return stored


def main() -> None:
    base = train()
    result = []
    for variant in variants(base):
        cases = expectations({**base, **variant["members"]}, TEXTS)
        result.append({**variant, "members": patch(base, variant["members"]), "cases": cases})
    reference = {json.dumps(case) for case in result[0]["cases"]}
    for variant in result[1:]:  # Only what differs from the first variant, and every tenth case.
        variant["cases"] = [
            case for i, case in enumerate(variant["cases"]) if json.dumps(case) not in reference or i % 10 == 0]
    result[0]["broken"] = broken_texts(base, 200)
    TARGET.mkdir(parents=True, exist_ok=True)
    dump = lambda value: json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"
    (TARGET / "tokenizer.json").write_text(dump(base))
    (TARGET / "cases.json").write_text(dump(result))


if __name__ == "__main__":
    main()
