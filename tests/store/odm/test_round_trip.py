"""Our own studies, data and histories through ODM 1.3.2 and 2.0 and back: nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import odmlib
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from onearm.errors import Problems
from onearm.records.entry import ENTRY
from onearm.simulate import trial
from onearm.store.odm import Act, OdmFile, Version, Who, odm_entries, read_odm, write_odm
from onearm.study import Study, load
from onearm.study.draft import as_yaml
from onearm.study.load import TEXT_FILES
from onearm.study.odm import Names, draft_from_odm
from tests.study import small

STUDY = Path(__file__).parents[3] / "studies" / "lenvatinib-pembrolizumab"
AT = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
KEY = [name for name in ENTRY if name not in ("VALUE", "REASON")]
VERSIONS: tuple[Version, ...] = ("1.3.2", "2.0")
SCHEMAS = {"1.3.2": "schemas/odm/1.3.2/ODM1-3-2.xsd", "2.0": "schemas/odm/2.0/ODM.xsd"}
each_version = pytest.mark.parametrize("version", VERSIONS)


def schema(version: Version, known: dict[str, etree.XMLSchema] = {}) -> etree.XMLSchema:  # noqa: B006 - a memo of the two schemas
    if version not in known:
        known[version] = etree.XMLSchema(etree.parse(files(odmlib) / SCHEMAS[version]))
    return known[version]


def texts(study: Study) -> dict[str, str]:
    """The study's folder as a stored version keeps it."""
    return {
        path.relative_to(study.folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(study.folder.rglob("*"))
        if path.is_file() and path.suffix in TEXT_FILES
    } | dict(study.library)


def loaded(folder: Path, drafted: Mapping[str, str]) -> Study:
    for name, text in drafted.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return load(folder)


def nothing_of_substance_is_left(file: OdmFile) -> bool:
    """What is not carried says something of the file, or says again what the schedule says."""
    return all(
        "@" in line.kind and ("Mandatory" in line.kind or "about the file" in line.reasons[0][0])
        for line in file.account.lines()
        if line.left and line.kind != "ClinicalData@MetaDataVersionOID"
    )


@pytest.fixture(scope="module")
def study() -> Study:
    return load(STUDY)


@pytest.fixture(scope="module")
def entries(study: Study) -> pl.DataFrame:
    return trial(study, subjects=5, seed=11).entries.sort(KEY)


@each_version
def test_a_simulated_trial_comes_back_with_its_folder(
    version: Version, study: Study, entries: pl.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "own.xml"
    write_odm(study, path, created=AT, entries=entries, files=texts(study), version=version)
    schema(version).assertValid(etree.parse(path))
    file = read_odm(path)
    assert file.version == version
    draft, names = draft_from_odm(file.metadata, file.account)
    assert odm_entries(file, names, file.account).equals(entries)
    assert draft.gaps == ()
    assert nothing_of_substance_is_left(file), list(file.account.lines())
    back = loaded(tmp_path / "back", draft.files)
    assert back.version == study.version
    assert (back.forms, back.schedule) == (study.forms, study.schedule)
    assert {name for name in draft.files if not name.startswith("library/")} == {
        name for name in texts(study) if not name.startswith("library/")
    }


@each_version
def test_the_definitions_alone_say_all_of_the_forms_and_the_schedule(
    version: Version, study: Study, tmp_path: Path
) -> None:
    path = write_odm(study, tmp_path / "own.xml", created=AT, version=version)
    file = read_odm(path)
    back = loaded(tmp_path / "back", draft_from_odm(file.metadata, file.account)[0].files)
    assert (back.forms, back.schedule) == (study.forms, study.schedule)
    own = {"treatments", "cohort", "eligibility"}  # study.yaml makes these
    assert all(back.terms[n].equals(frame) for n, frame in study.terms.items() if n not in own)


@each_version
def test_definitions_changed_elsewhere_stand_and_are_named(
    version: Version, study: Study, tmp_path: Path
) -> None:
    path = tmp_path / "own.xml"
    write_odm(study, path, created=AT, files=texts(study), version=version)
    text = path.read_text(encoding="utf-8")
    label = study.forms["VS"].item("WEIGHT").label.en
    assert text.count(f">{label}<") >= 1
    path.write_text(text.replace(f">{label}<", ">Weight of the body<"), encoding="utf-8")
    file = read_odm(path)
    draft, _ = draft_from_odm(file.metadata, file.account)
    assert any(gap.startswith("forms/vs.yaml: the definitions were changed") for gap in draft.gaps)
    back = loaded(tmp_path / "back", draft.files)
    assert back.forms["VS"].item("WEIGHT").label.en == "Weight of the body"
    assert back.version != study.version
    assert back.forms["DM"] == study.forms["DM"]


@each_version
def test_values_of_what_is_asked_no_longer_come_back_too(version: Version, tmp_path: Path) -> None:
    before = load(small.write(tmp_path / "before", {}))
    after = load(
        small.write(
            tmp_path / "after",
            {
                "forms/vs.yaml": small.VS.replace("WEIGHT", "HEIGHT"),
                "schedule.yaml": small.SCHEDULE.replace("forms: [BASE, VS]", "forms: [BASE]")
                .replace("id: CYCLE", "id: ROUND")
                .replace("visit: CYCLE", "visit: ROUND"),
            },
        )
    )
    (after.folder / "forms" / "drug.yaml").unlink()
    schedule = after.folder / "schedule.yaml"
    schedule.write_text(schedule.read_text().replace("[DRUG]", "[BASE]"))
    after = load(after.folder)
    rows = [
        ("01", "1", "CYCLE", 2, "VS", 1, "WEIGHT", "71.5", None),
        ("01", "1", "LOG", 1, "DRUG", 3, "PERIOD", "1", None),
        ("01", "1", "START", 1, "VS", 1, "HEIGHT", "171", None),
    ]
    entries = pl.DataFrame(rows, schema=dict(ENTRY), orient="row").sort(KEY)
    path = tmp_path / "own.xml"
    write_odm(
        after, path, created=AT, entries=entries, files=texts(after), former=[before],
        version=version,
    )  # fmt: skip
    schema(version).assertValid(etree.parse(path))
    file = read_odm(path)
    draft, names = draft_from_odm(file.metadata, file.account)
    assert odm_entries(file, names, file.account).equals(entries)
    assert loaded(tmp_path / "back", draft.files).version == after.version
    assert draft.gaps == ()


PLAIN = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
)
"""Texts as people write them, blanks at either end included."""
TYPED = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
        lambda c: c >= " " or c in "\t\n\r"
    ),
    min_size=1,
    max_size=12,
)
"""What may stand in an item: any text that XML can hold, line ends too."""


