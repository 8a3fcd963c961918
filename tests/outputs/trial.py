"""The trial that tests of outputs print: the shipped study's shells over the fixture's datasets."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from onearm.outputs.labels import Labels
from onearm.outputs.numbers import NEEDED, Numbers
from onearm.results import run
from onearm.study import Study, load
from onearm.study.outputs import Outputs
from tests.results import fixture

PARTS = ("study", "schedule", "subjects", "endpoints", "analyses", "outputs")
COHORTS = fixture.COHORTS
EN = Labels("en")


def study(folder: Path) -> Study:
    """The shipped study without its forms, which outputs do not read."""
    for name in PARTS:
        source = fixture.STUDY_FOLDER / f"{name}.yaml"
        if source.exists():
            shutil.copy(source, folder)
    return load(folder)


@cache
def datasets() -> dict[str, pl.DataFrame]:
    """The fixture's datasets with what figures and listings read beyond results."""
    frames = dict(fixture.datasets())
    treated = frames["ADSL"].filter(pl.col("FASFL") == "Y")
    if "FIRSTDT" not in frames["ADEX"]["PARAMCD"].to_list():
        frames["ADEX"] = pl.concat([frames["ADEX"], *_doses(treated)], how="diagonal_relaxed")
    if "RULE" not in frames["ADTTE"].columns:
        frames["ADTTE"] = frames["ADTTE"].with_columns(RULE=pl.lit("last-scan"))
    return frames


def one_patient() -> dict[str, pl.DataFrame]:
    """The datasets of one treated patient, the first with a confirmed response."""
    adsl = datasets()["ADSL"].filter(pl.col("RESPFL") == "Y")
    first = adsl["USUBJID"][0]
    return {name: d.filter(pl.col("USUBJID") == first) for name, d in datasets().items()}


def _doses(treated: pl.DataFrame) -> list[pl.DataFrame]:
    return [
        treated.select(
            "USUBJID",
            "SAFFL",
            ADT=date,
            EXTRT=pl.lit(drug),
            PARAMCD=pl.lit(code),
            ASEQ=pl.lit(100 * i + j, pl.Int32),
        )
        for i, drug in enumerate(fixture.DRUGS, start=1)
        for j, (code, date) in enumerate({"FIRSTDT": "TRTSDT", "LASTDT": "TRTEDT"}.items())
    ]


@cache
def results() -> pl.DataFrame:
    """The results of the shipped analyses over these datasets."""
    return results_of(datasets())


def results_of(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The results of the shipped analyses over other datasets."""
    return run(fixture.plan(), frames, levels=COHORTS, design=fixture.design())


Cell = Mapping[str, Any]  # Any: columns of one hand-made result


def numbers(*cells: Cell) -> Numbers:
    """Results made by hand: each names analysis, operation and value, and what else it has."""
    rows = []
    for cell in cells:
        row = dict.fromkeys(NEEDED) | {"group1": "COHORT", "level1": "Total"} | dict(cell)
        levels = [str(row[name]) for name in ("level1", "level2", "level3") if row[name]]
        row["result_id"] = ".".join([str(row["analysis"]), str(row["operation"]), *levels])
        rows.append(row)
    text = dict.fromkeys(NEEDED, pl.String()) | {"value": pl.Float64(), "n_used": pl.Int64()}
    return Numbers(pl.DataFrame(rows, schema=text))


def outputs(**parts: Any) -> Outputs:  # Any: parts of outputs.yaml as plain values
    """A small ``outputs.yaml`` made of these parts."""
    return Outputs.model_validate({"report": {"title": "Report"}, **parts})
