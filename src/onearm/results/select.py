"""Which rows an analysis reads: sets, subsets and columns, the names of rows, and their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from onearm import expr
from onearm.errors import Finding, Place, Problems
from onearm.frames import Frames
from onearm.results.model import COLUMN, NAME, SUBJECT, Task, both, equals, quoted
from onearm.sdtm import specs
from onearm.study.analyses import Analyses, Analysis
from onearm.study.design import TrialDesign

MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
GOLDEN = 0x9E3779B97F4A7C15


def columns_read(plan: Analyses, analysis: Analysis) -> tuple[str, ...]:
    """The columns that an analysis reads from its dataset or from ADSL."""
    texts = [text for _, text in analysis.conditions()]
    texts += [plan.columns.variable, plan.sets[analysis.set].when]
    names = [name for text in texts for name in expr.parse(text).columns]
    if analysis.parameter:
        names.append("PARAMCD")
    # A kind that carries out a rule has a parameter once it is known what the rule is about.
    of_rule = analysis.kind == "one_sample_log_rank" and analysis.parameter
    if of_rule or analysis.kind in ("survival", "curve", "followup", "competing"):
        names += [
            "AVAL",
            "CNSR",
            *(["EVNTDESC", "CNSDTDSC"] if analysis.kind == "survival" else []),
        ]
    return tuple(dict.fromkeys(names))


def check_datasets(plan: Analyses, datasets: Frames) -> None:
    """Raise `Problems` that name every column an analysis reads and no dataset has.

    An analysis of data that are absent (see `has_data`) is not checked: it has no result.
    """
    if "ADSL" not in datasets:
        place = Place(file="analyses.yaml")
        raise Problems(
            [Finding(place, None, "ADaM", "there is no dataset ADSL", "Derive it first.")]
        )
    subject_columns = datasets["ADSL"].columns
    findings = []
    for analysis in plan.analyses:
        if not has_data(plan, analysis, datasets):
            continue
        known = [*datasets[analysis.dataset].columns, *subject_columns]
        for name in columns_read(plan, analysis):
            if name not in known:
                message = f"{analysis.id} reads {name}, which {analysis.dataset} does not have"
                place = Place(field=analysis.id, file="analyses.yaml")
                hint = expr.suggest(name, known) or "Use a column of the dataset or of ADSL."
                findings.append(Finding(place, name, "analyses.yaml", message, hint))
    if findings:
        raise Problems(findings, "Some analyses read columns that the datasets do not have.")


def carried_out(plan: Analyses, design: TrialDesign | None, analysis: Analysis) -> Analysis:
    """An analysis that names a test of the design, with the rows of what the test is about.

    The test names an analysis: its dataset, parameter, condition and success count. A boundary and
    the enrolment are about subjects, and stay as they are.
    """
    if design is None or analysis.rule not in design.tests:
        return analysis
    about = plan.analysis(design.tests[analysis.rule].analysis)
    keys = ("dataset", "parameter", "when", "success")
    return analysis.model_copy(update={key: getattr(about, key) for key in keys})


def has_data(plan: Analyses, analysis: Analysis, datasets: Frames) -> bool:
    """Whether a trial has what an analysis is about: the dataset, with the variables read.

    A variable that the SDTM standard does not require may be absent from a domain, and then the
    analysis has nothing to count, as where the whole domain is absent.
    """
    if analysis.dataset not in datasets:
        return False
    if analysis.dataset not in specs():
        return True
    optional = {c.variable for c in specs()[analysis.dataset].columns if c.core != "Req"}
    known = {*datasets[analysis.dataset].columns, *datasets["ADSL"].columns}
    return not (optional & set(columns_read(plan, analysis)) - known)


def as_collected(analysis: Analysis, datasets: Frames) -> Analysis | None:
    """The analysis without the lines that ask for what was never collected; None where nothing is.

    A variable of the collected domain (AEACN, in ADAE) that is empty in every row was not asked
    for, and counting it would print a 0 that nobody observed. A condition of the whole analysis
    that reads such variables alone among those collected leaves nothing; so does a line that reads
    nothing else.
    """
    frame = datasets[analysis.dataset]
    prefix = analysis.dataset.removeprefix("AD")
    if analysis.dataset == "ADSL" or not frame.height:
        return analysis
    empty = {
        name
        for name in frame.columns
        if name.startswith(prefix) and frame[name].null_count() == frame.height
    }
    if not empty:
        return analysis
    asked = {n for n in _columns(analysis.when) if n.startswith(prefix)}
    kept = tuple(x for x in analysis.lines if not (set(_columns(x.when)) <= empty))
    if (asked and asked <= empty) or (analysis.lines and not kept):
        return None
    return analysis.model_copy(update={"lines": kept})


def _columns(condition: str) -> tuple[str, ...]:
    return expr.parse(condition).columns if condition else ()


def sequence_of(dataset: str, frame: pl.DataFrame) -> pl.Series | None:
    """What names a row within its subject: ASEQ, or --SEQ in an SDTM domain; nothing in ADSL."""
    for name in ("ASEQ", f"{dataset}SEQ"):
        if name in frame.columns and dataset != "ADSL":
            return frame[name]
    return None


def row_hashes(dataset: str, subjects: pl.Series, sequence: pl.Series | None) -> pl.Series:
    """A 64-bit hash of each row's name: dataset, USUBJID and, but for ADSL, the sequence number.

    It does not depend on the machine or the versions of libraries: BLAKE2b of the subject's name,
    mixed with the sequence number by the finaliser of SplitMix64.
    """
    unique = subjects.unique()
    digests = {
        s: int.from_bytes(hashlib.blake2b(f"{dataset}/{s}".encode(), digest_size=8).digest(), "big")
        for s in unique
    }
    by_subject = pl.DataFrame(
        {"s": list(digests), "h": list(digests.values())}, schema={"s": pl.String, "h": pl.UInt64}
    )
    named = pl.DataFrame({"s": subjects.cast(pl.String)}).join(
        by_subject, on="s", how="left", maintain_order="left"
    )
    mixed = named["h"].to_numpy().astype(np.uint64)
    if sequence is not None:
        mixed = mixed ^ (sequence.cast(pl.UInt64).to_numpy() * np.uint64(GOLDEN))
    for factor, shift in zip(MIX, (30, 27), strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return pl.Series(NAME, mixed ^ (mixed >> np.uint64(31)), dtype=pl.UInt64)


def hash_text(total: int) -> str:
    """The hash of a set of rows as it is stored: the wrapped sum of the rows' hashes, in hex."""
    return f"{total:016x}"


