"""The numbers of a trial worked out again with plain Python from the SDTM rows alone.

Written from the specification (`clinical.md` 3.1, 3.3, 4.1 to 4.3; `statistics.md` 2 and 9) and
sharing no code with the package. Rows are dicts of SDTM variables; days count from first dose.
"""

from __future__ import annotations

import calendar
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from scipy.stats import binomtest, norm

from tests.whole.by_hand_tumours import Patient, read_patient

Row = dict[str, Any]
MONTH = 30.4375
DOSES_A_DAY = {"QD": 1.0, "QOD": 0.5}


def first_day(text: str | None) -> date | None:
    """The earliest day that an ISO date, whole or partial, may be; none if there is no such day."""
    parts = [int(part) for part in (text or "").split("-") if part]
    try:
        return date(*([*parts, 1, 1])[:3]) if parts else None
    except ValueError:
        return None


def last_day(text: str | None) -> date | None:
    """The latest day that an ISO date, whole or partial, may be; none if there is no such day."""
    first = first_day(text)
    if first is None or text is None or len(text) == 10:
        return first
    month = 12 if len(text) == 4 else first.month
    return date(first.year, month, calendar.monthrange(first.year, month)[1])


class Trial:
    """SDTM rows by subject, with the few facts about each that every table needs."""

    def __init__(self, domains: Mapping[str, Iterable[Row]], cut: date) -> None:
        self.cut = cut
        self.rows: dict[str, dict[str, list[Row]]] = {}
        for name, rows in domains.items():
            table = self.rows[name] = defaultdict(list)
            for row in rows:
                table[row["USUBJID"]].append(row)
        self.dm = {s: rows[0] for s, rows in self.rows["DM"].items()}
        self.enrolled = {s for s in self.dm if self.ds(s, "ENROLLED")}
        self.first: dict[str, date] = {}
        self.last: dict[str, date] = {}
        for s in self.dm:
            given = self.given(s)
            if given:
                self.first[s] = min(g[0] for g in given)
                self.last[s] = max(g[1] for g in given)
        self.treated = sorted(self.enrolled & set(self.first))
        self.death = {s: d for s in self.dm if (d := self._death(s)) is not None}
        self.patients = {s: self._patient(s) for s in self.treated}

    def of(self, domain: str, subject: str) -> list[Row]:
        return self.rows.get(domain, {}).get(subject, [])

    def ds(self, subject: str, term: str) -> list[Row]:
        return [r for r in self.of("DS", subject) if r["DSDECOD"] == term]

    def supp(self, domain: str, subject: str) -> dict[tuple[str, str], str]:
        """Supplemental values by the row's sequence number (empty for DM) and name."""
        rows = self.of("SUPP" + domain, subject)
        return {(r["IDVARVAL"] or "", r["QNAM"]): r["QVAL"] for r in rows}

    def given(self, subject: str, drug: str | None = None) -> list[tuple[date, date, Row]]:
        """Periods with a dose above 0; one without an end lasts until the cut."""
        out = []
        for r in self.of("EX", subject):
            start = first_day(r["EXSTDTC"])
            if (r["EXDOSE"] or 0) > 0 and start and drug in (None, r["EXTRT"]):
                out.append((start, last_day(r["EXENDTC"]) or self.cut, r))
        return sorted(out, key=lambda g: (g[0], g[2]["EXSEQ"]))

    def last_alive(self, subject: str) -> date:
        """Latest visit, sample, dose, scan, event, drug or contact, not after the cut."""
        found = [first_day(self.dm[subject]["RFICDTC"])]
        found += [
            first_day(r["SSSTRESC"]) for r in self.of("SS", subject) if r["SSTESTCD"] == "LSCFADTC"
        ]
        found += [first_day(r["SVSTDTC"]) for r in self.of("SV", subject) if r["VISITNUM"] < 600]
        for start, end, row in self.given(subject):
            found += [start, end if row["EXENDTC"] else start]
        for domain, name in (("LB", "LBDTC"), ("VS", "VSDTC"), ("TR", "TRDTC"), ("PR", "PRSTDTC")):
            found += [first_day(r[name]) for r in self.of(domain, subject)]
        for r in self.of("AE", subject):
            found.append(first_day(r["AESTDTC"]))
            found.append(first_day(r["AEENDTC"]) if r["AEOUT"] != "FATAL" else None)
        for r in self.of("CM", subject):
            found.append(first_day(r["CMSTDTC"]) if r["CMCAT"] != "PRIOR ANTICANCER" else None)
        return min(max(d for d in found if d), self.cut)

    def _death(self, subject: str) -> date | None:
        text = self.dm[subject]["DTHDTC"]
        day = first_day(text)
        if day and len(text) < 10:
            day = max(day, self.last_alive(subject))
        return day if day and day <= self.cut else None

    def _patient(self, s: str) -> Patient:
        start = self.first[s]
        base, done, scans = read_patient(self.of("TR", s), self.of("TU", s), start)
        later = [
            first_day(r["CMSTDTC"])
            for r in self.of("CM", s)
            if r["CMCAT"] == "SUBSEQUENT ANTICANCER"
        ]
        later += [
            first_day(r["PRSTDTC"])
            for r in self.of("PR", s)
            if r["PRCAT"] == "SUBSEQUENT ANTICANCER"
            and not (r["PRTRT"] == "RADIOTHERAPY" and (r["PRLOC"] or "").startswith("BONE"))
        ]
        therapy = min((d for d in later if d), default=None)
        return Patient(
            baseline=base,
            has_baseline=done,
            scans=scans,
            therapy=None if therapy is None else (therapy - start).days,
            death=(self.death[s] - start).days if s in self.death else None,
            alive=(self.last_alive(s) - start).days,
        )

    def weight(self, subject: str) -> float | None:
        """The last weight on or before first dose."""
        known = [
            (day, r["VISITNUM"], float(r["VSSTRESN"]))
            for r in self.of("VS", subject)
            if r["VSTESTCD"] == "WEIGHT" and r["VSSTRESN"] is not None
            if (day := first_day(r["VSDTC"])) is not None and day <= self.first[subject]
        ]
        return max(known)[2] if known else None

    # -- Adverse events ---------------------------------------------------------------------------

    def emergent(self, subject: str) -> list[Row]:
        """Treatment-emergent events (4.1), with GRADE, REL (either drug), SERIOUS and IMM added."""
        begin, end = self.first[subject], self.last[subject]
        therapy = self.patients[subject].therapy
        extra = self.supp("AE", subject)
        out = []
        for r in self.of("AE", subject):
            if "PROGRESSION" in (r["AEDECOD"] or "").upper():
                continue
            note = {q: extra.get((str(r["AESEQ"]), q)) for q in ("AEIMM", "AERELLEN", "AERELPEM")}
            earliest, latest = first_day(r["AESTDTC"]), last_day(r["AESTDTC"])
            over = last_day(r["AEENDTC"])
            if latest and latest < begin:
                continue
            if earliest and latest and earliest < begin <= latest and over and over < begin:
                continue
            # A partial date counts as the first day on treatment that it may be.
            start = max(earliest, begin) if earliest else begin
            close = end + timedelta(30)
            if r["AESER"] == "Y" or note["AEIMM"] == "Y":
                # 90 days, cut short by new therapy but never to less than 30 (A08, A10).
                late = end + timedelta(90)
                stop = late if therapy is None else begin + timedelta(therapy)
                close = max(close, min(late, stop))
            if start > close:
                continue
            drugs = [note["AERELLEN"], note["AERELPEM"]]
            related = "RELATED" in drugs or all(d is None for d in drugs)
            out.append(r | note | {"GRADE": int(r["AETOXGR"]), "REL": related})
        return out

    def incidence(self, wanted: Any) -> dict[str, dict[int, int]]:
        """Subjects by preferred term and worst grade, among the emergent events ``wanted``."""
        table: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for s in self.treated:
            worst: dict[str, int] = {}
            for r in self.emergent(s):
                if wanted(r):
                    for term in (r["AEDECOD"], ""):
                        worst[term] = max(worst.get(term, 0), r["GRADE"])
            for term, grade in worst.items():
                table[term][grade] += 1
        return table

    # -- Exposure ---------------------------------------------------------------------------------

    def exposure(self, subject: str, drug: str) -> dict[str, float] | None:
        """Duration in days, amount and relative dose intensity of one drug (4.3)."""
        periods = self.given(subject, drug)
        if not periods:
            return None
        start, end = periods[0][0], max(p[1] for p in periods)
        span = (end - start).days
        if drug == "PEMBROLIZUMAB":
            cycles = math.floor(span / 21 + 0.5) + 1
            amount = sum(p[2]["EXDOSE"] for p in periods)
            intensity = 100 * amount / (200 * cycles)
            return {"days": span + 21, "mg": amount, "rdi": intensity, "reductions": 0}
        a_day = [p[2]["EXDOSE"] * DOSES_A_DAY[p[2]["EXDOSFRQ"]] for p in periods]
        amount = sum(
            level * ((p[1] - p[0]).days + 1) for level, p in zip(a_day, periods, strict=True)
        )
        return {
            "days": span + 1,
            "mg": amount,
            "rdi": 100 * amount / (a_day[0] * (span + 1)),
            "reductions": sum(b < a for a, b in itertools.pairwise(a_day)),
        }

    # -- Laboratory -------------------------------------------------------------------------------

    def shift(self, test: str) -> dict[tuple[int, int], int]:
        """Subjects by grade at baseline and worst grade on treatment, CTCAE 5 table of 4.2."""
        table: dict[tuple[int, int], int] = defaultdict(int)
        for s in self.treated:
            rows = sorted(
                (day, r["VISITNUM"], r["LBSEQ"], r)
                for r in self.of("LB", s)
                if r["LBTESTCD"] == test and r["LBSTRESN"] is not None
                if (day := first_day(r["LBDTC"])) is not None
            )
            limit = self.last[s] + timedelta(30)
            before = [r for day, _, _, r in rows if day <= self.first[s]]
            after = [r for day, _, _, r in rows if self.first[s] < day <= limit]
            if not before or not after:
                continue
            base = before[-1]
            worst = max(grade(test, r, base) for r in after)
            table[(grade(test, base, base), worst)] += 1
        return table


