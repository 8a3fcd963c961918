"""One simulated trial, from patient rows to every efficacy estimate of its report."""

from __future__ import annotations

import pytest

from onearm.stats import (
    at_time,
    count,
    cox,
    cumulative_incidence,
    describe,
    follow_up,
    incidence_at,
    kaplan_meier,
    log_rank,
    one_sample_log_rank,
    proportion,
    quantile,
    weibull_hazard,
)
from tests.shared import needs_shared
from tests.stats.reference import SURVIVAL, Differences, expected, rows_of

pytestmark = needs_shared

MONTH = 30.4375
PATIENTS = rows_of(SURVIVAL / "datasets" / "trial50.csv")
RESPONDERS = [row for row in PATIENTS if row["response_day"]]


def months(rows, column):
    return [float(row[column]) / MONTH for row in rows]


def flags(rows, column):
    return [row[column] == "1" for row in rows]


def check_curve(differences, what, curve, theirs):
    differences.all_same(what, (curve.n, curve.events), (theirs["n"], theirs["events"]))
    for place, p in enumerate((0.25, 0.5, 0.75)):
        found = quantile(curve, p)
        differences.same((what, p), found.value, theirs["quartiles"][place])
        differences.same((what, p, "lower"), found.lower, theirs["lower"][place])
        differences.same((what, p, "upper"), found.upper, theirs["upper"][place])
    for place, t in enumerate(theirs["landmark"]):
        found = at_time(curve, t)
        differences.same((what, t), found.value, theirs["surv"][place])
        differences.same((what, t, "lower"), found.lower, theirs["lo"][place])
        differences.same((what, t, "upper"), found.upper, theirs["hi"][place])
    differences.same((what, "last"), curve.last_time, theirs["max_follow_up"])


def check_rate(differences, what, x, n, theirs):
    found = proportion(x, n)
    numbers = (found.x, found.n, found.estimate, found.lower, found.upper)
    keys = ("x", "n", "rate", "cp_lo", "cp_hi")
    differences.all_same(what, numbers, [theirs[key] for key in keys])


def test_response_rates_are_those_of_the_reference():
    answers, differences = expected("trial50"), Differences()
    tally = {c.level: c.n for c in count([row["bor"] for row in PATIENTS])}
    differences.all_same("bor", [tally[level] for level in answers["bor"]], answers["bor"].values())
    orr = tally["CR"] + tally["PR"]
    check_rate(differences, "ORR", orr, 50, answers["orr"])
    check_rate(differences, "DCR", orr + tally["SD"], 50, answers["dcr"])
    lasting = sum(row["bor"] == "SD" and float(row["pfs_day"]) >= 122 for row in PATIENTS)
    check_rate(differences, "SD > 4 months", lasting, 50, answers["sd_gt_4mo"])
    check_rate(differences, "CBR", orr + lasting, 50, answers["cbr"])
    days = [float(row["response_day"]) for row in RESPONDERS]
    differences.same("TTR", describe(days).median, answers["ttr_median_days"])
    differences.check()


@pytest.mark.parametrize("endpoint", ["pfs", "os"])
def test_times_to_an_event_are_those_of_the_reference(endpoint):
    differences = Differences()
    curve = kaplan_meier(months(PATIENTS, f"{endpoint}_day"), flags(PATIENTS, f"{endpoint}_event"))
    check_curve(differences, endpoint, curve, expected("trial50")[endpoint])
    differences.check()


def test_duration_of_response_is_that_of_the_reference():
    differences = Differences()
    starts = months(RESPONDERS, "response_day")
    time = [t - s for t, s in zip(months(RESPONDERS, "pfs_day"), starts, strict=True)]
    curve = kaplan_meier(time, flags(RESPONDERS, "pfs_event"))
    check_curve(differences, "DOR", curve, expected("trial50")["dor"])
    differences.check()


