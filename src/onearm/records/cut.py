"""The data cut: what had been seen on the last day that counts, and nothing later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from onearm import dates
from onearm.errors import Finding, Place
from onearm.records.entry import check_border, check_shape
from onearm.records.model import Records
from onearm.records.places import in_order, subject_label
from onearm.records.visits import log_visits, row_dates, visit_dates
from onearm.records.wide import Wide, pivot, typed
from onearm.study import Study
from onearm.study.forms import Item

AT_CUT: Mapping[str, str | None] = {
    "ENRTPT": "ONGOING",
    "OUT": "NOT RECOVERED/NOT RESOLVED",
    "SDTH": None,
}
"""What an answer about an end after the cut becomes, by the end of its SDTM variable."""

REASON = "CUT"


def at_cut(study: Study, entries: pl.DataFrame, *, cut: date | None) -> Records:
    """The captured values as they stood on ``cut``; None takes everything.

    entries: one row a captured value (``entry.ENTRY``), in any order.
    A form row dated after the cut is left out; its date is the form's date item, else the visit's
    date; a partial date counts with its first day, and a row without any date stays. In running
    forms a row that starts by the cut stays; an end date after it is emptied with the reason CUT,
    and what the row says about that end (``AT_CUT``) becomes what was true on that day.
    Raises ``Problems`` where the frame cannot be read at all; other problems are in ``border``.
    """
    border = check_border(check_shape(entries), study.forms, study.schedule)
    wides = list(pivot(border.entries, study.forms, study.id))
    found = [*border.findings, *(f for wide in wides for f in wide.duplicates)]
    after = border.entries
    if cut is not None:
        wides, after, left_out = _apply(study, wides, border.entries, cut)
        found += left_out
    return Records(
        entries=after,
        forms={w.form.form: typed(w.texts, w.form) for w in wides},
        texts={w.form.form: w.texts for w in wides},
        reasons={w.form.form: w.reasons for w in wides},
        border=tuple(in_order(found)),
        cut=cut,
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """Entries of one item that the cut changes: indices into the long frame and the new value."""

    entry: pl.Series
    value: str | None
    reason: str | None


def _apply(
    study: Study, wides: list[Wide], entries: pl.DataFrame, cut: date
) -> tuple[list[Wide], pl.DataFrame, list[Finding]]:
    days = visit_dates(
        study.forms, {w.form.form: w.texts for w in wides}, log_visits(study.schedule)
    )
    keep = np.ones(entries.height, dtype=bool)
    changes: list[_Change] = []
    kept = []
    found: list[Finding] = []
    for wide in wides:
        begun = _days(wide, days)
        stays = (begun <= cut).fill_null(value=True)
        found += _left_out(wide, begun, stays)
        keep[wide.entry] = stays.to_numpy()[wide.at]
        closed, changed = _close(_only(wide, stays), cut)
        changes += changed
        kept.append(closed)
    return kept, _rewrite(entries, changes).filter(pl.Series(keep)), found


def _left_out(wide: Wide, begun: pl.Series, stays: pl.Series) -> list[Finding]:
    """A note that counts the rows after the cut and names the latest: a slip of the year shows."""
    if stays.all():
        return []
    rows = wide.rows.with_columns(_day=begun).filter(~stays)
    site, subject, day = rows.sort("_day").select("SITEID", "SUBJID", "_day").row(-1)
    count = f"{rows.height} row{'s' if rows.height > 1 else ''}"
    return [
        Finding(
            Place(form=wide.form.form, field=wide.form.date),
            f"{count}, the latest of {subject_label(site, subject)} on {day}",
            "data cut",
            "rows dated after the data cut are left out",
            "Correct the date where it is wrong.",
            "note",
        )
    ]


def _days(wide: Wide, days: pl.DataFrame) -> pl.Series:
    """The day on which each form row had begun; null where nothing tells."""
    visit = wide.rows.join(
        days, on=["USUBJID", "VISIT", "VISIT_REPEAT"], how="left", maintain_order="left"
    )
    return pl.select(pl.coalesce(row_dates(wide.form, wide.texts), visit["_visit"])).to_series()


def _only(wide: Wide, stays: pl.Series) -> Wide:
    """The form without the rows that do not stay, and its entries renumbered."""
    if stays.all():
        return wide
    mask = stays.to_numpy()
    new_row = np.cumsum(mask) - 1
    mine = mask[wide.at]
    return Wide(
        form=wide.form,
        rows=wide.rows.filter(stays),
        texts=wide.texts.filter(stays),
        reasons=wide.reasons.filter(stays),
        entry=wide.entry[mine],
        at=new_row[wide.at[mine]],
        item=wide.item[mine],
        duplicates=wide.duplicates,
    )


def _close(wide: Wide, cut: date) -> tuple[Wide, list[_Change]]:
    """Empty the ends that lie after the cut, and what was said about them."""
    ends = [i for i in wide.form.items if _fills(i, "ENDTC")]
    if not ends:
        return wide, []
    late = wide.texts.select(
        pl.any_horizontal(dates.earliest(pl.col(i.name)) > cut for i in ends).fill_null(value=False)
    ).to_series()
    if not late.any():
        return wide, []
    changes = []
    texts, reasons = wide.texts, wide.reasons
    for position, item in enumerate(wide.form.items):
        if item in ends:
            value = None
        elif suffix := next((s for s in AT_CUT if _fills(item, s)), None):
            value = AT_CUT[suffix]
        else:
            continue
        seen = late & texts[item.name].is_not_null()
        texts = texts.with_columns(
            pl.when(seen).then(pl.lit(value, pl.String)).otherwise(item.name).alias(item.name)
        )
        reason = REASON if value is None else None
        if reason:
            old = pl.col(item.name) if item.name in reasons.columns else pl.lit(None, pl.String)
            reasons = reasons.with_columns(
                pl.when(seen).then(pl.lit(reason)).otherwise(old).alias(item.name)
            )
        touched = (wide.item == position) & seen.to_numpy()[wide.at]
        changes.append(_Change(pl.Series(wide.entry[touched]), value, reason))
    closed = Wide(
        wide.form, wide.rows, texts, reasons, wide.entry, wide.at, wide.item, wide.duplicates
    )
    return closed, changes


def _fills(item: Item, suffix: str) -> bool:
    """Whether an item fills a main domain's variable --``suffix``."""
    return any(t.variable == t.domain + suffix for t in item.to)


def _rewrite(entries: pl.DataFrame, changes: list[_Change]) -> pl.DataFrame:
    """The long frame with the changed entries; the others untouched."""
    if not changes:
        return entries
    index = pl.concat([c.entry for c in changes])
    new = {
        "VALUE": pl.concat([_all(c.value, len(c.entry)) for c in changes]),
        "REASON": pl.concat([_all(c.reason, len(c.entry)) for c in changes]),
    }
    return entries.with_columns(entries[name].scatter(index, to) for name, to in new.items())


def _all(value: str | None, times: int) -> pl.Series:
    return pl.Series([value], dtype=pl.String).new_from_index(0, times)
