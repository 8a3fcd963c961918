"""Simulated assays: what was asked for is in them, and the loaders read them as real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from onearm.errors import Problems
from onearm.simulate.expression import FEMALE, MALE, choose_genes
from onearm.simulate.variants import mutation_rows
from onearm.store.assays import read_assays, read_manifest
from onearm.store.made_assays import write_made_assays
from onearm.study.biomarkers import Planted, Trap
from tests import markers


def trap(kind: str, modality: str = "rna") -> dict[str, object]:
    return {"traps": (Trap(kind=kind, modality=modality),), "signals": ()}


def responders() -> set[str]:
    best = markers.simulated().truth["best"]
    return set(best.filter(pl.col("CBOR").is_in(["CR", "PR"]))["USUBJID"])


def batches(made: object, modality: str = "rna") -> pl.DataFrame:
    sheet: pl.DataFrame = made.sheet  # type: ignore[attr-defined]
    yes = pl.col("subject_id").is_in(list(responders()))
    return sheet.filter(pl.col("modality") == modality).with_columns(yes=yes)


def test_the_loaders_read_what_is_written(tmp_path: Path) -> None:
    made = markers.made()
    loaded = read_assays(read_manifest(write_made_assays(made, tmp_path)))
    assert [f for f in loaded.findings if f.severity == "error"] == []
    rna = loaded.assays["rna"]
    assert (rna.scale, len(rna.features)) == ("counts", 1500)
    sent = made.counts["rna"].filter(pl.col("gene") == "CD8A").drop("gene").row(0)
    row = rna.features.index("CD8A")
    assert sorted(rna.values[row]) == sorted(sent)
    assert loaded.assays["mutations"].details["callable_mb"] == 35.0
    assert set(loaded.assays["mutations"].samples) == set(made.sequenced["mutations"])
    below = loaded.assays["cytokines"].below_lod
    assert below is not None
    assert below.sum() == made.long["cytokines"]["below_lod"].sum()


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_made_assays(markers.made(), tmp_path / name)
    one = {p.name: p.read_bytes() for p in (tmp_path / "one").iterdir()}
    assert one == {p.name: p.read_bytes() for p in (tmp_path / "two").iterdir()}


def test_samples_are_taken_before_first_dose_or_at_their_month() -> None:
    sheet = markers.made().sheet
    base = sheet.filter(pl.col("timepoint") == "C1D1")
    assert base["study_day"].max() <= 1  # type: ignore[operator]
    assert 0 not in base["study_day"]
    later = sheet.filter(pl.col("timepoint") == "M1")
    assert later["study_day"].is_between(25, 33).all()
    died = markers.simulated().truth["subjects"].select("USUBJID", "FIRST_DOSE", "DEATH")
    alive = later.join(died, left_on="subject_id", right_on="USUBJID")
    days = (alive["DEATH"] - alive["FIRST_DOSE"]).dt.total_days()
    assert (days > alive["study_day"] - 1).drop_nulls().all()


def test_a_planted_signal_moves_the_genes_of_its_score_in_responders() -> None:
    signal = Planted(modality="rna", target="cd8_t_effector", to="response", shift=3.0)
    made = markers.made(signals=(signal,), batch_effect=0.0)
    rows = made.sheet.filter(pl.col("modality") == "rna")
    yes = dict(zip(rows["sample_id"], rows["subject_id"].is_in(list(responders())), strict=True))
    counts = made.counts["rna"].filter(pl.col("gene") == "GZMB").drop("gene")
    log = np.log2(np.array(counts.row(0)) + 1)
    group = np.array([yes[sample] for sample in counts.columns])
    assert log[group].mean() - log[~group].mean() > 1.0
    assert made.truth.rows() == [("signal", "rna", "cd8_t_effector", "3 SD by response")]


def test_an_aliased_batch_is_the_response() -> None:
    rows = batches(markers.made(**trap("batch_aliased")))
    assert rows.select("run", "yes").unique().height == 2


def test_an_unbalanced_batch_leans_to_the_response() -> None:
    rows = batches(markers.made(**trap("batch_unbalanced")))
    shares = dict(rows.group_by("yes").agg((pl.col("run") == "A").mean()).iter_rows())
    assert shares[True] - shares[False] > 0.3
    assert rows.select("run", "yes").unique().height == 4


def test_a_modality_may_be_missing_by_response() -> None:
    made = markers.made(**trap("missing_by_response"))
    there = set(made.sheet.filter(pl.col("modality") == "rna")["subject_id"])
    treated = markers.simulated().truth["subjects"].filter("DOSED")["USUBJID"]
    assert responders() & set(treated) <= there
    assert len(there) < 0.85 * treated.len()


def test_swapped_samples_show_each_others_sex() -> None:
    made, plain = markers.made(**trap("swapped")), markers.made(signals=())
    one, other = made.truth["target"][0].split(" and ")
    for gene in ("XIST", "RPS4Y1"):
        swapped = made.counts["rna"].filter(pl.col("gene") == gene)
        right = plain.counts["rna"].filter(pl.col("gene") == gene)
        assert swapped[one][0] == right[other][0]
        assert swapped[other][0] == right[one][0]


def test_a_sample_after_first_dose_that_is_called_baseline_is_refused(tmp_path: Path) -> None:
    manifest = write_made_assays(markers.made(**trap("late_baseline")), tmp_path)
    with pytest.raises(Problems, match="RNA-"):
        read_assays(read_manifest(manifest))


def test_genes_of_sets_come_first_and_sex_genes_are_there() -> None:
    genes = choose_genes(30, {"A": ["X1", "X2"], "B": ["X2", "Y1"]}, extra=["Z1"], modules=4)
    assert len(genes.names) == 30
    assert {"X1", "X2", "Y1", "Z1", *FEMALE, *MALE} <= set(genes.names)
    module = dict(zip(genes.names, genes.module.tolist(), strict=True))
    assert (module["X2"], module["Y1"]) == (0, 1)
    assert genes.module.max() < genes.modules


def test_drivers_are_hit_as_often_as_asked_and_never_silently() -> None:
    samples = [f"S{number}" for number in range(400)]
    rows = mutation_rows(np.random.default_rng(1), samples, {"TP53": 0.4}, burden=5)
    driver = rows.filter(pl.col("Hugo_Symbol") == "TP53")
    assert driver.height / 400 == pytest.approx(0.4, abs=0.08)
    assert "Silent" not in driver["Variant_Classification"]
