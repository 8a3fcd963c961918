"""Every page has its twin for programs, and both leave the same trail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from onearm.capture import trail
from onearm.capture.actions import queries
from onearm.capture.actions.reconcile import Columns, reconcile
from onearm.capture.models import (
    AuditEvent,
    FormInstance,
    FormVersion,
    LabRange,
    Query,
    SeriousEvent,
    Site,
    Subject,
    User,
)
from tests.capture.api_world import EVENT, SAFETY, undone, with_key
from tests.capture.conduct import fill, screened
from tests.capture.test_api_rights import described
from tests.capture.test_security import own

Person = Callable[..., User]
Enter = Callable[[User], Client]
COLUMNS = Columns("Patient", "Event", "Onset")
FORM = "/subjects/{code}/forms/{visit}/{repeat}/{form}"

TWINS = {
    "month": ["GET /month"],
    "subjects": ["GET /subjects"],
    "subject": ["GET /subjects/{code}", "GET /subjects/{code}/schedule"],
    "form": [f"GET {FORM}", f"PUT {FORM}"],
    "form_queries": ["GET /queries", "POST /subjects/{code}/queries", "POST /queries/{number}"],
    "form_attach": [f"POST {FORM}/files", f"GET {FORM}/files"],
    "file": ["GET /files/{number}"],
    "history": [f"GET {FORM}/history"],
    "cell_history": [f"GET {FORM}/history"],
    "people": ["GET /people"],
    "person_new": ["POST /people"],
    "person": ["GET /people/{number}"],
    "person_act": [
        "POST /people/{number}/roles",
        "POST /people/{number}/roles/{role}/end",
        "POST /people/{number}/training",
        "POST /people/{number}/identity",
        "POST /people/{number}/unlock",
        "POST /people/{number}/factor",
        "POST /people/{number}/password",
        "POST /people/{number}/end",
    ],
    "authorised": ["GET /access", "GET /access/file", "GET /access/reviews"],
    "access_review": ["POST /access/reviews"],
    "my_account": ["GET /me"],
    "trail": ["GET /trail"],
    "trail_csv": ["GET /trail/file"],
    "review": ["GET /review", "GET /review/{name}"],
    "review_file": ["GET /review/{name}/file"],
    "journal": [
        "GET /journal",
        "POST /journal/incidents",
        "POST /journal/incidents/{number}/close",
        "POST /journal/changes",
        "POST /journal/changes/{number}/decision",
        "POST /journal/changes/{number}/live",
    ],
    "journal_file": ["GET /journal/file"],
    "redactions": [
        "GET /redactions",
        "POST /redactions/{number}/approval",
        "POST /redactions/{number}/refusal",
    ],
    "redaction_ask": ["POST /saves/{number}/redactions"],
    "sites": ["GET /sites", "POST /sites", "POST /sites/{code}/releases"],
    "screening": ["GET /subjects"],
    "screen": ["POST /subjects"],
    "enrolment": [
        "GET /subjects/{code}/enrolment",
        "POST /subjects/{code}/confirmation",
        "POST /subjects/{code}/enrolment",
        "POST /subjects/{code}/failure",
    ],
    "site_cap": ["POST /sites/{code}/cap"],
    "accrual": ["GET /accrual", "GET /accrual/steps", "POST /accrual/steps"],
    "add_visit": ["POST /subjects/{code}/visits"],
    "miss_visit": ["POST /subjects/{code}/visits/{visit}/{repeat}/missed"],
    "ask": ["POST /subjects/{code}/queries"],
    "queries": ["GET /queries"],
    "query": ["GET /queries/{number}", "POST /queries/{number}"],
    "plan": ["GET /verification/plan", "POST /verification/plan"],
    "verify": [f"GET {FORM}/verification", f"POST {FORM}/verification"],
    "state": [
        "GET /holds/{target}",
        "POST /holds/{target}",
        "POST /holds/{target}/{number}/lift",
    ],
    "lock_report": ["GET /holds/{target}/report"],
    "sign": ["GET /signatures/{target}", "POST /signatures/{target}"],
    "serious": ["GET /serious"],
    "serious_event": ["GET /serious/{number}", "POST /serious/{number}/reports"],
    "contacts": ["GET /contacts", "POST /contacts", "POST /contacts/{number}/end"],
    "reconciliations": ["GET /reconciliations", "POST /reconciliations"],
    "reconciliation": ["GET /reconciliations/{number}"],
    "reconciliation_file": ["GET /reconciliations/{number}/file"],
    "ranges": ["GET /ranges", "POST /ranges", "GET /ranges/holes"],
    "ranges_results": ["GET /ranges/results"],
    "ranges_template": ["GET /ranges/template"],
    "ranges_hand_in": ["POST /ranges/files"],
    "ranges_file": ["POST /ranges/files/{number}/load"],
    "ranges_end": ["POST /ranges/{number}/end"],
    "deviations": ["GET /deviations"],
    "dashboards": ["GET /dashboards"],
    "dashboard": ["GET /dashboards/{name}"],
    "dashboard_file": ["GET /dashboards/{name}/file"],
    "exchange": ["GET /exports", "GET /snapshots"],
    "take_out": ["POST /exports"],
    "take_archive": ["POST /exports/archive"],
    "name_snapshot": ["POST /snapshots"],
    "take_snapshot": ["POST /snapshots/{number}/export"],
    "imports": ["GET /imports", "POST /imports"],
    "taken_file": ["GET /imports/{number}", "POST /imports/{number}/load"],
    "taken_original": ["GET /imports/{number}/file"],
    "amendments": ["GET /versions", "POST /versions", "GET /versions/{version}"],
    "amendment": ["POST /versions/{version}/migration"],
    "study": ["GET /versions"],
    "study_preview": [
        "GET /versions/{version}",
        "GET /versions/{version}/looks",
        "POST /versions/{version}/looks",
    ],
    "form_preview": ["GET /versions/{version}", "GET /versions/{version}/checks"],
    "check_spec": ["GET /versions/{version}/checks"],
    "check_file": ["GET /versions/{version}/{what}/file"],
    "paper_crf": ["POST /paper/blank"],
    "paper_blank": ["POST /paper/blank"],
    "paper_form": [f"POST {FORM}/paper"],
    "paper_casebook": ["POST /subjects/{code}/paper"],
    "paper_serious": ["POST /serious/{number}/paper"],
}
"""By the name of a page's address the routes that do the same."""

