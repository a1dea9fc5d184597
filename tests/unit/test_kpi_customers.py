"""The client base by hand: spells, retention, churn, repeat orders, lifetime value."""

from __future__ import annotations

import numpy as np
import pytest

from funnelsim import measures
from funnelsim.errors import ParameterError
from funnelsim.measures.clients import NEVER, clients
from tests.orders import shop

# January and February 2024 (31 + 29 days). Clients at 1 February: a, b, c, d; a and d stay
# to the end of February, b churns, c churns and is back, e joins; f joins and leaves inside.
BASE = shop(
    {
        "a": "arrived 0, won 1 =100",
        "b": "arrived 0, won 2 =100, churned 40",
        "c": "arrived 0, won 3 =100, churned 45, ordered 50 =10",
        "d": "arrived 0, won 4 =100",
        "e": "arrived 0, won 33 =100",
        "f": "arrived 0, won 35 =100, churned 50",
        "g": "arrived 0",
    },
    until=60,
)


class TestSpells:
    def test_a_mark_ends_a_time_as_client_and_an_order_begins_another(self):
        found = clients(BASE)
        micro = 86_400_000_000
        begin = found.start // micro - found.start[0] // micro + 1
        assert begin.tolist() == [1, 2, 3, 50, 4, 33, 35]
        assert (found.end == NEVER).tolist() == [True, False, False, True, True, True, False]

    def test_silence_ends_it_too(self):
        log = shop({"a": "arrived 0, won 1 =1, ordered 20 =1, ordered 60 =1"}, until=100)
        found = clients(log, silent="30 d")
        assert len(found.start) == 2  # 1 to 50, and 60 to 90
        assert ((found.end - found.start) / 86_400e6).tolist() == [49, 30]

    def test_silence_that_has_not_passed_yet_ends_nothing(self):
        log = shop({"a": "arrived 0, won 1 =1"}, until=30)
        assert clients(log, silent="29 d").end.tolist() != [NEVER]
        assert clients(log, silent="30 d").end.tolist() == [NEVER]

    def test_an_order_just_in_time_keeps_a_client(self):
        log = shop({"a": "arrived 0, won 1 =1, ordered 31 =1"}, until=40)
        assert len(clients(log, silent="30 d").start) == 1

    def test_leads_of_one_customer_are_one_client(self):
        log = shop(
            {"a": "arrived 0, won 1 =1", "b": "arrived 5, won 6 =1, churned 9"},
            until=40,
            customer_id=["x", "x"],
        )
        found = clients(log)
        assert len(found.start) == 1
        assert found.end[0] != NEVER


class TestRetention:
    def test_relative_to_the_start(self):
        row = measures.retention(BASE, every="1MS").iloc[1]
        assert row["at_start"] == 4
        assert (row["value"], row["left"], row["joined"]) == (0.75, 1, 1)
        assert (row["at_end"], row["end_to_start"]) == (4, 1.0)
        assert row["caution"] == "too few, leads counted"

    def test_churn_is_the_rest(self):
        retained, churned = measures.retention(BASE), measures.churn(BASE)
        assert (retained["value"] + churned["value"]).dropna().tolist() == [1.0]

    def test_wilson(self):
        row = measures.churn(BASE, every="1MS").iloc[1]
        assert row["lo"] == pytest.approx(0.0456, abs=1e-4)
        assert row["hi"] == pytest.approx(0.6994, abs=1e-4)

    def test_growth_hides_churn_in_the_ratio_people_show(self):
        lines = {
            f"old{n}": f"arrived 0, won 1 =1{', churned 40' if n < 5 else ''}" for n in range(10)
        }
        lines |= {f"new{n}": "arrived 0, won 45 =1" for n in range(5)}
        row = measures.retention(shop(lines, until=60)).iloc[1]
        assert row["end_to_start"] == 1.0
        assert row["value"] == 0.5

    def test_without_churn_there_is_no_retention(self):
        log = shop({"a": "arrived 0, won 1 =1"}, until=60)
        row = measures.retention(log).iloc[1]
        assert np.isnan(row["value"])
        assert row["method"] == "no churn"
        assert "no churn" in row["caution"]

    def test_segments_are_those_of_the_first_lead(self):
        log = shop(
            {"a": "arrived 0, won 1 =1, churned 40", "b": "arrived 5", "c": "arrived 0, won 2 =1"},
            until=60,
            customer_id=["x", "x", "y"],
            source=["web", "shop", "shop"],
        )
        table = measures.churn(log, by="source", every="1MS")
        last = table.groupby("source").last()
        assert last["value"].to_dict() == {"shop": 0, "web": 1}


