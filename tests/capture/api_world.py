"""A trial at two sites with a thing of every kind, and every route with the right it needs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from onearm.capture import clock
from onearm.capture.actions import files, journal, redaction, sae
from onearm.capture.actions.api_keys import make_key
from onearm.capture.actions.take_file import keep
from onearm.capture.models import (
    Contact,
    Hold,
    LabRange,
    Query,
    Reconciliation,
    SeriousEvent,
    Site,
    SiteVersion,
    Snapshot,
    StudyVersion,
    Subject,
    User,
)
from tests.capture.conduct import fill
from tests.capture.conftest import LONG_AGO, PASSWORD

Person = Callable[..., User]
PDF = b"%PDF-1.7\n" + b"report of an invented person\n" * 20
RANGES = b"laboratory,analyte,low,high,begins\nCentral,HGB,115,150,2026-01-01\n"
LINES = b"subject,tumour\n01-001,Cholangiocarcinoma\n"
SAFETY = b"Patient,Event,Onset\n01-001,Vomiting of blood,2026-06-01\n"
SIDES = (
    "term_here", "term_there", "onset_here", "onset_there", "serious_here", "serious_there",
)  # fmt: skip
EVENT = {
    "AETERM": "Vomiting of blood",
    "AECTCAE": "Gastric hemorrhage",
    "AESTDAT": "2026-06-01",
    "AESER": "Y",
    "AESHOSP": "Y",
}


@dataclass(frozen=True)
class World:
    """What the addresses of one site's things are made of, by name."""

    named: Mapping[str, str]


def build(person: Person, site: Site, version: StudyVersion) -> dict[str, World]:
    """By site code what stands there: at the site 01 and at another."""
    other = Site.objects.create(code="02", name="Second hospital")
    SiteVersion.objects.create(site=other, version=version, begins=LONG_AGO)
    manager = person("data_manager", name="the manager")
    now = clock.now()
    taken = keep(manager, "results.csv", "csv", LINES)
    lab_file = keep(manager, "ranges.csv", "ranges", RANGES)
    limits = LabRange.objects.create(
        laboratory="Central", analyte="HGB", unit="g/L", low="115", begins=date(2026, 1, 1)
    )
    change = journal.propose(manager, journal.Change("newer software", "the sponsor", "none"))
    snapshot = Snapshot.objects.create(
        name="a snapshot",
        as_of=now,
        made_at=now,
        user=manager,
        study_version=version,
        rows=0,
        sha256="0" * 64,
    )
    line = {"fate": "only_there", "subject": "01-001", **dict.fromkeys(SIDES, ""), "differs": []}
    compared = Reconciliation.objects.create(
        at=now, user=manager, role="data_manager", name="safety.csv", sha256="0" * 64, lines=[line]
    )
    shared = {
        "taken": str(taken.pk),
        "reconciliation": str(compared.pk),
        "snapshot": str(snapshot.pk),
        "version": str(version.number),
        "name": "accrual",
        "aid": "late",
        "what": "checks",
        "range": str(limits.pk),
        "range_file": str(lab_file.pk),
        "change": str(change.number),
    }
    return {
        each.code: World({**shared, **_things(person, each, manager)}) for each in (site, other)
    }


