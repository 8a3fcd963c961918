"""Whether the machine's clock is kept right by time synchronisation, as its kernel says."""

from __future__ import annotations

import ctypes
import sys

UNSYNCHRONISED = 0x40
"""STA_UNSYNC of <sys/timex.h>: set until a time service has set the clock, and again when it has
not done so for hours (the kernel then no longer vouches for the time)."""


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex`` of <sys/timex.h>, with room for the rest of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def is_synchronised() -> bool | None:
    """Whether a time service keeps the clock; None where the system cannot tell.

    Linux alone can tell. Reading needs no right; nothing is set.
    """
    status = kernel_status()
    return None if status is None else not status & UNSYNCHRONISED


def kernel_status() -> int | None:
    """The status bits of ``adjtimex``; None where there is no such call or it is refused."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        call = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    asked = _Timex()  # modes 0: read only
    return None if call(ctypes.byref(asked)) < 0 else int(asked.status)
