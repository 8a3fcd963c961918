"""Which values a coded item may hold: its own choices, the study's list, or CDISC's."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from onearm.study import Study
from onearm.study.forms import Item
from onearm.study.model import YES_NO as YES_NO_CHOICES
from onearm.terms import codelist_names, load_codelist

CODE = "code"
YES_NO = ("Y", "N")


def list_of(study: Study, name: str) -> pl.DataFrame | None:
    """The study's codelist of that name (columns ``code`` and others, all text), if it has one."""
    return study.terms.get(name)


def allowed(study: Study, item: Item) -> frozenset[str] | None:
    """The codes an item may hold; None where any text may stand."""
    if item.choices:
        return frozenset(choice.code for choice in item.choices)
    if item.type == "yes_no":
        return frozenset(YES_NO)
    if not item.codes:
        return None
    own = list_of(study, item.codes)
    if own is not None and CODE in own.columns:
        return frozenset(own[CODE].drop_nulls())
    if item.codes in codelist_names():
        return frozenset(load_codelist(item.codes).terms)
    return None


def translation(study: Study, item: Item, column: str) -> Mapping[str, str]:
    """By code the text in another column of the item's codelist; empty where there is none."""
    own = list_of(study, item.codes)
    if own is None or column not in own.columns:
        return {}
    return dict(own.select(CODE, column).drop_nulls().iter_rows())


def choices(study: Study, item: Item, language: str) -> tuple[tuple[str, str], ...]:
    """Each code an item may hold with its words, in order; empty where any text may stand.

    language: ``en`` or ``zh``; words that a list lacks in that language are English, else the code.
    """
    if item.choices:
        texts = ((c.code, c.label) for c in item.choices)
        return tuple((code, getattr(label, language) or label.en) for code, label in texts)
    if item.type == "yes_no":
        return tuple((c.code, getattr(c.label, language)) for c in YES_NO_CHOICES)
    own = list_of(study, item.codes) if item.codes else None
    if own is not None and CODE in own.columns:
        columns = [name for name in (language, "en") if name in own.columns]
        words = own.select(CODE, pl.coalesce(*columns, CODE).alias("words"))
        return tuple(words.drop_nulls().iter_rows())
    return tuple((code, code) for code in sorted(allowed(study, item) or ()))
