"""One seam for long work in independent pieces: one core, many, or a cluster; the same bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from onearm.errors import OnearmError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

P = TypeVar("P")
R = TypeVar("R")

BACKENDS = ("serial", "processes", "dask")


@dataclass(frozen=True, slots=True)
class Workers:
    """Who does the work.

    backend: ``serial`` (this process), ``processes`` (joblib, on this machine) or ``dask`` (a
    cluster; needs the extra ``onearm[cluster]``). jobs: processes, -1 for every core. address: the
    Dask scheduler, such as ``tcp://10.0.0.5:8786``; a cluster on this machine where it is empty.
    """

    backend: str = "serial"
    jobs: int = -1
    address: str = ""

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            known = ", ".join(BACKENDS)
            raise OnearmError(f"backend {self.backend!r} is not known; choose one of {known}")
        if self.jobs == 0 or self.jobs < -1:
            raise OnearmError(f"jobs {self.jobs}: give 1 or more, or -1 for every core")


SERIAL = Workers()


class Kept(Protocol[R]):
    """Results of pieces that were finished before, so that work that was cut off goes on.

    The seam asks with the number of the piece, and tells each new result as it comes. Whoever
    keeps results answers for keeping those of other work apart.
    """

    def get(self, number: int) -> R | None:
        """The result of a piece, None where it is still to do."""

    def put(self, number: int, result: R) -> None:
        """Keep the result of a piece."""


def streams(seed: int, n: int) -> list[np.random.SeedSequence]:
    """One random stream a piece: independent of each other and of how the pieces are spread.

    >>> [int(np.random.default_rng(s).integers(100)) for s in streams(7, 3)]
    [49, 87, 48]
    """
    return np.random.SeedSequence(seed).spawn(n)


def each(
    work: Callable[[P], R],
    pieces: Sequence[P],
    *,
    workers: Workers = SERIAL,
    kept: Kept[R] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[R]:
    """``[work(piece) for piece in pieces]``, spread over the workers, in the order of the pieces.

    work: a function at the top of a module (it travels to other processes); whatever is random in
    it comes from its piece. Linear algebra runs on one thread inside a piece, so that the number of
    cores never changes a sum. kept: results of an earlier, interrupted run. progress: told how many
    pieces of how many are done, once before the first. An error in a piece stops the work and is
    raised as it is; the pieces finished before it are kept.
    """
    done: dict[int, R] = {}
    if kept is not None:
        found = ((number, kept.get(number)) for number in range(len(pieces)))
        done = {number: result for number, result in found if result is not None}
    if progress:
        progress(len(done), len(pieces))
    todo = [number for number in range(len(pieces)) if number not in done]
    with _spread(work, [pieces[number] for number in todo], workers) as results:
        for number, result in zip(todo, results, strict=True):
            done[number] = result
            if kept is not None:
                kept.put(number, result)
            if progress:
                progress(len(done), len(pieces))
    return [done[number] for number in range(len(pieces))]


@contextmanager
def _spread(work: Callable[[P], R], pieces: Sequence[P], workers: Workers) -> Iterator[Iterator[R]]:
    if workers.backend == "serial" or len(pieces) < 2:
        yield (_on_one_thread(work, piece) for piece in pieces)
        return
    import joblib

    run = {"return_as": "generator", "n_jobs": workers.jobs}
    calls = (joblib.delayed(_on_one_thread)(work, piece) for piece in pieces)
    if workers.backend == "processes":
        yield joblib.Parallel(backend="loky", **run)(calls)
        return
    with _cluster(workers), joblib.parallel_config(backend="dask"):
        yield joblib.Parallel(**run)(calls)


@contextmanager
def _cluster(workers: Workers) -> Iterator[Any]:
    """A client of the Dask scheduler, or of a cluster of processes on this machine."""
    try:
        from dask import distributed
    except ImportError as missing:
        hint = "the backend dask needs the extra: pip install 'onearm[cluster]'"
        raise OnearmError(hint) from missing
    dask: Any = distributed  # its functions carry no types
    if workers.address:
        with dask.Client(workers.address) as client:
            yield client
        return
    jobs = None if workers.jobs == -1 else workers.jobs
    # No dashboard: a local cluster is an implementation detail, and opens no port for people.
    with (
        dask.LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None) as cluster,
        dask.Client(cluster) as client,
    ):
        yield client


def _on_one_thread(work: Callable[[P], R], piece: P) -> R:
    with one_thread():
        return work(piece)


def one_thread() -> AbstractContextManager[object]:
    """Linear algebra on one thread: the number of cores never changes a sum."""
    limited: AbstractContextManager[object] = _controller(len(sys.modules)).limit(limits=1)
    return limited


@lru_cache(maxsize=1)
def _controller(modules: int) -> ThreadpoolController:
    """The libraries loaded by that many modules; to look for them again takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
