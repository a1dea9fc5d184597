"""Plans of hires: chances, leavers, classes, training, ramp, cost, sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim.errors import ParameterError
from funnelsim.planning.staffing.hiring import Hiring, plan_hiring

MONTHS = [pd.Timestamp("2026-01-05") + pd.Timedelta(days=28 * k) for k in range(5)]


def plan(need, *, people=10.0, **parts):
    """A plan over four periods of four weeks."""
    return plan_hiring(need, people=people, starts=MONTHS[:4], end=MONTHS[4], team="desk", **parts)


def test_one_chance_in_five_that_a_third_is_needed():
    """The example of the issue: two surely, the third on a fifth of the futures."""
    need = [[10, 10, 12, 12]] * 8 + [[10, 10, 12, 13]] * 2
    found = plan(need, hiring=Hiring(lead="3 w", ramp="1 w"))
    assert found.planned.tolist() == [0, 0, 2, 2]
    table = found.table
    assert table["planned"].tolist() == [True, False]
    assert table["chance"].tolist() == [1.0, 0.2]
    assert table["needed_by"].iloc[0] == MONTHS[2]
    assert table["decide_by"].iloc[0] == MONTHS[2] - pd.Timedelta(weeks=4)
    assert found.sentence() == (
        "desk: 2 more by 2 March 2026 (decide: 2 February 2026); 1 chance in 5 that 3 are needed."
    )


def test_surer_plans_hire_more():
    need = [[10, 11, 12, 13]] * 5 + [[10, 10, 10, 10]] * 5
    assert plan(need, sure=0.4).planned[-1] == 0
    assert plan(need, sure=0.8).planned[-1] == 3


def test_leavers_are_replaced_by_the_share_of_the_year():
    """Of 200 people 30 % leave within a year: false alarm below 1e-6, detects 3 points."""
    found = plan_hiring(
        np.full((400, 4), 200.0),
        people=200,
        starts=MONTHS[:4],
        end=MONTHS[4],
        hiring=Hiring(attrition=0.3),
    )
    expected = 200 * 0.7 ** (np.arange(4) * 28 / 365.25)
    error = 5 * np.sqrt(200 * 0.25 / 400)
    np.testing.assert_allclose(found.there.mean(axis=0), expected, atol=error)
    assert found.hires[:, 0].sum() == 0


def test_newcomers_leave_sooner_where_they_do():
    need = np.full((300, 4), 300.0)
    calm, restless = (
        plan_hiring(need, people=0, starts=MONTHS[:4], end=MONTHS[4], hiring=hiring, seed=1)
        for hiring in (Hiring(), Hiring(early_attrition=0.6))
    )
    assert calm.total[:, -1].tolist() == [300] * 300
    assert restless.total[:, -1].mean() > 340


def test_classes_training_and_cost():
    hiring = Hiring(class_size=4, training_yield=0.8, cost=1000, hourly=10, lead="0 d", ramp="0 d")
    found = plan([[10, 10, 15, 15]] * 3, hiring=hiring)
    assert found.planned.tolist() == [0, 0, 8, 8]  # five, in classes of four
    row = found.table.iloc[0]
    assert row["people"] == 10  # eight get through
    assert row["cost"] == pytest.approx(10 * (1000 + 8 * 40 * 10))
    assert found.cost == row["cost"]


def test_too_late_is_said():
    found = plan([[12, 12, 12, 12]] * 3)
    assert found.table["late"].all()
    assert "(decide: at once)" in found.sentence()


def test_enough_people():
    found = plan([[9, 9, 9, 10]] * 3)
    assert len(found.table) == 0
    assert found.cost == 0
    assert found.sentence() == "desk: nobody has to be hired."
    assert (found.fan["still_short"] == 0).all()


def test_the_plan_closes_the_gap():
    rng = np.random.default_rng(5)
    found = plan(rng.normal(13, 1, (500, 4)).clip(0), hiring=Hiring(attrition=0.2))
    assert found.fan["short"].min() > 0.9
    assert found.fan["still_short"].max() < 0.25


@pytest.mark.parametrize(
    ("parts", "count"),
    [
        ({"people": -1}, 1),
        ({"sure": 1}, 1),
        ({"hiring": Hiring(lead="soon", attrition=1, training_yield=0, class_size=0, cost=-1)}, 5),
        ({"hiring": Hiring(ramp="3 bd")}, 1),
    ],
)
def test_every_problem_is_told(parts, count):
    with pytest.raises(ParameterError) as refused:
        plan([[10] * 4], **parts)
    assert len(refused.value.problems) == count


def test_needs_are_not_negative():
    with pytest.raises(ParameterError, match="need"):
        plan([[-1, 1, 1, 1]])
    with pytest.raises(ParameterError, match="starts"):
        plan([[1, 1, 1]])
