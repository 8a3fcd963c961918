"""The vectorised engine and straight code agree on random patients."""

from __future__ import annotations

import random
from datetime import date, timedelta
from fractions import Fraction

import polars as pl
import pytest

from onearm.response import RECIST11, best_response, time_points
from onearm.response.visits import SCHEMA
from tests.response import straight
from tests.response.straight import Look

START = date(2022, 1, 3)
RESPONSES = ("CR", "PR", "SD", "PD", "NE", "NON-CR/NON-PD", "NED")
WEIGHTS = (4, 6, 5, 1, 3, 1, 1)


def size(chance: random.Random) -> Fraction:
    """Sizes that fall on the limits often: whole, half and tenth millimetres."""
    if chance.random() < 0.2:
        return Fraction(chance.choice(("0", "5", "10", "9.9", "15", "14.9", "3")))
    return Fraction(chance.randint(0, 60 if chance.random() < 0.5 else 600), 10)


def look(chance: random.Random, name: str, role: str, nodal: bool, day: date) -> Look:
    state, measured = "measured", size(chance)
    draw = chance.random()
    if role == "target":
        if draw < 0.25:
            state = chance.choice(("absent", "too_small", "not_evaluable", "coalesced"))
            return Look(name, role, nodal, None, state, day)
        return Look(name, role, nodal, measured, state, day)
    if role == "non-target":
        if nodal and draw < 0.5:
            return Look(name, role, nodal, measured, state, day)
        states = ("absent", "absent", "present", "present", "not_evaluable", "progressed")
        return Look(name, role, nodal, None, chance.choice(states), day)
    if nodal:
        return Look(name, role, nodal, measured, state, day)
    states = ("equivocal", "equivocal", "absent", "unequivocal", "not_evaluable")
    return Look(name, role, nodal, None, chance.choice(states), day)


def patient(chance: random.Random) -> list[list[Look]]:
    targets = [(f"T{i}", "target", chance.random() < 0.3) for i in range(chance.randint(0, 4))]
    others = [(f"NT{i}", "non-target", chance.random() < 0.3) for i in range(chance.randint(0, 3))]
    fresh = [(f"N{i}", "new", chance.random() < 0.3) for i in range(chance.randint(0, 1))]
    first = [Look(n, r, k, size(chance) + 10, "measured", START) for n, r, k in targets]
    first += [Look(n, r, k, None, "present", START) for n, r, k in others]
    visits = [first]
    for number in range(1, chance.randint(2, 6)):
        day = START + timedelta(days=42 * number)
        rows = [
            look(chance, n, r, k, day + timedelta(days=chance.randint(0, 3)))
            for n, r, k in [*targets, *others, *fresh]
            if chance.random() < 0.93
        ]
        visits.append(rows)
    return visits


def lesion_rows(subject: str, visits: list[list[Look]]) -> list[dict[str, object]]:
    return [
        {
            "subject": subject,
            "reader": "R",
            "time_point": number,
            "date": x.day,
            "lesion": x.name,
            "role": x.role,
            "nodal": x.nodal,
            "size": None if x.size is None else int(x.size * 10_000),
            "state": x.state,
        }
        for number, looks in enumerate(visits)
        for x in looks
    ]


