"""Text on paper: nothing in it means anything to the typesetter, and no character vanishes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onearm.paper.press import FAMILY, code, legible, pdf, quote, words
from tests.paper.reading import needs_reader, text_of

FONTS = Path(__file__).parents[2] / "src" / "onearm" / "paper" / "fonts"
SET = f'#set text(font: "{FAMILY}")\n'
MEANT = (
    '#panic("ran") $x^2$ "quoted" \\ back @ref <label> *bold* _it_ // gone /* gone */ `raw` #{1+1}'
)


@needs_reader
def test_signs_that_mean_something_to_the_typesetter_are_printed_as_they_are() -> None:
    made = text_of(pdf(f"{SET}#text({words(MEANT)})\n#block({code(MEANT)})\n"))
    assert made.count('#panic("ran") $x^2$ "quoted" \\ back @ref <label> *bold* _it_ // gone') == 2
    assert "`raw` #{1+1}" in made


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
@example('"')
@example('\\"')
@example("\\")
@example("\\u{41}")
def test_every_text_stays_one_string(text: str) -> None:
    body = quote(text)[1:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in body
    assert body.replace("\\n", "").count("\\") == 0


@needs_reader
def test_common_and_rare_chinese_names_and_signs_are_printed() -> None:
    text = "张伟 喆堃镕 李燊 陳大文 Łukasz Müller ≥ 38.5 ℃ µg/L ½ α → ✓ △"
    assert text_of(pdf(f"{SET}#text({words(text)})")) == text


@needs_reader
def test_what_the_fonts_lack_is_named_by_its_number_and_does_not_vanish() -> None:
    made = text_of(pdf(f"{SET}#text({words('李𠮷 😀 ไ')})"))
    assert made == "李[U+20BB7] [U+1F600] [U+0E44]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc\u202edcb", "abc[U+202E]dcb"),  # turns the direction of writing
        ("a\u200bb", "a[U+200B]b"),
        ("a\x00b", "a[U+0000]b"),
        ("two\r\nlines\there", "two\nlines here"),
        ("e\u0301", "é"),
        ("SpO\u2082", "SpO\u2082"),
    ],
)
def test_signs_that_are_not_seen_are_named(text: str, shown: str) -> None:
    assert legible(text) == shown


@needs_reader
def test_raised_and_lowered_signs_come_from_the_other_fonts() -> None:
    assert "10⁻⁹" in text_of(pdf(f"{SET}#text({words('10⁻⁹')})"))


def test_the_list_of_characters_is_what_the_font_holds() -> None:
    from fontTools.ttLib import TTFont

    with TTFont(FONTS / "NotoSansCJKsc-Regular.otf", lazy=True) as font:
        held = set(font.getBestCmap())
    listed = set()
    for line in (FONTS / "characters.txt").read_text(encoding="ascii").split():
        first, last = (int(part, 16) for part in line.split("-"))
        listed |= set(range(first, last + 1))
    assert listed == held
    gb2312 = {
        ord(bytes((row, cell)).decode("gb2312"))
        for row in range(0xB0, 0xF8)
        for cell in range(0xA1, 0xFF)
        if (row, cell) < (0xD7, 0xFA) or (row, cell) > (0xD7, 0xFE)
    }
    assert len(gb2312) == 6763
    assert gb2312 <= held


def test_the_fonts_are_small_and_their_licence_lies_beside_them() -> None:
    assert sum(path.stat().st_size for path in FONTS.glob("*.otf")) < 7_000_000
    licence = (FONTS / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert licence.startswith("Copyright 2014-2021 Adobe")


@needs_reader
def test_the_fonts_are_embedded_and_none_of_the_machine_is_used(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(f"{SET}#text({words('中文 English')}) *{'粗'}*"))
    listed = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()[2:]]
    assert {row[0].partition("+")[2][:13] for row in rows} == {"NotoSansCJKsc"}
    assert all("yes" in row for row in rows)


def test_the_same_source_is_the_same_bytes() -> None:
    source = f"{SET}#set document(date: none)\n= {'标题'}\nA text."
    assert pdf(source) == pdf(source)
