"""A trial lived through the pages of a server as users start it, and its analysis at the end."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.capture.browser.conftest import Windows
from tests.capture.browser.desk import Desk
from tests.capture.browser.served import Served
from tests.capture.conftest import PASSWORD, STUDY

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

SUBJECT = "/subjects/01-001"
SCREENING = f"{SUBJECT}/SCREENING/1"
TODAY = datetime.now(tz=UTC).date()
FIRST = TODAY - timedelta(days=135)
"""First dose: far enough back for three scans."""

ROLES = {
    "nurse": ("coordinator", "01"),
    "doctor": ("investigator", "01"),
    "monitor": ("monitor", "01"),
    "manager": ("data_manager", ""),
    "builder": ("study_builder", ""),
}


def day(number: int) -> str:
    """A day counted from first dose (day 1), as it is stored."""
    return (FIRST + timedelta(days=number - 1)).isoformat()


def as_written(number: int) -> str:
    """The same day as a hand writes it: 5may26."""
    on = date.fromisoformat(day(number))
    return f"{on.day}{on.strftime('%b').lower()}{on:%y}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """The study with room for one patient, served live on a scratch folder."""
    study = tmp_path / "study"
    shutil.copytree(STUDY, study)
    (study / "design.yaml").unlink()  # it plans the fifty patients of the real trial
    facts = study / "study.yaml"
    text = facts.read_text(encoding="utf-8")
    assert "enrolment: {planned: 50" in text
    facts.write_text(
        text.replace("enrolment: {planned: 50", "enrolment: {planned: 1"), encoding="utf-8"
    )
    made = Served(tmp_path / "data", study=study, words=(study,))
    try:
        made.start()
        yield made
    finally:
        made.kill()


class Trial:
    """The people of the trial at their desks."""

    def __init__(self, windows: Windows, language: str) -> None:
        self.windows, self.language = windows, language
        self.admin = Desk(windows, language)
        self.desks: dict[str, Desk] = {}

    def __getitem__(self, name: str) -> Desk:
        return self.desks[name]

    def hire(self, name: str, role: str, site: str) -> None:
        """The administrator makes an account, gives a role, records training and identity check."""
        page = self.admin.page
        page.goto("/people/new")
        page.locator("input[name=username]").fill(name)
        page.locator("input[name=first]").fill(name.title())
        page.locator("input[name=last]").fill("Li")
        page.locator("select[name=language]").select_option(self.language)
        self.admin.go("main form button.primary")
        given = self.admin.visible("code.secret").inner_text()
        self.admin.go("main a.primary")
        page.locator("select[name=role]").select_option(role)
        page.locator("select[name=site]").select_option(site)
        self.admin.go("form[action$=give] button")
        self.admin.done("people.done")
        page.locator("input[name=what]").fill("GCP and this application")
        self.admin.go("form[action$=train] button")
        self.admin.done("people.done")
        page.locator("input[name=how]").fill("identity card, in person")
        self.admin.go("form[action$=identity] button")
        self.admin.done("people.done")
        desk = Desk(self.windows, self.language)
        desk.first_day(name, given, PASSWORD)
        self.desks[name] = desk


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_trial_is_lived_from_the_first_account_to_the_best_response(
    browser: Browser, server: Served, language: str, tmp_path: Path
) -> None:
    windows = Windows(browser, server.address)
    windows.expected("htmx:")  # the next page cuts off the question of the one before
    trial = Trial(windows, language)
    begin(trial, server)
    screen_and_enrol(trial)
    treat_for_a_month(trial)
    shown = measure(trial)
    clean(trial)
    report_a_serious_event(trial)
    sign_and_lock(trial)
    exported = take_out(trial, tmp_path)
    windows.close()
    assert exported["SCREENING"]["LESDIAM"] == "50"
    assert shown == ["PR", "PR", "PD"]
    best = best_responses(server, tmp_path / "build")
    assert set(best.values()) == {"PR"}
    assert len(best) >= 2  # confirmed and not: the second scan confirms the first


def begin(trial: Trial, server: Served) -> None:
    """First start: the administrator's account, a second site, a person for each role."""
    admin = trial.admin
    admin.page.goto(server.found(r"(http://\S+/start\?token=\S+)").split(str(server.port))[1])
    for name, text in (("username", "office"), ("name", "Office Wang")):
        admin.page.locator(f"input[name={name}]").fill(text)
    admin.page.locator("input[name=password]").fill(PASSWORD)
    admin.page.locator("input[name=again]").fill(PASSWORD)
    admin.go("main button.primary")
    admin.sign_in("office", PASSWORD)
    admin.page.goto("/sites")
    admin.page.locator("input[name=code]").fill("02")
    admin.page.locator("input[name=name]").fill("Second hospital")
    admin.page.locator("input[name=zone]").fill("Asia/Shanghai")
    admin.go("main form button.primary")
    admin.done("people.done")
    for name, (role, site) in ROLES.items():
        trial.hire(name, role, site)
    builder = trial["builder"]
    builder.page.goto("/sites")
    builder.page.locator("select[name=site]").select_option("02")
    builder.page.locator("input[name=reason]").fill("ethics approval of the second hospital")
    builder.go("main form button.primary")
    builder.done("people.done")
    assert admin.page.goto(SUBJECT).status in (403, 404)  # who gives rights sees no data
    trial.windows.expected("status of 40")


