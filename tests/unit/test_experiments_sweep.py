"""Sweeps: every point is the scenario changed, under the same luck; units; pictures."""

from __future__ import annotations

import numpy as np
import pytest

import funnelsim as fs
from funnelsim.errors import ParameterError, ScenarioError
from funnelsim.experiments.axes import Axis, Values, read_axis
from funnelsim.experiments.replication import replicate
from funnelsim.experiments.sweep import sweep
from funnelsim.scenarios.scenario import Scenario

DESK = Scenario.model_validate(
    {
        "funnelsim": 1,
        "name": "desk",
        "run": {"start": "2026-01-05", "horizon": "2 w", "warm_up": "1 w"},
        "calendars": {
            "day": {"hours": {"mon-fri": "09:00-17:00"}},
            "always": {"hours": {"mon-sun": "00:00-24:00"}},
        },
        "teams": {"desk": {"seats": 2}},
        "sources": {"web": {"stage": "ask", "rate": "48 / d"}},
        "stages": {
            "ask": {
                "delay_before": {"median": "5 h", "p90": "1 d"},
                "efforts": {"talk": {"team": "desk", "duration": {"mean": "1 h"}}},
                "timeout": {"after": "2 d", "to": "lost"},
                "next": {"advance": "won", "to": {"won": 0.5, "lost": 0.5}},
            },
            "won": {"marks": "won"},
            "lost": {"marks": "lost"},
        },
    }
)
SEATS = "teams.desk.seats"
RATE = "sources.web.rate"


@pytest.fixture(scope="module")
def two():
    return sweep(DESK, {SEATS: [1, 2, 4], RATE: ("24 / d", "96 / d")}, points=3, seed=3, n=3)


def test_a_grid_has_every_combination_in_order(two):
    rows = two.of("won")
    assert rows[SEATS].tolist() == [1, 1, 1, 2, 2, 2, 4, 4, 4]
    assert rows[RATE].tolist() == ["24 / d", "60 / d", "96 / d"] * 3
    assert len(two.table) == 9 * len(two.base.measures)
    assert two.table["point"].nunique() == 9


def test_a_point_is_the_changed_scenario_under_the_same_luck(two):
    changed = DESK.change("x", {SEATS: 4, RATE: "60 / d"})
    alone = replicate(changed, n=3, seed=3)
    row = two.of("wait.desk").iloc[7]
    assert row.value == pytest.approx(alone["wait.desk"].mean(), rel=1e-12)
    base = replicate(DESK, n=3, seed=3)["wait.desk"]
    assert row.uplift == pytest.approx((alone["wait.desk"] - base).mean(), rel=1e-12)
    assert row.uplift_lo < row.uplift < row.uplift_hi


def test_the_point_that_changes_nothing_differs_in_nothing():
    row = sweep(DESK, {SEATS: [2]}, seed=3, n=3).of("won").iloc[0]
    assert (row.uplift, row.uplift_lo, row.uplift_hi) == (0, 0, 0)


def test_results_do_not_depend_on_batches(monkeypatch):
    import sys

    one = sweep(DESK, {SEATS: (1, 3)}, seed=3, n=2)
    monkeypatch.setattr(sys.modules["funnelsim.experiments.sweep"], "_BATCH", 1)
    told: list[float] = []
    other = sweep(DESK, {SEATS: (1, 3)}, seed=3, n=2, progress=told.append)
    assert one.table.equals(other.table)
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.parametrize(
    ("values", "points"),
    [
        (("2 h", "1 d"), ("2 h", "13 h", "24 h")),
        (("1 d", "36 h"), ("1 d", "1.25 d", "1.5 d")),
        (("1 bd", "3 bd"), ("1 bd", "2 bd", "3 bd")),
        ((1, 6), (1, 4, 6)),
        ((1, 2), (1, 2)),
        ((0.1, 0.3), (0.1, 0.2, 0.3)),
        (("10 %", "30 %"), (0.1, 0.2, 0.3)),
        (("5 / d", "10 / d"), ("5 / d", "7.5 / d", "10 / d")),
        (("1 / h", "48 / d"), ("1 / h", "1.5 / h", "2 / h")),
        (["a", "b"], ("a", "b")),
    ],
)
def test_ranges_keep_the_unit_of_their_lower_end(values, points):
    assert read_axis("x", values).points(3) == points


def test_adjustments_and_whole_distributions_can_be_swept():
    spec = "stages.ask.delay_before"
    idle = DESK.change("many", {SEATS: 9})
    found = sweep(idle, {spec: {"times": (0.5, 1.5)}}, points=3, seed=3, n=3).of("cycle_time")
    assert found[spec].tolist() == [0.5, 1, 1.5]
    assert (np.diff(found["value"]) > 3600).all()
    median = sweep(idle, {spec + ".median": ["2 h", "10 h"]}, seed=3, n=2).of("cycle_time")
    assert np.diff(median["value"])[0] > 3600
    calendars = sweep(DESK, {"teams.desk.calendar": ["day", "always"]}, seed=3, n=2).of("won")
    assert calendars["value"].is_monotonic_increasing


