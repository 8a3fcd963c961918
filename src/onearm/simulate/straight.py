"""RECIST 1.1 at one time point, written out plainly: the truth that the derivations must recover.

This module shares no code with ``onearm.response`` on purpose. Sizes are whole tenths of a
millimetre, so that every comparison is exact. Source: RECIST 1.1 (Eisenhauer 2009), sections 4.3
and 4.4, tables 1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onearm.simulate.readings import State

TOO_SMALL = 50
NORMAL_NODE = 100
NEW_NODE = 150


@dataclass(frozen=True, slots=True)
class Mark:
    """One lesion at one time point: its state, size in tenths of a millimetre, and scan day."""

    state: int
    size: int
    day: int
    nodal: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """All that is written down at one time point; new lesions stay in their place (by number)."""

    day: int
    targets: Sequence[Mark]
    nontargets: Sequence[Mark] = ()
    new: Sequence[Mark] = ()


@dataclass(slots=True)
class Answer:
    """The response at one time point.

    ``total``: sum of what was measured, ``None`` where nothing was. ``overall`` is what stands when
    uncertain new lesions have been decided; ``seen`` is the answer on the day. ``pd_day`` is the
    day of progression, ``None`` without it. ``small_node``: all disease left is one target node
    below the size of a new lesion.
    """

    day: int
    total: int | None
    complete: bool
    target: str
    nontarget: str
    new: str
    seen: str
    overall: str
    pd_day: int | None
    small_node: bool = False


def worth(mark: Mark) -> int | None:
    """What a target adds to the sum; ``None`` where it was not assessed."""
    if mark.state == State.MEASURED:
        return mark.size
    if mark.state == State.TOO_SMALL:
        return TOO_SMALL
    if mark.state in (State.ABSENT, State.MERGED):
        return 0
    return None


def target_response(marks: Sequence[Mark], *, base: int | None, nadir: int | None) -> str:
    """Response of the targets; ``none`` where there are no targets, NE without a baseline sum."""
    if not marks:
        return "none"
    values = [worth(mark) for mark in marks]
    known = [value for value in values if value is not None]
    total = sum(known)
    grown = nadir is not None and known and 10 * total >= 12 * nadir and total - nadir >= 50
    if grown:
        return "PD"
    if base is None or len(known) < len(values):
        return "NE"
    if all(v < NORMAL_NODE if m.nodal else v == 0 for m, v in zip(marks, known, strict=True)):
        return "CR"
    return "PR" if 10 * total <= 7 * base else "SD"


def nontarget_response(marks: Sequence[Mark]) -> str:
    """Response of the non-targets; ``none`` where there are none."""
    states = [mark.state for mark in marks]
    if not states:
        return "none"
    if State.PROGRESSED in states:
        return "PD"
    if all(state == State.ABSENT for state in states):
        return "CR"
    return "NE" if State.NOT_EVALUABLE in states else "NON-CR/NON-PD"


def overall_response(target: str, nontarget: str, new: str) -> str:
    """Overall response from its three parts; an uncertain new lesion counts as none."""
    if new == "yes" or "PD" in (target, nontarget):
        return "PD"
    if target == "none":
        return {"none": "NED"}.get(nontarget, nontarget)
    if target == "CR":
        return "CR" if nontarget in ("CR", "none") else "PR"
    return target


def assess(looks: Sequence[Look]) -> list[Answer]:
    """The answers of one patient in order; the first look is the baseline and gets none.

    The nadir is the smallest complete sum before the time point. An uncertain new lesion that is
    definite at a later look dates progression back to the look at which it was first seen.
    """
    base = nadir = _complete_sum(looks[0].targets)
    answers = []
    for look in looks[1:]:
        target = target_response(look.targets, base=base, nadir=nadir)
        nontarget = nontarget_response(look.nontargets)
        new = _new_lesion(look.new)
        overall = overall_response(target, nontarget, new)
        known = [v for v in map(worth, look.targets) if v is not None]
        full = _complete_sum(look.targets)
        answers.append(
            Answer(
                day=look.day,
                total=sum(known) if known else None,
                complete=full is not None,
                target=target,
                nontarget=nontarget,
                new=new,
                seen=overall,
                overall=overall,
                pd_day=_progression_day(look, target, nontarget, new),
                small_node=_one_small_node(look),
            )
        )
        if full is not None and nadir is not None:
            nadir = min(nadir, full)
    _date_back(looks[1:], answers)
    return answers


def _complete_sum(marks: Sequence[Mark]) -> int | None:
    values = [worth(mark) for mark in marks]
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None


def _one_small_node(look: Look) -> bool:
    """EORTC RECIST FAQ, abnormal node after CR: one node of 10 to below 15 mm and nothing else."""
    left = [m for m in look.targets if (worth(m) or 0) >= (NORMAL_NODE if m.nodal else 1)]
    return (
        len(left) == 1
        and left[0].nodal
        and left[0].size < NEW_NODE
        and all(m.state == State.ABSENT for m in look.nontargets)
    )


def _new_lesion(marks: Sequence[Mark]) -> str:
    states = [mark.state for mark in marks]
    if State.PROGRESSED in states:
        return "yes"
    return "equivocal" if State.EQUIVOCAL in states else "no"


def _progression_day(look: Look, target: str, nontarget: str, new: str) -> int | None:
    """Growth of the sum is known on the last scan day of the targets, the rest when first seen."""
    days = []
    if target == "PD":
        days.append(max(m.day for m in look.targets))
    if nontarget == "PD":
        days.append(min(m.day for m in look.nontargets if m.state == State.PROGRESSED))
    if new == "yes":
        days.append(min(m.day for m in look.new if m.state == State.PROGRESSED))
    return min(days) if days else None


def _date_back(looks: Sequence[Look], answers: list[Answer]) -> None:
    for k, look in enumerate(looks):
        for number, mark in enumerate(look.new):
            if mark.state != State.PROGRESSED:
                continue
            for j in range(k):
                seen = looks[j].new[number]
                if seen.state == State.EQUIVOCAL:
                    answers[j].overall = "PD"
                    before = answers[j].pd_day
                    answers[j].pd_day = seen.day if before is None else min(before, seen.day)
