"""What people get wrong when they type: slips, gaps, impossible dates, all of them written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.simulate.chance import Bools, Ints, Streams
from onearm.simulate.truth import MESS
from onearm.study import Study
from onearm.study.forms import Form, Item
from onearm.study.simulation import Simulation

SAFE = frozenset({"LB", "VS", "CM", "SUPPCM", "MH", "SUPPMH", "SUPPDM", "PR", "SUPPPR"})
"""Domains that no response, time to event or analysis set is made from."""

Spoil = Callable[[str, float], str | None]


def add_mess(
    study: Study, plan: Simulation, streams: Streams, entries: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Entries with errors, and the list of them in the columns of ``truth.MESS``.

    Only values that no efficacy result is made from are spoiled, but for dates of death that lose
    their day (``partial_death``); the order of entries stays.
    """
    law = plan.mess
    safe = list(_safe_items(study, plan))
    numbers = [(f, i.name) for f, i in safe if i.type in ("decimal", "integer")]
    days = [(f, i.name) for f, i in safe if i.type == "date"]
    codes = [(f, i.name) for f, i in safe if i.type == "code"]
    needed = [(f, i.name) for f, i in safe if i.required]
    deaths = [
        (form.form, item.name)
        for form in study.forms.values()
        for item in form.items
        if any((t.domain, t.variable) == ("DM", "DTHDTC") for t in item.to)
    ]
    plans: list[tuple[str, list[tuple[str, str]], float, Spoil]] = [
        ("typo", numbers, law.typo, _slipped),
        ("impossible date", days, law.impossible_date, _no_such_day),
        ("not in the list", codes, law.out_of_list, _mistyped),
        ("missing", needed, law.missing, _gone),
        ("partial date of death", deaths, law.partial_death, _no_day),
    ]
    index = _index(entries)
    taken = np.zeros(entries.height, dtype=bool)
    slips = []
    for kind, items, rate, spoil in plans:
        rows = _choose(index, items, rate, streams(f"mess {kind}"), taken)
        taken[rows] = True
        entries, listed = _spoil(study, entries, rows, kind, spoil, streams(f"mess {kind} how"))
        slips.append(listed)
    kept = entries.filter(~(pl.col("VALUE").is_null() & pl.col("REASON").is_null()))
    return kept, pl.concat(slips)


def _safe_items(study: Study, plan: Simulation) -> Iterable[tuple[str, Item]]:
    """Items that may be spoiled: everything they fill is safe, and no skip rule reads them."""
    deciding = {law.form for law in plan.history if law.since in ("therapy", "surgery")}
    for form in study.forms.values():
        if form.form in deciding:
            continue
        read = _read_by_rules(form)
        for item in form.items:
            safe = item.to and all(t.domain in SAFE for t in item.to)
            if safe and item.name not in read and item.name != study.cohort_variable:
                yield form.form, item


def _read_by_rules(form: Form) -> set[str]:
    text = " ".join(item.shown_when for item in form.items)
    return {item.name for item in form.items if item.name in text} | {form.key}


@dataclass(frozen=True, slots=True)
class _Index:
    """Which item each entry holds, as a number, and the numbers by form and item."""

    codes: Ints
    numbers: Mapping[tuple[str, str], int]
    filled: Bools


def _index(entries: pl.DataFrame) -> _Index:
    """Numbers in place of texts, so that a long frame is searched once and not for each kind."""
    names = entries.select("FORM", "ITEM").unique(maintain_order=True).with_row_index("_code")
    coded = entries.select("FORM", "ITEM").join(
        names, on=["FORM", "ITEM"], how="left", maintain_order="left"
    )
    return _Index(
        codes=coded["_code"].to_numpy().astype(np.int64),
        numbers={(form, item): code for code, form, item in names.iter_rows()},
        filled=entries["VALUE"].is_not_null().to_numpy(),
    )


def _choose(
    index: _Index,
    items: list[tuple[str, str]],
    rate: float,
    rng: np.random.Generator,
    taken: Bools,
) -> Ints:
    """Row numbers of the entries to spoil, in order."""
    wanted = [index.numbers[place] for place in items if place in index.numbers]
    if not wanted or rate <= 0:
        return np.zeros(0, dtype=np.int64)
    candidates = np.flatnonzero(np.isin(index.codes, wanted) & index.filled & ~taken)
    return candidates[rng.random(len(candidates)) < rate]


def _spoil(
    study: Study,
    entries: pl.DataFrame,
    rows: Ints,
    kind: str,
    spoil: Spoil,
    rng: np.random.Generator,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    where = pl.Series(rows, dtype=pl.UInt32)
    chosen = entries[where]
    old = chosen["VALUE"].to_list()
    new = [spoil(value, u) for value, u in zip(old, rng.random(len(old)).tolist(), strict=True)]
    values = entries["VALUE"].scatter(where, pl.Series(new, dtype=pl.String)) if len(rows) else None
    if values is not None:
        entries = entries.with_columns(VALUE=values)
    listed = chosen.select(
        pl.format("{}-{}-{}", pl.lit(study.id), "SITEID", "SUBJID").alias("USUBJID"),
        "VISIT",
        "VISIT_REPEAT",
        "FORM",
        "ROW",
        "ITEM",
        KIND=pl.lit(kind),
        OLD="VALUE",
        NEW=pl.Series(new, dtype=pl.String),
    ).cast(pl.Schema(MESS))
    return entries, listed


def _slipped(value: str, u: float) -> str:
    """The decimal point in the wrong place, or two digits swapped."""
    number = float(value)
    if u < 0.5 or len(value) < 3:
        return f"{number * 10:g}"
    return value[1] + value[0] + value[2:] if value[:2].isdigit() else f"{number * 10:g}"


def _no_such_day(value: str, u: float) -> str:
    return f"{value[:4]}-13-{value[8:]}" if u < 0.5 else f"{value[:4]}-02-30"


def _mistyped(value: str, u: float) -> str:
    return f"{value[:-1]}?" if u < 0.5 else value.lower() + "."


def _gone(_value: str, _u: float) -> None:
    return None


def _no_day(value: str, _u: float) -> str:
    return value[:7]
