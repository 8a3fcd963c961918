"""Broken files of every format end in findings, never in a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onearm.errors import OnearmError
from onearm.store.assays import (
    FORMATS,
    read_assays,
    read_h5mu,
    read_manifest,
    read_outcomes,
    read_sheet,
)
from tests.store.assays import test_formats as whole
from tests.store.assays.cases import sheet_of, tabs, write

SAMPLES: dict[str, str] = {
    "matrix": "g\tS1\tS2\nA\t1\t2\nB\t3\t4\n",
    "samples": "sample_id,TMB\nS1,3\nS2,4\n",
    "long": "sample_id,analyte,value,unit,below_lod\nS1,IL6,<3,pg/mL,yes\nS2,IL6,4,pg/mL,no\n",
    "maf": tabs(whole.MAF),
    "vcf": whole.vep(),
    "seg": whole.SEG,
    "gistic": "Gene Symbol\tLocus ID\tCytoband\tS1\nA\t1\t1p\t2\n",
    "arms": "Arm\tS1\n1p\t0.4\n",
    "salmon": "Name\tLength\tEffectiveLength\tTPM\tNumReads\nA\t1\t1\t1\t1\n",
    "star": "N_unmapped\t1\t1\t1\nA\t1\t1\t1\n",
    "featurecounts": "# x\nGeneid\tChr\tStart\tEnd\tStrand\tLength\tS1.bam\nA\t1\t1\t2\t+\t9\t5\n",
    "rsem": "gene_id\ttranscript_id(s)\texpected_count\tTPM\tFPKM\nA\ta\t1\t2\t3\n",
    "rcc": "<Code_Summary>\nCodeClass,Name,Accession,Count\nEndogenous,A,B,4\n</Code_Summary>\n",
    "maxquant": "Protein IDs\tMajority protein IDs\tReverse\tLFQ intensity S1\nP\tP\t\t4\n",
    "diann_matrix": "Protein.Group\tGenes\tS1\nP\tA\t4\n",
    "diann": "Run\tProtein.Group\tGenes\tQ.Value\tPG.Q.Value\tPG.MaxLFQ\nS1\tP\tA\t0\t0\t4\n",
    "olink": "SampleID;OlinkID;Assay;LOD;NPX\nS1;O1;IL6;1;2\n",
    "mwtab": "MS_METABOLITE_DATA_START\nSamples\tS1\nFactors\tx\nA\t4\nMS_METABOLITE_DATA_END\n",
    "biom": whole.biom("sparse"),
    "features": "#OTU ID\tS1\ttaxonomy\nA\t4\tk\n",
    "motus": "# a\n#mOTU\tS1\nA\t4\n",
    "metaphlan": whole.METAPHLAN,
    "kraken": "50\t5\t5\tS\t853\t  A b\n",
    "h5ad": "\x89HDF",
    "h5mu": "\x89HDF",
}
OPTIONS = {"seg": "build: GRCh37", "star": "strand: forward"}


def survives(folder: Path, name: str, content: bytes) -> None:
    scale = "" if FORMATS[name].scale else "\nscale: linear"
    said = f"file: broken.dat\nformat: {name}{scale}\n{OPTIONS.get(name, '')}"
    manifest = write(
        folder, {"broken.dat": content}, said, sheet=sheet_of("S1", "S2", "broken.dat")
    )
    told = "nothing is wrong"
    try:
        read_assays(read_manifest(manifest))
    except OnearmError as problem:
        told = str(problem)
    assert told.strip()


def broken(content: bytes, chance: random.Random) -> bytes:
    """The bytes cut off, some changed, a line repeated, or a cell put in."""
    way = chance.randrange(5)
    if way == 0:
        return content[: chance.randrange(len(content))]
    if way == 1:
        at = chance.randrange(len(content))
        return content[:at] + bytes(chance.randrange(256) for _ in range(3)) + content[at + 3 :]
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    if way == 2:
        return b"\n".join([*lines[: at + 1], lines[at], *lines[at + 1 :]])
    odd = chance.choice(
        [b"", b"\t", b'"', b"Inf", b"-", b"1e999", b"\xe4", b"\0", b"9" * 400, b"{"]
    )
    if way == 3:
        return b"\n".join([*lines[:at], odd + lines[at], *lines[at + 1 :]])
    cells = lines[at].split(b"\t")
    cells[chance.randrange(len(cells))] = odd
    return b"\n".join([*lines[:at], b"\t".join(cells), *lines[at + 1 :]])


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_ends_in_findings(tmp_path: Path, name: str) -> None:
    chance = random.Random(name)  # noqa: S311
    content = SAMPLES[name].encode("utf-8", "surrogateescape")
    for _ in range(25):
        survives(tmp_path, name, broken(content, chance))


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60))
def test_random_bytes_end_in_findings(tmp_path: Path, name: str, content: bytes) -> None:
    survives(tmp_path, name, content)


@pytest.mark.parametrize("reader", [read_sheet, read_outcomes, read_manifest, read_h5mu])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.text(max_size=80).map(lambda t: t.encode("utf-8", "replace")),
        st.text(alphabet="sample_id,ubjt:\n- \t{}[]1é", max_size=80).map(str.encode),
    ),
    ending=st.sampled_from([".csv", ".yaml", ".parquet"]),
)
def test_no_other_reader_lets_a_broken_file_through(  # type: ignore[no-untyped-def]
    tmp_path: Path, reader, content: bytes, ending: str
) -> None:
    path = tmp_path / f"broken{ending}"
    path.write_bytes(content)
    told = "nothing is wrong"
    try:
        reader(path)
    except OnearmError as problem:
        told = str(problem)
    assert told.strip()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_mudata_file_that_is_cut_off_ends_in_findings(tmp_path: Path, share: float) -> None:
    pytest.importorskip("mudata")
    from onearm.store.assays import write_h5mu
    from tests.store.assays.cases import load

    given_assays = load(tmp_path, SAMPLES["matrix"], "format: matrix\nscale: counts", "S1", "S2")
    write_h5mu(given_assays, tmp_path / "whole.h5mu")
    raw = (tmp_path / "whole.h5mu").read_bytes()
    (tmp_path / "cut.h5mu").write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(OnearmError, match=r"cut\.h5mu"):
        read_h5mu(tmp_path / "cut.h5mu")
