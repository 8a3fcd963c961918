"""Baseline: measurability, the choice of targets, and the age of the scan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from onearm.errors import OnearmError
from onearm.response import RECIST11
from onearm.response.criteria import rows
from onearm.response.lesions import (
    Lesion,
    check_baseline_date,
    check_selection,
    judge,
    organ_group,
    propose_targets,
)


def mass(name: str, organ: str, mm: str) -> Lesion:
    return Lesion(name, organ, longest_mm=Decimal(mm))


def node(name: str, organ: str, mm: str) -> Lesion:
    return Lesion(name, organ, short_axis_mm=Decimal(mm), nature="node")


EVERYWHERE = (
    mass("A", "liver", "60"), mass("B", "liver", "50"), mass("C", "liver", "40"),
    mass("D", "left lung", "30"), mass("E", "right lung", "25"), mass("F", "right lung", "20"),
    mass("G", "adrenal", "18"),
    node("H", "mediastinum", "25"), node("I", "groin", "20"), node("J", "neck", "16"),
)  # fmt: skip


def test_the_proposal_shows_every_organ_and_then_the_largest() -> None:
    assert {x.name for x in propose_targets(EVERYWHERE)} == {"A", "B", "D", "G", "H"}


def test_of_six_liver_lesions_the_two_largest_are_proposed() -> None:
    six = [mass(str(mm), "liver", str(mm)) for mm in (15, 20, 60, 30, 50, 40)]
    assert [x.name for x in propose_targets(six)] == ["60", "50"]


def test_a_proposal_is_always_allowed() -> None:
    chosen = propose_targets(EVERYWHERE)
    others = [x for x in EVERYWHERE if x not in chosen]
    assert check_selection(chosen, others) == []


def test_more_targets_are_allowed_where_the_protocol_says_so() -> None:
    wider = RECIST11.with_parameters(max_targets=10, max_targets_per_organ=5)
    assert len(propose_targets(EVERYWHERE, criteria=wider)) == 10
    assert check_selection(EVERYWHERE, criteria=wider) == []


def test_a_wrong_choice_is_reported_with_value_rule_and_hint() -> None:
    (finding,) = check_selection([mass("T1", "liver", "9.9")], subject="01-007")
    assert str(finding) == (
        "01-007 / baseline: T1 cannot be a target lesion: 9.9 mm; at least 10 mm are needed here\n"
        "  (found 9.9; rule RECIST 1.1, 3.1.1). "
        "Correct the entry, or follow it as a non-target lesion."
    )


def test_a_normal_node_is_not_recorded_at_all() -> None:
    (finding,) = check_selection([mass("T1", "liver", "20")], [node("NT1", "neck", "9.9")])
    assert "NT1 is not to be recorded as disease" in finding.message
    assert finding.severity == "error"


def test_measurable_disease_is_asked_for_only_where_the_protocol_needs_it() -> None:
    ascites = Lesion("NT1", "belly", nature="ascites")
    assert check_selection([], [ascites]) == []
    (finding,) = check_selection([], [ascites], needs_measurable=True)
    assert finding.severity == "warning"
    assert "measurable disease" in finding.message


@pytest.mark.parametrize(
    ("scanned", "words"),
    [
        (date(2021, 2, 1), "29 days before the first dose; at most 28"),
        (date(2021, 3, 4), "2 days after the first dose"),
    ],
)
def test_a_baseline_scan_out_of_its_window_is_a_warning(scanned: date, words: str) -> None:
    (finding,) = check_baseline_date(scanned, date(2021, 3, 2), subject="01-007")
    assert finding.severity == "warning"
    assert words in finding.message
    assert finding.place.subject == "01-007"


def test_a_baseline_scan_of_exactly_28_days_is_in_its_window() -> None:
    assert check_baseline_date(date(2021, 2, 2), date(2021, 3, 2)) == []


@pytest.mark.parametrize(
    ("organ", "nodal", "group"),
    [
        ("Left lung", False, "lungs"),
        ("LIVER", False, "liver"),
        ("Lymph node, axillary", False, "lymph nodes"),
        ("mediastinum", True, "lymph nodes"),
        ("Spleen ", False, "spleen"),
        ("adrenal gland, left", False, "adrenals"),
    ],
)
def test_paired_organs_and_nodes_are_one_organ(organ: str, nodal: bool, group: str) -> None:
    assert organ_group(organ, nodal=nodal) == group


def test_every_nature_and_method_of_the_tables_can_be_judged() -> None:
    for nature in rows("recist11_natures"):
        for method in rows("recist11_methods"):
            lesion = Lesion(
                "X", "liver", Decimal(50), Decimal(40), nature["nature"], method["method"]
            )
            verdict = judge(lesion)
            never = nature["target"] == "never" or method["limit"] == "never"
            assert (verdict.status == "measurable") == (not never)
            assert verdict.reason


def test_what_was_not_measured_cannot_be_a_target() -> None:
    assert judge(Lesion("X", "liver")).status == "non-target"
    assert judge(Lesion("X", "neck", nature="node")).status == "non-target"


def test_a_treated_node_is_a_target_only_when_it_has_grown_since() -> None:
    treated = Lesion("X", "neck", short_axis_mm=Decimal(20), nature="node", treated=True)
    assert judge(treated).status == "non-target"
    grown = Lesion(
        "X", "neck", short_axis_mm=Decimal(20), nature="node", treated=True, grown_since=True
    )
    assert judge(grown).status == "measurable"


def test_an_unknown_nature_or_method_is_refused_with_the_words_that_exist() -> None:
    with pytest.raises(OnearmError, match="there is no nature 'fluffy'; the words are solid"):
        judge(Lesion("X", "liver", Decimal(20), nature="fluffy"))
    with pytest.raises(OnearmError, match="there is no method 'palpation'"):
        judge(Lesion("X", "liver", Decimal(20), method="palpation"))
