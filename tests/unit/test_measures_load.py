from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim.errors import HistoryError, ParameterError
from funnelsim.measures import (
    arrivals_by_hour,
    backlog,
    cumulative_flow,
    mass_balance,
    service_level,
    throughput,
    utilisation,
    wip,
    wip_ageing,
    work_by_hour,
)
from funnelsim.measures.periods import edges
from tests.logs import START, at, make_log

PATHS = {
    "a": "ask 0, offer 30, won 50",
    "b": "ask 10, lost 40",
    "c": "ask 20, offer 60",
    "d": "ask 70",
}
LOG = make_log(PATHS, until=96, marks=[("c", 80, "won")])


def levels(table: pd.DataFrame, item: str) -> pd.DataFrame:
    """Return the hours as rows, the items as columns."""
    hour = (table["at"] - START) / pd.Timedelta(hours=1)
    return table.assign(hour=hour).pivot_table(
        index="hour", columns=item, values="value", sort=False
    )


class TestWip:
    def test_leads_in_each_stage_at_midnight(self):
        table = levels(wip(LOG), "stage")
        assert table["ask"].tolist() == [1, 3, 1, 1, 1]
        assert table["offer"].tolist() == [0, 0, 1, 1, 1]
        assert set(table) == {"ask", "offer", "deal", "again"}

    def test_a_won_lead_in_its_stage_is_no_open_deal(self):
        last = wip(LOG).tail(4).set_index("stage")
        assert list(last.loc["offer", ["value", "undecided"]]) == [1, 0]
        assert list(last.loc["ask", ["value", "undecided"]]) == [1, 1]

    def test_cumulative_flow_keeps_every_lead(self):
        table = levels(cumulative_flow(LOG), "state")
        assert table.sum(axis=1).tolist() == [1, 3, 3, 4, 4]
        assert table["(won)"].tolist() == [0, 0, 0, 1, 2]
        assert table["(lost)"].tolist() == [0, 0, 1, 1, 1]

    def test_stages_of_the_cumulative_flow_hold_the_open_deals_only(self):
        flow = cumulative_flow(LOG)
        stages = flow[~flow["state"].str.startswith("(")].groupby("at")["value"].sum()
        assert stages.tolist() == wip(LOG).groupby("at")["undecided"].sum().tolist()
        assert stages.tolist()[-1] == 1

    def test_leads_from_before_the_window_are_in_it(self):
        table = wip(make_log(PATHS, until=96, since=24))
        assert levels(table, "stage")["ask"].tolist() == [3, 1, 1, 1]

    def test_groups_add_up(self):
        log = make_log(PATHS, until=96, leads={"source": ["web", "web", "shop", None]})
        whole = wip(log).set_index(["at", "stage"])["value"]
        parts = wip(log, by="source").groupby(["at", "stage"])["value"].sum()
        pd.testing.assert_series_equal(parts.loc[whole.index], whole)


class TestWipAgeing:
    def test_age_in_stage_and_since_arrival(self):
        table = wip_ageing(LOG)
        assert table["lead_id"].tolist() == ["d"]
        assert table["value"].tolist() == [26 * 3600]
        assert table["age"].tolist() == [26 * 3600]

    def test_bands_follow_the_stage(self):
        paths = {f"l{i}": f"ask 0, lost {i}" for i in range(1, 101)}
        paths |= {"young": "ask 199", "middling": "ask 130", "old": "ask 112", "stuck": "ask 100"}
        table = wip_ageing(make_log(paths, until=200)).set_index("lead_id")
        assert table["band"].to_dict() == {
            "stuck": "above p95",
            "old": "p80 to p95",
            "middling": "p50 to p80",
            "young": "below p50",
        }
        assert table.index[0] == "stuck"

    @pytest.mark.parametrize(
        ("history", "age", "method"),
        [("latest_entry", 2 * 3600.0, "exact"), ("snapshot", np.nan, "unknown")],
    )
    def test_less_history_knows_less(self, history, age, method):
        log = make_log({"a": "ask 1"}, until=3, history=history)
        row = wip_ageing(log).iloc[0]
        assert row["value"] == age or (np.isnan(row["value"]) and np.isnan(age))
        assert (row["method"], row["band"]) == (method, "")


