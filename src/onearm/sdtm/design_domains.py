"""The trial design domains (TA, TE, TV, TD, TI, TS): what the study's files say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from onearm.frames import shape
from onearm.records.visits import planned_day, visit_name
from onearm.sdtm.spec import spec_of
from onearm.sdtm.subject import element_code
from onearm.study import Study
from onearm.study.schedule import Repeat, Visit
from onearm.terms import load_codelist

LONGEST = 200
ANCHOR = "RFSTDTC"
STARTS = (
    "Informed consent",
    "First dose of study treatment",
    "Day after the last dose of study treatment",
)
ENDS = (
    "First dose of study treatment, or end of participation",
    "Last dose of study treatment",
    "End of participation",
)

Row = dict[str, object]


def design_domains(study: Study, made: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The design datasets that the study's files allow, shaped as their specifications.

    made: datasets derived so far; only the number of subjects, their first consent, and how often
    repeating visits came are read from them. Rule: SDTMIG 3.4, section 7.
    """
    rows: dict[str, list[Row]] = {
        "TA": list(_arms(study)),
        "TE": list(_elements(study)),
        "TV": list(_visits(study, made.get("SV"))),
        "TD": list(_assessments(study)),
        "TI": list(_criteria(study)),
        "TS": list(_summary(study, made)),
    }
    return {name: _frame(study, name, given) for name, given in rows.items() if given}


def _frame(study: Study, name: str, rows: list[Row]) -> pl.DataFrame:
    spec = spec_of(name)
    if spec is None:  # pragma: no cover - every design domain has its file
        raise LookupError(f"no specification for {name}")
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        STUDYID=pl.lit(study.id), DOMAIN=pl.lit(name)
    )
    return shape(frame, spec).sort(spec.key, nulls_last=True)


def _epochs(study: Study) -> list[str]:
    return [e.id for e in study.schedule.epochs][:3] if study.schedule else []


def _arms(study: Study) -> Iterable[Row]:
    for arm in study.arms:
        for position, epoch in enumerate(_epochs(study)):
            yield {
                "ARMCD": arm.code,
                "ARM": str(arm.label),
                "TAETORD": position + 1,
                "ETCD": element_code(epoch),
                "ELEMENT": epoch,
                "EPOCH": epoch,
            }


def _elements(study: Study) -> Iterable[Row]:
    for epoch, start, end in zip(_epochs(study), STARTS, ENDS, strict=False):
        yield {"ETCD": element_code(epoch), "ELEMENT": epoch, "TESTRL": start, "TEENRL": end}


def _visits(study: Study, seen: pl.DataFrame | None) -> Iterable[Row]:
    """Planned and event visits; a repeating visit as often as it came, at least once."""
    if study.schedule is None:
        return
    arm = study.arms[0] if study.arms else None
    names = set(seen["VISIT"].drop_nulls()) if seen is not None else set()
    for visit in study.schedule.visits:
        if visit.kind in ("log", "unscheduled"):
            continue
        for repeat in _times(visit, names):
            yield {
                "VISITNUM": visit.number + (repeat - 1) * visit.step,
                "VISIT": visit_name(visit, repeat),
                "VISITDY": planned_day(visit, repeat),
                "ARMCD": arm.code if arm else None,
                "ARM": str(arm.label) if arm else None,
                "TVSTRL": _start_rule(visit, repeat),
            }


def _times(visit: Visit, names: set[str]) -> Iterable[int]:
    yield 1
    if visit.repeat is not None:
        last = max(
            (n for n in range(1, visit.repeat.most + 1) if visit_name(visit, n) in names),
            default=1,
        )
        yield from range(2, last + 1)


def _start_rule(visit: Visit, repeat: int) -> str:
    day = planned_day(visit, repeat)
    if day is None:
        return f"{visit.label} takes place"
    early, late = visit.window
    return f"Study day {day}, window {early:+d} to {late:+d} days"


def _assessments(study: Study) -> Iterable[Row]:
    """TD: one row a stretch of constant interval, from the numbers the missed-scan rule reads."""
    schedule = study.schedule
    if schedule is None or schedule.tumour_assessments is None:
        return
    plan = schedule.tumour_assessments
    rule = schedule.visit(plan.visit).repeat
    if rule is None:
        return
    for order, (first, every, times) in enumerate(_stretches(rule), start=1):
        yield {
            "TDORDER": order,
            "TDANCVAR": ANCHOR,
            "TDSTOFF": f"P{first - every - 1}D" if first - every > 1 else "P0D",
            "TDTGTPAI": f"P{every}D",
            "TDMINPAI": f"P{every - plan.window_days}D",
            "TDMAXPAI": f"P{every + plan.window_days}D",
            "TDNUMRPT": times,
        }