def screen_and_enrol(trial: Trial) -> None:
    """Screening with a hard and a soft check, a partial date, a missing reason, skip logic."""
    nurse, doctor = trial["nurse"], trial["doctor"]
    page = nurse.page
    page.goto("/screening")
    nurse.go("button[name=site]")
    nurse.done("enrol.screened")
    assert nurse.say("enrol.unconfirmed") in nurse.text
    nurse.go(f"a[href='{SCREENING}/DM']")

    born = {"RFICDAT": as_written(-9), "BRTHDAT": str(FIRST.year + 1), "AGE": "30", "SEX": "F"}
    nurse.type_in({**born, "RACE": "", "COUNTRY": "CHN"})
    nurse.press_save()  # born after consent: impossible, nothing is saved
    nurse.visible(".note.hard")
    nurse.type_in({"BRTHDAT": f"05/{FIRST.year - 60}"})
    nurse.save()  # an age that does not fit is kept, and asked about
    nurse.visible(".note.soft")
    assert nurse.cell("BRTHDAT").input_value() == f"{FIRST.year - 60}-05"
    nurse.type_in({"AGE": "60"})
    nurse.choose_reason()
    nurse.save()
    assert not page.locator(".note.soft").count()  # the check passes: its query closed by itself
    assert nurse.no_mouse()

    page.goto(f"{SCREENING}/VISIT")
    nurse.type_in({"VISDAT": as_written(-6), "VISMODE": "IN PERSON"})
    nurse.save()
    page.goto(f"{SCREENING}/DISEASE")
    history = {"COHORT": "HCC", "MHTERM": "Carcinoma of the liver", "DXDAT": str(FIRST.year - 1)}
    history |= {"DXMETH": "HISTOLOGY", "PRIMSITE": "LIVER", "BCLC": "C", "HBV": "NEGATIVE"}
    history |= {"HCV": "NEGATIVE", "CIRRH": "N", "MVI": "N", "EHS": "Y", "PRLINES": "1"}
    nurse.type_in(history)
    nurse.save()
    nurse.type_in({"COHORT": "ICC", "PRIMSITE": "INTRAHEPATIC BILE DUCT"})
    nurse.choose_reason()
    nurse.press_save()  # the stage is asked of liver cancer alone: it would be cleared
    nurse.go("button[name=clear]")
    nurse.done("form.saved")
    assert not nurse.cell("BCLC").is_visible()
    page.goto(f"{SCREENING}/ELIG")
    nurse.type_in({"IEDAT": as_written(-5), "IEYN": "Y"})
    nurse.save()
    page.goto(f"{SCREENING}/ENROL")
    nurse.type_in({"ENDAT": as_written(-1)})
    nurse.save()
    page.goto(f"{SCREENING}/VS")
    nurse.type_in({"VSDAT": as_written(-6), "WEIGHT": "63.5", "HEIGHT": "165"})
    nurse.type_in({"SYSBP": "124", "DIABP": "78"})
    nurse.next_form()
    nurse.type_in({"ECDAT": as_written(-6), "ECOG": "1"})
    nurse.save()
    page.goto(f"{SCREENING}/TUMOR")
    lesion = {"LESID": "T01", "LESDAT": as_written(-6), "LESROLE": "TARGET", "LESLOC": "LIVER"}
    nurse.type_in({**lesion, "LESMETH": "CT SCAN", "LESDIAM": "50"})
    nurse.save()
    assert nurse.no_mouse()

    enrolment = f"{SUBJECT}/enrolment"
    page.goto(enrolment)
    assert page.locator("button[value=enrol]").is_disabled()  # not confirmed yet
    doctor.page.goto(enrolment)
    doctor.go("button[value=confirm]")
    doctor.done("enrol.confirmed")
    page.goto(enrolment)
    nurse.go("button[value=enrol]")
    nurse.done("enrol.done")
    page.goto("/screening")
    nurse.go("button[name=site]")
    refusal = nurse.say("enrol.cap_study").format(n=1)
    assert refusal in nurse.text  # the trial has room for one
    assert page.locator("button[value=enrol]").is_disabled()


