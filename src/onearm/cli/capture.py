"""``onearm capture``: looking after a running capture: history, backups, accounts, the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onearm.capture.actions.export import Exported

capture_app = typer.Typer(
    no_args_is_help=True,
    help="Look after the database of 'onearm serve': check its history, back it up, restore it.",
)

Data = Annotated[Path, typer.Option(help="Folder of the database, uploads and keys.")]
DATA = Path("onearm-data")
AsOf = Annotated[
    str | None, typer.Option(help="As it stood at this day or moment (UTC); now if not.")
]
FORMATS = "parquet, csv, sheet, json, xpt, spss, odm, odm_audit, odm2, odm2_audit"
Key = Annotated[Path | None, typer.Option(help="File of the key that encrypts the backup.")]


def _configure(data: Path) -> None:
    from onearm.capture import serving
    from onearm.errors import OnearmError

    if not data.is_dir():
        raise OnearmError(f"there is no folder {data}; name it with --data")
    serving.configure(data)


def _moved(made: Exported, to: Path) -> Path:
    """Put the file where it was asked for."""
    import shutil

    to.mkdir(parents=True, exist_ok=True)
    path = to / made.name
    shutil.move(made.path, path)
    return path


@capture_app.command()
def verify(
    data: Data = DATA,
    anchors: Annotated[
        Path | None, typer.Option(help="Anchors kept outside: lines of 'onearm capture anchor'.")
    ] = None,
) -> None:
    """Check every chain of the history and name its first broken link; exit code 1 if any is.

    With --anchors also that no chain was made anew since each anchor was taken.
    """
    _configure(data)
    from onearm.capture import trail
    from onearm.capture.models import AuditEvent, FormVersion
    from onearm.errors import OnearmError

    broken = [str(one) for one in trail.verify()]
    for line in anchors.read_text(encoding="utf-8").splitlines() if anchors else []:
        if not line.strip():
            continue
        try:
            at, _, hash_ = line.split()
            moment = datetime.fromisoformat(at)
        except ValueError:
            raise OnearmError(f"{anchors}: {line!r} is no anchor") from None
        if not trail.holds(moment, hash_):
            broken.append(f"anchor of {at}: the history up to then is not what it was")
    for problem in broken:
        typer.echo(problem)
    saves, acts = FormVersion.objects.count(), AuditEvent.objects.count()
    typer.echo(f"{saves} saves and {acts} acts checked, {len(broken)} broken")
    if broken:
        raise typer.Exit(1)


@capture_app.command()
def anchor(
    data: Data = DATA,
    file: Annotated[
        Path | None, typer.Option(help="Add the line to this file, best on another machine.")
    ] = None,
    mail: Annotated[str | None, typer.Option(help="Send the line to this address.")] = None,
) -> None:
    """Take a hash over all chains as they stood a minute ago, to be kept outside the system."""
    _configure(data)
    from django.core.mail import send_mail

    from onearm.capture import trail

    made = trail.anchor()
    line = f"{made.at.isoformat()} {made.chains} {made.hash}"
    if file is not None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{line}\n")
    if mail is not None:
        send_mail("onearm: anchor of the history", f"{line}\n", None, [mail])
    typer.echo(line)


@capture_app.command()
def digest(
    data: Data = DATA,
    address: Annotated[
        str | None,
        typer.Option(
            help="Where the pages are reached; from ONEARM_HOSTS and ONEARM_HTTPS if not."
        ),
    ] = None,
) -> None:
    """Send to everybody who asked for it how much there is to do; who has nothing gets no mail."""
    _configure(data)
    from django.conf import settings

    from onearm.capture.actions.digest import send

    scheme = "https" if settings.HTTPS else "http"
    made = send((address or f"{scheme}://{settings.ALLOWED_HOSTS[0]}").rstrip("/"))
    typer.echo(f"{made.sent} sent, {made.failed} failed, {made.idle} with nothing to do")
    if made.failed:
        raise typer.Exit(1)


@capture_app.command("new-key")
def new_key(path: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Make a key for encrypted backups. Without it they cannot be read: keep it apart from them."""
    from onearm.capture.sealing import new_key as make

    make(path)
    typer.echo(f"{path}: keep it apart from the backups")


