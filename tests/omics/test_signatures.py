"""Expression scores, gene sets, deconvolution: what was found, what is refused, what compares."""

from __future__ import annotations

import gzip
import lzma

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.errors import OnearmError, Problems
from onearm.omics.assay import Assay
from onearm.omics.auc import auc
from onearm.omics.deconvolution import FIT, deconvolved
from onearm.omics.gene_sets import Signature, parse_gmt, shipped, signatures
from onearm.omics.signatures import expression_scores, single_sample_scores
from tests.shared import needs_shared, shared


def expression(values: np.ndarray, genes: list[str], scale: str = "log", unit: str = "") -> Assay:
    samples = tuple(f"s{i}" for i in range(values.shape[1]))
    return Assay("rna", scale, tuple(genes), samples, values, unit)  # type: ignore[arg-type]


def signature(method: str, *genes: str) -> Signature:
    return Signature("score", "A score", method, genes, "a paper", "")


# Scores ------------------------------------------------------------------------------------------


def test_the_mean_of_z_scores_is_that_of_a_hand_calculation() -> None:
    data = expression(np.array([[1.0, 2, 3], [10, 10, 16], [5, 5, 5]]), ["A", "B", "C"])
    made = expression_scores(data, chosen=[signature("mean_z", "A", "B", "C")])
    b = np.array([-2, -2, 4]) / np.sqrt(12)
    np.testing.assert_allclose(made.assay.values[0], (np.array([-1, 0, 1]) + b) / 3)


def test_z_scores_of_later_samples_are_measured_from_the_reference_samples() -> None:
    data = expression(np.array([[1.0, 3, 7, 9], [0, 2, 4, 0]]), ["A", "B"])
    one = [signature("mean_z", "A", "B")]
    alone = expression_scores(expression(data.values[:, :2], ["A", "B"]), chosen=one)
    both = expression_scores(data, chosen=one, reference=["s0", "s1"])
    np.testing.assert_allclose(both.assay.values[:, :2], alone.assay.values)
    assert both.assay.values[0, 2] == pytest.approx((5 / 2**0.5 + 3 / 2**0.5) / 2)
    with pytest.raises(OnearmError, match="reference sample x is not in the data"):
        expression_scores(data, chosen=one, reference=["x"])


def test_the_cytolytic_score_is_the_log_of_the_geometric_mean_of_tpm() -> None:
    tpm = np.array([[8.0, 0], [2, 3]])
    made = expression_scores(
        expression(tpm, ["GZMA", "PRF1"], "linear", "TPM"), chosen=[signatures()["cytolytic"]]
    )
    expected = np.sqrt((tpm[0] + 0.01) * (tpm[1] + 0.01))
    np.testing.assert_allclose(2 ** made.assay.values[0], expected)


def test_fewer_than_60_per_cent_of_the_genes_is_refused_with_the_numbers() -> None:
    data = expression(np.random.default_rng(0).normal(size=(3, 4)), ["A", "B", "Z"])
    six = expression_scores(data, chosen=[signature("mean_z", "A", "B", "C", "D")])
    row = six.found.row(0, named=True)
    assert row["verdict"] == "refused: 2 of 4 genes found (50%), fewer than 60%"
    assert (row["asked"], row["found"], row["lacking"]) == (4, 2, "C D")
    assert six.assay.values.shape == (0, 4)
    three_of_five = expression_scores(data, chosen=[signature("mean_z", "A", "B", "Z", "C", "D")])
    assert three_of_five.found["verdict"][0] == "scored"


def test_a_sample_too_shallow_to_compare_has_no_score_and_the_others_have() -> None:
    counts = np.random.default_rng(3).negative_binomial(5, 0.02, size=(30, 6)).astype(float)
    counts[4:, 2] = 0
    genes = [f"g{i}" for i in range(30)]
    made = expression_scores(
        expression(counts, genes, "counts"), chosen=[signature("mean_z", *genes[:5])]
    )
    assert np.isnan(made.assay.values[0]).tolist() == [False, False, True, False, False, False]
    ranks = single_sample_scores(expression(counts, genes, "counts"), {"set": genes[:5]})
    assert np.isfinite(ranks.assay.values).all()


