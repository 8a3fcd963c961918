"""Where the reference data lie that the project reads in tests but does not carry."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the folder ../shared/data with reference data is not here"
)


def shared(*parts: str) -> Path:
    """The path of a reference file; use it under ``needs_shared``."""
    return SHARED.joinpath(*parts)
