"""A patient of the shipped study written by hand, and copies of her with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import polars as pl

from onearm.cli.demo import shipped_study
from onearm.cli.steps import load_study
from onearm.study import Study
from tests.records.clinic import Row, enter, frame

Change = Callable[[list[Row]], list[Row]]

BLOOD = {
    "ALT": 30, "AST": 31, "ALP": 80, "BILI": "12.0", "ALB": 40, "CREAT": 70, "SODIUM": 140,
    "K": "4.1", "INR": "1.05", "WBC": "6.00", "NEUT": "3.50", "LYM": "1.80", "HGB": 130,
    "PLAT": 180, "AFP": "12.0",
}  # fmt: skip
AE = {
    "AETERM": "felt sick", "AECTCAE": "Nausea", "AESTDAT": "2020-01-12", "AEONGO": "BEFORE",
    "AEENDAT": "2020-01-20", "AETOXGR": 2, "AESER": "N", "AEREL": "RELATED",
    "AERELLEN": "RELATED", "AERELPEM": "NOT RELATED", "AEIMM": "N", "AEACN": "DOSE NOT CHANGED",
    "AEACNLEN": "DOSE NOT CHANGED", "AEACNPEM": "DOSE NOT CHANGED", "AECONTRT": "N",
    "AEOUT": "RECOVERED/RESOLVED", "AESRC": "VISIT",
}  # fmt: skip


@lru_cache(maxsize=1)
def study() -> Study:
    """The shipped study, loaded once."""
    return load_study(shipped_study())


def lesion(subject: str, visit: str, row: int, lesion: str, day: str, **items: object) -> list[Row]:
    """One lesion at one scan: a liver tumour on CT unless ``items`` says otherwise."""
    role = "NON-TARGET" if lesion.startswith("NT") else "TARGET"
    known = {"LESID": lesion, "LESDAT": day, "LESROLE": role, "LESLOC": "LIVER"}
    return enter(
        f"{subject} / {visit} / TUMOR {row}",
        **{**known, "LESMETH": "CONTRAST ENHANCED CT SCAN", **items},
    )


def response(subject: str, visit: str, day: str, overall: str) -> list[Row]:
    """The investigator's reading of one scan."""
    return enter(
        f"{subject} / {visit} / RESPONSE", RSDAT=day, TRGRESP=overall, NTRGRESP="NON-CR/NON-PD",
        NEWLIND="N", OVRLRESP=overall,
    )  # fmt: skip


def patient(number: str) -> list[Row]:
    """Enrolled on 8 January 2020, treated from 10 January, two scans, alive on 1 April."""
    at = number
    return [
        *enter(f"{at} / SCREENING / VISIT", VISDAT="2020-01-03", VISMODE="IN PERSON"),
        *enter(
            f"{at} / SCREENING / DM", RFICDAT="2020-01-02", BRTHDAT="1960-02-29", AGE=59, SEX="F",
            RACE="ASIAN", COUNTRY="CHN",
        ),
        *enter(
            f"{at} / SCREENING / DISEASE", COHORT="HCC", MHTERM="Hepatocellular carcinoma",
            DXDAT="2019-06", PRIMSITE="LIVER", BCLC="C", HBV="NEGATIVE", HCV="NEGATIVE",
            CIRRH="N", MVI="N", EHS="N", PRLINES=1,
        ),
        *enter(f"{at} / SCREENING / ENROL", ENDAT="2020-01-08", ENSTAT="ENROLLED"),
        *enter(
            f"{at} / SCREENING / VS", VSDAT="2020-01-03", WEIGHT="61.5", HEIGHT="165.0",
            SYSBP=120, DIABP=80,
        ),
        *enter(f"{at} / SCREENING / ECOG", ECDAT="2020-01-03", ECOG=0),
        *enter(f"{at} / SCREENING / LB", LBDAT="2020-01-03", **BLOOD),
        *lesion(at, "SCREENING", 1, "T01", "2020-01-04", LESDIAM="42.0"),
        *lesion(at, "SCREENING", 2, "NT01", "2020-01-04", LESLOC="LUNG", LESSTATE="PRESENT"),
        *enter(f"{at} / CYCLE 1 / VISIT", VISDAT="2020-01-10", VISMODE="IN PERSON"),
        *enter(f"{at} / CYCLE 1 / LB", LBDAT="2020-01-10", **BLOOD),
        *enter(f"{at} / SCAN 1 / VISIT", VISDAT="2020-02-21", VISMODE="IN PERSON"),
        *lesion(at, "SCAN 1", 1, "T01", "2020-02-21", LESDIAM="28.5"),
        *lesion(at, "SCAN 1", 2, "NT01", "2020-02-21", LESLOC="LUNG", LESSTATE="PRESENT"),
        *response(at, "SCAN 1", "2020-02-21", "PR"),
        *enter(f"{at} / SCAN 2 / VISIT", VISDAT="2020-04-01", VISMODE="IN PERSON"),
        *lesion(at, "SCAN 2", 1, "T01", "2020-04-01", LESDIAM="25.0"),
        *lesion(at, "SCAN 2", 2, "NT01", "2020-04-01", LESLOC="LUNG", LESSTATE="PRESENT"),
        *response(at, "SCAN 2", "2020-04-01", "PR"),
        *enter(
            f"{at} / LOG / EX 1", EXTRT="LENVATINIB", EXDOSE=12, EXDOSU="mg", EXDOSFRQ="QD",
            EXROUTE="ORAL", EXSTDAT="2020-01-10", EXENDAT="2020-03-31",
        ),
        *enter(
            f"{at} / LOG / EX 2", EXTRT="PEMBROLIZUMAB", EXDOSE=200, EXDOSU="mg",
            EXDOSFRQ="EVERY 3 WEEKS", EXROUTE="INTRAVENOUS", EXSTDAT="2020-01-10",
            EXENDAT="2020-01-10",
        ),
        *enter(f"{at} / LOG / AE 1", **AE),
        *enter(f"{at} / FOLLOWUP 3 / VISIT", VISDAT="2020-04-01", VISMODE="TELEPHONE CALL"),
        *enter(
            f"{at} / FOLLOWUP 3 / FOLLOWUP", FUDAT="2020-04-01", SURVSTAT="ALIVE",
            LSCFADAT="2020-04-01", FUDIS="NO PROGRESSION", FUNACT="N",
        ),
    ]  # fmt: skip


def put(place: str, **items: object) -> Change:
    """Other values at ``VISIT n / FORM row``; None empties one, what is not there is added."""

    def change(rows: list[Row]) -> list[Row]:
        new = enter(f"{rows[0][1]} / {place}", **items)
        keys = {row[:7] for row in new}
        return [row for row in rows if row[:7] not in keys] + new

    return change


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(rows: list[Row]) -> list[Row]:
        for each in changes:
            rows = each(rows)
        return rows

    return change


def trial(changes: Mapping[str, Change]) -> pl.DataFrame:
    """Entries of one sound patient and of one copy of her for each change, numbered from 900."""
    parts = [patient("01-001")]
    parts += [how(patient(f"01-{900 + i}")) for i, how in enumerate(changes.values())]
    return frame(*parts)
