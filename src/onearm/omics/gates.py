"""Gates that stop an analysis: outcomes tied to a batch, assays missing by outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import fisher_exact

from onearm.errors import Finding, OnearmError, Problems
from onearm.omics.assay import Block, Outcomes
from onearm.omics.association import design_columns, is_categorical, known, strength
from onearm.omics.auc import auc
from onearm.omics.gate_findings import refusal, repeated, warnings
from onearm.omics.residuals import survival_residual
from onearm.stats.arguments import Floats
from onearm.stats.logrank import log_rank

REFUSE = 0.999
STRATIFY = 0.5

TABLE: Mapping[str, pl.DataType] = {
    "column": pl.String(),
    "endpoint": pl.String(),
    "measure": pl.String(),
    "value": pl.Float64(),
    "strength": pl.Float64(),  # on the scale of Cramer's V
    "by_chance": pl.Float64(),  # about the strength without any association
    "n": pl.Int64(),
    "levels": pl.Int64(),  # null for an amount
    "label_auc": pl.Float64(),  # responses: AUC of the label alone
    "verdict": pl.String(),  # pass, stratify, refuse, not judged
}


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """What the confounding gate decided.

    table: one row a column and endpoint and measure (`TABLE`). refused: (column, endpoint) pairs
    whose association must not be run. strata: by endpoint the columns that must be in the design
    and in the permutation strata. findings: errors for what is refused, warnings for the strata.
    """

    table: pl.DataFrame
    refused: tuple[tuple[str, str], ...]
    strata: Mapping[str, tuple[str, ...]]
    findings: tuple[Finding, ...]

    @property
    def refused_endpoints(self) -> tuple[str, ...]:
        """Endpoints that no association may be run for, sorted."""
        return tuple(sorted({endpoint for _, endpoint in self.refused}))

    def require(self) -> None:
        """Raise `Problems` with every refusal, if there is one."""
        errors = [finding for finding in self.findings if finding.severity == "error"]
        if errors:
            raise Problems(errors, "confounding gate: the association is refused")


def confounding(outcomes: Outcomes, columns: pl.DataFrame) -> Gate:
    """Judge every design column against every endpoint.

    columns: one row a subject, first column ``subject_id``, the others batch, centre, tumour type
    and the like; subjects without an outcome are left out. Categories against a response: Cramer's
    V; against an amount, and an amount against a response: eta-squared; two amounts: r-squared. A
    time to event is judged twice: its event indicator by the first, its null martingale residual by
    the second. Eta- and r-squared are compared by their roots, which are on the scale of V.

    Strength of 0.999 or more, or an endpoint that lies in the span of the columns (rank of the
    joint design): refused. 0.5 or more: the column goes into the design and the strata, with a
    warning. A column that repeats one already taken into the design is left out, and named.
    A column or endpoint of one value is not judged, nor a label no two subjects share. Missing
    values: only subjects with both count.
    Raises where no subject has an outcome.
    Source: omics.md, section 2.
    """
    columns = _aligned(outcomes, columns)
    names = columns.columns[1:]
    rows, spans = [], []
    for endpoint, parts in _endpoints(outcomes).items():
        for name in names:
            rows += [_judged(columns[name], endpoint, part) for part in parts]
        spans += _joint(
            columns, endpoint, parts[0], {r["column"] for r in rows if _is(r, endpoint)}
        )
    table = pl.DataFrame(rows, schema=dict(TABLE)).sort("column", "endpoint", "measure")
    refused = [
        (row["column"], row["endpoint"])
        for row in table.filter(pl.col("verdict") == "refuse").iter_rows(named=True)
    ]
    joint = [(" + ".join(together), endpoint) for together, endpoint in spans]
    pairs = tuple(dict.fromkeys(refused + joint))
    strata, dropped = _strata(table, columns, outcomes.endpoints)
    findings = [refusal(table, columns, outcomes, pair) for pair in pairs]
    findings += warnings(table, strata) + dropped
    return Gate(table, pairs, strata, tuple(findings))


def label_benchmark(outcomes: Outcomes, column: pl.DataFrame) -> dict[str, float]:
    """AUC with which the label alone predicts each response: by the response rate of its level.

    column: two columns, ``subject_id`` and the label; an amount is taken as it is (AUC of 0.5 or
    more, whichever way it points). NaN where the response or the label does not vary. No model is
    fitted beyond the rates, and the same patients give the rates and the AUC: this is how well the
    label could pass for a biomarker in these data.
    """
    aligned = _aligned(outcomes, column)
    label = aligned[aligned.columns[1]]
    return {name: _label_auc(label, values) for name, values in outcomes.responses.items()}


def benchmark_sentence(column: str, endpoint: str, value: float) -> str:
    """The sentence every report prints beside a prediction."""
    return f"{column} alone predicts {endpoint} with AUC {value:.3f}"


def missingness(blocks: Sequence[Block], outcomes: Outcomes) -> pl.DataFrame:
    """Test whether an assay is missing by outcome: Fisher for responses, log-rank for times.

    One row a block and endpoint: modality, timepoint, endpoint, test, p, n_available, n_absent,
    events_available, events_absent (responders or events). Subjects without the endpoint do not
    count. p is null where every subject has the assay, or none, or there is no event.
    """
    rows = [row for made in blocks for row in _availability_rows(made, outcomes)]
    schema = {
        "modality": pl.String,
        "timepoint": pl.String,
        "endpoint": pl.String,
        "test": pl.String,
        "p": pl.Float64,
        "n_available": pl.Int64,
        "n_absent": pl.Int64,
        "events_available": pl.Int64,
        "events_absent": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


Part = tuple[str, pl.Series]


def _endpoints(outcomes: Outcomes) -> dict[str, tuple[Part, ...]]:
    """By endpoint what a column is compared with: the first item is what it is about."""
    parts: dict[str, tuple[Part, ...]] = {}
    for name, values in outcomes.responses.items():
        parts[name] = (("", _flags(values)),)
    for name, times in outcomes.times.items():
        has = ~np.isnan(times.time)
        event = _flags(np.where(has, times.event, np.nan))
        none = np.zeros(has.size, dtype=np.int64)
        residual, _ = survival_residual(times, none, np.zeros((has.size, 0)))
        score = pl.Series(np.where(has, residual, np.nan))
        parts[name] = ((" of the event", event), (" of the martingale residual", score))
    for name, values in outcomes.amounts.items():
        parts[name] = (("", pl.Series(values)),)
    return parts


def _flags(values: Floats) -> pl.Series:
    return pl.Series(values).fill_nan(None).cast(pl.Int64)


def _aligned(outcomes: Outcomes, columns: pl.DataFrame) -> pl.DataFrame:
    """The columns in the order of the outcomes' subjects, null for subjects they lack."""
    key = columns.columns[0]
    if columns[key].n_unique() != columns.height:
        twice = columns.filter(columns[key].is_duplicated())[key][0]
        raise OnearmError(f"design columns: subject {twice!r} stands there twice")
    frame = pl.DataFrame({"subject_id": outcomes.subjects})
    joined = frame.join(
        columns.rename({key: "subject_id"}), on="subject_id", how="left", maintain_order="left"
    )
    if not set(columns[key]) & set(outcomes.subjects):
        raise OnearmError("design columns: none of their subjects has an outcome")
    return joined