def _things(person: Person, site: Site, manager: User) -> dict[str, str]:
    nurse = person("coordinator", name=f"nurse {site.code}", at=site)
    now = clock.now()
    code, second, third = (f"{site.code}-00{number}" for number in (1, 2, 3))
    stages = {
        code: Subject.Stage.ENROLLED,
        second: Subject.Stage.SCREENING,
        third: Subject.Stage.ENROLLED,
    }
    subject, *_ = (
        Subject.objects.create(site=site, code=each, stage=stage, created_at=now)
        for each, stage in stages.items()
    )
    form = fill(nurse, subject, "SCREENING", "DISEASE", MHTERM="Cholangiocarcinoma").instance
    fill(nurse, subject, "LOG", "AE", **EVENT)
    serious = SeriousEvent.objects.get(instance__event__subject=subject)
    sae.report(nurse, serious, "")
    query = Query.objects.create(
        subject=subject,
        visit="SCREENING",
        form="DISEASE",
        item="MHTERM",
        text=f"a question about {code}",
        opened_at=now,
        changed_at=now,
    )
    attached = files.attach(nurse, form, files.Upload("report.pdf", PDF))
    save = form.versions.get(version=1)
    asked = redaction.request(nurse, save, 1, "MHTERM", "a name")
    holds = {
        kind: Hold.objects.create(
            target=f"subject:{third}", kind=kind, set_by=manager, set_at=now
        ).pk
        for kind in Hold.Kind.values
    }
    began = now - timedelta(hours=1)
    incident = journal.note_incident(
        nurse, journal.Incident("no network", "data on paper", began, paper=True), site
    )
    contact = Contact.objects.create(
        name="Safety", email=f"safety{site.code}@example.org", site=site, begins=now
    )
    grant = nurse.grants.get()
    return {
        "site": site.code,
        "code": code,
        "second": second,
        "visit": "SCREENING",
        "repeat": "1",
        "form": "DISEASE",
        "target": f"form:{form.pk}",
        "casebook": f"subject:{code}",
        "held": f"subject:{third}",
        **{kind: str(pk) for kind, pk in holds.items()},
        "query": str(query.pk),
        "file": str(attached.pk),
        "save": str(save.pk),
        "redaction": str(asked.pk),
        "serious": str(serious.pk),
        "contact": str(contact.pk),
        "incident": str(incident.number),
        "person": str(nurse.pk),
        "role": str(grant.pk),
    }


Body = Callable[[World, User], Any]


@dataclass(frozen=True)
class Route:
    """One way to call a route, the right it needs, and the things its address names.

    also: rights that open it as well. lists: without the right there is nothing in it, rather than
    a refusal. upload: the body goes as a form with this file. before: what must stand first.
    """

    method: str
    path: str
    right: str
    body: Body | dict[str, Any] | None = None
    also: tuple[str, ...] = ()
    lists: bool = False
    upload: tuple[str, bytes] | None = None
    before: Callable[[World, User], None] | None = None
    at: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How the test's answer names it."""
        return f"{self.method} {self.path} ({self.right})"

    @property
    def is_of_a_site(self) -> bool:
        """Whether its address names something of a site."""
        shared = {
            "taken", "snapshot", "version", "name", "person", "role",
            "aid", "what", "range", "range_file", "change", "reconciliation",
        }  # fmt: skip
        return bool({self.at.get(part, part) for part in _parts(self.path)} - shared)

    def call(self, client: Client, world: World, user: User) -> HttpResponse:
        """Call it about the things of a site."""
        address = "/api" + re.sub(
            r"{(\w+)}", lambda m: world.named[self.at.get(m[1], m[1])], self.path
        )
        if self.before is not None:
            self.before(world, user)
        body = self.body(world, user) if callable(self.body) else self.body
        if self.upload is not None:
            file = SimpleUploadedFile(*self.upload)
            return client.post(address, {**(body or {}), "file": file})
        if self.method == "GET":
            return client.get(address)
        return client.generic(
            self.method, address, json.dumps(body or {}), content_type="application/json"
        )


