"""One stored value as paper shows it, to a reader who may see more or less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture import options, words, zones
from onearm.capture.actions.redaction import MARK
from onearm.capture.document import NULL
from onearm.paper.filled import Cell
from onearm.paper.words import Words

if TYPE_CHECKING:
    from datetime import datetime

    from onearm.capture.models import Site, User
    from onearm.study import Study
    from onearm.study.forms import Form, Item


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a document is made, and what of it the person may see.

    names: items that identify. trail: the history and the acts.
    """

    name: str
    names: bool
    trail: bool


def paper_words() -> Words:
    """The words of documents in the language of the page that asks for one."""
    return Words(words.language())


def answer(study: Study, form: Form, name: str, stored: object, *, names: bool) -> Cell:
    """What stands in a cell of a document, in words. ``name`` may be an item of an older version.

    A value that identifies is hidden where the reader may not see names.
    """
    item = item_of(form, name)
    if stored in (None, ""):
        return Cell(kind="empty")
    if item is not None and item.identifies and not names:
        return Cell(kind="hidden")
    if isinstance(stored, dict):
        reason = str(stored.get(NULL, ""))
        return Cell(f"{known(f'reason.{reason}', reason)} ({reason})", "missing")
    value = str(stored)
    if value == MARK:
        return Cell(kind="blackened")
    if item is None:
        return Cell(value)
    shown = options.shown(study, form.form, item, value)
    return Cell(f"{shown} {item.unit}".strip())


def label_of(form: Form, name: str) -> str:
    """The question of an item; its name where the form's version does not ask it."""
    item = item_of(form, name)
    return words.said(item.label) if item else name


def item_of(form: Form, name: str) -> Item | None:
    """The item of that name; None where the form's version does not have it."""
    return next((item for item in form.items if item.name == name), None)


def known(key: str, otherwise: str) -> str:
    """The words of a key, or another text where the table has none."""
    return words.say(key) if key in words.table() else otherwise


def moment(at: datetime, site: Site | None) -> str:
    """A moment in UTC and at the site, with its zone."""
    utc = f"{at.astimezone(zones.UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{utc} · {zones.shown(at, site)}" if site else utc


def person(user: User | None, role: str = "") -> str:
    """Printed name, account and role; the system where nobody did it."""
    if user is None:
        return paper_words()("filled.system")
    name = user.get_full_name()
    who = f"{name} ({user.username})" if name else user.username
    return ", ".join(filter(None, (who, known(f"role.{role}", role))))
