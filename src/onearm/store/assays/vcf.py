"""VCF files, one or several samples, with the consequences of VEP, SnpEff or ANNOVAR."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from onearm.store.assays.classes import class_of
from onearm.store.assays.reading import Log, Options, Raw, needs_extra
from onearm.store.assays.text import read_lines
from onearm.store.assays.variants import VARIANTS, kind_of

FIXED = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
CSQ = re.compile(r"^##INFO=<ID=CSQ,.*Format: ?\"?([^\">]+)")
NORMAL = re.compile(r"^##normal_sample=(.+)$")
ANN_FIELDS = ("Allele", "Annotation", "Annotation_Impact", "Gene_Name", "Gene_ID")
"""The first fields of SnpEff's ANN (Variant annotations in VCF format, 1.0)."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the header of a VCF settles: samples, normals, fields of CSQ."""

    samples: tuple[str, ...]
    normals: frozenset[str]
    csq: tuple[str, ...]


def read_vcf(path: Path, log: Log, options: Options) -> Raw:
    """A VCF (plain or packed) or, with the extra omics, a BCF.

    A variant belongs to the samples whose genotype carries it. Filtered variants are left out
    unless ``filters`` is all; samples named in ``normal`` or by ##normal_sample are no tumours. Of
    several transcripts the most severe consequence in a gene counts.
    """
    lines = _bcf_lines(path, log) if path.suffix.lower() == ".bcf" else read_lines(path, log)
    at = next((at for at, line in enumerate(lines) if line.startswith("#CHROM")), None)
    if at is None:
        raise log.stop("file.layout", "the line that begins with #CHROM is not there")
    head = _head(lines[: at + 1], at + 1, log, options)
    rows, seen, passed = [], 0, 0
    for number, line in enumerate(lines[at + 1 :], start=at + 2):
        if not line.strip():
            continue
        cells = line.split("\t")
        seen += 1
        if len(cells) != len(FIXED) + (1 + len(head.samples) if head.samples else 0):
            said = f"the line has {len(cells)} columns, not as many as the header"
            log.say("file.layout", said, line=number)
        elif not cells[1].isdigit():
            log.say("value.text", "the position is no whole number", value=cells[1], line=number)
        elif options.text("filters", "pass") == "all" or cells[6] in ("PASS", "."):
            passed += 1
            rows += list(_calls(cells, head, log, number, options))
    log.step("variants", seen, passed, "filtered by the caller")
    columns = {name: dtype for name, dtype in VARIANTS.items() if name != "nonsynonymous"}
    variants = pl.DataFrame(rows, schema=columns, orient="row")
    tumours = tuple(name for name in head.samples if name not in head.normals)
    called = tumours if head.samples else (options.sample,)
    return Raw((), called, np.empty((0, len(called))), variants=variants)


def _head(lines: Sequence[str], number: int, log: Log, options: Options) -> Head:
    columns = lines[-1].split("\t")
    if tuple(columns[: len(FIXED)]) != FIXED or (len(columns) > 8 and columns[8] != "FORMAT"):
        said = "the columns are not those of a VCF"
        raise log.stop("file.layout", said, value=" ".join(columns[:9]), line=number)
    csq = next((match[1].split("|") for line in lines if (match := CSQ.match(line))), [])
    normals = {match[1].strip() for line in lines if (match := NORMAL.match(line))}
    samples = tuple(columns[9:])
    if len(set(samples)) < len(samples):
        raise log.stop("sample.duplicate", "two samples have one name", line=number)
    if not samples and not options.sample:
        raise log.stop("file.layout", "the file has no sample columns", line=number)
    fields = tuple(name.strip() for name in csq)
    return Head(samples, frozenset(normals | set(options.words("normal"))), fields)


Call = tuple[str | None, str | None, str, int, str, str, str, str, float | None]


def _calls(
    cells: Sequence[str], head: Head, log: Log, number: int, options: Options
) -> Iterator[Call]:
    """One row for each sample, allele and gene of one line."""
    chromosome, position, reference = cells[0].removeprefix("chr"), int(cells[1]), cells[3]
    info = dict(part.partition("=")[::2] for part in cells[7].split(";"))
    for at, alternate in enumerate(cells[4].split(","), start=1):
        if alternate in (".", "*", "<NON_REF>") or alternate.startswith("<"):
            continue
        genes = _genes(info, head, reference, alternate, at)
        for sample, fraction in _carriers(cells, head, at, log, number, options):
            for gene, found in genes:
                kind = kind_of(reference, alternate)
                alleles = (reference, alternate, kind, found)
                yield (sample, gene, chromosome, position, *alleles, fraction)


