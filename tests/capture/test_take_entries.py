"""Loading a trial from a file: accounted for to the last value, and the same trial comes out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

import polars as pl
import pytest

from onearm import pipeline
from onearm.capture import clock, entries, studies, trail
from onearm.capture.actions.take_entries import take_entries
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormInstance,
    FormVersion,
    Hold,
    Site,
    SiteVersion,
    StudyVersion,
    Subject,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.simulate import trial as simulated
from tests.capture.conftest import LONG_AGO, shipped

Person = Callable[..., User]


@pytest.fixture
def made(version: StudyVersion) -> tuple[pl.DataFrame, date]:
    return drawn()


@cache
def drawn() -> tuple[pl.DataFrame, date]:
    found = simulated(shipped(), subjects=3, seed=3)
    return found.entries, found.cut


@pytest.fixture
def manager(person: Person) -> User:
    return person("data_manager")


@pytest.mark.slow
def test_a_trial_loaded_and_built_is_the_trial_built_from_the_file(
    made: tuple[pl.DataFrame, date], manager: User, version: StudyVersion
) -> None:
    frame, cut = made
    taken = take_entries(manager, frame, source="entries.parquet")
    assert taken.count("new") == taken.read == frame.height
    study = studies.study_of(version)
    before = pipeline.build(study, frame, cut=cut)
    after = pipeline.build(study, entries.as_of(clock.now()), cut=cut)
    for name, dataset in {**before.domains, **before.datasets}.items():
        other = {**after.domains, **after.datasets}[name]
        assert dataset.write_csv() == other.write_csv(), name
    assert before.numbers.write_csv() == after.numbers.write_csv()


def test_loading_writes_history_dates_queries_and_the_trail(
    made: tuple[pl.DataFrame, date], manager: User
) -> None:
    taken = take_entries(manager, made[0], source="entries.parquet")
    assert FormVersion.objects.count() == len(taken.rows)
    assert set(FormVersion.objects.values_list("origin", "role")) == {("import", "data_manager")}
    assert list(trail.verify()) == []
    assert EventInstance.objects.filter(visit="SCREENING", date=None).count() == 0
    act = AuditEvent.objects.get(action="import")
    assert act.details == {"forms": len(taken.rows)}
    added = AuditEvent.objects.filter(action="subject.import")
    assert sorted(added.values_list("stream", "role", "site__code", "details__source")) == [
        (f"subject:{code}", "data_manager", "01", "entries.parquet")
        for code in sorted(made[0]["SUBJID"].unique())
    ]


def test_a_dry_run_says_the_same_and_writes_nothing(
    made: tuple[pl.DataFrame, date], manager: User
) -> None:
    dry = take_entries(manager, made[0], source="entries.parquet", is_dry=True)
    assert FormVersion.objects.count() == Subject.objects.count() == 0
    assert dry.rows == take_entries(manager, made[0], source="entries.parquet").rows


def test_loading_the_same_file_twice_changes_nothing(
    made: tuple[pl.DataFrame, date], manager: User
) -> None:
    take_entries(manager, made[0], source="entries.parquet")
    count = FormVersion.objects.count()
    again = take_entries(manager, made[0], source="entries.parquet")
    assert {row.fate for row in again.rows} == {"same"}
    assert FormVersion.objects.count() == count


def test_a_row_that_was_taken_out_is_not_filled_unseen(
    made: tuple[pl.DataFrame, date], manager: User
) -> None:
    frame = made[0].filter(pl.col("FORM") == "AE")
    take_entries(manager, frame, source="entries.parquet")
    one = FormInstance.objects.filter(form="AE").earliest("pk")
    one.data["rows"][0]["_removed"] = "entered for somebody else"
    one.save()
    again = take_entries(manager, frame, source="entries.parquet")
    assert {row.fate for row in again.rows} == {"same"}
    is_term = (pl.col("ITEM") == "AETERM") & (pl.col("ROW") == one.data["rows"][0]["_key"])
    other = frame.with_columns(
        VALUE=pl.when(is_term).then(pl.lit("Something else")).otherwise("VALUE")
    )
    taken = take_entries(manager, other, source="later.parquet")
    refused = [row for row in taken.rows if row.where[1] == one.event.subject.code]
    assert [row.fate for row in refused] == ["refused"]
    assert "was taken out of the form" in refused[0].why[0]


def test_forms_that_cannot_be_loaded_are_refused_with_their_reason(
    made: tuple[pl.DataFrame, date], manager: User, site: Site
) -> None:
    frame = made[0]
    first = frame["SUBJID"].min()
    is_sex = (pl.col("SUBJID") == first) & (pl.col("ITEM") == "SEX")
    wrong = frame.with_columns(
        VALUE=pl.when(is_sex).then(pl.lit("X")).otherwise("VALUE"),
        SITEID=pl.when(pl.col("SUBJID") == frame["SUBJID"].max())
        .then(pl.lit("99"))
        .otherwise("SITEID"),
    )
    taken = take_entries(manager, wrong, source="entries.parquet")
    refused = [row for row in taken.rows if row.fate == "refused"]
    assert {row.where[0] for row in refused} == {"01", "99"}
    assert [row.where[4] for row in refused if row.where[0] == "01"] == ["DM"]
    assert "Sex: X is not one of" in next(row.why[0] for row in refused if row.where[0] == "01")
    assert taken.count("new", "refused") == taken.read


def test_what_is_locked_refuses_the_load(made: tuple[pl.DataFrame, date], manager: User) -> None:
    Hold.objects.create(target="site:01", kind="locked", set_by=manager, set_at=clock.now())
    taken = take_entries(manager, made[0], source="entries.parquet")
    assert {row.fate for row in taken.rows} == {"refused"}
    assert FormVersion.objects.count() == 0


@pytest.mark.parametrize("kind", ["frozen", "locked"])
@pytest.mark.parametrize("level", ["subject", "event"])
def test_a_form_that_nobody_saved_is_refused_under_what_is_held_still(
    level: str, kind: str, made: tuple[pl.DataFrame, date], manager: User
) -> None:
    frame = made[0]
    is_new = pl.col("FORM") == "DISEASE"
    take_entries(manager, frame.filter(~is_new), source="entries.parquet")
    visit = EventInstance.objects.filter(visit="SCREENING").order_by("subject__code")[0]
    target = f"subject:{visit.subject.code}" if level == "subject" else f"event:{visit.pk}"
    Hold.objects.create(target=target, kind=kind, set_by=manager, set_at=clock.now())
    dry = take_entries(manager, frame.filter(is_new), source="late.csv", is_dry=True)
    taken = take_entries(manager, frame.filter(is_new), source="late.csv")
    assert dry.rows == taken.rows
    refused = [row for row in taken.rows if row.fate == "refused"]
    assert [row.where[1:3] for row in refused] == [(visit.subject.code, "SCREENING")]
    assert f"been {kind}" in refused[0].why[0]
    assert not visit.forms.filter(form="DISEASE").exists()


def test_forms_of_another_sites_subject_are_refused_in_the_dry_run_too(
    made: tuple[pl.DataFrame, date], manager: User, site: Site, version: StudyVersion
) -> None:
    other = Site.objects.create(code="02", name="Second hospital")
    SiteVersion.objects.create(site=other, version=version, begins=LONG_AGO)
    take_entries(manager, made[0], source="entries.parquet")
    moved = made[0].with_columns(SITEID=pl.lit("02"))
    for is_dry in (True, False):
        taken = take_entries(manager, moved, source="entries.parquet", is_dry=is_dry)
        assert {row.fate for row in taken.rows} == {"refused"}
        assert "belongs to another site" in taken.rows[0].why[-1]
    assert Subject.objects.filter(site=other).count() == 0


def test_loading_needs_the_right(made: tuple[pl.DataFrame, date], person: Person) -> None:
    with pytest.raises(NotAllowed):
        take_entries(person("coordinator"), made[0], source="entries.parquet")