def _judged(column: pl.Series, endpoint: str, part: Part) -> dict[str, object]:
    about, other = part
    found = strength(column, other)
    value = found.strength
    # A label of its own for each subject names people, and would be aliased with anything.
    names_people = is_categorical(column) and column.drop_nulls().n_unique() >= found.n
    if np.isnan(value) or names_people:
        verdict = "not judged"
    else:
        verdict = "refuse" if value >= REFUSE else "stratify" if value >= STRATIFY else "pass"
    label = np.nan
    if not about and is_categorical(other):
        label = _label_auc(column, other.cast(pl.Float64).fill_null(np.nan).to_numpy())
    return {
        "column": column.name,
        "endpoint": endpoint,
        "measure": found.measure + about,
        "value": _or_none(found.value),
        "strength": _or_none(value),
        "by_chance": _or_none(found.by_chance),
        "n": found.n,
        "levels": column.drop_nulls().n_unique() if is_categorical(column) else None,
        "label_auc": _or_none(label),
        "verdict": verdict,
    }


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _is(row: Mapping[str, object], endpoint: str) -> bool:
    """A row of this endpoint whose column takes part in the joint design."""
    return row["endpoint"] == endpoint and row["verdict"] in ("pass", "stratify")


def _joint(
    columns: pl.DataFrame, endpoint: str, part: Part, taking: set[object]
) -> list[tuple[tuple[str, ...], str]]:
    """The fewest leading columns in whose span the endpoint lies, where there are such.

    Columns that are refused alone are not asked again. A design of as many columns as subjects
    spans everything; that is no finding about the endpoint, so it needs one degree of freedom left.
    """
    names = [name for name in columns.columns[1:] if name in taking]
    usable = known(part[1])
    for name in names:
        usable &= known(columns[name])
    rows = columns.filter(pl.Series(usable))
    y = part[1].filter(pl.Series(usable)).cast(pl.Float64).to_numpy()
    if y.size < 3 or np.ptp(y) == 0:
        return []
    design = np.ones((y.size, 1))
    inside: list[str] = []
    for name in names:
        added = np.hstack([design, design_columns(rows[name])])
        if np.linalg.matrix_rank(added) > np.linalg.matrix_rank(design):
            design, inside = added, [*inside, name]
        rank = np.linalg.matrix_rank(design)
        if rank >= y.size - 1:
            return []
        if np.linalg.matrix_rank(np.column_stack([design, y])) == rank:
            return [(tuple(inside), endpoint)]
    return []


