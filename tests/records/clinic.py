"""A small trial and the ways to enter data into it: what the tests of records and SDTM share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from onearm.records import Records, at_cut
from onearm.study import Study, load

FOLDER = Path(__file__).parent / "small"
SCHEMA = {
    "SITEID": pl.String,
    "SUBJID": pl.String,
    "VISIT": pl.String,
    "VISIT_REPEAT": pl.Int32,
    "FORM": pl.String,
    "ROW": pl.Int32,
    "ITEM": pl.String,
    "VALUE": pl.String,
    "REASON": pl.String,
}
Row = tuple[str, str, str, int, str, int, str, str | None, str | None]


@lru_cache(maxsize=1)
def small_study() -> Study:
    """The trial in ``tests/records/small``."""
    return load(FOLDER)


def enter(place: str, **items: object) -> list[Row]:
    """Entries of one form row: ``01-001 / CYCLE 2 / VS 1``; ``ITEM="!ND"`` gives a reason."""
    subject, visit, form = (part.strip() for part in place.split("/"))
    site = subject.split("-")[0]
    name, repeat = ([*visit.split(), "1"])[:2]
    code, row = ([*form.split(), "1"])[:2]
    entries: list[Row] = []
    for item, given in items.items():
        text = None if given is None else str(given)
        reason = text[1:] if text and text.startswith("!") else None
        value = None if reason else text
        entries.append((site, subject, name, int(repeat), code, int(row), item, value, reason))
    return entries


def frame(*rows: Iterable[Row]) -> pl.DataFrame:
    """The entries frame of several form rows."""
    return pl.DataFrame([r for part in rows for r in part], schema=SCHEMA, orient="row")


def records(*rows: Iterable[Row], cut: date | None = None) -> Records:
    """Records of the small trial."""
    return at_cut(small_study(), frame(*rows), cut=cut)


def subject(number: str = "01-001", *, sex: str = "F") -> list[Row]:
    """A treated patient: consent 2 January 2020, first dose 10 January, one scan, still alive."""
    at = number
    return [
        *enter(f"{at} / SCREENING / VISIT", VISDAT="2020-01-03"),
        *enter(
            f"{at} / SCREENING / DM",
            RFICDAT="2020-01-02",
            BRTHDAT="1960-02-29",
            SEX=sex,
            PREGNANT="N" if sex == "F" else None,
        ),
        *enter(f"{at} / SCREENING / ELIG", IEDAT="2020-01-03"),
        *enter(f"{at} / SCREENING / ENROL", ENDAT="2020-01-08", ENSTAT="ENROLLED"),
        *enter(f"{at} / SCREENING / VS", WEIGHT="61.5", HEIGHT="65", SYSBP=120, DIABP=80),
        *enter(f"{at} / SCREENING / LB", LBDAT="2020-01-03", ALT=41, BILI="0.5", AFP="<1.3"),
        *enter(
            f"{at} / SCREENING / TUMOR 1",
            LESID="T01",
            LESDAT="2020-01-04",
            LESROLE="TARGET",
            LESLOC="LIVER",
            LESSLICE="5.0",
            LESDIAM="42",
        ),
        *enter(
            f"{at} / SCREENING / TUMOR 2",
            LESID="NT01",
            LESDAT="2020-01-04",
            LESROLE="NON-TARGET",
            LESLOC="LUNG",
            LESSTATE="PRESENT",
        ),
        *enter(f"{at} / CYCLE 1 / VISIT", VISDAT="2020-01-10"),
        *enter(f"{at} / CYCLE 1 / LB", LBDAT="2020-01-10", ALT=51, BILI="1.30"),
        *enter(f"{at} / CYCLE 2 / VISIT", VISDAT="2020-01-31"),
        *enter(f"{at} / CYCLE 2 / LB", LBDAT="2020-01-31", ALT=6),
        *enter(f"{at} / SCAN 1 / VISIT", VISDAT="2020-02-21"),
        *enter(
            f"{at} / SCAN 1 / TUMOR 1",
            LESID="T01",
            LESDAT="2020-02-21",
            LESROLE="TARGET",
            LESLOC="LIVER",
            LESDIAM="28.5",
        ),
        *enter(f"{at} / SCAN 1 / RESPONSE", RSDAT="2020-02-22", OVRLRESP="PR"),
        *enter(
            f"{at} / LOG / EX 1",
            EXTRT="DRUG A",
            EXDOSE=10,
            EXDOSU="mg",
            EXSTDAT="2020-01-10",
            EXENDAT="2020-02-15",
        ),
        *enter(
            f"{at} / LOG / EX 2",
            EXTRT="DRUG A",
            EXDOSE=0,
            EXDOSU="mg",
            EXSTDAT="2020-02-16",
            EXENDAT="2020-02-28",
        ),
        *enter(
            f"{at} / LOG / EX 3",
            EXTRT="DRUG B",
            EXDOSE=200,
            EXDOSU="mg",
            EXSTDAT="2020-01-10",
            EXENDAT="2020-01-10",
        ),
        *enter(
            f"{at} / LOG / AE 1",
            AETERM="felt sick",
            AECODE="Nausea",
            AESTDAT="2020-01-12",
            AEENDAT="2020-03-02",
            AEONGO="BEFORE",
            AETOXGR=2,
            AEREL="Y",
            AEOUT="RECOVERED/RESOLVED",
        ),
    ]


def screen_failure(number: str = "01-002") -> list[Row]:
    """A patient who never came as far as a dose: bleeding varices."""
    return [
        *enter(f"{number} / SCREENING / VISIT", VISDAT="2020-02-01"),
        *enter(f"{number} / SCREENING / DM", RFICDAT="2020-02-01", AGE=55, SEX="M"),
        *enter(f"{number} / SCREENING / ELIG 1", IEDAT="2020-02-02", IETESTCD="EX01", IEORRES="Y"),
        *enter(f"{number} / SCREENING / ELIG 2", IEDAT="2020-02-02", IETESTCD="IN01", IEORRES="Y"),
        *enter(f"{number} / SCREENING / ENROL", ENDAT="2020-02-03", ENSTAT="SCREEN FAILURE"),
    ]