def time_points_agree(patients: int, seed: int) -> int:
    """Compare the time points of many random patients; returns how many were compared."""
    chance = random.Random(seed)  # noqa: S311  reproducible test patients, no secret
    courses = {f"P{i:06}": patient(chance) for i in range(patients)}
    rows = [row for name, visits in courses.items() for row in lesion_rows(name, visits)]
    found = time_points(pl.DataFrame(rows, schema=SCHEMA))
    answers = {(row["subject"], row["time_point"]): row for row in found.iter_rows(named=True)}
    compared = 0
    for name, visits in courses.items():
        if not visits[0]:
            continue  # nothing entered at baseline: the engine says so, straight code cannot know
        sums = straight.target_answers(visits)
        fresh = straight.new_answers(visits)
        for number, looks in enumerate(visits[1:], start=1):
            if not looks:
                assert (name, number) not in answers
                continue
            row = answers[name, number]
            target, total = sums[number - 1]
            nontarget = straight.nontarget_answer(visits[0], looks)
            new, first_seen = fresh[number - 1]
            got = (row["target"], row["nontarget"], row["new"], row["overall"])
            want = (target, nontarget, new, straight.overall(target, nontarget, new))
            assert got == want, f"{name} visit {number}: {row['reason']}"
            assert str(row["reason"]).startswith(f"{row['overall']}: ")
            assert row["date"] is not None
            assert (row["pd_date"] is not None) == (row["overall"] == "PD")
            assert row["sum"] == (None if total is None else int(total * 10_000))
            if new == "yes" and target != "PD" and nontarget != "PD":
                assert row["pd_date"] == first_seen
            compared += 1
    return compared


def course(chance: random.Random) -> list[tuple[int, str]]:
    days = sorted(chance.sample(range(10, 200, chance.choice((1, 7, 14))), chance.randint(0, 7)))
    return [(day, chance.choices(RESPONSES, WEIGHTS)[0]) for day in days]


def best_agree(patients: int, seed: int) -> int:
    chance = random.Random(seed)  # noqa: S311  reproducible test patients, no secret
    courses = {f"P{i:06}": course(chance) for i in range(patients)}
    therapy = {n: chance.randint(20, 200) if chance.random() < 0.2 else None for n in courses}
    cutoff = {n: chance.randint(20, 200) if chance.random() < 0.2 else None for n in courses}

    def on(day: int | None) -> date | None:
        return None if day is None else START + timedelta(days=day)

    responses = pl.DataFrame(
        [
            {"subject": name, "reader": "R", "date": on(day), "response": answer}
            for name, looks in courses.items()
            for day, answer in looks
        ]
    )
    subjects = pl.DataFrame(
        {
            "subject": list(courses),
            "start": [START] * patients,
            "new_therapy": [on(day) for day in therapy.values()],
            "cutoff": [on(day) for day in cutoff.values()],
        }
    )
    for settings in (
        {"strict": True, "sd_allowed": 1, "ne_allowed": 1, "confirmed": True},
        {"strict": False, "sd_allowed": 0, "ne_allowed": 2, "confirmed": True},
        {"strict": False, "sd_allowed": 1, "ne_allowed": 0, "confirmed": False},
    ):
        criteria = RECIST11.with_parameters(
            cr_then_disease="strict" if settings["strict"] else "lenient",
            max_sd_between=int(settings["sd_allowed"]),
            max_ne_between=int(settings["ne_allowed"]),
        )
        found = best_response(
            responses, subjects, criteria=criteria, confirmed=bool(settings["confirmed"])
        )
        for row in found.iter_rows(named=True):
            name = row["subject"]
            want, day = straight.best(
                courses[name],
                confirmed=bool(settings["confirmed"]),
                strict=bool(settings["strict"]),
                sd_allowed=int(settings["sd_allowed"]),
                ne_allowed=int(settings["ne_allowed"]),
                new_therapy=therapy[name],
                cutoff=cutoff[name],
            )
            assert (row["response"], row["date"]) == (want, on(day)), (name, courses[name], row)
            assert row["reason"]
            assert (row["response_date"] is not None) == (want in ("CR", "PR"))
    return found.height


def test_time_points_of_two_thousand_random_patients() -> None:
    assert time_points_agree(2_000, seed=1) > 5_000


def test_best_responses_of_two_thousand_random_patients() -> None:
    assert best_agree(2_000, seed=2) == 2_000


@pytest.mark.slow
def test_time_points_of_a_hundred_thousand_random_patients() -> None:
    assert sum(time_points_agree(20_000, seed=seed) for seed in range(10, 15)) > 250_000


@pytest.mark.slow
def test_best_responses_of_a_hundred_thousand_random_patients() -> None:
    assert sum(best_agree(20_000, seed=seed) for seed in range(20, 25)) == 100_000
