"""Every kind of figure is drawn whole: for a full trial, for one patient, for none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from onearm.outputs import figures
from onearm.outputs.figures.save import inline_svg
from onearm.outputs.figures.style import Drawn, Material
from onearm.outputs.numbers import Numbers
from onearm.study import Study
from onearm.study.outputs import AnyFigure, KaplanMeier
from tests.outputs import trial

KINDS = tuple(figures.FIGURES)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return trial.study(tmp_path_factory.mktemp("study"))


def shells(study: Study) -> list[AnyFigure]:
    assert study.outputs is not None
    return list(study.outputs.figures)


def material(study: Study, datasets: Mapping[str, pl.DataFrame], results: pl.DataFrame) -> Material:
    assert study.outputs is not None
    return Material(study.outputs, Numbers(results), datasets, trial.EN, trial.COHORTS)


def drawn(shell: AnyFigure, of: Material) -> Drawn:
    with figures.styled():
        return figures.draw(shell, of)


def is_whole(picture: Drawn) -> bool:
    """Whether everything drawn lies on the page (a hundredth of an inch forgiven)."""
    with figures.styled():
        picture.figure.canvas.draw()
        box = picture.figure.get_tightbbox()
    width, height = picture.figure.get_size_inches()
    return bool(
        box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01
    )


def test_the_shipped_study_has_every_kind_of_figure(study):
    assert {shell.kind for shell in shells(study)} == set(KINDS)


@pytest.mark.parametrize("width", ["one", "two"])
def test_nothing_is_clipped_in_one_or_two_columns(study, width):
    of = material(study, trial.datasets(), trial.results())
    for shell in shells(study):
        picture = drawn(shell.model_copy(update={"width": width}), of)
        assert is_whole(picture), f"{shell.number} in {width} columns"
        inches = picture.figure.get_size_inches()[0]
        assert inches == pytest.approx({"one": 85, "two": 174}[width] / 25.4)


def test_a_figure_of_nobody_says_so(study):
    of = material(study, {}, trial.results().clear())
    for shell in shells(study):
        picture = drawn(shell, of)
        assert "No subject met the criteria" in picture.alt, shell.number
        assert picture.ids == []


def test_one_patient_makes_every_figure(study):
    one = trial.one_patient()
    of = material(study, one, trial.results_of(one))
    for shell in shells(study):
        assert is_whole(drawn(shell, of)), shell.number


def test_results_shown_in_figures_exist(study):
    results = trial.results()
    known = set(results["result_id"])
    of = material(study, trial.datasets(), results)
    shown = [(s.number, name) for s in shells(study) for name in drawn(s, of).ids]
    assert {number for number, _ in shown} >= {"F 14.1.1", "F 14.2.4", "F 14.2.7", "F 14.3.1"}
    assert [pair for pair in shown if pair[1] not in known] == []


def survival(*steps: tuple[float, float, float | None, float | None, float]) -> Material:
    """A curve by hand: day, survival, limits, number censored."""
    names = ("survival", "ci_low", "ci_high", "n_censored")
    cells = [
        {"analysis": "c", "operation": name, "value": value, "group2": "TIME", "level2": str(day)}
        for day, *values in steps
        for name, value in zip(names, values, strict=True)
    ]
    at_risk = {"analysis": "c", "operation": "at_risk", "value": 3.0, "kind": "count"}
    cells.append({**at_risk, "group2": "MONTH", "level2": "0"})
    return Material(trial.outputs(), trial.numbers(*cells), {}, trial.EN, ())


CURVE = KaplanMeier.model_validate(
    {"number": "F 1", "title": "Survival", "kind": "kaplan_meier", "analysis": "c", "axis": "S (%)"}
)


def test_a_curve_with_everybody_censored_stays_at_one():
    picture = drawn(CURVE, survival((0, 1, 1, 1, 0), (40, 1, 1, 1, 1), (90, 1, 1, 1, 2)))
    plot = picture.figure.axes[0]
    assert set(plot.lines[0].get_ydata()) == {1.0}
    assert list(plot.lines[1].get_xdata()) == pytest.approx([40 / 30.4375, 90 / 30.4375])
    assert is_whole(picture)


def test_a_curve_steps_down_at_its_times_and_breaks_its_band_without_limits():
    picture = drawn(
        CURVE, survival((0, 1, 1, 1, 0), (30, 0.5, 0.1, 0.8, 0), (60, 0, None, None, 0))
    )
    xs, ys = picture.figure.axes[0].lines[0].get_data()
    assert list(xs) == pytest.approx([0, 0, 0, *[30 / 30.4375] * 2, *[60 / 30.4375] * 2])
    assert list(ys) == [1, 1, 1, 1, 0.5, 0.5, 0]
    assert picture.ids == ["c.at_risk.Total.0"]


def subjects(n: int) -> dict[str, pl.DataFrame]:
    """So many patients, alternately of two cohorts, one sum each from -90 to 150 %."""
    first = date(2022, 1, 1)
    ids = [f"S-01-{i:04d}" for i in range(n)]
    change = [-90 + 240 * i / max(n - 1, 1) for i in range(n)]
    return {
        "ADSL": pl.DataFrame(
            {
                "USUBJID": ids,
                "TRTSDT": [first] * n,
                "COHORT": [("HCC", "ICC")[i % 2] for i in range(n)],
            },
            schema_overrides={"TRTSDT": pl.Date},
        ),
        "ADTR": pl.DataFrame(
            {"USUBJID": ids, "PCHG": change, "ADT": [first + timedelta(days=42)] * n},
            schema_overrides={"ADT": pl.Date},
        ),
    }  # fmt: skip


def figure(kind: str, **more: Any) -> AnyFigure:  # Any: what the kind needs
    made = trial.outputs(figures=[{"number": "F 2", "title": "T", "kind": kind, **more}])
    return made.figures[0]


BARS = figure(
    "waterfall",
    axis="Change (%)",
    subjects={"dataset": "ADSL"},
    bars={"dataset": "ADTR", "value": "PCHG"},
    lines=[20, -30],
)


def test_bars_fall_from_left_to_right_and_high_growth_is_cut():
    of = Material(trial.outputs(), trial.numbers(), subjects(9), trial.EN, trial.COHORTS)
    heights = [bar.get_height() for bar in drawn(BARS, of).figure.axes[0].patches]
    assert heights == [100, 100, 90, 60, 30, 0.4, -30, -60, -90]


def test_patients_without_a_bar_are_named():
    data = subjects(4)
    data["ADTR"] = data["ADTR"].head(3)
    of = Material(trial.outputs(), trial.numbers(), data, trial.EN, trial.COHORTS)
    picture = drawn(BARS, of)
    assert any("(n = 1): 01-0003" in text.get_text() for text in picture.figure.texts)


@pytest.mark.parametrize("n", [201, 1000])
def test_many_patients_are_drawn_as_one_path_a_cohort(n):
    of = Material(trial.outputs(), trial.numbers(), subjects(n), trial.EN, trial.COHORTS)
    assert len(drawn(BARS, of).figure.axes[0].patches) == 2


def test_a_missing_column_is_named_with_figure_and_dataset():
    bad = BARS.model_copy(update={"bars": BARS.bars.model_copy(update={"value": "PCHNG"})})
    of = Material(trial.outputs(), trial.numbers(), subjects(3), trial.EN, trial.COHORTS)
    with pytest.raises(Exception, match="F 2 reads PCHNG, which ADTR does not have; did you mean"):
        drawn(bad, of)


def test_numbers_in_an_inline_picture_name_their_result(tmp_path):
    picture = drawn(CURVE, survival((0, 1, 1, 1, 0), (40, 1, 1, 1, 1)))
    with figures.styled():
        svg, *_ = figures.save(picture, tmp_path, "F1")
    text = inline_svg(svg.read_text("utf-8"), "F1", "a <b> & c")
    assert 'data-result="c.at_risk.Total.0"' in text
    assert "<title>a &lt;b&gt; &amp; c</title>" in text
    assert 'id="F1-' in text
    assert "metadata" not in text
