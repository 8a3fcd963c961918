"""Factors by mofapy2, where it is installed, from the same views as our own model."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from onearm.errors import OnearmError
from onearm.stats.arguments import Floats

if TYPE_CHECKING:
    from onearm.omics.views import View


def mofa_scores(views: tuple[View, ...], most: int, stream: np.random.SeedSequence) -> Floats:
    """Factor scores of one start: (patients, factors).

    Gaussian likelihoods, automatic relevance of factors and features; factors that explain under 1%
    of every modality are dropped while it runs. Raises `OnearmError` where it is not installed.
    """
    try:
        from mofapy2.run.entry_point import entry_point
    except ImportError as missing:
        hint = "the engine mofa needs the extra: pip install 'onearm[omics]'"
        raise OnearmError(hint) from missing
    seed = int(stream.generate_state(1)[0] % 2**31)
    with contextlib.redirect_stdout(io.StringIO()):
        model: Any = entry_point()  # carries no types
        model.set_data_options(scale_views=True)
        model.set_data_matrix(
            [[_with_gaps(view)] for view in views],
            likelihoods=["gaussian"] * len(views),
            views_names=[view.name for view in views],
        )
        model.set_model_options(factors=most)
        model.set_train_options(seed=seed, convergence_mode="medium", dropR2=0.01, verbose=False)
        model.build()
        model.run()
    return np.asarray(model.model.nodes["Z"].getExpectation(), dtype=np.float64)


def _with_gaps(view: View) -> Floats:
    """The features on their scale of SD 1; NaN for patients without the modality."""
    own: Floats = view.values * np.sqrt(len(view.features))
    own[~view.has] = np.nan
    return own
