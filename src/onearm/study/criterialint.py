"""Are the response criteria known, and their parameters ones that they have?"""

from __future__ import annotations

from onearm.errors import OnearmError
from onearm.response import find_criteria
from onearm.study.assessments import Responses, Tumours
from onearm.study.notebook import Notebook
from onearm.study.yamlfile import KeyPath

FILE = "endpoints.yaml"


def check_criteria(notes: Notebook) -> None:
    """One error for each unknown name of criteria, and each parameter unknown or out of range."""
    rules = notes.study.endpoints
    if rules is None:
        return
    parts: list[tuple[KeyPath, Tumours | Responses]] = [
        (("responses", n), block) for n, block in enumerate(rules.responses)
    ]
    if rules.tumours is not None:
        parts.append((("tumours",), rules.tumours))
    for path, part in parts:
        _check(notes, path, part)


def _check(notes: Notebook, path: KeyPath, part: Tumours | Responses) -> None:
    try:
        criteria = find_criteria(part.criteria)
    except OnearmError as problem:
        notes.error(FILE, (*path, "criteria"), part.criteria, str(problem))
        return
    for name, value in part.parameters.items():
        try:
            criteria.with_parameters(**{name: value})
        except OnearmError as problem:
            notes.error(FILE, (*path, "parameters", name), value, str(problem))
