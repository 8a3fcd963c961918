"""Best response and times to events of one patient, written out plainly beside ``straight``.

Days are counted from first dose = 0. Sources: RECIST 1.1, table 3 and 4.6.1 for the best response;
FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs (2018), table A, for PFS; the same
without censoring for gaps and new therapy (EMA/CHMP/27994/2008 Rev. 1) for PFS1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ADEQUATE = ("CR", "PR", "SD", "NON-CR/NON-PD", "NED")


@dataclass(frozen=True, slots=True)
class Rules:
    """The choices of the plan that the truth follows. All in days."""

    confirm_days: int = 28
    sd_min_days: int = 42
    max_ne: int = 1
    max_sd: int = 1
    gap_days: int = 98
    confirmation: bool = True
    strict: bool = True
    to_pd: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened to one patient. ``points``: response and day of each time point, in order.

    A PD has its day of progression. ``spared``: days on which disease after a CR is one small node
    only, which is imaged again before it is called progression. ``None``: it did not happen by the
    cut. ``alive``: last day known alive.
    """

    points: Sequence[tuple[str, int]] = ()
    baseline: bool = True
    spared: frozenset[int] = frozenset()
    death: int | None = None
    therapy: int | None = None
    clinical: int | None = None
    withdrawn: int | None = None
    alive: int = 0
    cut: int | None = None


@dataclass(frozen=True, slots=True)
class Time:
    """Days from first dose to an event or to censoring."""

    day: int
    event: bool
    why: str


def recoded(
    points: Sequence[tuple[str, int]], spared: frozenset[int] = frozenset()
) -> list[tuple[str, int]]:
    """Disease after a complete response is progression (RECIST 1.1, table 3, footnote)."""
    result, complete = [], False
    for response, day in points:
        back = complete and day not in spared and response in ("PR", "SD", "NON-CR/NON-PD")
        result.append(("PD" if back else response, day))
        complete = complete or response == "CR"
    return result


def counted(facts: Facts, rules: Rules) -> list[tuple[str, int]]:
    """Time points that count for the best response: to first PD, before new therapy, to the cut."""
    kept = []
    points = [
        (response, day)
        for response, day in facts.points
        if (facts.cut is None or day <= facts.cut)
        and (facts.therapy is None or day < facts.therapy)
    ]
    for response, day in recoded(points, facts.spared) if rules.strict else points:
        kept.append((response, day))
        if response == "PD":
            break
    return kept


def confirmed_start(points: Sequence[tuple[str, int]], wanted: str, rules: Rules) -> int | None:
    """Day of the first CR (``wanted`` CR) or of the first CR or PR that a later one confirms."""
    kinds = ("CR",) if wanted == "CR" else ("PR", "CR")
    for i, (response, day) in enumerate(points):
        if response in kinds and _is_confirmed(points[i + 1 :], response, day, rules):
            return day
    return None


def _is_confirmed(after: Sequence[tuple[str, int]], response: str, day: int, rules: Rules) -> bool:
    """Whether a CR is repeated (only NE between), or a PR by a PR or CR (NE and SD between)."""
    good = ("CR",) if response == "CR" else ("PR", "CR")
    missing = stable = 0
    for later, when in after:
        if later in good and when - day >= rules.confirm_days:
            return True
        missing += later == "NE"
        stable += later == "SD"
        bridged = later in good or later == "NE" or (response == "PR" and later == "SD")
        if not bridged or missing > rules.max_ne or stable > rules.max_sd:
            return False
    return False


def best_response(points: Sequence[tuple[str, int]], rules: Rules) -> tuple[str, int | None]:
    """Best response over the time points that count, and its day."""
    if rules.confirmation:
        for wanted in ("CR", "PR"):
            day = confirmed_start(points, wanted, rules)
            if day is not None:
                return wanted, day
    else:
        for wanted in ("CR", "PR"):
            day = next((d for r, d in points if r == wanted), None)
            if day is not None:
                return wanted, day
    return _stable_or_worse(points, rules)


