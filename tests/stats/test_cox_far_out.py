"""A long first step of Newton's method may leave every weight of a risk set at 0."""

from __future__ import annotations

import numpy as np

from onearm.stats import cox
from onearm.stats.cox_likelihood import evaluate
from onearm.stats.notes import Note


def test_a_step_so_long_that_weights_vanish_is_halved_and_not_taken_for_a_gain() -> None:
    time = np.arange(1.0, 11.0)
    event = np.ones(10, dtype=bool)
    fit = cox(time, event, {"marker": np.array([40.0, *range(9, 0, -1)])})
    assert fit.model is not None
    sets = fit.model.sets
    loglik, _, _ = evaluate(sets, np.array([4000.0]))
    assert loglik == -np.inf
    assert Note.NO_FINITE_ESTIMATE in fit.notes
    assert fit.loglik <= 0
