"""Operational qualification: accounts, entry, signature, backup and the rest, tried in a scratch.

Run as a program of its own (``python -m onearm.capture.qualification.operation FOLDER``), because
the settings of the scratch database are not those of the installation. It prints the outcomes as
JSON. The study it uses lies beside this file; nothing of the installation's data is touched.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from onearm.capture.qualification.outcome import Outcome, Result
from onearm.errors import OnearmError, Problems

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client

    from onearm.capture.models import EventInstance, FormInstance, Site, User

STUDY = Path(__file__).parent / "study"
ROLES = {"coordinator": "01", "investigator": "01", "monitor": "01", "data_manager": ""}
"""The people of the scratch, and their sites."""


@dataclass(slots=True)
class World:
    """What the steps before have made."""

    folder: Path
    people: dict[str, User] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    visit: EventInstance | None = None
    backup: Path | None = None
    restored: Path | None = None

    @property
    def form(self) -> FormInstance:
        """The form that was entered, as it stands now."""
        from onearm.capture.models import FormInstance

        return FormInstance.objects.get(event=self.visit, form="WEIGHT")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the requirements it is evidence for, what is done, what should be seen."""

    checks: str
    what: str
    expected: str
    do: Callable[[World], str]


STEPS: list[Step] = []


def step(checks: str, what: str, expected: str) -> Callable[[Callable[[World], str]], Any]:
    """Add a step; the function does it and returns what was seen."""

    def add(do: Callable[[World], str]) -> Callable[[World], str]:
        STEPS.append(Step(checks, what, expected, do))
        return do

    return add


def operation(folder: Path) -> Iterator[Outcome]:
    """Every step in order, in an empty folder; a step that cannot be done has failed."""
    world = World(folder)
    for number, one in enumerate(STEPS, start=1):
        try:
            actual = one.do(world)
        except Exception as problem:  # a step may fail anywhere: that is its outcome, not our end
            actual = f"{type(problem).__name__}: {problem}"
        result: Result = "passed" if actual == one.expected else "failed"
        yield Outcome(f"OQ-{number:02}", one.checks, one.what, one.expected, actual, result)


def refused(do: Callable[[], object]) -> str:
    """``refused`` where an act raises one of our own problems, else ``done``."""
    try:
        do()
    except (OnearmError, Problems):
        return "refused"
    return "done"


@step("1 42", "Load a study and release it to its sites", "version 1 at sites 01, 02")
def _study(world: World) -> str:
    from onearm.capture import serving
    from onearm.capture.models import Site, SiteVersion

    serving.prepare(world.folder, STUDY)
    world.sites = {site.code: site for site in Site.objects.all()}
    released = SiteVersion.objects.select_related("site", "version").order_by("site__code")
    numbers = {one.version.number for one in released}
    return f"version {max(numbers)} at sites {', '.join(one.site.code for one in released)}"


@step("19 22 27", "Make an account a person, each with its role", "5 accounts; same name: refused")
def _accounts(world: World) -> str:
    from onearm.capture import clock
    from onearm.capture.actions import accounts
    from onearm.capture.models import Grant, User

    today = clock.now().date()
    office = User.objects.create(username="office", must_change_password=False)
    Grant.objects.create(user=office, role="administrator", begins=today)
    world.people["administrator"] = office
    for role, code in ROLES.items():
        asked = accounts.Asked(role, role.title(), "Qualification")
        user, world.passwords[role] = accounts.make(office, asked)
        accounts.give(office, user, role, site=world.sites.get(code), begins=today, ends=None)
        accounts.record_identity(office, user, today, "made for qualification")
        world.people[role] = user
    again = refused(lambda: accounts.make(office, accounts.Asked("MONITOR", "Second", "Monitor")))
    return f"{User.objects.count()} accounts; same name: {again}"


