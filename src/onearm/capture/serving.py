"""From a study folder to a running server: folder, keys, database, study, first account."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from onearm.capture import worker
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.capture.demo import Demo

TOKEN = "first-start.token"  # noqa: S105 - the name of a file


@dataclass(frozen=True, slots=True)
class Ready:
    """A database that can be served.

    token: opens the page that makes the first account. demo: its accounts, where it is one.
    """

    data: Path
    token: str | None
    demo: Demo | None = None


def surround(data: Path, *, environment: str | None = None) -> None:
    """Set what the settings need; the environment's own variables win.

    The key that signs sessions is made once and kept in ``data``, readable by its owner alone.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ.setdefault("ONEARM_DATA", str(data))
    if environment is not None:
        os.environ.setdefault("ONEARM_ENVIRONMENT", environment)
    if "ONEARM_SECRET_KEY" not in os.environ:
        _keep(data / "secret.key", secrets.token_urlsafe(50))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onearm.capture.settings")


def configure(data: Path, *, environment: str | None = None) -> None:
    """Set what the settings need and start Django."""
    surround(data, environment=environment)
    import django

    django.setup()


def prepare(data: Path, study: Path | None, *, is_demo: bool = False) -> Ready:
    """Bring the database up to date, take the study in, and say how the first person gets in.

    study: released to its sites at once where the database is new; later versions are taken in and
    released from the pages. Raises ``OnearmError`` where the database cannot be reached, was made
    for another environment, or holds times that lie ahead of the clock, and ``Problems`` where the
    study cannot be loaded.
    """
    from django.db import DatabaseError

    from onearm.capture.models import StudyVersion, User

    try:
        _bring_up_to_date()
    except DatabaseError as problem:
        raise OnearmError(f"the database cannot be used: {problem}".strip()) from problem
    _require_clock()
    _keep_environment()
    _keep_software()
    if study is not None and not (is_demo and StudyVersion.objects.exists()):
        _take_in(study)
    if not StudyVersion.objects.exists():
        raise OnearmError("the database holds no study yet; name the study folder")
    if is_demo:
        from onearm.capture import demo

        return Ready(data, None, demo.prepare())
    if User.objects.exists():
        (data / TOKEN).unlink(missing_ok=True)
        return Ready(data, None)
    return Ready(data, _keep(data / TOKEN, secrets.token_urlsafe(24)))


def _bring_up_to_date() -> None:
    """Apply the software's changes to the schema; rows and history must be what they were.

    The trail keeps which changes were applied. Raises ``OnearmError`` where a table has fewer or
    more rows afterwards, or a chain another head.
    """
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from onearm.capture import backup, trail

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return
    is_new = "capture_auditevent" not in connection.introspection.table_names()
    before = None if is_new else backup.state()
    call_command("migrate", verbosity=0, interactive=False)
    if before is None:
        return
    after = backup.state()
    kept = {name: rows for name, rows in before["rows"].items() if name.startswith("capture_")}
    if before["heads"] != after["heads"] or not kept.items() <= after["rows"].items():
        raise OnearmError(
            "bringing the database up to date changed what it holds; restore the backup and "
            "report this"
        )
    applied = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    trail.record("study", "system.update", details={"applied": applied, "heads": after["heads"]})


def _require_clock() -> None:
    """Refuse to start where the newest entry of the trail lies ahead of the clock."""
    from django.db.models import Max

    from onearm.capture import clock
    from onearm.capture.models import AuditEvent, FormVersion

    for model in (AuditEvent, FormVersion):
        clock.check(model.objects.aggregate(newest=Max("at"))["newest"])


def _keep_environment() -> None:
    """A database belongs to one environment for good: live data never enter a test (F2)."""
    from django.conf import settings

    from onearm.capture import trail
    from onearm.capture.models import AuditEvent

    made = AuditEvent.objects.filter(stream="study", action="system.make").first()
    if made is None:
        details = {"environment": settings.ENVIRONMENT}
        trail.record("study", "system.make", target=settings.ENVIRONMENT, details=details)
    elif made.details["environment"] != settings.ENVIRONMENT:
        raise OnearmError(
            f"the database was made for the environment {made.details['environment']}, not "
            f"{settings.ENVIRONMENT}; an environment has a database of its own (--data)"
        )


def _keep_software() -> None:
    """The trail says which version of the software, Python and database runs since when."""
    import platform
    from importlib.metadata import version

    from onearm.capture import trail
    from onearm.capture.models import AuditEvent
    from onearm.capture.qualification.installation import database_version

    now = {
        "onearm": version("onearm"),
        "python": platform.python_version(),
        "database": database_version(),
    }
    last = AuditEvent.objects.filter(stream="study", action="system.software")
    newest = last.order_by("-number").first()
    before = newest.details["now"] if newest else {}
    if before != now:
        trail.record("study", "system.software", details={"before": before, "now": now})


def _take_in(folder: Path) -> None:
    from django.db import transaction

    from onearm.capture import clock, studies
    from onearm.capture.models import Site, SiteVersion, StudyVersion

    is_new = not StudyVersion.objects.exists()
    with transaction.atomic():
        version = studies.take_in(folder)
        if not is_new:
            return
        study = studies.study_of(version)
        for site in study.identity.sites:
            made = Site.objects.create(code=site.id, name=str(site.name) or site.id)
            SiteVersion.objects.create(site=made, version=version, begins=clock.now().date())


def _keep(path: Path, text: str) -> str:
    """The text of a file only its owner reads; written with ``text`` where there is none."""
    if path.is_file():
        return path.read_text(encoding="utf-8").strip()
    with path.open("x", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(text)
    return text


def require_free(host: str, port: int) -> None:
    """Say in words that something listens there already, before anything is prepared."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise OnearmError(
                f"{host}:{port} cannot be used: {problem.strerror}; choose another --port"
            ) from problem


def run(host: str, port: int, *, workers: int, first: Callable[[], None]) -> None:
    """Serve until interrupted, once ``first`` has prepared what is served.

    The workers read the program meanwhile and answer when ``first`` is done. What ``first`` raises
    ends the server and is raised here.
    """
    import multiprocessing

    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    # One thread of polars a worker: on frames of one subject more only wait for each other.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    # A forked worker would inherit the locks of threads that are not there any more (polars has
    # some as soon as a frame was touched) and hang on the first form with checks.
    multiprocessing.set_start_method("spawn", force=True)
    server = Granian(
        "onearm.capture.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=4,
        log_access=False,
        log_level=LogLevels.warning,
    )
    is_prepared = multiprocessing.Event()
    refused: list[BaseException] = []

    def prepare() -> None:
        try:
            first()
        except BaseException as problem:  # raised again where the server was started
            refused.append(problem)
            server.signal_handler_interrupt()
        else:
            is_prepared.set()

    preparing = threading.Thread(target=prepare, name="preparing", daemon=True)
    server.on_startup(preparing.start)
    server.serve(target_loader=partial(worker.load, is_prepared), wrap_loader=False)
    if refused:
        raise refused[0]
