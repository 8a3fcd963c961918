"""Which scenarios are compared: those of simulation.yaml, or one given by hand beside the plan."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from onearm.errors import OnearmError
from onearm.expr import suggest
from onearm.study import Study
from onearm.study.simulation import Scenario
from onearm.study.text import Text

PLANNED = Scenario(id="planned", label=Text(en="As planned", zh="按计划"))
"""The design's target, looked at as simulation.yaml says."""


def chosen(study: Study, names: Sequence[str]) -> tuple[Scenario, ...]:
    """The scenarios of those names, in the order given; all of the study's where none is given.

    A study without any has one, ``planned``. Raises ``OnearmError`` for a name it does not have.
    """
    written = study.simulation.scenarios if study.simulation else ()
    known = {one.id: one for one in written or (PLANNED,)}
    for name in names:
        if name not in known:
            hint = suggest(name, known) or f"simulation.yaml has {', '.join(known)}"
            raise OnearmError(f"--scenario {name}: there is no scenario of this name; {hint}")
    return tuple(known[name] for name in dict.fromkeys(names)) if names else tuple(known.values())


def given(study: Study, values: dict[str, float | bool | None]) -> tuple[Scenario, ...]:
    """The plan, and beside it the same with ``values`` changed (keys of a scenario, None: as is).

    The plan is the study's first scenario. Raises ``OnearmError`` for values that cannot be.
    """
    changed = {name: value for name, value in values.items() if value is not None}
    first = chosen(study, ())[0]
    label = Text(en="As given", zh="按给定参数")
    values = first.model_dump() | changed | {"id": "given", "label": label}
    try:
        return (first, Scenario.model_validate(values))
    except ValidationError as problem:
        told = [(str(one["loc"][0]), one) for one in problem.errors() if one["loc"]]
        raise OnearmError(
            "\n".join(f"--{k.replace('_', '-')} {one['input']}: {one['msg']}" for k, one in told)
        ) from problem