def test_a_gene_counts_under_its_old_or_its_new_symbol() -> None:
    values = np.random.default_rng(0).normal(size=(1, 4))
    one = [signature("mean", "CTGF/CCN2")]
    for name in ("CTGF", "CCN2"):
        assert expression_scores(expression(values, [name]), chosen=one).found["found"][0] == 1


def test_every_score_of_the_specification_is_shipped_with_its_source() -> None:
    sizes = {name: len(one.genes) for name, one in signatures().items()}
    assert {k: v for k, v in sizes.items() if not k.startswith("markers_")} == {
        "cd8_t_effector": 8,
        "ifng_6": 6,
        "t_cell_inflamed_18": 18,
        "cytolytic": 2,
        "hcc_inflammatory_4": 4,
        "tls_12_chemokines": 12,
        "fibroblast_tgfb_19": 19,
        "angiogenesis_6": 6,
        "proliferation_11": 11,
        "wnt_beta_catenin_targets": 6,
        "fgf19_fgfr4_axis": 3,
    }
    assert sum(name.startswith("markers_") for name in sizes) == 10
    assert all(one.source and one.licence for one in signatures().values())


@needs_shared
def test_t_effector_inflamed_and_cytolytic_scores_do_not_separate_melanoma_responders() -> None:
    frame = pl.read_parquet(shared("omics", "liu2019_pd1", "expr_log2tpm.parquet"))
    clinical = pl.read_parquet(shared("omics", "liu2019_pd1", "clinical.parquet"))
    values = frame.drop("gene").to_numpy().astype(np.float64)
    data = Assay("rna", "log", tuple(frame["gene"]), tuple(frame.drop("gene").columns), values)
    made = expression_scores(data)
    response = dict(clinical.select("patient", "response").iter_rows())
    y = np.array([{"R": 1.0, "NR": 0.0}.get(response[s], np.nan) for s in data.samples])
    areas = dict(zip(made.assay.features, auc(made.assay.values.T, y).value, strict=True))
    for name in ("cd8_t_effector", "t_cell_inflamed_18", "cytolytic"):
        assert 0.49 <= round(areas[name], 2) <= 0.52
    told = dict(made.found.select("score", "verdict").iter_rows())
    assert told["t_cell_inflamed_18"] == "scored"  # 15 of 18
    assert told["tls_12_chemokines"] == ("refused: 6 of 12 genes found (50%), fewer than 60%")


# Ranks within a sample ---------------------------------------------------------------------------


def enrichment_by_walking(values: np.ndarray, inside: set[int], weight: float) -> float:
    """The running sums of one sample, gene after gene from the highest."""
    order = sorted(range(values.size), key=lambda gene: -values[gene])
    rank = {gene: values.size - place for place, gene in enumerate(order)}
    total = sum(rank[gene] ** weight for gene in inside)
    hits = misses = area = 0.0
    for gene in order:
        if gene in inside:
            hits += rank[gene] ** weight / total
        else:
            misses += 1 / (values.size - len(inside))
        area += hits - misses
    return area


@given(st.integers(0, 10_000), st.integers(1, 18), st.sampled_from([0.0, 0.25, 1.0]))
def test_the_rank_score_is_the_area_between_two_running_sums(
    seed: int, size: int, weight: float
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(20, 3))
    genes = [f"g{i}" for i in range(20)]
    inside = rng.choice(20, size=size, replace=False).tolist()
    sets = {"set": [genes[i] for i in inside]}
    made = single_sample_scores(expression(values, genes), sets, weight=weight)
    walked = [enrichment_by_walking(column, set(inside), weight) for column in values.T]
    np.testing.assert_allclose(made.assay.values[0], walked, atol=1e-10)


def test_another_patient_changes_no_rank_score_but_does_change_z_scores() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(30, 6))
    genes = [f"g{i}" for i in range(30)]
    sets = {"one": genes[:10], "two": genes[5:20]}
    all_six, five = expression(values, genes), expression(values[:, :5], genes)
    more = single_sample_scores(all_six, sets).assay.values
    np.testing.assert_array_equal(more[:, :5], single_sample_scores(five, sets).assay.values)
    one = [signature("mean_z", *genes[:10])]
    with_z = expression_scores(all_six, chosen=one).assay.values
    assert np.abs(with_z[:, :5] - expression_scores(five, chosen=one).assay.values).max() > 0.01


