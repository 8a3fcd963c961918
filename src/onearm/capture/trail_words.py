"""Lines of the trail in the reader's words: which act, where, what, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture import identity, kept_words, options, places, words
from onearm.capture.chain import canonical
from onearm.capture.document import KEY, NULL, REMOVED
from onearm.capture.models import AuditEvent, FormVersion, StudyVersion
from onearm.capture.ranges import SI, USED, Range
from onearm.capture.studies import study_of
from onearm.capture.words import say

if TYPE_CHECKING:
    from onearm.capture.trail_reading import Line
    from onearm.study import Study

NUMBERED = ("query", "file", "redaction", "version", "snapshot", "reconciliation")
"""Kinds of targets that stand before a number or a name, with a space between."""

HASHES = ("hash", "heads", "sha256", "supersedes")
SHOWN = 16
"""Signs of a hash that are shown; the file has all."""


@dataclass(frozen=True, slots=True)
class Worded:
    """A line of the trail with its words; the line itself holds the codes that the file has."""

    line: Line
    where: str
    action: str
    what: str
    reason: str


def worded(lines: Iterable[Line]) -> list[Worded]:
    """Lines in the reader's words, in their order; names are looked up for all of them at once."""
    known = list(lines)
    acts = [line.source for line in known if isinstance(line.source, AuditEvent)]
    targets = places.targets_said({act.target for act in acts})
    study = _newest()
    return [_worded(line, targets, study) for line in known]


def action_said(action: str) -> str:
    """The words of an act; the act's own name where it has none."""
    return _known(f"act.{action}", action)


def target_said(target: str, named: Mapping[str, str] | None = None) -> str:
    """What an act was about; ``named`` holds the targets that were looked up already."""
    level, _, rest = target.partition(" ")
    if level in NUMBERED and rest:
        return say(f"where.{level}").format(n=rest)
    if target.startswith("dashboard:"):
        board = target.removeprefix("dashboard:")
        return say("where.dashboard").format(n=_known(f"dash.{board}", board))
    if target.startswith("review:"):
        name = target.removeprefix("review:")
        return say("where.review").format(n=_known(f"aid.{name}", name))
    if target.startswith("lock_report:"):
        held = target.removeprefix("lock_report:")
        return say("where.lock_report").format(n=places.target_said(held))
    if f"environment.{target}" in words.table():
        return say(f"environment.{target}")
    return named.get(target, target) if named is not None else places.target_said(target)


def details_said(act: AuditEvent, study: Study | None = None) -> str:
    """The details of an act as ``name: value`` one behind the other."""
    study = study or _newest()
    pairs = (
        (_known(f"detail.{name}", name), _value(name, value, act, study))
        for name, value in act.details.items()
        if value not in (None, "", [], {})
    )
    between = "：" if words.language() == "zh" else ": "
    return "; ".join(f"{name}{between}{value}" for name, value in pairs)


def broken_said(kept: str) -> str:
    """By whose saving of which form a signature was broken, in the reader's words."""
    found, study = kept_words.parts(words.table()["form.broken_by"]["en"], kept), _newest()
    if found is None or study is None:
        return kept
    form = places.form_said(study, found["form"])
    return say("form.broken_by").format(user=found["user"], form=form)


def _worded(line: Line, targets: Mapping[str, str], study: Study | None) -> Worded:
    source = line.source
    if isinstance(source, FormVersion):
        own = study_of(source.study_version)
        event = source.instance.event
        visit = places.visit_said(own, event.visit, event.repeat)
        form = places.form_said(own, source.instance.form)
        where = f"{visit}{places.BETWEEN}{form}"
        what = "; ".join(changes_said(own, source, line.hidden))
    else:
        where = _form_and_item(line.where, study) or target_said(line.where, targets)
        what = details_said(source, study) if isinstance(source, AuditEvent) else line.what
    return Worded(line, where, action_said(line.action), what, kept_words.said(line.reason))