@step("29", "Enter data before and after training is recorded", "before: refused; after: allowed")
def _training(world: World) -> str:
    from onearm.capture import clock, permissions
    from onearm.capture.actions import accounts
    from onearm.capture.models import User

    today, site = clock.now().date(), world.sites["01"]
    before = permissions.can(world.people["coordinator"], "form.enter", site, today)
    for role in ROLES:
        accounts.record_training(
            world.people["administrator"], world.people[role], today, "this system"
        )
        world.people[role] = User.objects.get(username=role)
    after = permissions.can(world.people["coordinator"], "form.enter", site, today)
    return f"before: {_allowed(before)}; after: {_allowed(after)}"


@step("18 22", "Sign in with a wrong password, then with the right one", "wrong: out; right: in")
def _sign_in(world: World) -> str:
    wrong = _logged_in(_enter("coordinator", "not the password"))
    for role in ROLES:
        world.clients[role] = _enter(role, world.passwords[role])
    right = all(_logged_in(client) for client in world.clients.values())
    return f"wrong: {'in' if wrong else 'out'}; right: {'in' if right else 'out'}"


@step("23", "Choose a short password, then a long one, at first use", "short: refused; long: kept")
def _password(world: World) -> str:
    from onearm.capture.models import User

    said = []
    for length in (8, 24):
        for role, client in world.clients.items():
            new = secrets.token_urlsafe(24)[:length]
            given = {"oldpassword": world.passwords[role], "password1": new, "password2": new}
            client.post("/accounts/password/change/", given)
            user = User.objects.get(username=role)
            if user.check_password(new):
                world.passwords[role] = new
        waiting = User.objects.filter(username__in=ROLES, must_change_password=True).count()
        said.append("refused" if waiting == len(ROLES) else "kept" if not waiting else "some")
    return f"short: {said[0]}; long: {said[1]}"


@step("24", "Five wrong passwords, then the right one", "locked, and released by the administrator")
def _lock(world: World) -> str:
    from onearm.capture.actions import accounts

    for _ in range(5):
        _enter("monitor", "not the password")
    locked = not _logged_in(_enter("monitor", world.passwords["monitor"]))
    accounts.unlock(world.people["administrator"], world.people["monitor"], "tried on purpose")
    client = _enter("monitor", world.passwords["monitor"])
    world.clients["monitor"] = client
    released = _logged_in(client)
    return (
        f"{'locked' if locked else 'not locked'}, and "
        f"{'released by the administrator' if released else 'not released'}"
    )


@step("1 2", "Enter a form for the first time, without a reason", "version 1, KG 70.5")
def _first(world: World) -> str:
    from onearm.capture import clock
    from onearm.capture.models import EventInstance, Subject

    subject = Subject.objects.create(
        site=world.sites["01"],
        code="01-001",
        stage=Subject.Stage.ENROLLED,
        created_at=clock.now(),
    )
    world.visit = EventInstance.objects.create(subject=subject, visit="START")
    day = clock.now().date().isoformat()
    _save(world, 0, MEASURED=day, KG="70.5")
    return f"version {world.form.version}, KG {_kg(world)}"


@step("34", "Enter a text where a number belongs", "refused, KG 70.5")
def _hard(world: World) -> str:
    seen = refused(lambda: _save(world, 1, "typing error", KG="seventy"))
    return f"{seen}, KG {_kg(world)}"


@step("2", "Change a value without a reason, then with one", "without: refused; with: KG 7.5")
def _reason(world: World) -> str:
    without = refused(lambda: _save(world, 1, KG="7.5"))
    _save(world, 1, "typing error", KG="7.5")
    return f"without: {without}; with: KG {_kg(world)}"


@step("34", "An unusual value opens a query, its correction closes it", "KG-01 open, then closed")
def _query(world: World) -> str:
    from onearm.capture.models import Query

    first = Query.objects.get()
    _save(world, 2, "read again", KG="75.0")
    return f"{first.check_id} {first.state}, then {Query.objects.get().state}"


@step("1 3 11", "Read the history of the value", "70.5, 7.5, 75.0; coordinator; typing error")
def _history(world: World) -> str:
    page = world.clients["monitor"].get(f"/history/{world.form.pk}/1/KG").content.decode()
    versions = list(world.form.versions.select_related("user").order_by("version"))
    values = [row["KG"] for one in versions for row in one.delta["rows"] if "KG" in row]
    shown = all(value in page for value in values)
    who = {one.user.username for one in versions}
    said = f"{', '.join(values)}; {', '.join(who)}; {versions[1].reason}"
    return said if shown else f"{said}, but not on the page"


