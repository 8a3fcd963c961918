"""The page of datasets: SDTM and ADaM, each with its variables, from their specifications."""

from __future__ import annotations

from collections.abc import Mapping

from onearm import adam, sdtm
from onearm.frames import Column, Spec
from printing.markdown import code, page, table


def datasets() -> str:
    """``reference/datasets.md``."""
    tabulation, analysis = sdtm.specs(), adam.specs()
    return page(
        "Datasets",
        "Printed from `src/onearm/sdtm/spec` and `src/onearm/adam/spec`, which the program reads "
        "too. A study adds variables to ADSL by `subjects.yaml`. *Core* is Req, Exp or Perm in "
        "SDTM, Req, Cond or Perm in ADaM; *key* is the place in the natural key.",
        _overview("Tabulation (SDTM)", tabulation),
        _overview("Analysis (ADaM)", analysis),
        *(_dataset(spec) for spec in [*tabulation.values(), *analysis.values()]),
    )


def _overview(title: str, specs: Mapping[str, Spec]) -> str:
    rows = [(f"[{s.name}](#{s.name.lower()})", s.label, s.structure) for s in specs.values()]
    return f"## {title}\n\n" + table(["dataset", "label", "a row is"], rows)


def _dataset(spec: Spec) -> str:
    head = ["variable", "label", "type", "core", "key", "codelist", "where it comes from"]
    rows = [
        (
            code(c.variable),
            c.label,
            c.type,
            c.core,
            str(c.key or ""),
            c.codelist.replace("|", " or "),
            _origin(c),
        )
        for c in spec.columns
    ]
    return f"### {spec.name}\n\n{spec.label}. {spec.structure}.\n\n" + table(head, rows)


def _origin(column: Column) -> str:
    parts = dict.fromkeys((column.origin, column.source, column.method))
    return "; ".join(part for part in parts if part)
