from __future__ import annotations

import numpy as np
import pytest

from funnelsim.measures import headline, outcomes, won_value
from funnelsim.measures.estimates import mean
from tests.logs import make_log

PATHS = {
    "a": "ask 0, won 10",
    "b": "ask 0, won 30",
    "c": "ask 0, won 50",
    "d": "ask 0, lost 5",
    "e": "ask 40",
}
LOG = make_log(
    PATHS,
    until=72,
    values={"a": 100, "b": 300},
    reasons={"d": "price"},
    efforts=[("a", 1, "desk", 1, 2, 4), ("b", 1, "back", 1, 2, 4)],
    staffed={"desk": [(0, 8, 1)], "back": [(0, 4, 1)]},
    leads={"source": ["web", "web", "shop", "shop", "shop"]},
)


class TestWonValue:
    def test_sum_deals_and_mean_of_those_with_a_value(self):
        table = won_value(LOG).set_index("measure")
        assert table["value"].to_dict() == {
            "won_value": 400,
            "won_deals": 3,
            "won_value_mean": 200,
        }
        assert table["unit"].tolist() == ["EUR minor", "deals", "EUR minor"]
        assert table["valued"].tolist() == [2, 2, 2]
        assert table["n"].tolist() == [3, 3, 2]

    def test_the_interval_of_money_stays_above_zero(self):
        row = won_value(LOG).iloc[2]
        assert mean(np.array([100.0, 300.0]), 0.95).lo < 0
        assert row["lo"] == 0
        assert row["hi"] > 300
        assert row["method"] == "Student t"

    def test_periods_are_those_of_the_win(self):
        table = won_value(LOG, every="1D")
        assert table[table["measure"] == "won_value"]["value"].tolist() == [100, 300, 0]
        assert list(table.columns[:3]) == ["at", "measure", "value"]

    def test_wins_of_earlier_leads_count_when_they_are_won(self):
        log = make_log(PATHS, until=72, since=24, values={"a": 100, "b": 300})
        assert won_value(log)["value"].tolist()[:2] == [300, 2]

    def test_groups_add_up(self):
        table = won_value(LOG, by="source").set_index(["source", "measure"])["value"]
        assert table["web", "won_value"] == 400
        assert table["shop", "won_deals"] == 1
        assert np.isnan(table["shop", "won_value_mean"])


class TestOutcomes:
    def test_reasons_of_losses_only(self):
        table = outcomes(LOG)
        assert table[["outcome", "reason", "value"]].to_numpy().tolist() == [
            ["won", "", 3],
            ["lost", "price", 1],
            ["open", "", 1],
        ]
        assert table["share"].sum() == pytest.approx(1)

    def test_a_group_adds_up_to_its_leads(self):
        table = outcomes(LOG, by="source")
        assert table.groupby("source")["value"].sum().to_dict() == {"shop": 3, "web": 2}


class TestHeadline:
    def test_few_figures_in_a_fixed_order(self):
        table = headline(LOG)
        assert table["measure"].tolist() == [
            "leads",
            "won_deals",
            "win_rate",
            "cycle_time_p50",
            "cycle_time_p95",
            "won_value",
            "utilisation",
            "open_deals",
        ]
        figures = table.set_index("measure")
        assert figures.loc["leads", "value"] == 5
        assert figures.loc["won_deals", "value"] == 3
        assert figures.loc["open_deals", "value"] == 1
        assert list(figures.loc["utilisation", ["team", "value"]]) == ["back", 0.5]

    def test_without_staffing_there_is_no_utilisation(self):
        log = make_log(PATHS, until=72, history="snapshot")
        assert "utilisation" not in headline(log)["measure"].tolist()
        assert len(headline(log)) == 7
