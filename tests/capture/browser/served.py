"""``onearm serve`` as a user starts it, in a process of its own, and what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.capture.faults.servers import Server

START_S = 300
"""The demo simulates a trial and loads it; a busy machine needs minutes."""


@dataclass
class Served(Server):
    """A server started with ``words`` behind ``onearm serve``; its terminal is a file."""

    words: tuple[str | Path, ...] = ()
    printed: Path = field(default_factory=lambda: Path(os.devnull))

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start it and wait until pages answer; returns the seconds. Raises where it ended."""
        words = ["serve", *self.words, "--data", self.data, "--port", self.port]
        self.printed = self.data.parent / f"{self.data.name}.terminal"
        began = time.perf_counter()
        with self.printed.open("wb") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "onearm", *map(str, words)],
                env={**self.environment(), "PYTHONUNBUFFERED": "1"},
                stdout=terminal,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while time.perf_counter() - began < START_S:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended: {self.terminal()}")
            if self.status("/accounts/login/") == 200:
                return time.perf_counter() - began
            time.sleep(0.1)
        raise AssertionError(f"the server did not answer in {START_S} s: {self.terminal()}")

    def terminal(self) -> str:
        """What the server has printed so far."""
        return self.printed.read_text(encoding="utf-8", errors="replace")

    def found(self, pattern: str) -> str:
        """The first group of a pattern in what was printed."""
        seen = re.search(pattern, self.terminal())
        assert seen is not None, f"{pattern} in: {self.terminal()}"
        return seen.group(1)
