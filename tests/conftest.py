"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.shared import SHARED

# A busy machine is no failure, and a run of the tests is the same as the one before it.
settings.register_profile("onearm", deadline=None, derandomize=True)
settings.load_profile("onearm")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The reference data beside the checkout; the test is skipped where they are absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared/data with reference data is not here")
    return SHARED
