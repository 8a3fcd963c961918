"""Time-point response: from lesion rows to target, non-target, new-lesion and overall response."""

from __future__ import annotations

import polars as pl

from onearm.errors import OnearmError
from onearm.response.carry import carried
from onearm.response.criteria import RECIST11, Criteria, Parameters, combinations, rows
from onearm.response.newlesions import add_new_lesions
from onearm.response.nontarget import add_nontargets, with_markers
from onearm.response.reasons import time_point_reason
from onearm.response.sizes import units
from onearm.response.sums import add_sums, target_rule
from onearm.response.visits import prepare

NODE_ONLY = "node-only regrowth after CR"

COLUMNS = (
    "subject", "reader", "time_point", "date",
    "sum", "n_expected", "n_assessed", "complete", "base", "nadir", "nadir_date",
    "change", "change_nadir", "pct_change", "pct_change_nadir",
    "target", "nontarget", "new", "overall", "target_rule", "rule", "reason", "flags", "pd_date",
)  # fmt: skip
"""The columns that ``time_points`` returns, in order."""


def time_points(
    lesions: pl.DataFrame, *, criteria: Criteria = RECIST11, markers: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Response at every time point of every subject and reader.

    ``lesions``: one row a lesion and time point, columns and units as in the docstring of
    ``onearm.response``; ``markers`` (optional): ``subject, time_point, elevated``, read where the
    parameter ``marker_for_cr`` is on. Returns one row a subject, reader and time point, columns
    as in ``COLUMNS``; responses are null at baseline. A visit with no row at all has no answer;
    a baseline target without a row at a visit counts as not assessed.
    Raises OnearmError where columns, words or keys are wrong (``tool.respond`` reports bad rows of
    a spreadsheet one by one instead).
    Rule: RECIST 1.1, 4.3 and 4.4, with the choices in ``criteria.parameters``.
    """
    parameters = criteria.parameters
    found, visits = prepare(lesions)
    if parameters.pd_date_rule == "scheduled" and visits["scheduled"].null_count():
        raise OnearmError("pd_date_rule 'scheduled' needs a scheduled date in every lesion row")
    visits = add_sums(visits, found, parameters)
    visits = add_nontargets(visits, found, parameters)
    visits = with_markers(visits, markers if parameters.marker_for_cr else None)
    visits = add_new_lesions(visits, found, parameters)
    visits = _with_target(visits, parameters)
    visits = _with_overall(visits, criteria)
    return visits.with_columns(
        reason=time_point_reason(),
        flags=_flags(parameters),
        pd_date=pl.when(pl.col("overall") == "PD").then(_pd_date(parameters)),
    ).select(COLUMNS)


def _with_target(visits: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Add ``target_rule`` and ``target``, the carried partial response included."""
    answers = {row["rule"]: row["response"] for row in rows("recist11_target")}
    after_baseline = pl.col("time_point") > 0
    judged = visits.with_columns(target_rule=pl.when(after_baseline).then(target_rule(parameters)))
    if parameters.pr_carry == "sticky":
        judged = carried(judged, answers, parameters)
    answer = pl.col("target_rule").replace_strict(answers, default=None, return_dtype=pl.String)
    return judged.with_columns(
        target=pl.when(after_baseline).then(answer.fill_null("none")),
        nontarget=pl.when(after_baseline).then("nontarget"),
        new=pl.when(after_baseline).then("new"),
    )


def _with_overall(visits: pl.DataFrame, criteria: Criteria) -> pl.DataFrame:
    """Add ``overall``, ``rule`` and ``source``, and what a target or overall CR before means."""
    table = pl.DataFrame(combinations(criteria))
    joined = visits.join(table, on=["target", "nontarget", "new"], how="left").sort("visit")

    def ever_before(column: str) -> pl.Expr:
        seen = (pl.col(column) == "CR").fill_null(value=False)
        return seen.cum_max().shift(1, fill_value=False).over("case")

    return joined.with_columns(
        target_cr_before=ever_before("target"), cr_before=ever_before("overall")
    )


def _flags(parameters: Parameters) -> pl.Expr:
    """What a person has to look at, as text with "; " between, null where there is nothing."""
    back = pl.col("target_cr_before") & pl.col("target").is_in(["PR", "SD", "PD"])
    disease_left = pl.col("overall").is_in(["PR", "SD", "NON-CR/NON-PD"])
    no_bulk = (pl.col("left_bulk").fill_null(0) + pl.col("nt_left_bulk")) == 0
    nodes = pl.col("left_nodes").fill_null(0) + pl.col("nt_left_nodes")
    largest = pl.max_horizontal("largest_node", "nt_largest_node")
    # A node whose size nobody wrote down cannot be called small.
    is_small = (largest < units(parameters.min_node_target_sa)).fill_null(value=False)
    small_node = no_bulk & (nodes == 1) & is_small
    node_only = pl.col("cr_before") & disease_left & small_node & ~pl.col("marker_high")
    notes = {
        "reappearance after target CR": back,
        NODE_ONLY: node_only,
        "disease after overall CR": pl.col("cr_before") & disease_left & ~node_only,
        "equivocal new lesion": pl.col("new") == "equivocal",
        "new lesion first seen earlier": pl.col("new_first_seen") < pl.col("first_scan"),
        "fragment not found again": pl.col("lost_fragment"),
        "no baseline assessment": ~pl.col("has_baseline"),
        "non-target lesion not there at baseline": pl.col("nt_stray"),
    }
    after_baseline = pl.col("time_point") > 0
    texts = [pl.when(after_baseline & said).then(pl.lit(text)) for text, said in notes.items()]
    query = pl.when(pl.col("query").str.len_chars() > 0).then("query")
    joined = pl.concat_str(*texts, query, separator="; ", ignore_nulls=True)
    return pl.when(joined.str.len_chars() > 0).then(joined)


def _pd_date(parameters: Parameters) -> pl.Expr:
    """The day of progression (FDA, Clinical Trial Endpoints, 2018, on dates of progression).

    A new lesion counts from the day it was first seen, equivocal sightings included, under every
    rule. ``fda_component``: the earliest of that day, the day a non-target lesion was called
    progressed, and the last scan of the targets; ``earliest_scan``: the first scan of the visit;
    ``scheduled``: the planned day of the visit.
    """
    new = pl.when(pl.col("new") == "yes")
    if parameters.pd_date_rule == "scheduled":
        return pl.min_horizontal("scheduled", new.then("new_scheduled"))
    first_seen = new.then("new_first_seen")
    if parameters.pd_date_rule == "earliest_scan":
        return pl.min_horizontal("first_scan", first_seen)
    targets = pl.when(pl.col("target") == "PD").then("target_scan")
    nontargets = pl.when(pl.col("nontarget") == "PD").then("progressed_date")
    return pl.coalesce(pl.min_horizontal(first_seen, nontargets, targets), "date")
