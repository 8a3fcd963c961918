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
from onearm.results.timing import followup, survival

DESCRIBED = ("n", "mean", "sd", "median", "q1", "q3", "min", "max")
LIMITS = ("estimate", "ci_low", "ci_high")
QUANTILES = tuple(f"{q}{end}" for q in ("q1", "median", "q3") for end in ("", "_low", "_high"))
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
        )
    }
)
"""Every kind by its name; `*` in an operation stands for a grade."""
