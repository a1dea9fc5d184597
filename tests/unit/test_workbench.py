"""Sliders without a browser: what they move, what they say, what stays still."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from funnelsim import shipped
from funnelsim.errors import ParameterError
from funnelsim.experiments import compare
from funnelsim.reporting.texts import texts
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario
from funnelsim.workbench import what_if as what_if_or_none
from funnelsim.workbench.knobs import knob, turned

NAMES = sorted(path.stem for path in shipped.scenarios().glob("*.yaml"))
SMALL = Scenario.model_validate(
    {
        "funnelsim": 1,
        "name": "small",
        "run": {"start": "2026-03-02", "horizon": "6 w", "warm_up": "2 w"},
        "calendars": {"office": {"hours": {"mon-fri": "9-17"}}},
        "teams": {"sales": {"seats": 1, "calendar": "office"}},
        "sources": {"web": {"stage": "demo", "rate": "8 / d", "value": 1000}},
        "currency": "UAH",
        "stages": {
            "demo": {
                "delay_before": {"median": "1 d", "p90": "3 d"},
                "efforts": {"call": {"team": "sales", "duration": "50 min"}},
                "next": {"advance": "won", "to": {"won": 0.4, "lost": 0.6}},
            },
            "won": {"marks": "won"},
            "lost": {"marks": "lost"},
        },
        "what_ifs": {
            "better": {"set": {"stages.demo.next.to.won": {"add": 0.1}}},
            "sooner": {"set": {"stages.demo.delay_before": {"median": "4 h", "p90": "12 h"}}},
            "seat": {"set": {"teams.sales.seats": {"add": 1}}, "start": "2026-03-16"},
            "evenings": {"set": {"calendars.office.hours": {"mon-fri": "9-20"}}},
            "all": {
                "set": {
                    "stages.demo.next.to": {"won": 0.5, "lost": 0.5},
                    "sources.web.rate": {"times": 1.5},
                }
            },
        },
    }
)

what_if: Any = what_if_or_none  # live, it is never None


@pytest.fixture(scope="module")
def bench():
    made = what_if(SMALL, seed=3, n=8)
    made.wait()
    return made


def at(knob, share):
    return min(knob.positions, key=lambda place: abs(place.share - share))


# --- knobs ----------------------------------------------------------------------------------------


def test_a_slider_goes_from_today_to_the_what_if_and_a_bit_beyond():
    found = knob(SMALL, "better", texts("en"))
    assert found.today.text == "40%"
    assert at(found, 1.0).text == "50%"
    assert (found.positions[0].text, found.positions[-1].text) == ("35%", "55%")


def test_whole_things_move_in_whole_steps():
    found = knob(SMALL, "seat", texts("en"))
    assert [place.text for place in found.positions] == ["1", "2"] or [
        place.text for place in found.positions
    ] == ["0", "1", "2"]
    assert found.start is not None


def test_all_quantities_of_a_distribution_move_in_proportion():
    found = knob(SMALL, "sooner", texts("en"))
    half = at(found, 0.5).overrides["stages.demo.delay_before"]
    assert found.today.text == "24\u00a0h"
    assert at(found, 1.0).text == "4\u00a0h"
    # the geometric mean of a day and 4 h, of 3 days and 12 h
    days = {key: float(half[key].split()[0]) for key in ("median", "p90")}
    assert days["median"] == pytest.approx((1 * 4 / 24) ** 0.5, rel=0.01)
    assert days["p90"] == pytest.approx((3 * 0.5) ** 0.5, rel=0.01)


def test_what_has_nothing_in_between_is_switched():
    found = knob(SMALL, "evenings", texts("uk"))
    assert [place.text for place in found.positions] == ["зараз", "як у варіанті"]


def test_several_values_move_together():
    found = knob(SMALL, "all", texts("en"))
    half = at(found, 0.5)
    assert half.text == "50% of the change"
    assert half.overrides["stages.demo.next.to"] == {"won": 0.45, "lost": 0.55}
    assert half.overrides["sources.web.rate"] == "10 / d"


@pytest.mark.parametrize("name", NAMES)
def test_every_place_of_every_shipped_slider_is_a_scenario(name):
    scenario = load(shipped.scenarios() / f"{name}.yaml")
    for key in scenario.what_ifs:
        found = knob(scenario, key, texts("ru"))
        assert found.today.overrides == {}
        assert any(place.share == 1.0 for place in found.positions)
        for place in (found.positions[0], at(found, 1.0), found.positions[-1]):
            turned(scenario, {found: place})


def test_the_whole_change_is_the_what_if_itself():
    places = {(each := knob(SMALL, key, texts("en"))): at(each, 1.0) for key in ("better", "seat")}
    both = turned(SMALL, places)
    way = both.stages["demo"].next
    assert way is not None
    assert way.to == {"won": 0.5, "lost": 0.5}
    assert len(both.changes) == 1
    assert both.changes["lever-seat"].set == {"teams.sales.seats": 2}


# --- the bench ------------------------------------------------------------------------------------


def test_nothing_is_made_where_nobody_can_move_a_slider():
    assert what_if(SMALL, live=False) is None


def test_at_first_it_shows_things_as_they_are(bench):
    assert bench.told.startswith("Things as they are. Move a slider")
    assert bytes(bench.picture.value).startswith(b"\x89PNG")


def test_a_slider_says_the_very_numbers_of_a_comparison(bench):
    said = bench.move(better=1)
    found = compare(SMALL, ["better"], seed=3, n=8)
    wanted = found.sentence("won", "better").partition(": ")[2]
    assert said == f"demo: share to “won” 50%: {wanted}"
    bench.move(better=0)
    assert bench.told.startswith("Things as they are")


def test_sliders_add_up(bench):
    bench.move(better=1)
    alone = bench.told
    bench.move(seat=1)
    assert bench.told != alone
    assert "teams" not in bench.told
    assert bench.told.startswith("demo: share to “won” 50%; sales: seats 2: ")
    bench.move(better=0, seat=0)


def test_the_same_place_is_the_same_picture(bench):
    bench.move(sooner=1)
    bench.move(sooner=0)
    first = bench.picture.value
    bench.move(better=0.5)
    assert bench.picture.value != first
    bench.move(better=0)
    assert bench.picture.value == first


def test_the_last_move_wins(bench):
    for place in [*bench.knobs["better"].positions, at(bench.knobs["better"], 1.0)]:
        bench.sliders["better"].value = place
    bench.wait()
    assert "50%: deals won up by" in bench.told
    bench.move(better=0)


def test_reset_puts_every_slider_back(bench):
    bench.move(better=1, sooner=1)
    bench._reset(None)
    bench.wait()
    assert all(slider.value.share == 0 for slider in bench.sliders.values())
    assert bench.told.startswith("Things as they are")


def test_it_speaks_the_language_asked_for():
    bench = what_if(SMALL, ["better"], n=5, lang="uk")
    assert "виграні угоди — більше на" in bench.move(better=1)


def test_a_first_picture_does_not_wait_for_all_runs(monkeypatch):
    monkeypatch.setattr("funnelsim.workbench.bench.PATIENCE", 0.0)
    bench = what_if(SMALL, ["better"], n=9)
    bench.wait()
    pictures = []
    bench.picture.observe(lambda change: pictures.append(bench.state.value), "value")
    bench.move(better=1)
    assert len(pictures) == 2
    assert "9 of 9 runs" in bench.state.value


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ParameterError, match='there is no what-if "beter"'):
        what_if(SMALL, ["beter"])
    bare = SMALL.model_copy(update={"what_ifs": {}})
    with pytest.raises(ParameterError, match="lists no what-ifs"):
        what_if(bare)


def test_places_that_do_not_go_together_are_told():
    clash = {
        "up": {"set": {"stages.demo.next.to.won": 0.9}},
        "down": {"set": {"stages.demo.next.to.lost": 0.9}},
    }
    scenario = Scenario.model_validate({**SMALL.plain(), "what_ifs": clash})
    bench = what_if(scenario, n=4)
    said = bench.move(up=1, down=1)
    assert said
    assert np.isfinite(bench.seconds)


def test_waiting_has_an_end(bench):
    bench.wait(timeout=5)
    begun = time.perf_counter()
    bench.wait()
    assert time.perf_counter() - begun < 1
