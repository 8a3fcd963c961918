"""The page on operating characteristics says what its kept simulation and the code say."""

from __future__ import annotations

import polars as pl
import pytest

from onearm import operating
from onearm.study import load
from tests.docs.printing import DOCS, module, read

page = module("printing.operating_page")
AGAIN = "simulate again with the command on the page, then: python docs/print_reference.py"


def test_the_figure_is_made_again_with_the_same_bytes() -> None:
    for name, picture in page.pictures():
        assert (DOCS / name).read_bytes() == picture, AGAIN
        assert len(picture) < 100_000
        assert f"({name.partition('/')[2]})" in read(page.PAGE)


@pytest.mark.slow
def test_the_kept_trials_drawn_from_rates_are_what_the_code_gives_now() -> None:
    kept = pl.read_csv(page.KEPT).filter(route="drawn")
    study = load(page.STUDY)
    trials = int(kept["trials"].max())
    work = operating.Work(study, operating.chosen(study, ()), trials, 0, study.simulation.seed)
    found = operating.summary_of(operating.trials_of(operating.run(work)))
    assert found.select("scenario", "measure").equals(kept.select("scenario", "measure")), AGAIN
    for name in ("value", "std_err"):
        assert found[name].to_list() == pytest.approx(kept[name].to_list()), AGAIN


def test_the_kept_trials_as_entries_are_of_every_scenario() -> None:
    kept = pl.read_csv(page.KEPT).filter(route="entered")
    assert kept["scenario"].unique(maintain_order=True).to_list() == list(page.scenarios())
    trials = kept.filter(measure="go")["trials"].unique().to_list()
    assert len(trials) == 1
    assert f"--entered {trials[0]}" in read(page.PAGE)


def test_both_ways_agree_on_what_the_looks_do() -> None:
    """The routes have other patients; what confirmation and grid take away is the same."""
    kept = pl.read_csv(page.KEPT)

    def moved(route: str, measure: str, scenario: str) -> tuple[float, float]:
        """How far a scenario is from the plan, with a standard error that ignores the pairing."""
        mine = kept.filter(route=route, measure=measure)
        one, plan = (
            mine.filter(scenario=name).row(0, named=True) for name in (scenario, "planned")
        )
        return one["value"] - plan["value"], (one["std_err"] ** 2 + plan["std_err"] ** 2) ** 0.5

    for measure, scenario in (
        ("orr_bias", "every_12_weeks"),
        ("orr_bias", "unconfirmed"),
        ("orr_bias", "missed_scans"),
        ("pfs_median_bias", "every_12_weeks"),
        ("pfs_median_bias", "missed_scans"),
    ):
        drawn, drawn_error = moved("drawn", measure, scenario)
        entered, entered_error = moved("entered", measure, scenario)
        spread = (drawn_error**2 + entered_error**2) ** 0.5
        assert abs(drawn - entered) < 3 * spread, (measure, scenario)
