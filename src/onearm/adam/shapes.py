"""What the analysis datasets look like: their specifications, with what a study adds to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import polars as pl

from onearm.adam import adsl
from onearm.adam.assessments import COLUMNS
from onearm.dates import study_day
from onearm.errors import OnearmError
from onearm.frames import Column, Spec, load_specs, shape
from onearm.study.endpoints import Endpoints
from onearm.study.subjects import SubjectRules

IDENTITY = ("STUDYID", "USUBJID", "SUBJID", "SITEID")


@cache
def shipped() -> Mapping[str, Spec]:
    """The specifications of the analysis datasets as they ship, by name."""
    return load_specs(files("onearm.adam").joinpath("spec"))


def with_study(
    rules: SubjectRules | None = None, endpoints: Endpoints | None = None
) -> dict[str, Spec]:
    """The specifications with the study's own variables behind the shipped ones.

    ADSL gets the variables and sets of ``subjects.yaml``, the others those it tells them to carry,
    ADAE the relations and supplemental qualifiers of ``endpoints.yaml``.
    Raises OnearmError for a variable that has no label anywhere.
    """
    specs = dict(shipped())
    if rules is not None:
        own = _own_columns(rules)
        specs["ADSL"] = _extended(specs["ADSL"], own)
        known = {column.variable: column for column in specs["ADSL"].columns}
        carried = [
            dataclasses.replace(known[name], core="Cond", key=0, source=f"ADSL.{name}")
            for name in rules.carry
            if name in known
        ]
        for name, spec in specs.items():
            if name != "ADSL":
                specs[name] = _extended(spec, carried)
    if endpoints is not None and endpoints.adverse_events is not None:
        events = endpoints.adverse_events
        extra = [
            column
            for drug in events.drugs
            for column in (
                Column("ADAE", drug.name, str(drug.label), "text", source=f"AE.{drug.from_}"),
                Column("ADAE", drug.flag, f"{drug.label}, or missing", "text", codelist="NY"),
            )
        ]
        extra += [Column("ADAE", q, q, "text", source=f"SUPPAE.{q}") for q in events.supplemental]
        specs["ADAE"] = _extended(specs["ADAE"], extra)
    return specs


def _own_columns(rules: SubjectRules) -> list[Column]:
    known = {column.variable for column in shipped()["ADSL"].columns}
    columns = []
    for name, label, kind in adsl.names(rules):
        if name in known:
            continue
        if not label:
            raise OnearmError(f"subjects.yaml, variable {name}: it needs a label")
        columns.append(
            Column("ADSL", name, label, kind, core="Perm", origin="Derived", method="subjects.yaml")
        )
    return columns


def _extended(spec: Spec, extra: list[Column]) -> Spec:
    new = [dataclasses.replace(c, dataset=spec.name) for c in extra if c.variable not in spec.names]
    return dataclasses.replace(spec, columns=(*spec.columns, *new))


def finish(rows: pl.DataFrame, spec: Spec, subjects: pl.DataFrame, *, start: str) -> pl.DataFrame:
    """Rows as the dataset they belong to: subject variables, study days, order, ASEQ, types.

    rows: USUBJID and the dataset's own columns. subjects: ADSL. ``start``: ADSL's date of day 1.
    ASEQ counts within the subject in the order of the natural key, so that a row added for one
    subject moves no other subject's numbers. Raises a polars error where a type does not fit.
    """
    own = set(rows.columns) - {"USUBJID"}
    carried = [n for n in spec.names if n in subjects.columns and n not in own]
    place = subjects.select("USUBJID", _start=_origin(subjects, start)).with_row_index("_subject")
    table = rows.join(place, on="USUBJID", how="inner", validate="m:1")
    days = [
        study_day(pl.col(date), pl.col("_start")).alias(day)
        for date, day in (("ADT", "ADY"), ("ASTDT", "ASTDY"), ("AENDT", "AENDY"))
        if day in spec.names and date in table.columns
    ]
    # ADSL is in the order of USUBJID: its row number sorts as the name does, and faster.
    key = ["_subject", *(n for n in spec.key if n in own)]
    ordered = table.with_columns(days).sort(key, nulls_last=False, maintain_order=True)
    about = subjects.select(carried)[ordered["_subject"]]
    numbered = ordered.drop("USUBJID").with_columns(
        ASEQ=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("_subject")
    )
    return shape(pl.concat([about, numbered], how="horizontal"), spec)


def _origin(subjects: pl.DataFrame, start: str) -> pl.Expr:
    return pl.col(start) if start in subjects.columns else pl.lit(None, pl.Date)


def readable(
    rules: SubjectRules | None = None, endpoints: Endpoints | None = None
) -> dict[str, tuple[str, ...]]:
    """What an expression may read, by dataset, for the study checker.

    Besides the analysis datasets: ``ASSESSMENTS`` (conditions of ``any`` answers) and ``ANSWERS``
    (conditions of ``subject`` answers), and in ADSL the constants of ``subjects.yaml``.
    """
    specs = with_study(rules, endpoints)
    known = {name: spec.names for name, spec in specs.items()}
    dates = [c.variable for c in specs["ADSL"].columns if c.type == "date"]
    blocks = endpoints.responses if endpoints is not None else ()
    answers = [a.param for block in blocks for a in block.answers]
    known["ADSL"] += tuple(rules.constants) if rules is not None else ()
    known["ASSESSMENTS"] = COLUMNS
    known["ANSWERS"] = (
        *known["ADSL"],
        *(f"{name}_DAY" for name in (*dates, *answers)),
        *answers,
        *(f"{name}_DT" for name in answers),
        *(name for block in blocks for name in block.constants),
    )
    return known