@step("27", "Read and change data of another site", "not there; refused")
def _elsewhere(world: World) -> str:
    from onearm.capture import clock
    from onearm.capture.models import EventInstance, Subject

    other = Subject.objects.create(site=world.sites["02"], code="02-001", created_at=clock.now())
    visit = EventInstance.objects.create(subject=other, visit="START")
    page = world.clients["coordinator"].get("/subjects/02-001/START/1/WEIGHT").status_code
    act = refused(lambda: _save(world, 0, at=visit, KG="70"))
    return f"{'not there' if page == 404 else page}; {act}"


@step("1", "Two people save the same form", "second: refused, KG 75.0")
def _stale(world: World) -> str:
    return f"second: {refused(lambda: _save(world, 2, 'late', KG='80'))}, KG {_kg(world)}"


@step("7", "Compare with the source, then change the value", "verified, then changed since")
def _verify(world: World) -> str:
    from onearm.capture.actions.verify import verify
    from onearm.capture.models import Verification

    verify(world.people["monitor"], world.form, world.form.version)
    seen = Verification.objects.get().version
    first = "verified" if seen == world.form.version else "not verified"
    _save(world, world.form.version, "source corrected", KG="76.0")
    return f"{first}, then {'changed since' if seen < world.form.version else 'still verified'}"


@step("16 18 21", "Sign with a wrong and the right password, and as a coordinator",
      "wrong: 0; right: 1; coordinator: 1")  # fmt: skip
def _sign(world: World) -> str:
    from onearm.capture.models import Signature

    doctor = world.clients["investigator"]
    doctor.post("/accept", {"accept": "yes"})
    counts = []
    for role, word in (
        ("investigator", "not the password"),
        ("investigator", world.passwords["investigator"]),
        ("coordinator", world.passwords["coordinator"]),
    ):
        given = {"username": role, "password": word, "meaning": "reviewed"}
        world.clients[role].post(f"/sign/form:{world.form.pk}", given)
        counts.append(Signature.objects.count())
    return f"wrong: {counts[0]}; right: {counts[1]}; coordinator: {counts[2]}"


@step("17 20", "Change signed data, then sign again", "broken; signed again; 2 kept")
def _broken(world: World) -> str:
    from onearm.capture.actions.sign import stands
    from onearm.capture.models import Signature

    _save(world, world.form.version, "read again", KG="76.5")
    first = "stands" if stands(Signature.objects.get()) else "broken"
    given = {
        "username": "investigator",
        "password": world.passwords["investigator"],
        "meaning": "reviewed",
    }
    world.clients["investigator"].post(f"/sign/form:{world.form.pk}", given)
    newest = Signature.objects.order_by("-pk").first()
    again = "signed again" if newest and stands(newest) else "not signed"
    return f"{first}; {again}; {Signature.objects.count()} kept"


@step("28", "Freeze a form, change it, and lift it with a reason", "frozen: refused; lifted: done")
def _freeze(world: World) -> str:
    from onearm.capture.actions.hold import hold, lift

    manager = world.people["data_manager"]
    set_ = hold(manager, f"form:{world.form.pk}", "frozen")
    frozen = refused(lambda: _save(world, world.form.version, "late", KG="77"))
    lift(manager, set_, "tried on purpose")
    after = refused(lambda: _save(world, world.form.version, "late", KG="77.0"))
    return f"frozen: {frozen}; lifted: {after}"


@step("31", "Attach a report, read it back, and attach a web page", "same bytes; page: refused")
def _file(world: World) -> str:
    from onearm.capture.actions.files import Upload, attach, content

    nurse, given = world.people["coordinator"], b"%PDF-1.4 a report for qualification"
    kept = attach(nurse, world.form, Upload("report.pdf", given))
    same = content(nurse, kept) == given
    page = refused(lambda: attach(nurse, world.form, Upload("page.pdf", b"<html></html>")))
    return f"{'same' if same else 'other'} bytes; page: {page}"


