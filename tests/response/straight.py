"""RECIST 1.1 once more, in straight code for one patient: the second opinion of the tests.

It shares no code with the package: fractions instead of whole numbers, loops instead of frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction


@dataclass(frozen=True)
class Look:
    """One lesion at one visit: ``size`` in mm or None, ``state`` as in the lesion table."""

    name: str
    role: str
    nodal: bool
    size: Fraction | None
    state: str
    day: date


def value_of(look: Look) -> Fraction | None:
    if look.state == "not_evaluable":
        return None
    if look.state == "absent":
        return Fraction(0)
    if look.state == "too_small":
        return Fraction(5) if look.size is None else look.size
    if look.state == "coalesced":
        return Fraction(0) if look.size is None else look.size
    return look.size


def target_answers(visits: list[list[Look]]) -> list[tuple[str, Fraction | None]]:
    """Target response and sum for each visit after the first."""
    expected = {x.name: x.nodal for x in visits[0] if x.role == "target"}
    first = [value_of(x) for x in visits[0] if x.role == "target"]
    base = None if not first or None in first else sum(v for v in first if v is not None)
    best = base
    answers: list[tuple[str, Fraction | None]] = []
    for looks in visits[1:]:
        if not expected:
            answers.append(("none", None))
            continue
        values = {x.name: value_of(x) for x in looks if x.name in expected}
        seen = {name: v for name, v in values.items() if v is not None}
        total = sum(seen.values(), Fraction(0)) if seen else None
        complete = len(seen) == len(expected)
        answers.append((target_answer(seen, expected, total, base, best, complete), total))
        if complete and total is not None and (best is None or total < best):
            best = total
    return answers


def target_answer(
    seen: dict[str, Fraction],
    nodal: dict[str, bool],
    total: Fraction | None,
    base: Fraction | None,
    nadir: Fraction | None,
    complete: bool,
) -> str:
    if total is not None and nadir is not None:
        grown = total - nadir
        if grown >= 5 and total >= nadir + nadir / 5:
            return "PD"
    if base is None or total is None or not complete:
        return "NE"
    if all(v < 10 if nodal[name] else v == 0 for name, v in seen.items()):
        return "CR"
    if base - total >= Fraction(3, 10) * base:
        return "PR"
    return "SD"


def nontarget_answer(baseline: list[Look], looks: list[Look]) -> str:
    expected = {x.name for x in baseline if x.role == "non-target"}
    here = [x for x in looks if x.role == "non-target"]
    if not expected and not here:
        has_targets = any(x.role == "target" for x in baseline)
        was_seen = any(x.state != "not_evaluable" for x in looks)
        return "none" if has_targets or was_seen else "NE"
    if any(x.state == "progressed" for x in here):
        return "PD"
    if {x.name for x in here if x.state != "not_evaluable"} < expected:
        return "NE"
    if any(x.state == "not_evaluable" for x in here):
        return "NE"
    return "CR" if all(is_gone(x) for x in here) else "NON-CR/NON-PD"


def is_gone(look: Look) -> bool:
    if look.state == "absent":
        return True
    if look.size is None or look.state not in ("measured", "present"):
        return False
    return look.size < 10 if look.nodal else look.size == 0


def new_state(look: Look) -> str:
    if look.state == "absent" or (look.state == "measured" and look.size == 0):
        return "gone"
    if look.state == "not_evaluable":
        return "unknown"
    if look.state == "equivocal":
        return "equivocal"
    if look.nodal and look.size is not None and look.state in ("measured", "present"):
        if look.size >= 15:
            return "yes"
        return "equivocal" if look.size >= 10 else "gone"
    return "yes"


def new_answers(visits: list[list[Look]]) -> list[tuple[str, date | None]]:
    """New lesion or not, and the first day on which it was seen, for each visit after the first."""
    since: dict[str, date] = {}
    answers: list[tuple[str, date | None]] = []
    for looks in visits[1:]:
        days: list[date] = []
        equivocal = False
        for look in (x for x in looks if x.role == "new"):
            state = new_state(look)
            if state == "gone":
                since.pop(look.name, None)
            if state in ("yes", "equivocal"):
                since.setdefault(look.name, look.day)
            equivocal = equivocal or state == "equivocal"
            if state == "yes":
                days.append(since[look.name])
        if days:
            answers.append(("yes", min(days)))
        else:
            answers.append(("equivocal" if equivocal else "no", None))
    return answers


def overall(target: str, nontarget: str, new: str) -> str:
    if new == "yes" or target == "PD" or nontarget == "PD":
        return "PD"
    if target == "none":
        return {"none": "NED"}.get(nontarget, nontarget)
    if target == "NE":
        return "NE"
    if target == "CR" and nontarget not in ("CR", "none"):
        return "PR"
    return target


def best(
    course: list[tuple[int, str]],
    *,
    confirmed: bool = True,
    strict: bool = True,
    sd_min: int = 42,
    apart: int = 28,
    ne_allowed: int = 1,
    sd_allowed: int = 1,
    new_therapy: int | None = None,
    cutoff: int | None = None,
) -> tuple[str, int | None]:
    """Best overall response and its day; ``course`` holds (day, response) in order."""
    kept: list[tuple[int, str]] = []
    had_cr = False
    for day, answer in course:
        if new_therapy is not None and day >= new_therapy:
            break
        if cutoff is not None and day > cutoff:
            break
        if strict and had_cr and answer in ("PR", "SD", "NON-CR/NON-PD"):
            answer = "PD"
        had_cr = had_cr or answer == "CR"
        kept.append((day, answer))
        if answer == "PD":
            break
    for wanted, repeats, between in (
        ("CR", ("CR",), ("CR", "NE")),
        ("PR", ("CR", "PR"), ("CR", "PR", "SD", "NE")),
    ):
        for i, (day, answer) in enumerate(kept):
            if answer != wanted:
                continue
            if not confirmed:
                return wanted, day
            for j in range(i + 1, len(kept)):
                middle = [x for _, x in kept[i + 1 : j]]
                if (
                    kept[j][1] in repeats
                    and kept[j][0] - day >= apart
                    and all(x in between for x in middle)
                    and middle.count("NE") <= ne_allowed
                    and middle.count("SD") <= sd_allowed
                ):
                    return wanted, day
    for result, answers, earliest in (
        ("SD", ("CR", "PR", "SD"), sd_min),
        ("NON-CR/NON-PD", ("NON-CR/NON-PD",), sd_min),
        ("PD", ("PD",), None),
        ("NED", ("NED",), None),
    ):
        for day, answer in kept:
            if answer in answers and (earliest is None or day >= earliest):
                return result, day
    return "NE", kept[0][0] if kept else None