def _place(
    site: str, code: str, visit: str, repeat: int, item: tuple[str, str], row: int
) -> tuple[str, str, str, int, str, int, str]:
    """A place of an entry; only the form of drugs has rows."""
    form, name = item
    return (site, f"{site}-{code}", visit, repeat, form, row if form == "DRUG" else 1, name)


PLACES = st.tuples(
    st.sampled_from(["01", "02"]),
    st.sampled_from(["001", "A-7", "9"]),
    st.sampled_from(["START", "CYCLE", "LOG"]),
    st.integers(1, 999),
    st.sampled_from([("VS", "WEIGHT"), ("BASE", "SEX"), ("DRUG", "PERIOD"), ("DRUG", "DRUG")]),
    st.integers(1, 99_999),
).map(lambda p: _place(*p))
CELLS = st.one_of(
    st.tuples(TYPED, st.none()), st.tuples(st.none(), st.sampled_from(["ND", "UNK", "NA"]))
)


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return load(small.write(tmp_path_factory.mktemp("small"), {}))


@each_version
@settings(max_examples=12)
@given(st.dictionaries(PLACES, CELLS, max_size=12))
def test_any_entries_come_back(
    version: Version, little: Study, found: dict[tuple[Any, ...], tuple[Any, Any]]
) -> None:
    rows = [(*place, *cell) for place, cell in found.items()]
    entries = pl.DataFrame(rows, schema=dict(ENTRY), orient="row").sort(KEY)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "own.xml"
        write_odm(little, path, created=AT, entries=entries, version=version)
        schema(version).assertValid(etree.parse(path))
        file = read_odm(path)
    _, names = draft_from_odm(file.metadata, file.account)
    assert odm_entries(file, names, file.account).equals(entries)
    assert file.account.carried("ItemData") == len(rows)


@st.composite
def histories(draw: st.DrawFn) -> list[Act]:
    """Changes in order of subject and time, as the database gives them."""
    places = draw(st.lists(PLACES, min_size=1, max_size=3, unique=True))
    acts = []
    for number in range(draw(st.integers(1, 10))):
        place = draw(st.sampled_from(places))
        value, reason = draw(CELLS | st.just((None, None)))
        action = "Remove" if value is None and reason is None else draw(KINDS)
        at = AT + timedelta(seconds=number, microseconds=draw(st.integers(0, 999_999)))
        acts.append(
            Act(
                place,
                value or "",
                reason or "",
                action,
                draw(st.sampled_from(["an", "bo"])),
                at,
                why=draw(PLAIN),
                source=draw(st.sampled_from(["", "screen, version 2, abc"])),
            )
        )
    return sorted(acts, key=lambda act: (act.place[:2], act.at))


KINDS = st.sampled_from(["Insert", "Update"])


