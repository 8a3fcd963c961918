"""Calculated items on other forms of a subject, worked out again when what they read changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onearm.capture import entries as entry_frames
from onearm.capture import permissions, states
from onearm.capture.actions.keep import keep_version
from onearm.capture.actions.sae import follow_serious
from onearm.capture.actions.visits import keep_date
from onearm.capture.document import Cell, Document, applied, delta
from onearm.capture.models import FormInstance, FormVersion, StudyVersion
from onearm.capture.ranges import with_ranges
from onearm.capture.studies import study_of
from onearm.records import live
from onearm.records.places import visit_label

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    import polars as pl

    from onearm.capture.models import Subject
    from onearm.errors import Finding
    from onearm.records.live import CellKey, Visited
    from onearm.study import Study

MOST_ROUNDS = 10
"""What is calculated may be read by a calculation elsewhere; after so many rounds it stands."""

Names = frozenset[str]


def recalculate(
    subject: Subject,
    causes: Iterable[FormInstance],
    actor: permissions.Actor,
    at: datetime,
    *,
    reason: str,
    given: Collection[CellKey] = (),
) -> dict[str, tuple[Finding, ...]]:
    """Bring calculated items in line with forms that changed, one version of each form they are on.

    causes: the forms that were saved, as they stand. reason: kept with each version. given: cells
    that stay as somebody gave them. A form is judged by the study version it stands under. What is
    frozen or locked stays as it is, and the check of calculated items asks about it. Signatures
    over a form that changes break.

    Returns the findings, anew, of the forms that changed and of those that read them or could not
    follow; nothing where nothing was out of line. To be called in the transaction of the change.
    """
    versions = StudyVersion.objects.filter(forminstance__event__subject=subject)
    if not any(_calculates(study_of(v)) for v in versions.defer("files").distinct()):
        return {}
    mine = {_visited(form): form for form in causes}
    work = _Work(subject, {**_standing(subject), **mine})
    return work.done(set(mine), actor, at, reason, given)


def recalculate_anew(
    subject: Subject,
    moved: Iterable[FormInstance],
    rules: Mapping[int, Names],
    actor: permissions.Actor,
    at: datetime,
    *,
    mapped: Collection[int],
    reason: str,
) -> None:
    """Bring calculated items in line with the version that forms were moved to.

    rules: by key of a form that moved its items whose formula or skip logic is another now. mapped:
    keys of forms of which values were mapped. Other items of a form that moved stay as they are: an
    amendment that leaves a formula as it was moves no result. What is calculated from an item that
    changes follows it, as after a save. To be called in the transaction of the move.
    """
    mine = {_visited(form): form for form in moved}
    due = {where: rules[form.pk] for where, form in mine.items() if rules.get(form.pk)}
    causes = {where for where, form in mine.items() if form.pk in mapped}
    if not due and not causes:
        return
    work = _Work(subject, {**_standing(subject), **mine})
    changed = work.round(set(due), (), only=due) | work.round(causes, ())
    work.done(changed, actor, at, reason, ())


def _calculates(study: Study) -> bool:
    return any(item.calculated for form in study.forms.values() for item in form.items)


def _visited(form: FormInstance) -> Visited:
    return (form.form, form.event.visit, form.event.repeat)


def _standing(subject: Subject) -> dict[Visited, FormInstance]:
    """Every form of the subject as it stands, locked against other writers."""
    forms = FormInstance.objects.filter(event__subject=subject).order_by("pk")
    found = forms.select_related("event__subject__site", "study_version").select_for_update(
        of=("self",), no_key=True
    )
    return {_visited(form): form for form in found.defer("study_version__files")}


@dataclass(slots=True)
class _Work:
    """Calculations as they go on: the forms, and by form the cells that become something else."""

    subject: Subject
    forms: Mapping[Visited, FormInstance]
    cells: dict[Visited, dict[tuple[int, str], Cell]] = field(default_factory=dict)

    def done(
        self,
        changed: Collection[Visited],
        actor: permissions.Actor,
        at: datetime,
        reason: str,
        given: Collection[CellKey],
    ) -> dict[str, tuple[Finding, ...]]:
        """Calculate what follows the changed forms, as far as it goes, and write it."""
        for _ in range(MOST_ROUNDS):
            if not changed:
                break
            changed = self.round(changed, given)
        return self.keep(actor, at, reason)

    def round(
        self,
        changed: Collection[Visited],
        given: Collection[CellKey],
        *,
        only: Mapping[Visited, Names] | None = None,
    ) -> set[Visited]:
        """Calculate once what reads the changed forms; the forms on which something changed.

        only: by form the items to look at, where not all are.
        """
        frame = self._frame()
        moved: set[Visited] = set()
        for version, study in self._studies().items():
            found = live.recalculated(study, entry_frames.asked(study, frame), changed)
            for (form, visit, repeat, row, item), text in found.items():
                where = (form, visit, repeat)
                held = self.forms[where]
                if held.study_version_id != version or (*where, row, item) in given:
                    continue
                if only is not None and item not in only.get(where, ()):
                    continue
                if _is_open(held, row, item):
                    self.cells.setdefault(where, {})[row, item] = Cell(row, item, text)
                    moved.add(where)
        return moved

    def keep(
        self, actor: permissions.Actor, at: datetime, reason: str
    ) -> dict[str, tuple[Finding, ...]]:
        """Write what changed, and judge the forms and their readers as they stand then."""
        if not self.cells:
            return {}
        frame = self._frame()
        findings: dict[str, tuple[Finding, ...]] = {}
        for where in self.cells:
            form = self.forms[where]
            study = study_of(form.study_version)
            named = (form.form, *live.readers(study, form.form))
            new = [name for name in named if name not in findings]
            found = live.check_forms(study, entry_frames.asked(study, frame), new)
            findings |= {name: tuple(found[name]) for name in new}
        for where in sorted(self.cells):
            form = self.forms[where]
            study = study_of(form.study_version)
            here = visit_label(form.event.visit, form.event.repeat)
            form.is_complete = not any(
                f.rule == "item.required" and f.place.visit == here for f in findings[form.form]
            )
            self._keep(study, form, self._change(where), actor, at, reason)
        return findings

    def _keep(
        self,
        study: Study,
        form: FormInstance,
        change: Document,
        actor: permissions.Actor,
        at: datetime,
        reason: str,
    ) -> None:
        if not change["rows"]:
            return
        stands = applied(form.data, change)
        change = with_ranges(study, form.event, form.form, stands, change)
        origin = FormVersion.Origin.CALCULATION
        keep_version(
            form, change, actor, at, origin=origin, reason=reason, under=form.study_version
        )
        keep_date(study, form.event)
        follow_serious(study, form, actor, at)

    def _studies(self) -> dict[int, Study]:
        return {f.study_version_id: study_of(f.study_version) for f in self.forms.values()}

    def _change(self, where: Visited) -> Document:
        return delta(self.forms[where].data, self.cells.get(where, {}).values())

    def _frame(self) -> pl.DataFrame:
        site = self.subject.site.code
        return entry_frames.framed(
            (
                (site, self.subject.code, visit, repeat, form),
                applied(held.data, self._change(where)),
            )
            for where, held in self.forms.items()
            for form, visit, repeat in (where,)
        )


def _is_open(form: FormInstance, row: int, item: str) -> bool:
    try:
        states.require_open(states.targets(form=form, items=[(row, item)]))
    except states.Held:
        return False
    return True