PAGES_ALONE = {
    "start": "the first account, before there is anybody with a key",
    "next_steps": "where to go on the pages after the first start",
    "accept_signature": "the person's own word that the electronic signature binds",
    "api_keys": "a key that was lost must not make another",
    "form_live": "answers while a page is being filled in; nothing is written",
    "preview_live": "the same while a form is tried out before its release",
    "form_draft": "unsaved text of a page",
    "set_language": "the language of a browser; a key answers in its person's",
    "health": "for the machine that watches the server",
}
"""Pages without a twin, and why."""


def test_every_page_has_a_twin_or_a_reason_why_not() -> None:
    pages = {name for name, pattern in own() if not pattern.startswith("api/")}
    assert pages == set(TWINS) | set(PAGES_ALONE)
    assert not set(TWINS) & set(PAGES_ALONE)
    routes = {f"{method} {path}" for method, path in described()}
    assert routes == {route for twins in TWINS.values() for route in twins}


@pytest.fixture
def form(person: Person, subject: Subject) -> FormInstance:
    return fill(person("coordinator"), subject, "SCREENING", "DISEASE", MHTERM="Carcinoma").instance


def left(act: Callable[[], object]) -> list[tuple[Any, ...]]:
    """What an act leaves in the trail and the history; the act itself is taken back."""
    events = set(AuditEvent.objects.values_list("pk", flat=True))
    saves = set(FormVersion.objects.values_list("pk", flat=True))
    with undone():
        act()
        found: list[tuple[Any, ...]] = [
            (
                e.stream,
                e.action,
                _numberless(e.target),
                e.user_id,
                e.role,
                e.site.code if e.site else "",
                e.reason,
                _numberless(str({k: v for k, v in e.details.items() if k != "sha256"})),
            )
            for e in AuditEvent.objects.exclude(pk__in=events).order_by("pk")
        ]
        for v in FormVersion.objects.exclude(pk__in=saves).order_by("pk"):
            found.append((v.version, v.delta, v.user_id, v.role, v.reason))
    assert found
    return found