def test_a_latin_hypercube_covers_every_axis_evenly():
    times = "stages.ask.timeout.after"
    over: dict[str, Values] = {SEATS: (1, 4), RATE: ("24 / d", "96 / d"), times: ["1 d", "2 d"]}
    found = sweep(DESK, over, design="latin", points=8, seed=3, n=2)
    again = sweep(DESK, over, design="latin", points=8, seed=3, n=2)
    rows = found.of("won")
    assert found.table.equals(again.table)
    assert rows[SEATS].value_counts().to_dict() == {1: 2, 2: 2, 3: 2, 4: 2}
    assert rows["stages.ask.timeout.after"].value_counts().to_dict() == {"1 d": 4, "2 d": 4}
    rates = sorted(float(rate.split()[0]) for rate in rows[RATE])
    strata = [int((rate - 24) / 9) for rate in rates]
    assert strata == list(range(8))


@pytest.mark.parametrize(
    ("over", "options", "said"),
    [
        ({}, {}, "no paths"),
        ({SEATS: []}, {}, "no values"),
        ({SEATS: 3}, {}, "no list of values"),
        ({SEATS: {"plus": [1]}}, {}, "is no values"),
        ({SEATS: ("2 h", 5)}, {}, "nothing between"),
        ({SEATS: (1, 3)}, {"design": "cube"}, "Use grid or latin"),
        ({SEATS: (1, 3)}, {"points": 0}, "points is 0"),
        ({RATE: (1.0, 2.0), SEATS: (1, 9999)}, {"points": 9000}, "the grid has"),
    ],
)
def test_bad_questions_are_refused(over, options, said):
    with pytest.raises(ParameterError, match=said):
        sweep(DESK, over, seed=3, n=2, **options)


def test_points_that_cannot_be_made_are_all_named():
    with pytest.raises(ScenarioError) as refused:
        sweep(DESK, {"stages.ask.next.to.won": [0.5, 1.5], "teams.desk.seat": [1]}, seed=3, n=2)
    paths = {problem.path for problem in refused.value.problems}
    assert "teams.desk.seat" in paths
    assert len(paths) > 1


# --- pictures -------------------------------------------------------------------------------------


def test_two_paths_make_a_heat_map_with_contours(two):
    picture = two.plot("won")
    axes = picture.figure.axes[0]
    mesh = axes.collections[0]
    assert np.asarray(mesh.get_array()).shape == (3, 3)
    assert np.asarray(mesh.get_array())[0].tolist() == [
        *two.of("won").query(f"`{RATE}` == '24 / d'")["value"]
    ]
    assert len(axes.collections) > 1
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "2", "4"]
    assert picture.alt.startswith("deals won over teams.desk.seats (1 to 4) and sources.web.rate")
    assert picture.svg() == two.plot("won").svg()


def test_one_path_makes_a_line_with_a_band(two):
    picture = two.plot("won", paths=[RATE])
    line = picture.figure.axes[0].lines[0]
    means = two.of("won").groupby(RATE)["value"].mean()
    assert np.asarray(line.get_ydata()) == pytest.approx(means.to_numpy())
    assert np.asarray(line.get_xdata()) == pytest.approx([1, 2.5, 4])


def test_points_of_a_hypercube_and_categories_are_drawn_one_by_one():
    over: dict[str, Values] = {RATE: ("24 / d", "96 / d"), "teams.desk.calendar": ["day", "always"]}
    found = sweep(DESK, over, design="latin", points=6, seed=3, n=2)
    drawn = found.plot("won").figure.axes[0].collections[-1]
    assert np.asarray(drawn.get_offsets()).shape == (6, 2)
    axes = found.plot("won", paths=["teams.desk.calendar"]).figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["day", "always"]
    with pytest.raises(ParameterError, match="was not swept"):
        found.plot("won", paths=["teams.desk.calender"])
    with pytest.raises(ParameterError, match="no measure"):
        found.plot("wan")


def test_three_paths_need_a_choice():
    times = "stages.ask.timeout.after"
    over: dict[str, Values] = {SEATS: [1, 2], RATE: ["24 / d", "48 / d"], times: ["1 d", "2 d"]}
    found = sweep(DESK, over, seed=3, n=2)
    with pytest.raises(ParameterError, match="room for two"):
        found.plot("won")
    mesh = found.plot("won", paths=[SEATS, RATE]).figure.axes[0].collections[0]
    assert np.asarray(mesh.get_array()).shape == (2, 2)


def test_a_flat_measure_and_one_point_can_be_drawn():
    found = sweep(DESK, {SEATS: [2], RATE: ["48 / d"]}, seed=3, n=2)
    assert found.plot("won").alt
    assert sweep(DESK, {SEATS: [2]}, seed=3, n=1).plot("won").alt


def test_numbers_of_what_is_no_number_are_places_in_order():
    numbers, unit = Axis("x", ("b", "a")).numbers(["a", "b", "a"])
    assert (numbers.tolist(), unit) == ([1, 0, 1], "category")


def test_it_is_public():
    assert fs.sweep.__name__ == "sweep"
