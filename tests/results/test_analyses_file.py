"""analyses.yaml is checked when it is loaded: names from closed lists, conditions, needed keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from onearm import adam, sdtm
from onearm.errors import Problems
from onearm.results import KINDS
from onearm.stats import INTERVALS
from onearm.stats.curve_limits import CURVE_INTERVALS
from onearm.study import load
from onearm.study.analyses import METHODS, NEEDED, READ, Analysis, Kind
from onearm.study.lint import check
from tests.results.fixture import STUDY_FOLDER
from tests.results.fixture import plan as shipped
from tests.results.plans import plan

COUNT: dict[str, Any] = {"kind": "count", "variable": "SEX"}  # Any: an entry of analyses.yaml


def messages(*entries: dict[str, Any]) -> dict[tuple[str | int, ...], str]:
    """What is wrong with these entries, by place."""
    with pytest.raises(ValidationError) as caught:
        plan(*entries)
    return {error["loc"]: error["msg"] for error in caught.value.errors()}


def test_the_kinds_of_the_file_are_those_that_can_be_computed() -> None:
    assert set(get_args(Kind)) == set(KINDS)
    assert set(READ) == set(KINDS)
    assert set(NEEDED) <= set(KINDS)
    assert all(KINDS[name].name == name for name in KINDS)


def test_the_keys_of_the_kinds_are_those_of_the_file() -> None:
    assert set().union(*READ.values()) == set(Analysis.model_fields)


def test_the_methods_of_the_file_are_those_of_the_statistics() -> None:
    assert METHODS["proportion"] == tuple(INTERVALS)
    assert METHODS["survival"] == tuple(CURVE_INTERVALS)


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        ({"kind": "cuont"}, ("kind",), "Input should be 'count'"),
        ({"set": "FASS"}, ("set",), "unknown set 'FASS'; did you mean FAS?"),
        ({"variabel": "SEX"}, ("variabel",), "Extra inputs are not permitted"),
        ({"when": "SEX ="}, ("when",), "is not an SQL expression"),
        ({"when": "TRTSDT < CURRENT_DATE"}, ("when",), "must not read the clock"),
        ({"method": "exact"}, ("method",), "the kind 'count' does not read 'method'"),
        ({"success": "SEX = 'M'"}, ("success",), "the kind 'count' does not read 'success'"),
        (
            {"lines": [{"level": "x", "when": "SEX = 'M'"}]},
            (),
            "needs either 'variable' or 'lines'",
        ),
        ({"variable": ""}, (), "needs either 'variable' or 'lines'"),
    ],
)
def test_a_wrong_entry_is_refused_at_its_place(
    change: dict[str, Any], place: tuple[str, ...], message: str
) -> None:
    found = messages({**COUNT, **change})
    assert message in found["analyses", 0, *place]


def test_a_method_that_the_kind_does_not_know_is_refused_with_a_suggestion() -> None:
    entry = {"kind": "proportion", "success": "SEX = 'M'", "method": "wilsn"}
    assert "did you mean wilson?" in messages(entry)["analyses", 0, "method"]


def test_what_a_kind_needs_must_be_there() -> None:
    assert "the kind 'incidence' needs 'terms'" in messages({"kind": "incidence"})["analyses", 0]


def test_an_id_is_used_once() -> None:
    found = messages(COUNT, COUNT)
    assert "the id 'a' is used twice" in found["analyses", 1, "id"]


def test_expressions_name_their_place_and_the_dataset_they_read() -> None:
    found = list(plan({"kind": "count", "dataset": "ADAE", "variable": "X"}).expressions())
    assert (("analyses", 0, "variable"), "X", "ADAE+ADSL") in found
    assert (("sets", "FAS", "when"), "FASFL = 'Y'", "ADSL") in found


def test_the_loader_gives_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("id: X\ntitle: X\n", encoding="utf-8")
    text = (
        "sets:\n  ALL: {label: All, when: USUBJID IS NOT NULL}\nanalyses:\n"
        "  - id: age\n    kind: summary\n    variable: AGE\n    set: AL\n"
    )
    (tmp_path / "analyses.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Problems, match=r"analyses\.yaml:7: .*unknown set 'AL'"):
        load(tmp_path)


def test_the_three_primary_outcomes_of_the_shipped_study_are_descriptive() -> None:
    primary = {a.outcome: a.note for a in shipped().analyses if a.purpose == "primary"}
    assert primary == {"ORR": "descriptive", "DCR": "descriptive", "PFS": "descriptive"}


def test_the_shipped_study_uses_every_kind() -> None:
    assert {a.kind for a in shipped().analyses} == set(KINDS)


def test_the_shipped_study_reads_only_columns_that_the_datasets_have() -> None:
    study = load(STUDY_FOLDER)
    catalogue = {name: spec.names for name, spec in sdtm.specs().items()}
    found = check(study, {**catalogue, **adam.catalogue(study)})
    assert [str(f) for f in found if f.place.file == "analyses.yaml"] == []
