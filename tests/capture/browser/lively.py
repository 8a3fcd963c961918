"""What the demo trial lacks to show every page: one object of each kind, made through the actions.

Runs in a process of its own on the demo's data folder, beside the server.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from django.urls import reverse

from onearm.capture import clock, permissions, review_aids
from onearm.capture.actions import (
    api_keys,
    drafts,
    enrol,
    files,
    hold,
    journal,
    queries,
    ranges,
    reconcile,
    redaction,
    sae,
    sign,
    snapshot,
    take_file,
    verify,
)
from onearm.capture.actions.export import Wanted, export
from onearm.capture.models import (
    FormInstance,
    FormVersion,
    Query,
    SeriousEvent,
    Site,
    Subject,
    User,
)

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606"
    "0f80f00010401005fe5c34b0000000049454e44ae426082"
)
BOARDS = ("accrual", "matrix", "missing", "queries", "verification", "serious", "signatures")


@dataclass(frozen=True)
class Trial:
    """The people of the demo by role, and the subject whose pages are looked at."""

    who: dict[str, User]
    subject: Subject

    def form(self, visit: str, repeat: int, name: str) -> str:
        """The address of a form."""
        return reverse("form", args=[self.subject.code, visit, repeat, name])


def main(password: str) -> None:
    """Make the objects; print as JSON the addresses of each page, and a session a role."""
    who = {
        role: User.objects.get(username=f"demo.{role.replace('_', '.')}")
        for role in permissions.roles()
    }
    subject = max(
        Subject.objects.filter(stage="enrolled"),
        key=lambda one: FormInstance.objects.filter(event__subject=one).count(),
    )
    trial = Trial(who, subject)
    objects = {
        **_of_forms(trial),
        **_of_cleaning(trial, password),
        **_of_safety(trial),
        **_of_exchange(trial),
        **_of_study(trial),
        **_of_people(trial),
    }
    print(json.dumps({"objects": objects, "sessions": _sessions(who)}))


def _sessions(who: dict[str, User]) -> dict[str, str]:
    made = {}
    for role, user in who.items():
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        made[role] = session.session_key
    return made


def _of_forms(trial: Trial) -> dict[str, list[str]]:
    """Forms of every kind: filled in, empty, with a draft, with a file; a person in screening."""
    who, subject = trial.who, trial.subject
    screened = enrol.screen(who["coordinator"], Site.objects.order_by("pk")[0])
    form = _form(subject, "SCREENING", "VISIT")
    scans = FormInstance.objects.filter(event__subject=subject, form="TUMOR", event__visit="SCAN")
    lesions = scans.latest("event__repeat")
    attached = files.attach(who["coordinator"], form, files.Upload("scan-report.png", PICTURE))
    place = drafts.FormPlace(subject, "SCREENING", 1, "DISEASE")
    drafts.keep(who["coordinator"], place, {"v.1.MHTERM": "not yet saved"}, 1)
    scan = (lesions.event.visit, lesions.event.repeat)
    screening = ("VISIT", "DM", "DISEASE", "ELIG", "LB", "TUMOR")
    codes = [subject.code, screened.code]
    post = trial.form("SCREENING", 1, "VISIT")
    return {
        "subject": [reverse("subject", args=[code]) for code in codes],
        "enrolment": [reverse("enrolment", args=[code]) for code in codes],
        "form": [
            *(trial.form("SCREENING", 1, name) for name in screening),
            *(trial.form(*scan, name) for name in ("TUMOR", "RESPONSE")),
            *(trial.form("LOG", 1, name) for name in ("AE", "CM", "EX")),
            reverse("form", args=[screened.code, "SCREENING", 1, "LB"]),
        ],
        "history": [reverse("history", args=[one.pk]) for one in (form, lesions)],
        "cell_history": [reverse("cell_history", args=[form.pk, 1, "VISDAT"])],
        "file": [reverse("file", args=[attached.pk])],
        "add_visit": [reverse("add_visit", args=[subject.code])],
        "miss_visit": [reverse("miss_visit", args=[subject.code])],
        "form_live": [f"{post}/live"],
        "form_queries": [f"{post}/queries?row=1&item=VISDAT", f"{post}/queries"],
        "paper_form": [reverse("paper_form", args=[form.pk])],
        "paper_casebook": [reverse("paper_casebook", args=[screened.code])],
        "form_draft": [f"{post}/draft"],
        "form_attach": [f"{post}/files"],
    }


def _of_cleaning(trial: Trial, password: str) -> dict[str, list[str]]:
    """A query that was answered, a form compared, one signed and reviewed, one frozen."""
    who, subject = trial.who, trial.subject
    asked = queries.ask(
        who["monitor"],
        subject,
        "The chart says another date.",
        visit="SCREENING",
        form="VISIT",
        item="VISDAT",
    )
    queries.move(who["coordinator"], asked, "answered", "The chart was read again: it stays.")
    form = _form(subject, "SCREENING", "VISIT")
    verify.verify(who["monitor"], form, form.version, None)
    signed, frozen = list(_settled(trial))[:2]
    _sign(who["investigator"], password, f"form:{signed.pk}")
    hold.hold(who["data_manager"], f"form:{signed.pk}", "reviewed")
    hold.hold(who["data_manager"], f"form:{frozen.pk}", "frozen", "before the review meeting")
    of_checks = Query.objects.filter(state="open").exclude(check_id="").earliest("pk")
    version = FormVersion.objects.filter(instance=form).earliest("version")
    redaction.request(who["coordinator"], version, 1, "VISMODE", "a name was typed here")
    held = (f"form:{frozen.pk}", f"subject:{subject.code}", "study")
    return {
        "ask": [reverse("ask", args=[subject.code]) + "?visit=SCREENING&form=VISIT"],
        "query": [reverse("query", args=[one.pk]) for one in (asked, of_checks)],
        "verify": [reverse("verify", args=[form.pk])],
        "state": [reverse("state", args=[target]) for target in held],
        "lock_report": [reverse("lock_report", args=[target]) for target in held[:2]],
        "sign": [
            reverse("sign", args=[target])
            for target in (f"form:{signed.pk}", f"subject:{subject.code}")
        ],
        "dashboard": [reverse("dashboard", args=[name]) for name in BOARDS],
        "dashboard_file": [reverse("dashboard_file", args=["matrix"])],
        "redaction_ask": [reverse("redaction_ask", args=[version.pk])],
        "review_file": [reverse("review_file", args=[name]) for name in review_aids.ALL],
    }


def _of_safety(trial: Trial) -> dict[str, list[str]]:
    """One serious event reported, another that waits; somebody who is told."""
    who, events = trial.who, list(SeriousEvent.objects.order_by("pk")[:2])
    sae.report(who["investigator"], events[0], "Admitted with fever; recovers on antibiotics.")
    sae.add_contact(who["data_manager"], "Safety desk", "safety@example.org")
    there = f"subject,event,onset\n{trial.subject.code},Fever,2026-01-05\n"
    columns = reconcile.Columns("subject", "event", "onset")
    made = reconcile.reconcile(who["data_manager"], "safety.csv", there.encode(), columns)
    return {
        "serious_event": [reverse("serious_event", args=[one.pk]) for one in events],
        "reconciliation": [reverse("reconciliation", args=[made.pk])],
        "reconciliation_file": [reverse("reconciliation_file", args=[made.pk])],
        "paper_serious": [reverse("paper_serious", args=[events[0].pk])],
    }


def _of_exchange(trial: Trial) -> dict[str, list[str]]:
    """A snapshot, an export, and a file that was handed in."""
    manager = trial.who["data_manager"]
    named = snapshot.make_snapshot(manager, "before the review meeting")
    export(manager, Wanted(formats=("csv",))).path.unlink()
    lines = f"subject,visit,date,ALT\n{trial.subject.code},CYCLE,2026-01-05,35\n"
    taken = take_file.keep(manager, "laboratory-january.csv", "csv", lines.encode())
    return {
        "take_snapshot": [reverse("take_snapshot", args=[named.pk])],
        "taken_file": [reverse("taken_file", args=[taken.pk])],
        "taken_original": [reverse("taken_original", args=[taken.pk])],
    }


def _of_study(trial: Trial) -> dict[str, list[str]]:
    """Every way to look at the study's forms and checks; ranges by hand and from a file."""
    manager = trial.who["data_manager"]
    given = {"laboratory": "Second laboratory", "analyte": "ALT", "low": "5", "high": "45"}
    made = ranges.add_range(manager, {**given, "unit": "U/L", "begins": "2020-01-01"})
    lines = "laboratory,analyte,unit,low,high,begins\nThird laboratory,AST,U/L,8,40,2020-01-01\n"
    file = take_file.keep(manager, "ranges.csv", take_file.RANGES, lines.encode())
    return {
        "amendment": [reverse("amendment", args=[1])],
        "study_preview": [reverse("study_preview", args=[1])],
        "form_preview": [reverse("form_preview", args=[1, name]) for name in ("AE", "LB")],
        "preview_live": [reverse("preview_live", args=[1, "AE"])],
        "check_spec": [reverse("check_spec", args=[1])],
        "check_file": [reverse("check_file", args=[1, what]) for what in ("checks", "cases")],
        "paper_blank": [reverse("paper_blank", args=["VS"])],
        "ranges_file": [reverse("ranges_file", args=[file.pk])],
        "ranges_end": [reverse("ranges_end", args=[made.pk])],
    }


