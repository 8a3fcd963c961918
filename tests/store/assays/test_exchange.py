"""MuData and AnnData in and out, and the public cohorts with their known numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onearm.errors import Problems
from onearm.store.assays import read_assays, read_h5mu, read_manifest, write_h5mu
from tests.shared import needs_shared, shared
from tests.store.assays.cases import load, rules, write

ACC = {"rna": "linear", "cnv": "copy_number", "rppa": "log2", "mut": "binary", "mirna": "counts"}


@needs_shared
def test_a_public_mudata_file_is_read_with_the_scales_that_are_said() -> None:
    pytest.importorskip("mudata")
    path = shared("omics", "acc_multiomics", "acc.h5mu")
    found = read_h5mu(path, scales=ACC)
    shapes = {name: assay.values.shape for name, assay in found.assays.items()}
    assert shapes == {
        "rna": (198, 79), "cnv": (198, 90), "rppa": (33, 46), "mut": (97, 90), "mirna": (471, 80),
    }  # fmt: skip
    assert found.assays["rna"].features[0] == "DIRAS3"
    assert found.sheet.height == 79 + 90 + 46 + 90 + 80
    with pytest.raises(Problems) as caught:
        read_h5mu(path, scales={"rna": "linear"})
    assert rules(caught.value.findings) == ["scale.unstated"] * 4


@needs_shared
def test_a_mudata_file_joins_the_sheet_through_a_manifest(tmp_path: Path) -> None:
    pytest.importorskip("mudata")
    shutil.copy(shared("omics", "acc_multiomics", "acc.h5mu"), tmp_path / "acc.h5mu")
    names = pl.read_parquet(shared("omics", "acc_multiomics", "clinical.parquet"))["patient"]
    lines = [f"{name},{name},cnv,baseline" for name in names]
    sheet = "\n".join(["sample_id,subject_id,modality,timepoint", *lines]) + "\n"
    said = "file: acc.h5mu\nformat: h5mu\nkey: cnv\nscale: copy_number"
    found = read_assays(read_manifest(write(tmp_path, {}, said, sheet=sheet, modality="cnv")))
    assert found.assays["cnv"].values.shape == (198, 90)
    assert rules(list(found.findings)) == ["sample.absent"] * 2


def test_what_is_written_as_mudata_is_read_back(tmp_path: Path) -> None:
    pytest.importorskip("mudata")
    text = "sample_id,analyte,value,unit\nS1,IL6,<0.5,pg/mL\nS2,IL6,7.5,pg/mL\nS1,AFP,12,ng/mL\n"
    given = load(tmp_path, text, "format: long\nscale: linear", "S1", "S2")
    write_h5mu(given, tmp_path / "out.h5mu")
    back = read_h5mu(tmp_path / "out.h5mu")
    before, after = given.assays["m"], back.assays["m"]
    np.testing.assert_array_equal(before.values, after.values)
    assert before.below_lod is not None
    assert after.below_lod is not None
    np.testing.assert_array_equal(before.below_lod, after.below_lod)
    assert (before.features, before.samples, before.scale, before.unit, before.sources) == (
        after.features, after.samples, after.scale, after.unit, after.sources,
    )  # fmt: skip
    assert_frame_equal(before.feature_info, after.feature_info, check_dtypes=False)
    assert_frame_equal(given.sheet, back.sheet)


def test_variants_survive_the_way_through_mudata(tmp_path: Path) -> None:
    pytest.importorskip("mudata")
    head = (
        "Hugo_Symbol\tChromosome\tStart_Position\tVariant_Classification\tVariant_Type\t"
        "Reference_Allele\tTumor_Seq_Allele2\tTumor_Sample_Barcode\n"
    )
    row = "TP53\t17\t7577120\tMissense_Mutation\tSNP\tC\tT\tS1\n"
    options = "format: maf\ncallable_mb: 30\nsequenced: sheet"
    given = load(tmp_path, head + row, options, "S1", "S2", name="a.maf")
    write_h5mu(given, tmp_path / "out.h5mu")
    back = read_h5mu(tmp_path / "out.h5mu")
    assert_frame_equal(given.variants["m"], back.variants["m"])
    assert back.assays["m"].details["callable_mb"] == 30


def test_an_anndata_file_is_a_modality(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    pandas = pytest.importorskip("pandas")
    made = anndata.AnnData(
        X=np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        obs=pandas.DataFrame(index=["S1", "S2"]),
        var=pandas.DataFrame({"symbol": ["a", "b", "c"]}, index=["A", "B", "C"]),
    )
    made.write_h5ad(tmp_path / "made.h5ad")
    raw = (tmp_path / "made.h5ad").read_bytes()
    options = "format: h5ad\nscale: counts"
    assay = load(tmp_path, raw, options, "S1", "S2", name="a.h5ad").assays["m"]
    assert assay.values.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert assay.feature_info.row(0) == ("A", "a")


def laml(folder: Path, more: str = "") -> Path:
    names = pl.read_csv(
        shared("omics", "tcga_laml_maf", "tcga_laml_annot.tsv"), separator="\t", infer_schema=False
    )["Tumor_Sample_Barcode"]
    shutil.copy(shared("omics", "tcga_laml_maf", "tcga_laml.maf.gz"), folder / "laml.maf.gz")
    lines = [f"{name},{name},mutations,baseline" for name in names]
    sheet = "\n".join(["sample_id,subject_id,modality,timepoint", *lines]) + "\n"
    said = f"file: laml.maf.gz\nformat: maf\ncallable_mb: 30\n{more}"
    return write(folder, {}, said, sheet=sheet, modality="mutations")


@needs_shared
def test_the_leukaemia_maf_gives_its_known_numbers(tmp_path: Path) -> None:
    found = read_assays(read_manifest(laml(tmp_path)))
    variants = found.variants["mutations"]
    assert (variants.height, variants.filter("nonsynonymous").height) == (2207, 1732)
    per_sample = variants.filter("nonsynonymous").group_by("sample_id").len()["len"]
    assert (per_sample.median(), per_sample.max()) == (9, 34)
    assay = found.assays["mutations"]
    patients = {g: int(assay.values[assay.features.index(g)].sum()) for g in assay.features}
    known = {"FLT3": 52, "DNMT3A": 48, "NPM1": 33, "IDH2": 20, "IDH1": 18, "TET2": 17}
    assert {gene: patients[gene] for gene in known} == known
    step = found.loaded.filter(pl.col("why") == "not of a non-synonymous class")
    assert step.select("rows_in", "dropped", "kept").row(0) == (2207, 475, 1732)


@needs_shared
def test_seven_patients_without_a_variant_are_unknown_unless_said_to_be_sequenced(
    tmp_path: Path,
) -> None:
    unknown = read_assays(read_manifest(laml(tmp_path)))
    assert len(unknown.assays["mutations"].samples) == 193
    assert [f.rule for f in unknown.findings].count("sample.absent") == 7
    said = read_assays(read_manifest(laml(tmp_path, "sequenced: sheet")))
    assay = said.assays["mutations"]
    assert len(assay.samples) == 200
    silent = set(assay.samples) - set(unknown.assays["mutations"].samples)
    assert len(silent) == 7
    columns = [assay.samples.index(name) for name in silent]
    assert assay.values[:, columns].sum() == 0


@needs_shared
def test_the_gut_profiles_and_the_melanoma_expression_load_as_parquet(tmp_path: Path) -> None:
    counts = shared("omics", "gut_icb_motus", "motus_counts.parquet")
    taxa = shared("omics", "gut_icb_motus", "taxonomy.parquet")
    for path in (counts, taxa):
        shutil.copy(path, tmp_path / path.name)
    rows = pl.read_parquet(shared("omics", "gut_icb_motus", "samples.parquet"))
    sheet = rows.select(
        sample_id="sample", subject_id="subject", modality=pl.lit("gut"), timepoint=pl.lit("pre"),
        study="study",
    ).write_csv()  # fmt: skip
    said = (
        "file: motus_counts.parquet\nformat: features\nfeature_table: taxonomy.parquet\n"
        "feature_key: motu"
    )
    found = read_assays(read_manifest(write(tmp_path, {}, said, sheet=sheet, modality="gut")))
    gut = found.assays["gut"]
    assert gut.values.shape == (1425, 230)
    assert gut.scale == "compositional"
    assert int(((gut.values > 0).mean(axis=1) >= 0.10).sum()) == 446
    assert gut.feature_info["consensus_taxonomy"].null_count() == 0


@needs_shared
def test_logarithms_sent_as_tpm_are_found_in_the_melanoma_cohort(tmp_path: Path) -> None:
    source = shared("omics", "liu2019_pd1", "expr_log2tpm.parquet")
    raw = source.read_bytes()
    patients = [c for c in pl.read_parquet_schema(source) if c != "gene"]
    good = load(tmp_path, raw, "format: matrix\nscale: log2", *patients, name="x.parquet")
    assert good.assays["m"].values.shape == (1741, 74)
    with pytest.raises(Problems) as caught:
        load(tmp_path, raw, "format: matrix\nscale: tpm", *patients, name="x.parquet")
    assert "value.negative" in rules(caught.value.findings)
