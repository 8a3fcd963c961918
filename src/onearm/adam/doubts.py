"""What only the analysis sees in the data: too many targets, unknown kinds, disagreement."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from onearm import sdtm
from onearm.adam import adlb
from onearm.adam.lesions import ROLES
from onearm.errors import Finding, Place
from onearm.frames import Frames
from onearm.response import find_criteria
from onearm.response.lesions import organ_group
from onearm.study import Study
from onearm.study.assessments import Responses, Tumours

NODES = "LYMPH NODE"
BEYOND = "The lesions are analysed as they were entered; follow those beyond as non-target lesions."


def check_doubts(study: Study, domains: Frames, datasets: Frames) -> list[Finding]:
    """Doubts about data that conform and can be analysed, seen with the study's own rules.

    domains: SDTM; datasets: what ``adam.derive`` made of them. More targets than the criteria
    allow, kinds of lesions that nobody knows, responses entered that the lesions do not give,
    times that end before they start, and laboratory units that no grade can be read from.
    Never raises for data.
    """
    rules = study.endpoints
    if rules is None:
        return []
    found: list[Finding] = []
    if rules.tumours is not None:
        found += check_targets(domains, rules.tumours)
        found += check_kinds(domains)
    for block in rules.responses:
        found += check_responses(datasets, block)
    found += check_times(datasets)
    results = domains.get("LB")
    if results is not None and rules.labs is not None:
        found += adlb.check_units(results, rules.labs)
    return found


def check_absent(study: Study, domains: Frames) -> list[Finding]:
    """SDTM datasets that the study's rules read and a delivery does not have (notes).

    Where the data were captured here a dataset is absent because nothing of its kind happened; in
    a delivery from elsewhere it may have been forgotten.
    """
    rules = [part for part in (study.subjects, study.endpoints) if part is not None]
    read = {dataset for part in rules for _, _, dataset in part.expressions()}
    known = sdtm.specs()
    return [
        Finding(
            Place(form=name),
            None,
            "study files",
            f"dataset {name} is missing, and rules of the study read it",
            "Add the dataset; until then the analysis takes it that nothing of its kind happened.",
            "note",
        )
        for name in sorted(read)
        if name in known and name not in domains
    ]


def check_targets(domains: Frames, tumours: Tumours) -> list[Finding]:
    """More target lesions, in all or in one organ, than the criteria allow (RECIST 1.1, 3.2.2).

    domains: TU, where it has USUBJID, TULNKID, TUSTRESC and TULOC; targets are counted a reader.
    """
    lesions = domains.get("TU")
    if lesions is None or not {"USUBJID", "TULNKID", "TUSTRESC", "TULOC"} <= {*lesions.columns}:
        return []
    limits = find_criteria(tumours.criteria).with_parameters(**tumours.parameters).parameters
    who = ["USUBJID", *(c for c in ("TUEVAL", "TUEVALID") if c in lesions.columns)]
    targets = (
        lesions.filter(pl.col("TUSTRESC") == "TARGET", pl.col("TULNKID").is_not_null())
        # T01a and T01b are pieces of T01, which counts once.
        .with_columns(TULNKID=pl.col("TULNKID").str.replace("[a-z]$", ""))
        .unique([*who, "TULNKID"], keep="first", maintain_order=True)
        .with_columns(_organ=_organ(lesions))
    )
    named = pl.col("TULNKID").sort().str.join(", ")
    of_organ = targets.filter(pl.col("_organ").is_not_null()).group_by(*who, "_organ")
    return [
        *_too_many(targets.group_by(who), named, limits.max_targets, "target lesions in all"),
        *_too_many(of_organ, named, limits.max_targets_per_organ, "target lesions in one organ"),
    ]


def _organ(lesions: pl.DataFrame) -> pl.Expr:
    places = lesions["TULOC"].drop_nulls().unique().to_list()
    groups = {place: organ_group(place, nodal=place.startswith(NODES)) for place in places}
    return pl.col("TULOC").replace_strict(groups, default=None, return_dtype=pl.String)


def _too_many(
    lesions: pl.dataframe.group_by.GroupBy, named: pl.Expr, most: int, what: str
) -> Iterator[Finding]:
    counted = lesions.agg(_n=pl.len(), _all=named).filter(pl.col("_n") > most)
    for row in counted.sort("USUBJID", "_all").iter_rows(named=True):
        organ = f" ({row['_organ']})" if "_organ" in row else ""
        yield Finding(
            Place(row["USUBJID"], form="TU", field="TULNKID"),
            row["_all"],
            "RECIST 1.1, 3.2.2",
            f"there are {row['_n']} {what}{organ}, and the criteria allow {most}",
            BEYOND,
            "warning",
        )


def check_kinds(domains: Frames) -> list[Finding]:
    """Kinds of lesions other than target, non-target and new: such lesions are not analysed.

    domains: TR, where it has USUBJID, TRTESTCD, TRLNKID and TRGRPID.
    """
    results = domains.get("TR")
    if results is None or not {"USUBJID", "TRTESTCD", "TRLNKID", "TRGRPID"} <= {*results.columns}:
        return []
    odd = results.filter(
        pl.col("TRLNKID").is_not_null(),
        pl.col("TRTESTCD").is_in(["LDIAM", "LPERP", "TUMSTATE"]),
        ~pl.col("TRGRPID").str.to_uppercase().is_in(list(ROLES)).fill_null(value=False),
    )
    return [
        Finding(
            Place(row["USUBJID"], row.get("VISIT") or "", "TR", "TRGRPID"),
            row["TRGRPID"],
            "RECIST 1.1, 4.3",
            f"{row['TRLNKID']}: the kind of lesion is not known, and the lesion is left out",
            f"Write one of: {', '.join(ROLES)}.",
        )
        for row in odd.iter_rows(named=True)
    ]


def check_responses(datasets: Frames, block: Responses) -> list[Finding]:
    """Responses entered that the lesions do not give, one finding an assessment.

    datasets: ADRS with the computed and the entered response of one reader (DISAGRFL).
    """
    rows = datasets.get("ADRS")
    if rows is None or block.entered is None or not block.computed:
        return []
    rows = rows.filter(pl.col("PARCAT1") == block.category, pl.col("PARCAT2") == block.reader)
    entered = rows.filter(pl.col("PARAMCD") == block.entered.param).select(
        "USUBJID", "VISITNUM", _entered="AVALC"
    )
    entered = entered.unique(["USUBJID", "VISITNUM"], keep="last", maintain_order=True)
    differ = rows.filter(pl.col("PARAMCD") == block.computed, pl.col("DISAGRFL") == "Y").join(
        entered, on=["USUBJID", "VISITNUM"], how="left", maintain_order="left"
    )
    return [
        Finding(
            Place(row["USUBJID"], row["AVISIT"] or "", "RS", block.entered.take),
            row["_entered"],
            row["RULE"] or block.criteria,
            f"the response entered is not the one that the lesions give, {row['AVALC']}"
            + (f" ({row['REASON']})" if row["REASON"] else ""),
            "Correct the lesions or the response; the analysis says which of the two it uses.",
            "warning",
        )
        for row in differ.iter_rows(named=True)
    ]


def check_times(datasets: Frames) -> list[Finding]:
    """Times to an event that end before they start (errors); no analysis can use them.

    datasets: ADTTE, one row a subject and endpoint.
    """
    rows = datasets.get("ADTTE")
    if rows is None:
        return []
    return [
        Finding(
            Place(row["USUBJID"], form=row["SRCDOM"] or "ADTTE", field=row["SRCVAR"] or "ADT"),
            row["ADT"],
            f"{row['PARAMCD']} {row['RULE'] or ''}".strip(),
            f"{row['PARAMCD']} ends before it starts, on {row['STARTDT']}; it is left out",
            "Correct one of the two dates.",
        )
        for row in rows.filter(pl.col("ADT") < pl.col("STARTDT")).iter_rows(named=True)
    ]
