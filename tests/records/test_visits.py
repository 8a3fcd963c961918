"""Numbers, names, days and dates of visits."""

from __future__ import annotations

import pytest

from onearm.records.visits import planned_day, visit_name, visit_table
from tests.records.clinic import frame, small_study, subject

SCHEDULE = small_study().schedule


@pytest.mark.parametrize(
    ("visit", "repeat", "day"),
    # scans every 42 days from day 43 on, from day 120 on every 63
    [
        ("SCREENING", 1, -7),
        ("CYCLE", 1, 1),
        ("CYCLE", 3, 43),
        ("SCAN", 1, 43),
        ("SCAN", 3, 127),
        ("SCAN", 4, 190),
        ("EOT", 1, None),
    ],
)
def test_the_planned_day_counts_from_the_first_dose(visit, repeat, day):
    assert planned_day(SCHEDULE.visit(visit), repeat) == day


def test_a_repeat_has_its_number_in_the_name():
    assert visit_name(SCHEDULE.visit("CYCLE"), 3) == "CYCLE 3"
    assert visit_name(SCHEDULE.visit("UNSCHED"), 1) == "UNSCHEDULED"
    assert visit_name(SCHEDULE.visit("UNSCHED"), 2) == "UNSCHEDULED 2"


def test_every_visit_seen_has_one_number():
    table = visit_table(SCHEDULE, frame(subject()).select("VISIT", "VISIT_REPEAT"))
    numbers = dict(table.select("NAME", "VISITNUM").rows())
    assert numbers == {
        "SCREENING": 1.0,
        "CYCLE 1": 101.0,
        "CYCLE 2": 102.0,
        "SCAN 1": 301.0,
        "LOG": 999.0,
    }
