"""Agreement between readers, against numbers worked out by hand."""

from __future__ import annotations

import polars as pl
import pytest

from onearm.errors import OnearmError
from onearm.response.readers import agreement, cohen_kappa


def table(*cells: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(list(cells), schema=["first", "second", "n"], orient="row")


def test_kappa_of_a_two_by_two_table_worked_by_hand() -> None:
    # Observed (20 + 15) / 50 = 0.7; chance (25 x 30 + 25 x 20) / 2500 = 0.5; (0.7 - 0.5) / 0.5.
    found = cohen_kappa(table(("yes", "yes", 20), ("yes", "no", 5), ("no", "yes", 10),
                              ("no", "no", 15)))  # fmt: skip
    assert found == pytest.approx(0.4, abs=1e-15)


def test_kappa_is_not_defined_where_both_say_one_thing_or_nothing() -> None:
    assert cohen_kappa(table(("PD", "PD", 7))) is None
    assert cohen_kappa(table(("PD", "PD", 0))) is None


def test_kappa_is_one_minus_one_or_nought() -> None:
    assert cohen_kappa(table(("a", "a", 5), ("b", "b", 3))) == 1
    assert cohen_kappa(table(("a", "b", 5), ("b", "a", 5))) == -1
    assert cohen_kappa(table(("a", "a", 1), ("a", "b", 1), ("b", "a", 1), ("b", "b", 1))) == 0


def answers() -> pl.DataFrame:
    rows = [
        ("1", 1, "I", "PR"), ("1", 1, "R", "PR"),
        ("1", 2, "I", "PR"), ("1", 2, "R", "SD"),
        ("2", 1, "I", "PD"), ("2", 1, "R", "PD"),
        ("2", 2, "I", "PD"),
        ("3", 1, "I", None), ("3", 1, "R", "SD"),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["subject", "time_point", "reader", "overall"], orient="row")


def test_agreement_counts_pairs_and_what_has_no_pair() -> None:
    found = agreement(
        answers(), first="I", second="R", by=["subject", "time_point"], answer="overall"
    )
    assert (found.n, found.n_agree, found.unpaired) == (3, 2, 2)
    assert found.percent == pytest.approx(200 / 3)
    # Observed 2/3; chance (PR 2 x 1 + PD 1 x 1) / 9 = 1/3; (2/3 - 1/3) / (2/3) = 1/2.
    assert found.kappa == pytest.approx(0.5)
    assert found.table.rows() == [("PD", "PD", 1), ("PR", "PR", 1), ("PR", "SD", 1)]


def test_agreement_with_a_reader_who_was_not_there_is_empty() -> None:
    found = agreement(
        answers(), first="I", second="X", by=["subject", "time_point"], answer="overall"
    )
    assert (found.n, found.percent, found.kappa) == (0, None, None)


def test_a_reader_cannot_judge_one_item_twice() -> None:
    with pytest.raises(OnearmError, match=r"reader I judged .* more than once"):
        agreement(answers(), first="I", second="R", by=["subject"], answer="overall")
