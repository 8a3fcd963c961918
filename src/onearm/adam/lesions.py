"""From TU and TR to the lesion table that the response engine reads, and its answers a visit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import polars as pl

from onearm import dates
from onearm.adam.conditions import holds
from onearm.adam.pick import as_date
from onearm.errors import Finding, Place, Problems
from onearm.frames import Frames
from onearm.response import find_criteria, fixed_point, time_points
from onearm.response.criteria import rows
from onearm.study.assessments import Tumours

VISIT = ["USUBJID", "reader", "VISITNUM", "occasion"]
ROLES = {"TARGET": "target", "NON-TARGET": "non-target", "NEW": "new"}


@dataclass(frozen=True, slots=True)
class Readings:
    """What each reader saw.

    ``lesions``: one row a lesion and visit: USUBJID reader VISITNUM VISIT time_point lesion role
    nodal TULOC date imputed LDIAM LPERP size state seq. ``points``: one row a visit: USUBJID reader
    VISITNUM VISIT seq and the columns of ``response.time_points``.
    """

    lesions: pl.DataFrame
    points: pl.DataFrame


@cache
def _states() -> pl.DataFrame:
    """The words of TUMSTATE as the states of the engine, by role."""
    return pl.DataFrame(
        [
            {"role": r["role"], "term": r["term"], "said": r["state"] or None}
            for r in rows("tumor_states")
        ]
    )


def read_lesions(domains: Frames, tumours: Tumours, subjects: pl.DataFrame) -> Readings | None:
    """The readings of all readers, or None where the trial has no TR.

    domains: TR, and TU for the places of lesions. subjects: USUBJID and ``start`` (Date).
    A visit is one VISITNUM; its day is its last scan day. Lesion rows of subjects not in
    ``subjects`` are left out. Words of TUMSTATE that are not in ``tumor_states.csv`` raise
    ``Problems`` with all of them: what is not understood must not count as not evaluable.
    """
    results = domains.get("TR")
    if results is None or not results.height:
        return None
    lesions = _with_time_points(_one_row_a_lesion(domains, results, tumours), tumours, subjects)
    points = time_points(
        lesions.select(
            "reader", "time_point", "date", "lesion", "role", "nodal", "size", "state",
            subject="USUBJID",
        ),
        criteria=find_criteria(tumours.criteria).with_parameters(**tumours.parameters),
    ).rename({"subject": "USUBJID"})  # fmt: skip
    visits = lesions.group_by("USUBJID", "reader", "time_point").agg(
        pl.col("VISITNUM", "VISIT").first(), pl.col("seq").min(), pl.col("imputed").any()
    )
    keys = ["USUBJID", "reader", "time_point"]
    return Readings(lesions, points.join(visits, on=keys, how="left", maintain_order="left"))


def _one_row_a_lesion(domains: Frames, results: pl.DataFrame, tumours: Tumours) -> pl.DataFrame:
    kept = results.filter(
        pl.col("TRTESTCD").is_in(["LDIAM", "LPERP", "TUMSTATE"]), pl.col("TRLNKID").is_not_null()
    )
    marked = pl.lit(value=False)
    if tumours.baseline:
        marked = holds(tumours.baseline, results.columns, place="tumours.baseline, TR")
    read = pl.concat(
        kept.filter(holds(reader.when, results.columns, place=f"reader {reader.name}, TR"))
        .select(
            "USUBJID", "VISITNUM", "TRLNKID", "TRTESTCD", "TRDTC",
            _number(results), _word(results), _not_done(results), "TRSEQ",
            *_if_there(results, "VISIT", "TRGRPID", "TREVAL", "TREVALID"),
            reader=pl.lit(reader.name), marked=marked,
        )
        for reader in tumours.readers
    )  # fmt: skip
    test = pl.col("TRTESTCD")
    wide = (
        _with_occasions(read)
        .group_by(*VISIT, "TRLNKID", maintain_order=True)
        .agg(
            pl.col("VISIT", "TRGRPID", "TREVAL", "TREVALID").first(),
            pl.col("marked").any(),
            TRDTC=pl.col("TRDTC").max(),
            LDIAM=pl.col("number").filter(test == "LDIAM").first(),
            LPERP=pl.col("number").filter(test == "LPERP").first(),
            word=pl.col("word").filter(test == "TUMSTATE").first(),
            not_done=pl.col("not_done").all(),
            seq=pl.col("TRSEQ").min().cast(pl.Int32),
        )
    )
    placed = _with_places(wide, domains.get("TU"))
    return _with_states(placed).with_columns(
        date=as_date("TRDTC", pl.String(), tumours.partial),
        imputed=dates.imputation_flag(pl.col("TRDTC")).is_not_null(),
    )


def _with_occasions(read: pl.DataFrame) -> pl.DataFrame:
    """Add ``occasion``: the date where one visit number was used for several scans, else "".

    It was where a lesion has one test on two days under one visit number (unscheduled visits).
    """
    again = (
        read.group_by("USUBJID", "reader", "VISITNUM", "TRLNKID", "TRTESTCD")
        .agg(days=pl.col("TRDTC").n_unique())
        .filter(pl.col("days") > 1)
        .select("USUBJID", "reader", "VISITNUM", again=pl.lit(value=True))
        .unique()
    )
    if not again.height:
        return read.with_columns(occasion=pl.lit(""))
    return (
        read.join(again, on=["USUBJID", "reader", "VISITNUM"], how="left", maintain_order="left")
        .with_columns(occasion=pl.when("again").then("TRDTC").otherwise(pl.lit("")))
        .drop("again")
    )


def _if_there(results: pl.DataFrame, *names: str) -> list[pl.Expr]:
    return [
        pl.col(name) if name in results.columns else pl.lit(None, pl.String).alias(name)
        for name in names
    ]


def _number(results: pl.DataFrame) -> pl.Expr:
    """The diameter as a number: from the text where there is one, which has no rounding error.

    A number without a text is taken to four decimals of a millimetre (13 x 0.9 means 11.7).
    """
    ways = []
    if "TRSTRESC" in results.columns:
        ways.append(pl.col("TRSTRESC").cast(pl.Float64, strict=False))
    if "TRSTRESN" in results.columns:
        ways.append(pl.col("TRSTRESN").cast(pl.Float64))
    if "TRORRES" in results.columns:
        ways.append(pl.col("TRORRES").cast(pl.Float64, strict=False))
    return pl.coalesce(ways).round(4).alias("number")


def _word(results: pl.DataFrame) -> pl.Expr:
    for name in ("TRSTRESC", "TRORRES"):
        if name in results.columns:
            return pl.col(name).str.to_uppercase().alias("word")
    return pl.lit(None, pl.String).alias("word")


def _not_done(results: pl.DataFrame) -> pl.Expr:
    if "TRSTAT" not in results.columns:
        return pl.lit(value=False).alias("not_done")
    return (pl.col("TRSTAT") == "NOT DONE").fill_null(value=False).alias("not_done")


def _with_places(lesions: pl.DataFrame, identified: pl.DataFrame | None) -> pl.DataFrame:
    """Add TULOC and whether the lesion is a node (``nodal``); unknown places are not nodes."""
    if identified is None or "TULOC" not in identified.columns:
        return lesions.with_columns(TULOC=pl.lit(None, pl.String), nodal=pl.lit(value=False))
    known = identified.filter(pl.col("TULOC").is_not_null())
    lesion = ["USUBJID", "TULNKID"]
    own = [name for name in ("TUEVAL", "TUEVALID") if name in known.columns]
    # A reader's own identification first; else the place that any reader wrote for this lesion.
    by_reader = known.group_by(*lesion, *own).agg(own=pl.col("TULOC").first())
    by_lesion = known.group_by(lesion, maintain_order=True).agg(any=pl.col("TULOC").first())
    left = ["USUBJID", "TRLNKID"]
    return (
        lesions.join(
            by_reader,
            left_on=[*left, *(name.replace("TU", "TR") for name in own)],
            right_on=[*lesion, *own],
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        .join(by_lesion, left_on=left, right_on=lesion, how="left", maintain_order="left")
        .with_columns(TULOC=pl.coalesce("own", "any"))
        .drop("own", "any")
        .with_columns(nodal=pl.col("TULOC").str.starts_with("LYMPH NODE").fill_null(value=False))
    )


def _with_states(lesions: pl.DataFrame) -> pl.DataFrame:
    """Add role, size (engine units) and state; a diameter without a word is a measurement."""
    typed = lesions.with_columns(
        role=pl.col("TRGRPID").str.to_uppercase().replace_strict(ROLES, default=None),
        lesion=pl.col("TRLNKID"),
        mm=pl.when("nodal").then("LPERP").otherwise("LDIAM"),
    ).filter(pl.col("role").is_not_null())
    known = typed.join(
        _states().with_columns(found=pl.lit(value=True)),
        left_on=["role", "word"],
        right_on=["role", "term"],
        how="left",
        maintain_order="left",
    )
    strange = known.filter(pl.col("word").is_not_null() & pl.col("found").is_null())
    if strange.height:
        raise Problems(_unknown_words(strange), "states of lesions cannot be understood")
    size = fixed_point(known["mm"])
    return known.with_columns(size=size).with_columns(
        state=pl.when("not_done").then(pl.lit("not_evaluable")).otherwise("said")
    )


def _unknown_words(strange: pl.DataFrame) -> list[Finding]:
    known = dict(_states().group_by("role").agg(pl.col("term")).iter_rows())
    return [
        Finding(
            Place(row["USUBJID"], row["VISIT"] or "", f"TR {row['lesion']}"),
            row["word"],
            "tumor_states.csv",
            f"the state '{row['word']}' of a {row['role']} lesion is not known",
            f"Write one of: {', '.join(known[row['role']])}.",
        )
        for row in strange.iter_rows(named=True)
    ]


def _with_time_points(
    lesions: pl.DataFrame, tumours: Tumours, subjects: pl.DataFrame
) -> pl.DataFrame:
    """Add ``time_point``: 0 for baseline, then in order of time; earlier visits are left out."""
    visits = (
        lesions.group_by(VISIT)
        .agg(day=pl.col("date").max(), marked=pl.col("marked").any())
        .join(subjects.select("USUBJID", "start"), on="USUBJID")
    )
    early = pl.col("marked") if tumours.baseline else pl.col("day") <= pl.col("start")
    order = ["USUBJID", "reader", "day", "VISITNUM"]
    case = ["USUBJID", "reader"]
    numbered = (
        visits.with_columns(early=early.fill_null(value=False))
        .sort(order)
        .with_columns(left=pl.col("early").cast(pl.Int32).sum().over(case))
        .with_columns(
            nth_early=pl.col("early").cast(pl.Int32).cum_sum().over(case),
            nth_late=(~pl.col("early")).cast(pl.Int32).cum_sum().over(case),
        )
        .filter(~pl.col("early") | (pl.col("nth_early") == pl.col("left")))
        .select(
            *VISIT,
            time_point=pl.when("early").then(0).otherwise("nth_late").cast(pl.Int32),
        )
    )
    return lesions.join(numbered, on=VISIT, maintain_order="left")