def prepare(datasets: Frames, dataset: str, names: Collection[str]) -> pl.DataFrame:
    """A dataset with what its analyses read: its own columns, ADSL's where it lacks them.

    Adds the subject's number and the hash of the row's name. Rows of subjects that ADSL does not
    have are dropped.
    """
    adsl, frame = datasets["ADSL"], datasets[dataset]
    own = [n for n in names if n in frame.columns and n != "USUBJID"]
    borrowed = [n for n in names if n not in frame.columns and n in adsl.columns]
    hashes = row_hashes(dataset, frame["USUBJID"], sequence_of(dataset, frame))
    numbers = adsl.select("USUBJID", pl.int_range(pl.len(), dtype=pl.UInt32).alias(SUBJECT))
    # Only the names are joined: laboratory rows are many, and a join copies every column.
    number = frame.select("USUBJID").join(
        numbers, on="USUBJID", how="left", maintain_order="left", validate="m:1"
    )[SUBJECT]
    prepared = frame.select("USUBJID", *own, hashes, number)
    if number.null_count():
        prepared = prepared.filter(pl.col(SUBJECT).is_not_null())
    about = adsl.select(borrowed)[prepared[SUBJECT]] if borrowed else pl.DataFrame()
    return prepared.hstack(about)


def tasks(
    plan: Analyses, datasets: Frames, levels: Sequence[str], design: TrialDesign | None = None
) -> Iterator[Task]:
    """Each analysis with its rows, in the written order; those of absent datasets are left out."""
    written = [carried_out(plan, design, a) for a in plan.analyses]
    planned = [a for a in written if has_data(plan, a, datasets)]
    present = [a for p in planned if (a := as_collected(p, datasets)) is not None]
    needed: dict[str, list[str]] = {"ADSL": []}
    for analysis in present:
        names = columns_read(plan, analysis)
        needed.setdefault(analysis.dataset, []).extend(names)
        needed["ADSL"] += [n for n in names if n in datasets["ADSL"].columns]
    frames = {
        name: prepare(datasets, name, dict.fromkeys(columns)) for name, columns in needed.items()
    }
    for analysis in present:
        yield _task(plan, analysis, frames, levels)


