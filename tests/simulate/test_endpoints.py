"""Best response and times against the worked cases of the domain rules (2.7 and 3.3)."""

from __future__ import annotations

import pytest

from onearm.simulate.endpoints import (
    Facts,
    Rules,
    best_response,
    counted,
    progression_free,
    progression_free_policy,
    response_start,
    survival,
    to_progression,
)

# id | response@day ... | what differs from the default | best overall response
BEST = """
B01 | CR@56 CR@112 | | CR
B02 | CR@56 CR@77 | | SD
B03 | CR@56 CR@84 | | CR
B04 | CR@56 CR@83 | | SD
B05 | PR@56 PR@84 | | PR
B06 | PR@56 PR@70 PD@112 | | SD
B07 | PR@56 PR@70 PR@98 | | PR
B08 | PR@56 CR@112 | | PR
B09 | PR@56 CR@112 CR@168 | | CR
B10 | PR@56 SD@112 | | SD
B11 | PR@56 PD@112 | | SD
B12 | PR@35 PD@80 | | PD
B13 | PR@35 PD@80 | to_pd | SD
B14 | PR@56 NE@112 | | SD
B15 | PR@35 NE@80 | | NE
B16 | PR@56 NE@84 PR@112 | | PR
B17 | PR@56 NE@84 NE@112 PR@140 | | SD
B18 | PR@56 NE@84 NE@112 PR@140 | max_ne=2 | PR
B19 | PR@56 SD@84 PR@112 | | PR
B20 | PR@56 SD@84 PR@112 | max_sd=0 | SD
B21 | PR@56 SD@84 SD@112 PR@140 | | SD
B22 | CR@56 NE@84 CR@112 | | CR
B23 | CR@56 NE@112 | | SD
B24 | CR@35 NE@80 | | NE
B25 | CR@56 PD@112 | | SD
B26 | CR@35 PD@80 | | PD
B27 | CR@56 SD@112 | | SD
B28 | CR@35 SD@84 | | PD
B29 | CR@35 SD@84 | lenient | SD
B30 | CR@56 PR@112 | | SD
B31 | CR@35 PR@84 | | PD
B32 | PR@56 CR@112 PR@168 | | PR
B33 | SD@56 PD@112 | | SD
B34 | SD@35 PD@80 | | PD
B35 | SD@35 | | NE
B36 | SD@41 | | NE
B37 | SD@42 | | SD
B38 | SD@35 NE@80 | | NE
B39 | NE@56 NE@112 | | NE
B40 | | | NE
B41 | PD@30 PR@84 PR@140 | | PD
B42 | SD@42 PR@84 PR@126 PD@168 | | PR
B43 | PR@56 PR@112 | therapy=80 | SD
B44 | PR@35 PR@112 | therapy=40 | NE
B45 | PR@56 PR@112 | cut=100 | SD
B46 | NON-CR/NON-PD@56 NON-CR/NON-PD@112 | | NON-CR/NON-PD
B47 | NON-CR/NON-PD@35 | | NE
B48 | PR@56 PD@112 | unconfirmed | PR
B49 | CR@35 PD@80 | unconfirmed | CR
B50 | NE@42 SD@84 PD@126 | | SD
B51 | SD@35 SD@77 PD@119 | | SD
B52 | PR@42 CR@63 PR@91 PD@126 | | SD
B53 | PR@42 CR@84 NE@126 CR@168 | | CR
B54 | PR@56 PR@84 SD@112 PD@140 | | PR
"""

