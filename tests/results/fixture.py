"""A small plausible trial as ADaM datasets: 50 treated subjects and 6 screen failures.

Made for tests of results and outputs, always the same. It follows the columns of the ADaM
specifications but is not derived from records; numbers expected from it must come from counting
it, never from our analyses.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onearm.results import run
from onearm.study.analyses import Analyses
from onearm.study.design import TrialDesign
from onearm.study.yamlfile import read_yaml

STUDY_FOLDER = Path(__file__).parents[2] / "studies" / "lenvatinib-pembrolizumab"
COHORTS = ("HCC", "ICC", "ECC", "GBC", "AMP", "MIXED")
STUDY = "NCT03895970"
CUT = date(2024, 6, 30)
START = date(2022, 1, 10)
DRUGS = ("LENVATINIB", "PEMBROLIZUMAB")

TERMS = (
    ("Gastrointestinal disorders", "Diarrhoea", 0.36, 0),
    ("Gastrointestinal disorders", "Nausea", 0.22, 0),
    ("Gastrointestinal disorders", "Colitis", 0.04, 1),
    ("General disorders and administration site conditions", "Fatigue", 0.48, 0),
    ("Vascular disorders", "Hypertension", 0.44, 0),
    ("Endocrine disorders", "Hypothyroidism", 0.26, 1),
    ("Investigations", "Alanine aminotransferase increased", 0.24, 0),
    ("Investigations", "Platelet count decreased", 0.18, 0),
    ("Hepatobiliary disorders", "Immune-mediated hepatitis", 0.06, 1),
    ("Renal and urinary disorders", "Proteinuria", 0.28, 0),
)
TESTS = (("ALT", 40.0), ("AST", 40.0), ("BILI", 20.0), ("ALP", 120.0), ("PLAT", 350.0))

SITES = {
    "HCC": "LIVER", "ICC": "INTRAHEPATIC BILE DUCT", "ECC": "EXTRAHEPATIC BILE DUCT",
    "GBC": "GALLBLADDER", "AMP": "AMPULLA OF VATER", "MIXED": "LIVER",
}  # fmt: skip
BEST_FIRST = ["CR", "PR", "SD", "PD", "NE"]
ACTIONS = ("DOSE NOT CHANGED", "DRUG INTERRUPTED", "DOSE REDUCED", "DRUG WITHDRAWN")

Row = dict[str, Any]  # Any: texts, numbers and dates of one dataset row


def datasets(subjects: int = 50, *, seed: int = 20240630) -> dict[str, pl.DataFrame]:
    """The datasets by name: ADSL ADTR ADRS ADTTE ADAE ADEX ADLB, and the domains CM DV PR."""
    rng = np.random.default_rng(seed)
    people = [_subject(rng, i, subjects) for i in range(subjects + max(1, subjects // 8))]
    treated = [p for p in people if p["FASFL"] == "Y"]
    responses = {p["USUBJID"]: _course(rng, p) for p in treated}
    tables = {
        "ADTR": [r for p in treated for r in responses[p["USUBJID"]]["ADTR"]],
        "ADRS": [r for p in treated for r in responses[p["USUBJID"]]["ADRS"]],
        "ADTTE": [r for p in treated for r in responses[p["USUBJID"]]["ADTTE"]],
        "ADAE": [r for p in treated for r in _events(rng, p)],
        "ADEX": [r for p in treated for r in _exposure(rng, p)],
        "ADLB": [r for p in treated for r in _labs(rng, p)],
    }
    domains = {
        "CM": [r for p in treated for r in _therapies(rng, p)],
        "DV": [r for p in treated for r in _deviations(rng, p)],
        "PR": [r for p in treated for r in _procedures(rng, p)],
    }
    for p in treated:
        rows = responses[p["USUBJID"]]["ADRS"]
        best = next(r["AVALC"] for r in rows if r["PARAMCD"] == "CBOR")
        p["CBOR"], p["RESPFL"] = best, "Y" if best in ("CR", "PR") else "N"
        p["NADEQ"] = sum(r["PARAMCD"] == "OVRC" and r["AVALC"] != "NE" for r in rows)
    frames = {"ADSL": pl.DataFrame(people, infer_schema_length=None)}
    for name, rows in tables.items():
        frames[name] = _numbered(pl.DataFrame(rows, infer_schema_length=None), "ASEQ")
    for name, rows in domains.items():
        frames[name] = _numbered(pl.DataFrame(rows, infer_schema_length=None), f"{name}SEQ")
    return frames | _for_the_design(frames)


def _for_the_design(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """What the conditions of design.yaml read beside: events as dated facts, and outcomes."""
    nothing = {"NACTDT": pl.lit(None, pl.Date), "DTHREL": pl.lit(None, pl.String)}
    progressed = frames["ADRS"].filter(PARAMCD="OVRC", AVALC="PD")
    events = progressed.select("USUBJID", "ADT", PARAMCD=pl.lit("PROG"))
    return {
        "ADSL": frames["ADSL"].with_columns(**nothing),
        "ADAE": frames["ADAE"].with_columns(AEOUT=pl.lit("RECOVERED/RESOLVED")),
        "ADEVENT": _numbered(events, "ASEQ"),
    }


@cache
def plan() -> Analyses:
    """The analyses of the shipped study."""
    document, problems = read_yaml(STUDY_FOLDER / "analyses.yaml", "analyses.yaml")
    assert document is not None, problems
    return Analyses.model_validate(document.data)


@cache
def design() -> TrialDesign:
    """The design of the shipped study."""
    document, problems = read_yaml(STUDY_FOLDER / "design.yaml", "design.yaml")
    assert document is not None, problems
    return TrialDesign.model_validate(document.data)


@cache
def numbers() -> pl.DataFrame:
    """The results frame of this trial and the shipped study's analyses."""
    return run(plan(), datasets(), levels=COHORTS, design=design())


