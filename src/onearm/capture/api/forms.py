"""Forms: read as they stand, saved as on the page, with every version of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from onearm.capture import clock, permissions, visible, wording
from onearm.capture.actions import identity
from onearm.capture.actions import save as saving
from onearm.capture.api import places
from onearm.capture.api.shapes import (
    REFUSALS,
    Code,
    Given,
    Line,
    Name,
    Page,
    Paging,
    Repeat,
    Row,
    page,
    utc,
)
from onearm.capture.document import Cell, cells, row_keys
from onearm.capture.identity import covered, hidden_in
from onearm.capture.models import EventInstance
from onearm.capture.studies import study_of

if TYPE_CHECKING:
    from onearm.capture.identity import Names
    from onearm.capture.models import FormInstance, FormVersion, User
    from onearm.errors import Finding

router = Router()
FORM = "/subjects/{code}/forms/{visit}/{repeat}/{form}"


class CellOut(Schema):
    """One value as it was typed, or why it is missing."""

    row: int
    item: str
    value: str
    reason: str


class FindingOut(Schema):
    """What a check found, in the person's language."""

    visit: str
    form: str
    item: str
    row: int
    rule: str
    message: str


class FormOut(Schema):
    """A form as it stands; ``version`` goes back with the next save.

    target: names the form for holds and signatures once it is saved, else empty. findings: of the
    save just made.
    """

    version: int
    is_complete: bool
    target: str
    study_version: int | None
    rows: list[int]
    cells: list[CellOut]
    findings: list[FindingOut]


class CellIn(Given):
    """A value to save; an empty value with a reason says why it is missing, both empty clear it."""

    row: Row = 1
    item: Name
    value: Line = ""
    reason: Literal["", "ND", "UNK", "NA"] = ""


class RowIn(Given):
    """A row to take out with a reason, or to put back with none."""

    row: Row
    reason: Line = ""


class FormIn(Given):
    """Cells to save; those that are not named stay. ``clear`` confirms that hidden items empty."""

    version: Annotated[int, Field(ge=0, le=2**31 - 1)]
    cells: Annotated[list[CellIn], Field(default_factory=list, max_length=5000)]
    removed: Annotated[list[RowIn], Field(default_factory=list, max_length=5000)]
    reason: Line = ""
    clear: bool = False


class VersionOut(Schema):
    """One version of a form; ``number`` names it in a request to blacken a value."""

    number: int
    version: int
    delta: dict[str, Any]
    user: str
    role: str
    at: datetime
    reason: str
    origin: str
    study_version: int
    hash: str


@router.get(FORM, response={200: FormOut, **REFUSALS})
def read_form(request: HttpRequest, code: Code, visit: Name, repeat: Repeat, form: Name) -> FormOut:
    """A form as it stands: version 0 and no cell where nobody has saved it."""
    subject = visible.subject(request.user, code)
    permissions.actor(request.user, "form.view", subject.site, clock.now().date())
    instance = places.instance_of(subject, visit, repeat, form)
    if instance is None:
        places.require_form(subject, visit, repeat, form)
        return FormOut(
            version=0,
            is_complete=False,
            target="",
            study_version=None,
            rows=[],
            cells=[],
            findings=[],
        )
    identity.note_read(request.user, study_of(instance.study_version).forms[form], instance)
    return _form_out(request.user, instance, ())


@router.put(FORM, response={200: FormOut, **REFUSALS})
def save_form(
    request: HttpRequest, code: Code, visit: Name, repeat: Repeat, form: Name, given: FormIn
) -> FormOut:
    """Save cells of a form, judged and kept as on the page (origin: api)."""
    subject = visible.subject(request.user, code)
    permissions.actor(request.user, "form.enter", subject.site, clock.now().date())
    places.require_form(subject, visit, repeat, form)
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


@router.get(f"{FORM}/history", response={200: Page[VersionOut], **REFUSALS})
def history(
    request: HttpRequest,
    code: Code,
    visit: Name,
    repeat: Repeat,
    form: Name,
    paging: Query[Paging],
) -> Any:
    """Every version of a form: what changed, who, when, why, and the hash that chains it."""
    instance = places.saved_form(request, code, visit, repeat, form)
    versions = instance.versions.select_related("user", "study_version").order_by("version")
    study = study_of(instance.study_version)
    hidden = hidden_in(request.user, study, instance)
    identity.note_read(request.user, study.forms[form], instance)
    return page(versions, paging, lambda version: _version_out(version, hidden))


def _form_out(user: User, instance: FormInstance, findings: tuple[Finding, ...]) -> FormOut:
    hidden = hidden_in(user, study_of(instance.study_version), instance)
    return FormOut(
        version=instance.version,
        is_complete=instance.is_complete,
        target=f"form:{instance.pk}",
        study_version=instance.study_version.number,
        rows=row_keys(instance.data),
        cells=[
            CellOut(row=c.row, item=c.item, value=c.value, reason=c.reason)
            for c in cells({"rows": covered(instance.data["rows"], hidden)})
        ],
        findings=list(_findings(instance, findings)),
    )


def _findings(instance: FormInstance, findings: tuple[Finding, ...]) -> Iterator[FindingOut]:
    study = study_of(instance.study_version)
    for finding in findings:
        yield FindingOut(
            visit=finding.place.visit,
            form=finding.place.form,
            item=finding.place.field,
            row=finding.place.row,
            rule=finding.rule,
            message=wording.finding_text(study, finding),
        )


def _version_out(version: FormVersion, hidden: Names) -> VersionOut:
    return VersionOut(
        number=version.pk,
        version=version.version,
        delta={"rows": covered(version.delta["rows"], hidden)},
        user=version.user.username,
        role=version.role,
        at=utc(version.at),
        reason=version.reason,
        origin=version.origin,
        study_version=version.study_version.number,
        hash=version.hash,
    )
