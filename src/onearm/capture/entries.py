"""From documents to the entries frame, now or as of any past moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from onearm.capture.document import Document, cells, folded
from onearm.capture.models import FormInstance, FormVersion
from onearm.records.entry import ENTRY

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from onearm.capture.models import Subject
    from onearm.study import Study

PLACE = (
    "pk",
    "event__subject__site__code",
    "event__subject__code",
    "event__visit",
    "event__repeat",
    "form",
)


def of_forms(forms: QuerySet[FormInstance]) -> pl.DataFrame:
    """The entries of forms as they stand, in the order of ``in_order``."""
    rows = forms.values_list(*PLACE, "data")
    return framed((row[1:-1], row[-1]) for row in rows.iterator(chunk_size=2000))


def of_subject(subject: Subject) -> pl.DataFrame:
    """The entries of one subject."""
    return of_forms(FormInstance.objects.filter(event__subject=subject))


def as_of(moment: datetime, forms: QuerySet[FormInstance] | None = None) -> pl.DataFrame:
    """The entries as they stood at a moment in time (versions saved at or before it)."""
    versions = FormVersion.objects.filter(at__lte=moment).order_by("instance_id", "version")
    if forms is not None:
        versions = versions.filter(instance__in=forms)
    deltas: dict[int, list[Document]] = defaultdict(list)
    for pk, delta in versions.values_list("instance_id", "delta").iterator(chunk_size=2000):
        deltas[pk].append(delta)
    places = FormInstance.objects.filter(pk__in=list(deltas)) if forms is None else forms
    known = {row[0]: row[1:] for row in places.values_list(*PLACE)}
    return framed((known[pk], folded(changes)) for pk, changes in deltas.items())


def asked(study: Study, frame: pl.DataFrame) -> pl.DataFrame:
    """The entries of items that the study asks: what an amendment took out is kept, not judged."""
    names = [(form.form, item.name) for form in study.forms.values() for item in form.items]
    known = pl.DataFrame(names, schema={"FORM": pl.String, "ITEM": pl.String}, orient="row")
    return frame.join(known, on=["FORM", "ITEM"], how="semi", maintain_order="left")


def in_order(entries: pl.DataFrame) -> pl.DataFrame:
    """Entries sorted by what names them: the same data, the same bytes."""
    return entries.sort([name for name in ENTRY if name not in ("VALUE", "REASON")])


def framed(documents: Iterable[tuple[tuple[Any, ...], Document]]) -> pl.DataFrame:
    """The entries of documents, each behind its site, subject, visit, repeat and form."""
    columns: dict[str, list[Any]] = {name: [] for name in ENTRY}
    for (site, subject, visit, repeat, form), data in documents:
        for cell in cells(data):
            values = (site, subject, visit, repeat, form, cell.row, cell.item)
            for name, value in zip(ENTRY, values, strict=False):
                columns[name].append(value)
            columns["VALUE"].append(cell.value or None)
            columns["REASON"].append(cell.reason or None)
    return in_order(pl.DataFrame(columns, schema=dict(ENTRY)))
