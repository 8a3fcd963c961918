"""Draft a study's folder from its registry record, and say what the record could not tell."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from onearm.study.registry import RegisteredOutcome, RegistryRecord, criteria
from onearm.study.schedule import Schedule
from onearm.study.standard import STANDARD
from onearm.study.yamlfile import Plain

NOT_STUDY_DRUGS = ("BEHAVIORAL", "DEVICE", "DIAGNOSTIC_TEST", "OTHER", "PROCEDURE")
TOGETHER = re.compile(r"\s+(?:plus|combined with|in combination with|\+)\s+", re.IGNORECASE)
UNNAMED = "STUDY TREATMENT"
RULE_FILES = {
    "subjects.yaml": "Variables of each patient and analysis sets: the library's, and yours below.",
    "endpoints.yaml": "Responses, times to an event, safety: the library's, and yours below.",
    "analyses.yaml": "What is computed: the library's, and yours below; leave out with `without:`.",
    "outputs.yaml": "Tables, figures, report: the library's, and yours below.",
    "simulation.yaml": "A made-up trial with the library's neutral planning values; give your own.",
}
"""The files of rules, with the comment that opens each."""
DESIGN = """\
# What the trial is to show, with which cuts, and when it stops; see onearm design for the numbers.
# With cuts here the running trial is watched against them. Until then everything is descriptive.
"""
MEASURES = {
    "ORR": r"objective (?:tumou?r )?response|overall response rate|objective remission",
    "DCR": r"disease control",
    "PFS": r"progression[- ]free survival",
    "OS": r"overall survival",
    "DOR": r"duration of (?:overall |objective )?response",
    "TTP": r"time to (?:tumou?r |disease )?progression",
    "TEAE": r"treatment[- ]emergent adverse event",
}
"""Outcomes that the library's analyses answer, by the words that a record has for them."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A study's files by their path in its folder, and what has to be filled in by hand."""

    files: dict[str, str]
    gaps: tuple[str, ...]


def draft_study(record: RegistryRecord, *, original: tuple[str, str] | None = None) -> Draft:
    """The folder of a study as far as its registry record goes.

    study.yaml holds what the record says and nothing else; schedule.yaml is the library's template;
    forms are taken from the library by name, and so are the rules from data to report and the
    made-up trial. ``original``: file name and text of the record, kept in ``registry/``. The draft
    loads and lints without errors, and SDTM or entries can be built with it.
    """
    drugs = _drugs(record)
    study = {
        "id": record.nct_id,
        "name": record.nct_id.lower(),
        "title": _line(record.title) or record.nct_id,
        "official_title": record.official_title,
        "registry": {
            "name": "ClinicalTrials.gov",
            "number": record.nct_id,
            "record": f"registry/{original[0]}" if original else "",
        },
        "sponsor": record.sponsor,
        "phase": ", ".join(record.phases),
        "summary": record.summary,
        "description": record.description,
        "conditions": list(record.conditions),
        "keywords": list(record.keywords),
        "interventions": [
            {"type": i.type, "name": i.name, "description": i.description}
            for i in record.interventions
            if _line(i.name)
        ],
        "design": {
            "allocation": record.allocation,
            "model": record.model,
            "masking": record.masking,
            "purpose": record.purpose,
        },
        "enrolment": {"planned": record.enrolment} if record.enrolment else {},
        "sites": _sites(record),
        "arms": _arms(record, drugs),
        "treatments": [{"name": name, "label": label} for name, label in drugs.items()],
        "outcomes": _outcomes(record.outcomes),
        "eligibility": _eligibility(record),
        "data_cut": None,
        "assumptions": _assumptions(),
    }
    written = {"study.yaml": as_yaml(study), "schedule.yaml": _template()}
    for name in _forms_of(written["schedule.yaml"]):
        written[f"forms/{name.lower()}.yaml"] = f"use: {name}\n"
    for file, what in RULE_FILES.items():
        written[file] = f"# {what}\nuse: {STANDARD}\n"
    written["design.yaml"] = DESIGN + as_yaml(_design(record))
    if original:
        written[f"registry/{original[0]}"] = original[1]
    return Draft(written, tuple(_gaps(record, drugs)))


def _design(record: RegistryRecord) -> dict[str, Plain]:
    """No design: a record states how many patients are planned, and never a hypothesis."""
    return {
        "status": "descriptive",
        "patients": record.enrolment or "",
        "why": {
            "en": "The registry record states no hypothesis and no rule for stopping.",
            "zh": "注册信息未说明假设检验及停止规则。",
        },
    }


def _template() -> str:
    folder = files("onearm.study").joinpath("library")
    return folder.joinpath("schedule.yaml").read_text("utf-8")


def _forms_of(schedule: str) -> list[str]:
    """The forms that a schedule's visits name, in alphabetical order."""
    plan = Schedule.model_validate(YAML(typ="safe", pure=True).load(schedule))
    return sorted({form for visit in plan.visits for form in visit.forms})