def treat_for_a_month(trial: Trial) -> None:
    """Doses and every form of a cycle and of the monthly contact, without a mouse."""
    nurse = trial["nurse"]
    page = nurse.page
    page.goto(f"{SUBJECT}/LOG/1/EX")
    drug = {"EXTRT": "LENVATINIB", "EXDOSE": "12", "EXDOSU": "mg", "EXDOSFRQ": "QD"}
    nurse.type_in({**drug, "EXROUTE": "ORAL", "EXSTDAT": as_written(1)})
    other = {"EXTRT": "PEMBROLIZUMAB", "EXDOSE": "200", "EXDOSU": "mg"}
    other |= {"EXDOSFRQ": "EVERY 3 WEEKS", "EXROUTE": "INTRAVENOUS"}
    nurse.type_in({**other, "EXSTDAT": as_written(1), "EXENDAT": as_written(1)}, row=2)
    nurse.save()
    page.goto(f"{SUBJECT}/CYCLE/1/VISIT")
    nurse.type_in({"VISDAT": as_written(1), "VISMODE": "IN PERSON"})
    nurse.next_form()
    nurse.type_in({"VSDAT": as_written(1), "WEIGHT": "63", "SYSBP": "130", "DIABP": "80"})
    nurse.next_form()
    nurse.type_in({"ECDAT": as_written(1), "ECOG": "1"})
    nurse.next_form()
    points = {"CPDAT": as_written(1), "CPENCEPH": "1", "CPASCIT": "1", "CPBILI": "1"}
    nurse.type_in({**points, "CPALB": "1", "CPINR": "1", "CPTOTAL": "5", "CPCLASS": "A"})
    nurse.next_form()
    liver = {"LBDAT": as_written(1), "ALT": "38", "AST": "41", "ALP": "120", "BILI": "14.5"}
    salts = {"ALB": "41", "CREAT": "70", "SODIUM": "139", "K": "4.1", "INR": "1.05"}
    blood = {"WBC": "5.6", "NEUT": "3.4", "LYM": "1.5", "HGB": "128", "PLAT": "180"}
    nurse.type_in({**liver, **salts, **blood})
    nurse.next_form()  # the last form of the visit: back at the subject
    assert page.url.endswith(SUBJECT)
    assert page.locator(f"a.complete[href^='{SUBJECT}/CYCLE/1/']").count() == 5
    page.goto(f"{SUBJECT}/FOLLOWUP/1/VISIT")
    nurse.type_in({"VISDAT": as_written(29), "VISMODE": "TELEPHONE CALL"})
    nurse.next_form()
    contact = {"FUDAT": as_written(29), "SURVSTAT": "ALIVE", "LSCFADAT": as_written(29)}
    nurse.type_in({**contact, "FUDIS": "NO PROGRESSION"})
    nurse.next_form()
    assert nurse.no_mouse()

    nurse.go("button[name=visit][value=UNSCHED]")
    nurse.done("visit.added")
    nurse.type_in({"VISDAT": as_written(35), "VISMODE": "IN PERSON"})
    nurse.save()
    page.goto(SUBJECT)
    dates = page.locator("table.visits").first.inner_text()
    assert dates.index(day(29)) < dates.index(day(35))  # visits stand in the order of their days


def measure(trial: Trial) -> list[str]:
    """Three scans; what the page says while they are typed, with its reason."""
    nurse, told = trial["nurse"], []
    page = nurse.page
    scans = ((1, 43, "34", "PR"), (2, 85, "30", "PR"), (3, 127, "52", "PD"))
    for repeat, on, diameter, response in scans:
        page.goto(f"{SUBJECT}/SCAN/{repeat}/VISIT")
        nurse.type_in({"VISDAT": as_written(on), "VISMODE": "IN PERSON"})
        nurse.next_form()
        assert nurse.cell("LESID").input_value() == "T01"  # carried forward
        nurse.type_in({"LESDAT": as_written(on), "LESDIAM": diameter})
        nurse.visible(f"#panel .answer >> text={response}")
        told.append(page.locator("#panel .answer").inner_text())
        why = page.locator("#panel .because").inner_text()
        assert ("50.0" if response == "PR" else "30.0") in why  # from baseline, from the nadir
        nurse.next_form()
        answers = {"RSDAT": as_written(on), "TRGRESP": response, "NEWLIND": "N"}
        nurse.type_in({**answers, "OVRLRESP": response})
        nurse.next_form()
    assert nurse.no_mouse()
    return told


