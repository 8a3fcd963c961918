"""Whole trials drawn as entries and taken through the real derivations, one after the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onearm import adam, expr, records, results, sdtm, simulate
from onearm.dates import MONTH_DAYS
from onearm.design.oc import log_rank_z
from onearm.design.trials import response_columns
from onearm.errors import OnearmError
from onearm.frames import Frames
from onearm.operating.drawn import frame_of
from onearm.operating.settings import Setting, tests_of, varied
from onearm.simulate.twin import analysis_day, twin
from onearm.stats import at_time, kaplan_meier, median
from onearm.study import Study
from onearm.study.analyses import Analyses, Analysis

OVERALL = "OS"
"""The endpoint whose curve is read beside that of the design's test."""

UNREAD = frozenset({"AE", "SUPPAE", "FA", "LB", "VS", "EG", "MH", "SUPPMH", "DV"})
"""Domains that no response and no time to an event is read from."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A piece of work: one trial of one scenario. ``seed`` says which patients it has."""

    study: Study
    setting: Setting
    trial: int
    seed: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The analyses that a trial is read from, and the plan that holds no others."""

    response: Analysis
    control: Analysis
    free: Analysis
    overall: Analysis | None
    plan: Analyses


def slimmed(study: Study, read: Reading) -> Study:
    """The study with the forms and endpoints that ``read`` needs, without the lines of its files.

    Forms that fill `UNREAD` domains only, exposure, adverse events and laboratory values are left
    out: a third of the time. A patient's last day known alive can then be earlier, where a blood
    test was the last that was heard.
    """
    kept = {
        name: form
        for name, form in study.forms.items()
        if not {t.domain for item in form.items for t in item.to} <= UNREAD
    }
    endpoints = study.endpoints
    if endpoints is not None:
        wanted = {one.parameter for one in read.plan.analyses}
        times = tuple(one for one in endpoints.endpoints if one.endpoint in wanted)
        update = {"endpoints": times, "adverse_events": None, "labs": None, "exposure": ()}
        endpoints = endpoints.model_copy(update=update)
    return replace(study, forms=kept, endpoints=endpoints, documents={})


def entered(piece: Entered) -> pl.DataFrame:
    """One row: the trial's numbers under the names that `onearm.operating.drawn` uses.

    The patients are those of the seed, entered by the study's forms, with what people get wrong;
    the cut is the design's follow-up after the last first dose. Truth is what weekly scans without
    error would have shown of the same patients (see `onearm.simulate.twin`); of survival none.
    """
    study, setting, seed = piece.study, piece.setting, piece.seed
    n, months = setting.plan.response.n, setting.plan.survival.accrual.follow_up
    whole = varied(study, setting.scenario)
    read = analyses_of(study, setting)
    slim = slimmed(whole, read)
    cut = analysis_day(whole, subjects=n, seed=seed, months=months)
    # All forms decide who the patients are; those that no endpoint reads are not filled in.
    made = simulate.trial(whole, subjects=n, seed=seed, cut=cut, forms=slim.forms)
    domains = sdtm.derive(slim, records.at_cut(slim, made.entries, cut=cut))
    datasets = {**domains, **adam.derive(slim, domains, cut=cut)}
    columns = _numbers(read, setting, datasets)
    columns |= _truth(twin(whole, subjects=n, seed=seed, cut=cut), setting)
    row = {name: np.array([value]) for name, value in columns.items()}
    return frame_of(row, scenario=setting.scenario.id, route="entered", first=piece.trial)


def _numbers(read: Reading, setting: Setting, datasets: Frames) -> dict[str, Any]:
    """What the analyses of the design say of one trial."""
    plan = setting.plan
    numbers = results.run(read.plan, datasets, levels=())
    found = dict(numbers.select("result_id", "value").iter_rows())
    responds = _responders(read, datasets)
    first = np.array([np.count_nonzero(responds[: plan.response.n1])])
    controlled = int(found.get(f"{read.control.id}.n.Total") or 0)
    time, event = _times(read, datasets)
    z = float(log_rank_z(plan.survival.hypothesis, time[None, :], event[None, :])[0])
    inference = response_columns(plan.response, first, np.array([np.count_nonzero(responds)]))
    columns: dict[str, Any] = {name: values[0] for name, values in inference.items()}
    columns |= {
        "controlled": controlled,
        "control_win": controlled > plan.control.r,
        "pfs_z": z,
        "pfs_win": z > plan.survival.critical,
        **_curve("pfs", read.free, found, setting.landmark),
        **_curve("os", read.overall, found, setting.landmark),
    }
    return columns


def analyses_of(study: Study, setting: Setting) -> Reading:
    """The analyses that ``design.yaml`` names, and that of overall survival if there is one.

    Where the scenario asks for a response without confirmation (or with it), the parameter is the
    one of endpoints.yaml that differs in nothing else. Raises ``OnearmError`` where there is none.
    """
    tests, planned = tests_of(study), study.analyses
    if planned is None:
        raise OnearmError(f"{study.name}: trials are read by analyses.yaml, which is not there")
    months = {"times": (setting.landmark,)}
    response = planned.analysis(tests.response.analysis)
    wanted = setting.scenario.confirmation
    if wanted is not None:
        parameter = _parameter(study, response.parameter, is_confirmed=wanted)
        response = response.model_copy(update={"parameter": parameter})
    free = planned.analysis(tests.survival.analysis).model_copy(update=months)
    overall = next(
        (a for a in planned.analyses if (a.kind, a.parameter) == ("survival", OVERALL)), None
    )
    if overall is not None:
        overall = overall.model_copy(update=months | {"by": ()})
    control = planned.analysis(tests.control.analysis)
    listed = (response, control, free, *filter(None, [overall]))
    return Reading(
        response, control, free, overall, planned.model_copy(update={"analyses": listed})
    )


def _parameter(study: Study, parameter: str, *, is_confirmed: bool) -> str:
    for block in study.endpoints.responses if study.endpoints else ():
        names = [answer.param for answer in block.answers]
        if parameter in names:
            asked = block.answers[names.index(parameter)]
            for answer in block.answers:
                if (answer.kind, answer.confirmed) == (asked.kind, is_confirmed):
                    return answer.param
    how = "with" if is_confirmed else "without"
    raise OnearmError(
        f"{study.name}: endpoints.yaml has no answer like {parameter} {how} confirmation, which "
        "a scenario of simulation.yaml asks for. Add it under responses: answers."
    )


def _responders(read: Reading, datasets: Frames) -> NDArray[np.bool_]:
    """Whether each patient of the analysis set responded, in the order of first dose."""
    one = read.response
    members = datasets["ADSL"].filter(expr.parse(read.plan.sets[one.set].when).holds())
    where = f"PARAMCD = '{one.parameter}' AND ({one.success})"
    hit = results.rows_behind(datasets, one.dataset, where)["USUBJID"]
    ordered = members.sort("TRTSDT", "USUBJID")
    return ordered["USUBJID"].is_in(hit.implode()).to_numpy()


def _times(read: Reading, datasets: Frames) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Months to the event of the design's test, and whether it came."""
    one = read.free
    where = f"({read.plan.sets[one.set].when}) AND PARAMCD = '{one.parameter}'"
    rows = results.rows_behind(datasets, one.dataset, where).drop_nulls(["AVAL", "CNSR"])
    return rows["AVAL"].to_numpy() / MONTH_DAYS, (rows["CNSR"] == 0).to_numpy()


