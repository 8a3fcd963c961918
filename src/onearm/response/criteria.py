"""Response criteria as values: parameters, published tables, source; found by name."""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from itertools import product
from typing import get_type_hints

from onearm.errors import OnearmError

TARGET = ("CR", "PR", "SD", "PD", "NE", "none")
NONTARGET = ("CR", "NON-CR/NON-PD", "PD", "NE", "none")
NEW = ("no", "yes", "equivocal")

CHOICES: dict[str, tuple[str, ...]] = {
    "pr_carry": ("baseline", "sticky"),
    "cr_then_disease": ("strict", "lenient"),
    "sd_rule": ("assessment_date", "to_PD"),
    "pd_date_rule": ("fda_component", "earliest_scan", "scheduled"),
    "nobody_assessed": ("NE", "MISSING"),
    "not_done_between": ("ignored", "bars"),
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a protocol may choose; the defaults are those of RECIST 1.1 and the usual analysis plan.

    Lengths are millimetres, periods are days (calendar difference, nothing added). Lengths and
    percentages are exact decimals: write ``Decimal("0.5")``, an int or text, never a float.
    """

    max_targets: int = 5
    max_targets_per_organ: int = 2
    min_nonnodal_mm: Decimal = Decimal(10)
    max_slice_mm: Decimal = Decimal(5)
    min_chest_xray_mm: Decimal = Decimal(20)
    min_node_target_sa: Decimal = Decimal(15)
    node_pathologic_sa: Decimal = Decimal(10)
    pr_pct: Decimal = Decimal(30)
    pd_pct: Decimal = Decimal(20)
    pd_abs_mm: Decimal = Decimal(5)
    too_small_default_mm: Decimal = Decimal(5)
    baseline_window_days: int = 28
    pr_carry: str = "baseline"
    marker_for_cr: bool = False
    pd_date_rule: str = "fda_component"
    sd_min_days: int = 42
    sd_rule: str = "assessment_date"
    confirm_days: int = 28
    max_ne_between: int = 1
    max_sd_between: int = 1
    pr_after_cr_confirms: bool = True
    not_done_between: str = "ignored"
    cr_then_disease: str = "strict"
    stop_at_pd: bool = True
    nobody_assessed: str = "NE"


ADMIRALONCO: dict[str, object] = {
    "cr_then_disease": "lenient",
    "pr_after_cr_confirms": False,
    "not_done_between": "bars",
    "max_sd_between": 0,
    "nobody_assessed": "MISSING",
}
"""The choices of the R package admiralonco 1.4, for comparing results:
``RECIST11.with_parameters(**ADMIRALONCO)``. It differs from RECIST 1.1, table 3, where disease
follows a CR that came too early to count as SD (admiralonco issue 275)."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """One published set of response criteria.

    ``timepoint_table`` and ``best_table`` name CSV files (without ``.csv``) in ``folder``, a
    package with the tables beside its code. ``goodness`` ranks the responses, best first.
    """

    name: str
    title: str
    source: str
    timepoint_table: str
    best_table: str
    goodness: tuple[str, ...]
    parameters: Parameters = Parameters()
    folder: str = "onearm.response.tables"

    def with_parameters(self, **changes: object) -> Criteria:
        """The same criteria with other parameters; names and choices are checked.

        Raises OnearmError naming every parameter that is unknown or has an impossible value.
        """
        return dataclasses.replace(self, parameters=_changed(self.parameters, changes))


def _changed(parameters: Parameters, changes: dict[str, object]) -> Parameters:
    types = get_type_hints(Parameters)
    values: dict[str, object] = {}
    problems: list[str] = []
    for name, value in changes.items():
        if name not in types:
            near = get_close_matches(name, types, n=1)
            problems.append(
                f"there is no response parameter {name!r}"
                + (f"; did you mean {near[0]!r}?" if near else "")
            )
            continue
        try:
            values[name] = _typed(name, value, types[name])
        except ValueError as problem:
            problems.append(str(problem))
    if problems:
        raise OnearmError("; ".join(problems))
    # dataclasses.replace is typed for known names; these were checked one by one above.
    return dataclasses.replace(parameters, **values)  # type: ignore[arg-type]


def _typed(name: str, value: object, kind: type) -> object:
    """The value in the type of its parameter; ValueError says what would be right."""
    if name in CHOICES and value not in CHOICES[name]:
        raise ValueError(f"{name}: found {value!r}; choose one of {', '.join(CHOICES[name])}")
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name}: found {value!r}; write true or false")
        return value
    if kind is int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name}: found {value!r}; a whole number, 0 or more, is needed")
        return value
    if kind is Decimal:
        return _decimal(name, value)
    return value


def _decimal(name: str, value: object) -> Decimal:
    try:
        # The shortest text of a float is what somebody typed: 0.7 means 7/10 here.
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise ValueError(f"{name}: found {value!r}; a number, 0 or more, is needed")
    return number


@cache
def rows(table: str, folder: str = "onearm.response.tables") -> tuple[dict[str, str], ...]:
    """The rows of a published table, in the order in which they are tried."""
    text = files(folder).joinpath(f"{table}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _fits(cell: str, seen: str) -> bool:
    return cell == "any" or seen in cell.split("|")


def overall_response(
    target: str, nontarget: str, new_lesion: str, *, criteria: Criteria | None = None
) -> dict[str, str]:
    """Overall response at one time point: the first row of the table that fits, with its source.

    ``target`` is one of CR PR SD PD NE none, ``nontarget`` one of CR NON-CR/NON-PD PD NE none
    ("none": no such disease at baseline), ``new_lesion`` no, yes or equivocal.
    Raises LookupError for a word that the table does not know.
    Source: Eisenhauer et al., Eur J Cancer 45:228 (2009), tables 1 and 2.

    >>> overall_response("CR", "NON-CR/NON-PD", "no")["overall"]
    'PR'
    """
    chosen = criteria or RECIST11
    seen = {"target": target, "nontarget": nontarget, "new": new_lesion}
    words = {"target": TARGET, "nontarget": NONTARGET, "new": NEW}
    for row in rows(chosen.timepoint_table, chosen.folder):
        known = all(value in words[key] for key, value in seen.items())
        if known and all(_fits(row[key], value) for key, value in seen.items()):
            return row
    raise LookupError(f"no row of {chosen.timepoint_table}.csv fits {seen}")


def combinations(criteria: Criteria) -> list[dict[str, str]]:
    """Every target, non-target and new-lesion answer with its overall response and rule."""
    return [
        {"target": t, "nontarget": n, "new": w}
        | {key: row[key] for key in ("overall", "rule", "source")}
        for t, n, w in product(TARGET, NONTARGET, NEW)
        for row in [overall_response(t, n, w, criteria=criteria)]
    ]


RECIST11 = Criteria(
    name="recist11",
    title="RECIST 1.1",
    source="Eisenhauer et al., Eur J Cancer 45:228-247 (2009)",
    timepoint_table="recist11_timepoint",
    best_table="recist11_best",
    goodness=("CR", "PR", "SD", "NON-CR/NON-PD", "NED", "NE", "PD"),
)

CRITERIA: dict[str, Criteria] = {criteria.name: criteria for criteria in (RECIST11,)}


def find_criteria(name: str) -> Criteria:
    """The criteria of this name: ours, or a plug-in's (entry point group ``onearm.criteria``).

    Raises OnearmError with the names that exist.
    """
    if name in CRITERIA:
        return CRITERIA[name]
    plugins = {entry.name: entry for entry in entry_points(group="onearm.criteria")}
    if name in plugins:
        found = plugins[name].load()
        if not isinstance(found, Criteria):
            raise OnearmError(f"the plug-in {plugins[name].value} is not a Criteria value")
        return found
    known = sorted({*CRITERIA, *plugins})
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise OnearmError(f"there are no response criteria {name!r}; known: {', '.join(known)}{hint}")
