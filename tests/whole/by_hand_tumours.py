"""RECIST 1.1 worked out again with plain loops and exact fractions, from SDTM rows alone.

Written from `clinical.md` 2.3 to 2.7 and 3.3; shares no code with the package. Days count from
first dose (first dose = 0). A row is a dict of SDTM variables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
ADEQUATE = {"CR", "PR", "SD", "NON-CR/NON-PD"}
TOO_SMALL = Fraction(5)
GAP_LIMIT = 2 * 42 + 2 * 7
CONFIRM_DAYS, SD_DAYS, SD4_DAYS, CBR_DAYS = 28, 42, 122, 161


@dataclass
class Scan:
    """One time point of one subject."""

    visit: float
    day: int
    response: str
    pd_day: int  # the day that counts if this is progression: the earliest component
    total: Fraction | None  # the sum, only where every target was assessed


@dataclass
class Patient:
    """What the scans and the dates of one subject say."""

    baseline: Fraction | None = None
    has_baseline: bool = False
    scans: list[Scan] = field(default_factory=list)
    therapy: int | None = None
    death: int | None = None
    alive: int = 0

    @property
    def progression(self) -> Scan | None:
        return next((s for s in self.scans if s.response == "PD"), None)

    def kept(self) -> list[Scan]:
        """Time points that may make a best response: up to first PD, before new therapy."""
        kept = []
        for scan in self.scans:
            if self.therapy is not None and scan.day >= self.therapy:
                break
            kept.append(scan)
            if scan.response == "PD":
                break
        return kept

    def adequate_days(self) -> list[int]:
        """Days of scans that show no progression, before the progression if there is one."""
        pd = self.progression
        return [
            s.day
            for s in self.scans
            if s.response in ADEQUATE and (pd is None or s.day < pd.pd_day)
        ]


def parent_of(lesion: str) -> str:
    """T01a and T01b are fragments of T01."""
    return lesion[:-1] if lesion[-1:].islower() else lesion


def read_patient(
    tr: Iterable[Row], tu: Iterable[Row], first_dose: date
) -> tuple[Fraction | None, bool, list[Scan]]:
    """The baseline sum, whether a baseline scan was done, and each later time point."""
    organ = {r["TULNKID"]: r["TULOC"] or "" for r in tu}
    visits: dict[float, list[Row]] = defaultdict(list)
    for row in tr:
        if row["TRDTC"] and row["TREVAL"] == "INVESTIGATOR":
            visits[row["VISITNUM"]].append(row)
    dated = sorted(visits.items(), key=lambda item: (max(r["TRDTC"] for r in item[1]), item[0]))
    before = [v for v, rows in dated if date.fromisoformat(rows[0]["TRDTC"]) <= first_dose]
    if not before:
        return None, False, []
    start = before[-1]
    targets = {parent_of(r["TRLNKID"]) for r in visits[start] if r["TRGRPID"] == "TARGET"}
    non_targets = {r["TRLNKID"] for r in visits[start] if r["TRGRPID"] == "NON-TARGET"}
    definite = {
        r["TRLNKID"] for r in tr if r["TRGRPID"] == "NEW" and r["TRSTRESC"] == "UNEQUIVOCAL"
    }
    base, missing, _ = sum_of(visits[start], targets, organ)
    base_sum = None if missing or not targets else base
    nadir = base_sum
    scans: list[Scan] = []
    for number, rows in dated:
        days = [day_of(r, first_dose) for r in rows]
        if number in before:
            continue
        total, missing, gone = sum_of(rows, targets, organ)
        target = target_response(total, missing, gone, base_sum, nadir) if targets else "NONE"
        other = non_target_response(rows, non_targets)
        fresh = [
            day_of(r, first_dose)
            for r in rows
            if r["TRLNKID"] in definite and r["TRSTRESC"] in ("UNEQUIVOCAL", "EQUIVOCAL")
        ]
        overall = overall_response(target, other, bool(fresh))
        # A new lesion counts from the day it is seen, a non-target from the scan that shows it
        # grown, a sum from the last scan that it needs.
        parts = list(fresh)
        if other == "PD":
            parts.append(min(day_of(r, first_dose) for r in rows if grown(r, non_targets)))
        if target == "PD":
            mine = [r for r in rows if parent_of(r["TRLNKID"] or "") in targets]
            parts.append(max(day_of(r, first_dose) for r in mine))
        pd_day = min(parts, default=max(days))
        scans.append(Scan(number, max(days), overall, pd_day, None if missing else total))
        if targets and not missing:
            nadir = total if nadir is None else min(nadir, total)
    # Strict reading: after a complete response any disease is progression.
    seen_cr = False
    for scan in scans:
        if seen_cr and scan.response in ADEQUATE - {"CR"}:
            scan.response = "PD"
        seen_cr = seen_cr or scan.response == "CR"
    return base_sum, True, scans


def day_of(row: Row, first_dose: date) -> int:
    return (date.fromisoformat(row["TRDTC"]) - first_dose).days


def grown(row: Row, non_targets: set[str]) -> bool:
    return row["TRLNKID"] in non_targets and row["TRSTRESC"] == "UNEQUIVOCAL"


def sum_of(
    rows: list[Row], targets: set[str], organ: dict[str, str]
) -> tuple[Fraction, bool, bool]:
    """Sum of the assessed targets, whether one is missing, and whether all are gone."""
    sizes: dict[str, Fraction] = {}
    for row in rows:
        lesion = parent_of(row["TRLNKID"] or "")
        if lesion not in targets:
            continue
        if row["TRTESTCD"] in ("LDIAM", "LPERP") and row["TRSTRESC"]:
            size = Fraction(row["TRSTRESC"])
        elif row["TRSTRESC"] in ("ABSENT", "TUMOR MERGED"):
            size = Fraction(0)
        elif row["TRSTRESC"] == "TOO SMALL TO MEASURE":
            size = TOO_SMALL
        else:
            continue
        sizes[lesion] = sizes.get(lesion, Fraction(0)) + size
    gone = all(
        size < 10 if organ.get(lesion, "").startswith("LYMPH NODE") else size == 0
        for lesion, size in sizes.items()
    )
    return sum(sizes.values(), Fraction(0)), bool(targets - set(sizes)), gone


def target_response(
    total: Fraction, missing: bool, gone: bool, base: Fraction | None, nadir: Fraction | None
) -> str:
    if nadir is not None and total >= Fraction(6, 5) * nadir and total - nadir >= 5:
        return "PD"
    if missing or base is None:
        return "NE"
    if gone:
        return "CR"
    return "PR" if total <= Fraction(7, 10) * base else "SD"


def non_target_response(rows: list[Row], lesions: set[str]) -> str:
    if not lesions:
        return "NONE"
    states = {r["TRLNKID"]: r["TRSTRESC"] for r in rows if r["TRLNKID"] in lesions}
    if any(grown(r, lesions) for r in rows):
        return "PD"
    seen = [states.get(lesion, "NE") for lesion in lesions]
    if all(s == "ABSENT" for s in seen):
        return "CR"
    return "NE" if any(s in ("NE", None) for s in seen) else "NON-CR/NON-PD"


def overall_response(target: str, other: str, new: bool) -> str:
    """Table 1 of the paper, and table 2 where there are no targets."""
    if new or "PD" in (target, other):
        return "PD"
    if target == "NONE":
        return other
    if target == "CR":
        return "CR" if other in ("CR", "NONE") else "PR"
    return target


def first_confirmed(scans: list[Scan]) -> Scan | None:
    """The first CR or PR that a later scan confirms, 28 days on or more."""
    for i, first in enumerate(scans):
        if first.response not in ("CR", "PR"):
            continue
        wanted = {"CR"} if first.response == "CR" else {"CR", "PR"}
        between: list[str] = []
        for later in scans[i + 1 :]:
            late = later.day - first.day >= CONFIRM_DAYS
            few = between.count("NE") <= 1 and between.count("SD") <= 1
            if later.response in wanted and late and few:
                return first
            between.append(later.response)
            if not set(between) <= wanted | ({"NE"} if first.response == "CR" else {"NE", "SD"}):
                break
    return None


def best_response(scans: list[Scan], *, confirmed: bool) -> str:
    """Best overall response with or without the need for confirmation."""
    found = [s.response for s in scans if s.day >= 0]
    if confirmed:
        first = first_confirmed_of(scans, "CR") or first_confirmed_of(scans, "PR")
        if first:
            return first.response
    else:
        for value in ("CR", "PR"):
            if value in found:
                return value
    late = [s.response for s in scans if s.day >= SD_DAYS]
    if {"CR", "PR", "SD"} & set(late):
        return "SD"
    if "NON-CR/NON-PD" in late:
        return "NON-CR/NON-PD"
    return "PD" if "PD" in found else "NE"


def first_confirmed_of(scans: list[Scan], value: str) -> Scan | None:
    """The first confirmed response among the scans that start at a ``value``."""
    for i, scan in enumerate(scans):
        if scan.response == value and first_confirmed(scans[i:]) is scan:
            return scan
    return None


def free_until(p: Patient) -> int:
    """The last day known to be without progression: to PD or death, else to the last scan."""
    pd = p.progression
    ends = [d for d in (pd.pd_day if pd else None, p.death) if d is not None]
    if ends and (p.therapy is None or p.therapy >= min(ends)):
        return min(ends)
    good = [d for d in p.adequate_days() if p.therapy is None or d <= p.therapy]
    return max(good, default=0)


def progression_free(
    p: Patient, *, policy: bool = False, deaths: bool = True, start: int = 0
) -> tuple[int, bool]:
    """Day of the end from first dose and whether it is an event, by the columns of 3.3.

    policy: treatment policy, where new therapy and missed scans end nothing. deaths: off for time
    to progression. start: first response for the duration of response.
    """
    pd = p.progression
    facts = []
    if pd is not None and p.has_baseline:
        facts.append(pd.pd_day)
    if deaths and p.death is not None:
        facts.append(p.death)
    scans = [d for d in p.adequate_days() if p.has_baseline]
    if facts:
        end = min(facts)
        last = max((d for d in scans if d <= end), default=0)
        after_therapy = p.therapy is not None and p.therapy < end
        missed = end - last > GAP_LIMIT
        if policy or not (after_therapy or missed):
            return end, True
        if missed and not after_therapy:
            return max(last, start), False
    good = [d for d in scans if policy or p.therapy is None or d <= p.therapy]
    if p.death is not None:
        good = [d for d in good if d <= p.death]
    return max([start, *good]), False
