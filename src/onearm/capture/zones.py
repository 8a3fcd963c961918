"""Times as people at a site see them: the site's zone, with its distance from UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from onearm.capture import clock

if TYPE_CHECKING:
    from datetime import date, datetime

    from onearm.capture.models import Site

UTC = ZoneInfo("UTC")


def zone(site: Site) -> ZoneInfo:
    """The zone of a site; UTC where the name is none that this machine knows."""
    try:
        return ZoneInfo(site.zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def today(site: Site) -> date:
    """The day it is at the site."""
    return clock.now().astimezone(zone(site)).date()


def shown(at: datetime, site: Site) -> str:
    """A moment as it is written for the site's people: ``2026-05-05 14:03:09 (UTC+08:00)``."""
    local = at.astimezone(zone(site))
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} (UTC{offset[:3]}:{offset[3:5]})"