class TestRepeat:
    LOG = shop(
        {
            "a": "arrived 0, won 0 =1, ordered 10 =1",
            "b": "arrived 0, won 0 =1, ordered 30 =1, ordered 31 =1",
            "c": "arrived 0, won 20 =1",
            "d": "arrived 0, won 0 =1, churned 5",
        },
        until=40,
    )

    def test_so_far_and_with_time_for_the_young(self):
        so_far, ours = measures.repeat_rate(self.LOG).to_dict("records")
        assert so_far["value"] == 0.5
        # ages 5 (left), 10 (again), 20 (c still waits), 30 (again): 1/4 + 1/2 × 1/1
        assert ours["value"] == pytest.approx(0.25 + 0.5)
        assert ours["method"] == "Aalen-Johansen"
        assert (ours["repeated"], ours["waiting"]) == (2, 1)

    def test_within_a_time(self):
        table = measures.repeat_rate(self.LOG, within="15 d")
        assert table["value"].tolist() == [0.25, 0.25]
        assert table["method"].tolist() == ["Wilson", "Wilson"]


class TestFrequency:
    def test_buyers_only_and_everybody(self):
        log = shop(
            {
                "a": "arrived 0, won 0 =1, ordered 10 =1, ordered 20 =1",
                "b": "arrived 0, won 0 =1, churned 365.25",
            },
            until=730.5,
        )
        usual, rate = measures.purchase_frequency(log, every=None).to_dict("records")
        assert usual["value"] == 2  # 4 orders ÷ 2 buyers
        assert rate["client_years"] == pytest.approx(3)
        assert rate["value"] == pytest.approx(2 / 3)

    def test_months(self):
        table = measures.purchase_frequency(BASE, every="1MS")
        usual = table[table["measure"] == "purchase_frequency"]
        assert usual["value"].tolist() == [1, 1]
        assert usual["buyers"].tolist() == [4, 3]


# Ten clients: five who came on day 0, five on day 50; each brings 100 at once and 40 after
# 30 and 60 days of being a client.
TEN = shop(
    {f"o{n}": "arrived 0, won 0 =100 -60, ordered 30 =40 -10, ordered 60 =40" for n in range(5)}
    | {f"y{n}": "arrived 0, won 50 =100 -60, ordered 80 =40 -10" for n in range(5)},
    until=100,
)


