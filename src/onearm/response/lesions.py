"""Lesions at baseline: what can be measured, what may be a target, and is a choice allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from onearm.errors import Finding, OnearmError, Place, Severity
from onearm.response.criteria import RECIST11, Criteria, Parameters, rows

Status = Literal["measurable", "non-target", "not recorded"]


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion at baseline; lengths in exact millimetres, None where not measured.

    ``nature`` and ``method`` are words of ``recist11_natures.csv`` and ``recist11_methods.csv``;
    ``slice_mm`` None means thin enough. ``treated``: irradiated or treated locally before;
    ``grown_since``: and progressed since; ``removed``: taken out whole, by a biopsy for instance.
    """

    name: str
    organ: str
    longest_mm: Decimal | None = None
    short_axis_mm: Decimal | None = None
    nature: str = "solid"
    method: str = "CT"
    slice_mm: Decimal | None = None
    treated: bool = False
    grown_since: bool = False
    removed: bool = False

    @property
    def is_node(self) -> bool:
        """Whether the short axis is what counts."""
        return self.nature == "node"

    @property
    def counted_mm(self) -> Decimal | None:
        """The diameter that enters the sum: short axis of a node, else longest diameter."""
        return self.short_axis_mm if self.is_node else self.longest_mm


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a lesion is at baseline, by which rule, in one sentence."""

    status: Status
    rule: str
    reason: str


def judge(lesion: Lesion, *, criteria: Criteria = RECIST11) -> Judgement:
    """Whether a lesion is measurable, only non-target, or not to be recorded.

    Raises OnearmError for a nature or method that the tables do not know.
    Rule: RECIST 1.1, 3.1.1, 3.1.2, 3.2.1 and 3.2.2.

    >>> judge(Lesion("T1", "liver", longest_mm=Decimal("9.9"))).status
    'non-target'
    """
    parameters = criteria.parameters
    nature = _row("natures", "nature", lesion.nature)
    method = _row("methods", "method", lesion.method)
    if lesion.removed:
        return Judgement("not recorded", "biopsy", "it was removed whole and cannot be followed")
    if nature["target"] == "never":
        status: Status = "not recorded" if nature["else"] == "not recorded" else "non-target"
        return Judgement(status, nature["source"], nature["meaning"])
    if lesion.is_node:
        return _judge_node(lesion, method, parameters)
    if method["limit"] == "never":
        reason = f"{lesion.method}: {method['meaning']}"
        return Judgement("non-target", method["source"], reason)
    if lesion.treated and not lesion.grown_since:
        reason = "it was treated locally before and has not grown since"
        return Judgement("non-target", "RECIST 1.1, 3.2.2", reason)
    return _judge_size(lesion, _smallest(lesion, method, parameters))


def _row(table: str, key: str, word: str) -> dict[str, str]:
    known = {row[key]: row for row in rows(f"recist11_{table}")}
    if word not in known:
        raise OnearmError(f"there is no {key} {word!r}; the words are {', '.join(known)}")
    return known[word]


def _judge_node(lesion: Lesion, method: dict[str, str], parameters: Parameters) -> Judgement:
    axis = lesion.short_axis_mm
    source = "RECIST 1.1, 3.1.1 and 4.1"
    if axis is None:
        return Judgement("non-target", source, "the short axis was not measured")
    if axis < parameters.node_pathologic_sa:
        reason = f"a node with a short axis of {axis} mm is normal"
        return Judgement(
            "not recorded", source, f"{reason} (below {parameters.node_pathologic_sa})"
        )
    if method["limit"] == "never":
        return Judgement("non-target", method["source"], f"{lesion.method}: {method['meaning']}")
    if lesion.treated and not lesion.grown_since:
        reason = "it was treated locally before and has not grown since"
        return Judgement("non-target", "RECIST 1.1, 3.2.2", reason)
    if axis < parameters.min_node_target_sa:
        reason = f"short axis {axis} mm; a target node measures {parameters.min_node_target_sa} mm"
        return Judgement("non-target", source, reason)
    return Judgement("measurable", source, f"node with a short axis of {axis} mm")


def _smallest(lesion: Lesion, method: dict[str, str], parameters: Parameters) -> Decimal:
    """The smallest measurable diameter by this method and slice thickness."""
    if method["limit"] == "x-ray":
        return parameters.min_chest_xray_mm
    is_thick = lesion.slice_mm is not None and lesion.slice_mm > parameters.max_slice_mm
    if method["limit"] == "slice" and is_thick and lesion.slice_mm is not None:
        return max(parameters.min_nonnodal_mm, 2 * lesion.slice_mm)
    return parameters.min_nonnodal_mm


def _judge_size(lesion: Lesion, smallest: Decimal) -> Judgement:
    source = "RECIST 1.1, 3.1.1"
    size = lesion.longest_mm
    if size is None:
        return Judgement("non-target", source, "the longest diameter was not measured")
    if size < smallest:
        reason = f"{size} mm; at least {smallest} mm are needed here"
        return Judgement("non-target", source, reason)
    return Judgement("measurable", source, f"{size} mm, at least {smallest} mm")


def organ_group(organ: str, *, nodal: bool = False) -> str:
    """The organ a lesion counts for: paired organs are one, and so are all lymph nodes."""
    if nodal:
        return "lymph nodes"
    place = organ.strip().lower()
    for row in rows("organs"):
        if row["word"] in place:
            return row["organ"]
    return place


def propose_targets(
    lesions: Iterable[Lesion], *, criteria: Criteria = RECIST11
) -> tuple[Lesion, ...]:
    """A permitted choice of targets: the largest of every organ first, then the largest left.

    A proposal by size alone; the reader may prefer a lesion that can be measured better.
    Rule: RECIST 1.1, 3.2.2 (all organs represented, by size and reproducibility).
    """
    parameters = criteria.parameters
    able = [x for x in lesions if judge(x, criteria=criteria).status == "measurable"]
    able.sort(key=lambda x: (-(x.counted_mm or Decimal(0)), x.name))
    firsts: dict[str, Lesion] = {}
    for lesion in able:
        firsts.setdefault(_organ(lesion), lesion)
    chosen = list(firsts.values())[: parameters.max_targets]
    for lesion in able:
        taken = Counter(_organ(x) for x in chosen)
        has_room = taken[_organ(lesion)] < parameters.max_targets_per_organ
        if lesion not in chosen and has_room and len(chosen) < parameters.max_targets:
            chosen.append(lesion)
    return tuple(chosen)


def _organ(lesion: Lesion) -> str:
    return organ_group(lesion.organ, nodal=lesion.is_node)


def check_selection(
    targets: Sequence[Lesion],
    nontargets: Sequence[Lesion] = (),
    *,
    criteria: Criteria = RECIST11,
    subject: str = "",
    needs_measurable: bool = False,
) -> list[Finding]:
    """What is wrong with a choice of target lesions at baseline: errors and warnings.

    Errors: too many targets, too many in one organ, a target that is not measurable, a node below
    the pathological short axis that was recorded. Warnings: a measurable organ without a target,
    no target where the protocol needs measurable disease (``needs_measurable``).
    Rule: RECIST 1.1, 3.1, 3.2.2 and 4.1.
    """
    place = Place(subject=subject, visit="baseline")
    found = _check_numbers(targets, criteria.parameters, place)
    for lesion in targets:
        verdict = judge(lesion, criteria=criteria)
        if verdict.status != "measurable":
            found.append(_not_a_target(lesion, verdict, place))
    for lesion in nontargets:
        verdict = judge(lesion, criteria=criteria)
        if verdict.status == "not recorded":
            message = f"{lesion.name} is not to be recorded as disease: {verdict.reason}"
            found.append(_finding(place, lesion.counted_mm, verdict.rule, message, "Remove it."))
    found += _check_organs(targets, nontargets, criteria, place)
    if needs_measurable and not targets:
        message = "there is no target lesion, and the protocol asks for measurable disease"
        hint = "Check eligibility."
        found.append(_finding(place, None, "RECIST 1.1, 4.1", message, hint, "warning"))
    return found


def _finding(
    place: Place, value: object, rule: str, message: str, hint: str, severity: Severity = "error"
) -> Finding:
    return Finding(place, value, rule, message, hint, severity)


def _check_numbers(
    targets: Sequence[Lesion], parameters: Parameters, place: Place
) -> list[Finding]:
    found: list[Finding] = []
    rule = "RECIST 1.1, 3.2.2"
    if len(targets) > parameters.max_targets:
        message = f"there are {len(targets)} target lesions; at most {parameters.max_targets}"
        hint = "Follow the others as non-target lesions."
        found.append(_finding(place, _names(targets), rule, message, hint))
    for organ, number in Counter(_organ(x) for x in targets).items():
        if number > parameters.max_targets_per_organ:
            here = [x for x in targets if _organ(x) == organ]
            message = (
                f"there are {number} target lesions in one organ ({organ}); "
                f"at most {parameters.max_targets_per_organ}"
            )
            hint = "Keep the largest that can be measured well; the others are non-target."
            found.append(_finding(place, _names(here), rule, message, hint))
    return found


def _not_a_target(lesion: Lesion, verdict: Judgement, place: Place) -> Finding:
    message = f"{lesion.name} cannot be a target lesion: {verdict.reason}"
    hint = (
        "Do not record it."
        if verdict.status == "not recorded"
        else "Correct the entry, or follow it as a non-target lesion."
    )
    return _finding(place, lesion.counted_mm, verdict.rule, message, hint)


def _check_organs(
    targets: Sequence[Lesion], nontargets: Sequence[Lesion], criteria: Criteria, place: Place
) -> list[Finding]:
    """A measurable organ that no target stands for, while there is room for one."""
    if not targets or len(targets) >= criteria.parameters.max_targets:
        return []
    shown = {_organ(x) for x in targets}
    able = [x for x in nontargets if judge(x, criteria=criteria).status == "measurable"]
    return [
        _finding(
            place,
            _names([x for x in able if _organ(x) == organ]),
            "RECIST 1.1, 3.2.2",
            f"there is measurable disease in an organ without a target lesion ({organ})",
            "Choose a target lesion there, or say why it cannot be measured well.",
            "warning",
        )
        for organ in dict.fromkeys(_organ(x) for x in able)
        if organ not in shown
    ]


def _names(lesions: Iterable[Lesion]) -> str:
    return ", ".join(lesion.name for lesion in lesions)


def check_baseline_date(
    scanned: date, first_dose: date, *, criteria: Criteria = RECIST11, subject: str = ""
) -> list[Finding]:
    """A note where the baseline scan is too old, or later than the first dose.

    A protocol deviation to record; the response is computed all the same.
    Rule: RECIST 1.1, 4.2 (not more than four weeks before treatment).
    """
    place = Place(subject=subject, visit="baseline")
    days = (first_dose - scanned).days
    limit = criteria.parameters.baseline_window_days
    if days < 0:
        message = f"the baseline scan is {-days} days after the first dose"
    elif days > limit:
        message = f"the baseline scan is {days} days before the first dose; at most {limit}"
    else:
        return []
    hint = "Record a protocol deviation."
    return [_finding(place, scanned.isoformat(), "RECIST 1.1, 4.2", message, hint, "warning")]