def clean(trial: Trial) -> None:
    """A query, a correction, verification that falls with a change, a review, a freeze, a thaw."""
    nurse, monitor, manager = trial["nurse"], trial["monitor"], trial["manager"]
    question = "The chart says that the patient came a day earlier."
    monitor.page.goto(f"{SUBJECT}/ask?visit=CYCLE&repeat=1&form=VISIT")
    monitor.page.locator("select[name=item]").select_option("VISDAT")
    monitor.page.locator("textarea[name=text]").fill(question)
    monitor.go("button[name=ask]")

    nurse.page.goto("/")
    nurse.go(f"a >> text={question}")
    nurse.page.locator("textarea[name=text]").fill("Read again: corrected.")
    nurse.go("button[value=answered]")
    nurse.done("query.kept")
    visit = f"{SUBJECT}/CYCLE/1/VISIT"
    nurse.change(visit, {"VISDAT": as_written(0)})
    nurse.page.locator("[id='v.1.VISDAT']").focus()
    nurse.page.keyboard.press("Alt+h")
    history = nurse.visible("#aside tbody")
    assert day(1) in history.inner_text()
    assert day(0) in history.inner_text()
    assert nurse.say("change.typed") in history.inner_text()

    monitor.page.goto("/")
    monitor.go(f"a >> text={question}")
    monitor.go("button[value=closed]")
    monitor.done("query.kept")
    monitor.page.goto(visit)
    form = monitor.id_of_form()
    monitor.page.goto(f"/verification/{form}")
    monitor.go("button[value=all]")
    monitor.done("verify.kept")
    monitor.visible(f"h1 >> text={monitor.say('verify.compared')}")
    nurse.change(visit, {"VISDAT": as_written(1)})
    monitor.page.reload()
    monitor.visible(f".verify.changed >> text={monitor.say('verify.changed')}")
    monitor.go("button[value=all]")

    state = f"/state/form:{form}"
    for kind in ("reviewed", "frozen"):
        manager.page.goto(state)
        manager.go(f"button[value={kind}]")
        manager.done("hold.done")
    refused_change(nurse, visit, {"VISDAT": as_written(2)})
    manager.page.goto(state)
    frozen = manager.page.locator(".notice", has_text=manager.say("hold.frozen"))
    frozen.locator("input[name=reason]").fill("the monitor asked again")
    frozen.locator("button").focus()
    with manager.page.expect_navigation():
        manager.page.keyboard.press("Enter")
    manager.done("hold.lifted")
    nurse.change(visit, {"VISMODE": "TELEPHONE CALL"})


def refused_change(desk: Desk, path: str, values: dict[str, str]) -> None:
    """Data that are held refuse a change: no cell can be typed in, or the save is refused."""
    desk.page.goto(path)
    name = next(iter(values))
    if desk.cell(name).get_attribute("readonly") is not None:
        return
    desk.type_in(values)
    desk.choose_reason()
    desk.press_save()
    desk.visible(f".notice.error >> text={desk.say('form.held')}")
    desk.page.goto(path)
    assert desk.cell(name).input_value() != values[name]


def report_a_serious_event(trial: Trial) -> None:
    """A serious event starts its clock when it is saved; the investigator reports it."""
    nurse, doctor = trial["nurse"], trial["doctor"]
    nurse.page.goto(f"{SUBJECT}/LOG/1/AE")
    event = {"AETERM": "fever with chills", "AECTCAE": "Fever", "AESTDAT": as_written(60)}
    event |= {"AEONGO": "BEFORE", "AEENDAT": as_written(64), "AETOXGR": "3", "AESER": "Y"}
    event |= {"AESHOSP": "Y", "AEREL": "NOT RELATED", "AERELLEN": "NOT RELATED"}
    event |= {"AERELPEM": "NOT RELATED", "AEIMM": "N", "AEACN": "DOSE NOT CHANGED"}
    event |= {"AEACNLEN": "DOSE NOT CHANGED", "AEACNPEM": "DOSE NOT CHANGED"}
    nurse.type_in({**event, "AEOUT": "RECOVERED/RESOLVED"})
    nurse.save()
    doctor.page.goto("/")
    doctor.go(".alarm a[href^='/serious/']")
    assert doctor.say("sae.owed") in doctor.text
    due = doctor.page.locator(".days dd").nth(1).inner_text()
    assert due[:10] == (TODAY + timedelta(days=1)).isoformat()
    doctor.page.locator("textarea[name=text]").fill("Admitted for four days, recovered.")
    doctor.go("main form button.primary")
    assert doctor.say("sae.reported") in doctor.page.inner_text("h1")


