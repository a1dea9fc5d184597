"""Work that only some visits need: who does not need it neither queues nor waits."""

from __future__ import annotations

import pytest

from funnelsim import simulate
from funnelsim.scenarios.capacity import offered_load
from funnelsim.scenarios.scenario import Scenario


def scenario(join="series", **efforts):
    """Ten leads an hour, and a team that opens for an hour a day."""
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "some",
            "run": {"start": "2026-01-05", "horizon": "4 w"},
            "calendar": "gate",
            "calendars": {"gate": {"hours": {"mon-sun": "09:00-10:00"}}},
            "teams": {"desk": {"seats": 1000}},
            "sources": {"web": {"stage": "ask", "rate": "10 / h"}},
            "stages": {"ask": {"join": join, "efforts": efforts, "next": "won"}, "won": {}},
        }
    )


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_who_does_not_need_it_goes_on_at_once(engine):
    """6,720 visits: the share lies within four standard errors (false alarm 6e-5)."""
    world = scenario(call={"team": "desk", "duration": "1 min", "share": 0.37})
    log = simulate(world, seed=3, engine=engine)
    visits = log.visits[log.visits["stage"] == "ask"].dropna(subset=["left_at"])
    asked = visits["lead_id"].isin(log.efforts["lead_id"])
    assert abs(asked.mean() - 0.37) < 4 * (0.37 * 0.63 / len(visits)) ** 0.5
    assert (visits["left_at"] == visits["entered_at"])[~asked].all()
    assert (visits["left_at"] > visits["entered_at"])[asked].all()


def test_the_load_counts_those_who_need_it():
    one, some = (
        offered_load(scenario(call={"team": "desk", "duration": "1 min", "share": share}))[0].work
        for share in (1, 0.25)
    )
    assert some == pytest.approx(one / 4)


def test_a_delay_belongs_to_work_one_after_another():
    call = {"team": "desk", "duration": "1 min", "delay": "1 h"}
    with pytest.raises(ValueError, match="join: series"):
        scenario("all", call=call, note=call)
