"""The published tables are total and have no dead row; parameters refuse what they cannot be."""

from __future__ import annotations

from decimal import Decimal
from importlib.metadata import EntryPoint
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.errors import OnearmError
from onearm.response import CRITERIA, RECIST11, Criteria, Parameters, find_criteria
from onearm.response import criteria as module
from onearm.response.criteria import NEW, NONTARGET, TARGET, combinations, overall_response, rows
from onearm.response.newlesions import pet_finding
from tests.response import straight


@pytest.mark.parametrize("criteria", CRITERIA.values(), ids=CRITERIA)
def test_every_combination_has_an_answer_and_every_row_is_reached(criteria: Criteria) -> None:
    answers = combinations(criteria)
    assert len(answers) == len(TARGET) * len(NONTARGET) * len(NEW) == 90
    table = rows(criteria.timepoint_table, criteria.folder)
    assert {answer["rule"] for answer in answers} == {row["rule"] for row in table}


@pytest.mark.parametrize("criteria", CRITERIA.values(), ids=CRITERIA)
def test_every_row_names_its_source_and_every_rule_is_named_once(criteria: Criteria) -> None:
    for table in (criteria.timepoint_table, criteria.best_table, "recist11_target"):
        found = rows(table, criteria.folder)
        assert all(row["source"] for row in found)
        assert len({row["rule"] for row in found}) == len(found)


@pytest.mark.parametrize("criteria", CRITERIA.values(), ids=CRITERIA)
def test_the_best_response_table_answers_every_overall_response(criteria: Criteria) -> None:
    overall = {answer["overall"] for answer in combinations(criteria)}
    for confirmed in ("yes", "no"):
        known = {
            row["response"]
            for row in rows(criteria.best_table, criteria.folder)
            if row["confirmed"] == confirmed
        }
        assert known == overall | {"none"}
    assert set(criteria.goodness) == overall


def test_the_table_and_straight_code_agree_on_all_ninety() -> None:
    for target, nontarget, new in product(TARGET, NONTARGET, NEW):
        assert overall_response(target, nontarget, new)["overall"] == straight.overall(
            target, nontarget, new
        )


@given(st.sampled_from(TARGET), st.sampled_from(NONTARGET))
def test_a_new_lesion_never_improves_the_response(target: str, nontarget: str) -> None:
    order = {word: place for place, word in enumerate(reversed(RECIST11.goodness))}
    without = overall_response(target, nontarget, "no")["overall"]
    with_new = overall_response(target, nontarget, "yes")["overall"]
    assert order[with_new] <= order[without]


@given(st.sampled_from(TARGET), st.sampled_from(NONTARGET))
def test_an_equivocal_lesion_changes_nothing_yet(target: str, nontarget: str) -> None:
    assert (
        overall_response(target, nontarget, "equivocal")["rule"]
        == overall_response(target, nontarget, "no")["rule"]
    )


def test_an_unknown_word_has_no_row() -> None:
    with pytest.raises(LookupError, match="'target': 'iCR'"):
        overall_response("iCR", "CR", "no")


def test_every_answer_about_pet_is_in_its_table() -> None:
    reached = {
        pet_finding(baseline, ct)["rule"]
        for baseline in ("negative", "none")
        for ct in ("new_site", "known_site", "not_seen", "not_done")
    }
    assert reached == {row["rule"] for row in rows("recist11_pet")}
    assert pet_finding("negative", "not_seen")["state"] == "unequivocal"
    assert pet_finding("none", "new_site")["state"] == "unequivocal"
    assert pet_finding("none", "known_site")["state"] == "none"
    with pytest.raises(LookupError, match="'unknown'"):
        pet_finding("unknown", "new_site")


def test_parameters_keep_their_exact_value() -> None:
    changed = RECIST11.with_parameters(pr_pct="33.3", pd_abs_mm=4, confirm_days=14)
    assert changed.parameters.pr_pct == Decimal("33.3")
    assert changed.parameters.pd_abs_mm == Decimal(4)
    assert changed.parameters.confirm_days == 14
    assert RECIST11.parameters == Parameters()


def test_all_wrong_parameters_are_named_at_once() -> None:
    wrong: dict[str, object] = {
        "confirm_day": 28,
        "sd_min_days": -1,
        "pr_carry": "glue",
        "pd_pct": "many",
        "marker_for_cr": 1,
    }
    with pytest.raises(OnearmError) as problem:
        RECIST11.with_parameters(**wrong)
    text = str(problem.value)
    assert "did you mean 'confirm_days'" in text
    assert "sd_min_days: found -1" in text
    assert "pr_carry: found 'glue'; choose one of baseline, sticky" in text
    assert "pd_pct: found 'many'" in text
    assert "marker_for_cr: found 1; write true or false" in text


def test_criteria_are_found_by_name() -> None:
    assert find_criteria("recist11") is RECIST11
    with pytest.raises(OnearmError, match="did you mean 'recist11'"):
        find_criteria("recist1.1")


def test_a_plug_in_is_found_through_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    def plugins(group: str) -> list[EntryPoint]:
        names = {"mine": "onearm.response.criteria:RECIST11", "odd": "onearm.errors:Place"}
        return [EntryPoint(name, value, group) for name, value in names.items()]

    monkeypatch.setattr(module, "entry_points", plugins)
    assert find_criteria("mine") is RECIST11
    with pytest.raises(OnearmError, match="is not a Criteria value"):
        find_criteria("odd")
