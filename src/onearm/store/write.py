"""Write datasets for people and programs: Parquet, CSV, Dataset-JSON 1.1 and SAS transport."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from onearm.frames import Column, Frames, Spec
from onearm.store import csv, dataset_json, sas

FORMATS = ("parquet", "csv", "json", "xpt")


def write_datasets(
    datasets: Frames,
    specs: Mapping[str, Spec],
    folder: Path,
    *,
    formats: Collection[str],
    study: str,
    created: datetime,
) -> list[Path]:
    """Each dataset in each format, named like ``dm.parquet``; returns the files in order.

    A dataset without a specification gets one from its own columns. Raises ``ValueError`` for a
    format that is none of ``FORMATS`` and ``Problems`` where a transport file cannot hold the data.
    """
    if unknown := sorted(set(formats) - set(FORMATS)):
        raise ValueError(f"unknown format {unknown[0]!r}; known are {' '.join(FORMATS)}")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in sorted(datasets.items()):
        spec = specs.get(name) or _spec_of(name, frame)
        for form in FORMATS:
            if form not in formats:
                continue
            path = folder / f"{name.lower()}.{form}"
            if form == "parquet":
                frame.write_parquet(path, compression="zstd")
            elif form == "csv":
                csv.write_csv(frame, path)
            elif form == "json":
                dataset_json.write_json(frame, spec, path, study=study, created=created)
            else:
                sas.write_xpt(frame, spec, path, created=created)
            written.append(path)
    return written


def _spec_of(name: str, frame: pl.DataFrame) -> Spec:
    columns = tuple(
        Column(name, variable, variable, dataset_json.type_of(dtype))
        for variable, dtype in frame.schema.items()
    )
    return Spec(name, name, "", columns)
