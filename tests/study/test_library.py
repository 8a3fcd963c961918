"""A study takes a form of the library by name and changes what it needs."""

from __future__ import annotations

import sys
from pathlib import Path

import jsonschema
import pytest

from onearm.study import load
from onearm.study.library import shipped
from onearm.study.schema import schemas
from onearm.study.schema import write as write_schemas
from onearm.study.yamlfile import read_yaml
from tests.study.small import FILES, problems, shown, write

SHIPPED = Path(__file__).resolve().parents[2] / "studies" / "lenvatinib-pembrolizumab"


def taking(folder: Path, text: str) -> Path:
    return write(folder, {"forms/vs.yaml": text})


def test_every_library_form_can_be_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "forms").mkdir()
    (folder / "study.yaml").write_text("id: X\ntitle: T\n")
    for name in shipped("forms"):
        (folder / "forms" / f"{name.lower()}.yaml").write_text(f"use: {name}\n")
    assert sorted(load(folder).forms) == sorted(shipped("forms"))


def test_items_are_changed_added_and_left_out(tmp_path: Path) -> None:
    study = load(
        taking(
            tmp_path,
            """\
use: VS
label: {en: Signs, zh: 体征}
without: [TEMP, VS-003]
items:
  - name: WEIGHT
    high: 200
  - name: WAIST
    after: HEIGHT
    label: {en: Waist, zh: 腰围}
    type: decimal
checks:
  - id: VS-002
    severity: hard
  - id: VS-900
    require: WAIST > 40
    says: waist
""",
        )
    )
    form = study.forms["VS"]
    names = [i.name for i in form.items]
    assert names[names.index("HEIGHT") + 1] == "WAIST"
    assert "TEMP" not in names
    weight = form.item("WEIGHT")
    assert (weight.low, weight.high, weight.unit) == (30, 200, "kg")
    assert str(form.label) == "Signs"
    rules = {r.id: r.severity for r in form.checks}
    assert rules["VS-002"] == "hard"
    assert "VS-003" not in rules
    assert list(rules)[-1] == "VS-900"


def test_answers_of_the_library_give_way_to_a_codelist(tmp_path: Path) -> None:
    text = "use: AE\nitems:\n  - name: AEOUT\n    codes: drugs\n"
    form = load(write(tmp_path, {"forms/vs.yaml": text})).forms["AE"]
    assert (form.item("AEOUT").codes, form.item("AEOUT").choices) == ("drugs", ())


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("use: VSS\n", 1, "the library has no form VSS"),
        ("use: VS\nwithout: [TEMPP]\n", 2, "no item or check TEMPP"),
        ("use: VS\nwithout: TEMP\n", 2, "expected a list"),
        ("use: VS\nitems:\n  - name: WAIST\n    after: HIGHT\n", 4, "there is no item HIGHT"),
        ("use: VS\nitems:\n  - name: WEIGHT\n    hight: 200\n", 4, "Did you mean high?"),
        ("use: VS\nitems:\n  - name: WAIST\n    type: decimal\n", 3, "label"),
        ("use: VS\nlabl: x\n", 2, "Did you mean label?"),
        ("use: VS\nitems: WEIGHT\n", 2, "expected a list"),
        ("use: VS\nitems:\n  - WEIGHT\n", 3, "expected keys with values"),
        ("use: VS\nchecks:\n  - id: VS-002\n    severity: harsh\n", 4, "harsh"),
    ],
)
def test_a_mistake_in_a_change_is_named_with_its_line(
    text: str, line: int, says: str, tmp_path: Path
) -> None:
    findings = problems(taking(tmp_path, text))
    there = [f for f in findings if (f.place.file, f.place.line) == ("forms/vs.yaml", line)]
    assert any(says in str(f) for f in there), shown(findings)


def test_the_library_is_part_of_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = taking(tmp_path / "study", "use: VS\n")
    first = load(folder).version
    other = tmp_path / "other.yaml"
    other.write_text(Path(str(shipped("forms")["VS"])).read_text("utf-8").replace("240", "250"))
    changed = {**shipped("forms"), "VS": other}
    terms = shipped("terms")
    # The package's name `load` is the function, so the module is taken from where Python keeps it.
    module = sys.modules["onearm.study.load"]
    monkeypatch.setattr(module, "shipped", lambda kind: changed if kind == "forms" else terms)
    assert load(folder).version != first


def test_a_study_may_bring_its_own_list_in_place_of_the_library_s(tmp_path: Path) -> None:
    form = "use: TUMOR\n"
    own = "code,en,zh,organ\nLIVER,Liver,肝,LIVER\n"
    study = load(write(tmp_path, {"forms/vs.yaml": form, "terms/location.csv": own}))
    assert study.terms["location"].height == 1
    assert study.terms["scan_method"].height > 5


def test_every_file_of_the_shipped_study_fits_its_schema(tmp_path: Path) -> None:
    paths = write_schemas(tmp_path)
    assert sorted(p.name for p in paths) == sorted(f"{name}.schema.json" for name in schemas())
    for name, schema in schemas().items():
        jsonschema.Draft202012Validator.check_schema(schema)
        files = SHIPPED.glob("forms/*.yaml") if name == "form" else SHIPPED.glob(f"{name}.yaml")
        for path in files:
            document, findings = read_yaml(path, path.name)
            assert document is not None, findings
            errors = jsonschema.Draft202012Validator(schema).iter_errors(document.data)
            assert [e.message for e in errors] == [], path.name


def test_a_schema_refuses_what_the_loader_refuses() -> None:
    form = schemas()["form"]
    refused = jsonschema.Draft202012Validator(form)
    assert not refused.is_valid({"form": "X", "label": "x"})
    assert not refused.is_valid({"use": "NOWHERE"})
    assert not refused.is_valid({"form": "X", "label": "x", "items": [{"name": "A"}]})
    assert not refused.is_valid({"use": "VS", "colour": "red"})
    assert FILES["forms/vs.yaml"].startswith("form: VS")
