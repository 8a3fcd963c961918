"""The loader rules: each broken once in a file, with the place and the value that are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onearm.errors import Problems
from onearm.omics.loadrules import RULES
from onearm.store.assays import read_assays, read_manifest
from tests.store.assays.cases import load, one, refused, rules, sheet_of, value, write

COUNTS = "format: matrix\nscale: counts"
LINEAR = "format: matrix\nscale: linear"


@pytest.mark.parametrize(
    ("body", "options", "rule", "line", "found"),
    [
        ("A\t1\t2\nB\t1\t2\nA\t3\t4\n", COUNTS, "feature.duplicate", 4, "A"),
        ("A\t1\t2\n1-Mar\t3\t4\n", COUNTS, "feature.date", 3, "1-Mar"),
        ("A\t1\t2\nSep-02\t3\t4\n", COUNTS, "feature.date", 3, "Sep-02"),
        ("A\t1\t2\n2001-03-01\t3\t4\n", COUNTS, "feature.date", 3, "2001-03-01"),
        ("A\t1\t2\n44256\t3\t4\n", COUNTS, "feature.date", 3, "44256"),
        ("A\t1\t2\n\t3\t4\n", COUNTS, "feature.unnamed", 3, None),
        ("A\t1\t2,5\n", LINEAR, "value.comma", 2, "2,5"),
        ("A\t1\tInf\n", LINEAR, "value.infinite", 2, "inf"),
        ("A\t1\t-Inf\n", "format: matrix\nscale: log2", "value.infinite", 2, "-inf"),
        ("A\t1\t-2\n", COUNTS, "value.negative", 2, "-2"),
        ("A\t1\t-2.5\n", LINEAR, "value.negative", 2, "-2.5"),
        ("A\t1\t2.5\n", COUNTS, "value.fraction", 2, "2.5"),
        ("A\t1\tx\n", COUNTS, "value.text", 2, "x"),
        ("A\t0.5\t1.5\n", "format: matrix\nscale: beta", "value.share", 2, "1.5"),
        ("A\t0\t2\n", "format: matrix\nscale: binary", "value.binary", 2, "2"),
        ("A\t0\t3\n", "format: matrix\nscale: copy_number", "value.copy_number", 2, "3"),
        ("A\t1\t900\n", "format: matrix\nscale: log2", "value.linear", 2, "900"),
    ],
)
def test_a_broken_value_is_named_with_line_value_and_rule(
    tmp_path: Path, body: str, options: str, rule: str, line: int, found: str | None
) -> None:
    findings = refused(tmp_path, "g\tS1\tS2\n" + body, options, "S1", "S2")
    told = [f for f in findings if f.rule == rule]
    assert rule in rules(findings)
    assert [(f.place.file, f.place.line) for f in told] == [("data.tsv", line)]
    assert (None if told[0].value is None else str(told[0].value)) == found
    assert told[0].hint


def table(values: np.ndarray) -> str:
    rows = ["\t".join([f"G{at}", *(f"{v:.6g}" for v in row)]) for at, row in enumerate(values)]
    return "\n".join(["g\tS1\tS2", *rows]) + "\n"


RNG = np.random.default_rng(5)
READS = RNG.integers(0, 4000, (80, 2)).astype(float)
TPM = RNG.lognormal(6, 3, (80, 2))


@pytest.mark.parametrize(
    ("values", "scale", "rule"),
    [
        (np.log2(TPM + 1), "tpm", "value.logged"),
        (np.log2(TPM + 1), "intensity", "value.logged"),
        (READS, "tpm", "value.counts"),
        (READS, "fpkm", "value.counts"),
        (TPM * 1e7, "tpm", "value.tpm"),
        (TPM, "counts", "value.fraction"),
        (TPM, "log2", "value.linear"),
        (RNG.uniform(0, 1, (80, 2)), "m", "value.beta"),
    ],
)
def test_a_scale_that_the_values_deny_is_refused(
    tmp_path: Path, values: np.ndarray, scale: str, rule: str
) -> None:
    findings = refused(tmp_path, table(values), f"format: matrix\nscale: {scale}", "S1", "S2")
    assert rule in rules(findings)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (READS, "as counts are"),
        (TPM / TPM.sum(axis=0) * 1e6, "as TPM do"),
        (np.log2(TPM + 1), "as logarithms have"),
        (RNG.uniform(0, 1, (80, 2)), "as beta values or frequencies are"),
        (TPM, "as TPM, FPKM or intensities have"),
        (RNG.normal(0, 1, (80, 2)), "as logarithms or scores have"),
    ],
)
def test_what_the_numbers_are_is_never_guessed_but_advice_is_given(
    tmp_path: Path, values: np.ndarray, says: str
) -> None:
    findings = refused(tmp_path, table(values), "format: matrix", "S1", "S2")
    assert rules(findings) == ["scale.unstated"]
    assert says in findings[0].message


def test_every_problem_is_told_in_one_pass(tmp_path: Path) -> None:
    text = "g\tS1\tS2\nA\t-1\t2.5\nA\tInf\t1\n2-Sep\t1\tx\n"
    found = {f.rule for f in refused(tmp_path, text, COUNTS, "S1", "S2") if f.severity == "error"}
    assert found == {
        "feature.duplicate", "feature.date", "value.negative", "value.fraction",
        "value.infinite", "value.text",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("how", "expected"), [("sum", [4, 6]), ("mean", [2, 3]), ("highest", [3, 4])]
)
def test_features_of_one_name_are_brought_together_as_the_manifest_says(
    tmp_path: Path, how: str, expected: list[float]
) -> None:
    text = "g\tS1\tS2\nA\t1\t2\nB\t9\t9\nA\t3\t4\n"
    loaded = load(tmp_path, text, f"{COUNTS}\nduplicates: {how}", "S1", "S2")
    assert loaded.assays["m"].values.tolist() == [expected, [9, 9]]
    why = loaded.loaded.filter(loaded.loaded["dropped"] > 0)
    assert why.select("rows_in", "dropped", "kept", "why").rows() == [
        (3, 1, 2, f"features of one name: {how}")
    ]


def test_dates_can_be_dropped_and_are_counted(tmp_path: Path) -> None:
    text = "g\tS1\nA\t1\n1-Mar\t2\n2-Sep\t3\n"
    loaded = load(tmp_path, text, f"{COUNTS}\ndate_symbols: drop", "S1")
    assert loaded.assays["m"].features == ("A",)
    assert "gene symbols changed to dates" in loaded.loaded["why"].to_list()


def test_numbers_of_entrez_genes_are_no_dates(tmp_path: Path) -> None:
    assert one(tmp_path, "g\tS1\n44256\t1\n7157\t2\n3845\t3\n", COUNTS, "S1").features == (
        "3845", "44256", "7157",
    )  # fmt: skip


def test_versions_come_off_and_genes_that_then_are_one_are_refused(tmp_path: Path) -> None:
    text = "g\tS1\nENSG00000141510.18\t1\nENSG00000141510.17\t2\n"
    assert [f.rule for f in refused(tmp_path, text, COUNTS, "S1") if f.severity == "error"] == [
        "feature.duplicate"
    ]
    single = load(tmp_path, "g\tS1\nENSG00000141510.18\t1\n", COUNTS, "S1")
    assert single.assays["m"].features == ("ENSG00000141510",)
    assert single.assays["m"].feature_info.row(0) == ("ENSG00000141510", "ENSG00000141510.18")
    assert rules(list(single.findings)) == ["feature.version"]


def test_a_sample_in_other_capitals_gets_the_name_of_the_sheet(tmp_path: Path) -> None:
    loaded = load(tmp_path, "g\tp01_c1d1\nA\t1\n", COUNTS, "P01_C1D1")
    assert loaded.assays["m"].samples == ("P01_C1D1",)
    assert rules(list(loaded.findings)) == ["sample.case"]
    twice = refused(tmp_path, "g\ts1\tS1\nA\t1\t2\n", COUNTS, "S1")
    assert "sample.duplicate" in rules(twice)


def test_samples_without_a_place_in_the_sheet_and_without_data_are_told(tmp_path: Path) -> None:
    loaded = load(tmp_path, "g\tS1\tX9\nA\t1\t2\n", COUNTS, "S1", "S2")
    assert [(f.rule, f.value) for f in loaded.findings] == [
        ("sample.unknown", "X9"),
        ("sample.absent", "S2"),
    ]
    assert loaded.assays["m"].samples == ("S1",)
    assert rules(refused(tmp_path, "g\tX1\nA\t1\n", COUNTS, "S1")) == ["sample.none"]


def test_empty_columns_and_rows_are_left_out_and_told(tmp_path: Path) -> None:
    text = "g\tS1\tS2\t\nA\t1\tNA\t\nB\tNA\t\t\n"
    loaded = load(tmp_path, text, COUNTS, "S1", "S2")
    assert loaded.assays["m"].values.tolist() == [[1]]
    assert [(f.rule, f.value) for f in loaded.findings] == [
        ("sample.empty", "S2"),
        ("feature.empty", "B"),
        ("sample.absent", "S2"),
    ]


def test_a_decimal_comma_per_cent_and_estimates_are_read_when_said(tmp_path: Path) -> None:
    comma = one(tmp_path, "g;S1\nA;2,5\n", f"{LINEAR}\ndecimal: comma", "S1")
    assert value(comma, "A", "S1") == 2.5
    share = one(tmp_path, "g\tS1\nCD8\t12.5\n", "format: matrix\nscale: share\npercent: true", "S1")
    assert value(share, "CD8", "S1") == 0.125
    reads = one(tmp_path, "g\tS1\nA\t2.4\n", f"{COUNTS}\nestimated: true", "S1")
    assert value(reads, "A", "S1") == 2


def test_the_array_of_methylation_values_is_kept(tmp_path: Path) -> None:
    options = "format: matrix\nscale: beta\narray: EPIC v2"
    assay = one(tmp_path, "cpg\tS1\ncg00000029\t0.5\n", options, "S1")
    assert (assay.scale, assay.details["array"]) == ("share", "EPIC v2")


def test_many_broken_values_are_counted_instead_of_listed(tmp_path: Path) -> None:
    text = "g\tS1\n" + "".join(f"G{at}\tx\n" for at in range(500))
    found = refused(tmp_path, text, COUNTS, "S1")
    assert len(found) == 11
    assert "490 more places" in found[-1].message


def test_a_scale_that_the_format_denies_is_refused(tmp_path: Path) -> None:
    text = "Name\tLength\tEffectiveLength\tTPM\tNumReads\nA\t1\t1\t1\t1\n"
    found = refused(tmp_path, text, "format: salmon\nscale: log2", "S1", name="S1/quant.sf")
    assert "manifest.option" in rules(found)


@pytest.mark.parametrize(
    ("options", "rule", "line", "hint"),
    [
        ("file: d.tsv\nformat: matrx", "manifest.format", 5, "matrix"),
        ("file: d.tsv\nformat: matrix\nscal: tpm", "manifest.key", 6, "scale"),
        ("file: d.tsv\nformat: matrix\nscale: TPMs", "manifest.option", 6, ""),
        ("file: d.tsv\nformat: matrix\nduplicates: best", "manifest.option", 6, ""),
        ("file: none.tsv\nformat: matrix", "manifest.file", 3, ""),
        ("file: d.tsv\nformat: maf\nsequenced: none.txt", "manifest.file", 6, ""),
        ("format: matrix", "manifest.missing", 3, ""),
    ],
)
def test_a_wrong_manifest_names_its_line(
    tmp_path: Path, options: str, rule: str, line: int, hint: str
) -> None:
    path = write(tmp_path, {"d.tsv": "g\tS1\nA\t1\n"}, options, sheet=sheet_of("S1"))
    with pytest.raises(Problems) as caught:
        read_manifest(path)
    told = caught.value.findings
    assert [(f.rule, f.place.line) for f in told] == [(rule, line)]
    assert hint in told[0].hint


def test_a_manifest_may_be_a_csv_file(tmp_path: Path) -> None:
    write(tmp_path, {"a.tsv": "g\tS1\nA\t1\n"}, "file: a.tsv\nformat: matrix", sheet=sheet_of("S1"))
    manifest = tmp_path / "assays.csv"
    manifest.write_text(
        "modality,file,format,scale,ignore\nsheet,samples.csv,,,\nm,a.tsv,matrix,counts,\n"
    )
    read = read_manifest(manifest)
    assert [(e.modality, e.format, e.scale) for e in read.entries] == [("m", "matrix", "counts")]
    assert read_assays(read).assays["m"].values.tolist() == [[1]]
    manifest.write_text("modality,file,format,scale\nm,a.tsv,matrix,counts\nm,b.tsv,matrix,tpm\n")
    with pytest.raises(Problems) as caught:
        read_manifest(manifest)
    assert rules(caught.value.findings) == ["manifest.twice", "manifest.file", "manifest.missing"]


@pytest.mark.parametrize(
    ("content", "options", "rule", "says"),
    [
        (b"\x1f\x8bdamaged", COUNTS, "file.unreadable", "packed file"),
        (b"g\tS1\nA\t1\n\xe4", COUNTS, "file.unreadable", "not UTF-8"),
        (b"\n\n", COUNTS, "file.empty", "empty"),
        (b"g\tS1\n", COUNTS, "file.empty", "no samples or no features"),
        (b"g\tS1\nA\t1\t2\nB\t1\n", COUNTS, "file.layout", "names 2 columns and the line has 3"),
        (b"gene\tS1\nA\t1\n", "format: salmon", "file.layout", "Name"),
    ],
)
def test_a_file_of_which_nothing_can_be_used_is_one_finding(
    tmp_path: Path, content: bytes, options: str, rule: str, says: str
) -> None:
    found = refused(tmp_path, content, options, "S1")
    assert rules(found) == [rule]
    assert says in found[0].message


MAF_HEAD = (
    "Hugo_Symbol\tChromosome\tStart_Position\tVariant_Classification\tVariant_Type\t"
    "Reference_Allele\tTumor_Seq_Allele2\tTumor_Sample_Barcode\n"
)


def test_unknown_classes_and_missing_callable_megabases_are_warnings(tmp_path: Path) -> None:
    row = "TP53\t17\t7577120\tMis_sense\tSNP\tC\tT\tS1\n"
    options = "format: maf\nsequenced: sheet"
    loaded = load(tmp_path, MAF_HEAD + row, options, "S1", name="a.maf")
    assert [(f.rule, f.severity) for f in loaded.findings] == [
        ("variants.class", "warning"),
        ("variants.callable", "warning"),
    ]
    assert loaded.assays["m"].features == ()


def test_every_rule_of_the_table_is_used_and_tested() -> None:
    here = Path(__file__).resolve()
    tests = [*here.parent.glob("*.py"), here.parents[2] / "omics" / "test_checks.py"]
    source = [*(here.parents[3] / "src" / "onearm" / "store" / "assays").glob("*.py")]
    source += [here.parents[3] / "src" / "onearm" / "omics" / "checks.py"]
    for paths in (tests, source):
        text = "".join(path.read_text(encoding="utf-8") for path in paths)
        assert [rule for rule in RULES if f'"{rule}"' not in text] == []
