"""The page of response criteria: parameters, published tables, the columns of a spreadsheet."""

from __future__ import annotations

from dataclasses import fields
from importlib.resources import files

from onearm.response import CRITERIA
from onearm.response.criteria import CHOICES, Parameters, rows
from onearm.response.sheet import COLUMNS, NEEDED
from printing.markdown import code, codes, page, table

MEANING = {
    "max_targets": ("target lesions at most", "RECIST 1.1, 3.2.2"),
    "max_targets_per_organ": ("target lesions at most in one organ", "RECIST 1.1, 3.2.2"),
    "min_nonnodal_mm": ("longest diameter that a target needs, mm", "RECIST 1.1, 3.1.1"),
    "max_slice_mm": (
        "slices up to this thickness, mm; above it a target measures two slices",
        "RECIST 1.1, 3.1.1",
    ),
    "min_chest_xray_mm": ("diameter that a target needs on a chest X-ray, mm", "RECIST 1.1, 3.1.1"),
    "min_node_target_sa": ("short axis that a target node needs, mm", "RECIST 1.1, 3.1.1"),
    "node_pathologic_sa": ("a node below this short axis, mm, is normal", "RECIST 1.1, 3.1.1"),
    "pr_pct": ("fall of the sum from baseline that is PR, per cent", "RECIST 1.1, 4.3.1"),
    "pd_pct": ("growth of the sum from its nadir that is PD, per cent", "RECIST 1.1, 4.3.1"),
    "pd_abs_mm": ("and at least so many mm", "RECIST 1.1, 4.3.1"),
    "too_small_default_mm": ("size of a lesion too small to measure, mm", "RECIST 1.1, 3.2.1"),
    "baseline_window_days": (
        "baseline scan at most so many days before the start",
        "RECIST 1.1, 4.2",
    ),
    "pr_carry": ("what a PR is measured from later on", "EORTC RECIST FAQ, response over time"),
    "marker_for_cr": ("a CR needs normal tumour markers", "RECIST 1.1, 4.3.3"),
    "pd_date_rule": ("which day a progression has", "FDA guidance (2018); see the analysis plan"),
    "sd_min_days": ("days from the start that stable disease needs", "RECIST 1.1, 4.4.4"),
    "sd_rule": ("what these days are counted to", "RECIST 1.1, 4.4.4"),
    "confirm_days": ("days between a response and its confirmation", "RECIST 1.1, 4.6.1"),
    "max_ne_between": ("not evaluable assessments allowed between the two", "RECIST 1.1, table 3"),
    "max_sd_between": (
        "stable assessments allowed between two PR",
        "convention; name it in the plan",
    ),
    "pr_after_cr_confirms": ("a PR after a CR confirms that it was a PR", "RECIST 1.1, table 3"),
    "not_done_between": ("what an assessment not done does to a confirmation", "convention"),
    "cr_then_disease": (
        "disease after a CR is progression (strict)",
        "RECIST 1.1, table 3, footnote",
    ),
    "stop_at_pd": ("nothing after the first progression counts", "RECIST 1.1, 4.4.3"),
    "nobody_assessed": ("the answer where there is no assessment", "RECIST 1.1, 4.9"),
}
TITLES = {
    "recist11_timepoint": "Overall response at one time point",
    "recist11_best": "Best overall response",
    "recist11_target": "Response of the target lesions",
    "recist11_natures": "What may be a target lesion",
    "recist11_methods": "What a method can measure",
    "recist11_pet": "New lesions on PET",
    "organs": "Words that name one organ",
}


def tables() -> list[str]:
    """The published tables by file name, those with a title first."""
    there = sorted(
        f.name.removesuffix(".csv")
        for f in files("onearm.response").joinpath("tables").iterdir()
        if f.name.endswith(".csv")
    )
    return [*(t for t in TITLES if t in there), *(t for t in there if t not in TITLES)]


def response() -> str:
    """``reference/response.md``."""
    return page(
        "Response",
        "What a trial may choose, what it may not, and where each rule stands in print. The "
        "engine works in whole numbers of 0.0001 mm, so that a fall of exactly 30 % is one.",
        "## Criteria\n\n"
        + table(
            ["name", "title", "source"],
            [(code(c.name), c.title, c.source) for c in CRITERIA.values()],
        ),
        _parameters(),
        "## Columns of a spreadsheet\n\nFor `onearm response`; see the "
        "[tutorial](../tutorials/response_from_a_spreadsheet.md). Besides the needed columns a "
        "sheet has `diameter_mm`, `state`, or both.\n\n"
        + table(
            ["column", "needed", "meaning"],
            [(code(n), "yes" if n in NEEDED else "", text) for n, text in COLUMNS.items()],
        ),
        "## The published tables\n\nRead from the top: the first row that fits decides. `any` "
        "fits everything, `CR|PR` fits either. The same files are read by the program.",
        *(_table(name) for name in tables()),
    )


def _parameters() -> str:
    default = Parameters()
    listed = [
        (
            code(f.name),
            code(str(getattr(default, f.name)).replace("True", "true").replace("False", "false")),
            codes(CHOICES.get(f.name, ())),
            *MEANING[f.name],
        )
        for f in fields(Parameters)
    ]
    lead = (
        "## Parameters\n\nNamed under `parameters` in `endpoints.yaml`, or in Python: "
        "`RECIST11.with_parameters(confirm_days=28)`. Periods are calendar differences in days."
    )
    return lead + "\n\n" + table(["parameter", "default", "choices", "meaning", "source"], listed)


def _table(name: str) -> str:
    listed = rows(name)
    title = TITLES.get(name, name)
    return f"### {title}\n\n`{name}.csv`\n\n" + table(
        list(listed[0]), [list(row.values()) for row in listed]
    )