def _curve(
    name: str, one: Analysis | None, found: Mapping[str, float | None], landmark: float
) -> dict[str, Any]:
    """Events, last time, median and rate of a curve as the results have them; months."""
    label = f"{landmark:g}"
    where = {
        f"{name}_events": "events.Total",
        f"{name}_last": "longest.Total",
        f"{name}_median": "median.Total",
        f"{name}_median_lower": "median_low.Total",
        f"{name}_median_upper": "median_high.Total",
        f"{name}_rate": f"rate.Total.{label}",
        f"{name}_rate_lower": f"rate_low.Total.{label}",
        f"{name}_rate_upper": f"rate_high.Total.{label}",
    }
    values = {
        column: found.get(f"{one.id}.{place}") if one is not None else None
        for column, place in where.items()
    }
    numbers = {column: math.nan if v is None else v for column, v in values.items()}
    events = numbers[f"{name}_events"]
    return numbers | {f"{name}_events": 0 if math.isnan(events) else int(events)}


def _truth(known: pl.DataFrame, setting: Setting) -> dict[str, Any]:
    months = known["pfs"].to_numpy() / MONTH_DAYS
    curve = kaplan_meier(months, known["ended"].to_numpy())
    middle, rate = median(curve).value, at_time(curve, setting.landmark).value
    return {
        "true_orr": float(known["responds"].cast(pl.Float64).mean() or 0.0),  # type: ignore[arg-type]
        "true_pfs_median": math.nan if middle is None else middle,
        "true_pfs_rate": math.nan if rate is None else rate,
        "true_os_median": math.nan,
        "true_os_rate": math.nan,
    }