def _stretches(rule: Repeat) -> list[tuple[int, int, int]]:
    """First planned day, interval and number of assessments of each stretch."""
    days = [(rule.first_day, rule.every)]
    while len(days) < rule.most:
        day = days[-1][0]
        every = rule.every
        for change in rule.changes:
            if day >= change.after_day:
                every = change.every
        days.append((day + every, every))
    found: list[tuple[int, int, int]] = []
    for day, every in days:
        if found and found[-1][1] == every:
            found[-1] = (found[-1][0], every, found[-1][2] + 1)
        else:
            found.append((day, every, 1))
    return found


def _criteria(study: Study) -> Iterable[Row]:
    for criterion in study.eligibility.criteria:
        yield {
            "IETESTCD": criterion.id,
            "IETEST": str(criterion.text)[:LONGEST],
            "IECAT": criterion.type.upper(),
            "TIVERS": "1",
        }


def _summary(study: Study, made: Mapping[str, pl.DataFrame]) -> Iterable[Row]:
    names = {code: value for value, code in load_codelist("TSPARM").terms.items()}
    codes = load_codelist("TSPARMCD").terms
    for parameter, values in _facts(study, made).items():
        given = [str(v)[:LONGEST] for v in values if v not in (None, "")]
        for number, value in enumerate(given or [None], start=1):
            yield {
                "TSSEQ": number,
                "TSPARMCD": parameter,
                "TSPARM": names[codes[parameter]],
                "TSVAL": value,
                "TSVALNF": None if value else "NI",
            }


def _facts(study: Study, made: Mapping[str, pl.DataFrame]) -> Mapping[str, Sequence[object]]:
    """Values of each trial summary parameter; no value means the study's files do not say."""
    who = study.identity
    people = made.get("DM")
    consents = people["RFICDTC"].drop_nulls() if people is not None else None
    drugs = study.treatments
    outcomes = {
        code: [str(o.measure) for o in study.outcomes if o.type == kind]
        for code, kind in (
            ("OUTMSPRI", "primary"),
            ("OUTMSSEC", "secondary"),
            ("OUTMSEXP", "other"),
        )
    }
    return {
        "TITLE": [str(study.title)],
        "SPREFID": [study.id],
        "REGID": [who.registry.number] if who.registry else [],
        "SPONSOR": [str(who.sponsor)],
        "TPHASE": [who.phase],
        "TTYPE": ["EFFICACY", "SAFETY"],
        "STYPE": ["INTERVENTIONAL"],
        "INTMODEL": ["SINGLE GROUP"],
        "INTTYPE": sorted({i.type for i in who.interventions}),
        "TCNTRL": ["NONE"],
        "TBLIND": ["OPEN LABEL"] if who.design.masking == "NONE" else [],
        "RANDOM": ["N"],
        "ADAPT": ["N"],
        "ADDON": ["N"],
        "HLTSUBJI": ["N"],
        "TDIGRP": [str(who.population)],
        "INDIC": [str(c) for c in who.conditions],
        "NARMS": [len(study.arms)],
        "NCOHORT": [len(study.cohorts)] if study.cohorts else [],
        "PLANSUB": [who.enrolment.planned],
        "ACTSUB": [people.filter(pl.col("ARMCD").is_not_null()).height]
        if people is not None
        else [],
        "TRT": [str(t.label) for t in drugs],
        "DOSE": [f"{d.amount:g}" for t in drugs for d in t.doses],
        "DOSU": sorted({t.unit for t in drugs if t.unit}),
        "DOSFRM": sorted({t.form for t in drugs if t.form}),
        "DOSFRQ": sorted({t.frequency for t in drugs if t.frequency}),
        "ROUTE": sorted({t.route for t in drugs if t.route}),
        **outcomes,
        "AGEMIN": [],
        "AGEMAX": [],
        "SEXPOP": ["BOTH"],
        "FCNTRY": sorted({s.country for s in who.sites if s.country}),
        "SSTDTC": [consents.min()] if consents is not None and len(consents) else [],
        "DCUTDTC": [study.data_cut.isoformat()] if study.data_cut else [],
        "SDTMVER": ["2.0"],
        "SDTIGVER": ["3.4"],
    }
