"""Makes the fonts that `onearm.paper` prints with: parts of Noto Sans CJK SC, regular and bold.

    python docs/printing/paper_fonts.py REGULAR.ttc BOLD.ttc UNIHAN_OTHER_MAPPINGS

The collections are those of Noto CJK (Debian: fonts-noto-cjk), the last is Unihan_OtherMappings.txt
of the Unicode Character Database, plain or as .bz2 (Debian: unicode-data). Both hold GB 2312,
the 8,105 characters of China's general standard list of 2013 (with the rarer ones of names), Latin,
Greek and signs; the regular one the 5,401 common characters of Big5 besides, so that traditional
names are printed, if not in bold. Layout features and hints are left out: forms need neither.
"""

from __future__ import annotations

import bz2
import sys
from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FOLDER = Path(__file__).parents[2] / "src" / "onearm" / "paper" / "fonts"
FAMILY = "Noto Sans CJK SC"
RANGES = (
    (0x0020, 0x007E),
    (0x00A0, 0x017F),  # Latin with accents: names of people and places
    (0x02B0, 0x02FF),
    (0x0370, 0x03FF),  # Greek
    (0x0400, 0x045F),
    (0x1E00, 0x1EFF),  # Pinyin and Vietnamese accents
    (0x2000, 0x206F),
    (0x2070, 0x209F),
    (0x20A0, 0x20BF),
    (0x2100, 0x21FF),  # letter-like signs, Roman numerals, arrows
    (0x2200, 0x22FF),
    (0x2460, 0x249B),
    (0x2500, 0x25FF),
    (0x2600, 0x266F),
    (0x2713, 0x2718),
    (0x3000, 0x303F),
    (0x3200, 0x33FF),  # squared units
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFFEF),
)


def encoded(codec: str, rows: range, cells: range) -> Iterator[int]:
    """The characters of a double-byte code."""
    for pair in product(rows, cells):
        try:
            yield ord(bytes(pair).decode(codec))
        except UnicodeDecodeError:
            continue


def general_standard(path: Path) -> Iterator[int]:
    """The characters of the general standard list (Unihan kTGH)."""
    raw = path.read_bytes()
    text = (bz2.decompress(raw) if path.suffix == ".bz2" else raw).decode("utf-8")
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) == 3 and parts[1] == "kTGH":
            yield int(parts[0].removeprefix("U+"), 16)


def face(path: Path) -> TTFont:
    """The Simplified Chinese face of a collection."""
    for font in TTCollection(path, lazy=True).fonts:
        if font["name"].getDebugName(1) == FAMILY:
            return font
    raise SystemExit(f"{path} has no face {FAMILY}")


def cut(path: Path, characters: set[int], to: Path) -> list[int]:
    """Write the part of a face that holds these characters; returns those it has."""
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.desubroutinize = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["VORG", "vhea", "vmtx", "BASE"]
    font = face(path)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=characters)
    cutter.subset(font)
    font["head"].modified = font["head"].created  # the same bytes whenever it is made
    font.recalcTimestamp = False
    to.parent.mkdir(parents=True, exist_ok=True)
    font.save(to)
    kept = sorted(font.getBestCmap())
    print(f"{to.name}: {len(kept)} characters, {to.stat().st_size:,} bytes")
    return kept


def runs(codes: list[int]) -> Iterator[str]:
    """Sorted code points as runs ``4E00-4E05``, one a line."""
    for _, group in groupby(enumerate(codes), key=lambda pair: pair[1] - pair[0]):
        run = [code for _, code in group]
        yield f"{run[0]:04X}-{run[-1]:04X}"


def main(regular: str, bold: str, unihan: str) -> None:
    """Make both fonts."""
    signs = {code for first, last in RANGES for code in range(first, last + 1)}
    gb2312 = set(encoded("gb2312", range(0xA1, 0xF8), range(0xA1, 0xFF)))
    common = signs | gb2312 | set(general_standard(Path(unihan)))
    traditional = set(encoded("big5", range(0xA4, 0xC7), range(0x40, 0xFF)))
    kept = cut(Path(regular), common | traditional, FOLDER / "NotoSansCJKsc-Regular.otf")
    cut(Path(bold), common, FOLDER / "NotoSansCJKsc-Bold.otf")
    (FOLDER / "characters.txt").write_text("\n".join(runs(kept)) + "\n", encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
