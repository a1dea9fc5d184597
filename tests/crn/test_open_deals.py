"""Open deals have luck of their own: one more or one less changes only what it causes."""

from __future__ import annotations

import numpy as np
import pytest

from funnelsim.engine import simulate
from funnelsim.engine.snapshot import snapshot
from tests.crn.test_cause import luck, roomy, same_leads, shop
from tests.statistical import assert_mean

DAY = "2026-01-20 11:00"
PAIRS = 150


@pytest.fixture(scope="module")
def start():
    return snapshot(simulate(roomy(), seed=3), DAY)


def test_a_deal_less_where_nobody_waits_changes_no_other(start):
    ids = start.deals["lead_id"].tolist()
    fewer = start.filter(ids[1:])
    before, after = (simulate(roomy(), seed=7, start=deals) for deals in (start, fewer))
    assert set(before.leads["lead_id"]) - set(after.leads["lead_id"]) == {ids[0]}
    same_leads(before, after, after.leads["lead_id"])


def test_a_deal_less_where_people_wait_changes_waits_only():
    """What is drawn for all others stays: delays, lengths of work, ways."""
    start = snapshot(simulate(shop(), seed=3), DAY)
    fewer = start.filter(start.deals["lead_id"].tolist()[2:])
    before, after = (luck(simulate(shop(), seed=7, start=deals)) for deals in (start, fewer))
    both = before.merge(after, left_index=True, right_index=True, suffixes=("", "_after"))
    held = both.index.get_level_values(0).isin(start.deals["lead_id"])
    assert len(both[~held]) > 300
    for column in ("before", "work", "after", "next_stage"):
        assert (both.loc[~held, column] == both.loc[~held, f"{column}_after"]).all(), column


def test_open_deals_move_no_arrival(start):
    """Leads that come later come when they would have come without any open deals."""
    before, after = simulate(roomy(), seed=7, start=start.filter([])), None
    after = simulate(roomy(), seed=7, start=start)
    assert len(after.leads) == len(before.leads) + len(start)
    same_leads(before, after, before.leads["lead_id"])


def test_a_what_if_changes_only_those_it_wins(start):
    """A point of conversion more: open deals and new leads are won, none is lost."""
    more = roomy().change("more", {"stages.ask.next.to.pay": {"add": 0.03}})
    before, after = (simulate(each, seed=7, start=start) for each in (roomy(), more))
    won = [set(log.marks.loc[log.marks["kind"] == "won", "lead_id"]) for log in (before, after)]
    assert won[0] < won[1]


@pytest.mark.slow
def test_cutting_a_run_and_going_on_changes_no_distribution():
    """Given what has happened, going on by other luck is as good as never having stopped.

    Differences of wins, and of wins of the deals open at the cut, over 150 pairs: Student's t,
    false alarm 1e-6 each; detects 9 of about 85 wins, and 2 of about 15.
    """
    scenario = shop(run={"start": "2026-01-05", "horizon": "2 w"})
    rest = scenario.model_copy(update={"run": shop(run=RUN).run})
    total, known = np.zeros(PAIRS), np.zeros(PAIRS)
    for number in range(PAIRS):
        whole = simulate(scenario, seed=1, replication=number, engine="compiled")
        start = snapshot(whole, "2026-01-12 11:00")
        gone_on = simulate(rest, seed=2, replication=number, engine="compiled", start=start)
        wins = []
        for log in (whole, gone_on):
            later = log.marks["at"] >= start.at
            won = log.marks[(log.marks["kind"] == "won") & later]
            wins.append((len(won), won["lead_id"].isin(start.deals["lead_id"]).sum()))
        assert whole.meta.observed_until == gone_on.meta.observed_until
        total[number], known[number] = np.subtract(wins[0], wins[1])
    assert_mean(total, 0, detectable=9)
    assert_mean(known, 0, detectable=2)


RUN = {"start": "2026-01-05", "horizon": "157 h"}
"""From Monday 11:00 to the end of the second week."""