def sign_and_lock(trial: Trial) -> None:
    """Sign a visit, break the signature, sign again; lock it once the checklist is met."""
    nurse, doctor = trial["nurse"], trial["doctor"]
    monitor, manager = trial["monitor"], trial["manager"]
    last = [f"{SUBJECT}/SCAN/3/{form}" for form in ("VISIT", "TUMOR", "RESPONSE")]
    doctor.page.goto(SUBJECT)
    row = doctor.page.locator("tr", has=doctor.page.locator(f"a[href='{last[0]}']"))
    target = row.locator("a[href^='/sign/event:']").get_attribute("href")
    assert target is not None
    sign(doctor, target, "not the password at all")
    doctor.visible(f".notice.error >> text={doctor.say('sign.wrong')}")
    sign(doctor, target, PASSWORD)
    assert "Doctor Li" in doctor.visible(".signature.stands").inner_text()
    nurse.change(last[1], {"LESSITE": "segment VI"})
    doctor.page.goto(target)
    assert doctor.say("sign.broken") in doctor.visible(".signature.broken").inner_text()

    state = target.replace("/sign/", "/state/")
    manager.page.goto(state)
    manager.go("button[value=locked]")
    unsigned = manager.say("lock.signed").partition("{")[0]
    manager.visible(f".notice.error >> text={unsigned}")
    for path in last:
        monitor.page.goto(path)
        monitor.page.goto(f"/verification/{monitor.id_of_form()}")
        monitor.go("button[value=all]")
        monitor.done("verify.kept")
    sign(doctor, target, PASSWORD)
    doctor.visible(".signature.stands")
    doctor.visible(".signature.broken")  # the former signature stays to be seen
    manager.page.goto(state)
    assert not manager.page.locator(".checklist .open").count()
    manager.go("button[value=locked]")
    manager.done("hold.done")
    refused_change(nurse, last[1], {"LESDIAM": "31"})


def sign(doctor: Desk, target: str, password: str) -> None:
    """Give name (asked once a session) and password, and sign."""
    doctor.page.goto(target)
    name = doctor.page.locator("input[name=username]")
    if name.count():
        name.fill("doctor")
    doctor.page.locator("input[name=password]").fill(password)
    with doctor.page.expect_navigation():
        doctor.page.keyboard.press("Enter")


def take_out(trial: Trial, scratch: Path) -> dict[str, dict[str, str]]:
    """An export read back, and a snapshot; returns the lesion by visit."""
    manager = trial["manager"]
    manager.page.goto("/exchange")
    manager.page.locator("input[name=format][value=parquet]").uncheck()
    manager.page.locator("input[name=format][value=csv]").check()
    manager.page.locator("input[name=with_names]").first.check()
    with manager.page.expect_download() as download:
        manager.page.locator("form.export button.primary").press("Enter")
    kept = scratch / "export.zip"
    download.value.save_as(kept)
    with zipfile.ZipFile(kept) as archive:
        name = next(n for n in archive.namelist() if n.endswith("tumor.csv"))
        rows = list(csv.DictReader(io.StringIO(archive.read(name).decode())))
    manager.page.goto("/exchange")
    manager.page.locator("input[name=name]").fill("end of the trial")
    manager.go("form[action$=snapshots] button")
    manager.done("exchange.snapshot_made")
    assert "end of the trial" in manager.text
    return {row["VISIT"]: row for row in rows}


def best_responses(server: Served, out: Path) -> dict[str, str]:
    """What the analysis of the database says: each best overall response of ADRS.

    With the study as it is shipped: its design is what some analyses carry out.
    """
    words = ["build", STUDY, "--database", server.data, "--snapshot", "end of the trial"]
    done = subprocess.run(
        [sys.executable, "-m", "onearm", *map(str, words), "--out", str(out)],
        env=server.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    responses = pl.read_parquet(next(out.rglob("adrs.parquet")))
    best = responses.filter(pl.col("PARAM").str.contains("(?i)best overall"))
    return dict(best.select("PARAMCD", "AVALC").iter_rows())
