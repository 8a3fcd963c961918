"""From datasets to numbers: every analysis of the study file, one row a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from onearm.frames import Frames
from onearm.results.kinds import KINDS
from onearm.results.model import COLUMN, NAME, SCHEMA, Task
from onearm.results.rules import check_rules, planned_for
from onearm.results.select import check_datasets, hash_text, tasks
from onearm.study import Study
from onearm.study.analyses import RULE_KINDS, Analyses
from onearm.study.design import TrialDesign

QUALIFIED = ("CENSORED", "CNSDTDSC")
"""Groups whose levels may read like those of another group of the same operation."""


def analyse(study: Study, datasets: Frames) -> pl.DataFrame:
    """Every number of the study: one row a number, in the order of ``analyses.yaml``.

    datasets: ADaM by name; ADSL is needed, other datasets may be absent, then their analyses have
    no result. Returns the columns of `SCHEMA`; ``result_id`` is unique. Table columns are the
    study's cohorts and the total. Raises `Problems` naming every column that an analysis reads and
    the datasets do not have.
    Source: CDISC Analysis Results Standard 1.0.
    """
    if study.analyses is None:
        return pl.DataFrame(schema=dict(SCHEMA))
    levels = [level.code for level in study.cohorts]
    return run(study.analyses, datasets, levels=levels, design=study.design)


def run(
    plan: Analyses,
    datasets: Frames,
    *,
    levels: Sequence[str],
    design: TrialDesign | None = None,
) -> pl.DataFrame:
    """`analyse` for a plan and the levels of its table columns, without a study around them.

    Analyses that carry out a rule whose conditions the data cannot answer have no result.
    """
    check_datasets(plan, datasets)
    check_rules(plan, design)
    shown = plan.columns.levels or levels
    parts = [pl.DataFrame(schema=dict(SCHEMA))]
    for task in tasks(plan, datasets, shown, design):
        if task.analysis.kind in RULE_KINDS and design is not None:
            planned = planned_for(plan, design, datasets, parts)
            if planned.cannot_judge(task.analysis):
                continue
            task = replace(task, planned=planned)
        parts.append(_numbers(task, plan.columns.variable))
    return pl.concat(parts)


def _numbers(task: Task, column_variable: str) -> pl.DataFrame:
    """The numbers of one analysis in the columns of the results frame."""
    analysis = task.analysis
    found = KINDS[analysis.kind].function(task)
    hashes = [hash_text(total) for total in found[NAME].to_list()]
    frame = found.with_columns(
        pl.Series("rows_hash", hashes, dtype=pl.String),
        analysis=pl.lit(analysis.id),
        method=pl.lit(analysis.chosen_method),
        dataset=pl.col("dataset").fill_null(analysis.dataset),
        parameter=pl.lit(analysis.parameter or None, pl.String),
        variable=pl.lit(analysis.variable or None, pl.String),
        set=pl.lit(analysis.set),
        subset=pl.lit(analysis.when or None, pl.String),
        group1=pl.lit(column_variable),
        level1=pl.col(COLUMN),
        # What is special about a number says more than what holds for the whole analysis.
        note=pl.col("note").fill_null(pl.lit(analysis.note or None, pl.String)),
        result_id=_result_id(analysis.id, is_repeated=len(analysis.by) > 1),
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def _result_id(analysis: str, *, is_repeated: bool) -> pl.Expr:
    """``analysis.operation.level1.level2.level3``; levels that are null are left out.

    Where an analysis is repeated by several variables, or gives the same operation by several
    groups, the group stands before its level: Y of one variable is not Y of the other.
    """
    several = pl.lit(is_repeated)
    level2 = _level("group2", "level2", several | pl.col("group2").is_in(QUALIFIED))
    level3 = _level("group3", "level3", pl.col("group3").is_in(QUALIFIED))
    parts = [pl.lit(analysis), pl.col("operation"), pl.col(COLUMN), level2, level3]
    return pl.concat_str(parts, separator=".", ignore_nulls=True)


def _level(group: str, level: str, is_qualified: pl.Expr) -> pl.Expr:
    qualified = pl.concat_str(group, level, separator="=")
    return pl.when(is_qualified).then(qualified).otherwise(pl.col(level))