def _carriers(
    cells: Sequence[str], head: Head, allele: int, log: Log, number: int, options: Options
) -> Iterator[tuple[str, float | None]]:
    """Samples whose genotype has the allele, with the share of reads where AF or AD tells it."""
    if not head.samples:
        yield options.sample, None
        return
    keys = cells[8].split(":")
    for name, cell in zip(head.samples, cells[9:], strict=True):
        if name in head.normals:
            continue
        called = dict(zip(keys, cell.split(":"), strict=False))
        genotype = called.get("GT")
        if genotype is None and len(set(head.samples) - head.normals) > 1:
            said = "several samples and no genotype (GT)"
            log.say("file.layout", said, line=number, sample=name)
            return
        carried = genotype is None or str(allele) in re.split(r"[/|]", genotype)
        if carried:
            yield name, _fraction(called, allele)


def _fraction(called: dict[str, str], allele: int) -> float | None:
    try:
        if "AF" in called:
            return float(called["AF"].split(",")[allele - 1])
        depths = [float(n) for n in called["AD"].split(",")]
        return depths[allele] / sum(depths)
    except (KeyError, ValueError, IndexError, ZeroDivisionError):
        return None  # the share of reads is an extra; many callers do not write it


def _genes(
    info: dict[str, str], head: Head, reference: str, alternate: str, at: int
) -> list[tuple[str | None, str]]:
    """Genes of one allele with the class of the most severe consequence in each."""
    if "CSQ" in info and head.csq:
        found = _from_csq(info["CSQ"], head.csq, reference, alternate, at)
    elif "ANN" in info:
        found = _from_ann(info["ANN"], reference, alternate)
    else:
        found = _from_annovar(info, reference, alternate)
    worst: dict[str | None, tuple[int, str]] = {}
    for gene, severity in found:
        worst[gene] = min(worst.get(gene, severity), severity)
    return [(gene, worst[gene][1]) for gene in worst] or [(None, "Unknown")]


def _from_csq(
    text: str, fields: Sequence[str], reference: str, alternate: str, at: int
) -> Iterator[tuple[str | None, tuple[int, str]]]:
    for entry in text.split(","):
        said = dict(zip(fields, entry.split("|"), strict=False))
        number = said.get("ALLELE_NUM", "")
        # VEP cuts the shared first base of insertions and deletions.
        trimmed = alternate[1:] if alternate[:1] == reference[:1] else alternate
        same = number == str(at) if number else said.get("Allele") in (alternate, trimmed or "-")
        if same:
            gene = said.get("SYMBOL") or said.get("Gene") or None
            yield gene, class_of(said.get("Consequence", ""), reference, alternate)


def _from_ann(
    text: str, reference: str, alternate: str
) -> Iterator[tuple[str | None, tuple[int, str]]]:
    for entry in text.split(","):
        said = dict(zip(ANN_FIELDS, entry.split("|"), strict=False))
        if said.get("Allele") == alternate:
            yield (
                said.get("Gene_Name") or None,
                class_of(said.get("Annotation", ""), reference, alternate),
            )


def _from_annovar(
    info: dict[str, str], reference: str, alternate: str
) -> Iterator[tuple[str | None, tuple[int, str]]]:
    key = next((name for name in info if name.startswith("Func.")), None)
    if key is None:
        return
    source = key.removeprefix("Func.")
    place, exonic = info[key], info.get(f"ExonicFunc.{source}", ".")
    terms = "&".join(word for word in (exonic, place) if word not in (".", ""))
    genes = info.get(f"Gene.{source}", "").replace("\\x3b", ";").replace(",", ";").split(";")
    for gene in genes:
        yield gene or None, class_of(terms, reference, alternate)


def _bcf_lines(path: Path, log: Log) -> list[str]:
    """A binary VCF as lines of text, through pysam."""
    try:
        import pysam
    except ImportError as problem:
        raise needs_extra(log, "a BCF file (plain VCF does not)") from problem
    try:
        with pysam.VariantFile(str(path)) as opened:
            body = [str(record).rstrip("\n") for record in opened]
            return [*str(opened.header).rstrip("\n").split("\n"), *body]
    except (OSError, ValueError) as problem:
        raise log.stop("file.unreadable", f"cannot be read: {problem}") from problem
