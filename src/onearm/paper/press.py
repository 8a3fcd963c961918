"""From text to PDF by way of typst: quoting, the fonts, and characters that they lack.

Nothing of the machine is used: the fonts are those of this package and of typst itself.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

FAMILY = "Noto Sans CJK SC"
"""The family of the fonts of this package, Latin and Chinese in one."""

OTHERS = ((0x0100, 0x017F), (0x1E00, 0x1EFF), (0x2070, 0x209C))
"""Latin letters with accents (Łukasz) and signs raised and lowered that typst's own fonts hold."""

LONG = re.compile(r"[0-9A-Za-z]{24,}")
BREAK = "\u200b"
"""A place where a line may break."""


def pdf(source: str, *, root: Path | None = None) -> bytes:
    """The PDF of typst source. The same source gives the same bytes.

    root: the folder whose files (pictures) the source may read; none where it reads none.
    """
    import typst  # 80 MB: only where a PDF is wanted

    with as_file(files("onearm.paper") / "fonts") as fonts:
        text: Any = source.encode()  # Any: typst's stubs want source and folders of one type
        made: bytes = typst.compile(
            text, root=root or fonts, font_paths=[fonts], ignore_system_fonts=True, format="pdf"
        )
    return made


def quote(text: str) -> str:
    """A text as a typst string, in which no sign means anything to typst.

    >>> quote('a "b"')
    '"a \\\\"b\\\\""'
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def words(text: object) -> str:
    """A text for people as a typst string: `legible`, then quoted."""
    return quote(legible(str(text)))


def code(text: str) -> str:
    """Names, conditions and hashes as a typst string: being long, they may break."""
    text = LONG.sub(lambda found: BREAK.join(_eights(found[0])), legible(text))
    for sign in ("_", "/", ".", "=", ",", "("):
        text = text.replace(sign, sign + BREAK)
    return quote(text)


def digest(text: str) -> str:
    """A hash as a typst string: it may break, being long."""
    return quote(BREAK.join(_eights(text)))


def legible(text: str) -> str:
    """The text with what the fonts cannot show named by its number, so that nothing vanishes.

    Signs that are not seen (those that turn the direction of writing among them) are named too;
    ends of lines and tabs stay. Letters with separate accents are joined.

    >>> legible("李\U00020bb7\u202e")
    '李[U+20BB7][U+202E]'
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\t", " "))
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _is_shown(c) else f"[U+{ord(c):04X}]" for c in text)


def _eights(text: str) -> list[str]:
    return [text[at : at + 8] for at in range(0, len(text), 8)]


def _is_shown(character: str) -> bool:
    if character == "\n":
        return True
    number = ord(character)
    if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"):
        return False
    return number in _covered()


@cache
def _covered() -> frozenset[int]:
    """The characters of the regular font, from the runs that are kept beside it."""
    text = (files("onearm.paper") / "fonts" / "characters.txt").read_text(encoding="ascii")
    found = {code for first, last in OTHERS for code in range(first, last + 1)}
    for line in text.split():
        first, _, last = line.partition("-")
        found.update(range(int(first, 16), int(last, 16) + 1))
    return frozenset(found)
