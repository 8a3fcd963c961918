"""Data with answers of other programs: the made-up set beside, and the public cohorts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from onearm.omics.assay import Block, Outcomes, Times
from tests.shared import shared

HERE = Path(__file__).parent / "reference"


@dataclass(frozen=True)
class Made:
    """40 subjects, 24 features of which 16 have missing values; R's answers by test and name."""

    values: np.ndarray
    counts: np.ndarray
    subjects: pl.DataFrame
    answers: pl.DataFrame

    def answer(self, test: str, what: str) -> np.ndarray:
        """R's numbers of one test, in the order of the features."""
        rows = self.answers.filter((pl.col("test") == test) & (pl.col("what") == what))
        return rows["value"].to_numpy()

    def column(self, name: str) -> np.ndarray:
        return self.subjects[name].to_numpy().astype(np.float64)


@cache
def made() -> Made:
    """The set of make.R with its answers."""
    values = pl.read_csv(HERE / "values.csv", null_values="NA").cast(pl.Float64)
    answers = pl.read_csv(HERE / "reference.csv", schema_overrides={"value": pl.String})
    return Made(
        values.fill_null(np.nan).to_numpy(),
        pl.read_csv(HERE / "counts.csv").to_numpy().astype(np.float64),
        pl.read_csv(HERE / "subjects.csv"),
        answers.with_columns(pl.col("value").str.strip_chars().cast(pl.Float64)),
    )


@dataclass(frozen=True)
class Melanoma:
    """Liu 2019: 74 patients with 1,741 genes, and R's answer for every gene."""

    genes: tuple[str, ...]
    patients: tuple[str, ...]
    values: np.ndarray
    pfs: Times
    response: np.ndarray
    clinical: pl.DataFrame
    reference: pl.DataFrame

    def block(self, columns: slice = slice(None)) -> Block:
        unknown = np.full(len(self.patients), np.nan)
        return Block(
            "RNA",
            "baseline",
            "log",
            self.genes[columns],
            self.patients,
            self.values[:, columns],
            unknown,
        )

    def outcomes(self) -> Outcomes:
        return Outcomes(self.patients, {"response": self.response}, {"PFS": self.pfs})


@cache
def melanoma() -> Melanoma:
    folder = shared("omics", "liu2019_pd1")
    expression = pl.read_parquet(folder / "expr_log2tpm.parquet")
    patients = [name for name in expression.columns if name != "gene"]
    order = pl.DataFrame({"patient": patients})
    clinical = order.join(
        pl.read_parquet(folder / "clinical.parquet"),
        on="patient",
        how="left",
        maintain_order="left",
    )
    label = clinical["response"].to_numpy()
    return Melanoma(
        tuple(expression["gene"]),
        tuple(patients),
        expression.select(patients).to_numpy().astype(np.float64).T,
        times_of(clinical, "survival_time_pfs", "event_occurred_pfs"),
        np.where(label == "R", 1.0, np.where(label == "NR", 0.0, np.nan)),
        clinical,
        pl.read_parquet(folder / "r_reference.parquet"),
    )


def times_of(frame: pl.DataFrame, time: str, event: str) -> Times:
    """Two columns as an endpoint."""
    return Times(frame[time].to_numpy().astype(np.float64), frame[event].to_numpy() == 1)


@cache
def inspire() -> pl.DataFrame:
    return pl.read_parquet(shared("omics", "inspire_pembro", "patients.parquet"))


@dataclass(frozen=True)
class Stool:
    """Four studies of stool profiles: CLR of mOTUs in at least 10% of the samples."""

    subjects: tuple[str, ...]
    study: np.ndarray
    response: np.ndarray
    features: tuple[str, ...]
    values: np.ndarray

    def block(self) -> Block:
        day = np.full(len(self.subjects), np.nan)
        return Block("stool", "baseline", "score", self.features, self.subjects, self.values, day)

    def outcomes(self) -> Outcomes:
        columns = pl.DataFrame({"subject_id": self.subjects, "study": self.study})
        return Outcomes(self.subjects, {"response": self.response}, {}, {}, columns)


@cache
def stool() -> Stool:
    folder = shared("omics", "gut_icb_motus")
    counts = pl.read_parquet(folder / "motus_counts.parquet")
    samples = pl.read_parquet(folder / "samples.parquet")
    name = next(column for column in counts.columns if counts[column].dtype == pl.String)
    matrix = counts.select(samples["sample"].to_list()).to_numpy().astype(np.float64).T
    kept = (matrix > 0).mean(axis=0) >= 0.1
    logs = np.log(matrix[:, kept] + 0.5)
    return Stool(
        tuple(samples["sample"]),
        samples["study"].to_numpy(),
        (samples["response"] == "R").to_numpy().astype(np.float64),
        tuple(np.array(counts[name].to_list())[kept].tolist()),
        logs - logs.mean(axis=1, keepdims=True),
    )


NON_SYNONYMOUS = (
    "Frame_Shift_Del",
    "Frame_Shift_Ins",
    "Splice_Site",
    "Translation_Start_Site",
    "Nonsense_Mutation",
    "Nonstop_Mutation",
    "In_Frame_Del",
    "In_Frame_Ins",
    "Missense_Mutation",
)


def leukaemia(genes: tuple[str, ...]) -> tuple[np.ndarray, Times]:
    """TCGA AML: 0/1 by patient and gene (absent from the MAF is 0 here), overall survival."""
    folder = shared("omics", "tcga_laml_maf")
    maf = pl.read_csv(
        folder / "tcga_laml.maf.gz", separator="\t", comment_prefix="#", infer_schema_length=0
    ).filter(pl.col("Variant_Classification").is_in(NON_SYNONYMOUS))
    table = pl.read_csv(folder / "tcga_laml_annot.tsv", separator="\t", infer_schema_length=0)
    time = table["days_to_last_followup"].cast(pl.Float64, strict=False).to_numpy()
    columns = []
    for gene in genes:
        mutated = maf.filter(pl.col("Hugo_Symbol") == gene)["Tumor_Sample_Barcode"].to_list()
        columns.append(table["Tumor_Sample_Barcode"].is_in(mutated).to_numpy())
    event = table["Overall_Survival_Status"].to_numpy() == "1"
    return np.column_stack(columns).astype(np.float64), Times(
        np.where(np.isfinite(time), time, np.nan), event
    )
