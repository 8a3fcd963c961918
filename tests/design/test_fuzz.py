"""Any numbers at all: a whole answer or a refusal in words, and never without end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onearm import design
from onearm.errors import OnearmError
from onearm.stats import InvalidArgument

EDGES = [0.0, 1.0, 0.5, -1.0, 1e-300, 1 - 1e-16, 1e300, math.inf, -math.inf, math.nan]
ANY = st.one_of(
    st.floats(0, 1),
    st.floats(),
    st.sampled_from(EDGES),
    st.integers(-3, 60),
    st.integers(),
    st.sampled_from([None, 10**9, 10**30, "0.1", True]),
)
"""What stands in the place of one or two arguments."""

RATE, HIGHER, ERROR = st.floats(0.02, 0.4), st.floats(0.41, 0.9), st.floats(0.02, 0.4)
TIME = st.floats(0.1, 40)
COUNT, SIZE = st.integers(0, 30), st.integers(1, 50)
PRIOR = st.tuples(st.floats(0.05, 5), st.floats(0.05, 5))
LOOKS = st.lists(st.integers(1, 60), min_size=1, max_size=5, unique=True).map(sorted)
PAIR = st.tuples(st.floats(0.02, 0.4), st.floats(0.5, 0.95))
OFTEN = st.none() | st.floats(0.01, 0.99)

FUNCTIONS: dict[str, dict[str, Any]] = {  # Any: hypothesis strategies of many types
    "one_stage": {"p0": RATE, "p1": HIGHER, "alpha": ERROR, "beta": ERROR, "n_max": SIZE},
    "one_stage_at": {"n": COUNT, "p0": RATE, "p1": HIGHER, "alpha": ERROR},
    "one_stage_design": {"n": COUNT, "r": COUNT, "p0": RATE, "p1": HIGHER},
    "detectable_rate": {"n": COUNT, "needs": COUNT, "power": RATE},
    "simon": {"p0": RATE, "p1": HIGHER, "alpha": ERROR, "beta": ERROR, "n_max": SIZE},
    "simon_at": {"n": SIZE, "p0": RATE, "p1": HIGHER, "alpha": ERROR, "beta": ERROR},
    "two_stage": {"r1": COUNT, "n1": COUNT, "r": COUNT, "n": COUNT, "p0": RATE, "p1": HIGHER},
    "early_activity": {"p0": RATE, "p1": HIGHER, "alpha": ERROR, "beta": ERROR, "n_max": SIZE},
    "early_activity_design": {
        "r1": COUNT, "e1": COUNT, "n1": COUNT, "r": COUNT, "n": COUNT, "p0": RATE, "p1": HIGHER,
    },
    "response_toxicity": {
        "response": PAIR, "safe": PAIR, "alpha_response": ERROR, "alpha_toxicity": ERROR,
        "beta": ERROR, "n_max": SIZE,
    },
    "bayesian_toxicity": {"limit": RATE, "prior": PRIOR, "cutoff": HIGHER, "looks": LOOKS},
    "pocock_toxicity": {"rate": RATE, "cross": ERROR, "looks": LOOKS},
    "crossing_toxicity": {
        "low": RATE, "high": HIGHER, "looks": LOOKS, "cross_low": ERROR, "cross_high": HIGHER,
        "delta": RATE,
    },
    "posterior_monitoring": {
        "p0": st.none() | RATE, "standard": st.none() | PRIOR, "prior": PRIOR, "looks": LOOKS,
        "futility_below": OFTEN, "efficacy_above": OFTEN, "delta": RATE,
    },
    "posterior_above_standard": {
        "x": COUNT, "n": COUNT, "standard": PRIOR, "prior": PRIOR, "delta": RATE,
    },
    "predictive_search": {
        "p0": RATE, "p1": HIGHER, "prior": PRIOR, "alpha": ERROR, "beta": ERROR,
        "first_look": st.integers(1, 10), "theta_u": st.just(1.0) | HIGHER,
        "n_max": st.integers(5, 25),
    },
    "predictive_design": {
        "n": SIZE, "p0": RATE, "p1": HIGHER, "prior": PRIOR, "theta_l": RATE, "theta_t": HIGHER,
        "theta_u": HIGHER,
    },
    "predictive_probability": {
        "x": COUNT, "n": COUNT, "n_max": COUNT, "p0": RATE, "prior": PRIOR, "theta_t": HIGHER,
    },
    "bop2": {
        "p0": RATE, "p1": HIGHER, "looks": LOOKS, "alpha": ERROR,
        "lambdas": st.lists(HIGHER, max_size=3), "gammas": st.lists(RATE, max_size=3),
    },
    "expected_events": {
        "n": COUNT, "accrual_time": TIME, "hazard": TIME, "dropout": TIME, "time": TIME,
    },
    "further_events": {
        "at_risk": st.lists(TIME, max_size=4), "hazard": TIME, "dropout": TIME, "ahead": TIME,
        "future": COUNT, "entry_time": TIME,
    },
    "enrolment_forecast": {
        "target": COUNT, "enrolled": COUNT, "elapsed": TIME, "prior": PRIOR,
        "profile": st.just(((0.0, 1.0),)) | st.lists(st.tuples(TIME, TIME), max_size=3),
    },
    "exponential_design_at": {
        "events": COUNT, "null_median": TIME, "wished_median": TIME, "alpha": ERROR,
    },
}  # fmt: skip

CHANCES = (
    "alpha", "power", "pet", "p_value", "stop0", "stop1", "conditional", "value", "estimate",
    "lower", "upper", "low", "high", "stay",
)  # fmt: skip
"""Names of fields that are probabilities or rates, by how they begin."""


def answer(call: Callable[[], object]) -> object:
    """What comes back, or the words of the refusal; anything else is a failure."""
    try:
        return call()
    except OnearmError as refusal:
        return str(refusal)


@st.composite
def spoilt(draw: Any, parts: dict[str, Any]) -> dict[str, Any]:  # Any: hypothesis' own types
    """Arguments that fit, but for up to two of them, which can be anything."""
    values = {name: draw(part) for name, part in parts.items()}
    for name in draw(st.lists(st.sampled_from(sorted(parts)), max_size=2, unique=True)):
        values[name] = draw(ANY | st.tuples(ANY, ANY) | st.lists(ANY, max_size=3))
    return values


def wrong(found: object, name: str = "", at: str = "") -> list[str]:
    """What in an answer is no number, or a probability outside 0 to 1."""
    if is_dataclass(found):
        if hasattr(found, "sentence"):
            words = found.sentence()
            assert "nan" not in words.split(), words
        return [
            one
            for field in fields(found)
            for one in wrong(getattr(found, field.name), field.name, f"{at}.{field.name}")
        ]
    if isinstance(found, tuple | list):
        return [one for item in found for one in wrong(item, name, at)]
    if isinstance(found, float):
        is_chance = name.startswith(CHANCES)
        if not math.isfinite(found) or (is_chance and not 0 <= found <= 1):
            return [f"{at} is {found!r}"]
    return []


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_numbers_give_a_whole_answer_or_a_refusal(name, data):
    values = data.draw(spoilt(FUNCTIONS[name]))
    positional = {"n", "events", "target", "at_risk", "x", "needs", "r"}
    function = getattr(design, name)
    if name == "exponential_design_at":
        values["accrual"] = design.Accrual(rate=2.5, follow_up=6.0)
    order = function.__code__.co_varnames[: function.__code__.co_argcount]
    first = [values.pop(one) for one in order if one in positional and one in values]
    started = time.process_time()
    found = answer(lambda: function(*first, **values))
    is_chance = name in ("detectable_rate", "predictive_probability", "posterior_above_standard")
    assert not wrong(found, "value" if is_chance else "")
    # Generous: the slowest of these searches takes a tenth of it.
    assert time.process_time() - started < 20


HYPOTHESIS: dict[str, Any] = {
    "survival": RATE, "time": TIME, "hazard_ratio": HIGHER, "shape": st.floats(0.3, 3),
    "rate": TIME, "follow_up": TIME, "is_restricted": st.booleans(), "n": SIZE, "at": TIME,
    "alpha": ERROR,
}  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(spoilt(HYPOTHESIS))
def test_any_hypothesis_gives_a_whole_design_or_a_refusal(v):
    def null() -> design.SurvivalHypothesis:
        return design.SurvivalHypothesis(v["survival"], v["time"], v["hazard_ratio"], v["shape"])

    def accrual() -> design.Accrual:
        return design.Accrual(v["rate"], v["follow_up"], bool(v["is_restricted"]))

    n, at, alpha = v["n"], v["at"], v["alpha"]
    calls = (
        lambda: design.log_rank_design_at(n, null(), accrual(), alpha=alpha),
        lambda: design.log_rank_design(null(), accrual(), alpha=alpha, n_max=n),
        lambda: design.landmark_design_at(n, null(), accrual(), at=at, alpha=alpha),
        lambda: design.landmark_design(null(), accrual(), at=at, alpha=alpha, n_max=n),
        lambda: design.two_stage_log_rank_design(
            n, look=at, first=0.0, last=1.6, hypothesis=null(), accrual=accrual()
        ),
    )
    for call in calls:
        assert not wrong(answer(call))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.integers(0, 8), st.integers(1, 8), st.integers(0, 12), st.integers(1, 20), COUNT | ANY,
    st.sampled_from([1, 2]) | COUNT | ANY, COUNT | ANY, RATE | ANY, PRIOR | ANY,
)  # fmt: skip
def test_any_outcome_after_two_stages_has_an_answer_or_a_refusal(
    r1, more1, more, more_n, a, b, c, level, prior
):
    plan = design.two_stage(
        r1=r1, n1=r1 + more1, r=r1 + min(more, more1), n=r1 + more1 + more_n, p0=0.1, p1=0.3
    ) if r1 + min(more, more1) < r1 + more1 + more_n else None  # fmt: skip
    if plan is None:
        return
    calls = (
        lambda: design.after_two_stages(plan, a, stage=b, level=level),
        lambda: design.changed_first_stage(plan, n1=a, n=b, alpha=level),
        lambda: design.changed_second_stage(plan, x1=a, x2=b, m2=c),
        lambda: design.assurance(plan, prior=prior),
        lambda: plan.conditional_power(a, level),
        lambda: plan.predictive_power(a, prior=prior),
    )
    for call in calls:
        found = answer(call)
        assert not wrong(found, "value" if isinstance(found, float) else "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "most"),
    [
        (lambda: design.simon(p0=0.1, p1=0.11, n_max=1000), 1000),
        (lambda: design.one_stage(p0=0.1, p1=0.1001, n_max=20_000), 20_000),
        (lambda: design.early_activity(p0=0.5, p1=0.51, n_max=400), 400),
        (lambda: design.response_toxicity(response=(0.5, 0.51), safe=(0.5, 0.51), n_max=300), 300),
        (lambda: design.predictive_search(p0=0.5, p1=0.52, prior=(1, 1), n_max=200), 200),
    ],
)
def test_the_largest_search_ends_and_says_that_it_goes_no_further(call, most):
    with pytest.raises(design.NoDesign, match=f"goes no further than n_max = {most}"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: design.simon(p0=0.1, p1=0.2, n_max=10**9),
        lambda: design.one_stage(p0=0.1, p1=0.2, n_max=10**9),
        lambda: design.two_stage(r1=1, n1=10, r=5, n=10**9, p0=0.1, p1=0.2),
        lambda: design.pocock_toxicity(rate=0.2, cross=0.05, looks=(10**9,)),
    ],
)
def test_sizes_beyond_any_trial_are_refused_at_once(call):
    with pytest.raises(InvalidArgument, match="at most"):
        call()
