"""The recommended design of the trial of 50 patients, number by number."""

from __future__ import annotations

import pytest

from onearm.design import changed_first_stage, one_stage_design, simon, two_stage
from tests.design.reference import differences, rows

FILE = rows("default_design")
DEFAULT = two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25)


@pytest.mark.parametrize("file", FILE, ids=["default"])
def test_the_primary_design_is_the_optimal_one(file):
    theirs = file["primary_orr"]
    design = simon(p0=0.10, p1=0.25, alpha=0.05, beta=0.15).optimal
    assert (design.r1, design.n1, design.r, design.n) == (2, 20, 8, 50)
    ours = {
        "alpha": design.alpha,
        "power": design.power,
        "PET0": design.pet0,
        "PET1": design.pet1,
        "EN0": design.en0,
        "EN1": design.en1,
    }
    assert not differences(ours, theirs, 1e-10)
    for point in theirs["oc"]:
        curve = {
            "reject": design.reject(point["p"]),
            "PET": design.stop_early(point["p"]),
            "EN": design.expected_n(point["p"]),
        }
        assert not differences(curve, point, 1e-10)


@pytest.mark.parametrize("file", FILE, ids=["default"])
def test_the_one_stage_rivals_and_disease_control(file):
    for rival in file["primary_orr"]["single_stage_same_n"]:
        design = one_stage_design(50, rival["needs"] - 1, p0=0.10, p1=0.25)
        assert not differences({"alpha": design.alpha, "power": design.power}, rival, 1e-10)
    control = file["dcr"]
    design = one_stage_design(50, control["needs"] - 1, p0=0.5, p1=0.7)
    assert not differences({"alpha": design.alpha, "power": design.power}, control, 1e-10)
    assert design.reject(0.75) == pytest.approx(control["power_75"], abs=1e-10)


@pytest.mark.parametrize("file", FILE, ids=["default"])
def test_the_interim_table(file):
    for row in file["primary_orr"]["interim_table"]:
        x1 = row["x1"]
        ours = {
            "conditional_power_p1": DEFAULT.conditional_power(x1, 0.25),
            "conditional_power_p0": DEFAULT.conditional_power(x1, 0.10),
            "predictive_probability_beta_01_09": DEFAULT.predictive_power(x1, prior=(0.1, 0.9)),
            "predictive_probability_uniform": DEFAULT.predictive_power(x1, prior=(1, 1)),
        }
        assert not differences(ours, row, 1e-10)
        assert (x1 > DEFAULT.r1) is row["continue_"]


OVERRUN = [row for file in FILE for row in file["primary_orr"].get("overrun_table", [])]
OVERRUN += [row for file in FILE for row in file.get("overrun_table", [])]


@pytest.mark.parametrize(
    "row", OVERRUN, ids=lambda row: "-".join(str(row[name]) for name in ("n1", "r1", "r", "n"))
)
def test_the_overrun_table(row):
    if row["n"] == 50 and row["r1"] == 2 and row["r"] == 8 and row["n1"] != 20:
        design = changed_first_stage(DEFAULT, n1=row["n1"]).kept
    else:
        design = two_stage(r1=row["r1"], n1=row["n1"], r=row["r"], n=row["n"], p0=0.10, p1=0.25)
    ours = {
        "alpha": design.alpha,
        "power_025": design.power,
        "PET0": design.pet0,
        "PET1": design.pet1,
    }
    assert not differences(ours, row, 1e-10)
    assert (design.alpha <= 0.05) is row["controls_alpha"]
