from __future__ import annotations

import numpy as np
import pytest

from funnelsim.errors import HistoryError, ParameterError
from funnelsim.measures import (
    cycle_time,
    delay_time,
    dwell_time,
    waiting_time,
    working_time,
)
from tests.logs import at, make_log

HOUR = 3600.0


def hours(table, measure):
    """Return item and percentile → hours."""
    chosen = table[table["measure"] == measure]
    item = chosen.columns[list(chosen.columns).index("quantile") - 1]
    keys = zip(chosen[item], chosen["quantile"], strict=True)
    return dict(zip(keys, chosen["value"] / HOUR, strict=True))


class TestDwellTime:
    def test_closed_visits_are_order_statistics(self):
        paths = {f"l{i}": f"ask 0, lost {i}" for i in range(1, 11)}
        table = dwell_time(make_log(paths, until=20), percentiles=[0.5, 0.8, 0.95])
        assert hours(table, "dwell_time") == {
            ("ask", 0.5): 5.0,
            ("ask", 0.8): 8.0,
            ("ask", 0.95): 10.0,
        }
        assert table["method"].tolist() == ["order statistics"] * 3 + ["Student t"]
        mean = table.iloc[-1]
        assert mean["value"] == 5.5 * HOUR
        assert mean["lo"] == pytest.approx(3.3341 * HOUR, rel=1e-4)  # 5.5 ± 2.2622 · 0.95743

    def test_open_visits_count_with_their_age(self):
        # S(1) = 3/4, then one is cut off at 2 h: S(3) = 3/8, S(4) = 0.
        log = make_log(
            {"a": "ask 0, lost 1", "b": "ask 8", "c": "ask 0, lost 3", "d": "ask 0, lost 4"},
            until=10,
        )
        table = dwell_time(log, percentiles=[0.25, 0.5])
        assert hours(table, "dwell_time") == {
            ("ask", 0.25): 1.0,
            ("ask", 0.5): 3.0,
        }
        assert table["value"].iloc[-1] / HOUR == pytest.approx(1 / 4 + 3 * 3 / 8 + 4 * 3 / 8)
        assert table[["left", "open"]].iloc[0].tolist() == [3, 1]

    def test_a_percentile_beyond_the_log_is_not_reached(self):
        log = make_log({"a": "ask 0, lost 1", "b": "ask 0", "c": "ask 0"}, until=10)
        table = dwell_time(log, percentiles=[0.3, 0.5])
        assert table["method"].tolist() == ["Kaplan-Meier", "not reached", "not estimable"]
        assert np.isnan(table["value"].iloc[1])
        assert np.isnan(table["hi"].iloc[1])

    def test_a_percentile_that_hangs_on_one_late_closing_is_not_reached(self):
        # The last closing stands for half of all leads: it cannot show the 95th percentile.
        paths = {"a": "ask 0, lost 1", "z": "ask 0, lost 50"}
        paths |= {f"l{i}": "ask 70" for i in range(8)}
        table = dwell_time(make_log(paths, until=80), percentiles=[0.95])
        assert table["method"].tolist()[0] == "not reached"

    @pytest.mark.parametrize("line", ["ask 0", "ask 0, lost 1"])
    def test_a_single_visit_raises_no_warning(self, line):
        table = dwell_time(make_log({"a": line}, until=10))
        assert (table["n"] == 1).all()

    def test_visits_from_before_the_window_are_left_out(self):
        # Those still there when the window opens are the long ones.
        log = make_log({"a": "ask 0, offer 6, lost 7", "b": "ask 5, lost 6"}, until=10, since=4)
        assert hours(dwell_time(log, percentiles=[0.5]), "dwell_time") == {
            ("ask", 0.5): 1.0,
            ("offer", 0.5): 1.0,
        }

    def test_visits_begun_before_a_lead_was_seen_are_left_out(self):
        seen = [at(3), at(0)]
        log = make_log(
            {"late": "ask 0, offer 6, lost 7", "b": "ask 0, lost 1"},
            until=10,
            leads={"observed_from": seen},
        )
        assert hours(dwell_time(log, percentiles=[0.9]), "dwell_time") == {
            ("ask", 0.9): 1.0,
            ("offer", 0.9): 1.0,
        }

    def test_re_entries_are_visits_of_their_own(self):
        log = make_log({"a": "ask 0, offer 1, ask 2, lost 5"}, until=10)
        assert dwell_time(log).query("stage == 'ask'")["n"].tolist() == [2, 2, 2, 2]

    def test_groups_by_the_visits_owner(self):
        log = make_log(
            {"a": "ask 0, offer 1, lost 4"},
            until=9,
            owners={("a", 1): "ann", ("a", 2): "bob"},
        )
        table = dwell_time(log, by="owner", percentiles=[0.5])
        assert table[["owner", "stage"]].drop_duplicates().to_numpy().tolist() == [
            ["ann", "ask"],
            ["bob", "offer"],
        ]

    def test_a_log_without_stage_changes_is_refused(self):
        log = make_log({"a": "ask 0"}, until=3, history="latest_entry")
        with pytest.raises(HistoryError, match="dwell_time needs every stage change"):
            dwell_time(log)

    def test_percentiles_are_checked_all_at_once(self):
        with pytest.raises(ParameterError) as caught:
            dwell_time(make_log({"a": "ask 0"}, until=3), percentiles=[50, 95])
        assert len(caught.value.problems) == 2


