"""Values of the manifest: options by their kind, the sample that a file is named after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onearm.store.assays.reading import Option
from onearm.study.yamlfile import Plain

GENERIC = {"quant.sf", "quant.genes.sf", "readspergene.out.tab", "abundance.tsv"}
"""File names that a program gives to every sample; the folder then names the sample."""
ENDINGS = (
    ".readspergene.out.tab", "readspergene.out.tab", ".genes.results", ".isoforms.results",
    ".quant.genes.sf", ".quant.sf", ".kreport2", ".kreport", ".kraken2.report", ".report.txt",
    ".vcf.gz", ".vcf.bgz", ".vcf", ".bcf", ".maf.gz", ".maf", ".rcc", ".txt.gz", ".tsv.gz",
    ".csv.gz", ".txt", ".tsv", ".csv", ".biom", ".parquet", ".seg",
)  # fmt: skip
YES = {"yes": True, "true": True, "no": False, "false": False}


def sample_name(path: Path) -> str:
    """The sample a file is named after: its folder for generic names, else it without ending.

    >>> sample_name(Path("salmon/P01_C1D1/quant.sf")), sample_name(Path("P02.genes.results"))
    ('P01_C1D1', 'P02')
    """
    if path.name.lower() in GENERIC:
        return path.parent.name
    ending = next((e for e in ENDINGS if path.name.lower().endswith(e)), "")
    return path.name[: len(path.name) - len(ending)].rstrip("._-") or path.name


def read_option(kind: str, value: Plain) -> Option | None:
    """The value of an option of a kind; None where it is not of that kind.

    Text of a CSV manifest is read too: lists and mappings are separated by semicolons.
    """
    if kind == "number":
        return _number(value)
    if kind == "flag":
        return value if isinstance(value, bool) else YES.get(str(value).strip().lower())
    if kind == "mapping":
        return _mapping(value)
    if kind == "words" or (kind == "file, word or list" and isinstance(value, list)):
        given = value if isinstance(value, list) else str(value).split(";")
        return tuple(str(word).strip() for word in given if str(word).strip()) or None
    return None if isinstance(value, list | dict | bool) or value is None else str(value)


def _number(value: Plain) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < float("inf") else None


def _mapping(value: Plain) -> Mapping[str, str] | None:
    if isinstance(value, dict):
        return {str(key): str(each) for key, each in value.items()} or None
    parts = [part.partition(":") for part in str(value).split(";") if part.strip()]
    if not parts or any(not colon for _, colon, _ in parts):
        return None
    return {key.strip(): each.strip() for key, _, each in parts}