def grade(test: str, row: Row, base: Row) -> int:
    """CTCAE 5.0 grade of ALT, BILI or PLAT.

    Where the baseline was above normal the multiples are of the baseline, which is then itself
    grade 0 (4.2, decision 3 and case C15).
    """
    value = row["LBSTRESN"]
    if test == "PLAT":
        steps = [row["LBSTNRLO"], 75, 50, 25]
        return sum(value < step for step in steps)
    unit, low = row["LBSTNRHI"], 1.0
    high = {"ALT": (3, 5, 20), "BILI": (1.5, 3, 10)}[test]
    if base["LBSTRESN"] > base["LBSTNRHI"]:
        unit = base["LBSTRESN"]
        if test == "ALT" and value < 1.5 * unit:
            return 0
    return sum(value > step * unit for step in (low, *high))


# -- Statistics -----------------------------------------------------------------------------------


def exact_limits(x: int, n: int) -> tuple[float, float]:
    """Clopper-Pearson at 95 %."""
    limits = binomtest(x, n).proportion_ci(0.95, method="exact")
    return float(limits.low), float(limits.high)


class Curve:
    """Kaplan-Meier by hand: days and events of each subject."""

    def __init__(self, ends: Iterable[tuple[int, bool]]) -> None:
        self.ends = sorted(ends)
        self.steps: list[tuple[int, float, float]] = []  # day, S, Greenwood sum
        survival, green = 1.0, 0.0
        for day in sorted({d for d, _ in self.ends}):
            at_risk = sum(d >= day for d, _ in self.ends)
            events = sum(d == day and e for d, e in self.ends)
            survival *= 1 - events / at_risk
            if at_risk > events:
                green += events / at_risk / (at_risk - events)
            else:
                green = math.inf
            self.steps.append((day, survival, green))

    @property
    def events(self) -> int:
        return sum(e for _, e in self.ends)

    def limits(self, survival: float, green: float) -> tuple[float, float]:
        """Log-log limits; (1, 1) before the first event, nothing at 0."""
        if survival == 1:
            return 1.0, 1.0
        if survival <= 0 or math.isinf(green):
            return math.nan, math.nan
        centre = math.log(-math.log(survival))
        wide = float(norm.ppf(0.975)) * math.sqrt(green) / abs(math.log(survival))
        return math.exp(-math.exp(centre + wide)), math.exp(-math.exp(centre - wide))

    def at(self, day: float) -> tuple[float, float, float] | None:
        """S with its limits, None beyond the follow-up of a curve that does not end at 0."""
        if day > self.steps[-1][0] and self.steps[-1][1] > 0:
            return None
        survival, green = 1.0, 0.0
        for when, s, g in self.steps:
            if when <= day:
                survival, green = s, g
        return (survival, *self.limits(survival, green))

    def median(self) -> tuple[float | None, float | None, float | None]:
        """Median with Brookmeyer-Crowley limits: where S and its limits reach one half."""
        middle = [(d, s) for d, s, _ in self.steps]
        low = [(d, self.limits(s, g)[0]) for d, s, g in self.steps]
        high = [(d, self.limits(s, g)[1]) for d, s, g in self.steps]
        return crossing(middle), crossing(low), crossing(high)


def crossing(points: list[tuple[int, float]], height: float = 0.5) -> float | None:
    """First day at or under the height; the middle of the plateau where it lies on the height."""
    for i, (day, level) in enumerate(points):
        if math.isnan(level) or level > height + 1.49e-8:
            continue
        if abs(level - height) > 1.49e-8:
            return float(day)
        later = [d for d, s in points[i + 1 :] if s < level - 1.49e-8]
        return (day + (later[0] if later else points[-1][0])) / 2
    return None
