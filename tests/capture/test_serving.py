"""Starting the server: environments stay apart, the clock is watched, the demo is what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.test import Client

from onearm.capture import clock, demo, permissions, serving, studies, trail
from onearm.capture.models import AuditEvent, FormVersion, Site, StudyVersion, User
from onearm.errors import OnearmError
from tests.capture.conftest import STUDY
from tests.capture.faults.servers import free_port


@pytest.mark.django_db
def test_first_start_gives_an_address_that_makes_the_administrator_once(
    tmp_path: Path, settings: Any
) -> None:
    settings.DATA = tmp_path
    ready = serving.prepare(tmp_path, STUDY)
    assert Site.objects.filter(versions__isnull=False).exists()
    client = Client()
    assert client.get("/start").status_code == 404
    assert client.get("/start?token=guess").status_code == 404
    given = {
        "token": ready.token,
        "username": "office",
        "name": "Li Na",
        "password": "a long enough phrase",
        "again": "a long enough phrase",
    }
    answer = client.post("/start", given)
    assert answer.url == "/accounts/login/?next=/next"
    client.post(
        answer.url, {"login": "office", "password": "a long enough phrase", "next": "/next"}
    )
    page = client.get("/next").content.decode()
    assert "An account for a data manager" in page
    assert client.post("/start", {**given, "username": "second"}).url == "/accounts/login/"
    assert User.objects.count() == 1
    assert serving.prepare(tmp_path, None).token is None


@pytest.mark.django_db
def test_a_database_stays_in_the_environment_it_was_made_for(tmp_path: Path, settings: Any) -> None:
    serving.prepare(tmp_path, STUDY)
    settings.ENVIRONMENT = "live"
    with pytest.raises(OnearmError, match="made for the environment test, not live"):
        serving.prepare(tmp_path, STUDY)


@pytest.mark.django_db
def test_the_server_does_not_start_and_nothing_is_written_when_the_clock_runs_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving.prepare(tmp_path, STUDY)
    count = AuditEvent.objects.count()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now - timedelta(minutes=10))
    with pytest.raises(clock.ClockRanBack, match="set the clock right"):
        serving.prepare(tmp_path, STUDY)
    with pytest.raises(clock.ClockRanBack):
        trail.record("study", "anything")
    assert AuditEvent.objects.count() == count
    answer = Client().post("/accounts/login/", {"login": "x", "password": "y"})
    assert answer.status_code == 503
    assert "The server's clock shows" in answer.content.decode()


@pytest.mark.django_db
def test_small_steps_back_are_taken_as_no_time_passing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = trail.record("study", "anything")
    monkeypatch.setattr(clock, "now", lambda: first.at - timedelta(seconds=2))
    assert trail.record("study", "anything").at == first.at


@pytest.mark.django_db
def test_the_demo_is_half_a_trial_of_today_with_an_account_a_role(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENVIRONMENT = "demo"
    taken: list[pl.DataFrame] = []
    monkeypatch.setattr(demo, "take_entries", lambda user, frame, source: taken.append(frame))
    ready = serving.prepare(tmp_path, STUDY, is_demo=True)
    assert ready.demo is not None
    assert [role for _, role in ready.demo.accounts] == list(permissions.roles())
    client = Client()
    name = {role: name for name, role in ready.demo.accounts}["coordinator"]
    client.post("/accounts/login/", {"login": name, "password": ready.demo.password})
    assert "Demo: invented data" in client.get("/").content.decode()
    dates = taken[0].filter(pl.col("ITEM").str.ends_with("DAT"))["VALUE"].drop_nulls()
    dosed = taken[0].filter(pl.col("FORM") == "DM")["SUBJID"].n_unique()
    assert 20 <= dosed <= 45
    today = clock.now().date()
    recent = dates.filter(dates > str(today - timedelta(days=31)))
    assert len(recent) > 50
    assert (dates <= str(today)).mean() > 0.99  # the simulation makes errors of typing


@pytest.mark.django_db
def test_moved_dates_keep_their_precision_and_nothing_else_moves(version: StudyVersion) -> None:
    study = studies.study_of(version)
    form, item = next(
        (f.form, i.name) for f in study.forms.values() for i in f.items if i.type == "partial_date"
    )
    texts = ["2019", "2019-06", "2019-06-30", "30 June", None]
    frame = pl.DataFrame(
        {
            "FORM": [form] * 5 + ["DISEASE"],
            "ITEM": [item] * 5 + ["MHTERM"],
            "VALUE": [*texts, "2019"],
        }
    )
    moved = demo.moved(study, frame, timedelta(days=366))["VALUE"].to_list()
    assert moved == ["2020", "2020-06", "2020-06-30", "30 June", None, "2019"]


@pytest.mark.django_db
def test_a_demo_is_never_put_into_another_environment(version: StudyVersion) -> None:
    with pytest.raises(OnearmError, match="only in a database of the demo environment"):
        demo.prepare()
    assert not FormVersion.objects.exists()
    assert not User.objects.exists()


UPDATE = """
import json, sys
from pathlib import Path
from onearm.capture import serving
serving.configure(Path(sys.argv[1]))
serving.prepare(Path(sys.argv[1]), Path(sys.argv[2]))
from django.core.management import call_command
call_command("migrate", "mfa", "zero", verbosity=0)  # as by a release before the second factor
serving.prepare(Path(sys.argv[1]), None)
from onearm.capture import trail
from onearm.capture.models import AuditEvent
act = AuditEvent.objects.get(action="system.update")
print(json.dumps([act.details["applied"], [str(b) for b in trail.verify()]]))
"""


def test_an_update_of_the_database_keeps_rows_and_heads_and_is_told_in_the_trail(
    tmp_path: Path,
) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ONEARM", "D"))}
    words = [sys.executable, "-c", UPDATE, str(tmp_path / "data"), str(STUDY)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    applied, broken = json.loads(done.stdout)
    assert "mfa.0001_initial" in applied
    assert broken == []


def test_a_start_that_is_refused_says_why_and_ends_its_workers(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ONEARM", "D"))}
    port = str(free_port())
    words = ["serve", str(tmp_path / "no-study"), "--data", str(tmp_path / "data"), "--port", port]
    started = [sys.executable, "-m", "onearm", *words]
    done = subprocess.run(started, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no such folder" in done.stderr
    assert "Serving" not in done.stdout
    serving.require_free("127.0.0.1", int(port))
