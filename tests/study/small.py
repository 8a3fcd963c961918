"""A small study that loads and lints clean, and a way to spoil one line of it."""

from __future__ import annotations

from pathlib import Path

from onearm.errors import Finding, Problems
from onearm.study import load
from onearm.study.lint import check

STUDY = """\
id: TEST01
title: {en: A small study, zh: 小型研究}
arms:
  - code: ONE
    label: {en: One, zh: 一}
    treatments: [ALPHA]
treatments:
  - name: ALPHA
    label: {en: Alpha, zh: 甲}
    frequency: QD
    doses:
      - {amount: 20, when: WEIGHT >= 60, reductions: [{amount: 10}]}
      - {amount: 10, when: WEIGHT < 60}
cohort:
  variable: COHORT
  levels:
    - {code: A, label: {en: A, zh: 甲}}
    - {code: B, label: {en: B, zh: 乙}}
outcomes:
  - id: ORR
    type: primary
    measure: {en: Response, zh: 缓解}
sites:
  - {id: "01", name: {en: Centre, zh: 中心}}
data_cut: 2024-06-30
assumptions:
  - id: dose
    statement: {en: The dose, zh: 剂量}
    value: 20 mg
    source: a paper
"""

SCHEDULE = """\
epochs:
  - {id: SCREENING, label: {en: Screening, zh: 筛选期}}
  - {id: TREATMENT, label: {en: Treatment, zh: 治疗期}}
visits:
  - id: START
    name: START
    label: {en: Start, zh: 开始}
    number: 1
    epoch: SCREENING
    day: -1
    window: [-7, 0]
    forms: [BASE, VS]
  - id: CYCLE
    name: CYCLE {n}
    label: {en: Cycle, zh: 周期}
    number: 10
    epoch: TREATMENT
    window: [-3, 3]
    repeat: {first_day: 1, every: 21, until: never}
    forms: [VS]
  - id: LOG
    name: LOG
    label: {en: Log, zh: 记录}
    number: 99
    epoch: TREATMENT
    kind: log
    forms: [DRUG]
tumour_assessments: {visit: CYCLE, interval_days: 21, window_days: 3}
milestones:
  consent: BASE.CONSENT
"""

BASE = """\
form: BASE
label: {en: Baseline, zh: 基线}
date: CONSENT
items:
  - name: CONSENT
    label: {en: Consent, zh: 知情同意}
    type: date
    required: true
    to: DM.RFICDTC
  - name: COHORT
    label: {en: Cohort, zh: 队列}
    type: code
    codes: cohort
    to: SUPPDM.COHORT
  - name: SEX
    label: {en: Sex, zh: 性别}
    type: code
    choices:
      - {code: M, label: {en: Male, zh: 男}}
      - {code: F, label: {en: Female, zh: 女}}
    to: DM.SEX
  - name: PREG
    label: {en: Pregnant, zh: 妊娠}
    type: yes_no
    shown_when: SEX = 'F'
"""

VS = """\
form: VS
label: {en: Vital signs, zh: 生命体征}
items:
  - name: WEIGHT
    label: {en: Weight, zh: 体重}
    type: decimal
    unit: kg
    low: 30
    high: 150
    decimals: 1
    to: VS.VSORRES where VSTESTCD = WEIGHT
checks:
  - id: VS-001
    when: VISIT = 'CYCLE'
    require: WEIGHT > 0.5 * previous.WEIGHT
    says: {en: not half of before, zh: 不应减半}
  - id: VS-002
    require: BASE.CONSENT IS NOT NULL
    says: {en: consent first, zh: 先签署知情同意}
"""

DRUG = """\
form: DRUG
label: {en: Drug, zh: 用药}
rows: period
key: PERIOD
domains:
  EX: {sets: {EXDOSU: mg}}
items:
  - name: PERIOD
    label: {en: Number, zh: 编号}
    type: integer
  - name: DRUG
    label: {en: Drug, zh: 药物}
    type: code
    codes: drugs
    to: EX.EXTRT
    also: {EX.EXROUTE: route}
"""

DRUGS = """\
code,en,zh,route
ALPHA,Alpha,甲,ORAL
"""

FILES = {
    "study.yaml": STUDY,
    "schedule.yaml": SCHEDULE,
    "forms/base.yaml": BASE,
    "forms/vs.yaml": VS,
    "forms/drug.yaml": DRUG,
    "terms/drugs.csv": DRUGS,
}

COLUMNS = {
    "DM": ("USUBJID", "RFICDTC", "SEX"),
    "VS": ("USUBJID", "VSTESTCD", "VSORRES"),
    "EX": ("USUBJID", "EXTRT", "EXDOSU", "EXROUTE"),
    "ADSL": ("USUBJID", "SAFFL", "SEX"),
}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write the small study with some files replaced or added; returns the folder."""
    for name, content in {**FILES, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def spoil(folder: Path, file: str, old: str, new: str) -> Path:
    """Write the small study with ``old`` replaced by ``new`` once in one of its files."""
    text = FILES[file]
    assert text.count(old) >= 1, f"{old!r} is not in {file}"
    return write(folder, {file: text.replace(old, new, 1)})


def problems(folder: Path) -> tuple[Finding, ...]:
    """What loading a folder complains about; empty where it loads."""
    try:
        load(folder)
    except Problems as found:
        return found.findings
    return ()


def lint(folder: Path) -> list[Finding]:
    """What the lint finds in a folder that loads."""
    return check(load(folder), COLUMNS)


def shown(findings: object) -> str:
    """Findings one a line, for messages of failing tests."""
    return "\n".join(map(str, findings)) if isinstance(findings, list | tuple) else str(findings)
