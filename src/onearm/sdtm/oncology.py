"""What tumour domains need besides: groups that tie lesions to responses, related records."""

from __future__ import annotations

import polars as pl

RESPONSES = ("TRGRESP", "NTRGRESP", "NEWLIND", "NEWLPROG", "OVRLRESP", "BESTRESP", "SYMPTDTR")
"""RS tests that speak of the scan at their visit; classifications such as ECOG do not."""


def add_link_group(rows: pl.DataFrame, *, domain: str) -> pl.DataFrame:
    """Add TRLNKGRP or RSLNKGRP: the same text for lesions and responses of one visit and evaluator.

    rows: TR or RS rows with VISITNUM, and RSTESTCD in RS. Null without a visit, and in RS for
    anything that is not a response. Rule: SDTMIG 3.4, section 6.3 (TR and RS, --LNKGRP).
    """
    if domain not in ("TR", "RS") or "VISITNUM" not in rows.columns:
        return rows
    number = pl.col("VISITNUM").cast(pl.String).str.strip_suffix(".0")
    group = pl.concat_str(pl.lit("A"), number)
    if domain == "RS":
        group = pl.when(pl.col("RSTESTCD").is_in(RESPONSES)).then(group)
    return rows.with_columns(group.alias(f"{domain}LNKGRP"))


def related_records(study_id: str, domains: set[str]) -> pl.DataFrame:
    """RELREC between datasets: lesions identified (TU) and measured (TR), scans (TR) and responses.

    Rows name variables, not records, so RELTYPE is filled and USUBJID is not.
    Rule: SDTMIG 3.4, section 8.3.2.
    """
    one, many = "ONE", "MANY"
    links = [
        ("TU", "TULNKID", one, "TUTR"),
        ("TR", "TRLNKID", many, "TUTR"),
        ("TR", "TRLNKGRP", many, "TRRS"),
        ("RS", "RSLNKGRP", many, "TRRS"),
    ]
    pairs = {"TUTR": {"TU", "TR"}, "TRRS": {"TR", "RS"}}
    rows = [
        {"STUDYID": study_id, "RDOMAIN": d, "IDVAR": v, "RELTYPE": t, "RELID": r}
        for d, v, t, r in links
        if pairs[r] <= domains
    ]
    schema = dict.fromkeys(("STUDYID", "RDOMAIN", "IDVAR", "RELTYPE", "RELID"), pl.String)
    return pl.DataFrame(rows, schema=schema)
