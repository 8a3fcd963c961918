"""The server's clock: the only source of times in the trail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
            f"the server's clock shows {time:%Y-%m-%d %H:%M:%S} UTC, but the newest entry of the "
            f"trail is of {newest:%Y-%m-%d %H:%M:%S} UTC. Nothing was saved. Set the clock right "
            "(time synchronisation) and try again."
        )
    return max(time, newest) if newest else time