# id | adequate scans | other facts | primary | treatment policy | with clinical progression
TIMES = """
P01 | 42 84 | PD@126 | E 126 | E 126 | E 126
P02 | 42 84 126 168 | cut=200 | C 168 | C 168 | C 168
P03 | 42 84 | no-baseline | C 0 | C 0 | C 0
P04 | | no-baseline death=60 | E 60 | E 60 | E 60
P05 | | | C 0 | C 0 | C 0
P06 | | death=70 | E 70 | E 70 | E 70
P07 | | death=150 | C 0 | E 150 | C 0
P08 | 42 84 | PD@168 | E 168 | E 168 | E 168
P09 | 42 84 | PD@210 | C 84 | E 210 | C 84
P10 | 42 84 | death=170 | E 170 | E 170 | E 170
P11 | 42 84 | death=190 | C 84 | E 190 | C 84
P12 | 42 84 | death=182 | E 182 | E 182 | E 182
P13 | 42 84 | death=183 | C 84 | E 183 | C 84
P14 | 42 84 | therapy=100 PD@126 | C 84 | E 126 | C 84
P15 | 42 84 | therapy=126 PD@126 | E 126 | E 126 | E 126
P16 | 42 84 | therapy=140 PD@126 | E 126 | E 126 | E 126
P17 | 42 84 126 168 | therapy=100 cut=200 | C 84 | C 168 | C 84
P18 | 42 84 | therapy=84 PD@126 | C 84 | E 126 | C 84
P19 | 42 84 126 | PD@168 | E 168 | E 168 | E 168
P20 | 42 84 | clinical=100 | C 84 | C 84 | E 100
P21 | 42 84 | clinical=100 death=130 | E 130 | E 130 | E 100
P22 | 42 84 | NE@126 PD@168 | E 168 | E 168 | E 168
P23 | 42 84 | NE@126 NE@168 PD@210 | C 84 | E 210 | C 84
P24 | 42 84 | PD@126 cut=120 | C 84 | C 84 | C 84
P25 | 42 84 | withdrawn=100 death=300 | C 84 | E 300 | C 84
P26 | 42 84 126 | therapy=150 PD@400 | C 126 | E 400 | C 126
P27 | 42 84 | PD@133 | E 133 | E 133 | E 133
P28 | | PD@99 | C 0 | E 99 | C 0
"""


def cases(table: str) -> list[list[str]]:
    return [[part.strip() for part in line.split("|")] for line in table.splitlines() if line]


def points_of(text: str) -> list[tuple[str, int]]:
    return [(word.split("@")[0], int(word.split("@")[1])) for word in text.split()]


def settings(words: list[str]) -> dict[str, int]:
    return {w.split("=")[0]: int(w.split("=")[1]) for w in words if "=" in w}


@pytest.mark.parametrize("case", cases(BEST), ids=lambda case: case[0])
def test_the_worked_best_response_cases_come_out(case: list[str]) -> None:
    _, points, how, expected = case
    given = settings(how.split())
    rules = Rules(
        max_ne=given.get("max_ne", 1),
        max_sd=given.get("max_sd", 1),
        confirmation=how != "unconfirmed",
        strict=how != "lenient",
        to_pd=how == "to_pd",
    )
    facts = Facts(points=points_of(points), therapy=given.get("therapy"), cut=given.get("cut"))
    assert best_response(counted(facts, rules), rules)[0] == expected


def patient(scans: str, facts: str) -> Facts:
    """A patient of the table of times: adequate scans are SD."""
    words = facts.split()
    points = [("SD", int(day)) for day in scans.split()]
    points += [point for word in words if "@" in word for point in points_of(word)]
    given = settings(words)
    return Facts(
        points=sorted(points, key=lambda p: p[1]),
        baseline="no-baseline" not in words,
        death=given.get("death"),
        therapy=given.get("therapy"),
        clinical=given.get("clinical"),
        withdrawn=given.get("withdrawn"),
        cut=given.get("cut"),
    )


@pytest.mark.parametrize("case", cases(TIMES), ids=lambda case: case[0])
def test_the_worked_progression_free_cases_come_out(case: list[str]) -> None:
    _, scans, facts, *expected = case
    known, rules = patient(scans, facts), Rules()
    times = (
        progression_free(known, rules),
        progression_free_policy(known),
        progression_free(known, rules, clinical=True),
    )
    assert [f"{'E' if t.event else 'C'} {t.day}" for t in times] == expected


def test_response_lasts_from_its_first_day_to_progression() -> None:  # P33
    known = Facts(points=points_of("PR@84 PR@126 PD@210"))
    start = response_start(known, Rules())
    assert start == 84
    assert progression_free(known, Rules()).day - start == 126


def test_an_unconfirmed_response_has_no_start() -> None:  # P34
    assert response_start(Facts(points=points_of("PR@84 PD@126")), Rules()) is None


def test_time_to_response_is_the_first_confirmed_one() -> None:  # P35
    assert response_start(Facts(points=points_of("PR@84 CR@126")), Rules()) == 84


def test_survival_of_the_living_ends_at_the_cut_at_the_latest() -> None:  # P36
    assert survival(Facts(alive=300, cut=280)).day == 280


def test_death_without_progression_censors_time_to_progression() -> None:  # P44
    time = to_progression(Facts(points=points_of("SD@42 SD@84"), death=100), Rules())
    assert (time.day, time.event) == (84, False)


def test_one_small_node_after_a_complete_response_is_not_yet_progression() -> None:  # W15
    known = Facts(points=points_of("CR@42 CR@84 PR@126"), spared=frozenset({126}))
    assert progression_free(known, Rules()).event is False
    assert progression_free(Facts(points=known.points), Rules()).day == 126
