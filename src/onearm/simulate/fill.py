"""Fill the forms of any study: what an item holds follows from where it goes in SDTM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from onearm import expr
from onearm.simulate.chance import Ints, Streams, normal, pick_key
from onearm.simulate.history import partial
from onearm.simulate.measures import Measures
from onearm.simulate.occasions import Occasions
from onearm.study import Study
from onearm.study.forms import DATED, Form, Item, Target
from onearm.study.simulation import Answer, Normal, Simulation

KEYS = ["SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", "FORM", "ROW"]
MISSING = "\x00"
"""Begins a missing reason while values are still one column an item; no typed text can hold it."""


def key_of(target: Target) -> str:
    """The name of a target among the facts: ``VS.VSORRES:WEIGHT``, ``DM.SEX``."""
    tests = [value for name, value in target.where if name.endswith("TESTCD")]
    return f"{target.domain}.{target.variable}" + (f":{tests[0]}" if tests else "")


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known. ``people``: one row a person. ``rows``: by form, with ``person`` (and
    VISIT, VISIT_REPEAT and ROW where rows belong to a visit). ``visits``: by visit, with ``person``
    and VISIT_REPEAT. Columns are target keys, item names or names of facts.
    """

    people: pl.DataFrame
    rows: Mapping[str, pl.DataFrame]
    visits: Mapping[str, pl.DataFrame]
    first_dose: Ints
    consent: Ints
    cohort: Ints
    names: pl.DataFrame = field(repr=False)


