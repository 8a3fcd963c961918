"""Files of a study that an ODM file keeps word for word, beside what its definitions say."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from onearm.study.draft import as_yaml
from onearm.study.forms import Form
from onearm.study.library import KEPT, taken
from onearm.study.schedule import Schedule
from onearm.study.yamlfile import parse_yaml

SCHEDULE, FORMS, TERMS = "schedule.yaml", "forms/", "terms/"
LIBRARY_FORMS = f"{KEPT}/forms/"

Parts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """The files of a study's folder, and what is to be said of those that were changed."""

    files: Mapping[str, str]
    changed: tuple[str, ...] = ()


def keep(
    own: Mapping[str, str], forms: Mapping[str, Parts], schedule: Parts, terms: Mapping[str, str]
) -> Kept:
    """The files that were kept, and those of the definitions that none of them says.

    own: the kept files by name. forms, schedule, terms: what the file's definitions come to. A kept
    file that says the same stands as it was written. Where another system has changed the
    definitions since, they stand, and the kept file is named: what was changed is not lost, and
    nothing is taken from a file that no longer says it.
    """
    return _Keeping(own, forms, schedule, terms).done()


@dataclass
class _Keeping:
    own: Mapping[str, str]
    forms: Mapping[str, Parts]
    schedule: Parts
    terms: Mapping[str, str]
    files: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def done(self) -> Kept:
        defined = (FORMS, TERMS)
        for name, text in self.own.items():
            if name != SCHEDULE and not name.startswith(defined):
                self.files[name] = text
        self._schedule()
        self._forms()
        self._terms()
        return Kept(self.files, tuple(self.changed))

    def _schedule(self) -> None:
        kept = self.own.get(SCHEDULE)
        document = parse_yaml(kept, SCHEDULE)[0] if kept is not None else None
        said = _said(Schedule, document.data) if document is not None else None
        self._stand(SCHEDULE, said == _said(Schedule, self.schedule), as_yaml(self.schedule))

    def _forms(self) -> None:
        places = {form.form: (name, form) for name, form in self._kept_forms()}
        for form_id, parts in self.forms.items():
            name, form = places.get(form_id, (f"{FORMS}{form_id.lower()}.yaml", None))
            self._stand(name, form is not None and form == _said(Form, parts), as_yaml(parts))
        for form_id, (name, _) in places.items():
            if form_id not in self.forms:
                self.changed.append(f"{name}: the form {form_id} is not defined; it is left out.")

    def _kept_forms(self) -> Iterator[tuple[str, Form]]:
        library = {
            name.removeprefix(LIBRARY_FORMS).removesuffix(".yaml"): text
            for name, text in self.own.items()
            if name.startswith(LIBRARY_FORMS)
        }
        for name, text in self.own.items():
            if name.startswith(FORMS):
                document, problems = parse_yaml(text, name)
                if document is not None and not problems:
                    form = _said(Form, taken(document, library)[0].data)
                    if isinstance(form, Form):
                        yield name, form

    def _terms(self) -> None:
        for name, text in self.terms.items():
            library = self.own.get(f"{KEPT}/{name}")
            if name not in self.own and library is not None and _rows(library) == _rows(text):
                continue
            is_same = name in self.own and _rows(self.own[name]) == _rows(text)
            self._stand(name, is_same, text)
        for name, text in self.own.items():
            if name.startswith(TERMS) and name not in self.terms:
                self.files[name] = text  # a table that is no codelist: only the kept file says it

    def _stand(self, name: str, is_same: bool, defined: str) -> None:
        if name in self.own and not is_same:
            self.changed.append(
                f"{name}: the definitions were changed since the file beside them was written; "
                "they stand, and the file does not."
            )
        self.files[name] = self.own[name] if is_same else defined


def _said(model: type[BaseModel], parts: Parts) -> BaseModel | None:
    """The parts as a value; None where they are none."""
    try:
        return model.model_validate(parts)
    except ValidationError:
        return None


def _rows(text: str) -> list[dict[str, str]]:
    """The rows of a codelist by column; empty cells and columns without any say nothing."""
    return [
        {name.strip(): cell.strip() for name, cell in row.items() if name and (cell or "").strip()}
        for row in csv.DictReader(io.StringIO(text))
        if any((cell or "").strip() for cell in row.values() if isinstance(cell, str))
    ]
