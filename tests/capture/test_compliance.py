"""What regulations ask for and no other file of tests shows: each test names its check.

The numbers are those of ``docs/validation/requirements.csv``.
"""

from __future__ import annotations

import ast
import csv
import io
import shutil
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from onearm import capture
from onearm.capture import backup, clock, permissions, studies, trail
from onearm.capture.actions import accounts, files, queries, recheck, verify
from onearm.capture.actions.export import Wanted, export
from onearm.capture.actions.hold import hold, lift
from onearm.capture.actions.save import ReasonNeeded
from onearm.capture.actions.snapshot import make_snapshot
from onearm.capture.models import (
    AuditEvent,
    FormInstance,
    FormVersion,
    Query,
    Signature,
    Site,
    SiteVersion,
    Snapshot,
    StudyVersion,
    Subject,
    TakenFile,
    User,
)
from onearm.capture.permissions import NotAllowed
from tests.capture.conduct import fill
from tests.capture.conftest import LONG_AGO, PASSWORD, STUDY
from tests.capture.test_security import filled, own

Person = Callable[..., User]
Enter = Callable[[User], Client]
PACKAGE = Path(capture.__file__).parent
SIGN = {"username": "investigator", "password": PASSWORD, "meaning": "reviewed"}


def acts(stream: str) -> list[str]:
    return list(
        AuditEvent.objects.filter(stream=stream).order_by("number").values_list("action", flat=True)
    )


@pytest.fixture
def form(person: Person, subject: Subject) -> FormInstance:
    nurse = person("coordinator")
    return fill(
        nurse, subject, "SCREENING", "VISIT", VISDAT="2026-03-03", VISMODE="IN PERSON"
    ).instance


# --- the trail


def test_every_version_says_who_in_which_role_when_what_why_under_which_version_and_how(
    form: FormInstance, subject: Subject, site: Site
) -> None:
    """Check 1."""
    nurse = User.objects.get(username="coordinator")
    fill(nurse, subject, "SCREENING", "VISIT", reason="misread", VISDAT="2026-03-04")
    first, second = form.versions.order_by("version")
    assert first.reason == ""
    assert second.reason == "misread"
    assert [v.delta["rows"][0]["VISDAT"] for v in (first, second)] == ["2026-03-03", "2026-03-04"]
    for one in (first, second):
        assert (one.user, one.role, one.origin) == (nurse, "coordinator", "screen")
        assert one.instance.event.subject.site == site
        assert one.at.utcoffset() == timedelta(0)
        assert one.study_version == form.study_version
    with pytest.raises(ReasonNeeded):
        fill(nurse, subject, "SCREENING", "VISIT", VISDAT="2026-03-05")


