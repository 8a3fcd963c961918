"""Kaplan-Meier and what is read off it, row by row against the reference data sets."""

from __future__ import annotations

import numpy as np
import pytest

from onearm.stats import (
    at_time,
    compare_restricted_means,
    exponential,
    follow_up,
    kaplan_meier,
    log_rank,
    nelson_aalen,
    one_sample_log_rank,
    quantile,
    restricted_mean,
    weibull_hazard,
)
from tests.shared import needs_shared, shared
from tests.stats.reference import (
    Differences,
    dataset,
    expected,
    names_with,
    rows_of,
    strata_of,
)

pytestmark = needs_shared

OUR_NAME = {"arcsin": "arcsine"}

# The limit curve rises again there; the peer sorts it first, the first crossing is right.
FIRST_CROSSINGS = {
    ("aml", "log@0.95", 0.5, "upper"): (48, 45),
    ("ovarian", "log-log@0.99", 0.25, "lower"): (115, 59),
}


def curve_of(time, event, kind):
    interval, level = kind.split("@")
    interval = OUR_NAME.get(interval, interval)
    return kaplan_meier(time, event, level=float(level), interval=interval)


@pytest.mark.parametrize("name", names_with("km"))
def test_the_table_is_that_of_the_reference(name):
    data, differences = dataset(name), Differences()
    columns = {
        "time": "time",
        "n_risk": "n_risk",
        "n_event": "n_event",
        "n_censor": "n_censor",
        "survival": "surv",
        "std_err": "std_err",
    }
    for label, rows, answers in strata_of(expected(name), data):
        time, event = data["time"][rows], data["status"][rows]
        curve = kaplan_meier(time, event)
        for ours, theirs in columns.items():
            differences.all_same(
                (label, ours), getattr(curve, ours).tolist(), answers["table"][theirs]
            )
        hazard = nelson_aalen(time, event)
        differences.all_same((label, "NA"), hazard.hazard, answers["table"]["cumhaz_na"])
        differences.all_same((label, "NA se"), hazard.std_err, answers["table"]["se_cumhaz_na"])
        differences.all_same(
            (label, "counts"), (curve.n, curve.events), (answers["n"], answers["events"])
        )
    differences.check()


@pytest.mark.parametrize("name", names_with("km"))
def test_limits_are_those_of_the_reference(name):
    data, differences = dataset(name), Differences()
    for label, rows, answers in strata_of(expected(name), data):
        for kind, limits in answers["ci"].items():
            curve = curve_of(data["time"][rows], data["status"][rows], kind)
            for side in ("lower", "upper"):
                # At S = 1 the peer has no number for three of the types; ours is 1.
                theirs = np.where(curve.survival == 1, 1.0, limits[side]).tolist()
                theirs = [None if t is None or np.isnan(t) else t for t in theirs]
                differences.all_same((label, kind, side), getattr(curve, side).tolist(), theirs)
    differences.check()


@pytest.mark.parametrize("name", names_with("km"))
def test_quantiles_are_those_of_the_reference(name):
    data, differences = dataset(name), Differences()
    for label, rows, answers in strata_of(expected(name), data):
        for kind, theirs in answers["quantiles"].items():
            curve = curve_of(data["time"][rows], data["status"][rows], kind)
            for place, p in enumerate(theirs["prob"]):
                ours = quantile(curve, p)
                for part, value in (
                    ("est", ours.value),
                    ("lower", ours.lower),
                    ("upper", ours.upper),
                ):
                    answer = theirs[part][place]
                    if label == "all" and (name, kind, p, part) in FIRST_CROSSINGS:
                        sorted_answer, answer = FIRST_CROSSINGS[name, kind, p, part]
                        assert theirs[part][place] == sorted_answer
                    differences.same((label, kind, p, part), value, answer)
    differences.check()


