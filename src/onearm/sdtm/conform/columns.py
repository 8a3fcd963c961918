"""Are the datasets there, with their columns, filled and unique where they must be?"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from onearm import frames
from onearm.errors import Finding, Place
from onearm.sdtm.conform.report import Source, has, report
from onearm.sdtm.spec import SUPP, spec_of

RULE = "SDTMIG 3.4"
NEEDS = {"TR": "TU"}
READ: Mapping[str, tuple[str, ...]] = {
    "TR": ("TRLNKID", "TRGRPID", "VISITNUM", "TRDTC"),
    "TU": ("TULNKID",),
    "RS": ("RSDTC",),
    "LB": ("LBSTRESN", "LBSTRESU", "LBDTC"),
    "SUPP": ("IDVAR", "IDVARVAL"),
}
"""Variables that SDTM expects and does not require, and that no analysis can do without."""


def check_presence(domains: Mapping[str, pl.DataFrame]) -> list[Finding]:
    """Datasets that others cannot do without: DM always, TU beside TR, the parent of a SUPP--."""
    needed = {"DM": "every trial"}
    for name in domains:
        if name in NEEDS:
            needed.setdefault(NEEDS[name], name)
        if name.startswith(SUPP) and name != "SUPPQUAL":
            needed.setdefault(name.removeprefix(SUPP), name)
    return [
        Finding(
            Place(form=name),
            None,
            RULE,
            f"dataset {name} is missing; {by} needs it",
            "Add the dataset and read again.",
        )
        for name, by in needed.items()
        if name not in domains
    ]


def check_subjects(domains: Mapping[str, pl.DataFrame]) -> list[Finding]:
    """Rows of DM that share a subject, or name none: an analysis starts from one row a subject."""
    subjects = domains.get("DM")
    if subjects is None or "USUBJID" not in subjects.columns:
        return []
    unnamed = report(
        subjects.filter(pl.col("USUBJID").is_null()),
        dataset="DM",
        field="USUBJID",
        rule=RULE,
        message="a row names no subject",
        hint="Fill it at the source.",
    )
    named = subjects.filter(pl.col("USUBJID").is_not_null())
    return unnamed + _repeated(named, ["USUBJID"], "DM", "USUBJID", "key")


def check_expected(domains: Mapping[str, pl.DataFrame]) -> list[Finding]:
    """Expected columns that are absent: an error where an analysis must stop, else a warning."""
    found = []
    for name, frame in domains.items():
        spec = spec_of(name)
        read = READ.get(SUPP if name.startswith(SUPP) else name, ())
        for column in spec.columns if spec is not None else ():
            if column.variable in frame.columns or column.core == "Req":
                continue
            if column.variable not in read and column.core != "Exp":
                continue
            found.append(
                Finding(
                    Place(form=name, field=column.variable),
                    None,
                    RULE,
                    f"expected column {column.variable} ({column.label}) is missing",
                    "Add the column to the source and read it again."
                    if column.variable in read
                    else "Add the column where it was collected; until then it counts as empty.",
                    "error" if column.variable in read else "warning",
                )
            )
    return found


def check_columns(domains: Mapping[str, pl.DataFrame]) -> list[Finding]:
    """Required columns absent, types that cannot be used, columns unknown or out of order."""
    found: list[Finding] = []
    for name, frame in domains.items():
        spec = spec_of(name)
        if spec is None:
            continue
        for finding in frames.check_columns(frame, spec):
            place = Place(form=name, field=finding.place.field)
            found.append(Finding(place, finding.value, finding.rule, finding.message, finding.hint))
        extra = [c for c in frame.columns if c not in spec.names]
        found += [
            Finding(
                Place(form=name, field=column),
                None,
                f"{name} specification",
                f"variable {column} is not in the specification",
                "Check its spelling; a sponsor's variable belongs in the SUPP-- dataset.",
                "note",
            )
            for column in extra
        ]
        there = [c for c in frame.columns if c in spec.names]
        wanted = [c for c in spec.names if c in there]
        if there != wanted:
            first = next(a for a, b in zip(there, wanted, strict=True) if a != b)
            found.append(
                Finding(
                    Place(form=name, field=first),
                    None,
                    f"{name} specification",
                    "the variables are not in the order of the specification",
                    f"The order is {', '.join(wanted)}.",
                    "warning",
                )
            )
    return found


def check_required(source: Source) -> list[Finding]:
    """Required variables that are empty in a row."""
    found: list[Finding] = []
    for name, frame, spec in source.known():
        for column in spec.columns:
            if column.core != "Req" or column.variable not in frame.columns:
                continue
            empty = pl.col(column.variable).is_null()
            if frame.schema[column.variable] == pl.String:
                empty |= pl.col(column.variable) == ""
            found += report(
                frame.filter(empty),
                dataset=name,
                field=column.variable,
                rule=RULE,
                message=f"{column.variable} ({column.label}) is required and empty",
                hint="Fill it at the source.",
            )
    return found


def check_keys(source: Source) -> list[Finding]:
    """Sequence numbers given twice to a subject, and rows that share the natural key."""
    found: list[Finding] = []
    for name, frame, spec in source.known():
        number = f"{name}SEQ"
        if has(frame, number, "USUBJID"):
            found += _repeated(frame, ["USUBJID", number], name, number, "sequence number")
        keys = [k for k in spec.key if k in frame.columns and k != "STUDYID"]
        if len(keys) > 1 or (keys and name == "TE"):
            if name in ("LB", "VS", "EG"):
                # Time points, positions and repetitions make rows apart that share the key.
                keys += [
                    k
                    for k in frame.columns
                    if k.removeprefix(name) in ("TPTNUM", "REPNUM", "METHOD", "LOC", "FAST")
                ]
            topic = f"{name}TESTCD" if f"{name}TESTCD" in keys else keys[min(1, len(keys) - 1)]
            found += _repeated(frame, list(dict.fromkeys(keys)), name, topic, "key")
    return found


def _repeated(
    frame: pl.DataFrame, keys: list[str], name: str, field: str, what: str
) -> list[Finding]:
    doubled = frame.select(keys).is_duplicated()
    if not doubled.any():
        return []
    rows = frame.filter(doubled).unique(keys, keep="first", maintain_order=True)
    shown = [k for k in keys if k != "USUBJID"] or keys
    return report(
        rows.with_columns(
            _found=pl.concat_str(
                [pl.col(k).cast(pl.String).fill_null("empty") for k in shown], separator=", "
            )
        ),
        dataset=name,
        field=field,
        rule=RULE,
        message=f"several rows share the {what} {', '.join(keys)}",
        hint="Remove the copy, or add what tells the rows apart.",
        value="_found",
        severity="error" if what == "sequence number" or name in ("DM", "TE") else "warning",
    )