def _drugs(record: RegistryRecord) -> dict[str, str]:
    """EXTRT -> label: one each intervention, and one each part of a combination in one name."""
    named = [
        part.strip()
        for i in record.interventions
        if i.type not in NOT_STUDY_DRUGS or len(record.interventions) == 1
        for part in TOGETHER.split(i.name)
    ]
    drugs: dict[str, str] = {}
    for name in named:
        drugs.setdefault(_plain(name) or UNNAMED, _line(name) or UNNAMED.capitalize())
    return drugs or {UNNAMED: UNNAMED.capitalize()}


def _line(text: str) -> str:
    """A text on one line, with single blanks."""
    return " ".join(text.split())


def _plain(name: str) -> str:
    """A name in the letters that EXTRT takes: capitals, digits, space, + and -."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    cleaned = " ".join(re.sub(r"[^A-Z0-9+ -]+", " ", ascii_name).split()).strip("+- ")
    return cleaned if not cleaned or cleaned[0].isalpha() else f"DRUG {cleaned}"


def _arms(record: RegistryRecord, drugs: dict[str, str]) -> list[Plain]:
    arms: list[Plain] = []
    for number, arm in enumerate(record.arms, start=1):
        names = [_plain(p) for i in arm.interventions for p in TOGETHER.split(i)]
        arms.append(
            {
                "code": f"ARM{number}",
                "label": _line(arm.label) or f"Arm {number}",
                "type": arm.type,
                "description": arm.description,
                "treatments": [name for name in dict.fromkeys(names) if name in drugs],
            }
        )
    return arms or [
        {
            "code": "ARM1",
            "label": " + ".join(drugs.values()),
            "type": "EXPERIMENTAL",
            "treatments": list(drugs),
        }
    ]


def _sites(record: RegistryRecord) -> list[Plain]:
    wide = len(str(len(record.sites)))
    return [
        {
            "id": f"{number:0{max(wide, 2)}d}",
            "name": _line(f"{site.facility}, {site.city}").strip(", ") or f"Site {number}",
            "country": site.country,
        }
        for number, site in enumerate(record.sites, start=1)
    ]


def _outcomes(registered: Iterable[RegisteredOutcome]) -> list[Plain]:
    """Outcomes in the record's words.

    The id is that of an outcome of the library which the measure names, else an abbreviation in
    brackets, else a number.
    """
    found: list[Plain] = []
    used: set[str] = set()
    for number, outcome in enumerate(registered, start=1):
        short = re.search(r"\(([A-Z][A-Z0-9]{1,7})\)", outcome.measure)
        measure = outcome.measure.lower()
        known = [name for name, words in MEASURES.items() if re.search(words, measure)]
        likely = [*known[:1], *([short[1]] if short else [])]
        name = next((name for name in likely if name not in used), f"OUT{number}")
        used.add(name)
        found.append(
            {
                "id": name,
                "type": outcome.rank,
                "measure": _line(outcome.measure) or f"Outcome {number}",
                "description": outcome.description,
                "time_frame": outcome.time_frame,
            }
        )
    return found


def _eligibility(record: RegistryRecord) -> Plain:
    listed = criteria(record.eligibility)
    return {
        "source": "registry",
        "text": record.eligibility,
        "criteria": [
            {"id": f"{short}{number:02d}", "type": kind, "text": text}
            for kind, short in (("inclusion", "IN"), ("exclusion", "EX"))
            for number, text in enumerate(listed[kind], start=1)
        ],
    }


def _assumptions() -> list[Plain]:
    return [
        {
            "id": "schedule",
            "statement": "Visits, windows and scan intervals",
            "value": "the template of onearm",
            "source": "not in a registry record",
        }
    ]


def _gaps(record: RegistryRecord, drugs: dict[str, str]) -> Iterable[str]:
    """What a person has to fill in, in the order of the files."""
    absent = {
        "the official title": record.official_title,
        "the phase": record.phases,
        "the allocation, model, masking and purpose": record.model,
        "the planned number of patients": record.enrolment,
        "the sponsor": record.sponsor,
        "sites": record.sites,
        "start and completion dates": record.start or record.completion,
        "the arms (one arm with all treatments was drafted)": record.arms,
        "outcome measures": record.outcomes,
        "eligibility criteria": record.eligibility,
    }
    for what, found in absent.items():
        if not found:
            yield f"The record does not give {what}."
    if len(record.arms) > 1:
        yield f"The record has {len(record.arms)} arms; onearm analyses one."
    if record.allocation == "RANDOMIZED":
        yield "The trial is randomised; onearm is for one arm without a comparison."
    for i in record.interventions:
        parts = TOGETHER.split(i.name)
        if len(parts) > 1:
            yield f"'{i.name}' was taken as {len(parts)} treatments: {', '.join(parts)}."
    if UNNAMED in drugs:
        yield f"No drug is named; the treatment was drafted as {UNNAMED}."
    for label in drugs.values():
        yield f"{label}: dose, unit, route, frequency and steps down (study.yaml, treatments)."
    for outcome in record.outcomes:
        if not outcome.time_frame:
            yield f"Outcome '{outcome.measure}' has no time frame."
    yield "Cohorts: a variable and its levels, if patients are split by disease (study.yaml)."
    yield "Visits, windows and the scan interval are a template (schedule.yaml)."
    yield "Which forms and items the protocol needs (forms/; each takes the library's by name)."
    yield "Hypotheses, sample size reasons and stopping rules: none is drafted (design.yaml)."
    yield "Versions of the dictionaries (study.yaml, dictionaries)."
    yield "Chinese texts (study.yaml)."
    yield (
        "How data become results: subjects.yaml, endpoints.yaml, analyses.yaml and outputs.yaml "
        "take the library's rules; write in them what your protocol has otherwise."
    )
    yield (
        "simulation.yaml takes neutral planning values that describe no drug and no disease; "
        "onearm simulate also needs the doses and intervals in study.yaml."
    )


def as_yaml(value: Mapping[str, object]) -> str:
    """A study file: empty parts left out, texts of several lines as blocks."""
    writer = YAML()
    writer.width, writer.allow_unicode = 100, True
    writer.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    writer.dump(_readable(dict(value)), stream)
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())


def _readable(value: object) -> object:
    """Without empty parts, and with texts of several lines as blocks; the cases of a check stay as
    they are: an empty value is what they try."""
    if isinstance(value, dict):
        parts = {k: part if k == "cases" else _readable(part) for k, part in value.items()}
        return {key: part for key, part in parts.items() if part not in ("", [], {})}
    if isinstance(value, list):
        return [_readable(part) for part in value]
    if isinstance(value, str):
        text = "\n".join(line.rstrip() for line in value.expandtabs().splitlines())
        # Only plain lines can stand in a block; anything else is written with escapes.
        block = "\n" in text and not text[0].isspace() and text.replace("\n", "").isprintable()
        return LiteralScalarString(text) if block else text
    return value