@each_version
@settings(max_examples=12)
@given(histories())
def test_any_history_comes_back_act_by_act(
    version: Version, little: Study, acts: list[Act]
) -> None:
    who = Who({"an": "An Li", "bo": "Bo Wu"}, {"01": "First", "02": "Second"})
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "own.xml"
        write_odm(little, path, created=AT, history=acts, who=who, version=version)
        schema(version).assertValid(etree.parse(path))
        file = read_odm(path)
    _, names = draft_from_odm(file.metadata, file.account)
    assert [_act(row, names) for row in file.values.iter_rows(named=True)] == acts


def _act(row: Mapping[str, str], names: Names) -> Act:
    target = names.items[row["FORM"], row["GROUP"], row["ITEM"]]
    place = (
        row["SITE"], row["SUBJECT"], names.events[row["EVENT"]], int(row["EVENT_KEY"]),
        target.form, int(row["GROUP_KEY"]), target.item,
    )  # fmt: skip
    return Act(
        place, row["VALUE"], row["REASON"], row["ACTION"], row["USER"],
        datetime.fromisoformat(row["WHEN"]), why=row["WHY"], source=row["SOURCE"],
    )  # fmt: skip


WORDS = PLAIN.filter(lambda text: text.strip() == text and text != "")
LABELS = st.fixed_dictionaries({"en": WORDS}, optional={"zh": WORDS})
NUMBERS = st.integers(-1000, 1000) | st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


@st.composite
def items(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """An item of any type with any of its keys."""
    kind = draw(
        st.sampled_from(
            ["text", "integer", "decimal", "date", "partial_date", "time", "code", "yes_no"]
        )
    )
    item: dict[str, Any] = {"name": name, "label": draw(LABELS), "type": kind}
    maybe: dict[str, st.SearchStrategy[Any]] = {
        "required": st.booleans(),
        "identifies": st.booleans(),
        "help": LABELS,
        "shown_when": st.sampled_from(["SEX = 'F'", "NOT (SEX = 'F')", "(A = 1) OR (A = 2)"]),
        "to": st.sampled_from(["VS.VSORRES where VSTESTCD = A, VSPOS = SITTING", "DM.SEX"]),
        "checks": st.lists(
            st.fixed_dictionaries(
                {"id": st.just("C-1"), "require": st.just(f"{name} IS NOT NULL"), "says": LABELS}
            ),
            max_size=1,
        ),
    }
    if kind in ("integer", "decimal"):
        maybe |= {
            "low": NUMBERS,
            "high": NUMBERS,
            "unit": st.sampled_from(["mg/dL", "10^9/L", "µg"]),
        }
        maybe |= {"decimals": st.integers(0, 5), "calculated": st.just("WEIGHT / 2")}
    for key, values in maybe.items():
        if draw(st.booleans()):
            item[key] = draw(values)
    if kind == "code":
        codes = draw(st.lists(WORDS, min_size=1, max_size=4, unique=True))
        item["choices"] = [{"code": code, "label": draw(LABELS)} for code in codes]
    return item


@st.composite
def forms(draw: st.DrawFn) -> str:
    """A form file with between one and five items, repeating or not."""
    first = {"name": "SEX", "label": "Sex", "type": "text"}
    form: dict[str, Any] = {"form": "ANY", "label": draw(LABELS), "items": [first]}
    if draw(st.booleans()):
        form["rows"] = draw(WORDS)
    form["items"] += [draw(items(f"I{n}")) for n in range(draw(st.integers(1, 5)))]
    return as_yaml(form)


@each_version
@settings(max_examples=12)
@given(forms())
def test_any_form_comes_back_with_and_without_its_file(version: Version, form: str) -> None:
    with TemporaryDirectory() as scratch:
        here = Path(scratch)
        study = load(small.write(here / "study", {"forms/any.yaml": form}))
        for number, kept in enumerate((texts(study), {})):
            path = here / f"{number}.xml"
            write_odm(study, path, created=AT, files=kept, version=version)
            schema(version).assertValid(etree.parse(path))
            file = read_odm(path)
            draft, _ = draft_from_odm(file.metadata, file.account)
            assert draft.gaps == ()
            back = loaded(here / f"back{number}", draft.files)
            assert back.forms == study.forms
            if kept:
                assert back.version == study.version


@each_version
def test_a_change_that_xml_cannot_hold_is_named_by_its_place(
    version: Version, little: Study, tmp_path: Path
) -> None:
    place = ("01", "01-1", "START", 1, "BASE", 1, "SEX")
    act = Act(place, "F", "", "Insert", "an", AT, why="mis\x0bread")
    with pytest.raises(Problems, match=r"BASE\.SEX"):
        write_odm(little, tmp_path / "own.xml", created=AT, history=[act], version=version)
    assert list(tmp_path.iterdir()) == []
