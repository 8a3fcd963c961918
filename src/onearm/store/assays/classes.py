"""Classes of variants: which change the protein, and what annotators call them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

NONSYNONYMOUS = (
    "Frame_Shift_Del",
    "Frame_Shift_Ins",
    "In_Frame_Del",
    "In_Frame_Ins",
    "Missense_Mutation",
    "Nonsense_Mutation",
    "Nonstop_Mutation",
    "Splice_Site",
    "Translation_Start_Site",
)
"""Classes that count as non-synonymous unless the manifest names others.

Source: maftools, ``read.maf(vc_nonSyn = NULL)`` (Mayakonda et al., Genome Research 28:1747, 2018).
"""

OTHERS = (
    "3'Flank", "3'UTR", "5'Flank", "5'UTR", "Fusion", "IGR", "Intron", "RNA", "Silent",
    "Splice_Region", "Targeted_Region", "De_novo_Start_InFrame", "De_novo_Start_OutOfFrame",
    "lincRNA", "Unknown",
)  # fmt: skip
"""Further classes of the MAF format (GDC MAF specification 1.0.0 and MAF 2.4); silent here."""

KNOWN = frozenset((*NONSYNONYMOUS, *OTHERS))


@cache
def consequences() -> Mapping[str, tuple[int, str]]:
    """Severity (0 is the most severe) and class of each annotator's term, in lower case."""
    text = (files("onearm.store.assays") / "consequences.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["term"]: (at, row["class"]) for at, row in enumerate(rows)}


def class_of(terms: str, reference: str, alternate: str) -> tuple[int, str]:
    """Severity and MAF class of the worst of an annotator's terms (joined by ``&``, ``;``, ``,``).

    Frame shifts and in-frame changes are insertions where the alternate allele is the longer one.

    >>> class_of("missense_variant&splice_region_variant", "C", "T")[1]
    'Missense_Mutation'
    >>> class_of("frameshift_variant", "CA", "C")[1]
    'Frame_Shift_Del'
    """
    known = consequences()
    words = terms.replace("\\x3b", ";").replace(";", "&").replace(",", "&").split("&")
    last = (len(known), "Unknown")
    plain = (word.strip().lower().replace(" ", "_") for word in words)
    severity, found = min((known.get(word, last) for word in plain), default=last)
    if found in ("Frame_Shift", "In_Frame"):
        found += "_Ins" if len(alternate) > len(reference) else "_Del"
    return severity, found