def changes_said(
    study: Study, version: FormVersion, hidden: identity.Names = identity.NOTHING
) -> Iterator[str]:
    """Each cell that a save changed, as ``row 2 · Diameter = 14``, and what stands beside results.

    hidden: items that identify the person and that the reader may not read (`identity`).
    """
    form = study.forms.get(version.instance.form)
    items = {item.name: item for item in form.items} if form else {}
    for row in version.delta["rows"]:
        lead = f"{say('history.row')} {row[KEY]}{places.BETWEEN}" if form and form.rows else ""
        for name, stored in row.items():
            if name == KEY:
                continue
            if name == REMOVED:
                key = "history.row_out" if stored else "history.row_back"
                yield f"{lead}{say(key)} {kept_words.said(str(stored or ''))}".strip()
                continue
            if name in (USED, SI) and isinstance(stored, dict):
                for item, text in _beside(name, stored, hidden):
                    label = places.item_said(study, version.instance.form, item)
                    yield f"{lead}{label}{places.BETWEEN}{text}"
                continue
            if name.startswith("_"):
                continue  # what else is kept beside the cells follows from them
            if name in hidden and isinstance(stored, str):
                value = identity.words()
            elif isinstance(stored, dict):
                value = f"{say('form.missing')}: {_known(f'reason.{stored[NULL]}', stored[NULL])}"
            elif name in items and stored is not None:
                value = options.shown(study, version.instance.form, items[name], stored)
            else:
                value = stored or "—"
            yield f"{lead}{places.item_said(study, version.instance.form, name)} = {value}"


def _beside(
    name: str, kept: Mapping[str, Mapping[str, str]], hidden: identity.Names
) -> Iterator[tuple[str, str]]:
    """By item what a save kept beside a result: its range, or its value in SI units."""
    for item, one in kept.items():
        if item in hidden:
            continue
        if name == USED:
            yield item, f"{say('form.range')} {Range(**one)} ({one['source']})"
        else:
            yield item, f"{say('ranges.si')} {one['value']} {one['unit']}"


def _value(name: str, value: object, act: AuditEvent, study: Study | None) -> str:
    """A detail's value in words."""
    if isinstance(value, bool):
        return say("detail.yes" if value else "detail.no")
    if isinstance(value, list):
        return ", ".join(_value(name, each, act, study) for each in value)
    if isinstance(value, dict):
        return ", ".join(
            f"{key}: {_value('hash', each, act, study)}" for key, each in value.items()
        )
    if not isinstance(value, str):
        return canonical(value)
    if name in HASHES:
        return value[:SHOWN]
    if name in ("confirmed", "ended"):
        return _access_said(value)
    return _word(name, value, str(act.details.get("form", "")), study)


def _word(name: str, value: str, form: str, study: Study | None) -> str:
    """A code among the details in words; ``0:`` among cells is the whole form."""
    if name == "cells" and value == "0:":
        return say("query.whole_form")
    if study is not None and name == "visit":
        return places.visit_said(study, value, 1)
    if study is not None and name in ("form", "forms"):
        return places.form_said(study, value)
    if study is not None and name == "item":
        return places.item_said(study, form, value)
    keys = {
        "role": (f"role.{value}",),
        "meaning": (f"meaning.{value}",),
        "environment": (f"environment.{value}",),
        "formats": (f"format.{value}",),
        "kind": (f"kind.{value}", f"factor.{value}", f"trail.{value}"),
    }
    return next((say(k) for k in keys.get(name, ()) if k in words.table()), value)


def _access_said(kept: str) -> str:
    """``nurse: coordinator at 01``, as a review keeps it, in words."""
    found = re.fullmatch(r"(.+): (\w+) at (.+)", kept)
    if found is None:
        return kept
    user, role, site = found.groups()
    where = say("people.all_sites") if site == "all" else f"{say('column.site')} {site}"
    return say("detail.access").format(user=user, role=_known(f"role.{role}", role), site=where)


def _form_and_item(target: str, study: Study | None) -> str:
    """``FORM`` or ``FORM.ITEM`` in words; empty for any other target."""
    form, _, item = target.partition(".")
    if study is None or form not in study.forms:
        return ""
    named = [places.form_said(study, form)]
    return places.BETWEEN.join(named + ([places.item_said(study, form, item)] if item else []))


def _newest() -> Study | None:
    version = StudyVersion.objects.defer("files").order_by("-number").first()
    return study_of(version) if version else None


def _known(key: str, otherwise: str) -> str:
    return say(key) if key in words.table() else otherwise
