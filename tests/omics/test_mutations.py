"""Mutations: burden, altered genes, spectra; what was not sequenced is not wild type."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.errors import OnearmError, Problems
from onearm.omics.assay import Assay
from onearm.omics.mutations import (
    NON_SYNONYMOUS,
    Conversion,
    Source,
    by_copy_number,
    by_variants,
    gene_alterations,
    mutational_burden,
    pathway_alterations,
)
from onearm.omics.spectra import CLASSES, signature_exposures, spectra
from tests.shared import needs_shared, shared


def variants(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["sample_id", "gene", "variant_class"], orient="row")


def sequenced(platforms: dict[str, str], mb: float = 30.0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "sample_id": list(platforms),
            "platform": list(platforms.values()),
            "callable_mb": [mb] * len(platforms),
        }
    )


def pairs(*rows: tuple[str, str]) -> pl.DataFrame:
    schema = {"sample_id": pl.String, "gene": pl.String}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


# Burden ------------------------------------------------------------------------------------------


def test_a_sequenced_sample_without_a_mutation_has_a_burden_of_zero() -> None:
    found = mutational_burden(
        variants([("a", "TP53", "Missense_Mutation"), ("a", "TTN", "Silent")] * 3),
        sequenced({"a": "exome", "b": "exome"}),
    )
    assert found.select("sample_id", "mutations", "tmb").rows() == [("a", 3, 0.1), ("b", 0, 0)]


def test_panel_and_exome_are_pooled_only_with_a_stated_conversion() -> None:
    rows = variants([("a", "TP53", "Nonsense_Mutation")] * 6)
    platforms = sequenced({"a": "panel", "b": "exome", "c": "exome"})
    with pytest.raises(
        OnearmError, match="2 samples of exome, 1 samples of panel are not on one scale"
    ):
        mutational_burden(rows, platforms)
    rule = Conversion("panel", "exome", 0.8, 0.1, "the laboratory's validation report")
    found = mutational_burden(rows, platforms, conversions=[rule])
    assert found["tmb_common"].to_list() == pytest.approx([0.1 + 0.8 * 0.2, 0, 0])
    assert found["converted"].to_list() == ["the laboratory's validation report", "", ""]


def test_unknown_megabases_and_unlisted_samples_are_told_all_at_once() -> None:
    with pytest.raises(Problems, match="sample x: the sample is not in the list"):
        mutational_burden(variants([("x", "TP53", "Silent")]), sequenced({"a": "exome"}))
    with pytest.raises(Problems) as told:
        mutational_burden(variants([]), sequenced({"a": "exome", "b": "exome"}, mb=0.0))
    assert len(told.value.findings) == 2


# Altered genes -----------------------------------------------------------------------------------


def test_a_gene_is_altered_by_any_source_and_missing_where_one_did_not_look() -> None:
    copies = Assay(
        "cn",
        "copy_number",
        ("MYC", "TP53"),
        ("a", "b", "d"),
        np.array([[2.0, 0, 1], [0, -2, 0]]),
    )
    snv = by_variants(
        variants([("a", "TP53", "Splice_Site"), ("c", "TP53", "Missense_Mutation")]),
        ("a", "b", "c"),
    )
    made = gene_alterations({"SNV": snv, "copy number": by_copy_number(copies)})
    assert (made.features, made.samples) == (("MYC", "TP53"), ("a", "b", "c", "d"))
    nan = np.nan
    np.testing.assert_array_equal(made.values, [[1, 0, nan, nan], [1, 1, nan, nan]])
    assert made.feature_info.rows() == [("MYC", 0, 1), ("TP53", 2, 1)]


def test_a_gene_outside_the_panel_is_missing_not_wild_type() -> None:
    fusion = Source(pairs(("a", "FGFR2")), ("a", "b"))
    panel = Source(pairs(("b", "TP53")), ("a", "b"), genes=("TP53",))
    made = gene_alterations({"fusion": fusion, "panel": panel})
    np.testing.assert_array_equal(made.values, [[np.nan, np.nan], [0, 1]])


def test_a_pathway_is_altered_by_any_gene_and_unknown_where_that_decides() -> None:
    values = np.array([[1.0, 0, np.nan, np.nan], [0, 0, 1, 0]])
    genes = Assay("mut", "binary", ("ATM", "BRCA2"), tuple("abcd"), values)
    made = pathway_alterations(genes, {"repair": ["ATM", "BRCA2", "PALB2"], "none": ["KRAS"]})
    assert made.features == ("repair",)
    np.testing.assert_array_equal(made.values, [[1, 0, 1, np.nan]])


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("GHK")), max_size=12))
def test_looking_with_one_more_source_never_makes_an_altered_gene_wild_type(
    rows: list[tuple[str, str]],
) -> None:
    first = Source(pairs(*rows[::2]), tuple("abcd"))
    second = Source(pairs(*rows[1::2]), tuple("abcd"))
    alone, both = gene_alterations({"1": first}), gene_alterations({"1": first, "2": second})
    for row, gene in enumerate(alone.features):
        assert (both.values[both.features.index(gene)] >= alone.values[row]).all()


# Spectra -----------------------------------------------------------------------------------------


def test_a_purine_change_is_read_from_the_other_strand() -> None:
    frame = pl.DataFrame(
        {
            "sample_id": ["a"] * 4,
            "ref": ["G", "C", "A", "AT"],
            "alt": ["A", "T", "C", "A"],
            "context": ["TGA", "TCA", "GAC", "AT"],
        }
    )
    six = spectra(frame, ["a", "b"])
    assert dict(zip(six.features, six.values[:, 0], strict=True)) == {
        **dict.fromkeys(CLASSES["6"], 0),
        "C>T": 2,
        "T>G": 1,
    }
    assert not six.values[:, 1].any()
    many = spectra(frame, ["a", "b"], classes="96")
    hit = {name for name, n in zip(many.features, many.values[:, 0], strict=True) if n}
    assert hit == {"T[C>T]A", "G[T>G]C"}
    assert many.values[:, 0].sum() == 3


def test_a_context_of_the_wrong_strand_is_refused() -> None:
    frame = pl.DataFrame({"sample_id": ["a"], "ref": ["G"], "alt": ["A"], "context": ["TCA"]})
    with pytest.raises(OnearmError, match="1 variants have a context whose middle base"):
        spectra(frame, ["a"], classes="96")


def signatures(k: int, seed: int = 0) -> Assay:
    values = np.random.default_rng(seed).dirichlet(np.full(96, 0.1), size=k).T
    names = tuple(f"S{i}" for i in range(k))
    return Assay("signatures", "share", CLASSES["96"], names, values)


def test_planted_exposures_come_back_within_their_intervals() -> None:
    profile = signatures(4)
    truth = np.array([[0.6, 0.1], [0.0, 0.3], [0.4, 0.0], [0.0, 0.6]])
    rng = np.random.default_rng(7)
    counts = np.column_stack([rng.multinomial(500, p) for p in (profile.values @ truth).T])
    spectrum = Assay("spectrum", "counts", CLASSES["96"], ("a", "b"), counts.astype(float))
    found = signature_exposures(spectrum, profile, np.random.default_rng(1))
    got = found["exposure"].to_numpy().reshape(2, 4).T
    assert np.abs(got - truth).max() < 0.06
    inside = (found["lower"].to_numpy() <= truth.T.ravel() + 1e-9) & (
        truth.T.ravel() <= found["upper"].to_numpy() + 0.02
    )
    assert inside.all()
    assert found["cosine"].min() > 0.97  # type: ignore[operator]


def test_a_sample_of_49_substitutions_is_refused_and_one_of_50_fitted() -> None:
    profile = signatures(2)
    counts = np.zeros((96, 2))
    counts[:49, 0], counts[:50, 1] = 1, 1
    spectrum = Assay("spectrum", "counts", CLASSES["96"], ("few", "enough"), counts)
    found = signature_exposures(spectrum, profile, np.random.default_rng(0), bootstrap=5)
    few = found.filter(pl.col("sample_id") == "few")
    assert few["exposure"].null_count() == 2
    assert few["reason"][0] == "49 substitutions, fewer than 50"
    assert found.filter(pl.col("sample_id") == "enough")["exposure"].null_count() == 0


def test_signatures_in_another_spelling_are_refused_with_an_example() -> None:
    spectrum = Assay("spectrum", "counts", CLASSES["6"], ("a",), np.full((6, 1), 20.0))
    with pytest.raises(OnearmError, match="lack 6 of 6 classes, such as C>A"):
        signature_exposures(spectrum, signatures(2), np.random.default_rng(0))


# The leukaemia cohort ----------------------------------------------------------------------------


def laml() -> tuple[pl.DataFrame, list[str]]:
    frame = pl.read_csv(
        shared("omics", "tcga_laml_maf", "tcga_laml.maf.gz"), separator="\t", infer_schema=False
    ).select(
        pl.col("Tumor_Sample_Barcode").alias("sample_id"),
        pl.col("Hugo_Symbol").alias("gene"),
        pl.col("Variant_Classification").alias("variant_class"),
        pl.col("Reference_Allele").alias("ref"),
        pl.col("Tumor_Seq_Allele2").alias("alt"),
    )
    return frame, sorted(frame["sample_id"].unique())


@needs_shared
def test_the_known_counts_of_the_leukaemia_cohort_come_out() -> None:
    frame, samples = laml()
    assert frame.filter(pl.col("variant_class").is_in(NON_SYNONYMOUS)).height == 1732
    made = gene_alterations({"SNV": by_variants(frame, samples)})
    row = {gene: int(made.values[at].sum()) for at, gene in enumerate(made.features)}
    known = {"FLT3": 52, "DNMT3A": 48, "NPM1": 33, "IDH2": 20, "IDH1": 18, "TET2": 17}
    assert {gene: row[gene] for gene in known} == known
    exome = pl.DataFrame({"sample_id": samples}).with_columns(
        platform=pl.lit("exome"), callable_mb=pl.lit(35.8)
    )
    burden = mutational_burden(frame, exome)
    assert (burden["mutations"].median(), burden["mutations"].max()) == (9, 34)


@needs_shared
def test_patients_without_a_row_in_the_maf_are_missing_until_somebody_says_sequenced() -> None:
    frame, samples = laml()
    table = pl.read_csv(
        shared("omics", "tcga_laml_maf", "tcga_laml_annot.tsv"), separator="\t", infer_schema=False
    )
    patients = table[table.columns[0]].to_list()
    assert len(set(patients) - set(samples)) == 7
    listed = gene_alterations({"SNV": by_variants(frame, patients)})
    assert len(gene_alterations({"SNV": by_variants(frame, samples)}).samples) == 193
    assert len(listed.samples) == 200


@needs_shared
def test_most_leukaemias_have_too_few_substitutions_for_signatures() -> None:
    frame, samples = laml()
    spectrum = spectra(frame, samples)
    changes = dict(zip(spectrum.features, spectrum.values.sum(axis=1), strict=True))
    assert max(changes, key=changes.__getitem__) == "C>T"  # deamination, as in all leukaemias
    assert (spectrum.values.sum(axis=0) >= 50).sum() == 0