def test_tied_genes_share_their_rank_so_their_order_in_the_file_is_nothing() -> None:
    genes = [f"g{i}" for i in range(8)]
    values = np.array([[0.0, 0, 0, 0, 3, 2, 2, 1]]).T
    sets = {"set": ["g0", "g4", "g5"]}
    straight = single_sample_scores(expression(values, genes), sets).assay.values
    back = single_sample_scores(expression(values[::-1], genes[::-1]), sets).assay.values
    assert straight == back


def test_a_set_of_every_gene_has_no_score() -> None:
    data = expression(np.random.default_rng(0).normal(size=(3, 2)), ["A", "B", "C"])
    made = single_sample_scores(data, {"all": ["A", "B", "C"]})
    assert made.found["verdict"][0] == "refused: the set holds every gene measured"


# Gene sets ---------------------------------------------------------------------------------------


def test_hallmark_and_reactome_are_shipped_whole_with_hash_and_licence() -> None:
    hallmark, reactome = shipped("hallmark"), shipped("reactome")
    assert (len(hallmark.sets), len(reactome.sets)) == (50, 1615)
    assert (hallmark.licence, reactome.licence) == ("CC BY 4.0", "CC0 1.0")
    assert "Liberzon" in hallmark.attribution
    assert len(hallmark.sha256) == 64
    with pytest.raises(OnearmError, match="'go' are not shipped; there are hallmark, reactome"):
        shipped("go")


@needs_shared
def test_the_shipped_sets_are_the_files_they_were_made_from() -> None:
    for name in ("hallmark", "reactome"):
        raw = shared("omics", "genesets", f"{name}.gmt").read_bytes()
        assert parse_gmt(raw, "raw").sets == shipped(name).sets


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_a_gmt_file_is_read_plain_or_compressed(pack: object) -> None:
    made = parse_gmt(pack(b"B\tx\tTP53\tKRAS\tTP53\nA\tx\tMYC\t\n"), "my.gmt")  # type: ignore[operator]
    assert made.sets == {"A": ("MYC",), "B": ("KRAS", "TP53")}


def test_every_bad_line_of_a_gmt_file_is_named() -> None:
    with pytest.raises(Problems) as told:
        parse_gmt(b"A\tx\tMYC\nB\tx\nA\tx\tTP53\n", "my.gmt")
    text = str(told.value)
    assert "my.gmt:2: the set has no gene" in text
    assert "my.gmt:3: the set stood before" in text
    with pytest.raises(OnearmError, match=r"my.gmt: this is no text in UTF-8"):
        parse_gmt(b"\xff\xfe\x00", "my.gmt")


# Deconvolution -----------------------------------------------------------------------------------


def profiles(seed: int = 0) -> Assay:
    values = np.random.default_rng(seed).gamma(0.5, 40, size=(60, 4))
    genes = tuple(f"g{i}" for i in range(60))
    return Assay("profiles", "linear", genes, ("T", "B", "M", "F"), values, "TPM")


def test_a_known_mixture_is_taken_apart() -> None:
    pure = profiles()
    truth = np.random.default_rng(1).dirichlet(np.ones(4), size=5).T
    depth = np.array([1.0, 2, 0.5, 3, 1])
    bulk = expression(pure.values @ truth * depth, list(pure.features), "linear", "TPM")
    made = deconvolved(bulk, pure).assay
    assert made.features == ("T", "B", "M", "F", FIT)
    np.testing.assert_allclose(made.values[:4], truth, atol=1e-8)
    np.testing.assert_allclose(made.values[4], 1, atol=1e-8)


def test_logged_expression_and_few_common_genes_are_refused() -> None:
    pure = profiles()
    logged = expression(np.log2(pure.values + 1), list(pure.features))
    with pytest.raises(OnearmError, match="scale is log; a sample is a mixture of cells on a lin"):
        deconvolved(logged, pure)
    part = expression(pure.values[:30], list(pure.features)[:30], "linear", "TPM")
    with pytest.raises(OnearmError, match="30 of 60 genes found in rna; 60%"):
        deconvolved(part, pure)