def _numberless(text: str) -> str:
    """Moments, hashes and numbers of the database differ from try to try."""
    return re.sub(r"[0-9a-f]{64}|\d{4}-\d\d-\d\dT[\d:.+]+|(?<=[: ])\d+", "#", text)


DISEASE = "/subjects/01-001/forms/SCREENING/1/DISEASE"
Act = tuple[str, str, dict[str, Any], str, str, *tuple[dict[str, Any], ...]]

ACTS: list[Act] = [
    # role; page and its fields; method, route, and its body where it is another than the fields
    ("coordinator", "/screening/add", {"site": "01"}, "POST", "/subjects"),
    (
        "coordinator",
        "/subjects/01-001/visits",
        {"visit": "UNSCHED"},
        "POST",
        "/subjects/01-001/visits",
    ),
    (
        "coordinator",
        "/subjects/01-001/missed",
        {"visit": "CYCLE", "repeat": "2", "reason": "holiday"},
        "POST",
        "/subjects/01-001/visits/CYCLE/2/missed",
        {"reason": "holiday"},
    ),
    (
        "coordinator",
        "/subjects/01-001/SCREENING/1/DISEASE",
        {"version": "1", "v.1.MHTERM": "Cholangiocarcinoma", "why": "typed", "reason": "other"},
        "PUT",
        "/subjects/01-001/forms/SCREENING/1/DISEASE",
        {
            "version": 1,
            "cells": [{"item": "MHTERM", "value": "Cholangiocarcinoma"}],
            "reason": "Typing error: other",
        },
    ),
    (
        "monitor",
        "/subjects/01-001/ask",
        {"ask": "1", "place": "SCREENING/1/DISEASE", "item": "MHTERM", "text": "Please check"},
        "POST",
        "/subjects/01-001/queries",
        {
            "visit": "SCREENING",
            "form": "DISEASE",
            "row": 1,
            "item": "MHTERM",
            "text": "Please check",
        },
    ),
    (
        "coordinator",
        "/queries/{query}",
        {"state": "answered", "text": "yes"},
        "POST",
        "/queries/{query}",
    ),
    (
        "monitor",
        "/verification/{form}",
        {"act": "all", "version": "1"},
        "POST",
        "/subjects/01-001/forms/SCREENING/1/DISEASE/verification",
        {"version": 1},
    ),
    (
        "data_manager",
        "/verification/plan",
        {"place": "DISEASE", "percent": "20"},
        "POST",
        "/verification/plan",
        {"form": "DISEASE", "percent": 20},
    ),
    (
        "data_manager",
        "/state/form:{form}",
        {"kind": "frozen", "reason": "for the look"},
        "POST",
        "/holds/form:{form}",
    ),
    (
        "data_manager",
        "/accrual",
        {"act": "pause", "reason": "a look"},
        "POST",
        "/accrual/steps",
    ),
    (
        "administrator",
        "/accrual/cap",
        {"site": "01", "cap": "12", "reason": "the contract"},
        "POST",
        "/sites/01/cap",
        {"cap": 12, "reason": "the contract"},
    ),
    (
        "coordinator",
        "/serious/{serious}",
        {"text": "admitted"},
        "POST",
        "/serious/{serious}/reports",
    ),
    (
        "data_manager",
        "/serious/contacts",
        {"name": "Safety", "email": "s@example.org", "language": "zh-hans", "site": "01"},
        "POST",
        "/contacts",
    ),
    (
        "data_manager",
        "/exchange/export",
        {"format": ["csv"], "form": ["DISEASE"], "with_names": "1"},
        "POST",
        "/exports",
        {"formats": ["csv"], "forms": ["DISEASE"], "with_names": True},
    ),
    (
        "statistician",
        "/exchange/snapshots",
        {"name": "interim"},
        "POST",
        "/snapshots",
    ),
    (
        "coordinator",
        "/redactions/ask/{save}",
        {"cell": "1.MHTERM", "reason": "a name"},
        "POST",
        "/saves/{save}/redactions",
        {"row": 1, "item": "MHTERM", "reason": "a name"},
    ),
    (
        "administrator",
        "/people/{nurse}/train",
        {"on": "2026-01-05", "what": "the guide"},
        "POST",
        "/people/{nurse}/training",
        {"day": "2026-01-05", "what": "the guide"},
    ),
    (
        "administrator",
        "/people/{nurse}/end",
        {"reason": "left"},
        "POST",
        "/people/{nurse}/end",
    ),
    (
        "administrator",
        "/sites",
        {"act": "add", "code": "07", "name": "Another", "zone": "Asia/Shanghai"},
        "POST",
        "/sites",
        {"code": "07", "name": "Another", "zone": "Asia/Shanghai"},
    ),
    (
        "study_builder",
        "/sites",
        {"act": "release", "site": "01", "version": "1", "from": "2090-01-01", "reason": "ok"},
        "POST",
        "/sites/01/releases",
        {"version": 1, "begins": "2090-01-01", "reason": "ok"},
    ),
    (
        "administrator",
        "/people/{nurse}/identity",
        {"on": "2026-01-05", "how": "identity card"},
        "POST",
        "/people/{nurse}/identity",
        {"day": "2026-01-05", "how": "identity card"},
    ),
    (
        "data_manager",
        "/ranges",
        {"laboratory": "Central", "analyte": "HGB", "low": "115", "begins": "2026-01-01"},
        "POST",
        "/ranges",
    ),
    (
        "data_manager",
        "/ranges/{range}/end",
        {"day": "2090-01-01", "reason": "a new analyser"},
        "POST",
        "/ranges/{range}/end",
    ),
    (
        "coordinator",
        "/journal",
        {
            "act": "incident",
            "what": "no power",
            "effect": "a visit on paper",
            "began": "2026-01-05T08:00",
            "paper": "1",
            "site": "01",
        },
        "POST",
        "/journal/incidents",
        {
            "what": "no power",
            "effect": "a visit on paper",
            "began": "2026-01-05T16:00:00+08:00",
            "paper": True,
            "site": "01",
        },
    ),
    (
        "data_manager",
        "/journal",
        {"act": "propose", "what": "newer", "requested_by": "sponsor", "impact": "none"},
        "POST",
        "/journal/changes",
        {"what": "newer", "requested_by": "sponsor", "impact": "none"},
    ),
    ("auditor", "GET /journal.csv", {}, "GET", "/journal/file", {}),
    ("auditor", "GET /review/late.csv", {}, "GET", "/review/late/file", {}),
    ("study_builder", "/amendments/1/forms", {}, "POST", "/versions/1/looks", {}),
    ("auditor", "GET /amendments/1/cases.csv", {}, "GET", "/versions/1/cases/file", {}),
    ("coordinator", "/paper/forms/{form}", {}, "POST", f"{DISEASE}/paper", {}),
    ("coordinator", "/paper/subjects/01-001", {}, "POST", "/subjects/01-001/paper", {}),
    ("coordinator", "/paper/serious/{serious}", {}, "POST", "/serious/{serious}/paper", {}),
    ("auditor", "/paper/crf/ECOG", {}, "POST", "/paper/blank", {"forms": ["ECOG"]}),
    ("data_manager", "/exchange/archive", {}, "POST", "/exports/archive", {}),
    ("auditor", "GET /dashboards/accrual/file", {}, "GET", "/dashboards/accrual/file", {}),
    (
        "medical_reviewer",
        "GET /serious/reconciled/{compared}/file",
        {},
        "GET",
        "/reconciliations/{compared}/file",
        {},
    ),
    ("monitor", "GET /state/form:{form}/report", {}, "GET", "/holds/form:{form}/report", {}),
    ("auditor", "GET /trail.csv?kind=acts", {}, "GET", "/trail/file?kind=acts", {}),
]