def _task(
    plan: Analyses, analysis: Analysis, frames: Mapping[str, pl.DataFrame], levels: Sequence[str]
) -> Task:
    chosen = plan.sets[analysis.set].when
    variable, total = plan.columns.variable, plan.columns.total
    parameter = f"PARAMCD = {quoted(analysis.parameter)}" if analysis.parameter else ""
    condition = both(chosen, parameter, analysis.when)
    shown = tuple(levels) if analysis.columns else ()
    rows = frames[analysis.dataset]
    if analysis.kind == "agreement":
        rows = rows.with_columns(_against=_partner(analysis))
    rows = rows.filter(expr.parse(condition).holds())
    members = frames["ADSL"].filter(expr.parse(chosen).holds())
    split = {c: equals(variable, c, is_number=False) for c in shown} | {total: ""}
    return Task(
        analysis,
        _by_column(rows, variable, shown, total),
        _by_column(members, variable, shown, total),
        (*shown, total),
        (variable, tuple(levels)),
        {c: both(condition, s) for c, s in split.items()},
        {c: both(chosen, s) for c, s in split.items()},
    )


def _partner(analysis: Analysis) -> pl.Expr:
    keys = ", ".join(["USUBJID", *analysis.match])
    reading = f"CASE WHEN PARAMCD = {quoted(analysis.against)} THEN {analysis.variable} END"
    return expr.parse(f"MAX({reading}) OVER (PARTITION BY {keys})").expr


def _by_column(
    frame: pl.DataFrame, variable: str, levels: Sequence[str], total: str
) -> pl.DataFrame:
    """Each row once in the column of its level and once in the total."""
    everyone = frame.with_columns(pl.lit(total).alias(COLUMN))
    if not levels:
        return everyone
    own = frame.filter(pl.col(variable).is_in(list(levels))).with_columns(
        pl.col(variable).cast(pl.String).alias(COLUMN)
    )
    return pl.concat([own, everyone])


def rows_behind(datasets: Frames, dataset: str, where: str) -> pl.DataFrame:
    """The rows of a dataset that the ``where`` of a number selects now.

    Columns of ADSL that the dataset lacks are joined to it, as they are for the analysis.
    Raises `onearm.expr.BadExpression` for a condition that cannot be read.
    """
    condition = expr.parse(where)
    frame, adsl = datasets[dataset], datasets["ADSL"]
    borrowed = [c for c in condition.columns if c not in frame.columns and c in adsl.columns]
    if dataset != "ADSL":
        subjects = adsl.select("USUBJID", *borrowed)
        frame = frame.join(subjects, on="USUBJID", how="inner", maintain_order="left")
    return frame.filter(condition.holds())


def rows_hash(dataset: str, rows: pl.DataFrame) -> str:
    """The stored hash of these rows of a dataset; equal rows in any order give the same."""
    return hash_text(int(row_hashes(dataset, rows["USUBJID"], sequence_of(dataset, rows)).sum()))
