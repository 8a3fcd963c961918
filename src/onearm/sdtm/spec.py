"""The specifications of the tabulation datasets (``spec/*.csv``).

Source: SDTMIG 3.4 (variable names, labels, core, order); codelists as in the CDISC terminology.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from onearm.frames import Spec, load_specs

SUPP = "SUPP"
ORDER = (
    *("DM", "SE", "SV"),
    *("EX", "EC", "CM", "PR"),
    *("AE", "MH", "DS", "DV"),
    *("IE", "VS", "LB", "RS", "TU", "TR", "SS", "DD"),
    *("RELREC", "TA", "TE", "TV", "TD", "TI", "TS"),
)
"""Domains in the order in which they are derived and written."""


@lru_cache(maxsize=1)
def _specs() -> dict[str, Spec]:
    return load_specs(files("onearm.sdtm").joinpath("spec"))


def specs() -> dict[str, Spec]:
    """All specifications by domain; the SUPP-- domains share ``SUPPQUAL``."""
    return dict(_specs())


def spec_of(domain: str) -> Spec | None:
    """The specification of one domain, ``SUPPQUAL`` for any SUPP--; None for domains not built."""
    return _specs().get("SUPPQUAL" if domain.startswith(SUPP) else domain)


def is_finding(domain: str) -> bool:
    """Whether a domain is of the findings class: one row a result."""
    spec = spec_of(domain)
    return spec is not None and domain + "ORRES" in spec.names
