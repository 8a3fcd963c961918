"""Supplemental qualifiers: what a form asks beyond the standard's variables, one row a value."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from onearm.sdtm.map import QUALIFIER
from onearm.sdtm.spec import SUPP
from onearm.study.forms import Form

LONGEST_LABEL = 40
EVALUATOR = "INVESTIGATOR"


def qualifier_labels(forms: Mapping[str, Form]) -> dict[tuple[str, str], str]:
    """QLABEL by domain and QNAM: the item's label, cut at a word to 40 characters."""
    return {
        (target.domain.removeprefix(SUPP), target.variable): short(str(item.label))
        for form in forms.values()
        for item in form.items
        for target in item.to
        if target.domain.startswith(SUPP)
    }


def short(label: str) -> str:
    """A label of at most 40 characters; a longer one ends at a word."""
    if len(label) <= LONGEST_LABEL:
        return label
    return label[: LONGEST_LABEL + 1].rsplit(" ", 1)[0].rstrip(" ,;(")[:LONGEST_LABEL]


def qualifiers(
    rows: pl.DataFrame, domain: str, labels: Mapping[tuple[str, str], str], study_id: str
) -> pl.DataFrame:
    """The SUPP-- rows of a domain's rows, in their order; empty values make no row.

    rows: numbered rows of the domain with the hidden qualifier columns. In DM the subject is the
    key and IDVAR is empty; elsewhere IDVAR is --SEQ. Rule: SDTMIG 3.4, section 8.4.
    """
    names = [c for c in rows.columns if c.startswith(QUALIFIER)]
    number = f"{domain}SEQ"
    keyed = number in rows.columns
    evaluator = pl.col(f"{domain}EVAL") if f"{domain}EVAL" in rows.columns else pl.lit(EVALUATOR)
    parts = []
    for name in names:
        qnam = name.removeprefix(QUALIFIER)
        parts.append(
            rows.lazy()
            .filter(pl.col(name).is_not_null())
            .select(
                "USUBJID",
                STUDYID=pl.lit(study_id),
                RDOMAIN=pl.lit(domain),
                IDVAR=pl.lit(number if keyed else None, pl.String),
                IDVARVAL=pl.col(number).cast(pl.String) if keyed else pl.lit(None, pl.String),
                QNAM=pl.lit(qnam),
                QLABEL=pl.lit(labels.get((domain, qnam), qnam)),
                QVAL=pl.col(name),
                QORIG=pl.lit("Collected"),
                QEVAL=evaluator,
                _seq=pl.col(number) if keyed else pl.lit(0, pl.Int32),
            )
        )
    return pl.concat(parts).sort("USUBJID", "_seq", "QNAM").drop("_seq").collect()
