"""Writes Tests/Fixtures/tokenizer/kinds.json: tokenizers of several kinds and what the tokenizers library makes of texts.

`bases` are tokenizers trained here on a few sentences, by name; `variants` name a base, members that replace those of
it, and texts with their ids and the decoded ids. Usage: python tokenizer_kinds_fixture.py (tokenizers 0.23).
"""

import json
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from tokenizer_fixture import TARGET, TEXTS, TRAINING

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
POSSESSIVE = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"
              r"|\s*[\r\n]|\s+(?!\S)|\s")
WORD = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
CASED = (rf"[^\r\n\p{{L}}\p{{N}}]?{WORD}(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         rf"|[^\r\n\p{{L}}\p{{N}}]?{WORD.replace('*', '#').replace('+', '*').replace('#', '+')}"
         r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

EXPRESSIONS = [
    QWEN2, LLAMA3, POSSESSIVE, CASED, r"[0-9][0-9][0-9]", r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))|\p{L}+", r"a{1,2}+", r"a{2}",
    r"a{,2}b", r"a*", r"(a|ab)(c|bcd)*", r"(?>a+|ab)b", r"x*?y|^a|b$", r"\Aa|b\z", r"a??b", r"(?:ab?)+?c", r"[^\S\r\n]+",
    r"\w+|[^\w\s]+", r"[一-龥぀-ゟ゠-ヿ]+", r"\d(?=\d)|\D", r"(?i)AB?|k", r".+", r"(?:a|b)*+a|c", r"(?=a).|(?!b)\S", r"\x41|\u4e2d",
    r"(|a)b", r"a|", r"^", r"$", r"\s+$|\P{L}", r" {2,}", r"(?:\r\n|\r|\n){1,2}", r"[^a-c]|b", r"\W|(?-i:a)\.",
]
BEHAVIORS = ["Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
MORE_TEXTS = [
    "12345 1234567 12 1²3 ½¾ x1y22z333 ٣٤٥٦", "!!!...??? \"quoted\"—«»", "'S 'ſ DON'T don’t K'LL", "▁▁a ▁b a▁b", "ｶﾞ ﬁ ① Å İ ΑΣ Σ",
    "x <tok> y<tok>", " <tok>", "<s>a</s>", "a <image> b", "  two  spaces  ", "\U0001f98a\U0001d7d9\u0301", "a\u0300\u1cf2\U000111c9\u166d",
]


def split(expression: str, behavior: str = "Isolated", invert: bool = False) -> dict:
    return {"type": "Split", "pattern": {"Regex": expression}, "behavior": behavior, "invert": invert}


def sequence(*steps: dict) -> dict:
    return {"type": "Sequence", "pretokenizers": list(steps)}


def metaspace(scheme: str, splits: bool) -> dict:
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": splits}


def byte_level(prefix: bool = False, words: bool = False) -> dict:
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": words}


def digits(individual: bool) -> dict:
    return {"type": "Digits", "individual_digits": individual}


def punctuation(behavior: str) -> dict:
    return {"type": "Punctuation", "behavior": behavior}


ADDED = [AddedToken("<tok>", normalized=True), AddedToken("<image>", normalized=False, lstrip=True)]


def bytes_base() -> dict:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(TRAINING, trainers.BpeTrainer(
        vocab_size=420, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    tokenizer.add_tokens(ADDED)
    return json.loads(tokenizer.to_str())


def marks_base() -> dict:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    special = ["<unk>", "<s>", "</s>"]
    tokenizer.train_from_iterator(TRAINING[:6], trainers.BpeTrainer(
        vocab_size=460, limit_alphabet=90, show_progress=False,
        special_tokens=special + [f"<0x{byte:02X}>" for byte in range(256)]))
    definition = json.loads(tokenizer.to_str())
    definition["added_tokens"] = [token for token in definition["added_tokens"] if token["content"] in special]
    definition["post_processor"] = {
        "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    tokenizer.add_tokens(ADDED)
    return json.loads(tokenizer.to_str())


def spelled_base() -> dict:
    """Every byte is a token, so that the marks before pieces show where a text was cut."""
    vocabulary = {"▁": 0, **{f"<0x{byte:02X}>": byte + 1 for byte in range(256)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return json.loads(tokenizer.to_str())


def component(value: object) -> dict:
    return json.loads(value.__getstate__())


def variants() -> list[tuple[str, str, dict]]:
    prepend = component(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]))
    changes = component(normalizers.Sequence([
        normalizers.NFKC(), normalizers.Lowercase(), normalizers.StripAccents(), normalizers.Strip(),
        normalizers.Replace(Regex(" {2,}"), " "), normalizers.NFD()]))
    compatible = component(normalizers.Sequence([normalizers.NFKD(), normalizers.Replace("ab", "c")]))
    one = component(decoders.Metaspace())
    never = component(decoders.Metaspace(prepend_scheme="never"))
    plain = {"byte_fallback": False, "fuse_unk": False}
    stripped = component(decoders.Sequence([decoders.Strip("▁", 1, 0), decoders.Replace("▁", " "), decoders.ByteFallback()]))
    return [
        ("Falcon", "bytes", {"pre_tokenizer": sequence(
            punctuation("Contiguous"), byte_level(words=True), digits(False), split("[0-9][0-9][0-9]"))}),
        ("digits after bytes", "bytes", {"pre_tokenizer": sequence(
            punctuation("MergedWithPrevious"), byte_level(prefix=True, words=True), digits(True))}),
        ("Qwen2", "bytes", {"pre_tokenizer": sequence(split(QWEN2), byte_level()), "normalizer": {"type": "NFC"}}),
        ("Llama 3", "bytes", {"pre_tokenizer": sequence(split(LLAMA3), byte_level()), "model": {"ignore_merges": True}}),
        ("cased words, inverted", "bytes", {"pre_tokenizer": sequence(split(CASED, "Removed", True), byte_level())}),
        ("normalizers", "bytes", {"normalizer": changes, "pre_tokenizer": sequence(
            {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithNext", "invert": False},
            split(r"\d", "MergedWithPrevious"), byte_level())}),
        ("compatible normal form", "bytes", {"normalizer": compatible}),
        ("Llama", "marks", {"normalizer": prepend, "pre_tokenizer": None}),
        ("whole pieces", "marks", {"normalizer": prepend, "pre_tokenizer": None, "model": {"ignore_merges": True}}),
        ("mark at the start", "marks", {"pre_tokenizer": metaspace("first", False)}),
        ("mark at the start of a stripped text", "marks", {
            "normalizer": component(normalizers.Strip(True, False)), "pre_tokenizer": metaspace("first", True)}),
        ("marks everywhere", "marks", {"pre_tokenizer": metaspace("always", True), "decoder": one}),
        ("no mark", "marks", {"pre_tokenizer": metaspace("never", True), "decoder": never}),
        ("unknown characters", "marks", {"model": plain, "decoder": stripped}),
        ("fused unknown characters", "marks", {"model": {"byte_fallback": False}}),
        ("no unknown token", "marks", {"model": {"byte_fallback": False, "unk_token": None}}),
        ("several steps", "marks", {"normalizer": {"type": "Lowercase"}, "pre_tokenizer": sequence(
            metaspace("first", True), digits(True), punctuation("Isolated"))}),
    ]


def expectations(definition: dict, texts: list[str]) -> list[dict]:
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    return [{"text": text, "ids": i, "decoded": tokenizer.decode(i, skip_special_tokens=False)} for text, i in zip(texts, ids)]


def changed(base: dict, members: dict) -> dict:
    result = {**base, **members}
    return {**result, "model": {**base["model"], **members.get("model", {})}}


def expression_variants(base: dict) -> list[dict]:
    source = random.Random(1)
    result = []
    for index, expression in enumerate(EXPRESSIONS):
        behavior, invert = BEHAVIORS[index % 5], index % 3 == 2
        members = {"pre_tokenizer": sequence(split(expression, behavior, invert), metaspace("always", False))}
        texts = ["".join(source.choices("aaabbc 1234 \n\r x'sſKLvre٣中あ\t\u00a0éÉǅʰ,.!", k=source.randrange(1, 16))) for _ in range(12)]
        name = f"{behavior}{', inverted' if invert else ''}: {expression}"
        result.append({"name": name, "base": "spelled", "members": members,
                       "cases": expectations(changed(base, members), texts)})
    return result


def main() -> None:
    bases = {"bytes": bytes_base(), "marks": marks_base(), "spelled": spelled_base()}
    stored = []
    texts = [text for text in TEXTS if "[" not in text and len(text) < 60] + MORE_TEXTS
    for offset, (name, base, members) in enumerate(variants()):
        own = texts[offset % 3 : -len(MORE_TEXTS) : 3] + MORE_TEXTS
        stored.append({"name": name, "base": base, "members": members, "cases": expectations(changed(bases[base], members), own)})
    stored += expression_variants(bases["spelled"])
    text = json.dumps({"bases": bases, "variants": stored}, ensure_ascii=True, separators=(",", ":"))
    (TARGET / "kinds.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
