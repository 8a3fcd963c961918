"""Models of counts: limma's voom and DESeq2 as R gives them, and what makes of them a table."""

from __future__ import annotations

import builtins
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from onearm.errors import OnearmError
from onearm.omics.assay import Assay, Block
from onearm.omics.blocks import block
from onearm.omics.counts import (
    CountTest,
    agreement,
    by_pydeseq2,
    by_voom,
    count_table,
    raw_counts,
)
from onearm.omics.tidy import benjamini_hochberg
from tests.omics.repeated import deseq


def answer(test: str, what: str) -> np.ndarray:
    answers = deseq()[3]
    rows = answers.filter((pl.col("test") == test) & (pl.col("what") == what))
    return rows["value"].to_numpy()


def test_voom_of_a_second_set_is_that_of_limma() -> None:
    counts, group, _, _ = deseq()
    found = by_voom(counts, group, library=counts.sum(axis=1))
    np.testing.assert_allclose(found.statistic, answer("voom 24", "t"), rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.p, answer("voom 24", "p"), rtol=1e-9)


def test_pydeseq2_calls_what_deseq2_in_r_calls() -> None:
    pytest.importorskip("pydeseq2")
    counts, group, _, _ = deseq()
    found = by_pydeseq2(counts, group)
    nan = np.full(found.p.size, np.nan)
    theirs = CountTest(answer("deseq2", "lfc"), nan, nan, answer("deseq2", "stat"),
                       answer("deseq2", "p"))  # fmt: skip
    same = agreement(found, theirs)
    assert (same.only_first, same.only_second) == (0, 0)
    assert same.both == int((benjamini_hochberg(theirs.p) <= 0.05).sum())
    # Section 18 of the specification measured a median of 5e-5 on 20,000 features.
    assert same.median < 1e-3
    np.testing.assert_allclose(
        np.median(np.abs(found.log2_ratio - theirs.log2_ratio)), 0, atol=1e-3
    )


def test_voom_and_deseq2_tell_the_same_story_and_find_what_was_planted() -> None:
    pytest.importorskip("pydeseq2")
    counts, group, names, _ = deseq()
    one, other = by_voom(counts, group), by_pydeseq2(counts, group)
    same = agreement(one, other)
    assert same.correlation > 0.95
    planted = np.arange(len(names)) < 30
    for test in (one, other):
        called = benjamini_hochberg(test.p) <= 0.05
        assert called[planted].mean() > 0.7
        assert (called & ~planted).sum() <= 5


def test_strata_are_in_both_models() -> None:
    pytest.importorskip("pydeseq2")
    counts, group, _, _ = deseq()
    few = counts[:, :60]
    site = np.arange(24) % 2
    shifted = np.where(site[:, None] == 1, np.rint(few * 4), few)
    for test in (by_voom, by_pydeseq2):
        with_site = test(shifted[:, :40], group, strata=site)
        assert np.isfinite(with_site.statistic).all()
        assert np.sign(with_site.log2_ratio[0]) == 1


def test_without_the_extra_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, group, _, _ = deseq()
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name.startswith("pydeseq2"):
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OnearmError, match=r"pip install 'onearm\[omics\]'"):
        by_pydeseq2(counts, group)


def assay() -> tuple[Assay, pl.DataFrame, Block]:
    counts, _, names, _ = deseq()
    samples = tuple(f"T{row:02d}" for row in range(24))
    made = Assay("rna", "counts", names[::-1], samples, counts[:, ::-1].T)
    sheet = pl.DataFrame(
        {
            "sample_id": samples,
            "subject_id": [f"S{23 - row:02d}" for row in range(24)],
            "modality": "rna",
            "timepoint": "C1D1",
            "study_day": 1,
        }
    )
    return made, sheet, block(made, sheet, timepoint="C1D1")[0]


def test_the_reads_behind_a_block_stand_in_its_order() -> None:
    made, sheet, whole = assay()
    counts = raw_counts(made, sheet, whole)
    plain, _, names, _ = deseq()
    assert counts.shape == whole.values.shape
    first = names.index(whole.features[0])
    np.testing.assert_array_equal(counts[:, 0], plain[::-1, first])
    with pytest.raises(OnearmError, match="models of counts need counts, not log"):
        raw_counts(replace(made, scale="log"), sheet, whole)


def test_the_table_leaves_out_whom_nothing_is_known_of_and_endpoints_of_one_kind() -> None:
    made, sheet, whole = assay()
    counts = raw_counts(made, sheet, whole)
    group = deseq()[1][::-1].copy()
    group[0] = np.nan
    table = count_table(whole, counts, {"ORR": group, "DCR": np.ones(24)})
    assert table["endpoint"].unique().to_list() == ["ORR"]
    assert table["n"].unique().to_list() == [23]
    assert table["events"].unique().to_list() == [9]
    assert table["q"].is_sorted()
    plain = by_voom(counts[1:], group[1:])
    own = table.sort("feature")["statistic"].to_numpy()
    np.testing.assert_allclose(own, plain.statistic)