def _label_auc(label: pl.Series, response: Floats) -> float:
    """In-sample AUC of a label for a response."""
    usable = known(label) & ~np.isnan(response)
    y = response[usable]
    if y.size == 0 or np.ptp(y) == 0:
        return float("nan")
    kept = label.filter(pl.Series(usable))
    if is_categorical(label):
        rates = pl.DataFrame({"label": kept.cast(pl.String), "y": y})
        score = rates.select(pl.col("y").mean().over("label")).to_series().to_numpy()
    else:
        score = kept.cast(pl.Float64).to_numpy()
    value = float(auc(score[:, None], y).value[0])
    return max(value, 1 - value)


def _strata(
    table: pl.DataFrame, columns: pl.DataFrame, endpoints: tuple[str, ...]
) -> tuple[dict[str, tuple[str, ...]], list[Finding]]:
    """By endpoint the columns for design and strata, strongest first, none of which repeats."""
    strata: dict[str, tuple[str, ...]] = {}
    findings: list[Finding] = []
    for endpoint in endpoints:
        asked = (
            table.filter(pl.col("endpoint") == endpoint, pl.col("verdict") == "stratify")
            .sort(["strength", "column"], descending=[True, False])
            .unique("column", keep="first", maintain_order=True)
            .get_column("column")
        )
        taken: list[str] = []
        for name in asked:
            repeats = next((old for old in taken if _repeats(columns, old, name)), None)
            if repeats is None:
                taken.append(name)
            else:
                findings.append(repeated(endpoint, name, repeats))
        strata[endpoint] = tuple(taken)
    return strata, findings


def _repeats(columns: pl.DataFrame, old: str, name: str) -> bool:
    value = strength(columns[old], columns[name]).strength
    return not np.isnan(value) and value >= REFUSE


def _availability_rows(made: Block, outcomes: Outcomes) -> list[tuple[object, ...]]:
    has = np.isin(outcomes.subjects, made.subjects)
    rows: list[tuple[object, ...]] = []
    for name, values in outcomes.responses.items():
        usable = ~np.isnan(values)
        table = [[int(((values == y) & usable & (has == h)).sum()) for y in (1, 0)] for h in (1, 0)]
        (yes_1, yes_0), (no_1, no_0) = table
        testable = min(yes_1 + yes_0, no_1 + no_0) > 0 and 0 < yes_1 + no_1 < usable.sum()
        p = float(fisher_exact(table)[1]) if testable else None
        sizes = (yes_1 + yes_0, no_1 + no_0, yes_1, no_1)
        rows.append((made.modality, made.timepoint, name, "Fisher", p, *sizes))
    for name, times in outcomes.times.items():
        usable = ~np.isnan(times.time)
        with_it, event = has[usable], times.event[usable]
        p = None
        if with_it.any() and not with_it.all():
            p = log_rank(times.time[usable], event, with_it.tolist()).p_value
        n = int(with_it.sum())
        sizes = (n, int(with_it.size) - n, int(event[with_it].sum()), int(event[~with_it].sum()))
        rows.append((made.modality, made.timepoint, name, "log-rank", p, *sizes))
    return rows
