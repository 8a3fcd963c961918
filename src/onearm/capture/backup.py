"""Backup while the server runs, and a restore that proves itself before anybody works on it.

A backup is one file: a tar archive of the database, the attached files, the keys and a manifest
with the hash of each, the rows of every table and one hash over the heads of all chains.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from onearm.capture import clock, sealing, trail
from onearm.errors import OnearmError

MANIFEST, SQLITE, DUMP = "manifest.json", "onearm.sqlite3", "database.dump"
KEPT = ("files", "files.key", "secret.key")
"""What of the data folder goes along: uploads and the keys without which they cannot be read."""

CHAINS = ("SELECT id, head FROM capture_forminstance", "SELECT stream, hash FROM capture_trailhead")
Query = Callable[[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Made:
    """A backup: where it is, the hash of the file, and what its manifest says."""

    path: Path
    sha256: str
    manifest: Mapping[str, Any]


def make(folder: Path, *, key: bytes | None = None) -> Made:
    """Write a backup into ``folder`` as the database stands now; the trail says that it was made.

    key: encrypts it. The file is written beside and renamed when it is whole.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    at = clock.now()
    path = folder / f"onearm-{at:%Y%m%dT%H%M%S}Z.backup"
    with TemporaryDirectory(dir=folder, prefix=".onearm-") as scratch:
        work = Path(scratch)
        name, state = _copy_database(work)
        members = [(name, work / name), *_kept_files(Path(settings.DATA))]
        manifest = {
            "made": at.isoformat(),
            "environment": settings.ENVIRONMENT,
            "database": connection.vendor,
            **state,
            "files": {name: _sha256(file) for name, file in members},
        }
        whole = work / "whole"
        with tarfile.open(whole, "w") as archive:
            _add(archive, MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
            for name, file in members:
                archive.add(file, arcname=name, recursive=False)
        if key is not None:
            with whole.open("rb") as plain, (work / "sealed").open("wb") as to:
                sealing.seal(plain, to, key)
            whole = work / "sealed"
        whole.chmod(0o600)
        _sync(whole)
        whole.replace(path)
    sha256 = _sha256(path)
    details = {"file": path.name, "sha256": sha256, "encrypted": key is not None}
    trail.record("access", "backup.make", target=path.name, details=details)
    return Made(path, sha256, manifest)


def copy(made: Made, folder: Path) -> Path:
    """Copy a backup to another place and compare it there; the trail says where it went.

    Raises ``OnearmError`` where the copy cannot be written whole.
    """
    target = folder / made.path.name
    part = target.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(made.path, part)
        part.chmod(0o600)
        _sync(part)
        if _sha256(part) != made.sha256:
            raise OnearmError(f"{part} is not what was copied; the backup itself is whole")
        part.replace(target)
    except OSError as problem:
        raise OnearmError(f"{made.path.name} was made, but not copied: {problem}") from problem
    details = {"file": target.name, "sha256": made.sha256, "folder": str(folder)}
    trail.record("access", "backup.copy", target=target.name, details=details)
    return target


def thin(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest backups of a folder; their names carry the time in order."""
    found = sorted(folder.glob("onearm-*Z.backup"))
    old = found[: max(0, len(found) - keep)]
    for path in old:
        path.unlink()
    return old


def unpack(backup: Path, into: Path, *, key: bytes | None = None) -> dict[str, Any]:
    """Take a backup apart into an empty or absent folder; returns its manifest.

    Every member's hash is compared before anything is put in place. Raises ``OnearmError``.
    """
    if into.exists() and any(into.iterdir()):
        raise OnearmError(f"{into} is not empty; a backup is restored into a folder of its own")
    into.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=into.parent, prefix=".onearm-") as scratch:
        plain, out = Path(scratch) / "plain", Path(scratch) / "out"
        _open(backup, plain, key)
        try:
            with tarfile.open(plain) as archive:
                archive.extractall(out, filter="data")
            manifest: dict[str, Any] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        except (tarfile.TarError, OSError, ValueError) as problem:
            raise OnearmError(f"{backup} is no backup of onearm: {problem}") from problem
        for name, sha256 in manifest["files"].items():
            if not (out / name).is_file() or _sha256(out / name) != sha256:
                raise OnearmError(f"{backup}: {name} is not what was backed up; nothing restored")
        out.chmod(0o700)
        if into.exists():
            into.rmdir()
        out.replace(into)
    return manifest


def load_dump(folder: Path) -> None:
    """Put the dump of a PostgreSQL backup into the empty database that the settings name."""
    if connection.introspection.table_names():
        raise OnearmError("the database is not empty; a backup is restored into an empty one")
    words = ["--no-owner", "--exit-on-error", "--dbname", _database_name(), str(folder / DUMP)]
    _run_tool("pg_restore", words)
    (folder / DUMP).unlink()


def differences(manifest: Mapping[str, Any]) -> list[str]:
    """What is not as it was when the backup was made: rows, chain heads, broken links."""
    now = state()
    found = [
        f"table {table}: {now['rows'].get(table)} rows, {rows} when it was backed up"
        for table, rows in manifest["rows"].items()
        if now["rows"].get(table) != rows
    ]
    if now["heads"] != manifest["heads"]:
        found.append("the heads of the chains are not those that were backed up")
    return found + [str(broken) for broken in trail.verify()]


def state() -> dict[str, Any]:
    """The rows of every table, and one hash over the heads of all chains."""
    with transaction.atomic():
        return _state(_ask)


def _copy_database(work: Path) -> tuple[str, dict[str, Any]]:
    """A copy at one moment, and the rows and heads at that same moment."""
    if connection.vendor == "sqlite":
        copy = sqlite3.connect(work / SQLITE)
        try:
            connection.ensure_connection()
            connection.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            state = _state(lambda sql: copy.execute(sql).fetchall())
        finally:
            copy.close()
        return SQLITE, state
    with transaction.atomic(durable=True):
        _ask("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", rows=False)
        snapshot = str(_ask("SELECT pg_export_snapshot()")[0][0])
        state = _state(_ask)
        words = ["--format=custom", "--no-owner", "--snapshot", snapshot, "--file"]
        _run_tool("pg_dump", [*words, str(work / DUMP), _database_name()])
    return DUMP, state


def _state(ask: Query) -> dict[str, Any]:
    names = sorted(
        row[0]
        for row in ask(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            if connection.vendor == "sqlite"
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
    )
    counted = 'SELECT count(*) FROM "{}"'  # names of tables, from the database's own catalogue
    rows = {name: ask(counted.format(name))[0][0] for name in names}
    heads = sorted(f"{key} {head}" for sql in CHAINS for key, head in ask(sql))
    return {"rows": rows, "heads": hashlib.sha256("\n".join(heads).encode()).hexdigest()}


def _ask(sql: str, *, rows: bool = True) -> Sequence[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if rows else []


def _kept_files(data: Path) -> Iterator[tuple[str, Path]]:
    for name in KEPT:
        start = data / name
        for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if path.is_file():
                yield path.relative_to(data).as_posix(), path


def _open(backup: Path, plain: Path, key: bytes | None) -> None:
    if not backup.is_file():
        raise OnearmError(f"there is no backup {backup}")
    if not sealing.is_sealed(backup):
        shutil.copyfile(backup, plain)
        return
    if key is None:
        raise OnearmError(f"{backup} is encrypted; name its key with --key-file")
    with backup.open("rb") as sealed, plain.open("wb") as to:
        for piece in sealing.opened(sealed, key):
            to.write(piece)


def _run_tool(name: str, words: list[str]) -> None:
    """Run a program of PostgreSQL; the password goes through its environment, not its words."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    program = str(versions[-1]) if versions else shutil.which(name)
    if program is None:
        raise OnearmError(f"{name} is not installed (Debian: apt-get install postgresql-client)")
    database = settings.DATABASES["default"]
    given = {
        "PGHOST": database["HOST"],
        "PGPORT": database["PORT"],
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
    }
    env = {**os.environ, **{k: str(v) for k, v in given.items() if v}}
    done = subprocess.run(  # noqa: S603 - a program of the system, no shell
        [program, *words], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OnearmError(f"{name} failed: {done.stderr.strip()}")


def _database_name() -> str:
    return str(connection.settings_dict["NAME"])


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(str(PurePosixPath(name)))
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
