"""Variables that a trial did without, as empty columns for the rules that name them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import polars as pl

from onearm.adam.qualifiers import collected
from onearm.frames import Frames
from onearm.sdtm import specs
from onearm.study.forms import Form
from onearm.study.library import library_forms


def with_optional(
    domains: Frames, wanted: Mapping[str, Collection[str]], forms: Iterable[Form] = ()
) -> dict[str, pl.DataFrame]:
    """The domains with an empty column for each wanted variable that they may be without.

    That is a variable of the standard domain that is not required, of the standard's type, or a
    qualifier (text) that the study's or the library's forms collect and nobody has an answer to.
    Any other name that a domain lacks stays absent, and the rule that reads it fails by name.
    Source: SDTM Implementation Guide 3.4, section 4.1.5 (core designations).
    """
    qualifiers = collected((*library_forms().values(), *forms))
    return {
        name: _completed(
            domain, name, wanted.get(name, ()), qualifiers.get(name, ()), domains.get(f"SUPP{name}")
        )
        for name, domain in domains.items()
    }


def _completed(
    domain: pl.DataFrame,
    name: str,
    wanted: Collection[str],
    qualifiers: Collection[str],
    extra: pl.DataFrame | None,
) -> pl.DataFrame:
    spec = specs().get(name)
    if spec is None:
        return domain
    optional = {c.variable: c.dtype for c in spec.columns if c.core != "Req"}
    given = set(extra["QNAM"]) if extra is not None and "QNAM" in extra.columns else set()
    empty = {q: pl.String() for q in qualifiers if q not in given and q not in spec.names}
    known: dict[str, pl.DataType] = {**empty, **optional}
    return domain.with_columns(
        pl.lit(None, known[n]).alias(n)
        for n in sorted(wanted)
        if n in known and n not in domain.columns
    )