def _of_people(trial: Trial) -> dict[str, list[str]]:
    """A key for a program, and an account."""
    ends = clock.now().date() + timedelta(days=90)
    site = Site.objects.order_by("pk")[0]
    hour = timedelta(hours=1)
    what, effect = "The line of the hospital was down.", "No entry for two hours."
    incident = journal.Incident(what, effect, clock.now() - 3 * hour, clock.now() - hour)
    journal.note_incident(trial.who["coordinator"], incident, site)
    api_keys.make_key(trial.who["data_manager"], "nightly export", ends)
    one = trial.who["coordinator"].pk
    return {
        "person": [reverse("person", args=[one])],
        "person_act": [reverse("person_act", args=[one, "train"])],
    }


def _form(subject: Subject, visit: str, form: str) -> FormInstance:
    return FormInstance.objects.get(event__subject=subject, event__visit=visit, form=form)


def _settled(trial: Trial) -> Iterable[FormInstance]:
    """Complete forms of other subjects about which nothing is asked."""
    live = Query.objects.filter(state__in=("open", "answered"))
    asked = set(live.values_list("subject", "form"))
    complete = FormInstance.objects.filter(form="VISIT", is_complete=True).order_by("pk")
    for one in complete.select_related("event").exclude(event__subject=trial.subject):
        if (one.event.subject_id, one.form) not in asked:
            yield one


def _sign(user: User, password: str, target: str) -> None:
    request = RequestFactory().post("/")
    request.user, request.session = user, {}
    sign.sign(request, target, "reviewed", sign.Proof(user.username, password))
