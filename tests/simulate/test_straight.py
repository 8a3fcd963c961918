"""The plain time-point rules against the worked cases of the domain rules (2.3, 2.4, 2.6)."""

from __future__ import annotations

import pytest

from onearm.simulate.readings import State
from onearm.simulate.straight import (
    Look,
    Mark,
    assess,
    nontarget_response,
    overall_response,
)

# id, baseline (L: not a node, N: node; mm), later time points, expected target responses.
# A value: mm; TS: too small to measure; -: not assessed.
TARGETS = """
T01 | L100 | 70 | PR
T02 | L67 | 47 | SD
T03 | L90 | 63 | PR
T04 | L23.0 | 16.1 | PR
T05 | L25 | 30 | PD
T06 | L32.0 | 38.4 | PD
T07 | L16 | 20 | SD
T08 | L100 | 106 | SD
T09 | L24.5 | 29.4 | SD
T10 | L100 | 110; 121 | SD PD
T11 | L100 | 50; 60; 80 | PR PD PD
T12 | L100 | 70; 70; 80 | PR PR SD
T13 | L100 | 60; 68; 72 | PR PR PD
T14 | L100 | 10; 13 | PR PR
T15 | L100 | 10; 15 | PR PD
T16 | L40 L20 | 0 0 | CR
T17 | L30 N20 N18 | 0 9 8 | CR
T18 | L30 N20 | 0 10 | PR
T19 | N15 | 9.9 | CR
T20 | N15 | 11 | SD
T21 | L30 N15 | 0 15 | PR
T22 | L12 | TS | PR
T23 | L20 L15 | 0 TS | PR
T24 | L11 | 3 | PR
T25 | L30 | 0; TS | CR PD
T26 | L50 L50 | 20 - | NE
T27 | L20 L15 L15 | 45 35 - | PD
T28 | L50 L50 | 20 -; 45 40 | NE SD
T29 | L50 L50 | 20 -; 60 58 | NE SD
T30 | L12 L8 | 24 - | NE
T31 | L30 | - | NE
T32 | L42 L31 L20 N18 N16 | 30 20 14 12 12 | PR
T33 | L40 L20 | 25 0; 25 6 | PR PD
T34 | L40 L20 | 25 0; 25 4 | PR PR
T35 | L40 | 32 | SD
T36 | L30 L25 | 48 0 | SD
T37 | L30 L25 | 66 0 | PD
T38 | N20 N16 | 8 8; 8 10 | CR PR
T39 | L50 | 62; 40 | PD SD
T40 | L33.3 L12.7 | 22.1 10.1 | PR
T41 | L11.4 | 16.4 | PD
T43 | L165 | 63; 65 | PR PR
T44 | L100 | 70; 80 | PR SD
"""

OVERALL = """
CR CR no CR | CR none no CR | CR NON-CR/NON-PD no PR | CR NE no PR | PR CR no PR | PR NE no PR
PR PD no PD | SD NON-CR/NON-PD no SD | SD NE no SD | SD CR no SD | PD CR no PD | NE CR no NE
NE NE no NE | NE PD no PD | NE NON-CR/NON-PD yes PD | CR CR yes PD | none CR no CR
none NON-CR/NON-PD no NON-CR/NON-PD | none NE no NE | none PD no PD | none CR yes PD
none none no NED | none none yes PD | CR CR equivocal CR
"""


def mark(text: str, *, nodal: bool, day: int) -> Mark:
    """One measurement as the tables write it."""
    if text == "-":
        return Mark(State.NOT_EVALUABLE, 0, day, nodal)
    if text == "TS":
        return Mark(State.TOO_SMALL, 0, day, nodal)
    tenths = round(float(text) * 10)
    return Mark(State.MEASURED if tenths else State.ABSENT, tenths, day, nodal)


def looks(baseline: str, later: str) -> list[Look]:
    """A patient's time points, 42 days apart."""
    lesions = baseline.split()
    nodal = [lesion.startswith("N") for lesion in lesions]
    points = [[lesion[1:] for lesion in lesions], *(p.split() for p in later.split(";"))]
    return [
        Look(42 * t, [mark(s, nodal=n, day=42 * t) for s, n in zip(point, nodal, strict=True)])
        for t, point in enumerate(points)
    ]


@pytest.mark.parametrize("case", [line for line in TARGETS.splitlines() if line])
def test_the_worked_target_cases_come_out(case: str) -> None:
    _, baseline, later, expected = (part.strip() for part in case.split("|"))
    assert [answer.target for answer in assess(looks(baseline, later))] == expected.split()


@pytest.mark.parametrize("case", [c.strip() for c in OVERALL.replace("\n", "|").split("|") if c])
def test_the_worked_overall_cases_come_out(case: str) -> None:
    if not case:
        pytest.fail("an empty case")
    target, nontarget, new, expected = case.split()
    assert overall_response(target, nontarget, new) == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([State.ABSENT, State.ABSENT], "CR"),
        ([State.ABSENT, State.PRESENT], "NON-CR/NON-PD"),
        ([State.ABSENT, State.NOT_EVALUABLE], "NE"),
        ([State.PRESENT, State.NOT_EVALUABLE], "NE"),
        ([State.PROGRESSED, State.NOT_EVALUABLE], "PD"),
        ([], "none"),
    ],
    ids=["N01", "N02", "N05", "N06", "N07", "N12"],
)
def test_the_worked_nontarget_cases_come_out(states: list[State], expected: str) -> None:
    assert nontarget_response([Mark(state, 0, 0) for state in states]) == expected


def seen_new(*states: State) -> list[Look]:
    """One stable target, and one new lesion in these states at days 42, 84, 126."""
    targets = [Mark(State.MEASURED, 500, 0)]
    rest = [
        Look(42 * t, [Mark(State.MEASURED, 500, 42 * t)], new=[Mark(s, 0, 42 * t)])
        for t, s in enumerate(states, start=1)
    ]
    return [Look(0, targets, new=[Mark(State.NOTHING, 0, 0)]), *rest]


def test_a_confirmed_equivocal_lesion_dates_progression_back() -> None:  # W03
    answers = assess(seen_new(State.NOTHING, State.EQUIVOCAL, State.PROGRESSED))
    assert [a.seen for a in answers] == ["SD", "SD", "PD"]
    assert [(a.overall, a.pd_day) for a in answers] == [("SD", None), ("PD", 84), ("PD", 126)]


def test_an_equivocal_lesion_that_goes_away_is_never_progression() -> None:  # W02
    answers = assess(seen_new(State.EQUIVOCAL, State.ABSENT, State.NOTHING))
    assert [a.overall for a in answers] == ["SD", "SD", "SD"]


def test_a_new_lesion_counts_from_its_own_scan_day() -> None:  # P29
    look = Look(
        126,
        [Mark(State.MEASURED, 700, 126)],
        new=[Mark(State.PROGRESSED, 0, 120)],
    )
    baseline = Look(0, [Mark(State.MEASURED, 500, 0)], new=[Mark(State.NOTHING, 0, 0)])
    assert assess([baseline, look])[0].pd_day == 120


def test_growth_of_the_sum_counts_from_the_last_target_scan() -> None:  # P30
    targets = [Mark(State.MEASURED, 500, 126), Mark(State.MEASURED, 500, 129)]
    baseline = Look(0, [Mark(State.MEASURED, 300, 0), Mark(State.MEASURED, 300, 0)])
    assert assess([baseline, Look(129, targets)])[0].pd_day == 129
