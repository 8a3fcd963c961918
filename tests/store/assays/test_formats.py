"""Each accepted format in its own layout: what is read, what is left out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from onearm.store.assays import FORMATS
from tests.store.assays.cases import load, one, refused, rules, tabs, value


def step(folder: Path, content: str | bytes, options: str, *samples: str, name: str) -> list[str]:
    loaded = load(folder, content, options, *samples, name=name).loaded
    return loaded.filter(pl.col("dropped") > 0).get_column("why").to_list()


def test_a_matrix_as_r_writes_it_lacks_the_name_of_its_first_column(tmp_path: Path) -> None:
    text = tabs("""S1 | S2
                   TP53 | 4 | 0
                   KRAS | 7 | NA""")
    assay = one(tmp_path, text, "format: matrix\nscale: counts", "S1", "S2")
    assert (assay.features, assay.samples) == (("KRAS", "TP53"), ("S1", "S2"))
    assert value(assay, "TP53", "S1") == 4
    assert np.isnan(value(assay, "KRAS", "S2"))


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_matrix_may_be_separated_by_comma_semicolon_or_tab(tmp_path: Path, mark: str) -> None:
    text = "gene,S1,S2\nA,1,2\n\nB,3,4\n".replace(",", mark)
    assert one(tmp_path, text, "format: matrix\nscale: counts", "S1", "S2").values.tolist() == [
        [1, 2],
        [3, 4],
    ]


def test_a_quoted_name_may_hold_the_separator(tmp_path: Path) -> None:
    text = 'name,S1\n"PC(16:0,18:1)",2.5\n'
    assay = one(tmp_path, text, "format: matrix\nscale: linear", "S1")
    assert assay.features == ("PC(16:0,18:1)",)


def test_a_feature_table_describes_the_features(tmp_path: Path) -> None:
    (tmp_path / "annotation.csv").write_text("id,hmdb\nserine,HMDB0000187\nother,X\n")
    text = "id,S1\nserine,3\nglycine,4\n"
    options = "format: matrix\nscale: linear\nfeature_table: annotation.csv"
    info = one(tmp_path, text, options, "S1").feature_info
    assert info.rows() == [("glycine", None), ("serine", "HMDB0000187")]


def test_scalars_keep_the_laboratorys_value_and_words_get_the_order_that_is_said(
    tmp_path: Path,
) -> None:
    text = "sample_id,TMB,MSI,lab\nS1,8.2,MSS,x\nS2,,MSI-H,y\n"
    options = "format: samples\nscale: score\nignore: [lab]\nlevels: {MSI: MSS < MSI-L < MSI-H}"
    assay = one(tmp_path, text, options, "S1", "S2")
    assert value(assay, "TMB", "S1") == 8.2
    assert (value(assay, "MSI", "S1"), value(assay, "MSI", "S2")) == (0, 2)
    assert "lab" not in assay.features


def test_words_without_an_order_are_refused_with_line_and_value(tmp_path: Path) -> None:
    text = "sample_id,MSI\nS1,MSS\nS2,MSI-H\n"
    found = refused(tmp_path, text, "format: samples\nscale: score", "S1", "S2")
    assert [(f.rule, f.place.line, f.value) for f in found] == [
        ("value.text", 2, "MSS"),
        ("value.text", 3, "MSI-H"),
    ]


def test_a_long_table_finds_its_samples_through_the_sheet_and_flags_values_below_the_limit(
    tmp_path: Path,
) -> None:
    text = (
        "subject_id,timepoint,analyte,value,unit,below_lod\n"
        "P0,baseline,IL6,<0.5,pg/mL,\nP1,baseline,IL6,7.5,pg/mL,no\nP1,baseline,AFP,12,ng/mL,\n"
    )
    assay = one(tmp_path, text, "format: long\nscale: linear", "S1", "S2")
    assert assay.below_lod is not None
    assert value(assay, "IL6", "S1") == 0.5
    assert assay.below_lod.tolist() == [[False, False], [True, False]]
    assert assay.feature_info.filter(feature="IL6").row(0) == ("IL6", 0.5, "pg/mL")
    assert np.isnan(value(assay, "AFP", "S1"))


def test_an_analyte_in_two_units_and_a_value_given_twice_are_refused(tmp_path: Path) -> None:
    text = "sample_id,analyte,value,unit\nS1,IL6,1,pg/mL\nS2,IL6,1,ng/mL\nS2,IL6,2,ng/mL\n"
    found = refused(tmp_path, text, "format: long\nscale: linear", "S1", "S2")
    assert sorted(rules(found)) == ["feature.duplicate", "unit.mixed"]


MAF = """#version 2.4
Hugo_Symbol | Chromosome | Start_Position | Variant_Classification | Variant_Type | Reference_Allele | Tumor_Seq_Allele2 | Tumor_Sample_Barcode | t_ref_count | t_alt_count
TP53 | chr17 | 7577120 | Missense_Mutation | SNP | C | T | S1 | 30 | 10
TP53 | chr17 | 7577121 | Silent | SNP | G | A | S2 | 30 | 10
TP53 | chr17 | 7577120 | Missense_Mutation | SNP | C | T | S1 | 30 | 10
KRAS | 12 | 25398284 | Missense_Mutation | SNP | C | A | S2 | 1 | 1
"""  # noqa: E501


def test_a_sample_without_a_variant_is_wild_type_only_if_it_was_sequenced(tmp_path: Path) -> None:
    common = "format: maf\ncallable_mb: 30"
    samples = ("S1", "S2", "S3")
    without = load(tmp_path, tabs(MAF), common, *samples)
    assert without.assays["m"].samples == ("S1", "S2")
    assert rules(list(without.findings)) == ["variants.sequenced", "sample.absent"]
    said = load(tmp_path, tabs(MAF), common + "\nsequenced: sheet", *samples)
    assay = said.assays["m"]
    assert assay.values.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert assay.details["callable_mb"] == 30
    assert "Missense_Mutation" in str(assay.details["nonsynonymous"])
    variants = said.variants["m"]
    assert variants.height == 3
    assert variants.filter(gene="TP53", sample_id="S1").row(0)[2:] == (
        "17", 7577120, "C", "T", "SNP", "Missense_Mutation", True, 0.25,
    )  # fmt: skip


def test_the_classes_that_count_are_configurable(tmp_path: Path) -> None:
    options = "format: maf\ncallable_mb: 1\nsequenced: [S1, S2]\nnonsynonymous: [Silent]"
    assay = one(tmp_path, tabs(MAF), options, "S1", "S2")
    assert assay.features == ("TP53",)
    assert assay.values.tolist() == [[0, 1]]


def test_a_sample_with_variants_that_is_not_on_the_list_is_refused(tmp_path: Path) -> None:
    options = "format: maf\ncallable_mb: 1\nsequenced: [S1]"
    found = refused(tmp_path, tabs(MAF), options, "S1", "S2")
    assert [(f.rule, f.value) for f in found if f.severity == "error"] == [
        ("variants.unsequenced", "S2")
    ]


def test_a_panel_says_which_genes_were_looked_at(tmp_path: Path) -> None:
    (tmp_path / "panel.txt").write_text("TP53\nIDH1\n")
    options = "format: maf\ncallable_mb: 1\nsequenced: sheet\ngenes: panel.txt"
    assay = one(tmp_path, tabs(MAF), options, "S1", "S2")
    assert (assay.features, assay.values.tolist()) == (("IDH1", "TP53"), [[0, 0], [1, 0]])


HEAD = "##fileformat=VCFv4.2\n"
CSQ_HEAD = (
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. '
    'Format: Allele|Consequence|IMPACT|SYMBOL|Gene">\n'
)
CSQ = tabs("""#CHROM | POS | ID | REF | ALT | QUAL | FILTER | INFO | FORMAT | S1 | S2
    chr17 | 100 | . | C | T,G | . | PASS | CSQ=T~missense_variant~M~TP53~E1,T~intron_variant~L~TP53~E1,G~stop_gained~H~TP53~E1 | GT:AD | 0/1:30,10,0 | 0/0:40,0,0
    chr12 | 200 | . | CA | C | . | PASS | CSQ=-~frameshift_variant~H~KRAS~E2 | GT | 0/0 | 0|1
    chr12 | 201 | . | C | A | . | germline | CSQ=A~missense_variant~M~IDH1~E3 | GT | 1/1 | 1/1
    chr2 | 300 | . | C | A | . | PASS | CSQ=A~synonymous_variant~L~ALB~E4 | GT | 1/1 | ./.""")  # noqa: E501


def vep() -> str:
    """The VCF with bars where the table above had to do without them."""
    return HEAD + CSQ_HEAD + CSQ.replace("0/0\t0\t1", "0/0\t0|1").replace("~", "|")


@pytest.mark.parametrize("pack", [False, True])
def test_a_vcf_with_vep_consequences_gives_the_worst_of_each_gene(
    tmp_path: Path, pack: bool
) -> None:
    raw = vep().encode()
    loaded = load(
        tmp_path,
        gzip.compress(raw) if pack else raw,
        "format: vcf\ncallable_mb: 30\nsequenced: sheet",
        "S1",
        "S2",
        name="a.vcf.gz" if pack else "a.vcf",
    )
    assay = loaded.assays["m"]
    assert (assay.features, assay.values.tolist()) == (("KRAS", "TP53"), [[0, 1], [1, 0]])
    told = loaded.variants["m"].select("gene", "class", "type", "allele_fraction").rows()
    assert told == [
        ("TP53", "Missense_Mutation", "SNP", 0.25),
        ("KRAS", "Frame_Shift_Del", "DEL", None),
        ("ALB", "Silent", "SNP", None),
    ]


def test_a_filtered_variant_is_read_only_when_asked_for(tmp_path: Path) -> None:
    options = "format: vcf\ncallable_mb: 30\nsequenced: sheet\nfilters: all"
    assert "IDH1" in one(tmp_path, vep(), options, "S1", "S2", name="a.vcf").features


@pytest.mark.parametrize(
    ("info", "gene"),
    [
        ("ANN=T|missense_variant|MODERATE|TP53|ENSG1|x", "TP53"),
        ("Func.refGene=exonic;Gene.refGene=TP53;ExonicFunc.refGene=nonsynonymous_SNV", "TP53"),
        ("Func.refGene=splicing;Gene.refGene=TP53;ExonicFunc.refGene=.", "TP53"),
        ("Func.refGene=exonic;Gene.refGene=TP53;ExonicFunc.refGene=synonymous_SNV", ""),
        ("Func.refGene=intronic;Gene.refGene=TP53;ExonicFunc.refGene=.", ""),
    ],
)
def test_snpeff_and_annovar_are_understood_and_the_normal_sample_is_no_tumour(
    tmp_path: Path, info: str, gene: str
) -> None:
    head = "##fileformat=VCFv4.2\n##normal_sample=N1\n"
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tN1\tS1\n"
    line = f"17\t100\t.\tC\tT\t.\tPASS\t{info}\tGT:AF\t0/1:0.4\t0/1:0.2\n"
    options = "format: vcf\ncallable_mb: 30\nsequenced: sheet"
    assay = one(tmp_path, head + columns + line, options, "S1", name="s1.vcf")
    assert (assay.samples, assay.features) == (("S1",), (gene,) if gene else ())


def test_a_binary_vcf_is_read_with_the_extra(tmp_path: Path) -> None:
    pysam = pytest.importorskip("pysam")
    source = tmp_path / "source.vcf"
    source.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=17>\n"
        '##FILTER=<ID=PASS,Description="All filters passed">\n'
        '##INFO=<ID=ANN,Number=.,Type=String,Description="SnpEff">\n'
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
        "17\t100\t.\tC\tT\t.\tPASS\tANN=T|stop_gained|HIGH|TP53|E|x\tGT\t0/1\n"
    )
    with (
        pysam.VariantFile(str(source)) as given,
        pysam.VariantFile(str(tmp_path / "binary.bcf"), "wb", header=given.header) as made,
    ):
        for record in given:
            made.write(record)
    raw = (tmp_path / "binary.bcf").read_bytes()
    options = "format: vcf\ncallable_mb: 30\nsequenced: sheet"
    assay = one(tmp_path, raw, options, "S1", name="a.bcf")
    assert (assay.features, assay.values.tolist()) == (("TP53",), [[1]])


SEG = tabs("""ID | chrom | loc.start | loc.end | num.mark | seg.mean
              S1 | 1 | 1 | 100000000 | 10 | 0.5
              S1 | 1 | 100000000 | 123400000 | 10 | 1.5
              S1 | chr1 | 123400000 | 200000000 | 10 | -1
              S2 | 1 | 200 | 300 | 10 | 0.25""")


def test_segments_become_arms_weighted_by_their_length(tmp_path: Path) -> None:
    assay = one(tmp_path, SEG, "format: seg\nbuild: GRCh38", "S1", "S2", name="a.seg")
    expected = (0.5 * (100_000_000 - 1) + 1.5 * 23_400_000) / (123_400_000 - 1)
    assert value(assay, "1p", "S1") == pytest.approx(expected)
    assert (value(assay, "1q", "S1"), value(assay, "1p", "S2")) == (-1, 0.25)
    assert np.isnan(value(assay, "1q", "S2"))


def test_segments_become_genes_where_their_places_are_given(tmp_path: Path) -> None:
    (tmp_path / "genes.csv").write_text("gene,chromosome,start,end\nMYC,1,150,250\nX,2,1,2\n")
    loaded = load(tmp_path, SEG, "format: seg\ngenes: genes.csv", "S1", "S2", name="a.seg")
    assert loaded.assays["m"].features == ("MYC",)
    assert loaded.assays["m"].values.tolist() == [[0.5, 0.25]]
    assert rules(list(loaded.findings)) == ["feature.empty"]


def test_gistic_tables_keep_cytobands_and_arms_are_log_ratios(tmp_path: Path) -> None:
    text = tabs("""Gene Symbol | Locus ID | Cytoband | S1 | S2
                   CCND1 | 595 | 11q13.3 | 2 | 0
                   FGF19 | 9965 | 11q13.3 | -1 | 1""")
    assay = one(tmp_path, text, "format: gistic\nscale: copy_number", "S1", "S2")
    assert assay.values.tolist() == [[2, 0], [-1, 1]]
    assert assay.feature_info.get_column("Cytoband").to_list() == ["11q13.3"] * 2
    arms = one(tmp_path, "Chromosome Arm\tS1\n1p\t-0.3\n", "format: arms\nscale: log2", "S1")
    assert value(arms, "1p", "S1") == -0.3


def test_salmon_reads_are_rounded_and_the_folder_names_the_sample(tmp_path: Path) -> None:
    text = tabs("""Name | Length | EffectiveLength | TPM | NumReads
                   T1 | 100 | 90 | 12.5 | 3.5
                   T2 | 100 | 90 | 2.5 | 4.25
                   T3 | 100 | 90 | 0 | 7""")
    name = "salmon/S1/quant.sf"
    assay = one(tmp_path, text, "format: salmon", "S1", name=name)
    assert (assay.scale, assay.values[:, 0].tolist()) == ("counts", [4, 4, 7])
    tpm = one(tmp_path, text, "format: salmon\nvalue: tpm", "S1", name=name)
    assert (tpm.unit, value(tpm, "T1", "S1")) == ("TPM", 12.5)
    (tmp_path / "tx2gene.tsv").write_text("tx\tgene\nT1\tA\nT2\tA\n")
    genes = one(tmp_path, text, "format: salmon\ntx2gene: tx2gene.tsv", "S1", name=name)
    assert (genes.features, genes.values.tolist()) == (("A",), [[8]])


def test_star_counts_need_the_strand_and_pass_over_the_first_rows(tmp_path: Path) -> None:
    text = tabs("""N_unmapped | 10 | 10 | 10
                   N_multimapping | 1 | 1 | 1
                   N_noFeature | 1 | 2 | 3
                   N_ambiguous | 1 | 1 | 1
                   ENSG00000141510.18 | 20 | 1 | 19
                   ENSG00000133703.14 | 30 | 2 | 28""")
    name = "S1.ReadsPerGene.out.tab"
    found = refused(tmp_path, text, "format: star", "S1", name=name)
    assert "unstranded 50, forward 3, reverse 47" in found[0].message
    loaded = load(tmp_path, text, "format: star\nstrand: reverse", "S1", name=name)
    assay = loaded.assays["m"]
    assert assay.features == ("ENSG00000133703", "ENSG00000141510")
    assert assay.values.tolist() == [[28], [19]]
    assert rules(list(loaded.findings)) == ["feature.version"]


def test_feature_counts_name_samples_by_their_bam(tmp_path: Path) -> None:
    text = "# Program:featureCounts v2.0.1; Command:...\n" + tabs(
        """Geneid | Chr | Start | End | Strand | Length | /data/bam/S1.bam | S2.bam
           A | 1 | 1 | 2 | + | 300 | 5 | 6"""
    )
    assay = one(tmp_path, text, "format: featurecounts", "S1", "S2")
    assert assay.values.tolist() == [[5, 6]]
    assert assay.feature_info.row(0) == ("A", "300")


def test_rsem_gives_expected_counts_tpm_or_fpkm(tmp_path: Path) -> None:
    text = tabs("""gene_id | transcript_id(s) | length | effective_length | expected_count | TPM | FPKM
                   A | a1,a2 | 100 | 90 | 10.4 | 3.5 | 2.5""")  # noqa: E501
    name = "S1.genes.results"
    assert one(tmp_path, text, "format: rsem", "S1", name=name).values.tolist() == [[10]]
    assert one(tmp_path, text, "format: rsem\nvalue: fpkm", "S1", name=name).unit == "FPKM"


def test_nanostring_controls_are_left_out_and_counted(tmp_path: Path) -> None:
    text = (
        "<Header>\nFileVersion,1.7\n</Header>\n\n<Code_Summary>\nCodeClass,Name,Accession,Count\n"
        "Endogenous,CD8A,NM_001768.5,120\nHousekeeping,GAPDH,NM_002046.3,5000\n"
        "Positive,POS_A(128),ERCC_00117.1,30000\nNegative,NEG_A(0),ERCC_00096.1,4\n"
        "</Code_Summary>\n"
    )
    assay = one(tmp_path, text, "format: rcc", "S1", name="S1.RCC")
    assert (assay.features, assay.values.tolist()) == (("CD8A", "GAPDH"), [[120], [5000]])
    assert step(tmp_path, text, "format: rcc", "S1", name="S1.RCC") == ["control probes"]


def test_maxquant_leaves_out_decoys_and_contaminants_and_takes_0_for_missing(
    tmp_path: Path,
) -> None:
    text = tabs("""Protein IDs | Majority protein IDs | Gene names | Intensity S1 | LFQ intensity S1 | LFQ intensity S2 | Only identified by site | Reverse | Potential contaminant
        P1;P2 | P1 | ALB;X | 9 | 100.5 | 0 |  |  |
        REV__P3 | REV__P3 |  | 9 | 1 | 1 |  | + |
        CON__P4 | CON__P4 | KRT1 | 9 | 1 | 1 |  |  | +
        P5 | P5 | TTR | 9 | 1 | 1 | + |  |
        P6 | P6 | AFP | 9 | 3 | 4 |  |  | """)  # noqa: E501
    loaded = load(tmp_path, text, "format: maxquant", "S1", "S2")
    assay = loaded.assays["m"]
    assert assay.features == ("P1", "P6")
    assert assay.feature_info.get_column("gene").to_list() == ["ALB", "AFP"]
    assert np.isnan(value(assay, "P1", "S2"))
    assert rules(list(loaded.findings)) == ["file.control"] * 3
    named = one(tmp_path, text, "format: maxquant\nname: gene\nvalue: intensity", "S1")
    assert (named.features, named.values[:, 0].tolist()) == (("AFP", "ALB"), [9, 9])


def test_diann_as_matrix_and_as_report_give_the_same(tmp_path: Path) -> None:
    matrix = tabs("""Protein.Group | Protein.Ids | Protein.Names | Genes | First.Protein.Description | C:\\run\\S1.raw | /x/S2.mzML
                     P1 | P1 | ALBU | ALB | Albumin | 10.5 |
                     P2 | P2 | AFP | AFP | Alpha | 3 | 4""")  # noqa: E501
    report = tabs("""Run | Protein.Group | Genes | Precursor.Id | Q.Value | PG.Q.Value | PG.MaxLFQ
                     S1 | P1 | ALB | AA2 | 0.001 | 0.001 | 10.5
                     S1 | P1 | ALB | BB2 | 0.001 | 0.001 | 10.5
                     S2 | P1 | ALB | AA2 | 0.2 | 0.001 | 99
                     S1 | P2 | AFP | CC2 | 0.001 | 0.001 | 3
                     S2 | P2 | AFP | CC2 | 0.001 | 0.001 | 4""")
    one_way = one(tmp_path, matrix, "format: diann_matrix", "S1", "S2")
    other = one(tmp_path, report, "format: diann", "S1", "S2")
    assert one_way.features == other.features == ("P1", "P2")
    np.testing.assert_array_equal(one_way.values, other.values)
    assert step(tmp_path, report, "format: diann", "S1", "S2", name="data.tsv") == [
        "Q.Value or PG.Q.Value above 0.01"
    ]


def test_olink_flags_npx_below_the_limit_and_leaves_out_controls(tmp_path: Path) -> None:
    text = (
        "SampleID;SampleType;OlinkID;UniProt;Assay;Panel;PlateID;QC_Warning;LOD;NPX\n"
        "S1;SAMPLE;OID1;P05231;IL6;Inf;1;Pass;0.5;0.3\n"
        "S2;SAMPLE;OID1;P05231;IL6;Inf;2;Warn;0.6;2.5\n"
        "CTRL;CONTROL;OID1;P05231;IL6;Inf;1;Pass;0.5;1\n"
    )
    loaded = load(tmp_path, text, "format: olink", "S1", "S2", name="npx.csv")
    assay = loaded.assays["m"]
    assert (assay.scale, assay.values.tolist()) == ("log", [[0.3, 2.5]])
    assert assay.below_lod is not None
    assert assay.below_lod.tolist() == [[True, False]]
    assert assay.feature_info.row(0) == ("IL6", "OID1", 0.6)
    assert rules(list(loaded.findings)) == ["file.control", "file.control", "value.below"]


def test_mwtab_gives_metabolites_with_units_and_annotation(tmp_path: Path) -> None:
    text = (
        "#METABOLOMICS WORKBENCH STUDY_ID:ST000001 ANALYSIS_ID:AN000001\nVERSION\t1\n"
        "#MS_METABOLITE_DATA\nMS_METABOLITE_DATA:UNITS\tpeak area\nMS_METABOLITE_DATA_START\n"
        "Samples\tS1\tS2\nFactors\tGroup:A\tGroup:B\nserine\t10.5\t20\nglycine\t3\t\n"
        "MS_METABOLITE_DATA_END\n#METABOLITES\nMETABOLITES_START\n"
        "metabolite_name\tpubchem_id\nserine\t5951\nMETABOLITES_END\n#END\n"
    )
    assay = one(tmp_path, text, "format: mwtab\nscale: linear", "S1", "S2")
    assert (assay.features, assay.unit) == (("glycine", "serine"), "peak area")
    assert value(assay, "serine", "S2") == 20
    assert assay.feature_info.rows() == [("glycine", None), ("serine", "5951")]


def biom(matrix_type: str) -> str:
    data = [[0, 0, 5], [1, 1, 7]] if matrix_type == "sparse" else [[5, 0], [0, 7]]
    taxa = [["k__Bacteria", "g__Alistipes"], ["k__Bacteria", "g__Dorea"]]
    return json.dumps(
        {
            "format": "Biological Observation Matrix 1.0.0",
            "matrix_type": matrix_type,
            "shape": [2, 2],
            "rows": [
                {"id": f"O{at}", "metadata": {"taxonomy": each}} for at, each in enumerate(taxa)
            ],
            "columns": [{"id": "S1", "metadata": None}, {"id": "S2", "metadata": None}],
            "data": data,
        }
    )


@pytest.mark.parametrize("matrix_type", ["sparse", "dense"])
def test_biom_1_keeps_the_taxonomy(tmp_path: Path, matrix_type: str) -> None:
    assay = one(tmp_path, biom(matrix_type), "format: biom", "S1", "S2", name="t.biom")
    assert assay.values.tolist() == [[5, 0], [0, 7]]
    assert assay.feature_info.row(1) == ("O1", "k__Bacteria; g__Dorea")


def test_biom_2_as_biom_format_writes_it(tmp_path: Path) -> None:
    biom_format = pytest.importorskip("biom")
    h5py = pytest.importorskip("h5py")
    metadata = [{"taxonomy": ["k__Bacteria", "g__Dorea"]}, {"taxonomy": ["k__Archaea"]}]
    table = biom_format.Table(np.array([[5, 0], [0, 7]]), ["O0", "O1"], ["S1", "S2"], metadata)
    with h5py.File(tmp_path / "made.biom", "w") as file:
        table.to_hdf5(file, "test")
    raw = (tmp_path / "made.biom").read_bytes()
    assay = one(tmp_path, raw, "format: biom", "S1", "S2", name="t.biom")
    assert assay.values.tolist() == [[5, 0], [0, 7]]
    assert assay.feature_info.row(0) == ("O0", "k__Bacteria; g__Dorea")


def test_a_qiime_table_and_a_motus_profile(tmp_path: Path) -> None:
    qiime = "# Constructed from biom file\n#OTU ID\tS1\tS2\ttaxonomy\nO1\t5.0\t0.0\tk__B; g__D\n"
    assay = one(tmp_path, qiime, "format: features", "S1", "S2")
    assert (assay.values.tolist(), assay.feature_info.row(0)) == ([[5, 0]], ("O1", "k__B; g__D"))
    motus = (
        "# git tag version 3.0.3 |  motus version 3.0.3 | map_tax 3.0.3\n# call: python motus\n"
        "#consensus_taxonomy\tS1\tS2\nAlistipes finegoldii [ref_mOTU_v3_00001]\t12\t0\n"
        "Dorea longicatena [ref_mOTU_v3_00002]\t0\t3\nunassigned\t100\t80\n"
    )
    profile = one(tmp_path, motus, "format: motus", "S1", "S2")
    assert profile.values.tolist() == [[12, 0], [0, 3]]


METAPHLAN = (
    "#mpa_vJan21_CHOCOPhlAnSGB_202103\nclade_name\tS1\tS2\nk__Bacteria\t100\t100\n"
    "k__Bacteria|g__Dorea\t60\t40\nk__Bacteria|g__Dorea|s__Dorea_longicatena\t60\t40\n"
    "k__Bacteria|g__Dorea|s__Dorea_longicatena|t__SGB4581\t60\t40\n"
)


def test_metaphlan_takes_one_rank(tmp_path: Path) -> None:
    assay = one(tmp_path, METAPHLAN, "format: metaphlan", "S1", "S2")
    assert (assay.features, assay.values.tolist()) == (("s__Dorea_longicatena",), [[60, 40]])
    genus = one(tmp_path, METAPHLAN, "format: metaphlan\nlevel: genus", "S1", "S2")
    assert genus.features == ("g__Dorea",)
    single = (
        "#mpa_v30\n#/usr/bin/metaphlan\n#SampleID\tMetaphlan_Analysis\n"
        "#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\n"
        "k__B|s__Dorea\t2|3\t60.5\t\nk__B|s__Blautia\t2|4\t39.5\n"
    )
    profile = one(tmp_path, single, "format: metaphlan", "S1", name="S1.txt")
    assert (profile.samples, profile.values[:, 0].tolist()) == (("S1",), [39.5, 60.5])


def test_a_kraken_report_gives_the_reads_of_species(tmp_path: Path) -> None:
    text = (
        " 10.00\t100\t100\tU\t0\tunclassified\n 90.00\t900\t5\tR\t1\troot\n"
        " 50.00\t500\t20\tS\t88431\t            Dorea longicatena\n"
        " 40.00\t400\t400\tS\t853\t            Faecalibacterium prausnitzii\n"
    )
    assay = one(tmp_path, text, "format: kraken", "S1", name="S1.kreport")
    assert assay.features == ("Dorea longicatena", "Faecalibacterium prausnitzii")
    assert assay.values[:, 0].tolist() == [500, 400]


def test_files_of_several_samples_are_put_side_by_side(tmp_path: Path) -> None:
    for sample, n in (("S1", 3), ("S2", 4)):
        folder = tmp_path / "q" / sample
        folder.mkdir(parents=True)
        head = "Name\tLength\tEffectiveLength\tTPM\tNumReads\n"
        extra = "B\t1\t1\t1\t9\n" if sample == "S2" else ""
        (folder / "quant.sf").write_text(f"{head}A\t1\t1\t1\t{n}\n{extra}")
    from onearm.store.assays import read_assays, read_manifest
    from tests.store.assays.cases import sheet_of, write

    said = "file: q/*/quant.sf\nformat: salmon"
    assay = read_assays(
        read_manifest(write(tmp_path, {}, said, sheet=sheet_of("S1", "S2")))
    ).assays["m"]
    assert assay.features == ("A", "B")
    np.testing.assert_array_equal(assay.values, [[3, 4], [np.nan, 9]])
    assert [source.file for source in assay.sources] == ["quant.sf", "quant.sf"]


def test_every_format_of_the_registry_has_a_test_here_or_with_the_real_data() -> None:
    text = Path(__file__).read_text() + (Path(__file__).parent / "test_exchange.py").read_text()
    assert [name for name in FORMATS if f"format: {name}" not in text] == []


def test_an_empty_run_in_a_diann_report_is_refused_with_its_line(tmp_path: Path) -> None:
    text = tabs("""Run | Protein.Group | Genes | Q.Value | PG.Q.Value | PG.MaxLFQ
                   S1 | P1 | ALB | 0 | 0 | 10
                     | P1 | ALB | 0 | 0 | 10""")
    found = refused(tmp_path, text, "format: diann", "S1")
    assert [(f.rule, f.place.line) for f in found] == [("file.layout", 3)]
