"""Read SDTM datasets from XPT, Dataset-JSON, SAS7BDAT, Parquet or CSV files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from onearm import sdtm
from onearm.errors import Finding, OnearmError, Place, Problems
from onearm.frames import Spec
from onearm.store import csv, dataset_json, sas

READERS: Mapping[str, Callable[[Path], pl.DataFrame]] = {
    ".xpt": sas.read_xpt,
    ".sas7bdat": sas.read_sas7bdat,
    ".json": dataset_json.read_json,
    ".ndjson": dataset_json.read_ndjson,
    ".parquet": pl.read_parquet,
    ".csv": csv.read_csv,
}


def read_table(path: Path) -> pl.DataFrame:
    """One dataset from a file, by its ending; empty text becomes null.

    Raises ``Problems`` with one finding that names the file and what to do.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = " ".join(READERS)
        raise Problems([_unreadable(path, f"the ending {path.suffix!r} is not one of {known}")])
    try:
        frame = reader(path)
    except OnearmError as problem:
        raise Problems([_unreadable(path, str(problem))]) from problem
    except Exception as problem:  # third-party readers raise what they like on a broken file
        first = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise Problems([_unreadable(path, first)]) from problem
    if not frame.columns:
        raise Problems([_unreadable(path, "the file holds no columns")])
    names = [name.strip().upper() for name in frame.columns]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        why = f"the column {', '.join(doubled)} is there more than once"
        raise Problems([_unreadable(path, why)])
    nested = [n for n, t in frame.schema.items() if t.is_nested() or t in (pl.Binary, pl.Object)]
    if nested:
        why = "; ".join(f"the column {n} holds {frame.schema[n]}, not plain values" for n in nested)
        raise Problems([_unreadable(path, why)])
    return _tidy(frame)


def read_sdtm(folder: Path, *, use: Mapping[str, str] | None = None) -> dict[str, pl.DataFrame]:
    """All SDTM datasets of a folder, by domain name, typed by the SDTM specifications.

    A file's dataset is what its DOMAIN (or RDOMAIN) column says, else its name. ``use`` settles
    which file holds a domain that several files claim: ``{"RS": "rs_onco.parquet"}``.
    Raises ``Problems`` with every unreadable file, clash and untypable value.
    """
    if not folder.is_dir():
        raise OnearmError(f"{folder}: there is no such folder of SDTM datasets")
    wanted = dict(use or {})
    findings: list[Finding] = []
    claims: dict[str, dict[str, pl.DataFrame]] = {}
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in READERS and p.is_file()):
        try:
            frame = read_table(path)
        except Problems as problem:
            findings += problem.findings
            continue
        claims.setdefault(dataset_name(path, frame), {})[path.name] = frame
    if not claims and not findings:
        findings.append(
            Finding(
                Place(file=str(folder)),
                None,
                "input",
                f"no dataset found; a dataset is a file ending in {' '.join(READERS)}",
                "Name the folder that holds dm, ae, ex and the other domains.",
            )
        )
    domains: dict[str, pl.DataFrame] = {}
    specs = sdtm.specs()
    for name, files in claims.items():
        chosen, clash = _choose(folder, name, files, wanted)
        findings += clash
        if chosen is not None:
            frame, wrong = typed(files[chosen], specs.get(name), file=str(folder / chosen))
            domains[name] = frame
            findings += wrong
    findings += _unknown_choices(folder, wanted, claims)
    if findings:
        raise Problems(findings, f"{folder}: the SDTM datasets cannot be used as they are")
    return dict(sorted(domains.items()))


def dataset_name(path: Path, frame: pl.DataFrame) -> str:
    """The dataset a file holds: its one DOMAIN (or SUPP + RDOMAIN), else its name."""
    stem = path.stem.upper()
    for column, prefix in (("RDOMAIN", "SUPP"), ("DOMAIN", "")):
        if column in frame.columns and not (column == "RDOMAIN" and stem in {"CO", "RELREC"}):
            values = frame[column].drop_nulls().unique().to_list()
            if len(values) == 1:
                return f"{prefix}{values[0]}".upper()
    return stem


def typed(
    frame: pl.DataFrame, spec: Spec | None, *, file: str
) -> tuple[pl.DataFrame, list[Finding]]:
    """The frame with numbers where the specification says so; findings for values that are none."""
    if spec is None:
        return frame, []
    findings: list[Finding] = []
    for column in spec.columns:
        name = column.variable
        if name not in frame.columns or frame.schema[name] == column.dtype:
            continue
        if column.type in {"integer", "float"} and frame.schema[name] == pl.String:
            number = pl.col(name).cast(pl.Float64, strict=False)
            bad = frame.with_row_index("_row", offset=2).filter(
                pl.col(name).is_not_null() & number.is_null()
            )
            findings += [
                Finding(
                    Place(
                        subject=row.get("USUBJID") or "",
                        form=spec.name,
                        field=name,
                        file=file,
                        line=row["_row"],
                    ),
                    row[name],
                    f"{spec.name} specification",
                    f"expected {column.type} ({column.label})",
                    "Correct the value in the source.",
                )
                for row in bad.iter_rows(named=True)
            ]
            frame = frame.with_columns(number)
        elif column.type == "text" and frame.schema[name].is_numeric():
            frame = frame.with_columns(plain_text(name))
        elif column.type == "text" and frame.schema[name].is_temporal():
            frame = frame.with_columns(pl.col(name).cast(pl.String))
        elif column.type in {"integer", "float"} and frame.schema[name].is_numeric():
            frame = frame.with_columns(pl.col(name).cast(pl.Float64).cast(column.dtype))
    return frame, findings


def plain_text(name: str) -> pl.Expr:
    """Numbers as a reader would type them: 1.0 is "1"."""
    return pl.col(name).cast(pl.String).str.strip_suffix(".0")


def _tidy(frame: pl.DataFrame) -> pl.DataFrame:
    """Upper-case names; empty and blank text as null; text columns without any value as text."""
    frame = frame.rename({c: c.strip().upper() for c in frame.columns})
    text = pl.col(pl.String).str.strip_chars_end()
    return frame.with_columns(
        pl.when(text != "").then(text).name.keep(),
        pl.col(pl.Null).cast(pl.String),
        pl.col(pl.Categorical).cast(pl.String),
    )


def _choose(
    folder: Path, name: str, files: Mapping[str, pl.DataFrame], wanted: Mapping[str, str]
) -> tuple[str | None, list[Finding]]:
    if name in wanted and wanted[name] in files:
        return wanted[name], []
    named = [file for file in files if Path(file).stem.upper() == name]
    if len(files) == 1 or (len(named) == 1 and name not in wanted):
        return (named or list(files))[0], []
    first = next(iter(files))
    return None, [
        Finding(
            Place(form=name, file=str(folder)),
            ", ".join(files),
            "input",
            f"several files hold {name}",
            f"Keep one of them in the folder, or say which: --use {name}={first}",
        )
    ]


def _unknown_choices(
    folder: Path, wanted: Mapping[str, str], claims: Mapping[str, Mapping[str, pl.DataFrame]]
) -> list[Finding]:
    return [
        Finding(
            Place(form=name, file=str(folder)),
            file,
            "input",
            f"--use names a file that does not hold {name}",
            f"Files that do: {', '.join(claims.get(name, {})) or 'none'}",
        )
        for name, file in wanted.items()
        if file not in claims.get(name, {})
    ]


def _unreadable(path: Path, why: str) -> Finding:
    return Finding(
        Place(file=str(path)),
        None,
        "input",
        f"cannot be read: {why}",
        "Export the dataset again, or remove the file.",
    )
