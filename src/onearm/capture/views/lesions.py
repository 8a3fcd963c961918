"""The panel beside lesions and responses: sums, nadir, change, and the response they imply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture import lesions, words
from onearm.capture.document import Document, cells
from onearm.response import UNITS_PER_MM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onearm.capture.lesions import Answer
    from onearm.capture.surroundings import Around

PARTS = {"TRGRESP": "target", "NTRGRESP": "nontarget", "NEWLIND": "new", "OVRLRESP": "overall"}
"""Which column of the engine's answer an entered response stands beside."""

NEW = {"Y": "yes", "N": "no"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the panel: its words and how it reads."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the response: computed, and as it was entered where the form asks for it."""

    label: str
    computed: str
    entered: str = ""

    @property
    def differs(self) -> bool:
        """Whether something else was entered than the numbers imply."""
        return bool(self.entered) and self.entered != self.computed


@dataclass(frozen=True, slots=True)
class Panel:
    """What the page shows of the numbers at this visit."""

    overall: str
    reason: str
    figures: tuple[Figure, ...]
    parts: tuple[Part, ...]
    remarks: tuple[str, ...]


def panel(around: Around, data: Document) -> Panel | None:
    """The panel of a form that holds lesions or responses as it is being typed; None on others."""
    place = around.place
    what = lesions.lesion_form(place.study)
    if what is None:
        return None
    entered = lesions.response_items(place.form)
    is_lesions = place.form.form == what.form.form
    if not (is_lesions or "OVRLRESP" in entered):
        return None
    here = (place.visit, place.repeat)
    visits = {
        (i.event.visit, i.event.repeat): i.data
        for i in lesions.documents(place.subject, what.form.form)
    }
    if is_lesions:
        visits[here] = data
    answer = lesions.judge(
        place.study,
        what,
        [(*where, document) for where, document in visits.items()],
        here,
        lesions.first_dose(place.study, place.subject),
    )
    typed = {c.item: c.value for c in cells(data)} if not is_lesions else {}
    return Panel(
        overall=answer.overall,
        reason=reason(answer),
        figures=tuple(_figures(answer)) if answer.point else (),
        parts=_parts(around, answer, entered, typed),
        remarks=tuple(_remarks(answer)),
    )


def reason(answer: Answer) -> str:
    """Why, in the reader's language; the engine's own sentence in English."""
    if not answer.point:
        return words.say("lesions.none")
    if answer.is_baseline:
        return words.say("lesions.is_baseline")
    if words.language() == "en" or not answer.reason:
        return answer.reason
    return _reason_by_parts(answer)


def _reason_by_parts(answer: Answer) -> str:
    point = answer.point
    filled = {
        "sum": mm(point["sum"]),
        "base": mm(point["base"]),
        "nadir": mm(point["nadir"]),
        "nadir_day": point["nadir_date"] or "",
        "change": percent(point["change"], point["base"]),
        "grown": percent(point["change_nadir"], point["nadir"]),
        "grown_mm": mm(point["change_nadir"], signed=True),
        "assessed": point["n_assessed"],
        "expected": point["n_expected"],
    }
    keys = [
        f"why.target.{point['target_rule']}" if point["target_rule"] else "",
        f"why.nontarget.{point['nontarget']}",
        f"why.new.{point['new']}",
    ]
    said = [words.say(key).format(**filled) for key in keys if key in words.table()]
    return f"{answer.overall}：{'；'.join(said)}。"


def _figures(answer: Answer) -> list[Figure]:
    point = answer.point
    day = point["nadir_date"]
    counted = f"{point['n_assessed']}/{point['n_expected']}"
    figures = [Figure(words.say("lesions.sum"), mm(point["sum"]), counted)]
    if not answer.is_baseline:
        figures += [
            Figure(words.say("lesions.base"), mm(point["base"])),
            Figure(words.say("lesions.nadir"), mm(point["nadir"]), str(day or "")),
            Figure(
                words.say("lesions.from_base"),
                percent(point["change"], point["base"]),
                mm(point["change"], signed=True),
            ),
            Figure(
                words.say("lesions.from_nadir"),
                percent(point["change_nadir"], point["nadir"]),
                mm(point["change_nadir"], signed=True),
            ),
        ]
    return figures


def _parts(
    around: Around, answer: Answer, entered: Mapping[str, str], typed: Mapping[str, str]
) -> tuple[Part, ...]:
    if not answer.overall:
        return ()
    parts = []
    for test, column in PARTS.items():
        value = typed.get(entered.get(test, ""), "")
        value = NEW.get(value, value) if column == "new" else value
        computed = str(answer.point[column] or "")
        label = words.say(f"lesions.{column}")
        parts.append(Part(label, _said(computed), _said(value)))
    return tuple(parts)


def _said(value: str) -> str:
    key = f"answer.{value}"
    return words.say(key) if key in words.table() else value


def _remarks(answer: Answer) -> list[str]:
    remarks = []
    if answer.split:
        remarks.append(words.say("lesions.split").format(names=", ".join(answer.split)))
    if answer.merged:
        remarks.append(words.say("lesions.merged").format(names=", ".join(answer.merged)))
    if answer.missing:
        remarks.append(words.say("lesions.missing").format(names=", ".join(answer.missing)))
    if answer.unread:
        remarks.append(words.say("lesions.unread").format(names=", ".join(answer.unread)))
    if answer.point and not answer.has_baseline:
        remarks.append(words.say("lesions.no_baseline"))
    for flag in str(answer.point.get("flags") or "").split("; "):
        if flag and flag != "no baseline assessment":
            key = f"flag.{flag}"
            remarks.append(words.say(key) if key in words.table() else flag)
    return remarks


def mm(size: object, *, signed: bool = False) -> str:
    """A length in engine units as text in mm, at least one decimal, nothing rounded."""
    if not isinstance(size, int):
        return "—"
    whole, rest = divmod(abs(size), UNITS_PER_MM)
    decimals = f"{rest:04d}"
    text = f"{whole}.{decimals[0]}{decimals[1:].rstrip('0')} mm"
    sign = "−" if size < 0 else "+" if signed else ""
    return sign + text


def percent(change: object, reference: object) -> str:
    """Change in per cent, cut after one decimal: no limit shows as reached that was missed."""
    if not isinstance(change, int) or not isinstance(reference, int) or reference == 0:
        return "—"
    tenths = abs(change) * 1000 // reference
    return f"{'−' if change < 0 else '+'}{tenths // 10}.{tenths % 10} %"