def test_follow_up_and_the_test_of_pfs_are_those_of_the_reference():
    answers, differences = expected("trial50"), Differences()
    found = follow_up(months(PATIENTS, "os_day"), flags(PATIENTS, "os_event")).median
    theirs = answers["follow_up_reverse_km"]
    for key, ours in (("median", found.value), ("lower", found.lower), ("upper", found.upper)):
        differences.same(key, ours, theirs[key])
    theirs = answers["one_sample_logrank"]
    null = weibull_hazard(survival=0.5, time=theirs["null_median"])
    test = one_sample_log_rank(months(PATIENTS, "pfs_day"), flags(PATIENTS, "pfs_event"), null)
    differences.all_same("O, E", (test.observed, test.expected), (theirs["O"], theirs["E"]))
    differences.all_same("Wu", (-test.z, test.p_value), (theirs["z_wu"], theirs["p_wu"]))
    breslow = (-test.z_breslow, test.p_value_breslow)
    differences.all_same("Breslow", breslow, (theirs["z_breslow"], theirs["p_breslow"]))
    differences.check()


def test_subgroups_are_those_of_the_reference():
    differences = Differences()
    for theirs in expected("trial50")["subgroups"]:
        rows = [row for row in PATIENTS if row["tumour"] == theirs["tumour"]]
        responses = sum(row["bor"] in ("CR", "PR") for row in rows)
        found = proportion(responses, len(rows))
        differences.all_same(
            theirs["tumour"],
            (found.x, found.n, found.lower, found.upper),
            [theirs[key] for key in ("orr_x", "orr_n", "cp_lo", "cp_hi")],
        )
        curve = kaplan_meier(months(rows, "pfs_day"), flags(rows, "pfs_event"))
        check_curve(differences, theirs["tumour"], curve, theirs["pfs"])
    differences.check()


def test_survival_by_response_is_that_of_the_reference_three_ways():
    answers, differences = expected("trial50"), Differences()
    rows = [piece for row in PATIENTS for piece in split_at_response(row)]
    start, stop, event, response = zip(*rows, strict=True)
    fit = cox(stop, event, {"response": response}, entry=start, ties="breslow")
    theirs = answers["os_by_response_time_dependent"]
    differences.same("b", fit.terms[0].coefficient, theirs["coef"], 1e-8)
    differences.same("se", fit.terms[0].std_err, theirs["se"], 1e-8)
    differences.same("Mantel-Byar", fit.score.statistic, theirs["mantel_byar_chisq"], 1e-8)
    differences.same("Mantel-Byar p", fit.score.p_value, theirs["p"], 1e-8)

    theirs = answers["os_landmark_4mo"]
    day = theirs["landmark_day"]
    alive = [row for row in PATIENTS if float(row["os_day"]) > day]
    groups = [bool(row["response_day"]) and float(row["response_day"]) <= day for row in alive]
    test = log_rank(months(alive, "os_day"), flags(alive, "os_event"), groups)
    differences.all_same(
        "landmark",
        (len(alive), sum(groups), test.statistic, test.p_value),
        [theirs[key] for key in ("n_at_risk", "n_responders", "chisq", "p")],
        1e-8,
    )

    naive = [bool(row["response_day"]) for row in PATIENTS]
    test = log_rank(months(PATIENTS, "os_day"), flags(PATIENTS, "os_event"), naive)
    theirs = answers["os_naive_responder_comparison_biased"]
    differences.same("naive", test.statistic, theirs["chisq"], 1e-8)
    differences.check()


def split_at_response(row):
    """(start, stop, event, in response) of one patient, a second row from the response on."""
    end, died = float(row["os_day"]), row["os_event"] == "1"
    if not row["response_day"]:
        return [(0.0, end, died, 0)]
    day = float(row["response_day"])
    return [(0.0, day, False, 0), (day, end, died, 1)]


def test_progression_and_death_compete_as_in_the_reference():
    theirs, differences = expected("trial50")["progression_vs_death"], Differences()
    risks = cumulative_incidence(
        months(PATIENTS, "pfs_day"), [int(row["pfs_type"]) for row in PATIENTS]
    )
    for place, t in enumerate(theirs["times"]):
        differences.same(t, incidence_at(risks, 1, t).value, theirs["prog"][place])
        differences.same(t, incidence_at(risks, 2, t).value, theirs["death"][place])
    differences.check()
