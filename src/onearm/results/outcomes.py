"""What became of the subjects, for the biomarker engine: read from the analysis datasets only."""

from __future__ import annotations

import numpy as np
import polars as pl

from onearm import expr
from onearm.errors import Finding, OnearmError, Place, Problems
from onearm.frames import Frames
from onearm.omics.assay import Outcomes, Times
from onearm.stats.arguments import Floats
from onearm.study import Study
from onearm.study.biomarkers import Biomarkers, MarkerEndpoint

FILE = "biomarkers.yaml"


def outcomes(study: Study, datasets: Frames) -> Outcomes:
    """The endpoints and columns of ``biomarkers.yaml``, one entry a subject of its population.

    datasets: ADaM by name; ADSL is needed. Subjects are sorted by USUBJID. A response is 1 or 0:
    who has no row that shows it has not responded; where the endpoint names who is evaluable, the
    others are NaN. Times are AVAL of ADTTE in days, an event where CNSR = 0; NaN for subjects
    without the parameter. Raises ``Problems`` naming every dataset and column that is not there.
    """
    plan = study.biomarkers
    if plan is None:
        raise OnearmError(f"{study.id}: the study has no {FILE}, so nothing is asked of assays")
    _check(study, plan, datasets)
    chosen = datasets["ADSL"].filter(expr.parse(plan.population).holds()).sort("USUBJID")
    subjects = tuple(chosen["USUBJID"])
    columns = chosen.select(
        subject_id="USUBJID", **{c.name: expr.parse(c.expr).expr for c in plan.columns}
    )
    kinds = {kind: [e for e in plan.endpoints if e.kind == kind] for kind in _KINDS}
    return Outcomes(
        subjects,
        {e.name: _response(e, datasets, subjects, chosen) for e in kinds["response"]},
        {e.name: _time(e, datasets, subjects) for e in kinds["time"]},
        {e.name: _amount(e, datasets, subjects) for e in kinds["amount"]},
        columns,
    )


_KINDS = ("response", "time", "amount")


def _check(study: Study, plan: Biomarkers, datasets: Frames) -> None:
    findings = []
    for path, text, name in plan.expressions():
        frame = datasets.get(name)
        place = study.place(FILE, path)
        if frame is None:
            message = f"reads the dataset {name}, which the trial does not have"
            findings.append(Finding(place, name, FILE, message))
            continue
        # Columns of ADSL may be read beside those of any other dataset.
        known = {*frame.columns, *datasets["ADSL"].columns}
        for column in expr.unknown_columns(expr.parse(text), known):
            message = f"'{text}' reads {column}, which {name} does not have"
            findings.append(Finding(place, column, FILE, message, expr.suggest(column, known)))
    if any(e.kind == "time" for e in plan.endpoints) and "ADTTE" not in datasets:
        message = "reads the dataset ADTTE, which the trial does not have"
        findings.append(Finding(Place(file=FILE), "ADTTE", FILE, message))
    if findings:
        raise Problems(findings, "the endpoints of the markers cannot be read")


def _rows(endpoint: MarkerEndpoint, datasets: Frames) -> pl.DataFrame:
    """The rows of the endpoint's dataset in which ``success`` holds."""
    frame, subjects = datasets[endpoint.reads], datasets["ADSL"]
    if endpoint.reads != "ADSL":
        new = [c for c in subjects.columns if c not in frame.columns]
        frame = frame.join(subjects.select("USUBJID", *new), on="USUBJID", how="left")
    return frame.filter(expr.parse(endpoint.success or "TRUE").holds())


def _response(
    endpoint: MarkerEndpoint, datasets: Frames, subjects: tuple[str, ...], chosen: pl.DataFrame
) -> Floats:
    shown = set(_rows(endpoint, datasets)["USUBJID"])
    values = np.array([float(subject in shown) for subject in subjects])
    if endpoint.evaluable:
        known = chosen.select(expr.parse(endpoint.evaluable).holds()).to_series().to_numpy()
        values = np.where(known, values, np.nan)
    return values


def _time(endpoint: MarkerEndpoint, datasets: Frames, subjects: tuple[str, ...]) -> Times:
    rows = datasets["ADTTE"].filter(pl.col("PARAMCD") == endpoint.parameter)
    days = dict(rows.select("USUBJID", "AVAL").iter_rows())
    censored = dict(rows.select("USUBJID", "CNSR").iter_rows())
    time = np.array([_number(days.get(subject)) for subject in subjects])
    return Times(time, np.array([censored.get(subject) == 0 for subject in subjects]))


def _amount(endpoint: MarkerEndpoint, datasets: Frames, subjects: tuple[str, ...]) -> Floats:
    rows = _rows(endpoint, datasets).select("USUBJID", value=expr.parse(endpoint.value).expr)
    found = rows.drop_nulls().unique("USUBJID", keep="first", maintain_order=True)
    values = dict(found.iter_rows())
    return np.array([_number(values.get(subject)) for subject in subjects])


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
