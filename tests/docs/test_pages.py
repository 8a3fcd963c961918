"""The printed pages are what the code says now, and every example answers as it is written."""

from __future__ import annotations

from dataclasses import fields

import pytest

from onearm import adam, response, sdtm
from onearm.design import DESIGNS
from onearm.omics.loadrules import RULES
from onearm.outputs.figures import FIGURES
from onearm.response.criteria import CHOICES, Parameters
from onearm.response.sheet import COLUMNS
from onearm.results import KINDS
from onearm.stats import CURVE_INTERVALS, INTERVALS
from onearm.store.assays import FORMATS, OPTIONS, SCALES
from onearm.study.analyses import METHODS
from tests.docs.printing import DOCS, module, read

print_reference = module("print_reference")
AGAIN = "run: python docs/print_reference.py"


def quick_and_slow() -> list[object]:
    """The pages, those marked slow that build a whole report or simulate many trials."""
    slow = (
        "gallery.md",
        "tour.md",
        "tutorials/change_a_rule.md",
        "tutorials/first_study.md",
        "guides/monitoring.md",
        "guides/operating_characteristics.md",
    )
    return [
        pytest.param(name, marks=pytest.mark.slow) if name in slow else name
        for name in print_reference.pages()
    ]


@pytest.mark.parametrize("name", quick_and_slow())
def test_a_page_says_what_the_code_says(name: str) -> None:
    assert print_reference.printed_page(name) == read(name), AGAIN


def test_the_figures_of_the_gallery_are_made_again_with_the_same_bytes() -> None:
    for kind, picture in module("printing.gallery").pictures().items():
        assert (DOCS / "gallery" / f"{kind}.svg").read_bytes() == picture, f"{kind}: {AGAIN}"


def test_the_figures_of_the_gallery_are_small_and_shown() -> None:
    pictures = sorted((DOCS / "gallery").iterdir())
    assert [p.stem for p in pictures] == sorted(module("printing.gallery").SHOWN)
    assert sum(p.stat().st_size for p in pictures) < 400_000
    assert all(f"(gallery/{p.name})" in read("gallery.md") for p in pictures)


def test_every_command_and_option_is_explained() -> None:
    page = read("reference/commands.md")
    for name, command in module("printing.commands").every_command():
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert section, name
        for parameter in command.params:
            names = parameter.opts if parameter.param_type_name == "option" else [parameter.name]
            assert all(f"`{n}`" in section or f"`{n.upper()}`" in section for n in names), names


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("analyses", [*KINDS, *FIGURES, *(m for several in METHODS.values() for m in several)]),
        ("statistics", [*INTERVALS, *CURVE_INTERVALS, *DESIGNS]),
        ("response", [*response.CRITERIA, *COLUMNS, *(c for cs in CHOICES.values() for c in cs)]),
        ("response", [f.name for f in fields(Parameters)]),
        ("datasets", [c.variable for s in sdtm.specs().values() for c in s.columns]),
        ("datasets", [c.variable for s in adam.specs().values() for c in s.columns]),
        ("assays", [*FORMATS, *SCALES, *OPTIONS, *RULES]),
    ],
)
def test_every_name_of_a_registry_is_on_its_page(page: str, names: list[str]) -> None:
    text = read(f"reference/{page}.md")
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_parameter_has_a_meaning_and_no_other() -> None:
    meaning = module("printing.responses").MEANING
    assert sorted(meaning) == sorted(f.name for f in fields(Parameters))


def test_every_published_table_is_rendered_whole() -> None:
    text = read("reference/response.md")
    for name in module("printing.responses").tables():
        section = text.partition(f"`{name}.csv`")[2].partition("\n### ")[0]
        rows = [line for line in section.splitlines() if line.startswith("|")]
        assert len(rows) == 2 + len(response.criteria.rows(name)), name


def test_every_conformance_check_says_at_least_one_message() -> None:
    checks = module("printing.checks")
    for judge in checks.conformance():
        assert list(checks.told_in(checks.reached(judge))), judge.__name__


@pytest.mark.parametrize(
    "rule",
    ["item.type", "item.codelist", "item.range", "item.required", "item.skip", "visit.window"],
)
def test_the_standing_checks_are_on_their_page(rule: str) -> None:
    assert f"| `{rule}` |" in read("reference/checks.md")


def test_every_key_of_every_study_file_is_on_its_page() -> None:
    studyfiles, text = module("printing.studyfiles"), read("reference/study_files.md")
    for file, model in studyfiles.files().items():
        for part in studyfiles.parts_of(model):
            section = text.partition(f"### {file}: {part.__name__}\n")[2].partition("\n### ")[0]
            names = [field.alias or name for name, field in part.model_fields.items()]
            assert [n for n in names if f"| `{n}` |" not in section] == [], part.__name__
