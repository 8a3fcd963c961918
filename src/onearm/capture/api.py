"""The programming interface over what the pages do: same actions, same rights, same trail.

A program signs in with a key of a person (``Authorization: Bearer KEY``), or a page uses its
session with the CSRF token. The description (OpenAPI) is at ``/api/openapi.json``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from django.db import transaction
from django.http import FileResponse, Http404
from ninja import NinjaAPI, Path, Query
from ninja.security import HttpBearer, SessionAuth
from pydantic import StringConstraints

from onearm.capture import clock, identity, permissions
from onearm.capture.actions import queries as query_actions
from onearm.capture.actions import save as saving
from onearm.capture.actions.api_keys import user_of
from onearm.capture.actions.export import Wanted, export
from onearm.capture.api_shapes import (
    Answer,
    AskIn,
    CellOut,
    ExportIn,
    FindingOut,
    FormIn,
    FormOut,
    Invalid,
    MoveIn,
    Problem,
    QueryOut,
    SubjectOut,
    VersionOut,
    VisitOut,
)
from onearm.capture.course import course_of, seen_of
from onearm.capture.document import Cell, cells, row_keys
from onearm.capture.models import EventInstance, FormInstance, Subject
from onearm.capture.models import Query as Question
from onearm.capture.month import schedule_of
from onearm.capture.states import Held
from onearm.capture.studies import study_of, version_at
from onearm.capture.views.acting import QueryReader
from onearm.capture.views.month import visible_subjects
from onearm.errors import OnearmError, Problems

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import Site, User


class Key(HttpBearer):
    """A key that a person made; it acts as that person."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The person of the key; None for a key that is unknown, ended or revoked."""
        user = user_of(token)
        if user is not None:
            request.user = user
        return user