@step("35", "Import a good and a wrong form", "1 new, 1 refused of 2")
def _import(world: World) -> str:
    import polars as pl

    from onearm.capture.actions.take_entries import take_entries
    from onearm.records.entry import ENTRY

    rows = [
        ("01", "01-001", "START", 1, "NOTE", 1, "TEXT", "from a file", None),
        ("01", "01-001", "NOWHERE", 1, "NOTE", 1, "TEXT", "from a file", None),
    ]
    frame = pl.DataFrame(rows, schema=dict(ENTRY), orient="row")
    fates = [row.fate for row in take_entries(
        world.people["data_manager"], frame, source="qualification"
    ).rows]  # fmt: skip
    return f"{fates.count('new')} new, {fates.count('refused')} refused of {len(fates)}"


@step("9 36", "Export as CSV", "01,01-001,START,1,1 with KG 77.0; 1 export in the trail")
def _export(world: World) -> str:
    import zipfile

    from onearm.capture.actions.export import Wanted, export
    from onearm.capture.models import AuditEvent

    made = export(world.people["data_manager"], Wanted(formats=("csv",), with_names=True))
    with zipfile.ZipFile(made.path) as archive:
        head, row = archive.read("weight.csv").decode().splitlines()
    made.path.unlink()
    values = dict(zip(head.split(","), row.split(","), strict=True))
    keys = ",".join(list(values.values())[:5])
    acts = AuditEvent.objects.filter(action="export").count()
    return f"{keys} with KG {values['KG']}; {acts} export in the trail"


@step("4 5", "Change and delete history in the database itself", "4 refused of 4")
def _immutable(world: World) -> str:
    from django.db import DatabaseError, connection, transaction

    count, tried = 0, 0
    for table in ("capture_formversion", "capture_auditevent"):
        for sql in (f"UPDATE {table} SET reason = 'better'", f"DELETE FROM {table}"):  # noqa: S608 - names of this file
            tried += 1
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(sql)
            except DatabaseError:
                count += 1
    return f"{count} refused of {tried}"


@step("10", "Check every chain of the history", "0 broken")
def _chains(world: World) -> str:
    from onearm.capture import trail

    return f"{len(list(trail.verify()))} broken"


@step("38", "Back up, encrypted", "encrypted; refused without its key")
def _backup(world: World) -> str:
    from onearm.capture import backup, sealing

    key = world.folder.parent / "backup.key"
    sealing.new_key(key)
    made = backup.make(world.folder.parent / "backups", key=sealing.read_key(key))
    world.backup = made.path
    sealed = "encrypted" if sealing.is_sealed(made.path) else "not encrypted"
    without = refused(lambda: backup.unpack(made.path, world.folder.parent / "without"))
    return f"{sealed}; {without} without its key"


@step("38", "Restore into another place and compare", "0 differences, exit code 0")
def _restore(world: World) -> str:
    from django.db import connection

    if world.backup is None:
        return "there is no backup"
    if connection.vendor != "sqlite":
        return _restore_elsewhere(world)
    world.restored = world.folder.parent / "restored"
    done = _onearm(world, "restore", str(world.backup), "--data", str(world.restored),
                   "--key-file", str(world.folder.parent / "backup.key"))  # fmt: skip
    report = json.loads((world.restored / "restore-report.json").read_text(encoding="utf-8"))
    return f"{len(report['differences'])} differences, exit code {done.returncode}"


def _restore_elsewhere(world: World) -> str:
    """PostgreSQL: into a second database of the same server, which is dropped again."""
    from django.db import DatabaseError

    folder, key = world.folder.parent / "restored", str(world.folder.parent / "backup.key")
    words = ("restore", str(world.backup), "--data", str(folder), "--key-file", key)
    try:
        with _second_database() as url:
            done = _onearm(world, *words, url=url)
    except DatabaseError as problem:
        return f"no second database (the role needs CREATEDB): {problem}".strip()
    report = folder / "restore-report.json"
    if not report.is_file():
        return f"not restored: {done.stderr.strip()[-200:]}"
    found = json.loads(report.read_text(encoding="utf-8"))["differences"]
    return f"{len(found)} differences, exit code {done.returncode}"