@pytest.mark.parametrize("name", names_with("km"))
def test_heights_at_a_time_are_those_of_the_reference(name):
    data, differences = dataset(name), Differences()
    for label, rows, answers in strata_of(expected(name), data):
        for kind, theirs in answers["landmark"].items():
            curve = curve_of(data["time"][rows], data["status"][rows], kind)
            for place, t in enumerate(theirs["times"]):
                ours = at_time(curve, t, extend=True)
                what = (label, kind, t)
                differences.same((*what, "S"), ours.value, theirs["surv"][place])
                differences.same((*what, "se"), ours.std_err, theirs["std_err"][place])
                differences.same((*what, "n"), ours.n_risk, theirs["n_risk"][place])
                if ours.value != 1:
                    differences.same((*what, "lower"), ours.lower, theirs["lower"][place])
                    differences.same((*what, "upper"), ours.upper, theirs["upper"][place])
    differences.check()


@pytest.mark.parametrize("name", names_with("km"))
def test_restricted_means_and_follow_up_are_those_of_the_reference(name):
    data, differences = dataset(name), Differences()
    for label, rows, answers in strata_of(expected(name), data):
        time, event = data["time"][rows], data["status"][rows]
        for theirs in answers["rmst"]:
            ours = restricted_mean(kaplan_meier(time, event), theirs["tau"], extend=True)
            differences.same((label, ours.tau), ours.value, theirs["rmst"])
            differences.same((label, ours.tau, "se"), ours.std_err, theirs["se"])
        theirs = answers["reverse_km"]
        for kind, prefix in (("log-log", "loglog"), ("log", "log")):
            curve = follow_up(time, event, interval=kind).curve
            for place, p in enumerate(theirs["prob"]):
                ours = quantile(curve, p)
                differences.same((label, kind, p), ours.value, theirs["est"][place])
                differences.same((label, p), ours.lower, theirs[f"{prefix}_lower"][place])
                differences.same((label, p), ours.upper, theirs[f"{prefix}_upper"][place])
    differences.check()


@pytest.mark.parametrize("key", ["logrank", "logrank_stratified"])
@pytest.mark.parametrize("rho", [0, 1])
def test_log_rank_tests_are_those_of_the_reference(key, rho):
    differences = Differences()
    for name in names_with(key):
        data, answers = dataset(name), expected(name)[key]
        strata = data[answers["strata"]] if "strata" in answers else None
        ours = log_rank(
            data["time"], data["status"], data[answers["group"]], rho=rho, strata=strata
        )
        theirs = answers[f"rho{rho}"]
        differences.all_same((name, "n"), ours.n, theirs["n"])
        differences.all_same((name, "O"), ours.observed, theirs["obs"], 1e-8)
        differences.all_same((name, "E"), ours.expected, theirs["exp"], 1e-8)
        differences.same((name, "chi2"), ours.statistic, theirs["chisq"], 1e-8)
        differences.same((name, "df"), ours.df, theirs["df"])
        differences.same((name, "p"), ours.p_value, theirs["p"], 1e-8)
    differences.check()


@pytest.mark.parametrize("name", names_with("rmst2"))
def test_contrasts_of_restricted_means_are_those_of_the_reference(name):
    data, answers, differences = dataset(name), expected(name)["rmst2"], Differences()
    means = {}
    for arm in (0, 1):
        rows = data[answers["arm"]] == arm
        curve = kaplan_meier(data["time"][rows], data["status"][rows])
        mean = means[arm] = restricted_mean(curve, answers["tau"], extend=True)
        ours = (mean.value, mean.std_err, mean.lower, mean.upper)
        differences.all_same(arm, ours, answers[f"arm{arm}"])
    contrasts = compare_restricted_means(means[1], means[0])
    for ours, theirs in zip(contrasts, answers["contrast"], strict=True):
        numbers = (ours.estimate, ours.lower, ours.upper, ours.p_value)
        differences.all_same(ours.name, numbers, theirs, 1e-8)
    differences.check()


def null_hazard(null):
    if null["dist"] == "exponential":
        return weibull_hazard(survival=0.5, time=null["median"])
    return weibull_hazard(survival=null["S0"], time=null["x0"], shape=null["shape"])