class TestBacklogAndThroughput:
    def test_backlog_is_what_waits(self):
        log = make_log(
            {"a": "ask 0", "b": "ask 0", "c": "ask 0"},
            until=5,
            efforts=[
                ("a", 1, "desk", 1, 3, 4),
                ("b", 1, "desk", 2, None, None),
                ("c", 1, "desk", 1, None, 2),
            ],
        )
        assert backlog(log, every="1 h")["value"].tolist() == [0, 2, 2, 1, 1, 1]
        assert backlog(log, every="1 h", per="stage")["stage"].unique().tolist() == ["ask"]

    def test_throughput_counts_closings_and_keeps_the_last_instant(self):
        log = make_log({"a": "ask 0, won 24", "b": "ask 0, lost 47", "c": "ask 0, lost 48"}, 48)
        table = throughput(log, every="1 d")
        assert table[["outcome", "value"]].to_numpy().tolist() == [
            ["won", 0],
            ["lost", 0],
            ["ended", 0],
            ["won", 1],
            ["lost", 2],
            ["ended", 0],
        ]

    def test_weeks_begin_on_monday_in_the_logs_zone(self):
        log = make_log({"a": "ask 0"}, until=24 * 20, since=30, time_zone="Europe/Kyiv")
        begins = throughput(log, every="1W")["at"].drop_duplicates()
        assert begins.tolist() == [at(30), at(7 * 24 - 2), at(14 * 24 - 2)]
        days = throughput(log, every="1W")["days"].iloc[::3].round(4).tolist()
        assert days == [5.6667, 7.0, 6.0833]

    def test_a_day_of_the_clock_change_has_23_hours(self):
        march = 24 * 89  # 30 March 2024; the clock changes on the 31st
        log = make_log({"a": "ask 2136"}, until=march + 72, since=march, time_zone="Europe/Kyiv")
        hours = np.diff(edges(log, "1D")) / 3.6e9
        assert hours.tolist() == [22, 23, 24, 3]

    @pytest.mark.parametrize("every", ["1 mo", "1MS", "MS"])
    def test_months(self, every):
        log = make_log({"a": "ask 0"}, until=24 * 61)
        assert len(edges(log, every)) == 4

    @pytest.mark.parametrize("every", ["", "0 d", "3 bd", "week", "-1 d"])
    def test_no_period_is_refused(self, every):
        with pytest.raises(ParameterError, match="is no period"):
            edges(LOG, every)


class TestUtilisation:
    def test_overtime_counts_as_staffed(self):
        # Two seats for 8 h; three pieces of work, one running two hours over.
        log = make_log(
            {"a": "ask 0", "b": "ask 0", "c": "ask 0"},
            until=24,
            efforts=[
                ("a", 1, "desk", 8, 9, 13),
                ("b", 1, "desk", 8, 10, 12),
                ("c", 1, "desk", 8, 15, 19),
            ],
            staffed={"desk": [(9, 17, 2)]},
        )
        row = utilisation(log).iloc[0]
        assert row[["busy_h", "staffed_h", "overtime_h"]].tolist() == [10, 18, 2]
        assert row["value"] == pytest.approx(10 / 18)
        assert row["n"] == 3

    def test_more_people_than_seats_work_overtime(self):
        log = make_log(
            {"a": "ask 0", "b": "ask 0"},
            until=10,
            efforts=[("a", 1, "desk", 0, 2, 6), ("b", 1, "desk", 0, 2, 6)],
            staffed={"desk": [(0, 4, 2), (4, 10, 1)]},
        )
        row = utilisation(log).iloc[0]
        assert row[["busy_h", "staffed_h", "overtime_h"]].tolist() == [8, 16, 2]

    def test_work_is_cut_at_the_window(self):
        log = make_log(
            {"a": "ask 0", "b": "ask 0"},
            until=10,
            since=5,
            efforts=[("a", 1, "desk", 0, 3, 7), ("b", 1, "desk", 0, 8, None)],
            staffed={"desk": [(5, 10, 1)]},
        )
        assert utilisation(log).iloc[0]["busy_h"] == 4

    def test_each_day(self):
        log = make_log(
            {"a": "ask 0"},
            until=72,
            efforts=[("a", 1, "desk", 0, 20, 28)],
            staffed={"desk": [(16, 24, 1), (40, 48, 1)]},
        )
        table = utilisation(log, every="1D")
        assert table["busy_h"].tolist() == [4, 4, 0]
        assert table["overtime_h"].tolist() == [0, 4, 0]
        assert table["value"].iloc[:2].tolist() == [0.5, 4 / 12]
        assert np.isnan(table["value"].iloc[2])
        assert table["method"].tolist() == ["exact", "exact", "not staffed"]
        assert table["n"].tolist() == [1, 1, 0]

    def test_a_crm_without_staffing_has_busy_hours_only(self):
        log = make_log({"a": "ask 0"}, until=9, efforts=[("a", 1, "desk", 0, 1, 3)])
        row = utilisation(log).iloc[0]
        assert row["busy_h"] == 2
        assert np.isnan(row["value"])
        assert row["method"] == "no staffing data"

    def test_a_log_without_teams_has_no_rows(self):
        assert utilisation(make_log({"a": "ask 0"}, until=9)).empty


