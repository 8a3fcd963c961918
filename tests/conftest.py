"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared import SHARED


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The reference data beside the checkout; the test is skipped where they are absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared/data with reference data is not here")
    return SHARED
