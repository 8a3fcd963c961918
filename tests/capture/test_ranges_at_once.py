"""Normal ranges that are kept at the same moment do not meet, and one has one end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from onearm.capture import trail
from onearm.capture.actions.ranges import RangeProblem, add_range, end_range
from onearm.capture.models import AuditEvent, LabRange, Site, User
from tests.capture.at_once import at_the_same_moment

pytestmark = pytest.mark.usefixtures("history_can_be_flushed")
ROUNDS = 4


def given(laboratory: str, low: str) -> dict[str, str]:
    return {
        "laboratory": laboratory, "analyte": "ALT", "unit": "U/L", "low": low, "high": "40",
        "begins": "2024-01-01",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_of_two_ranges_that_meet_and_come_at_once_one_is_refused(
    person: Callable[..., User], site: Site
) -> None:
    manager = person("data_manager")
    for turn in range(ROUNDS):
        name = f"Laboratory {turn}"
        pair = [given(name, "7"), given(name, "8")]
        results = at_the_same_moment([lambda g=g: add_range(manager, g) for g in pair])
        kept = [r for r in results if isinstance(r, LabRange)]
        refused = [r for r in results if isinstance(r, RangeProblem)]
        assert (len(kept), len(refused)) == (1, 1), results
        assert "meets" in str(refused[0])
        assert LabRange.objects.filter(laboratory=name).count() == 1
    assert list(trail.verify()) == []


@pytest.mark.django_db(transaction=True)
def test_a_range_that_two_people_end_at_once_has_the_end_of_the_first(
    person: Callable[..., User], site: Site
) -> None:
    manager = person("data_manager")
    for turn in range(ROUNDS):
        one = add_range(manager, given(f"Laboratory {turn}", "7"))
        days = [date(2024, 6, 1), date(2024, 7, 1)]
        results = at_the_same_moment(
            [lambda d=d, pk=one.pk: end_range(manager, pk, d, "moved") for d in days]
        )
        (ended,) = (r for r in results if isinstance(r, LabRange))
        assert sum(isinstance(r, RangeProblem) for r in results) == 1, results
        one.refresh_from_db()
        assert one.ends == ended.ends
    assert AuditEvent.objects.filter(action="ranges.end").count() == ROUNDS
