"""Patients written as days from first dose, turned into SDTM for tests of the shipped study."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from onearm.study import Study, load

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "studies" / "lenvatinib-pembrolizumab"
FIRST_DOSE = date(2021, 1, 4)
PARTS = ("study.yaml", "schedule.yaml", "subjects.yaml", "endpoints.yaml")


@cache
def shipped_study() -> Study:
    """The shipped study with the parts that the analysis datasets are made by."""
    with TemporaryDirectory() as folder:
        for name in PARTS:
            shutil.copy(SHIPPED / name, folder)
        return load(Path(folder))


def day(number: int) -> str:
    """The ISO date so many days after first dose (0 is the day of first dose)."""
    return (FIRST_DOSE + timedelta(days=number)).isoformat()


@dataclass(frozen=True)
class Patient:
    """One patient; days are counted from first dose, which is day 0.

    ``scans``: (day, what): SD, PR, CR, PD (of one target lesion) or NE. ``death`` and
    ``last_alive`` may be texts (partial dates).
    """

    id: str
    scans: Sequence[tuple[int, str]] = ()
    baseline: bool = True
    new_therapy: int | None = None
    death: int | str | None = None
    clinical: int | None = None
    last_alive: int | str | None = None
    last_dose: int | None = None
    extra: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)


SIZES = {"SD": 50.0, "PR": 30.0, "CR": 0.0, "PD": 75.0}
"""The diameter (mm) of a target lesion of 50 mm at baseline; 75 is PD from any nadir above 60."""


def _tumour_rows(patient: Patient) -> list[dict[str, object]]:
    scans = [(-7, "SD"), *patient.scans] if patient.baseline else list(patient.scans)
    rows: list[dict[str, object]] = []
    for place, (when, what) in enumerate(sorted(scans)):
        test, number = ("LDIAM", SIZES.get(what))
        word = {"NE": "NE", "CR": "ABSENT"}.get(what)
        if word:
            test, number = "TUMSTATE", None
        rows.append(
            {
                "USUBJID": patient.id,
                "TRSEQ": place + 1,
                "TRGRPID": "TARGET",
                "TRLNKID": "T01",
                "TRTESTCD": test,
                "TRSTRESN": number,
                "TRSTRESC": word or str(number),
                "TREVAL": "INVESTIGATOR",
                "VISITNUM": 1.0 if when < 0 else 900.0 + place,
                "VISIT": "SCREENING" if when < 0 else f"SCAN {place}",
                "TRDTC": day(when),
            }
        )
    return rows


def _text(when: int | str | None) -> str | None:
    return day(when) if isinstance(when, int) else when


TEXTS = {
    "DM": "STUDYID USUBJID SUBJID SITEID SEX RACE AGEU ARM ARMCD ACTARM ACTARMCD RFICDTC DTHDTC "
    "COHORT PRIMSITE STAGE BCLC HBV HCV CIRRH MVI EHS PRLINES PDL1",
    "EX": "USUBJID EXTRT EXDOSU EXDOSFRQ EXSTDTC EXENDTC",
    "DS": "USUBJID DSDECOD DSCAT DSSCAT DSSTDTC DSTRT CLINPD SFREAS",
    "TR": "USUBJID TRGRPID TRLNKID TRTESTCD TRSTRESC TREVAL VISIT TRDTC",
    "CM": "USUBJID CMTRT CMCAT CMSTDTC",
    "SS": "USUBJID SSTESTCD SSSTRESC SSDTC",
    "AE": "USUBJID AETERM AEDECOD AEBODSYS AESTDTC AEENDTC AESER AESDTH AEOUT AETOXGR AEREL "
    "AERELLEN AERELPEM AEIMM",
    "LB": "USUBJID LBTESTCD LBTEST LBSTRESC LBSTRESU LBDTC VISIT "
    "LBORRES LBORRESU LBORNRLO LBORNRHI",
}
NUMBERS = {
    "DM": "AGE",
    "EX": "EXSEQ EXDOSE",
    "DS": "DSSEQ",
    "TR": "TRSEQ TRSTRESN VISITNUM",
    "CM": "CMSEQ",
    "SS": "SSSEQ",
    "AE": "AESEQ",
    "LB": "LBSEQ LBSTRESN LBSTNRLO LBSTNRHI VISITNUM",
}
SCHEMA: dict[str, dict[str, pl.DataType]] = {
    name: dict.fromkeys(TEXTS[name].split(), pl.String())
    | dict.fromkeys(NUMBERS[name].split(), pl.Float64())
    for name in TEXTS
}


def domains(patients: Sequence[Patient]) -> dict[str, pl.DataFrame]:
    """SDTM domains of the patients; everybody is enrolled and had a first dose."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in SCHEMA}
    for p in patients:
        rows["DM"].append(
            {"STUDYID": "S", "USUBJID": p.id, "SUBJID": p.id, "SITEID": "01", "AGE": 60, "SEX": "M",
             "ARM": "A", "ACTARM": "A", "DTHDTC": _text(p.death), "COHORT": "HCC"}
        )  # fmt: skip
        rows["EX"].append(
            {"USUBJID": p.id, "EXSEQ": 1, "EXTRT": "LENVATINIB", "EXDOSE": 12.0, "EXDOSU": "mg",
             "EXDOSFRQ": "QD", "EXSTDTC": day(0), "EXENDTC": day(p.last_dose or 0)}
        )  # fmt: skip
        rows["DS"].append({"USUBJID": p.id, "DSSEQ": 1, "DSDECOD": "ENROLLED", "DSSTDTC": day(-1)})
        if p.clinical is not None:
            rows["DS"].append(
                {"USUBJID": p.id, "DSSEQ": 2, "DSDECOD": "PROGRESSIVE DISEASE", "CLINPD": "Y",
                 "DSSCAT": "STUDY TREATMENT", "DSTRT": "LENVATINIB", "DSSTDTC": day(p.clinical)}
            )  # fmt: skip
        if p.new_therapy is not None:
            rows["CM"].append(
                {"USUBJID": p.id, "CMSEQ": 1, "CMTRT": "X", "CMCAT": "SUBSEQUENT ANTICANCER",
                 "CMSTDTC": day(p.new_therapy)}
            )  # fmt: skip
        if p.last_alive is not None:
            rows["SS"].append(
                {
                    "USUBJID": p.id,
                    "SSSEQ": 1,
                    "SSTESTCD": "LSCFADTC",
                    "SSSTRESC": _text(p.last_alive),
                }
            )
        rows["TR"].extend(_tumour_rows(p))
        for name, more in p.extra.items():
            rows[name].extend({"USUBJID": p.id} | dict(row) for row in more)
    return {name: pl.DataFrame(rows[name], schema=SCHEMA[name]) for name in SCHEMA}