@contextmanager
def _second_database() -> Iterator[str]:
    """The address of an empty database beside the scratch; raises Django's ``DatabaseError``."""
    from django.db import connection

    name = f"onearm_restored_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        finally:
            cursor.execute(f"DROP DATABASE {name}")


@step("10", "Change the restored copy past the system, and check it", "broken link named")
def _tamper(world: World) -> str:
    from django.db import connection

    if connection.vendor != "sqlite" or world.restored is None:
        return _tamper_here()
    changed = sqlite3.connect(world.restored / "onearm.sqlite3")
    changed.execute("DROP TRIGGER capture_formversion_no_update")
    changed.execute("UPDATE capture_formversion SET reason = 'better' WHERE version = 2")
    changed.commit()
    changed.close()
    done = _onearm(world, "verify", "--data", str(world.restored))
    is_named = done.returncode == 1 and "link 2: its content" in done.stdout
    return "broken link named" if is_named else f"exit code {done.returncode}: {done.stdout[-200:]}"


def _tamper_here() -> str:
    """PostgreSQL: in a transaction of the scratch that is undone."""
    from django.db import connection, transaction

    from onearm.capture import trail

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE capture_formversion DISABLE TRIGGER USER")
            cursor.execute("UPDATE capture_formversion SET reason = 'better' WHERE version = 2")
        broken = [str(one) for one in trail.verify()]
        transaction.set_rollback(True)
    return "broken link named" if any("link 2" in line for line in broken) else "not named"


@step(
    "27 29",
    "End an account that is signed in",
    "out at once; gone from tomorrow's list; told in the trail",
)
def _ended(world: World) -> str:
    from onearm.capture import access, clock
    from onearm.capture.actions import accounts
    from onearm.capture.models import AuditEvent

    nurse = world.people["coordinator"]
    accounts.end(world.people["administrator"], nurse, "qualification is over")
    out = not _logged_in(world.clients["coordinator"])
    tomorrow = clock.now().date() + timedelta(days=1)
    gone = nurse.username not in {r.grant.user.username for r in access.authorised(tomorrow)}
    told = AuditEvent.objects.filter(action="account.end", target=nurse.username).exists()
    seen = [
        "out at once" if out else "still in",
        "gone from tomorrow's list" if gone else "still listed for tomorrow",
        "told in the trail" if told else "not told",
    ]
    return "; ".join(seen)


def _save(
    world: World, version: int, reason: str = "", *, at: EventInstance | None = None, **values: str
) -> None:
    from onearm.capture.actions.save import Changes, save
    from onearm.capture.document import Cell

    event = at or world.visit
    if event is None:
        raise OnearmError("there is no visit")
    cells = [Cell(1, item, value) for item, value in values.items()]
    save(world.people["coordinator"], event, "WEIGHT", Changes(cells, version, reason=reason))


def _kg(world: World) -> str:
    return str(world.form.data["rows"][0]["KG"])


def _allowed(is_allowed: bool) -> str:
    return "allowed" if is_allowed else "refused"


def _enter(name: str, password: str) -> Client:
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"login": name, "password": password})
    return client


def _logged_in(client: Client) -> bool:
    answer: HttpResponse = client.get("/me")
    return answer.status_code == 200 or not answer["Location"].startswith("/accounts/login")


def _onearm(world: World, *words: str, url: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of ``onearm capture``; url: of another database than that of the scratch."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ONEARM_") and name != "DJANGO_SETTINGS_MODULE"
    } | ({"DATABASE_URL": url} if url else {})
    return subprocess.run(  # noqa: S603 - this Python, words of this file
        [sys.executable, "-m", "onearm", "capture", *words],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def main(folder: Path) -> None:
    """Configure the scratch, carry every step out, and print the outcomes as JSON."""
    from onearm.capture import serving

    serving.configure(folder, environment="test")
    print(json.dumps([astuple(outcome) for outcome in operation(folder)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
