"""The server's clock: the only source of times in the trail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from onearm.capture.words import say
from onearm.errors import OnearmError

STEP_ALLOWED = timedelta(seconds=5)
"""How far the clock may run back before nothing is written any more (network time adjusts)."""


class ClockRanBack(OnearmError):
    """The clock shows a time before the newest one in the trail."""


def now() -> datetime:
    """The time in UTC, to the microsecond."""
    return datetime.now(UTC)


def check(newest: datetime | None) -> datetime:
    """The time, checked against the newest one in the trail; raises `ClockRanBack`."""
    time = now()
    if newest is not None and newest - time > STEP_ALLOWED:
        raise ClockRanBack(
            say("error.clock").format(
                now=f"{time:%Y-%m-%d %H:%M:%S}", newest=f"{newest:%Y-%m-%d %H:%M:%S}"
            )
        )
    return max(time, newest) if newest else time