@capture_app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="Folder that takes the backup.")],
    data: Data = DATA,
    key_file: Key = None,
    copy_to: Annotated[
        Path | None, typer.Option(help="A second folder, on another machine, for a copy.")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(help="Keep so many of the newest backups in --copy-to and TO.", min=1),
    ] = None,
) -> None:
    """Write a backup of database, uploads and keys while the server runs."""
    _configure(data)
    from onearm.capture import backup as backups
    from onearm.capture import sealing

    made = backups.make(to, key=sealing.read_key(key_file) if key_file else None)
    typer.echo(f"{made.path}")
    if copy_to is not None:
        typer.echo(f"copied to {backups.copy(made, copy_to)}")
    for folder in filter(None, (to, copy_to)):
        for old in backups.thin(folder, keep) if keep is not None else []:
            typer.echo(f"removed {old}")
    typer.echo(f"SHA-256 {made.sha256}, {sum(made.manifest['rows'].values())} rows")
    if key_file is None:
        typer.echo("It is not encrypted and holds patients' data and keys; see --key-file.")


@capture_app.command()
def export(
    to: Annotated[Path, typer.Argument(help="Folder that takes the zip file.")],
    data: Data = DATA,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help=f"One or more of: {FORMATS}."),
    ] = None,
    site: Annotated[list[str] | None, typer.Option(help="Only these sites.")] = None,
    subject: Annotated[list[str] | None, typer.Option(help="Only these subjects.")] = None,
    form: Annotated[list[str] | None, typer.Option(help="Only these forms.")] = None,
    as_of: AsOf = None,
    language: Annotated[str, typer.Option(help="Of labels in SPSS files: en or zh.")] = "en",
    with_names: Annotated[
        bool, typer.Option(help="With identifying items and true dates.")
    ] = False,
) -> None:
    """Export the data of every form, without what identifies if not asked; the trail keeps it.

    Parquet if no format is named.
    """
    _configure(data)
    from onearm.capture.actions.export import Wanted
    from onearm.capture.actions.export import export as written
    from onearm.cli.database import read_moment
    from onearm.errors import OnearmError

    if language not in ("en", "zh"):
        raise OnearmError(f"{language} is not a language of labels; choose en or zh")
    wanted = Wanted(
        formats=tuple(formats or ["parquet"]),
        sites=tuple(site or ()),
        subjects=tuple(subject or ()),
        forms=tuple(form or ()),
        as_of=read_moment(as_of),
        with_names=with_names,
        language="zh" if language == "zh" else "en",
    )
    made = written(None, wanted)
    typer.echo(f"{_moved(made, to)}")
    typer.echo(f"SHA-256 {made.sha256}, {made.rows} rows")


@capture_app.command()
def archive(
    to: Annotated[Path, typer.Argument(help="Folder that takes the archive.")],
    data: Data = DATA,
    as_of: AsOf = None,
) -> None:
    """Write the whole study for the archive, in files that are read without this software.

    One zip file: definition, data (CSV, ODM), every change, signatures, queries, attached files,
    code lists, hashes, and verify.py, which checks all of it with Python alone.
    """
    _configure(data)
    from onearm.capture.actions.archive import archive as written
    from onearm.cli.database import read_moment

    made = written(None, as_of=read_moment(as_of))
    typer.echo(f"{_moved(made, to)}")
    typer.echo(f"SHA-256 {made.sha256}")
    typer.echo("It holds data that identify persons.")


@capture_app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    data: Annotated[Path, typer.Option(help="Folder to restore into; empty or new.")],
    key_file: Key = None,
) -> None:
    """Restore a backup, then compare every count and check every chain; exit code 1 if one differs.

    A backup of PostgreSQL goes into the empty database that DATABASE_URL names.
    """
    import json

    from onearm.capture import sealing
    from onearm.capture.restoring import restored

    key = sealing.read_key(key_file) if key_file else None
    manifest, found = restored(file, data, key)
    report = {
        "backup": file.name,
        "made": manifest["made"],
        "restored": datetime.now(UTC).isoformat(),
        "rows": manifest["rows"],
        "files": len(manifest["files"]),
        "differences": found,
    }
    path = data / "restore-report.json"
    path.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for difference in found:
        typer.echo(difference)
    total = sum(manifest["rows"].values())
    typer.echo(f"{total} rows of {len(manifest['rows'])} tables, {len(found)} differences: {path}")
    if found:
        raise typer.Exit(1)


