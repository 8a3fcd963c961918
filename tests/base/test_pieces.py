"""Work in pieces: the same results from every backend, in order, and resumed where it was cut."""

from __future__ import annotations

import numpy as np
import pytest

from onearm.errors import OnearmError
from onearm.pieces import Workers, each, streams


def draw(stream: np.random.SeedSequence) -> bytes:
    rng = np.random.default_rng(stream)
    left = rng.standard_normal((60, 40))
    return (left @ left.T).tobytes()


def fails_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("piece three")
    return number * 10


class Memory:
    def __init__(self) -> None:
        self.results: dict[int, int] = {}

    def get(self, number: int) -> int | None:
        return self.results.get(number)

    def put(self, number: int, result: int) -> None:
        self.results[number] = result


@pytest.mark.parametrize("backend", ["processes", "dask"])
@pytest.mark.filterwarnings(
    "default::ResourceWarning", "default::pytest.PytestUnraisableExceptionWarning"
)
def test_every_backend_gives_the_bytes_of_one_core(backend: str) -> None:
    pieces = streams(5, 9)
    assert each(draw, pieces, workers=Workers(backend, jobs=2)) == each(draw, pieces)


def test_streams_do_not_depend_on_how_many_there_are() -> None:
    few, many = streams(11, 3), streams(11, 30)
    assert [draw(s) for s in few] == [draw(s) for s in many[:3]]


def test_work_that_was_cut_goes_on_where_it_stopped() -> None:
    memory, told = Memory(), []
    with pytest.raises(ValueError, match="piece three"):
        each(fails_at_three, range(6), kept=memory)
    assert memory.results == {0: 0, 1: 10, 2: 20}
    memory.put(3, 30)
    again = each(
        fails_at_three, range(6), kept=memory, progress=lambda done, of: told.append((done, of))
    )
    assert again == [0, 10, 20, 30, 40, 50]
    assert told == [(4, 6), (5, 6), (6, 6)]


@pytest.mark.parametrize(("backend", "jobs"), [("threads", 1), ("processes", 0), ("dask", -2)])
def test_workers_that_do_not_exist_are_refused(backend: str, jobs: int) -> None:
    with pytest.raises(OnearmError, match=r"choose one of|1 or more"):
        Workers(backend, jobs)


def test_an_error_in_another_process_is_raised_here() -> None:
    with pytest.raises(ValueError, match="piece three"):
        each(fails_at_three, range(6), workers=Workers("processes", 2))