def test_an_act_leaves_the_same_trail_by_either_door(
    form: FormInstance, person: Person, signed_in: Enter, subject: Subject
) -> None:
    nurse = User.objects.get(username="coordinator")
    fill(nurse, subject, "LOG", "AE", **EVENT)
    asked = queries.ask(person("data_manager"), subject, "is this right?", form="DISEASE")
    limits = LabRange.objects.create(
        laboratory="Second", analyte="HGB", unit="g/L", low="115", begins=date(2026, 1, 1)
    )
    things = {
        "range": limits.pk,
        "query": asked.pk,
        "form": form.pk,
        "save": form.versions.get().pk,
        "serious": SeriousEvent.objects.get().pk,
        "compared": reconcile(asked.opened_by, "safety.csv", SAFETY, COLUMNS).pk,
        "nurse": nurse.pk,
    }
    people = {"coordinator": nurse, "data_manager": User.objects.get(username="data_manager")}
    for role, page, fields, method, route, *another in ACTS:
        body = another[0] if another else fields
        user = people.get(role) or people.setdefault(role, person(role))
        browser, program = signed_in(user), with_key(user)
        verb, _, address = page.rpartition(" ")
        address = address.format(**things)
        by_page = left(
            lambda b=browser, v=verb, a=address, f=fields: _read(b.get(a) if v else b.post(a, f))
        )
        by_route = left(
            lambda p=program, m=method, r=route, d=body: _read(
                p.get(f"/api{r}".format(**things))
                if m == "GET"
                else p.generic(
                    m, f"/api{r}".format(**things), json.dumps(d), content_type="application/json"
                )
            )
        )
        assert by_page == by_route, (page, route)
    assert list(trail.verify()) == []


