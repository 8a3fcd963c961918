"""One small made-up trial that several tests look at."""

from __future__ import annotations

import pytest

from onearm import simulate
from onearm.study import Study
from tests.simulate.studies import shipped_study


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The shipped study."""
    return shipped_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def clean(study: Study) -> simulate.Simulated:
    """120 patients without any error."""
    return simulate.trial(study, subjects=120, seed=20, mess=False)


@pytest.fixture(scope="session")
def messy(study: Study) -> simulate.Simulated:
    """The same patients with the errors that people make."""
    return simulate.trial(study, subjects=120, seed=20)
