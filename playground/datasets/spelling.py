"""Names as bytes in the encoding of any system -> text; two different names never become the same text, and never look the same.

texts = distinguishable(decoded(names))
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import AnyStr

INVISIBLE = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}  # kinds of characters, as Unicode calls them
TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # they turn the text around them
ASIAN = ("cp932", "gb18030", "cp949", "big5")  # the first are preferred where several suit equally well
ON_DISK = (*ASIAN, "cp1252", "cp1251", "cp437", "cp850", "cp866", "cp1250", "cp852", "cp1253", "cp1254", "koi8_r")
IN_ZIP = (*ASIAN, "cp866", "cp437", "cp850", "cp1252", "cp1251", "cp852", "cp1250", "cp1253", "cp1254", "koi8_r")  # those of DOS first
SCRIPTS = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK", "IDEOGRAPHIC": "CJK"}  # used together in one word
MANY = 20_000  # bytes of names that are looked at, at most


def decoded(names: Sequence[bytes], encodings: Sequence[str] = ON_DISK) -> list[str]:
    """Paths with `/` between their parts -> text: UTF-8, or the one encoding among `encodings` that suits all that are not."""
    if all(name.isascii() for name in names):
        return [name.decode("ascii") for name in names]
    read = partial(_as_text, encoding=_encoding(names, encodings))
    parts = sorted({part for name in names for part in name.split(b"/")})
    texts = _distinct(parts, read, _with_codes)
    return ["/".join(texts[part] for part in name.split(b"/")) for name in names]


def distinguishable(paths: Sequence[str]) -> list[str]:
    """Paths -> the same without invisible characters; these are written as codes if parts would look the same without them."""
    if all(map(_is_plain, paths)):
        return list(paths)
    parts = sorted({part for path in paths for part in path.split("/")})
    looks: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        looks[_look(part)].append(part)
    alone = {group[0] for look, group in looks.items() if look and len(group) == 1}
    texts = _distinct(parts, lambda part: clean(part) if part in alone else _spelled_out(part), _spelled_out)
    return ["/".join(texts[part] for part in path.split("/")) for path in paths]


def shortened(names: Sequence[str], most: int) -> list[str]:
    """Distinct names -> distinct names of at most `most` characters: of a long one, how it begins and how it ends."""
    begin = (most - 1) // 2
    short = [name if len(name) <= most else f"{name[:begin]}…{name[begin + 1 - most :]}" for name in names]
    taken: dict[str, None] = {}
    for name in short:
        taken[_numbered(name, taken, most) if name in taken else name] = None
    return list(taken)


def clean(text: str) -> str:
    """In one spelling (NFC), without control characters, and without those that turn the direction of the text around them."""
    kept = text if text.isprintable() else "".join(each for each in text if not _unseen(each))
    return unicodedata.normalize("NFC", kept).strip()


def readable(text: str) -> str:
    """Text that can be shown and stored, whatever bytes it was made of."""
    return clean(_with_codes(raw(text)))


def raw(text: str) -> bytes:
    """The bytes that Python made a name on the disk of; a question mark for what no bytes can be."""
    return re.sub("[\ud800-\udc7f\udd00-\udfff]", "?", text).encode("utf-8", "surrogateescape")


def _encoding(names: Sequence[bytes], encodings: Sequence[str]) -> tuple[str, bool]:
    """The encoding of names that are not UTF-8, and whether names that could be UTF-8 also use it, which is assumed if they are fewer."""
    special = [name for name in names if not name.isascii()]
    other = [name for name in special if not _is_utf8(name)]
    if not other:
        return "utf-8", True
    everywhere = len(special) - len(other) < len(other)
    return _suiting(special if everywhere else other, encodings), everywhere


def _suiting(names: Iterable[bytes], encodings: Sequence[str]) -> str:
    """The encoding in which all names can be read, and in which they look most like words of some language."""
    from charset_normalizer import from_bytes

    text = b"\n".join(sorted(set(names)))[:MANY]
    text = text[: text.rfind(b"\n")] if len(text) == MANY else text
    best, least = "cp1252", 2.0
    for encoding in encodings:
        found = from_bytes(text, cp_isolation=[encoding], threshold=1.0, enable_fallback=False).best()
        if found is not None and (strange := round(found.chaos, 1) + _strangeness(text.decode(encoding))) < least:
            best, least = encoding, strange
    return best


def _strangeness(text: str) -> float:
    """The share of words that mix scripts, or hold signs or narrow letters, of those that are not plain ASCII."""
    words = [word for word in re.findall(r"[^\x00-@\[-`{-\x7f]+", text) if not word.isascii()]
    return sum(map(_is_strange, words)) / max(1, len(words))


def _is_strange(word: str) -> bool:
    scripts = {unicodedata.name(each, "NONE").split()[0] if each.isalpha() else "SIGN" for each in word if each != "ー"}
    scripts = {SCRIPTS.get(each, each) for each in scripts}
    return len(scripts) > 1 or bool(scripts & {"SIGN", "HALFWIDTH", "NONE"}) or (word[1:] != word[1:].lower() and word != word.upper())


def _as_text(name: bytes, encoding: tuple[str, bool]) -> str:
    other, everywhere = encoding
    if name.isascii() or (not everywhere and _is_utf8(name)):
        return name.decode("utf-8")
    try:
        return name.decode(other)
    except UnicodeDecodeError:
        return _with_codes(name)


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _with_codes(name: bytes) -> str:
    """As UTF-8, with invalid bytes as codes: caf‹E9›."""
    text = name.decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]", lambda found: f"‹{ord(found[0]) & 0xFF:02X}›", text)


def _spelled_out(text: str) -> str:
    """Invisible characters become their codes, and a space at an end or next to another one becomes a sign: dog␣."""
    text = "".join(f"‹U+{ord(each):04X}›" if _unseen(each) or unicodedata.category(each) == "Cf" else each for each in text)
    return re.sub(r"^\s+|\s+$|\s{2,}|[^\S ]", lambda found: "␣" * len(found[0]), unicodedata.normalize("NFC", text))


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in INVISIBLE or character in TURNING


def _is_plain(text: str) -> bool:
    """Whether all of it is seen as it is: in most sets every name, so that nothing else is looked at."""
    return text.isascii() and text.isprintable() and " /" not in f"{text}/" and "/ " not in f"/{text}" and "  " not in text


def _look(text: str) -> str:
    """The same text for names that look the same to a person."""
    if _is_plain(text):
        return text
    seen = clean(text)
    if not seen.isprintable():
        seen = "".join(each for each in seen if unicodedata.category(each) != "Cf")
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", seen)).strip()


def _distinct(names: Sequence[AnyStr], read: Callable[[AnyStr], str], other: Callable[[AnyStr], str]) -> dict[AnyStr, str]:
    """A text for each name: what `read` makes of it; what `other` makes, where that is taken; with a number, where that is taken too.

    Two spellings that Unicode calls the same name (NFC and NFD) are one.
    """
    texts: dict[AnyStr, str] = {}
    taken: dict[str, str] = {}
    for name in names:
        same = unicodedata.normalize("NFC", name if isinstance(name, str) else _with_codes(name))
        text = unicodedata.normalize("NFC", read(name))
        if taken.get(text, same) != same:
            text = other(name)
        if taken.get(text, same) != same:
            text = _numbered(text, taken, len(text) + 8)
        texts[name], taken[text] = text, same
    return texts


def _numbered(name: str, taken: Iterable[str], most: int) -> str:
    """With the first free number appended."""
    number = 2
    while (text := f"{name[: most - 8]} ({number})") in taken:
        number += 1
    return text
