"""Two enrolments of the last place, at the same moment: one is enrolled, the other is told why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onearm.capture.actions import enrol as actions
from onearm.capture.models import Site, Subject, User
from tests.capture.at_once import at_the_same_moment
from tests.capture.conduct import screened

pytestmark = pytest.mark.usefixtures("history_can_be_flushed")
ROUNDS = 3


@pytest.mark.django_db(transaction=True)
def test_of_two_enrolments_of_the_last_place_exactly_one_wins(
    person: Callable[..., User], site: Site
) -> None:
    nurse, doctor = person("coordinator"), person("investigator")
    for turn in range(1, ROUNDS + 1):
        site.cap = turn
        site.save()
        pair = [actions.screen(nurse, site) for _ in range(2)]
        for subject in pair:
            screened(nurse, subject)
            actions.confirm(doctor, subject)
        results = at_the_same_moment([lambda s=s: actions.enrol(nurse, s) for s in pair])
        refused = [r for r in results if isinstance(r, actions.NotEligible)]
        assert len(refused) == 1, results
        assert refused[0].reasons == (f"Site 01 has enrolled its {turn} subjects.",)
        assert Subject.objects.filter(stage="enrolled").count() == turn
    slots = Subject.objects.exclude(slot=None).values_list("slot", flat=True)
    assert sorted(slots) == list(range(1, ROUNDS + 1))


@pytest.mark.django_db(transaction=True)
def test_numbers_given_at_the_same_moment_differ(person: Callable[..., User], site: Site) -> None:
    nurse = person("coordinator")
    made = at_the_same_moment([lambda: actions.screen(nurse, site).code] * 4)
    assert sorted(map(str, made)) == ["01-001", "01-002", "01-003", "01-004"]
