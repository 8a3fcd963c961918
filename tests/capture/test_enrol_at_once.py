"""Two enrolments of the last place, at the same moment: one is enrolled, the other is told why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import TransactionTestCase

from onearm.capture import triggers
from onearm.capture.actions import enrol as actions
from onearm.capture.models import Site, Subject, User
from tests.capture.conduct import screened

ROUNDS = 3


@pytest.fixture(autouse=True, scope="module")
def history_can_be_flushed() -> Iterator[None]:
    """After these tests the database is emptied; history refuses that elsewhere."""
    flush = TransactionTestCase._fixture_teardown

    def without_triggers(case: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            for statement in triggers.lifted(connection.vendor):
                cursor.execute(statement)
        flush(case)
        with connection.cursor() as cursor:
            for statement in triggers.lifted(connection.vendor):
                cursor.execute(statement)
            for statement in triggers.all_statements(connection.vendor):
                cursor.execute(statement)

    TransactionTestCase._fixture_teardown = without_triggers
    yield
    TransactionTestCase._fixture_teardown = flush


def at_the_same_moment(acts: list[Callable[[], object]]) -> list[object]:
    """What each act returned or raised; each runs in a thread with its own connection."""
    barrier, results = Barrier(len(acts)), [None] * len(acts)

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            results[number] = acts[number]()
        except Exception as problem:
            results[number] = problem
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


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