class TestServiceLevel:
    LOG = make_log(
        dict.fromkeys("abcde", "ask 0"),
        until=20,
        efforts=[
            ("a", 1, "desk", 1, 3, 4),
            ("b", 1, "desk", 1, 9, 10),
            ("c", 1, "desk", 2, None, 3),
            ("d", 1, "desk", 3, None, None),
            ("e", 1, "desk", 18, 19, None),
        ],
    )

    def test_started_within_the_promise(self):
        row = service_level(self.LOG, within="4 h").iloc[0]
        assert row[["in_time", "late", "gave_up"]].tolist() == [1, 2, 1]
        assert (row["value"], row["n"], row["within_s"]) == (0.25, 4, 4 * 3600)

    def test_later_work_counts_once_the_promise_has_run_out(self):
        assert service_level(self.LOG, within="1 h").iloc[0]["n"] == 5

    @pytest.mark.parametrize("within", ["soon", "0 h", "-1 h", "3 bd"])
    def test_no_promise_is_refused(self, within):
        with pytest.raises(ParameterError, match="is no elapsed time"):
            service_level(self.LOG, within=within)


class TestRhythm:
    def test_arrivals_by_local_hour(self):
        # 07:30 UTC is 09:30 in Kyiv; three Mondays.
        paths = {f"l{week}{i}": f"ask {week * 168 + 7.5}" for week in range(3) for i in range(4)}
        log = make_log(paths, until=21 * 24, time_zone="Europe/Kyiv")
        table = arrivals_by_hour(log)
        seen = table[table["n"] > 0].iloc[0]
        assert seen[["weekday", "hour", "value", "n", "hours"]].tolist() == [0, 9, 4, 12, 3]
        assert seen["lo"] < 4 < seen["hi"]
        assert len(table) == 168

    def test_hours_the_window_lacks_have_no_rate(self):
        table = arrivals_by_hour(make_log({"a": "ask 1"}, until=5))
        assert table["value"].notna().sum() == 5
        assert table["hours"].sum() == 5

    def test_the_hour_skipped_in_spring_is_missing(self):
        sunday = 24 * 90
        log = make_log(
            {"a": f"ask {sunday}"}, until=sunday + 24, since=sunday, time_zone="Europe/Kyiv"
        )
        table = arrivals_by_hour(log)
        sundays = table[table["weekday"] == 6].set_index("hour")["hours"]
        assert sundays[3] == 0
        assert sundays.sum() == 21

    def test_people_at_work(self):
        log = make_log(
            {"a": "ask 0", "b": "ask 0"},
            until=7 * 24,
            efforts=[("a", 1, "desk", 0, 9.5, 11), ("b", 1, "desk", 0, 10, None)],
        )
        table = work_by_hour(log).set_index(["weekday", "hour"])["value"]
        assert table[0, 9] == 0.5
        assert table[0, 10] == 2
        assert table[6, 23] == 1


class TestMassBalance:
    def test_what_goes_in_comes_out(self):
        table = mass_balance(LOG).set_index("stage")
        assert list(table.loc["ask", ["value", "arrived", "came", "moved", "open"]]) == [
            4,
            4,
            0,
            3,
            1,
        ]
        assert list(table.loc["(all)", ["value", "ended", "open"]]) == [4, 2, 2]
        assert (table["imbalance"] == 0).all()

    def test_a_lost_visit_shows(self):
        log = make_log(PATHS, until=96)
        object.__setattr__(log, "visits", log.visits.drop(index=1).reset_index(drop=True))
        assert mass_balance(log)["imbalance"].sum() > 0


@pytest.mark.parametrize("measure", [wip, cumulative_flow])
def test_a_snapshot_has_no_past(measure):
    log = make_log({"a": "ask 0"}, until=3, history="snapshot")
    with pytest.raises(HistoryError, match="only each lead's current stage"):
        measure(log)