def _numbered(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    number = pl.int_range(1, pl.len() + 1).over("USUBJID").cast(pl.Int32)
    return frame.with_columns(number.alias(name))


def _subject(rng: np.random.Generator, i: int, treated: int) -> Row:
    """One row of ADSL; those past the planned number of treated subjects are screen failures."""
    is_in = i < treated
    consent = START + timedelta(days=int(14 * i * 50 / treated))
    first = consent + timedelta(days=10)
    weight = round(float(rng.normal(64, 9)), 1)
    on_drug = int(min(rng.exponential(190) + 20, (CUT - first).days))
    ongoing = first + timedelta(days=on_drug) >= CUT
    died = rng.random() < 0.55
    alive = int(min(on_drug + rng.exponential(240) + 10, (CUT - first).days))
    dead = is_in and died and alive < (CUT - first).days
    deviates = is_in and rng.random() < 0.08
    evaluable = is_in and i % 17 != 16
    age = int(rng.integers(34, 79))
    row: Row = {
        "STUDYID": STUDY,
        "USUBJID": f"{STUDY}-01-{i + 1:03d}",
        "SUBJID": f"{i + 1:03d}",
        "SITEID": "01",
        "AGE": age,
        "AGEGR1": ">=65" if age >= 65 else "<65",
        "SEX": "M" if rng.random() < 0.7 else "F",
        "RACE": "ASIAN",
        "COHORT": rng.choice(COHORTS, p=(0.4, 0.26, 0.12, 0.12, 0.06, 0.04)).item(),
        "WEIGHTBL": weight,
        "ECOGBL": "0" if rng.random() < 0.45 else "1",
        "PRLINES": int(rng.integers(1, 4)),
        "HBVFL": "Y" if rng.random() < 0.5 else "N",
        "ENRLFL": "Y" if is_in else "N",
        "FASFL": "Y" if is_in else "N",
        "SAFFL": "Y" if is_in else "N",
        "EVALFL": "Y" if evaluable else "N",
        "PPROTFL": "Y" if is_in and not deviates else "N",
        "FASREAS": None if is_in else "NOT ENROLLED",
        "SAFREAS": None if is_in else "NOT ENROLLED",
        "EVALREAS": None if evaluable or not is_in else "NO POST-BASELINE ASSESSMENT",
        "PPREAS": "MAJOR DEVIATION" if deviates else None,
        "SCRFREAS": None if is_in else ("INCLUSION 4", "EXCLUSION 2")[i % 2],
        "TRT01P": "Lenvatinib + pembrolizumab" if is_in else None,
        "TRT01A": "Lenvatinib + pembrolizumab" if is_in else None,
        "RFICDT": consent,
        "TRTSDT": first if is_in else None,
        "TRTEDT": min(first + timedelta(days=on_drug), CUT) if is_in else None,
        "DTHFL": "Y" if dead else "N",
        "DTHDT": first + timedelta(days=alive) if dead else None,
        "DTHCAUS": "DISEASE UNDER STUDY" if dead else None,
        "LSTALVDT": first + timedelta(days=alive) if is_in else None,
        "EOTSTT": None if not is_in else "ONGOING" if ongoing else "DISCONTINUED",
        "DCTREAS": None
        if not is_in or ongoing
        else rng.choice(("PROGRESSIVE DISEASE", "ADVERSE EVENT", "WITHDRAWAL BY SUBJECT")).item(),
        "EOSSTT": None if not is_in else "COMPLETED" if dead else "ONGOING",
        "DCSREAS": None,
        "ETHNIC": "NOT HISPANIC OR LATINO",
        "BMIBL": round(weight / 1.66**2, 1),
        "EOT01FL": "N" if ongoing or not is_in else "Y",
        "EOT02FL": "N" if ongoing or not is_in else "Y",
        "DCUTDT": CUT,
    }
    row |= {"DCT01RS": row["DCTREAS"], "DCT02RS": row["DCTREAS"]}
    return row | _disease(rng, row["COHORT"]) | {"CBOR": None, "RESPFL": None, "NADEQ": None}


def _disease(rng: np.random.Generator, cohort: str) -> Row:
    """Disease characteristics at baseline."""

    def yes(share: float) -> str:
        return "Y" if rng.random() < share else "N"

    afp = round(float(rng.lognormal(4, 2)), 1)
    return {
        "PRIMSITE": SITES[cohort],
        "ALBIGRBL": "1" if rng.random() < 0.6 else "2",
        "CPCLSBL": "A" if rng.random() < 0.9 else "B",
        "STAGEBL": rng.choice(("III", "IV"), p=(0.3, 0.7)).item(),
        "BCLCBL": rng.choice(("B", "C"), p=(0.3, 0.7)).item() if cohort == "HCC" else None,
        "HCVFL": yes(0.05), "CIRRFL": yes(0.4), "MVIFL": yes(0.25), "EHSFL": yes(0.6),
        "PDL1GR1": rng.choice(("POSITIVE", "NEGATIVE", "NOT TESTED"), p=(0.3, 0.4, 0.3)).item(),
        "AFPBL": afp, "AFP400FL": "Y" if afp >= 400 else "N",
        "CA199BL": round(float(rng.lognormal(4, 1.5)), 1),
    }  # fmt: skip


def _common(person: Row) -> Row:
    names = ("STUDYID", "USUBJID", "SUBJID", "SITEID", "AGE", "SEX", "COHORT", "TRT01P", "TRT01A")
    flags = ("TRTSDT", "TRTEDT", "FASFL", "SAFFL", "EVALFL", "PPROTFL")
    return {name: person[name] for name in (*names, *flags)}


def _course(rng: np.random.Generator, person: Row) -> dict[str, list[Row]]:
    """Scans every 42 days with sums of diameters, responses, and times to events."""
    base, first = _common(person), person["TRTSDT"]
    followed = (min(person["LSTALVDT"], CUT) - first).days
    baseline = float(rng.integers(30, 120))
    trend = float(rng.normal(-0.12, 0.22))
    size, nadir, progressed, last = baseline, baseline, None, 0
    adtr, adrs, best = [], [], "NE"
    has_scans = person["EVALFL"] == "Y"
    adtr.append(base | _sum(first, 0, baseline, baseline, "Baseline", "Y"))
    for n in range(1, followed // 42 + 1 if has_scans else 1):
        day, visit = 42 * n, f"SCAN {n}"
        size = max(0.0, round(size * (1 + trend + 0.09 * n + float(rng.normal(0, 0.06)))))
        change = 100 * (size - baseline) / baseline
        growth = (size - nadir) / nadir if nadir else float(size > 0)
        nadir = min(nadir, size)
        read = "PD" if growth >= 0.2 and size - nadir >= 5 else _level(change)
        entered = "SD" if read == "PR" and rng.random() < 0.08 else read
        when = first + timedelta(days=day)
        adtr.append(base | _sum(when, n, size, baseline, visit, None))
        for code, answer in (("OVRC", read), ("OVRS", entered)):
            adrs.append(base | _reading(code, answer, when, visit, n))
        if read == "PD":
            progressed = day
            break
        last = day
        best = min(best, read, key=BEST_FIRST.index)
    if best == "NE" and progressed:
        best = "PD"
    confirmed = best if best not in ("CR", "PR") or last >= 84 else "SD"
    adrs += _best(base, best, confirmed, progressed, last, entered_agrees=rng.random() > 0.1)
    if len(adtr) > 1:
        lowest = min(adtr[1:], key=lambda r: r["PCHG"])
        lowest["ANL02FL"] = "Y"
    adtte = _times(rng, person, base, progressed, last, confirmed)
    return {"ADTR": adtr, "ADRS": adrs, "ADTTE": adtte}


def _level(change: float) -> str:
    return "CR" if change <= -100 else "PR" if change <= -30 else "SD"


def _sum(when: date, n: int, size: float, base: float, visit: str, flag: str | None) -> Row:
    return {
        "PARAMCD": "SUMDIAM", "PARAM": "Sum of Diameters (mm)", "AVAL": size, "BASE": base,
        "CHG": size - base if n else None, "PCHG": 100 * (size - base) / base if n else None,
        "ADT": when, "AVISIT": visit, "AVISITN": float(n), "ABLFL": flag,
        "ANL01FL": "Y", "ANL02FL": None, "PARCAT2": "INVESTIGATOR",
    }  # fmt: skip


def _reading(code: str, answer: str, when: date | None, visit: str | None, n: int | None) -> Row:
    return {
        "PARAMCD": code, "PARCAT1": "RECIST 1.1", "PARCAT2": "INVESTIGATOR", "AVALC": answer,
        "ADT": when, "AVISIT": visit, "VISITNUM": None if n is None else 300.0 + n,
        "PLANDT": when,
        "REASON": "NO POST-BASELINE ASSESSMENT" if answer == "NE" else None, "ANL01FL": "Y",
    }  # fmt: skip


def _best(
    base: Row, best: str, confirmed: str, progressed: int | None, last: int, *, entered_agrees: bool
) -> list[Row]:
    stable = progressed or last
    long = confirmed == "SD" and stable >= 122
    yes = {
        "RSP": best in ("CR", "PR"),
        "CRSP": confirmed in ("CR", "PR"),
        "DCR": confirmed in ("CR", "PR", "SD"),
        "CBR": confirmed in ("CR", "PR") or (confirmed == "SD" and stable >= 161),
        "SD4M": long,
    }
    entered = confirmed if entered_agrees or confirmed != "PR" else "SD"
    rows = [("BOR", best), ("CBOR", confirmed), ("BORS", entered)]
    rows.append(("PD", "Y" if progressed else "N"))
    rows += [(code, "Y" if value else "N") for code, value in yes.items()]
    made = [base | _reading(code, answer, None, None, None) for code, answer in rows]
    for row in made:
        if row["PARAMCD"] == "SD4M" and not long:
            early = confirmed == "SD" and progressed is None
            row["REASON"] = "CENSORED BEFORE DAY 122" if early else "NOT STABLE LONG ENOUGH"
    return made


def _times(
    rng: np.random.Generator,
    person: Row,
    base: Row,
    progressed: int | None,
    last: int,
    confirmed: str,
) -> list[Row]:
    first = person["TRTSDT"]
    dead = person["DTHFL"] == "Y"
    alive = (min(person["LSTALVDT"], CUT) - first).days
    near = dead and progressed is None and alive - last <= 98
    if progressed:
        pfs = (progressed, 0, "PROGRESSIVE DISEASE")
    elif near:
        pfs = (alive, 0, "DEATH")
    else:
        pfs = (last, 1, "NO POST-BASELINE ASSESSMENT" if last == 0 else "LAST ADEQUATE SCAN")
    policy = (alive, 0, "DEATH") if dead and progressed is None else pfs
    ttp = pfs if pfs[2] != "DEATH" else (last, 1, "DEATH WITHOUT PROGRESSION")
    times = {
        "PFS": pfs, "PFS1": policy, "PFS2": pfs, "PFS3": pfs, "TTP": ttp,
        "OS": (alive, 0, "DEATH") if dead else (alive, 1, "ALIVE AT DATA CUT-OFF"),
    }  # fmt: skip
    if confirmed in ("CR", "PR"):
        start = 42 if rng.random() < 0.7 else 84
        times["DOR"] = (max(pfs[0] - start, 1), pfs[1], pfs[2])
        times["TTR"] = (start, 0, "RESPONSE")
    return [
        base | {
            "PARAMCD": code, "AVAL": float(day + 1), "CNSR": censored, "STARTDT": first,
            "ADT": first + timedelta(days=day), "EVNTDESC": why,
            "CNSDTDSC": "LAST ADEQUATE ASSESSMENT" if censored else None,
            "RULE": why.lower().split()[0],
        }
        for code, (day, censored, why) in times.items()
    ]  # fmt: skip


def _events(rng: np.random.Generator, person: Row) -> list[Row]:
    base, rows = _common(person), []
    for soc, term, share, immune in TERMS:
        for _ in range(int(rng.random() < share) + int(rng.random() < share / 3)):
            grade = int(rng.choice((1, 2, 3, 4, 5), p=(0.45, 0.32, 0.2, 0.025, 0.005)))
            start = int(rng.integers(-5, 150))
            rows.append(
                base | {
                    "AETERM": term.lower(), "AEDECOD": term, "AEBODSYS": soc,
                    "ATOXGRN": grade, "ATOXGR": str(grade),
                    "ASTDT": person["TRTSDT"] + timedelta(days=start), "ASTDY": start,
                    "TRTEMFL": "Y" if start >= 0 else None, "ANL01FL": "Y" if start >= 0 else None,
                    "AESER": "Y" if grade >= 4 or rng.random() < 0.05 else "N",
                    "AESDTH": "Y" if grade == 5 else "N",
                    "AREL": "Y" if rng.random() < 0.7 else "N",
                    "AREL1FL": "Y" if rng.random() < 0.6 else None,
                    "AREL2FL": "Y" if rng.random() < 0.4 else None,
                    "AEACN": rng.choice(ACTIONS, p=(0.6, 0.2, 0.13, 0.07)).item(),
                    "AEACNLEN": rng.choice(ACTIONS, p=(0.6, 0.2, 0.13, 0.07)).item(),
                    "AEACNPEM": rng.choice(ACTIONS, p=(0.8, 0.15, 0.0, 0.05)).item(),
                    "AEIMM": "Y" if immune else "N",
                }
            )  # fmt: skip
    return rows


def _exposure(rng: np.random.Generator, person: Row) -> list[Row]:
    days = (person["TRTEDT"] - person["TRTSDT"]).days + 1
    rows = []
    for drug in DRUGS:
        daily = 12.0 if person["WEIGHTBL"] >= 60 else 8.0
        intensity = float(rng.uniform(0.6, 1.0))
        infusions = 1 + days // 21
        total = daily * days * intensity if drug == DRUGS[0] else 200.0 * infusions
        values = {
            "TRTDURD": float(days), "CUMDOSE": round(total, 1), "RDI": round(100 * intensity, 2),
            "NCYCLE": float(infusions), "NREDUC": float(rng.integers(0, 3)),
            "NINTER": float(rng.integers(0, 4)),
        }  # fmt: skip
        rows += [
            _common(person) | {"EXTRT": drug, "PARAMCD": code, "AVAL": value}
            for code, value in values.items()
        ]
    return rows


def _labs(rng: np.random.Generator, person: Row) -> list[Row]:
    rows = []
    cycles = (person["TRTEDT"] - person["TRTSDT"]).days // 21
    for code, high in TESTS:
        before = float(rng.lognormal(np.log(high * 0.7), 0.35))
        for n in range(min(cycles, 12) + 1):
            value = before if n == 0 else float(before * rng.lognormal(0.05, 0.5))
            grade = int(np.searchsorted((1.0, 3.0, 5.0, 20.0), value / high))
            rows.append(
                _common(person) | {
                    "PARAMCD": code, "PARAM": code, "AVAL": round(value, 1), "ANRHI": high,
                    "BASE": round(before, 1), "AVISIT": f"CYCLE {n}", "AVISITN": float(n),
                    "ADT": person["TRTSDT"] + timedelta(days=21 * n - 1),
                    "ABLFL": "Y" if n == 0 else None, "ONTRTFL": "Y" if n else None,
                    "ATOXGRH": str(grade) if code != "PLAT" else None,
                    "ATOXGRL": str(4 - grade) if code == "PLAT" else None,
                    "BTOXGRL": "0",
                    "BTOXGRH": str(int(np.searchsorted((1.0, 3.0, 5.0, 20.0), before / high))),
                }
            )  # fmt: skip
    return rows


def _therapies(rng: np.random.Generator, person: Row) -> list[Row]:
    classes = ("CHEMOTHERAPY", "TARGETED THERAPY", "IMMUNOTHERAPY")
    stopped = person["EOTSTT"] == "DISCONTINUED"
    times = ["PRIOR ANTICANCER"] * person["PRLINES"] + ["SUBSEQUENT ANTICANCER"] * stopped
    return [
        {"USUBJID": person["USUBJID"], "CMCAT": c, "CMSCAT": rng.choice(classes).item()}
        for c in times
    ]


def _deviations(rng: np.random.Generator, person: Row) -> list[Row]:
    kinds = ("DOSING", "ASSESSMENT", "ELIGIBILITY")
    weight = "MAJOR" if person["PPROTFL"] == "N" else "MINOR"
    count = 1 if weight == "MAJOR" else int(rng.integers(0, 3))
    return [
        {"USUBJID": person["USUBJID"], "DVCAT": weight, "DVDECOD": rng.choice(kinds).item()}
        for _ in range(count)
    ]


def _procedures(rng: np.random.Generator, person: Row) -> list[Row]:
    kinds = ("TUMOR RESECTION", "ABLATION", "RADIOTHERAPY")
    return [
        {"USUBJID": person["USUBJID"], "PRCAT": category, "PRTRT": rng.choice(kinds).item()}
        for category, share in (("PRIOR ANTICANCER", 0.5), ("SUBSEQUENT ANTICANCER", 0.15))
        if rng.random() < share
    ]