class Filler:
    """Fills one form at one visit after the other, each with its own random streams."""

    def __init__(
        self, study: Study, plan: Simulation, streams: Streams, facts: Facts, measures: Measures
    ) -> None:
        self.study, self.plan, self.streams = study, plan, streams
        self.facts, self.measures = facts, measures
        self.codes = [kind.code for kind in plan.cohorts]

    def fill(self, form: Form, visit: str, when: Occasions) -> pl.DataFrame:
        """The form at this visit: key columns, ``_day`` and one text column an item.

        Hidden items are null; items that are required and have no value hold a missing reason.
        """
        base = self._base(form, visit, when)
        columns = {
            item.name: self._item(form, item, visit, base, when.width) for item in form.items
        }
        wide = base.select("person", "ROW", "VISIT", "VISIT_REPEAT").with_columns(**columns)
        return self._visible(form, wide)

    def _base(self, form: Form, visit: str, when: Occasions) -> pl.DataFrame:
        """One row a form row: who, which repeat, which day, and the facts about that row."""
        frame = pl.DataFrame(
            {
                "person": when.person,
                "VISIT_REPEAT": when.repeat,
                "_day": when.day,
                "VISIT": pl.Series([visit] * len(when), dtype=pl.String),
            }
        )
        if visit in self.facts.visits:
            own = self.facts.visits[visit].drop("VISIT", strict=False)
            frame = frame.join(
                own, on=["person", "VISIT_REPEAT"], how="left", maintain_order="left"
            )
        rows = self.facts.rows.get(form.form)
        if not form.rows or rows is None:
            if form.rows and form.form not in self.facts.rows:
                return frame.clear().with_columns(ROW=pl.lit(1, pl.Int64))
            return frame.with_columns(ROW=pl.lit(1, pl.Int64))
        on = ["person", *(c for c in ("VISIT", "VISIT_REPEAT") if c in rows.columns)]
        frame = frame.join(rows, on=on, how="inner", maintain_order="left_right", suffix="_row")
        if "ROW" not in frame.columns:
            number = pl.int_range(1, pl.len() + 1).over("person", "VISIT_REPEAT")
            frame = frame.with_columns(ROW=number)
        return frame

    def _item(
        self, form: Form, item: Item, visit: str, base: pl.DataFrame, width: int
    ) -> pl.Series:
        """The text of one item in every row of ``base``."""
        person = base["person"].to_numpy()
        answer = self.plan.answers.get(f"{form.form}.{item.name}")
        if answer is not None:
            return self._answered(form, item, answer, visit, base, width)
        for name in (item.name, *(key_of(target) for target in item.to)):
            found = self._fact(name, base, person)
            if found is not None:
                return text_of(found, item)
        test = self._test(item)
        if test:
            value = self.measures.value(
                test,
                visit,
                person=person,
                repeat=base["VISIT_REPEAT"].to_numpy(),
                day=base["_day"].to_numpy(),
                width=width,
            )
            return text_of(pl.Series(value).fill_nan(None), item)
        if item.type in DATED:
            dates = item.name == form.date or item.required
            return text_of(_date(base["_day"]), item) if dates else _nothing(base.height)
        return (
            self._plausible(form, item, visit, base.height)
            if item.required
            else _nothing(base.height)
        )

    def _fact(self, name: str, base: pl.DataFrame, person: Ints) -> pl.Series | None:
        if name in base.columns:
            return base[name]
        if name in self.facts.people.columns:
            return self.facts.people[name].gather(person)
        return None

    def _any_fact(self, names: str, base: pl.DataFrame, person: Ints) -> pl.Series | None:
        """One fact, or whether any of several holds (``a|b``); None where none is known."""
        found = [self._fact(name, base, person) for name in names.split("|")]
        known = [column for column in found if column is not None]
        if len(known) < 2:
            return known[0] if known else None
        return pl.select(pl.any_horizontal(*known)).to_series()

    def _test(self, item: Item) -> str:
        """The test code of an item that holds a measured number, empty for others."""
        for target in item.to:
            for name, value in target.where:
                if name.endswith("TESTCD") and value in self.plan.measurements:
                    return value
        return ""

    def _answered(
        self, form: Form, item: Item, answer: Answer, visit: str, base: pl.DataFrame, width: int
    ) -> pl.Series:
        """An item that ``simulation.yaml`` answers itself."""
        n, person = base.height, base["person"].to_numpy()
        if answer.fact:
            found = self._any_fact(answer.fact, base, person)
            text = text_of(found, item) if found is not None else _nothing(n)
            return text.replace(answer.words) if answer.words else text
        steady = answer.each == "subject" and not form.rows
        size = len(self.facts.cohort) if steady else n
        rng = self.streams(f"{form.form}.{item.name}" + ("" if steady else f" {visit}"))
        u = rng.random((size, 3))
        who = np.arange(size) if steady else person
        if answer.number is not None:
            law: Normal = answer.number
            text = text_of(pl.Series(normal(rng, law, size)), item)
        elif answer.days is not None:
            return self._day(answer, base, u[person] if steady else u)
        else:
            words = np.full(size, None, dtype=object)
            if answer.values:
                words = pick_key(u[:, 0], answer.values)
            for code, weights in answer.by_cohort.items():
                mine = self.facts.cohort[who] == self.codes.index(code)
                words = np.where(mine, pick_key(u[:, 0], weights), words)
            text = pl.Series(words.tolist(), dtype=pl.String)
        empty = pl.Series(u[:, 1] < answer.empty)
        text = pl.select(pl.when(~empty).then(text)).to_series()
        return text.gather(person) if steady else text

    def _day(self, answer: Answer, base: pl.DataFrame, u: np.ndarray) -> pl.Series:
        assert answer.days is not None  # noqa: S101 - only called for answers with days
        person = base["person"].to_numpy()
        since = {
            "consent": self.facts.consent[person],
            "first_dose": self.facts.first_dose[person],
            "visit": base["_day"].to_numpy(),
        }[answer.since]
        low, high = answer.days
        day = since + low + np.floor(u[:, 0] * (high - low + 1)).astype(np.int64)
        return partial(_date(pl.Series(day)), u[:, 2], answer.partial)

    def _plausible(self, form: Form, item: Item, visit: str, n: int) -> pl.Series:
        """A value for an item nothing is known of: a code, a number in range, or its name."""
        u = self.streams(f"{form.form}.{item.name} {visit}").random(n)
        choices = self.study.choices(item)
        if choices:
            return pl.Series(pick_key(u, {c.code: 1.0 for c in choices}).tolist(), dtype=pl.String)
        if item.type in ("integer", "decimal"):
            low, high = item.low or 0.0, item.high if item.high is not None else 100.0
            return text_of(pl.Series(low + (high - low) * (0.25 + 0.5 * u)), item)
        return pl.Series([item.label.en] * n, dtype=pl.String)

    def _visible(self, form: Form, wide: pl.DataFrame) -> pl.DataFrame:
        """Hidden items emptied, calculated ones filled, missing reasons where a value is needed."""
        for item in form.items:
            shown: pl.Expr = pl.lit(value=True)
            if item.calculated:
                rule = expr.parse(item.calculated)
                if not expr.unknown_columns(rule, wide.columns):
                    value = typed(form, wide, rule.columns).select(rule.expr).to_series()
                    wide = wide.with_columns(text_of(value, item).alias(item.name))
            if item.shown_when:
                rule = expr.parse(item.shown_when)
                if not expr.unknown_columns(rule, wide.columns):
                    shows = typed(form, wide, rule.columns).select(rule.holds()).to_series()
                    shown = pl.lit(shows)
            value_or_reason = pl.col(item.name)
            if item.required:
                value_or_reason = value_or_reason.fill_null(f"{MISSING}ND")
            wide = wide.with_columns(pl.when(shown).then(value_or_reason).alias(item.name))
        return wide


