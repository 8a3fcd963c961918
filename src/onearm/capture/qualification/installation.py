"""Installation qualification: software, packages, database, keys and settings as they are here."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max

from onearm.capture import clock, triggers
from onearm.capture.models import AuditEvent, FormVersion
from onearm.capture.qualification.outcome import Outcome, Result
from onearm.errors import OnearmError

NAME = "onearm"
SQLITE_FROM, POSTGRESQL_FROM = (3, 35), 14
FREE = 1 << 30
"""Bytes that the disk of the data folder should have free."""

BACKUP_WITHIN = timedelta(hours=48)
SECRET = ("secret.key", "files.key", "first-start.token")
"""Files of the data folder that hold secrets, where they are there."""

PIN = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s\\;]+)[ \t]*(;)?", re.M)
"""A line of a lock: the package, its version, and whether a marker follows."""

Seen = tuple[str, bool | None]
"""What was seen, and whether it is as expected; None where it only should be in a live system."""


def installation(lock: Path | None) -> Iterator[Outcome]:
    """Every check of the installation that the settings name; nothing is written.

    lock: the file of locked packages that the release came with.
    """
    for number, (checked, what, expected, look) in enumerate(_looks(lock), start=1):
        try:
            actual, is_right = look()
        except (OnearmError, OSError, ValueError) as problem:
            actual, is_right = str(problem), False
        result: Result = "noted" if is_right is None else "passed" if is_right else "failed"
        yield Outcome(f"IQ-{number:02}", checked, what, expected, actual, result)


def _looks(lock: Path | None) -> Iterator[tuple[str, str, str, Callable[[], Seen]]]:
    yield "41", "Software", "a released version of onearm, installed from its wheel", _software
    yield "41", "Files of the software", "every file has the hash it was released with", _files
    yield "41", "Python", f"{_needed_python()}", _python
    yield "41", "Packages", "every package that is needed is there", _packages
    if lock is not None:
        yield (
            "41",
            f"Packages against {lock.name}",
            "every version is the locked one",
            lambda: _against(lock),
        )
    yield "41", "Operating system", "named", lambda: (platform.platform(), True)
    yield "41 45", "Database", _wanted_database(), _database
    yield "10", "Durability", "an acknowledged save is on the disk", _durability
    yield "40", "Schema", "no change of the schema is waiting", _schema
    yield "4", "Triggers", "the database refuses to change or delete history", _triggers
    yield "2 27", "Environment", "the one that the database was made for", _environment
    yield "31", "Deployment check", "nothing to say", _deployment
    yield "25", "Second factor", "asked of administrators and data managers", _second_factor
    yield "31", "Data folder", "read by its owner alone", _folder
    yield "31", "Secrets", "each read by its owner alone", _secrets
    yield "14 15", "Clock", "not before the newest entry of the trail", _clock
    yield "24", "Mail", "sent by a mail server", _mail
    yield "38", "Disk", "at least 1 GiB free", _disk
    yield "38", "Backup", "one within 48 hours, encrypted", _backup


def database_version() -> str:
    """Kind and version of the database, as ``sqlite 3.45.1``."""
    if connection.vendor == "sqlite":
        return f"sqlite {sqlite3.sqlite_version}"
    return f"postgresql {_ask('SHOW server_version')}"


def _live(actual: str, *, is_right: bool) -> Seen:
    """A complaint counts in the live environment alone."""
    return actual, True if is_right else False if settings.ENVIRONMENT == "live" else None


def _software() -> Seen:
    version = metadata.version(NAME)
    return (f"{version}, from its sources", None) if _is_editable() else (version, True)


def _is_editable() -> bool:
    about = metadata.distribution(NAME).read_text("direct_url.json") or ""
    return '"editable": true' in about or not Path(__file__).is_relative_to(_site())


def _site() -> Path:
    return Path(str(metadata.distribution(NAME).locate_file("")))


def _files() -> Seen:
    if _is_editable():
        return "not compared: the software runs from its sources", None
    compared, wrong = 0, []
    for file in metadata.distribution(NAME).files or []:
        if file.hash is None:
            continue
        compared += 1
        if not _has_hash(Path(str(file.locate())), file.hash.value):
            wrong.append(str(file))
    named = f": {', '.join(sorted(wrong)[:5])}" if wrong else ""
    return f"{compared} compared, {len(wrong)} differ{named}", bool(compared) and not wrong


def _has_hash(path: Path, expected: str) -> bool:
    """Whether a file has the SHA-256 of a wheel's record (base64 for addresses, no padding)."""
    if not path.is_file():
        return False
    digest = urlsafe_b64encode(sha256(path.read_bytes()).digest()).decode()
    return digest.rstrip("=") == expected


def _needed_python() -> str:
    return str(metadata.metadata(NAME)["Requires-Python"])


def _python() -> Seen:
    least = tuple(int(part) for part in re.findall(r"\d+", _needed_python())[:2])
    return platform.python_version(), sys.version_info[:2] >= least


def _packages() -> Seen:
    wanted = [text for text in metadata.requires(NAME) or [] if "extra ==" not in text]
    names = [re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in wanted]
    missing = [name for name in names if not _version(name)]
    named = f"; missing: {', '.join(missing)}" if missing else ""
    return f"{len(names) - len(missing)} of {len(names)}{named}", not missing


