"""Acts of several people at the same moment, each in a thread with a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread

from django.db import connection


def at_the_same_moment(acts: list[Callable[[], object]]) -> list[object]:
    """What each act returned or raised; each runs in a thread with its own connection."""
    barrier, results = Barrier(len(acts)), [None] * len(acts)

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            results[number] = acts[number]()
        except Exception as problem:
            results[number] = problem
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results
