"""The account of a reading: everything that stood in a file is carried, or named with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of thing: how many stood in the file, how many were carried, why others were not."""

    kind: str
    read: int
    carried: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def left(self) -> int:
        """How many were not carried."""
        return self.read - self.carried


@dataclass(slots=True)
class Account:
    """Counts by kind: an element by its name, an attribute as ``Element@attribute``."""

    read: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    def see(self, kind: str, count: int = 1) -> None:
        """So many more of a kind stood in the file; they count as carried until they are left."""
        self.read[kind] += count

    def leave(self, kind: str, reason: str, count: int = 1) -> None:
        """So many of a kind are not carried, and why."""
        self.reasons[kind, reason] += count

    def carried(self, kind: str) -> int:
        """How many of a kind were carried."""
        return self.read[kind] - sum(n for (k, _), n in self.reasons.items() if k == kind)

    def lines(self) -> Iterator[Line]:
        """One line a kind, in alphabetical order; raises ``ValueError`` where more left than came.

        That would be a fault of the reader, and no account could be trusted.
        """
        for kind in sorted(set(self.read) | {k for k, _ in self.reasons}):
            why = tuple(sorted((r, n) for (k, r), n in self.reasons.items() if k == kind))
            carried = self.carried(kind)
            if carried < 0:
                raise ValueError(f"{kind}: {self.read[kind]} read, {-carried} more not carried")
            yield Line(kind, self.read[kind], carried, why)