class Session(SessionAuth):
    """The session of a page; writing needs the CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        """The person signed in."""
        return request.user if request.user.is_authenticated else None


Code = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,40}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,15}$")]
Repeat = Annotated[int, Path(ge=1, le=999)]

api = NinjaAPI(
    title="onearm",
    version="1",
    description="Everything that the pages do, for programs. Rights, history and trail are theirs.",
    auth=[Key(), Session()],
    urls_namespace="api",
    docs_url=None,  # its page would load scripts from elsewhere
)
REFUSALS = {
    400: Problem,
    401: Problem,
    403: Problem,
    404: Problem,
    409: Problem,
    422: Invalid,
}


@api.exception_handler(permissions.NotAllowed)
def not_allowed(request: HttpRequest, problem: Exception) -> HttpResponse:
    """The right is missing."""
    return api.create_response(request, {"detail": str(problem)}, status=403)


@api.exception_handler(OnearmError)
def refused(request: HttpRequest, problem: OnearmError) -> HttpResponse:
    """Every refusal of an action in its words; 409 where the data stand otherwise than assumed."""
    if isinstance(problem, clock.ClockRanBack):
        return api.create_response(request, {"detail": str(problem)}, status=503)
    conflicts = (Held, saving.Stale, saving.MustConfirm, saving.ReasonNeeded)
    status = 409 if isinstance(problem, conflicts) else 400
    details = [str(f) for f in problem.findings] if isinstance(problem, Problems) else []
    body = {"detail": str(problem).splitlines()[0], "findings": details}
    return api.create_response(request, body, status=status)


@api.get("/subjects", response={200: list[SubjectOut], **REFUSALS})
def subjects(request: HttpRequest) -> list[SubjectOut]:
    """The subjects of the sites that the person may see."""
    found = visible_subjects(request.user, _today()).select_related("site")
    return [SubjectOut(site=s.site.code, subject=s.code, stage=s.stage) for s in found]


@api.get("/subjects/{code}/schedule", response={200: list[VisitOut], **REFUSALS})
def schedule(request: HttpRequest, code: Code) -> list[VisitOut]:
    """Planned visits with their windows and how each stands."""
    subject = _subject(request, code)
    version = version_at(subject.site, _today())
    if version is None:
        return []
    study = study_of(version)
    planned = schedule_of(study, course_of(study, subject), seen_of(subject), _today())
    return [
        VisitOut(
            visit=p.visit.id,
            repeat=p.repeat,
            day=p.day,
            early=p.early,
            late=p.late,
            status=p.status,
            forms=list(p.visit.forms),
        )
        for p in planned
    ]


@api.get("/subjects/{code}/forms/{visit}/{repeat}/{form}", response={200: FormOut, **REFUSALS})
def read_form(request: HttpRequest, code: Code, visit: Name, repeat: Repeat, form: Name) -> FormOut:
    """A form as it stands: version 0 and no cell where nobody has saved it."""
    subject = _subject(request, code)
    permissions.actor(request.user, "form.view", subject.site, _today())
    instance = _instance(subject, visit, repeat, form)
    if instance is None:
        _require_form(subject, visit, form, repeat)
        return FormOut(version=0, is_complete=False, rows=[], cells=[], findings=[])
    study = study_of(instance.study_version)
    identity.note_view(request.user, study, instance, instance.data)
    return _form_out(request.user, instance, ())


@api.put("/subjects/{code}/forms/{visit}/{repeat}/{form}", response={200: FormOut, **REFUSALS})
def save_form(
    request: HttpRequest, code: Code, visit: Name, repeat: Repeat, form: Name, given: FormIn
) -> FormOut:
    """Save cells of a form, judged and kept as on the page (origin: api)."""
    subject = _subject(request, code)
    permissions.actor(request.user, "form.enter", subject.site, _today())
    _require_form(subject, visit, form, repeat)
    changes = saving.Changes(
        cells=[Cell(c.row, c.item, c.value, c.reason) for c in given.cells],
        version=given.version,
        removed={r.row: r.reason for r in given.removed},
        reason=given.reason,
        clear=given.clear,
    )
    with transaction.atomic():  # a refused save leaves no visit behind
        event, _ = EventInstance.objects.get_or_create(subject=subject, visit=visit, repeat=repeat)
        saved = saving.save(request.user, event, form, changes, origin=saving.Origin.API)
    return _form_out(request.user, saved.instance, saved.findings)


@api.get(
    "/subjects/{code}/forms/{visit}/{repeat}/{form}/history",
    response={200: list[VersionOut], **REFUSALS},
)
def history(
    request: HttpRequest, code: Code, visit: Name, repeat: Repeat, form: Name
) -> list[VersionOut]:
    """Every version of a form: what changed, who, when, why, and the hash that chains it."""
    subject = _subject(request, code)
    permissions.actor(request.user, "trail.view", subject.site, _today())
    instance = _instance(subject, visit, repeat, form)
    if instance is None:
        raise Http404
    study = study_of(instance.study_version)
    hidden = identity.hidden_from(request.user, study, form, subject.site, _today())
    identity.note_view(request.user, study, instance, instance.data)
    versions = instance.versions.select_related("user", "study_version").order_by("version")
    return [
        VersionOut(
            version=v.version,
            delta={"rows": identity.covered(v.delta["rows"], hidden)},
            user=v.user.username,
            role=v.role,
            at=v.at,
            reason=v.reason,
            origin=v.origin,
            study_version=v.study_version.number,
            hash=v.hash,
        )
        for v in versions
    ]


@api.get("/queries", response={200: list[QueryOut], **REFUSALS})
def queries(
    request: HttpRequest,
    state: Annotated[str, Query(pattern="^(open|answered|closed|cancelled)?$")] = "",
) -> list[QueryOut]:
    """Queries of the subjects that the person may see, newest first, at most 1,000."""
    found = Question.objects.filter(subject__in=visible_subjects(request.user, _today()))
    if state:
        found = found.filter(state=state)
    newest = found.select_related("subject__site").order_by("-opened_at", "-pk")[:1000]
    reader = QueryReader(request.user)
    return [_query_out(reader, query) for query in newest]


@api.post("/subjects/{code}/queries", response={200: QueryOut, **REFUSALS})
def ask(request: HttpRequest, code: Code, given: AskIn) -> QueryOut:
    """Ask about a subject, a visit, a form, a row or a cell."""
    subject = _subject(request, code)
    made = query_actions.ask(
        request.user,
        subject,
        given.text,
        visit=given.visit,
        repeat=given.repeat,
        form=given.form,
        row=given.row,
        item=given.item,
    )
    return _query_out(QueryReader(request.user), made)


@api.post("/queries/{number}", response={200: QueryOut, **REFUSALS})
def move(
    request: HttpRequest, number: Annotated[int, Path(ge=1, le=2**62)], given: MoveIn
) -> QueryOut:
    """Answer, close, cancel or re-open a query."""
    mine = visible_subjects(request.user, _today())
    query = Question.objects.filter(pk=number, subject__in=mine).first()
    if query is None:
        raise Http404
    return _query_out(
        QueryReader(request.user), query_actions.move(request.user, query, given.state, given.text)
    )


@api.post("/exports", response={200: Answer, **REFUSALS})
def take_out(request: HttpRequest, given: ExportIn) -> FileResponse:
    """An export as a zip file; the trail keeps who took what."""
    as_of = given.as_of
    if as_of is not None and as_of.tzinfo is None:
        as_of = as_of.replace(tzinfo=UTC)
    made = export(
        request.user,
        Wanted(
            formats=tuple(given.formats),
            sites=tuple(given.sites),
            subjects=tuple(given.subjects),
            forms=tuple(given.forms),
            as_of=as_of,
            with_names=given.with_names,
        ),
    )
    opened = made.path.open("rb")
    made.path.unlink()  # it lives until the answer has been read
    return FileResponse(
        opened, as_attachment=True, filename=made.name, content_type="application/zip"
    )


def _today() -> Any:
    return clock.now().date()


def _subject(request: HttpRequest, code: str) -> Subject:
    found = visible_subjects(request.user, _today()).filter(code=code).select_related("site")
    subject = found.first()
    if subject is None:
        raise Http404
    return subject


def _instance(subject: Subject, visit: str, repeat: int, form: str) -> FormInstance | None:
    forms = FormInstance.objects.filter(
        event__subject=subject, event__visit=visit, event__repeat=repeat, form=form
    )
    return forms.select_related("event", "study_version").first()


def _require_form(subject: Subject, visit: str, form: str, repeat: int) -> None:
    """404 for a form that the visit does not hold, or a repeat that it does not have."""
    site: Site = subject.site
    version = version_at(site, _today())
    study = study_of(version) if version else None
    visits = study.schedule.visits if study and study.schedule else ()
    held = [v for v in visits if v.id == visit and form in v.forms]
    if not held or (repeat > 1 and held[0].repeat is None and held[0].kind != "unscheduled"):
        raise Http404


def _form_out(user: User, instance: FormInstance, findings: tuple[Any, ...]) -> FormOut:
    study, site = study_of(instance.study_version), instance.event.subject.site
    hidden = identity.hidden_from(user, study, instance.form, site, _today())
    return FormOut(
        version=instance.version,
        is_complete=instance.is_complete,
        rows=row_keys(instance.data),
        cells=[
            CellOut(row=c.row, item=c.item, value=c.value, reason=c.reason)
            for c in cells({"rows": identity.covered(instance.data["rows"], hidden)})
        ],
        findings=list(_findings(findings)),
    )


def _findings(findings: tuple[Any, ...]) -> Iterator[FindingOut]:
    for finding in findings:
        yield FindingOut(
            visit=finding.place.visit,
            form=finding.place.form,
            item=finding.place.field,
            row=finding.place.row,
            rule=finding.rule,
            message=finding.message,
        )


def _query_out(reader: QueryReader, query: Question) -> QueryOut:
    return QueryOut(
        number=query.pk,
        subject=query.subject.code,
        visit=query.visit,
        repeat=query.repeat,
        form=query.form,
        row=query.row,
        item=query.item,
        check_id=query.check_id,
        text=reader.text(query),
        state=query.state,
        opened_at=_utc(query.opened_at),
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
