"""What must hold when things break: no acknowledged save lost, none half written, chains intact."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.capture.faults.servers import (
    FILL,
    Server,
    account,
    database,
    editors,
    end,
    faketime,
)
from tests.capture.postgres import programs

pytestmark = pytest.mark.slow
needs_postgresql = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
EDITORS = 6


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server on each kind of database; killed at the end if it still runs."""
    with database() if request.param == "postgresql" else nullcontext() as made:
        server = Server(tmp_path / "data", made.url if made else "", workers=2)
        yield server
        if server.process is not None:
            server.kill()


def until(holds_now: Callable[[], bool], seconds: float = 300) -> None:
    """Wait until something holds, on however busy a machine."""
    began = time.monotonic()
    while not holds_now():
        assert time.monotonic() - began < seconds, "it did not come to that"
        time.sleep(0.1)


def report(name: str, figures: dict[str, Any]) -> None:
    shown = {k: v for k, v in figures.items() if k not in ("lost", "whole", "broken")}
    print(f"\n{name}: {shown}, lost {len(figures['lost'])}, broken {len(figures['broken'])}")


def holds(figures: dict[str, Any]) -> None:
    assert figures["lost"] == []
    assert figures["whole"]
    assert figures["broken"] == []
    assert figures["acknowledged"] > 5  # saves did take place, on however busy a machine


def test_the_server_killed_in_the_middle_of_saves(server: Server) -> None:
    people = server.script(FILL, server.study, EDITORS)
    server.start()
    busy = editors(server, people)
    for _ in range(3):
        time.sleep(3)
        server.kill()
        server.start()
    time.sleep(2)
    end(busy)
    figures = account(server, busy)
    report(f"kill -9 three times ({'postgresql' if server.url else 'sqlite'})", figures)
    holds(figures)


def test_workers_whose_main_process_was_killed_end_and_leave_the_port(server: Server) -> None:
    people = server.script(FILL, server.study, EDITORS)
    server.start()
    busy = editors(server, people)
    until(lambda: all(one.acknowledged for one in busy))
    server.kill_main()
    until(server.is_port_free, 30)
    server.start()
    before = [len(one.acknowledged) for one in busy]
    until(lambda: all(len(one.acknowledged) > n for one, n in zip(busy, before, strict=True)))
    end(busy)
    figures = account(server, busy)
    report(f"main process killed ({'postgresql' if server.url else 'sqlite'})", figures)
    holds(figures)


@needs_postgresql
def test_the_database_gone_in_the_middle_of_saves_and_back(tmp_path: Path) -> None:
    with database() as made:
        server = Server(tmp_path / "data", made.url, workers=2)
        people = server.script(FILL, server.study, EDITORS)
        server.start()
        try:
            busy = editors(server, people)
            time.sleep(3)
            made.stop()
            time.sleep(1)
            assert server.status("/health") == 503
            before = sum(len(one.acknowledged) for one in busy)
            time.sleep(2)
            assert sum(len(one.acknowledged) for one in busy) == before
            made.start()
            time.sleep(5)
            end(busy)
            assert server.status("/health") == 200
            figures = account(server, busy)
        finally:
            server.kill()
    report("database stopped for 3 s and back", figures)
    holds(figures)
    assert figures["acknowledged"] > before


def test_a_disk_that_fills_up_refuses_saves_and_loses_none(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    people = server.script(FILL, server.study, EDITORS)
    used = max(path.stat().st_size for path in server.data.iterdir())
    server.largest_file = used + 300_000
    server.start()
    try:
        busy = editors(server, people)
        time.sleep(12)
        end(busy)
    finally:
        server.kill()
    assert sum(one.refused for one in busy) > 0
    figures = account(server, busy)
    report("disk full", figures)
    holds(figures)
    server.largest_file = 0
    server.start()
    try:
        again = editors(server, people, first=1_000_000)
        time.sleep(5)
        end(again)
    finally:
        server.kill()
    figures = account(server, busy + again)
    report("disk with room again", figures)
    holds(figures)
    assert all(one.acknowledged for one in again)


@pytest.mark.skipif(faketime() is None, reason="libfaketime is not installed")
def test_a_clock_that_steps_back_refuses_saves_until_it_is_right_again(server: Server) -> None:
    server.workers, server.clock = 1, server.data.parent / "clock"
    server.clock.write_text("+0\n")
    people = server.script(FILL, server.study, 3)
    server.start()
    busy = editors(server, people, pause=0.2)
    until(lambda: all(one.acknowledged for one in busy))
    server.clock.write_text("-1h\n")
    until(lambda: all(503 in one.statuses for one in busy))
    before = [len(one.acknowledged) for one in busy]
    for one in busy:
        one.statuses.clear()
    until(lambda: all(one.statuses for one in busy))
    assert [len(one.acknowledged) for one in busy] == before
    assert {status for one in busy for status in one.statuses} == {503}
    assert all("clock shows" in one.refusal for one in busy)
    server.clock.write_text("+0\n")
    until(lambda: all(len(one.acknowledged) > n for one, n in zip(busy, before, strict=True)))
    end(busy)
    figures = account(server, busy)
    report(f"clock an hour back ({'postgresql' if server.url else 'sqlite'})", figures)
    holds(figures)
    assert figures["in_order"]


@needs_postgresql
def test_fifty_people_at_once(tmp_path: Path) -> None:
    with database() as made:
        server = Server(tmp_path / "data", made.url, workers=2)
        people = server.script(FILL, server.study, 50)
        server.start()
        try:
            busy = editors(server, people, pause=1.0)
            time.sleep(30)
            end(busy)
            figures = account(server, busy)
        finally:
            server.kill()
    report("50 people for 30 s", figures)
    holds(figures)
    assert figures["not_acknowledged"] == 0


def test_two_editors_on_one_form_overwrite_nothing(server: Server) -> None:
    people = server.script(FILL, server.study, 2)
    assert isinstance(people, list)
    (code, first), (_, second) = people
    server.start()
    busy = editors(server, [[code, first], [code, second]])
    time.sleep(10)
    end(busy)
    figures = account(server, busy)
    report("two editors on one form", figures)
    holds(figures)
    # Every version is one save of one of them: the refused saves overwrote nothing.
    assert figures["kept"] == figures["acknowledged"]
    versions = [version for one in busy for version, _ in one.acknowledged]
    assert sorted(versions) == list(range(1, len(versions) + 1))


@needs_postgresql
def test_a_backup_of_postgresql_is_restored_into_another_database(tmp_path: Path) -> None:
    with database() as made, database() as other:
        server = Server(tmp_path / "data", made.url)
        server.script(FILL, server.study, 3)
        words = ["-m", "onearm", "capture", "backup", tmp_path, "--data", server.data]
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            env=server.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        file = done.stdout.splitlines()[0]
        restored = Server(tmp_path / "restored", other.url)
        words = ["-m", "onearm", "capture", "restore", file, "--data", restored.data]
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            env=restored.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 differences" in done.stdout