def _parts(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def _own_query(world: World, user: User) -> None:
    Query.objects.filter(pk=world.named["query"]).update(opened_by=user)


def _proof(world: World, user: User) -> dict[str, str]:
    return {"meaning": "reviewed", "username": user.username, "password": PASSWORD}


FORM = "/subjects/{code}/forms/{visit}/{repeat}/{form}"
QUERY = {"number": "query"}
FAR = "2090-01-01"

ROUTES = (
    # subjects
    Route("GET", "/subjects", "subject.view", lists=True),
    Route("POST", "/subjects", "subject.screen", lambda w, u: {"site": w.named["site"]}),
    Route("GET", "/subjects/{code}", "subject.view"),
    Route("GET", "/subjects/{code}/enrolment", "subject.view"),
    Route("POST", "/subjects/{code}/confirmation", "eligibility.confirm", at={"code": "second"}),
    Route("POST", "/subjects/{code}/enrolment", "subject.enrol", at={"code": "second"}),
    Route(
        "POST",
        "/subjects/{code}/failure",
        "subject.enrol",
        {"reason": "withdrew"},
        at={"code": "second"},
    ),
    Route("GET", "/subjects/{code}/schedule", "subject.view"),
    Route("POST", "/subjects/{code}/visits", "form.enter", {"visit": "UNSCHED"}),
    Route(
        "POST",
        "/subjects/{code}/visits/{visit}/{repeat}/missed",
        "form.enter",
        {"reason": "holiday"},
    ),
    # sites and accrual
    Route("GET", "/sites", "subject.view", also=("site.manage", "study.release"), lists=True),
    Route("POST", "/sites", "site.manage", {"code": "77", "name": "Another hospital"}),
    Route(
        "POST",
        "/sites/{code}/releases",
        "study.release",
        {"version": 1, "begins": FAR},
        at={"code": "site"},
    ),
    Route(
        "POST",
        "/sites/{code}/cap",
        "accrual.cap",
        {"cap": 40, "reason": "the contract"},
        at={"code": "site"},
    ),
    Route("GET", "/accrual", "subject.view"),
    Route("GET", "/accrual/steps", "subject.view"),
    Route("POST", "/accrual/steps", "accrual.pause", {"act": "pause", "reason": "a look"}),
    # forms and their files
    Route("GET", FORM, "form.view"),
    Route(
        "PUT",
        FORM,
        "form.enter",
        {"version": 1, "cells": [{"item": "MHTERM", "value": "x"}], "reason": "typed"},
    ),
    Route("GET", f"{FORM}/history", "form.view"),
    Route("GET", f"{FORM}/files", "form.view"),
    Route("POST", f"{FORM}/files", "file.attach", upload=("scan.pdf", PDF)),
    Route("GET", "/files/{number}", "form.view", at={"number": "file"}),
    # queries
    Route("GET", "/queries", "subject.view", lists=True),
    Route("GET", "/queries/{number}", "subject.view", at=QUERY),
    Route("POST", "/subjects/{code}/queries", "query.open", {"text": "Please check"}),
    Route(
        "POST", "/queries/{number}", "query.answer", {"state": "answered", "text": "yes"}, at=QUERY
    ),
    Route("POST", "/queries/{number}", "query.close_any", {"state": "closed"}, at=QUERY),
    Route(
        "POST",
        "/queries/{number}",
        "query.close",
        {"state": "cancelled"},
        at=QUERY,
        before=_own_query,
    ),
    # verification, holds, signatures
    Route("GET", f"{FORM}/verification", "form.view"),
    Route("POST", f"{FORM}/verification", "verify", {"version": 1}),
    Route("GET", "/verification/plan", "form.view"),
    Route("POST", "/verification/plan", "plan.edit", {"form": "DISEASE", "percent": 20}),
    Route("GET", "/holds/{target}", "subject.view"),
    Route("GET", "/holds/{target}/report", "subject.view"),
    Route("POST", "/holds/{target}", "review", {"kind": "reviewed"}),
    Route("POST", "/holds/{target}", "freeze", {"kind": "frozen"}),
    Route("POST", "/holds/{target}", "lock", {"kind": "locked"}),
    *(
        Route(
            "POST",
            "/holds/{target}/{number}/lift",
            right,
            {"reason": "a late correction"},
            at={"target": "held", "number": kind},
        )
        for kind, right in (("reviewed", "review"), ("frozen", "freeze"), ("locked", "unlock"))
    ),
    Route("GET", "/signatures/{target}", "subject.view"),
    Route("POST", "/signatures/{target}", "sign", _proof),
    # safety
    Route("GET", "/serious", "form.view", also=("safety.view",)),
    Route("GET", "/serious/{number}", "form.view", also=("safety.view",), at={"number": "serious"}),
    Route(
        "POST",
        "/serious/{number}/reports",
        "sae.report",
        {"text": "recovered"},
        at={"number": "serious"},
    ),
    Route("GET", "/contacts", "sae.contacts"),
    Route("POST", "/contacts", "sae.contacts", {"name": "Safety", "email": "s@example.org"}),
    Route("POST", "/contacts/{number}/end", "sae.contacts", at={"number": "contact"}),
    Route("GET", "/deviations", "subject.view", lists=True),
    Route("GET", "/reconciliations", "safety.view"),
    Route(
        "POST",
        "/reconciliations",
        "sae.reconcile",
        {"subject": "Patient", "term": "Event", "onset": "Onset"},
        upload=("safety.csv", SAFETY),
    ),
    Route("GET", "/reconciliations/{number}", "safety.view", at={"number": "reconciliation"}),
    Route("GET", "/reconciliations/{number}/file", "safety.view", at={"number": "reconciliation"}),
    # data out
    Route("POST", "/exports", "export.deidentified", {"formats": ["csv"]}),
    Route("POST", "/exports", "export", {"formats": ["csv"], "with_names": True}),
    Route("GET", "/exports", "export.deidentified"),
    Route("GET", "/snapshots", "export.deidentified"),
    Route("POST", "/snapshots", "snapshot.make", {"name": "interim"}),
    Route(
        "POST",
        "/snapshots/{number}/export",
        "export.deidentified",
        {"formats": ["csv"]},
        at={"number": "snapshot"},
    ),
    Route(
        "POST",
        "/snapshots/{number}/export",
        "export",
        {"formats": ["csv"], "with_names": True},
        at={"number": "snapshot"},
    ),
    Route("POST", "/exports/archive", "export", {"as_of": None}),
    # data in
    Route("GET", "/imports", "import"),
    Route("POST", "/imports", "import", {"kind": "csv"}, upload=("lab.csv", b"a,b\n1,2\n")),
    Route("GET", "/imports/{number}", "import", at={"number": "taken"}),
    Route("GET", "/imports/{number}/file", "import", at={"number": "taken"}),
    Route("POST", "/imports/{number}/load", "import", {"dry": True}, at={"number": "taken"}),
    # versions
    Route("GET", "/versions", "study.view"),
    Route("POST", "/versions", "study.load", upload=("study.zip", b"PK no zip")),
    Route("GET", "/versions/{version}", "study.view"),
    Route("POST", "/versions/{version}/migration", "study.migrate", {"dry": True}),
    Route("GET", "/versions/{version}/looks", "study.view"),
    Route(
        "POST", "/versions/{version}/looks", "study.load", also=("study.release", "study.migrate")
    ),
    Route("GET", "/versions/{version}/checks", "study.view"),
    Route("GET", "/versions/{version}/{what}/file", "study.view"),
    # normal ranges
    Route("GET", "/ranges", "form.view", also=("ranges.edit",)),
    Route("GET", "/ranges/holes", "form.view", also=("ranges.edit",)),
    Route("GET", "/ranges/results", "form.view", also=("ranges.edit",)),
    Route("GET", "/ranges/template", "form.view", also=("ranges.edit",)),
    Route(
        "POST",
        "/ranges",
        "ranges.edit",
        {"laboratory": "Central", "analyte": "WBC", "low": "4", "begins": "2026-01-01"},
    ),
    Route(
        "POST",
        "/ranges/{number}/end",
        "ranges.edit",
        {"day": FAR, "reason": "a new analyser"},
        at={"number": "range"},
    ),
    Route("POST", "/ranges/files", "ranges.edit", upload=("limits.csv", RANGES)),
    Route(
        "POST",
        "/ranges/files/{number}/load",
        "ranges.edit",
        {"dry": True},
        at={"number": "range_file"},
    ),
    # paper
    Route("POST", "/paper/blank", "study.view", {"forms": ["ECOG"]}),
    Route("POST", f"{FORM}/paper", "form.view", {"language": "zh"}),
    Route("POST", "/subjects/{code}/paper", "form.view", {"language": "en"}),
    Route(
        "POST",
        "/serious/{number}/paper",
        "form.view",
        {"language": "en"},
        also=("safety.view",),
        at={"number": "serious"},
    ),
    # people
    Route("GET", "/me", ""),
    Route("GET", "/people", "account.manage"),
    Route(
        "POST",
        "/people",
        "account.manage",
        {"username": "chen.bo", "first": "Bo", "last": "Chen"},
    ),
    Route("GET", "/people/{number}", "account.manage", at={"number": "person"}),
    Route(
        "POST",
        "/people/{number}/roles",
        "account.manage",
        {"role": "auditor", "begins": FAR, "ends": "2091-01-01"},
        at={"number": "person"},
    ),
    Route(
        "POST",
        "/people/{number}/roles/{role}/end",
        "account.manage",
        {"reason": "left"},
        at={"number": "person"},
    ),
    Route(
        "POST",
        "/people/{number}/training",
        "account.manage",
        {"day": "2026-01-05", "what": "the guide"},
        at={"number": "person"},
    ),
    Route(
        "POST",
        "/people/{number}/identity",
        "account.manage",
        {"day": "2026-01-05", "how": "identity card"},
        at={"number": "person"},
    ),
    *(
        Route(
            "POST",
            f"/people/{{number}}/{act}",
            "account.manage",
            {"reason": "asked for"},
            at={"number": "person"},
        )
        for act in ("unlock", "factor", "password", "end")
    ),
    Route("GET", "/access", "access.log"),
    Route("GET", "/access/file", "access.log"),
    Route("GET", "/access/reviews", "access.log"),
    Route("POST", "/access/reviews", "access.review", {"confirmed": []}),
    # the trail, and what is taken out of it
    Route("GET", "/trail", "trail.view", also=("access.log",)),
    Route("GET", "/trail/file", "trail.view", also=("access.log",)),
    Route("GET", "/redactions", "redaction.request", also=("redaction.approve",)),
    Route(
        "POST",
        "/saves/{number}/redactions",
        "redaction.request",
        {"row": 1, "item": "MHTERM", "reason": "a name"},
        at={"number": "save"},
    ),
    Route("POST", "/redactions/{number}/approval", "redaction.approve", at={"number": "redaction"}),
    Route(
        "POST",
        "/redactions/{number}/refusal",
        "redaction.approve",
        {"reason": "it is a disease"},
        at={"number": "redaction"},
    ),
    # what calls for a look, and the journal
    Route("GET", "/review", "review.aids"),
    Route("GET", "/review/{name}", "review.aids", at={"name": "aid"}),
    Route("GET", "/review/{name}/file", "review.aids", at={"name": "aid"}),
    Route("GET", "/journal", "journal.view"),
    Route("GET", "/journal/file", "journal.view"),
    Route(
        "POST",
        "/journal/incidents",
        "incident.note",
        lambda w, u: {
            "what": "no power",
            "effect": "a visit on paper",
            "began": "2026-01-05T08:00:00Z",
            "site": w.named["site"],
        },
    ),
    Route(
        "POST",
        "/journal/incidents/{number}/close",
        "incident.close",
        lambda w, u: {
            "ended": clock.now().isoformat(),
            "cause": "a cable",
            "prevention": "a spare",
        },
        at={"number": "incident"},
    ),
    Route(
        "POST",
        "/journal/changes",
        "change.propose",
        {"what": "a newer version", "requested_by": "the sponsor", "impact": "none"},
    ),
    Route(
        "POST",
        "/journal/changes/{number}/decision",
        "change.approve",
        {"approve": True, "reason": "tried"},
        at={"number": "change"},
    ),
    Route(
        "POST",
        "/journal/changes/{number}/live",
        "change.propose",
        {"day": "2026-01-05", "evidence": "the record of the trial run"},
        at={"number": "change"},
    ),
    # where the trial stands
    Route("GET", "/month", "subject.view", lists=True),
    Route("GET", "/dashboards", "subject.view"),
    Route("GET", "/dashboards/{name}", "subject.view"),
    Route("GET", "/dashboards/{name}/file", "subject.view"),
    Route("GET", "/dashboards/serious/file", "export"),
)


class _Undo(Exception):
    """Ends a block whose writes are taken back."""


@contextmanager
def undone() -> Iterator[None]:
    """A block whose writes are taken back."""
    try:
        with transaction.atomic():
            yield
            raise _Undo
    except _Undo:
        pass


def with_key(user: User) -> Client:
    """A program that acts as the person."""
    text = make_key(user, "test", clock.now().date() + timedelta(days=1))[1]
    return Client(headers={"Authorization": f"Bearer {text}"})


def text_of(answer: HttpResponse) -> str:
    """What an answer holds, read to its end."""
    if answer.streaming:
        return b"".join(answer.streaming_content).decode(errors="replace")
    return answer.content.decode(errors="replace")
