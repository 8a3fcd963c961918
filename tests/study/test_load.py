"""Loading says everything that is wrong with the files, each with its line and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from onearm.errors import Problems
from onearm.study import load
from tests.study.small import FILES, problems, shown, spoil, write


def test_the_small_study_loads(tmp_path: Path) -> None:
    study = load(write(tmp_path, {}))
    assert study.id == "TEST01"
    assert list(study.forms) == ["BASE", "DRUG", "VS"]
    assert study.terms["drugs"].rows() == [("ALPHA", "Alpha", "甲", "ORAL")]
    assert [c.code for c in study.choices(study.forms["BASE"].item("COHORT"))] == ["A", "B"]
    assert study.data_cut is not None
    assert study.data_cut.isoformat() == "2024-06-30"


def test_answers_may_come_from_the_shipped_terminology(tmp_path: Path) -> None:
    """CDISC codelist C66742 (NY) has the answers N, NA, U and Y."""
    text = FILES["forms/drug.yaml"].replace("codes: drugs", "codes: NY")
    text = text.replace("    also: {EX.EXROUTE: route}\n", "")
    study = load(write(tmp_path, {"forms/drug.yaml": text}))
    found = {choice.code for choice in study.choices(study.forms["DRUG"].item("DRUG"))}
    assert found == {"N", "NA", "U", "Y"}


def test_escaped_halves_of_a_character_are_put_together(tmp_path: Path) -> None:
    """YAML may escape a character beyond U+FFFF as two halves, as JSON does."""
    (tmp_path / "study.yaml").write_text('id: X\ntitle: "\\ud83d\\ude00 \\ud83d"\n')
    assert str(load(tmp_path).title) == "\N{GRINNING FACE} \N{REPLACEMENT CHARACTER}"


def test_only_study_yaml_is_required(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("id: X\ntitle: A title\n")
    study = load(tmp_path)
    assert (study.schedule, dict(study.forms), study.endpoints) == (None, {}, None)
    assert study.title.in_language("zh") == "A title"


@dataclass(frozen=True)
class Bad:
    """One mistake: where, what was there, what stands there now, and what must be said."""

    file: str
    old: str
    new: str
    line: int
    says: tuple[str, ...]


BAD = {
    "unknown key": Bad("study.yaml", "name: ALPHA", "nmae: ALPHA", 8, ("unknown key",)),
    "unknown key, suggestion": Bad(
        "study.yaml", "frequency: QD", "frequncy: QD", 10, ("frequncy", "Did you mean frequency?")
    ),
    "missing key": Bad(
        "study.yaml", "    measure: {en: Response, zh: 缓解}\n", "", 20, ("measure", "is missing")
    ),
    "missing id": Bad("study.yaml", "id: TEST01\n", "", 1, ("id: is missing", "Add `id:`")),
    "wrong choice": Bad(
        "study.yaml", "type: primary", "type: primry", 21, ("primry", "Did you mean primary?")
    ),
    "text for number": Bad(
        "study.yaml", "amount: 20", "amount: twenty", 12, ("expected a number", "twenty")
    ),
    "number for text": Bad(
        "study.yaml", 'id: "01"', "id: 1", 24, ("expected a text, found a number", '"1"')
    ),
    "negative dose": Bad("study.yaml", "amount: 20", "amount: -20", 12, ("greater than 0", "-20")),
    "no date": Bad("study.yaml", "2024-06-30", "30.06.2024", 25, ("data_cut", "30.06.2024")),
    "impossible date": Bad("study.yaml", "2024-06-30", "2024-06-31", 25, ("data_cut",)),
    "text for list": Bad(
        "study.yaml", "treatments: [ALPHA]", "treatments: ALPHA", 6, ("expected a list", "ALPHA")
    ),
    "nothing for text": Bad(
        "study.yaml", "title: {en: A small study, zh: 小型研究}", "title:", 2, ("title",)
    ),
    "list for keys": Bad(
        "study.yaml", "  variable: COHORT\n  levels:\n", "", 14, ("expected keys with values",)
    ),
    "lower-case treatment": Bad(
        "study.yaml", "name: ALPHA", "name: alpha", 8, ("treatments[alpha].name", "Write ALPHA.")
    ),
    "duplicate key": Bad(
        "study.yaml", "arms:\n", "arms: []\narms:\n", 4, ("'arms' stands twice", "line 3")
    ),
    "tab": Bad("study.yaml", "  - code: ONE", "\t- code: ONE", 4, ("tab", "spaces")),
    "broken YAML": Bad("study.yaml", "[ALPHA]", "[ALPHA", 7, ("not YAML",)),
    "colon in text": Bad("study.yaml", "value: 20 mg", "value: a: b", 29, ("not YAML", "quotes")),
    "alias without anchor": Bad("study.yaml", "value: 20 mg", "value: *dose", 29, ("not YAML",)),
    "merge key": Bad("study.yaml", "    value: 20 mg", "    <<: {value: x}", 29, ("<<",)),
    "unknown visit kind": Bad(
        "schedule.yaml", "kind: log", "kind: logg", 26, ("logg", "Did you mean log?")
    ),
    "window of one": Bad("schedule.yaml", "[-7, 0]", "[-7]", 11, ("window",)),
    "window of words": Bad("schedule.yaml", "[-7, 0]", "[early, 0]", 11, ("whole number", "early")),
    "repeat of no days": Bad("schedule.yaml", "every: 21", "every: 0", 19, ("greater than 0",)),
    "unknown end": Bad(
        "schedule.yaml", "until: never", "until: forever", 19, ("forever", "end_of_study")
    ),
    "lower-case visit": Bad(
        "schedule.yaml", "id: START", "id: start", 5, ("visits[start].id", "Write START.")
    ),
    "number as word": Bad("schedule.yaml", "number: 10", "number: ten", 16, ("expected a number",)),
    "unknown item type": Bad(
        "forms/vs.yaml", "type: decimal", "type: decimel", 6, ("decimel", "Did you mean decimal?")
    ),
    "target without dot": Bad(
        "forms/base.yaml", "to: DM.SEX", "to: DMSEX", 21, ("'DMSEX' is not DOMAIN.VARIABLE",)
    ),
    "target in lower case": Bad(
        "forms/base.yaml", "to: DM.SEX", "to: dm.sex", 21, ("'dm.sex' is not DOMAIN.VARIABLE",)
    ),
    "where without value": Bad(
        "forms/vs.yaml", "VSTESTCD = WEIGHT", "VSTESTCD", 11, ("'VSTESTCD'", "VARIABLE = VALUE")
    ),
    "truth value as word": Bad(
        "forms/base.yaml", "required: true", "required: maybe", 8, ("true or false", "maybe")
    ),
    "item without label": Bad(
        "forms/drug.yaml", "    label: {en: Number, zh: 编号}\n", "", 8, ("label", "is missing")
    ),
    "key of an item misspelt": Bad(
        "forms/base.yaml", "shown_when:", "shownwhen:", 25, ("Did you mean shown_when?",)
    ),
    "key of a choice misspelt": Bad(
        "forms/base.yaml", "{code: F, label:", "{code: F, lable:", 20, ("unknown key", "label")
    ),
    "key of a text misspelt": Bad(
        "forms/vs.yaml",
        "{en: Vital signs, zh:",
        "{en: Vital signs, cn:",
        2,
        ("unknown key", "en, zh"),
    ),
    "check without rule": Bad(
        "forms/vs.yaml", "    require: BASE.CONSENT IS NOT NULL\n", "", 17, ("require", "missing")
    ),
    "unknown severity": Bad(
        "forms/vs.yaml", "    when: VISIT = 'CYCLE'", "    severity: harsh", 14, ("harsh", "hard")
    ),
    "half a decimal": Bad("forms/vs.yaml", "decimals: 1", "decimals: 1.5", 10, ("whole number",)),
    "ragged terms": Bad(
        "terms/drugs.csv", "甲,ORAL", "甲,ORAL,x", 2, ("expected 4 cells, found 5", "quotes")
    ),
    "code twice": Bad(
        "terms/drugs.csv",
        "甲,ORAL\n",
        "甲,ORAL\nALPHA,A,甲,IV\n",
        3,
        ("'ALPHA' stands twice", "line 2"),
    ),
    "code empty": Bad("terms/drugs.csv", "甲,ORAL\n", "甲,ORAL\n,A,甲,IV\n", 3, ("code is empty",)),
    "column twice": Bad("terms/drugs.csv", "zh,route", "zh,zh", 1, ("column 'zh' stands twice",)),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_mistake_is_named_with_its_line(bad: Bad, tmp_path: Path) -> None:
    findings = problems(spoil(tmp_path, bad.file, bad.old, bad.new))
    there = [f for f in findings if (f.place.file, f.place.line) == (bad.file, bad.line)]
    assert there, f"expected {bad.file}:{bad.line}, found:\n{shown(findings)}"
    assert any(all(words in str(f) for words in bad.says) for f in there), shown(there)


WHOLE: dict[str, tuple[str, bytes, str]] = {
    "empty file": ("forms/vs.yaml", b"", "the file is empty"),
    "only a comment": ("forms/vs.yaml", b"# nothing yet\n", "the file is empty"),
    "a list": ("schedule.yaml", b"- one\n- two\n", "does not hold keys"),
    "a word": ("schedule.yaml", b"later\n", "does not hold keys"),
    "GBK": ("forms/vs.yaml", "form: VS\nlabel: 生命体征\n".encode("gbk"), "not UTF-8"),
    "UTF-16": ("forms/vs.yaml", FILES["forms/vs.yaml"].encode("utf-16"), "not UTF-8"),
    "two documents": ("schedule.yaml", b"epochs: []\n---\nvisits: []\n", "not YAML"),
    "unknown file": ("endpoint.yaml", b"a: 1\n", "Did you mean endpoints.yaml?"),
    "empty terms": ("terms/more.csv", b"", "the file is empty"),
    "terms in GBK": ("terms/more.csv", "code,en\nA,甲\n".encode("gbk"), "not UTF-8"),
    "form twice": ("forms/z.yaml", FILES["forms/vs.yaml"].encode(), "stands in forms/vs.yaml too"),
    "control character": ("forms/vs.yaml", b"form: VS\x00\n", "not YAML"),
}


@pytest.mark.parametrize(("file", "content", "says"), WHOLE.values(), ids=WHOLE)
def test_a_file_that_is_wrong_as_a_whole_is_named(
    file: str, content: bytes, says: str, tmp_path: Path
) -> None:
    findings = problems(write(tmp_path, {file: content}))
    assert [f.place.file for f in findings] == [file], shown(findings)
    assert says in str(findings[0])


def test_a_wrong_byte_is_named_with_its_line(tmp_path: Path) -> None:
    (finding,) = problems(write(tmp_path, {"forms/vs.yaml": b"form: VS\nlabel: \xff\n"}))
    assert (finding.place.line, finding.value) == (2, "byte 0xFF")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (finding,) = problems(tmp_path / "nowhere")
    assert "there is no such folder" in str(finding)


def test_a_folder_without_study_yaml_is_told_so(tmp_path: Path) -> None:
    (finding,) = problems(tmp_path)
    assert str(finding).startswith("study.yaml: the file is missing")


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, {})
    (folder / "forms" / "odd.yaml").mkdir()
    (finding,) = problems(folder)
    assert "forms/odd.yaml" in str(finding)
    assert "cannot be read" in str(finding)


def test_all_problems_of_all_files_come_in_one_pass(tmp_path: Path) -> None:
    spoilt = {
        name: text.replace("label:", "lable:").replace("title:", "titel:")
        for name, text in FILES.items()
        if name.endswith(".yaml")
    }
    findings = problems(write(tmp_path, spoilt))
    assert {f.place.file for f in findings} == set(spoilt)
    assert len(findings) > 20
    assert list(findings) == sorted(findings, key=lambda f: (f.place, f.message))


def test_the_exception_shows_every_finding(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"(?s)cannot be loaded.*study\.yaml:2.*study\.yaml:25"):
        load(
            write(
                tmp_path,
                {
                    "study.yaml": FILES["study.yaml"]
                    .replace("title:", "titel:")
                    .replace("2024-06-30", "June")
                },
            )
        )


def test_plain_words_stay_words(tmp_path: Path) -> None:
    """YAML 1.1 would read NO, off, 012 and 1_000 as something else."""
    text = (
        FILES["forms/base.yaml"].replace("code: M,", "code: NO,").replace("code: F,", "code: off,")
    )
    text = text.replace("    shown_when: SEX = 'F'\n", "")
    study = load(write(tmp_path, {"forms/base.yaml": text}))
    assert [c.code for c in study.forms["BASE"].item("SEX").choices] == ["NO", "off"]


def test_a_folded_text_is_one_line_without_marks(tmp_path: Path) -> None:
    text = FILES["forms/base.yaml"].replace(
        "shown_when: SEX = 'F'", "shown_when: >-\n      SEX = 'F'\n      OR SEX = 'M'"
    )
    study = load(write(tmp_path, {"forms/base.yaml": text}))
    assert study.forms["BASE"].item("PREG").shown_when == "SEX = 'F' OR SEX = 'M'"


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    changed = {
        name: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() for name, text in FILES.items()
    }
    plain = load(write(tmp_path / "a", {}))
    windows = load(write(tmp_path / "b", dict(changed)))
    assert windows.version == plain.version
    assert windows.forms == plain.forms


def test_the_version_changes_with_any_text_and_only_with_text(tmp_path: Path) -> None:
    first = load(write(tmp_path, {})).version
    assert load(tmp_path).version == first
    (tmp_path / ".hidden.yaml").write_text("x: 1")
    (tmp_path / "scan.png").write_bytes(b"\x89PNG")
    assert load(tmp_path).version == first
    (tmp_path / "terms" / "drugs.csv").write_text("code,en,zh,route\nALPHA,Alpha,甲,IV\n")
    assert load(tmp_path).version != first


def test_moving_a_text_from_one_file_to_another_changes_the_version(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"registry/a.txt": "ab", "registry/b.txt": "c"})
    two = write(tmp_path / "two", {"registry/a.txt": "a", "registry/b.txt": "bc"})
    assert load(one).version != load(two).version