def typed(form: Form, wide: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """The columns that a condition reads, in the types of their items; reasons are null."""
    items = {item.name: item for item in form.items}
    kinds = {"integer": pl.Int64, "decimal": pl.Float64}
    columns = []
    for name in dict.fromkeys(names):
        column = pl.col(name)
        if name in items:
            column = pl.when(~column.str.starts_with(MISSING)).then(column)
            kind = items[name].type
            if kind in kinds:
                column = column.cast(kinds[kind], strict=False)
            elif kind == "date":
                column = column.str.to_date("%Y-%m-%d", strict=False)
            elif kind == "datetime":
                column = column.str.to_datetime("%Y-%m-%dT%H:%M", strict=False)
        columns.append(column.alias(name))
    return wide.select(columns) if columns else wide.select("person")


def text_of(values: pl.Series, item: Item) -> pl.Series:
    """Values as they would be typed into the item: ISO dates, its decimals, Y and N.

    A day has the time of nine in the morning where the item asks for one.
    """
    if values.dtype == pl.String:
        return values
    if values.dtype == pl.Boolean:
        return pl.select(
            pl.when(values).then(pl.lit("Y")).when(~values).then(pl.lit("N"))
        ).to_series()
    shown = "%Y-%m-%dT09:00" if item.type == "datetime" else "%Y-%m-%d"
    if values.dtype == pl.Date:
        return values.dt.to_string(shown)
    if item.type in DATED:
        return _date(values).dt.to_string(shown)
    if not values.dtype.is_float():
        return values.cast(pl.String)
    decimals = 0 if item.type == "integer" else (1 if item.decimals is None else item.decimals)
    if item.low is not None or item.high is not None:
        values = values.clip(item.low, item.high)
    rounded = values.round(decimals)
    return (rounded.cast(pl.Int64) if decimals == 0 else rounded).cast(pl.String)


def _date(days: pl.Series) -> pl.Series:
    return days.cast(pl.Int32).cast(pl.Date)


def _nothing(n: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, n)


def long(wide: pl.DataFrame, form: Form, names: pl.DataFrame) -> pl.DataFrame:
    """Entries: one row a value or missing reason; items left empty have no row.

    ``names``: SITEID and SUBJID by row of ``People``.
    """
    person = wide["person"]
    keyed = wide.select(
        names["SITEID"].gather(person),
        names["SUBJID"].gather(person),
        "VISIT",
        pl.col("VISIT_REPEAT").cast(pl.Int32),
        pl.lit(form.form).alias("FORM"),
        pl.col("ROW").cast(pl.Int32),
        *(item.name for item in form.items),
    )
    tall = keyed.unpivot(
        on=[item.name for item in form.items], index=KEYS, variable_name="ITEM", value_name="VALUE"
    ).filter(pl.col("VALUE").is_not_null())
    is_reason = pl.col("VALUE").str.starts_with(MISSING)
    return tall.with_columns(
        VALUE=pl.when(~is_reason).then("VALUE"),
        REASON=pl.when(is_reason).then(pl.col("VALUE").str.slice(len(MISSING))),
    )