def _read(answer: Any) -> None:
    assert answer.status_code in (200, 302), answer.content
    if answer.streaming:
        list(answer.streaming_content)


def test_the_way_into_the_trial_is_gone_by_a_program(
    site: Site, person: Person, subject: Subject
) -> None:
    nurse, doctor = person("coordinator"), person("investigator")
    by_nurse, by_doctor = with_key(nurse), with_key(doctor)
    made = by_nurse.post("/api/subjects", {"site": "01"}, "application/json").json()
    code = made["subject"]
    assert (code, made["stage"]) == ("01-002", "screening")
    early = by_nurse.post(f"/api/subjects/{code}/enrolment")
    assert early.status_code == 409
    assert len(early.json()["findings"]) > 1
    screened(nurse, Subject.objects.get(code=code))
    way = by_doctor.post(f"/api/subjects/{code}/confirmation").json()
    assert (way["confirmed_by"], way["reasons"]) == ("investigator", [])
    paused = {"act": "pause", "reason": "a look at safety"}
    manager = with_key(person("data_manager"))
    manager.post("/api/accrual/steps", paused, "application/json")
    held = by_nurse.post(f"/api/subjects/{code}/enrolment").json()
    assert "a look at safety" in held["findings"][0]
    manager.post("/api/accrual/steps", {**paused, "act": "resume"}, "application/json")
    enrolled = by_nurse.post(f"/api/subjects/{code}/enrolment").json()
    assert (enrolled["stage"], enrolled["place"]) == ("enrolled", 2)
    saves = FormVersion.objects.filter(instance__event__subject__code=code).order_by("-pk")
    assert saves[0].origin == "api"
    assert by_nurse.get("/api/accrual").json()["enrolled"] == 2
    assert Query.objects.filter(subject__code="01-001").count() == 0
