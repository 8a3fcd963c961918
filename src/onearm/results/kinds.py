"""The kinds of analysis, one line each: what the study file may ask for and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from onearm.results.agreement import agreement
from onearm.results.competing import competing
from onearm.results.counting import count, flow
from onearm.results.curves import curve
from onearm.results.estimating import best_change, proportion, summary, value_range
from onearm.results.grading import incidence, shift
from onearm.results.model import Kind
from onearm.results.planned import boundary, enrolment, one_stage, two_stage
from onearm.results.sequence import one_sample_log_rank, sequence
from onearm.results.timing import followup, survival

DESCRIBED = ("n", "mean", "sd", "median", "q1", "q3", "min", "max")
LIMITS = ("estimate", "ci_low", "ci_high")
QUANTILES = tuple(f"{q}{end}" for q in ("q1", "median", "q3") for end in ("", "_low", "_high"))
DATES = ("early", "likely", "late")
RATES = ("rate", "rate_low", "rate_high", "at_risk")

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                "count",
                "Subjects by level of a variable, or on lines",
                count,
                ("N", "n", "percent", "events"),
                "ICH E3, section 14.1",
            ),
            Kind("flow", "Participant flow", flow, ("n",), "CONSORT 2010, flow diagram"),
            Kind(
                "incidence",
                "Events by term and worst grade",
                incidence,
                ("N", "n", "percent", "events", "n_grade_*", "percent_grade_*", "order"),
                "ADaM OCCDS 1.1",
            ),
            Kind(
                "shift",
                "Shift from baseline to worst grade",
                shift,
                ("N", "n", "percent"),
                "FDA Standard Safety Tables and Figures",
            ),
            Kind(
                "proportion",
                "Proportion with its interval",
                proportion,
                ("N", "n", *LIMITS, "p_value"),
                "the chosen line of onearm.stats.INTERVALS",
            ),
            Kind("summary", "Summary of a number", summary, DESCRIBED, "onearm.stats.describe"),
            Kind(
                "range",
                "Median and range",
                value_range,
                ("n", "median", "min", "max"),
                "onearm.stats.describe",
            ),
            Kind(
                "best_change",
                "Best change from baseline",
                best_change,
                (*DESCRIBED, "without", "percent"),
                "RECIST 1.1; onearm.stats.describe",
            ),
            Kind(
                "agreement",
                "Agreement of two readings",
                agreement,
                ("N", "n", *LIMITS, "pairs"),
                "the chosen line of onearm.stats.INTERVALS",
            ),
            Kind(
                "survival",
                "Kaplan-Meier in numbers",
                survival,
                (
                    *("n", "events", "percent_events", "censored", "percent_censored"),
                    *("reason", "percent_reason", *QUANTILES, *RATES, "longest"),
                ),
                "JASA 53:457-481 (1958); Biometrics 38:29-41 (1982)",
            ),
            Kind(
                "curve",
                "Kaplan-Meier curve",
                curve,
                ("survival", "ci_low", "ci_high", "n_risk", "n_ended", "n_censored", "at_risk"),
                "JASA 53:457-481 (1958)",
            ),
            Kind(
                "followup",
                "Follow-up by reverse Kaplan-Meier",
                followup,
                (
                    *("n", "alive", "median", "median_low", "median_high"),
                    *("shortest_alive", "longest_alive"),
                ),
                "Controlled Clinical Trials 17:343-346 (1996)",
            ),
            Kind(
                "competing",
                "Cumulative incidence",
                competing,
                ("n", "events", "competing", "incidence", "incidence_low", "incidence_high"),
                "Annals of Statistics 6:534-545 (1978)",
            ),
            Kind(
                "two_stage",
                "Two-stage test of a rate, where it stands and the inference after it",
                two_stage,
                (
                    *("N", "n", "left", "more", "needs", "planned", "awaited", "stage", "stage1_n"),
                    *("stage1_r", "beyond", "standing", "power_null", "power_target"),
                    *("predictive", "stop_target", "umvue", "ci_low", "ci_high", "test_level"),
                    *("test_low", "test_high", "p_value", "naive", "naive_low", "naive_high"),
                    *("overruled_*", "cut_*"),
                ),
                "Jung and Kim, Statistics in Medicine 23:881-896 (2004)",
            ),
            Kind(
                "one_stage",
                "One-stage test of a rate, where it stands and its exact test",
                one_stage,
                (
                    *("N", "n", "left", "more", "needs", "planned", "awaited", "standing"),
                    *("power_null", "power_target", *LIMITS, "p_value"),
                ),
                "Statistics in Medicine 20:859-866 (2001)",
            ),
            Kind(
                "one_sample_log_rank",
                "One-sample log-rank test of a time against the null of the design",
                one_sample_log_rank,
                (
                    *("n", "observed", "most_events", "expected", "z", "critical"),
                    *("events_planned", "ratio", "ratio_low", "ratio_high", "information"),
                    *("power_null", "power_target", "power_seen", "p_value", "standing", *DATES),
                    *("rate", "rate_low", "rate_high", "null_rate", "target_rate"),
                    *("landmark_z", "landmark_p", "median", "median_low", "median_high"),
                ),
                "Pharmaceutical Statistics 13:26-33 (2014)",
            ),
            Kind(
                "boundary",
                "Safety boundary, where it stands and its looks",
                boundary,
                (
                    *("N", "n", "next_look", "more", "next_stop_at", "standing"),
                    *("posterior", "chance", "limit", "patients", "stop_at", "events"),
                ),
                "Biometrics 50:337-349 (1994)",
            ),
            Kind(
                "enrolment",
                "Enrolment against the plan, with forecast dates",
                enrolment,
                ("n", "planned", "expected", "rate", "planned_rate", "months", *DATES),
                "onearm.design.enrolment_forecast",
            ),
            Kind(
                "sequence",
                "What may be claimed of several outcomes",
                sequence,
                ("p_value", "p_adjusted", "alpha", "standing"),
                "onearm.design.PROCEDURES",
            ),
        )
    }
)
"""Every kind by its name; `*` in an operation stands for a grade."""