@pytest.mark.parametrize("name", [n for n in names_with("one_sample_logrank") if n != "trial50"])
def test_one_sample_log_rank_tests_are_those_of_the_reference(name):
    data, differences = dataset(name), Differences()
    for theirs in expected(name)["one_sample_logrank"]:
        ours = one_sample_log_rank(data["time"], data["status"], null_hazard(theirs["null"]))
        # The reference's z favours the drug where negative, ours where positive.
        for value, key in (
            (ours.observed, "O"),
            (ours.expected, "E"),
            (-ours.z, "z_wu"),
            (ours.p_value, "p_lower_wu"),
            (-ours.z_breslow, "z_breslow"),
            (ours.p_value_breslow, "p_lower_breslow"),
            (ours.ratio, "smr"),
            (ours.ratio_lower, "smr_lo"),
            (ours.ratio_upper, "smr_hi"),
            (ours.p_value_poisson, "p_exact_poisson_lower"),
        ):
            differences.same((theirs["null"], key), value, theirs[key])
    differences.check()


@pytest.mark.parametrize("name", names_with("exponential"))
def test_exponential_fits_are_those_of_the_reference(name):
    data, differences = dataset(name), Differences()
    theirs = expected(name)["exponential"]
    if isinstance(theirs.get("exposure"), int | float):
        ours = exponential(data["time"], data["status"])
        numbers = (ours.events, ours.exposure, ours.rate, ours.median, ours.lower, ours.upper)
        answers = [theirs[key] for key in ("events", "exposure", "rate", "median")]
        differences.all_same("fit", numbers, [*answers, *theirs["median_ci_exact_chisq"]])
        limits = (ours.wald_lower, ours.wald_upper)
        differences.all_same("Wald", limits, theirs["median_ci_log_wald"])
        differences.check()


def test_start_stop_curves_are_those_of_the_reference():
    data, theirs = dataset("heart_tv"), expected("heart_tv")["simon_makuch"]
    differences = Differences()
    for place, (stratum, t) in enumerate(zip(theirs["strata"], theirs["times"], strict=True)):
        rows = data["transplant"] == float(stratum.split("=")[1])
        curve = kaplan_meier(data["stop"][rows], data["event"][rows], entry=data["start"][rows])
        ours = at_time(curve, t)
        for key, value in (
            ("surv", ours.value),
            ("std_err", ours.std_err),
            ("lower", ours.lower),
            ("upper", ours.upper),
            ("n_risk", ours.n_risk),
        ):
            differences.same((stratum, t, key), value, theirs[key][place])
    differences.check()


def grid_follow_up(param_set):
    """Days and event flags of each parameter of the grid."""
    rows = rows_of(shared("response_cases", "grid", "expected_tte.csv"))
    chosen = [row for row in rows if row["param_set"] == param_set]
    data = {}
    for row in chosen:
        days, events = data.setdefault(row["paramcd"], ([], []))
        days.append(float(row["days"]))
        events.append(row["cnsr"] == "0")
    return data


@pytest.mark.parametrize("param_set", ["P1", "P3"])
def test_the_grid_of_a_thousand_patients_is_reproduced(param_set):
    data, differences = grid_follow_up(param_set), Differences()
    for row in rows_of(shared("response_cases", "grid", "expected_km.csv")):
        if row["param_set"] != param_set:
            continue
        code, stat = row["paramcd"], row["stat"]
        is_reverse = code == "FOLLOWUP_REVERSE_KM"
        time, event = data["OS" if is_reverse else code]
        if is_reverse:
            event = [not e for e in event]
        curve = kaplan_meier(time, event, interval=row["conf_type"])
        differences.all_same(
            (code, "counts"), (curve.n, curve.events), (int(row["n"]), int(row["events"]))
        )
        if stat.startswith("quantile_"):
            found = quantile(curve, int(stat.removeprefix("quantile_")) / 100)
        else:
            found = at_time(curve, float(stat.removeprefix("survival_day_")))
            differences.same((code, stat, "se"), found.std_err, float(row["se"]))
            differences.same((code, stat, "n"), found.n_risk, int(row["n_risk"]))
        for key in ("value", "lower", "upper"):
            theirs = float(row[key]) if row[key] else None
            what = (code, row["conf_type"], stat, key)
            differences.same(what, getattr(found, key), theirs)
    differences.check()
