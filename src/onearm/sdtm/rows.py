"""The rows that a draft makes: one frame for each test or group of items, with standard results."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from onearm.sdtm.map import Draft, Group
from onearm.sdtm.spec import is_finding, spec_of
from onearm.sdtm.supp import short
from onearm.sdtm.units import add_standard_results
from onearm.study.forms import DomainRule
from onearm.terms.units import known_tests

REASONS = {"ND": "NOT DONE", "UNK": "UNKNOWN", "NA": "NOT APPLICABLE", "CUT": "AFTER DATA CUT"}
"""--REASND for each missing reason of an entry."""


def explode(draft: Draft) -> Iterator[pl.DataFrame]:
    """The domain's rows that a draft makes, one frame a group, all its form rows in each.

    ``_keep`` (Boolean) says which of them are rows: those of findings that have a result (or, where
    the form keeps empty ones, a reason for having none), those of other domains for which anything
    was entered. --TEST, --CAT, --SPEC and --ORRESU come from the test's table line and the item
    where the form does not give them; standard results are added.
    """
    for group in draft.groups or (Group((), ()),):
        frame = draft.shared.with_columns(
            **{v: pl.lit(value) for v, value in group.where}, **_values(draft, group)
        )
        if not is_finding(draft.domain):
            filled = [*(v for v, _ in group.items), *(v for v, _ in draft.origins)]
            yield frame.with_columns(_keep=pl.any_horizontal(pl.col(filled).is_not_null()))
            continue
        if f"{draft.domain}ORRES" not in frame.columns:
            continue
        frame = _describe(frame, draft.domain, group)
        frame = add_standard_results(frame, draft.domain)
        yield _not_done(frame, draft, group)


def _values(draft: Draft, group: Group) -> dict[str, pl.Series]:
    """By variable the captured text; of several items for one variable the first that is filled."""
    found: dict[str, list[pl.Series]] = {}
    for variable, item in group.items:
        found.setdefault(variable, []).append(draft.values[item.name])
    return {
        v: texts[0] if len(texts) == 1 else pl.select(pl.coalesce(texts)).to_series()
        for v, texts in found.items()
    }


def _not_done(frame: pl.DataFrame, draft: Draft, group: Group) -> pl.DataFrame:
    """Mark the rows to keep; an empty result with a reason is one only where the form says so."""
    domain, rule = draft.domain, draft.form.domains.get(draft.domain, DomainRule())
    result = f"{domain}ORRES"
    spec = spec_of(domain)
    if rule.drop_empty or spec is None or f"{domain}STAT" not in spec.names:
        return frame.with_columns(_keep=pl.col(result).is_not_null())
    item = next((i.name for v, i in group.items if v == result), "")
    given = draft.reasons[item] if item in draft.reasons.columns else pl.lit(None, pl.String)
    frame = frame.with_columns(_reason=given)
    missing = pl.col(result).is_null() & pl.col("_reason").is_not_null()
    words = pl.col("_reason").replace(REASONS)
    own = [pl.col(f"{domain}REASND")] if f"{domain}REASND" in frame.columns else []
    return frame.with_columns(
        pl.when(missing).then(pl.lit("NOT DONE")).alias(f"{domain}STAT"),
        pl.coalesce(*own, pl.when(missing).then(words)).alias(f"{domain}REASND"),
        _keep=pl.col(result).is_not_null() | missing,
    ).drop("_reason")


def _describe(frame: pl.DataFrame, domain: str, group: Group) -> pl.DataFrame:
    """Fill the test's name, category, specimen and unit where the form leaves them open."""
    spec = spec_of(domain)
    names = spec.names if spec else ()
    item = next((i for v, i in group.items if v == f"{domain}ORRES"), None)
    facts = {
        "TEST": _by_test(frame, domain, "name"),
        "CAT": _by_test(frame, domain, "category"),
        "SPEC": _by_test(frame, domain, "specimen"),
        "ORRESU": pl.lit(item.unit if item and item.unit else None, pl.String),
    }
    if item is not None and dict(group.where).get(f"{domain}TESTCD"):
        # A test of the study's own has the words of its question for a name.
        facts["TEST"] = pl.coalesce(facts["TEST"], pl.lit(short(str(item.label))))
    wanted = {domain + suffix: fact for suffix, fact in facts.items() if domain + suffix in names}
    return frame.with_columns(
        pl.coalesce(v, fact).alias(v) if v in frame.columns else fact.alias(v)
        for v, fact in wanted.items()
    )


def _by_test(frame: pl.DataFrame, domain: str, fact: str) -> pl.Expr:
    """What the table of tests says about each row's test; null where it says nothing."""
    code = f"{domain}TESTCD"
    if code not in frame.columns:
        return pl.lit(None, pl.String)
    table = {
        c: getattr(test, fact) or None for (d, c), test in known_tests().items() if d == domain
    }
    seen = frame[code].unique()
    if len(seen) == 1:
        return pl.lit(table.get(seen.item()), pl.String)
    return pl.col(code).replace_strict(table, default=None, return_dtype=pl.String)