def _stable_or_worse(points: Sequence[tuple[str, int]], rules: Rules) -> tuple[str, int | None]:
    progression = next((d for r, d in points if r == "PD"), None)
    for kinds, name in ((("CR", "PR", "SD"), "SD"), (("NON-CR/NON-PD",), "NON-CR/NON-PD")):
        late = next((d for r, d in points if r in kinds and d >= rules.sd_min_days), None)
        if late is not None:
            return name, late
        if rules.to_pd and progression is not None and progression >= rules.sd_min_days:
            early = next((d for r, d in points if r in kinds), None)
            if early is not None:
                return name, early
    if progression is not None:
        return "PD", progression
    if any(r == "NED" for r, _ in points):
        return "NED", next(d for r, d in points if r == "NED")
    return "NE", points[0][1] if points else None


def progression_day(facts: Facts, *, stop: int | None = None) -> int | None:
    """Day of the first progression up to ``stop`` (that day included) and the cut."""
    first = next((d for r, d in recoded(facts.points, facts.spared) if r == "PD"), None)
    limits = [x for x in (stop, facts.cut) if x is not None]
    return first if first is not None and all(first <= limit for limit in limits) else None


def _adequate(facts: Facts, *, by: int | None) -> list[int]:
    limits = [x for x in (by, facts.cut) if x is not None]
    first = next((d for r, d in recoded(facts.points, facts.spared) if r == "PD"), None)
    return [
        day
        for response, day in facts.points
        if response in ADEQUATE
        and all(day <= limit for limit in limits)
        and (first is None or day < first)
    ]


def _death(facts: Facts) -> int | None:
    within = facts.death is not None and (facts.cut is None or facts.death <= facts.cut)
    return facts.death if within else None


def progression_free(facts: Facts, rules: Rules, *, clinical: bool = False) -> Time:
    """PFS, FDA table A style: new therapy, withdrawal and long gaps censor at the last scan.

    With ``clinical`` progression without imaging counts on its day (table C).
    """
    stops = [x for x in (facts.therapy, facts.withdrawn) if x is not None]
    stop = min(stops) if stops else None
    death = _death(facts)
    if not facts.baseline:
        early = death is not None and death <= rules.gap_days and (stop is None or death <= stop)
        return Time(death, True, "death") if early and death is not None else Time(0, False, "base")
    scans = _adequate(facts, by=stop)
    last = scans[-1] if scans else 0
    progression = progression_day(facts, stop=stop)
    symptom = facts.clinical if clinical else None
    events = [
        (day, why)
        for day, why in ((progression, "PD"), (symptom, "clinical"), (death, "death"))
        if day is not None and (stop is None or day <= stop) and _in_cut(day, facts)
    ]
    if not events:
        return Time(last, False, "last scan")
    day, why = min(events)
    if day - last > rules.gap_days:
        return Time(last, False, "gap")
    return Time(day, True, why)


def _in_cut(day: int, facts: Facts) -> bool:
    return facts.cut is None or day <= facts.cut


def progression_free_policy(facts: Facts) -> Time:
    """PFS as treatment policy: progression or death on its day, whatever came before."""
    death = _death(facts)
    progression = progression_day(facts) if facts.baseline else None
    events = [(d, w) for d, w in ((progression, "PD"), (death, "death")) if d is not None]
    if events:
        return Time(*_event(min(events)))
    scans = _adequate(facts, by=None) if facts.baseline else []
    return Time(scans[-1] if scans else 0, False, "last scan")


def _event(found: tuple[int, str]) -> tuple[int, bool, str]:
    return found[0], True, found[1]


def survival(facts: Facts) -> Time:
    """OS: death from any cause; alive: last day known alive, not after the cut."""
    death = _death(facts)
    if death is not None:
        return Time(death, True, "death")
    return Time(facts.alive if facts.cut is None else min(facts.alive, facts.cut), False, "alive")


def to_progression(facts: Facts, rules: Rules) -> Time:
    """TTP: as PFS, but a death without progression censors at the last adequate scan."""
    time = progression_free(facts, rules)
    if not time.event or time.why == "PD":
        return time
    stops = [x for x in (facts.therapy, facts.withdrawn) if x is not None]
    scans = _adequate(facts, by=min(stops) if stops else None) if facts.baseline else []
    return Time(scans[-1] if scans else 0, False, "death")


def response_start(facts: Facts, rules: Rules) -> int | None:
    """Day of the first CR or PR that is later confirmed; ``None`` for those without response."""
    return confirmed_start(counted(facts, rules), "PR", rules)