class TestDelayTime:
    def test_ready_and_timed_out(self):
        log = make_log(
            {"a": "ask 0, lost 6", "b": "ask 0, lost 4", "c": "ask 0"},
            until=10,
            ready={("a", 1): 5, ("c", 1): 2},
        )
        table = delay_time(log, percentiles=[0.3])
        assert hours(table, "delay_time") == {("ask", 0.3): 2.0}
        assert table[["ready", "left", "open"]].iloc[0].tolist() == [2, 1, 0]

    def test_stages_that_know_no_readiness_are_left_out(self):
        assert delay_time(make_log({"a": "ask 0, lost 6"}, until=10)).empty


class TestWaitingTime:
    LOG = make_log(
        {"a": "ask 0, offer 9", "b": "ask 0, lost 9", "c": "ask 0", "d": "ask 0"},
        until=10,
        efforts=[
            ("a", 1, "desk", 1, 2, 3),
            ("a", 2, "back", 9, None, None),
            ("b", 1, "desk", 1, None, 4),
            ("c", 1, "desk", 2, 6, None),
            ("d", 1, "desk", None, 3, 5),
        ],
    )

    def test_gave_up_and_still_waiting_are_censored(self):
        table = waiting_time(self.LOG, percentiles=[0.3, 0.33])
        desk = table[table["stage"] == "ask"]
        # One started after 1 h, one gave up after 2 h, one started after 4 h: S(1) = 2/3.
        assert (desk["value"].iloc[:2] / HOUR).tolist() == [1.0, 1.0]
        assert desk[["n", "started", "gave_up", "waiting"]].iloc[0].tolist() == [3, 2, 1, 0]
        back = table[table["stage"] == "offer"]
        assert back[["n", "started", "waiting"]].iloc[0].tolist() == [1, 0, 1]
        assert back["method"].tolist() == ["all open"] * 3

    def test_per_team(self):
        assert waiting_time(self.LOG, per="team")["team"].unique().tolist() == ["back", "desk"]

    def test_unknown_item_is_refused(self):
        with pytest.raises(ParameterError, match="Use stage or team"):
            waiting_time(self.LOG, per="worker")  # type: ignore[arg-type]

    def test_working_time(self):
        table = working_time(self.LOG, per="team", percentiles=[0.5])
        assert hours(table, "working_time") == {("desk", 0.5): 2.0}
        assert table[["finished", "underway"]].iloc[0].tolist() == [2, 1]


class TestCycleTime:
    LOG = make_log(
        {
            "a": "ask 0, won 10",
            "b": "ask 0, lost 2",
            "c": "ask 0, lost 4",
            "d": "ask 0, won 20",
        },
        until=30,
    )

    def test_any_closing(self):
        table = cycle_time(self.LOG, percentiles=[0.5])
        assert hours(table, "cycle_time") == {("any", 0.5): 4.0}
        assert table["value"].iloc[-1] == 9 * HOUR

    @pytest.mark.parametrize(("outcome", "median", "mean"), [("won", 10, 15), ("lost", 2, 3)])
    def test_one_outcome(self, outcome, median, mean):
        table = cycle_time(self.LOG, outcome=outcome, percentiles=[0.5])
        assert hours(table, "cycle_time") == {(outcome, 0.5): median}
        assert table["value"].iloc[-1] == mean * HOUR
        assert table["n"].tolist() == [2, 2]

    def test_open_leads_make_it_longer_than_the_closed_ones_say(self):
        paths = {f"l{i}": f"ask 0, lost {i}" for i in range(1, 6)}
        paths |= {f"o{i}": "ask 0" for i in range(4)}
        table = cycle_time(make_log(paths, until=40), percentiles=[0.5])
        assert hours(table, "cycle_time") == {("any", 0.5): 5.0}
        assert table["method"].tolist() == ["Kaplan-Meier", "not estimable"]

    def test_unknown_outcome_is_refused(self):
        with pytest.raises(ParameterError, match="won, lost or None"):
            cycle_time(self.LOG, outcome="open")  # type: ignore[arg-type]