def _against(lock: Path) -> Seen:
    """Installed versions against the lock.

    A lock names a package once for each Python or system that needs another version, with a marker
    behind it: the installed version is one of those, and what is locked only under a marker may be
    missing.
    """
    pins: dict[str, set[str]] = {}
    always: set[str] = set()
    for name, pin, marker in PIN.findall(lock.read_text("utf-8")):
        pins.setdefault(name, set()).add(pin)
        always |= {name} if not marker else set()
    if not pins:
        raise OnearmError(f"{lock} names no package")
    other = [
        f"{name} {_version(name) or 'missing'} (locked {' or '.join(sorted(locked))})"
        for name, locked in pins.items()
        if _version(name) not in (locked if name in always else {*locked, ""})
    ]
    named = f": {', '.join(other[:8])}" if other else ""
    return f"{len(pins)} locked, {len(other)} differ{named}", not other


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _wanted_database() -> str:
    return "SQLite 3.35 or newer" if connection.vendor == "sqlite" else "PostgreSQL 14 or newer"


def _database() -> Seen:
    where = connection.settings_dict
    place = where["NAME"] if connection.vendor == "sqlite" else f"{where['HOST']}/{where['NAME']}"
    named = f"{database_version()} at {place}"
    if connection.vendor == "sqlite":
        return named, sqlite3.sqlite_version_info[:2] >= SQLITE_FROM
    return named, int(str(_ask("SHOW server_version_num"))) // 10_000 >= POSTGRESQL_FROM


def _durability() -> Seen:
    if connection.vendor == "sqlite":
        mode, level = _ask("PRAGMA journal_mode"), _ask("PRAGMA synchronous")
        return f"journal_mode {mode}, synchronous {level}", (mode, level) == ("wal", 2)
    shown = {name: str(_ask(f"SHOW {name}")) for name in ("fsync", "synchronous_commit")}
    shown["server_encoding"] = str(_ask("SHOW server_encoding"))
    is_right = shown["fsync"] == "on" and shown["synchronous_commit"] != "off"
    named = ", ".join(f"{name} {value}" for name, value in shown.items())
    return named, is_right and shown["server_encoding"] == "UTF8"


def _schema() -> Seen:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(plan)} waiting", not plan


def _triggers() -> Seen:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute("SELECT event_object_table FROM information_schema.triggers")
        found = {row[0] for row in cursor.fetchall()}
    wanted = {*triggers.TABLES, *triggers.KEPT, "capture_redactedversion"}
    missing = sorted(wanted - found)
    named = f"; none on {', '.join(missing)}" if missing else ""
    return f"on {len(wanted) - len(missing)} of {len(wanted)} tables{named}", not missing


def _environment() -> Seen:
    made = AuditEvent.objects.filter(stream="study", action="system.make").first()
    of = made.details["environment"] if made else "none"
    return f"runs as {settings.ENVIRONMENT}, made for {of}", of == settings.ENVIRONMENT


def _deployment() -> Seen:
    said = checks.run_checks(include_deployment_checks=True)
    found = sorted(
        {str(one.id) for one in said if one.level >= checks.WARNING and not one.is_silenced()}
    )
    return _live(", ".join(found) or "nothing", is_right=not found)


def _second_factor() -> Seen:
    is_on = bool(settings.SECOND_FACTOR)
    return _live("asked" if is_on else "not asked", is_right=is_on)


def _folder() -> Seen:
    return _private(Path(settings.DATA))


def _secrets() -> Seen:
    held = [path for name in SECRET if (path := Path(settings.DATA) / name).is_file()]
    open_ = [f"{path.name} {_mode(path)}" for path in held if path.stat().st_mode & 0o077]
    return ", ".join(open_) or f"{len(held)} files, each 600", not open_


def _private(path: Path) -> Seen:
    return f"{path} {_mode(path)}", not path.stat().st_mode & 0o077


def _mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"


def _clock() -> Seen:
    for model in (AuditEvent, FormVersion):
        clock.check(model.objects.aggregate(newest=Max("at"))["newest"])
    return f"{clock.now():%Y-%m-%d %H:%M:%S} UTC", True


def _mail() -> Seen:
    backend = settings.EMAIL_BACKEND.rsplit(".", 1)[-1]
    is_sent = "smtp" in settings.EMAIL_BACKEND
    named = getattr(settings, "EMAIL_HOST", "") if is_sent else f"printed ({backend})"
    return _live(str(named), is_right=is_sent)


def _disk() -> Seen:
    free = shutil.disk_usage(settings.DATA).free
    return f"{free / (1 << 30):.1f} GiB free", free >= FREE


def _backup() -> Seen:
    made = AuditEvent.objects.filter(action="backup.make").order_by("-at").first()
    if made is None:
        return _live("none was made", is_right=False)
    how = "encrypted" if made.details.get("encrypted") else "not encrypted"
    is_fresh = clock.now() - made.at <= BACKUP_WITHIN
    seen = f"{made.at:%Y-%m-%d %H:%M} UTC, {how}"
    return _live(seen, is_right=is_fresh and bool(made.details.get("encrypted")))


def _ask(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def described() -> dict[str, str]:
    """Where this system is and what it is made of, for the head of a report."""
    return {
        "software": f"onearm {metadata.version(NAME)}",
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.node(),
        "database": database_version(),
        "environment": settings.ENVIRONMENT,
        "data folder": str(settings.DATA),
        "ran as": str(os.getuid()) if hasattr(os, "getuid") else "",
    }