class TestLifetime:
    def test_revenue_so_far_is_too_low(self):
        table = measures.ltv_revenue(TEN, horizons=["50 d"])
        so_far, ours = table.to_dict("records")
        assert so_far["value"] == pytest.approx(160)
        assert "immature" in so_far["caution"]
        # all ten were seen for 50 days
        assert (ours["value"], ours["method"]) == (140, "mean cumulative")
        assert ours["observed_d"] == 50

    def test_profit_takes_the_costs_off(self):
        row = measures.cltv_profit(TEN, horizons=["50 d"]).iloc[1]
        assert row["value"] == pytest.approx(40 + 30)

    def test_profit_by_margin(self):
        row = measures.cltv_profit(TEN, horizons=["50 d"], margin=0.25).iloc[1]
        assert row["value"] == pytest.approx(35)

    def test_revenue_and_profit_differ_in_name_and_number(self):
        revenue, profit = measures.ltv_revenue(TEN), measures.cltv_profit(TEN)
        assert revenue["measure"].tolist()[1:] == ["ltv_revenue", "ltv_revenue"]
        assert profit["measure"].tolist()[1:] == ["cltv_profit", "cltv_profit"]
        assert (profit["value"].iloc[1] < revenue["value"].iloc[1]).item()

    def test_beyond_what_was_seen_it_is_extrapolated(self):
        row = measures.ltv_revenue(TEN, horizons=["60 d"]).iloc[1]
        # repeat income: (5 × 80 + 5 × 40) ÷ (5 × 100 + 5 × 50) days, for ten more days
        assert row["value"] == pytest.approx(140 + 10 * 600 / 750)
        assert row["method"] == "constant churn"
        assert "extrapolated, no churn" in row["caution"]

    def test_a_relation_that_never_ends_has_no_value(self):
        row = measures.ltv_revenue(TEN, horizons=[None]).iloc[1]
        assert (row["method"], row["horizon_d"]) == ("no churn", np.inf)
        assert np.isnan(row["value"])

    def test_interest_ends_it(self):
        row = measures.ltv_revenue(TEN, horizons=[None], discount=0.1).iloc[1]
        interest = np.log(1.1) / 365.25
        seen = 100 + 40 * np.exp(-interest * 30)
        later = np.exp(-interest * 50) * (600 / 750) / interest
        assert row["value"] == pytest.approx(seen + later)

    def test_churn_ends_it(self):
        # 20 clients, half leave after 50 days: none brings anything after the first order
        # but 10 a day 10 of each day as a client.
        lines = {f"s{n}": "arrived 0, won 0 =100, ordered 10 =10" for n in range(10)}
        lines |= {f"g{n}": "arrived 0, won 0 =100, ordered 10 =10, churned 50" for n in range(10)}
        row = measures.ltv_revenue(shop(lines, until=100), horizons=[None]).iloc[1]
        days, income, gone = 10 * 100 + 10 * 50, 200, 10
        later = 0.5 * (income / days) / (gone / days)
        assert row["value"] == pytest.approx(110 + later)
        assert row["lo"] < row["value"] < row["hi"]

    def test_nine_clients_are_too_few(self):
        lines = {f"l{n}": "arrived 0, won 0 =100" for n in range(9)}
        row = measures.ltv_revenue(shop(lines, until=9)).iloc[1]
        assert row["method"] == "too few"
        assert np.isnan(row["value"])

    def test_costs_unknown(self):
        lines = {f"l{n}": "arrived 0, won 0 =100" for n in range(12)}
        table = measures.cltv_profit(shop(lines, until=9), horizons=["1 d"])
        assert set(table["method"]) == {"no costs"}
        assert table["value"].isna().all()

    def test_the_price_of_a_lead_does_not_make_revenue_profit(self):
        lines = {f"l{n}": "arrived 0, acquired 0 -50, won 1 =100" for n in range(12)}
        table = measures.cltv_profit(shop(lines, until=9), horizons=["1 d"])
        assert set(table["method"]) == {"no costs"}

    def test_orders_without_value_are_said(self):
        lines = {f"l{n}": "arrived 0, won 0 =5, ordered 1" for n in range(12)}
        table = measures.ltv_revenue(shop(lines, until=9), horizons=["1 d"])
        assert table["caution"].str.contains("no value").all()

    def test_acquisition_is_no_part_of_it(self):
        lines = {f"l{n}": "arrived 0, acquired 0 -50, won 1 =100 -20" for n in range(12)}
        row = measures.cltv_profit(shop(lines, until=9), horizons=["1 d"]).iloc[1]
        assert row["value"] == pytest.approx(80)

    def test_a_margin_over_one_is_refused(self):
        with pytest.raises(ParameterError, match="margin=30"):
            measures.cltv_profit(TEN, margin=30)


class TestRetentionEffect:
    def test_by_the_formula(self):
        lines = {f"s{n}": "arrived 0, won 0 =100, ordered 10 =10" for n in range(10)}
        lines |= {f"g{n}": "arrived 0, won 0 =100, ordered 10 =10, churned 500" for n in range(10)}
        log = shop(lines, until=1000)
        row = measures.retention_effect(log, margin=0.5).iloc[0]
        days = 10 * 1000 + 10 * 500
        income, leaving = 0.5 * 200 / days, 10 / days
        stay = np.exp(-leaving * 365.25)
        now = 50 + income / leaving
        then = 50 + income * 365.25 / -np.log(1.05 * stay)
        assert row["retention_before"] == pytest.approx(stay)
        assert row["value"] == pytest.approx(then / now - 1)
        assert (row["claimed_lo"], row["claimed_hi"]) == (0.25, 0.95)


class TestClientCohorts:
    def test_only_ages_that_all_have_reached(self):
        table = measures.client_cohorts(BASE, every="1MS", step="10 d")
        january = table[table["at"].dt.month == 1]
        assert january["age"].tolist() == [1, 2, 3, 4, 5]  # 56 days since the youngest
        assert january["still"].tolist() == [4, 4, 4, 3, 3]  # b gone at 38, c from 42 to 47
        february = table[table["at"].dt.month == 2]
        assert february["still"].tolist() == [2, 1]