@capture_app.command()
def users(
    data: Data = DATA,
    day: Annotated[
        str | None, typer.Option(help="Who had access on this day; today if not.")
    ] = None,
) -> None:
    """List who may do what at which site on a day."""
    _configure(data)
    from onearm.capture import access, clock
    from onearm.cli.steps import read_date

    on = read_date(day) or clock.now().date()
    for row in access.authorised(on):
        waits = " (not trained: no access yet)" if row.waits else ""
        typer.echo(f"{row.in_words}{waits}")


@capture_app.command()
def casebooks(
    folder: Annotated[Path, typer.Argument(help="Folder that takes one PDF a subject, by site.")],
    by: Annotated[str, typer.Option(help="User name of who prints: whose rights hold.")],
    data: Data = DATA,
    site: Annotated[str | None, typer.Option(help="Code of one site.")] = None,
    language: Annotated[
        str, typer.Option("--language", "--lang", help="Language: en or zh.")
    ] = "en",
) -> None:
    """Print the casebook of every subject that the person may read, with the hash of each file.

    For the close-out: each site's investigator keeps those of the site. What identifies a person is
    in them only where the person who prints may see it.
    """
    from onearm.cli.crf import require_language

    require_language(language)
    _configure(data)
    from django.utils import translation

    from onearm.capture.actions.paper import print_casebooks
    from onearm.capture.models import User
    from onearm.errors import OnearmError

    user = User.objects.filter(username=by).first()
    if user is None:
        raise OnearmError(f"--by {by}: there is no account of that name")
    sums: list[str] = []
    with translation.override("zh-hans" if language == "zh" else "en"):
        for code, paper in print_casebooks(user, site):
            path = folder / code / paper.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(paper.pdf)
            sums.append(f"{paper.sha256}  {path.relative_to(folder).as_posix()}")
    if not sums:
        raise OnearmError(f"there is no subject that {by} may read")
    lines = "\n".join(sums) + "\n"
    (folder / "SHA256SUMS").write_text(lines, encoding="utf-8", newline="\n")
    typer.echo(f"{folder}: {len(sums)} casebooks; their hashes stand in SHA256SUMS")


@capture_app.command()
def recheck(data: Data = DATA) -> None:
    """Run every check on every subject again, as each night: queries open and close by it."""
    _configure(data)
    from onearm.capture.actions.recheck import recheck as run

    done = run()
    typer.echo(f"{done.subjects} subjects: {done.opened} queries opened, {done.closed} closed")


@capture_app.command()
def qualify(
    data: Data = DATA,
    out: Annotated[
        Path | None, typer.Option(help="Folder that takes the report as HTML and CSV.")
    ] = None,
    lock: Annotated[
        Path | None, typer.Option(help="The release's file of locked packages, to compare with.")
    ] = None,
    scratch_url: Annotated[
        str, typer.Option(help="An empty PostgreSQL database to try the operation in.")
    ] = "",
) -> None:
    """Qualify this installation: how it is installed, and every act once in a scratch database.

    Prints what was expected and what was seen; exit code 1 if any step failed. The data of the
    installation are not touched; its trail keeps that it was qualified.
    """
    if lock is not None and not lock.is_file():
        from onearm.errors import OnearmError

        raise OnearmError(f"there is no file {lock}")
    _configure(data)
    from rich.console import Console
    from rich.table import Table

    from onearm.capture.qualification import run

    outcomes = run.qualify(lock, scratch_url=scratch_url)
    table = Table("id", "what", "expected", "seen", "result")
    for one in outcomes:
        table.add_row(one.id, one.what, one.expected, one.actual, one.result)
    Console().print(table)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "qualification.csv").write_text(run.as_csv(outcomes), encoding="utf-8")
        (out / "qualification.html").write_text(run.as_html(outcomes), encoding="utf-8")
    failed = [one.id for one in outcomes if one.result == "failed"]
    noted = sum(one.result == "noted" for one in outcomes)
    typer.echo(f"{len(outcomes)} steps, {len(failed)} failed, {noted} noted")
    if failed:
        raise typer.Exit(1)
