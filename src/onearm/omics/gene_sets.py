"""Gene sets with what a report must say of them: file, hash, version, licence."""

from __future__ import annotations

import csv
import gzip
import hashlib
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from onearm.errors import Finding, OnearmError, Place, Problems

_SHIPPED = files("onearm.omics").joinpath("genesets")


@dataclass(frozen=True, slots=True, eq=False)
class GeneSets:
    """Sets of genes by name, sorted, and where they come from.

    sha256: of the file's bytes as they lie there, compressed or not.
    """

    file: str
    sha256: str
    version: str
    licence: str
    attribution: str
    sets: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Signature:
    """A published expression score: its genes and how they become one number.

    method: ``mean_z`` (mean of gene z-scores), ``geometric_mean`` (of amounts, written as log2) or
    ``mean`` (of logarithms). A gene ``old/new`` goes by either symbol.
    """

    name: str
    label: str
    method: str
    genes: tuple[str, ...]
    source: str
    licence: str


def parse_gmt(
    data: bytes, file: str, *, version: str = "", licence: str = "", attribution: str = ""
) -> GeneSets:
    """Gene sets of a GMT file: name, description, genes, parted by tabs.

    data: the bytes, plain or compressed with gzip or xz, told by their first bytes. Empty fields
    and repeated genes are dropped. Raises `Problems` naming every line with fewer than three
    fields or a name that stood before.
    """
    sets: dict[str, tuple[str, ...]] = {}
    problems: list[Finding] = []
    for number, line in enumerate(_text(data, file).splitlines(), start=1):
        name, *rest = line.rstrip().split("\t")
        genes = tuple(sorted({gene.strip() for gene in rest[1:]} - {""}))
        if not line.strip():
            continue
        if not genes or name in sets:
            message = "the set has no gene" if not genes else "the set stood before"
            hint = "A line is name, description and genes, parted by tabs."
            problems.append(Finding(Place(file=file, line=number), name, "GMT", message, hint))
        sets[name] = genes
    if problems or not sets:
        raise Problems(problems, f"{file}: no gene sets can be read" if not sets else "")
    digest = hashlib.sha256(data).hexdigest()
    return GeneSets(file, digest, version, licence, attribution, dict(sorted(sets.items())))


@cache
def shipped(name: str) -> GeneSets:
    """Gene sets that come with the package: ``hallmark`` or ``reactome``."""
    text = _SHIPPED.joinpath("genesets.csv").read_text(encoding="utf-8")
    rows = {row["name"]: row for row in csv.DictReader(text.splitlines())}
    if name not in rows:
        raise OnearmError(f"gene sets {name!r} are not shipped; there are {', '.join(rows)}")
    row = rows[name]
    return parse_gmt(
        _SHIPPED.joinpath(row["file"]).read_bytes(),
        row["file"],
        version=row["version"],
        licence=row["licence"],
        attribution=row["attribution"],
    )


@cache
def signatures() -> Mapping[str, Signature]:
    """The expression scores and marker sets that come with the package, by name."""
    text = _SHIPPED.joinpath("signatures.csv").read_text(encoding="utf-8")
    return {
        row["signature"]: Signature(
            row["signature"],
            row["label"],
            row["method"],
            tuple(row["genes"].split()),
            row["source"],
            row["licence"],
        )
        for row in csv.DictReader(text.splitlines())
    }


def rows_of_genes(genes: Sequence[str], features: Mapping[str, int]) -> dict[str, int]:
    """Row of each gene there is, by its first symbol that is among the features."""
    found: dict[str, int] = {}
    for gene in genes:
        row = next((features[symbol] for symbol in gene.split("/") if symbol in features), None)
        if row is not None:
            found[gene] = row
    return found


def _text(data: bytes, file: str) -> str:
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:6] == b"\xfd7zXZ\x00":
            data = lzma.decompress(data)
        return data.decode("utf-8")
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as problem:
        raise OnearmError(f"{file}: this is no text in UTF-8, plain or compressed") from problem