def test_nothing_that_can_be_set_decides_whether_the_trail_is_written() -> None:
    """Check 5: neither the trail nor the save asks a setting, the environment or a flag."""
    for name in ("trail.py", "chain.py", "triggers.py", "actions/save.py"):
        tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
        read = {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        read |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        found = {r for r in read if r.split(".")[0] in ("settings", "os", "environ", "getenv")}
        assert not found, (name, found)
    record = next(
        node
        for node in ast.parse((PACKAGE / "trail.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "record"
    )
    assert not [node for node in ast.walk(record) if isinstance(node, ast.If | ast.Try)]


def test_each_act_of_the_work_with_data_is_in_the_trail(
    form: FormInstance, subject: Subject, person: Person, signed_in: Enter
) -> None:
    """Check 7."""
    nurse = User.objects.get(username="coordinator")
    monitor, manager, doctor = person("monitor"), person("data_manager"), person("investigator")
    asked = queries.ask(monitor, subject, "sure?", visit="SCREENING", form="VISIT")
    queries.move(nurse, asked, "answered", "yes")
    queries.move(monitor, asked, "closed")
    verify.verify(monitor, form, 1)
    verify.take_back(monitor, form, 1)
    target = f"form:{form.pk}"
    for kind in ("reviewed", "frozen"):
        lift(manager, hold(manager, target, kind), "tried")
    signed_in(doctor).post(f"/sign/{target}", SIGN)
    fill(nurse, subject, "SCREENING", "VISIT", reason="misread", VISDAT="2026-03-04")
    assert acts("subject:01-001") == [
        "query.open",
        "query.answered",
        "query.closed",
        "verify",
        "verify.take_back",
        "hold.reviewed",
        "lift.reviewed",
        "hold.frozen",
        "lift.frozen",
        "sign",
        "sign.break",
    ]
    broken = AuditEvent.objects.get(action="sign.break")
    assert (broken.user, broken.role, broken.target) == (nurse, "coordinator", target)
    assert Signature.objects.get().broken_at is not None
    fill(nurse, subject, "SCREENING", "VISIT", reason="again", VISDAT="2026-03-05")
    assert acts("subject:01-001").count("sign.break") == 1
    assert list(trail.verify()) == []


def test_each_act_around_accounts_is_in_the_trail(person: Person, site: Site) -> None:
    """Check 8."""
    office, today = person("administrator"), clock.now().date()
    user, password = accounts.make(office, accounts.Asked("bo", "Bo", "Chen"))
    grant = accounts.give(office, user, "monitor", site=site, begins=today, ends=None)
    client = Client()
    client.post("/accounts/login/", {"login": "bo", "password": password})
    new = {"oldpassword": password, "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/password/change/", new)
    client.post("/accounts/logout/")
    for _ in range(5):
        Client().post("/accounts/login/", {"login": "bo", "password": "wrong"})
    accounts.unlock(office, user, "seen in person")
    TOTP.activate(user, generate_totp_secret())
    accounts.remove_second_factor(office, user, "telephone lost")
    accounts.end_role(office, grant, "leaves")
    accounts.end(office, user, "left")
    found = acts("accounts")
    assert found.count("login.failed") == 5
    assert [act for act in found if act != "login.failed"] == [
        "account.make",
        "role.give",
        "login",
        "password.change",
        "logout",
        "login.locked",
        "security.mail",  # that an account is locked
        "login.unlock",
        "factor.lost",
        "role.end",
        "account.end",
    ]
    made = AuditEvent.objects.filter(stream="accounts", target="bo")
    assert made.count() == len(found)


def test_whatever_leaves_as_a_file_is_in_the_trail(
    form: FormInstance, person: Person, signed_in: Enter, tmp_path: Path, settings: Any
) -> None:
    """Check 9: every address that answers with a file writes an act."""
    settings.DATA = tmp_path
    nurse, manager = User.objects.get(username="coordinator"), person("data_manager")
    files.attach(nurse, form, files.Upload("report.pdf", b"%PDF-1.4 report"))
    make_snapshot(manager, "first")
    client = signed_in(manager)
    upload = SimpleUploadedFile("lab.csv", b"Patient,ALT\n01-001,31\n")
    client.post("/imports", {"file": upload, "kind": "csv"})
    ids = {"files": 1, "imports": TakenFile.objects.get().pk, "exchange": Snapshot.objects.get().pk}
    seen, silent, opened = [], [], {"openapi-json", "health"}
    for user in (manager, person("administrator")):
        client = signed_in(user)
        for name, pattern in own():
            if name in opened or pattern.startswith("api/"):
                continue
            url = filled(pattern, form)
            first = pattern.split("/")[0]
            if first in ids and "<int:pk>" in pattern:
                url = "/" + pattern.replace("<int:pk>", str(ids[first]))
            before = AuditEvent.objects.count()
            answer = client.get(url)
            kind = answer.get("Content-Type", "").split(";")[0]
            is_file = "attachment" in answer.get("Content-Disposition", "")
            opened |= {name} if answer.status_code == 200 else set()
            if answer.status_code == 200 and (is_file or kind not in ("text/html", "text/plain")):
                seen.append(name)
                if AuditEvent.objects.count() == before:
                    silent.append(name)
    assert silent == ["ranges_template"]  # an empty file to fill in holds nothing of the trial
    assert {"trail_csv", "dashboard_file", "taken_original", "file"} <= set(seen), seen


NAMED_FORM = """
form: CARD
label: {en: Card, zh: 卡片}
source: paper
items:
  - {name: INITIALS, label: {en: Initials, zh: 缩写}, type: text, identifies: true}
  - {name: SYSBP, label: {en: Systolic, zh: 收缩压}, type: integer, source: device}
  - {name: DIABP, label: {en: Diastolic, zh: 舒张压}, type: integer}
  - {name: PULSEP, label: {en: Pulse pressure, zh: 脉压}, type: integer, calculated: SYSBP - DIABP}
"""


@pytest.fixture
def card(tmp_path: Path, person: Person) -> tuple[FormInstance, User]:
    """A form with an identifying, a calculated and a measured item, in a study of its own."""
    folder = tmp_path / "study"
    shutil.copytree(PACKAGE / "qualification" / "study", folder)
    (folder / "forms" / "card.yaml").write_text(NAMED_FORM, encoding="utf-8")
    schedule = folder / "schedule.yaml"
    text = schedule.read_text(encoding="utf-8").replace("[WEIGHT, NOTE]", "[WEIGHT, NOTE, CARD]")
    schedule.write_text(text, encoding="utf-8")
    version = studies.take_in(folder)
    site = Site.objects.get(code="01")
    SiteVersion.objects.create(site=site, version=version, begins=LONG_AGO + timedelta(days=1))
    subject = Subject.objects.create(
        site=site, code="01-900", stage=Subject.Stage.ENROLLED, created_at=clock.now()
    )
    nurse = person("coordinator")
    values = {"INITIALS": "LN", "SYSBP": "120", "DIABP": "80"}
    return fill(nurse, subject, "START", "CARD", **values).instance, nurse


def test_who_looked_at_what_identifies_is_kept_once_a_day(
    card: tuple[FormInstance, User], person: Person, signed_in: Enter
) -> None:
    """Check 9."""
    form, nurse = card
    client = signed_in(nurse)
    for _ in range(3):
        assert client.get("/subjects/01-900/START/1/CARD").status_code == 200
    client.get(f"/history/{form.pk}/1/INITIALS")
    client.get("/subjects/01-900/START/1/NOTE")
    signed_in(person("monitor")).get(f"/history/{form.pk}")
    signed_in(person("medical_reviewer")).get("/subjects/01-900/START/1/CARD")
    found = AuditEvent.objects.filter(action="identity.read")
    assert [(act.user.username, act.target) for act in found.order_by("number")] == [
        ("coordinator", f"form:{form.pk}"),
        ("monitor", f"form:{form.pk}"),
    ]
    assert "LN" not in str([act.details for act in found])


# --- quality of data


def test_a_calculated_value_is_the_servers_and_follows_its_inputs(
    card: tuple[FormInstance, User],
) -> None:
    """F12."""
    form, nurse = card
    subject = form.event.subject
    assert form.data["rows"][0]["PULSEP"] == "40"
    fill(nurse, subject, "START", "CARD", reason="misread", SYSBP="125")
    form.refresh_from_db()
    assert form.data["rows"][0]["PULSEP"] == "45"
    newest = form.versions.order_by("-version").first()
    assert newest is not None
    assert newest.delta == {"rows": [{"_key": 1, "SYSBP": "125", "PULSEP": "45"}]}
    fill(nurse, subject, "START", "CARD", reason="typed over", PULSEP="99")
    form.refresh_from_db()
    assert form.data["rows"][0]["PULSEP"] == "45"


def test_where_each_value_comes_from_is_shown_and_leaves_with_it(
    card: tuple[FormInstance, User], person: Person, signed_in: Enter
) -> None:
    """Check 33: person, way in, file, and whether from paper, a record, a device or direct."""
    form, nurse = card
    client = signed_in(nurse)
    for item, words in (("DIABP", "a paper form"), ("SYSBP", "a device or a file from it")):
        page = client.get(f"/history/{form.pk}/1/{item}").content.decode()
        assert f"Source before entry: {words}" in page
        assert "Typed on the page" in page
        assert "Coordinator Person" in page
    made = export(person("data_manager"), Wanted(formats=("csv",), with_names=True))
    with zipfile.ZipFile(made.path) as bundle:
        lines = csv.DictReader(io.StringIO(bundle.read("items.csv").decode()))
        sources = {(row["form"], row["item"]): row["source"] for row in lines}
    made.path.unlink()
    assert sources["CARD", "DIABP"] == "paper"
    assert sources["CARD", "SYSBP"] == "device"
    assert sources["WEIGHT", "KG"] == "record"


def test_a_nightly_batch_finds_what_a_save_would(
    form: FormInstance, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F11."""
    nurse = User.objects.get(username="coordinator")
    fill(nurse, subject, "SCREENING", "DM", AGE="17", SEX="M")
    live = Query.objects.exclude(check_id="").filter(state="open")
    before = sorted(live.values_list("check_id", "form", "item"))
    assert before
    done = recheck.recheck()
    assert (done.subjects, done.opened, done.closed) == (1, 0, 0)
    assert sorted(live.values_list("check_id", "form", "item")) == before
    Query.objects.filter(pk=live.first().pk).update(state="cancelled")
    assert recheck.recheck().opened == 1
    assert sorted(live.values_list("check_id", "form", "item")) == before
    last = AuditEvent.objects.filter(action="checks.run").order_by("-number").first()
    assert last is not None
    assert last.details == {"subjects": 1, "opened": 1, "closed": 0}


# --- access


def test_everybody_has_a_second_factor_where_pages_are_reached_from_outside(
    person: Person, settings: Any, signed_in: Enter
) -> None:
    """Check 25."""
    nurse = person("coordinator")
    settings.SECOND_FACTOR = settings.SECOND_FACTOR_FOR_ALL = True
    client = signed_in(nurse)
    assert client.get("/subjects").url == "/accounts/2fa/totp/activate/"
    TOTP.activate(nurse, generate_totp_secret())
    assert client.get("/subjects").status_code == 200


def test_rights_end_at_once_in_open_sessions_and_for_keys(
    person: Person, site: Site, subject: Subject, signed_in: Enter
) -> None:
    """Check 27: nothing is kept from before a role or an account ended."""
    from onearm.capture.actions.api_keys import make_key

    office, today = person("administrator"), clock.now().date()
    for name, end in (
        ("one", lambda u: accounts.end_role(office, u.grants.get(), "moves")),
        ("two", lambda u: accounts.end(office, u, "left")),
    ):
        user = person("coordinator", name=name)
        _, key = make_key(user, "program", today + timedelta(days=30))
        client, bearer = signed_in(user), {"Authorization": f"Bearer {key}"}
        page, address = "/subjects/01-001", "/api/subjects/01-001/schedule"
        assert client.get(page).status_code == 200
        assert Client().get(address, headers=bearer).status_code == 200
        end(user)
        assert client.get(page).status_code in (302, 403, 404), name
        assert Client().get(address, headers=bearer).status_code in (401, 403, 404), name


def test_a_new_password_ends_the_sessions_of_the_old(person: Person, signed_in: Enter) -> None:
    """Check 27."""
    office, nurse = person("administrator"), person("coordinator")
    client = signed_in(nurse)
    assert client.get("/subjects").status_code == 200
    accounts.renew_password(office, nurse, "forgotten")
    assert client.get("/subjects").url.startswith("/accounts/login/")


def test_the_investigator_reads_data_and_trail_of_the_own_site_after_the_lock(
    form: FormInstance, person: Person, signed_in: Enter
) -> None:
    """Check 30."""
    from onearm.capture.models import Hold

    manager, doctor = person("data_manager"), person("investigator")
    Hold.objects.create(target="study", kind="locked", set_by=manager, set_at=clock.now())
    client = signed_in(doctor)
    page = client.get("/subjects/01-001/SCREENING/1/VISIT")
    assert "2026-03-03" in page.content.decode()
    assert client.get(f"/history/{form.pk}").status_code == 200
    assert "01-001" in client.get("/trail").content.decode()
    table = permissions.table()
    sponsor = ("data_manager", "medical_reviewer", "statistician", "administrator")
    assert table["form.view"]["investigator"] == table["trail.view"]["investigator"] == "site"
    assert not any(table["form.enter"][role] or table["sign"][role] for role in sponsor)


# --- the table of rights through pages, interface, import and export


def rights(role: str, capability: str) -> bool:
    return bool(permissions.table()[capability][role])


@pytest.mark.parametrize("role", permissions.roles())
def test_exports_and_imports_keep_to_the_table_on_page_interface_and_in_the_act(
    role: str, form: FormInstance, person: Person, signed_in: Enter, subject: Subject
) -> None:
    """Check 27: one table guards page, interface, import and export."""
    import polars as pl

    from onearm.capture.actions.take_entries import take_entries
    from onearm.records.entry import ENTRY

    user = User.objects.filter(username=role).first() or person(role)
    client = signed_in(user)
    for capability, with_names in (("export", True), ("export.deidentified", False)):
        may, before = rights(role, capability), AuditEvent.objects.filter(action="export").count()
        given = {"format": "csv", **({"with_names": "1"} if with_names else {})}
        page = client.post("/exchange/export", given)
        assert page.status_code == (200 if may else 403), (capability, "page")
        body = {"formats": ["csv"], "with_names": with_names}
        interface = client.post("/api/exports", body, content_type="application/json")
        assert interface.status_code == (200 if may else 403), (capability, "interface")
        for answer in (page, interface):
            if answer.streaming:
                b"".join(answer.streaming_content)
        after = AuditEvent.objects.filter(action="export").count()
        assert after - before == (2 if may else 0), capability
    snapshots = Snapshot.objects.count()
    client.post("/exchange/snapshots", {"name": f"by {role}"})
    assert Snapshot.objects.count() - snapshots == rights(role, "snapshot.make")
    upload = SimpleUploadedFile("lab.csv", b"Patient,ALT\n01-001,31\n")
    answer = client.post("/imports", {"file": upload, "kind": "csv"})
    assert answer.status_code == (302 if rights(role, "import") else 403)
    assert TakenFile.objects.count() == rights(role, "import")
    rows = [("01", "01-001", "SCREENING", 1, "DISEASE", 1, "MHTERM", "Tumour", None)]
    frame = pl.DataFrame(rows, schema=dict(ENTRY), orient="row")
    if rights(role, "import"):
        take_entries(user, frame, source="a file")
        made = FormVersion.objects.get(instance__form="DISEASE")
        assert (made.origin, made.role, "a file" in made.reason) == ("import", role, True)
    else:
        with pytest.raises(NotAllowed):
            take_entries(user, frame, source="a file")
        assert not FormInstance.objects.filter(form="DISEASE").exists()
    entering = {"version": 1, "reason": "typed", "cells": [{"row": 1, "item": "VISMODE"}]}
    address = "/api/subjects/01-001/forms/SCREENING/1/VISIT"
    answer = client.put(address, entering, content_type="application/json")
    sees = rights(role, "subject.view")
    expected = 200 if rights(role, "form.enter") else 403 if sees else 404
    assert answer.status_code == expected


# --- operation


@pytest.mark.slow
def test_every_page_shows_in_which_environment_it_is(
    form: FormInstance, person: Person, signed_in: Enter, settings: Any
) -> None:
    """F2."""
    client = signed_in(person("data_manager"))
    addresses = {name: filled(pattern, form) for name, pattern in own()}
    for environment, words in (("live", "Live"), ("test", "Test"), ("demo", "Demo")):
        settings.ENVIRONMENT = environment
        pages = {}
        for name, address in addresses.items():
            answer = client.get(address)
            kind = answer.get("Content-Type", "")
            whole = b"<html" in answer.content if not answer.streaming else False
            if kind.startswith("text/html") and answer.status_code == 200 and whole:
                text = answer.content.decode()
                assert f'class="env-{environment}"' in text, name
                assert words.lower() in text.lower()
                pages[name] = address
        assert len(pages) > 10
        addresses = pages  # files and what is not for this role are the same everywhere


def test_a_backup_is_copied_compared_and_only_the_newest_are_kept(
    db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check 38: a copy on another machine, whole or not at all."""
    near, far = tmp_path / "near", tmp_path / "far"
    near.mkdir()
    path = near / "onearm-20260504T010000Z.backup"
    path.write_bytes(b"a backup")
    made = backup.Made(path, backup._sha256(path), {})
    copied = backup.copy(made, far)
    assert copied.read_bytes() == path.read_bytes()
    assert copied.stat().st_mode & 0o077 == 0
    act = AuditEvent.objects.get(action="backup.copy")
    assert act.details["sha256"] == made.sha256
    monkeypatch.setattr(shutil, "copyfile", lambda a, b: Path(b).write_bytes(b"a bac"))
    copied.unlink()
    with pytest.raises(Exception, match="is not what was copied"):
        backup.copy(made, far)
    assert not copied.exists()
    for day in range(5, 9):
        (near / f"onearm-2026050{day}T010000Z.backup").write_bytes(b"x")
    (near / "notes.txt").write_text("mine")
    removed = [p.name[7:15] for p in backup.thin(near, 2)]
    assert removed == ["20260504", "20260505", "20260506"]
    assert sorted(p.name for p in near.iterdir()) == [
        "notes.txt",
        "onearm-20260507T010000Z.backup",
        "onearm-20260508T010000Z.backup",
    ]


def test_the_study_that_ships_loads_and_its_version_is_the_hash_of_its_folder(
    version: StudyVersion,
) -> None:
    """F1: what is released is what was loaded, file by file, with what it took of the library."""
    study = studies.study_of(version)
    kept = {name for name in version.files if name.endswith(".yaml")}
    there = {p.relative_to(STUDY).as_posix() for p in STUDY.rglob("*.yaml")}
    assert kept == there | {name for name in study.library if name.endswith(".yaml")}
    assert study.version == version.hash


def test_passwords_are_hashed_with_argon2() -> None:
    """Check 23: in the application's own settings; the tests' own are quick on purpose."""
    from django.contrib.auth.hashers import check_password, make_password

    from onearm.capture import settings as own_settings

    first = own_settings.PASSWORD_HASHERS[0]
    assert first.endswith("Argon2PasswordHasher")
    from django.contrib.auth.hashers import Argon2PasswordHasher

    hashed = Argon2PasswordHasher().encode(PASSWORD, Argon2PasswordHasher().salt())
    assert hashed.startswith("argon2$argon2id$")
    assert PASSWORD not in hashed
    lengths = [
        one["OPTIONS"]["min_length"]
        for one in own_settings.AUTH_PASSWORD_VALIDATORS
        if one["NAME"] == "onearm.capture.accounts.LongEnough"
    ]
    assert lengths == [12]
    assert check_password(PASSWORD, make_password(PASSWORD))


def test_recovery_codes_let_in_once_each(person: Person) -> None:
    """Check 25."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    manager = person("data_manager")
    TOTP.activate(manager, generate_totp_secret())
    codes = RecoveryCodes.activate(manager).get_unused_codes()
    assert len(codes) >= 10

    def enter(code: str) -> bool:
        client = Client()
        client.post("/accounts/login/", {"login": "data_manager", "password": PASSWORD})
        assert "_auth_user_id" not in client.session
        client.post("/accounts/2fa/authenticate/", {"code": code})
        return "_auth_user_id" in client.session

    assert enter(codes[0])
    assert not enter(codes[0])
    assert enter(codes[1])


def test_which_software_runs_since_when_is_in_the_trail(
    db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks 40 and 43."""
    from onearm.capture import serving

    settings.DATA = tmp_path
    serving.prepare(tmp_path, STUDY)
    serving.prepare(tmp_path, STUDY)
    told = AuditEvent.objects.filter(action="system.software").order_by("number")
    assert told.count() == 1
    monkeypatch.setattr("importlib.metadata.version", lambda _: "9.9")
    serving.prepare(tmp_path, STUDY)
    newest = told.last()
    assert newest is not None
    assert newest.details["now"]["onearm"] == "9.9"
    assert newest.details["before"] == told.first().details["now"]
