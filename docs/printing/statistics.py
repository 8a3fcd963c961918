"""The page of statistical methods, from the lists and docstrings of the engines."""

from __future__ import annotations

import inspect
from types import FunctionType

from onearm import stats
from onearm.design import DESIGNS
from onearm.stats import CURVE_INTERVALS, INTERVALS, QUARTILE_DEFINITIONS, Note
from printing.markdown import code, first_line, page, source_of, table

LEAD = """
Numbers in, values out: no study, no file, no patient. A number that does not exist is None with a
note, never 0 or NaN. Intervals are two-sided unless the name says one-sided.

```python
from onearm.stats import kaplan_meier, median, proportion

orr = proportion(12, 50)
print(f"{orr.estimate:.1%} ({orr.lower:.1%} to {orr.upper:.1%}), {orr.title}")
curve = kaplan_meier([2.1, 3.4, 3.4, 5.0, 8.2], [1, 1, 0, 1, 0])
print(median(curve).value, median(curve).upper, [str(note) for note in median(curve).notes])
```

```output
```
"""


def functions() -> list[FunctionType]:
    """The public functions of ``onearm.stats``, by module and then by place in it."""
    found = [f for name in stats.__all__ if isinstance(f := getattr(stats, name), FunctionType)]
    return sorted(found, key=lambda f: (f.__module__, inspect.getsourcelines(f)[1]))


def statistics() -> str:
    """``reference/statistics.md``."""
    return page(
        "Statistics",
        LEAD,
        "## Intervals of a proportion\n\n`method` of the kinds `proportion` and `agreement`; the "
        "first is the default. Those not for reports are there to compare with others' numbers.\n\n"
        + table(
            ["name", "title", "source", "for reports"],
            [
                (code(i.name), i.title, i.source, "yes" if i.is_reportable else "no")
                for i in INTERVALS.values()
            ],
        ),
        "## Limits of a survival curve\n\n`method` of the kinds `survival`, `curve` and "
        "`followup`; the first is the default.\n\n"
        + table(
            ["name", "title", "formula", "source"],
            [
                (code(i.name), i.title, first_line(i.function).rstrip("."), i.source)
                for i in CURVE_INTERVALS.values()
            ],
        ),
        "## Functions\n\n"
        + table(
            ["function", "what it gives", "source"],
            [(code(f.__name__), first_line(f), source_of(f)) for f in functions()],
        ),
        "## Designs\n\nHow to use them: [the guide](../guides/design/index.md).\n\n"
        + table(
            ["name", "what it is", "errors", "source"],
            [
                (code(d.name), d.title, "exact" if d.is_exact else "normal approximation", d.source)
                for d in DESIGNS.values()
            ],
        ),
        "## Quartiles\n\n"
        + table(["definition", "meaning"], [(code(n), str(t)) for n, t in _quartiles()]),
        "## Notes\n\nWhat a number may carry; the sentence is the footnote.\n\n"
        + table(["note", "sentence"], [(code(n.value), n.explanation) for n in Note]),
    )


def _quartiles() -> list[tuple[str, object]]:
    there = QUARTILE_DEFINITIONS
    return list(there.items()) if isinstance(there, dict) else [(str(n), "") for n in there]
