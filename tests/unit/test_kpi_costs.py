"""Costs by hand: what selling costs, what a lead and a client cost, what is left."""

from __future__ import annotations

import numpy as np
import pytest

from funnelsim import measures
from funnelsim.errors import ParameterError
from funnelsim.measures import Costs
from tests.orders import shop

HOUR = 1 / 24
# Two web leads and one from the shop; the desk is staffed for 10 hours, 2 of them worked:
# 1 for a before it bought, half an hour for a after that, half an hour for c.
LOG = shop(
    {
        "a": "arrived 0, acquired 0 -10, won 1 =200 -80, reminded 2 -4, ordered 3 =50 -30",
        "b": "arrived 0, acquired 0 -30, visited 1 -6, lost 2",
        "c": "arrived 1, acquired 1 -20, won 4 =100 -40",
    },
    until=10,
    source=["web", "web", "shop"],
    work=[
        ("a", "desk", 0, HOUR),
        ("a", "desk", 2, 2 + HOUR / 2),
        ("c", "desk", 1, 1 + HOUR / 2),
    ],
    staffed={"desk": (0, 10 * HOUR, 1)},
    pay={"desk": 12},
)


class TestExpenses:
    def test_every_kind_and_the_total(self):
        table = measures.selling_expenses(LOG, costs=Costs(commission=0.1, overheads=100))
        # work at night is overtime: 10 staffed hours + ½ + ½
        assert table.set_index("expense")["value"].to_dict() == {
            "acquired": 60,
            "reminded": 4,
            "visited": 6,
            "(staff)": 11 * 12,
            "(commission)": 35,
            "(overheads)": 100,
            "(total)": 60 + 4 + 6 + 132 + 35 + 100,
        }

    def test_groups_add_up(self):
        costs = Costs(commission=0.1, overheads=100)
        whole = measures.selling_expenses(LOG, costs=costs).set_index("expense")["value"]
        parts = measures.selling_expenses(LOG, by="source", costs=costs)
        added = parts.groupby("expense")["value"].sum()
        assert added.to_dict() == pytest.approx(whole.to_dict())

    def test_hours_are_shared_out_by_work(self):
        table = measures.selling_expenses(LOG, by="source").set_index(["source", "expense"])
        assert table.loc[("web", "(staff)"), "value"] == pytest.approx(132 * 1.5 / 2)

    def test_periods_add_up(self):
        costs = Costs(commission=0.1, overheads=100)
        whole = measures.selling_expenses(LOG, costs=costs).set_index("expense")["value"]
        days = measures.selling_expenses(LOG, every="1d", costs=costs)
        assert days.groupby("expense")["value"].sum().to_dict() == pytest.approx(whole.to_dict())

    def test_idle_hours_of_a_day_without_work_are_shared_by_leads(self):
        log = shop(
            {"a": "arrived 0", "b": "arrived 0"},
            until=2,
            source=["web", "shop"],
            work=[("a", "desk", 0, HOUR)],
            staffed={"desk": (0, 2, 1)},
            pay={"desk": 1},
        )
        table = measures.selling_expenses(log, by="source", every="1d")
        staff = table[table["expense"] == "(staff)"].set_index("source")["value"]
        assert staff["web"].tolist() == [24, 12]
        assert staff["shop"].tolist() == [0, 12]

    def test_hours_worked_where_nobody_knows_who_was_there(self):
        log = shop({"a": "arrived 0"}, until=2, work=[("a", "desk", 0, 3 * HOUR)])
        table = measures.selling_expenses(log, costs=Costs(pay={"desk": 5}))
        assert table["value"].tolist() == [15, 15]

    def test_nothing_known_is_said(self):
        table = measures.selling_expenses(shop({"a": "arrived 0"}, until=1))
        assert table[["expense", "value", "caution"]].to_numpy().tolist() == [
            ["(total)", 0, "no costs"]
        ]

    def test_a_kind_of_mark_may_be_called_staff(self):
        log = shop({"a": "arrived 0, staff 0 -5"}, until=1)
        table = measures.selling_expenses(log, costs=Costs(overheads=2))
        assert table["expense"].tolist() == ["staff", "(overheads)", "(total)"]

    def test_an_unknown_team_is_refused(self):
        with pytest.raises(
            ParameterError, match=r"pay names des, which is no team\. Teams are: desk"
        ):
            measures.selling_expenses(LOG, costs=Costs(pay={"des": 1}))

    def test_all_that_is_wrong_with_costs_at_once(self):
        with pytest.raises(ParameterError) as raised:
            Costs(pay={"desk": -1}, commission=3, overheads=-5)
        assert len(raised.value.problems) == 3


class TestReturnOnSales:
    def test_margin_and_ros(self):
        table = measures.ros(LOG).set_index("measure")
        assert table.loc["gross_margin", "value"] == pytest.approx((350 - 150) / 350)
        assert table.loc["ros", "value"] == pytest.approx((350 - 150 - 202) / 350)
        assert table.loc["ros", "profit"] == pytest.approx(-2)

    def test_without_costs_there_is_no_profit(self):
        log = shop({"a": "arrived 0, won 1 =5"}, until=2)
        table = measures.ros(log)
        assert table["value"].isna().all()
        assert set(table["method"]) == {"no costs"}

    def test_without_the_cost_of_what_was_sold_there_is_no_margin(self):
        log = shop({"a": "arrived 0, acquired 0 -1, won 1 =5"}, until=2)
        margin, ros = measures.ros(log).to_dict("records")
        assert np.isnan(margin["value"])
        assert (ros["value"], ros["caution"]) == (pytest.approx(0.8), "no costs")

    def test_money_back_is_no_selling_expense(self):
        log = shop({"a": "arrived 0, acquired 0 -1, won 1 =5, refunded 1.5 -5"}, until=2)
        assert measures.ros(log)["cost_of_sales"].tolist() == [5, 5]

    def test_without_sales_there_is_no_ratio(self):
        table = measures.ros(shop({"a": "arrived 0, acquired 0 -5"}, until=2))
        assert table["value"].isna().all()


class TestCostPerLead:
    def test_by_channel(self):
        table = measures.cost_per_lead(LOG, by="source").set_index("source")
        assert table["value"].to_dict() == {"shop": 20, "web": 20}

    def test_by_arrival(self):
        table = measures.cost_per_lead(LOG, every="1d")
        assert table["value"].tolist()[:2] == [20, 20]
        assert table["n"].tolist()[:3] == [2, 1, 0]

    def test_no_costs(self):
        row = measures.cost_per_lead(shop({"a": "arrived 0"}, until=1)).iloc[0]
        assert (row["method"], row["caution"]) == ("no costs", "no costs")


class TestCac:
    def test_all_that_was_spent_before_they_bought(self):
        table = measures.cac(LOG).set_index("measure")
        # marks up to the first order 10 + 30 + 6 + 20; the desk's 132 by work: a after the
        # order ½ of 2 hours
        spent = 66 + 132 * 1.5 / 2
        assert table.loc["cac", "spent"] == pytest.approx(spent)
        assert table.loc["cac", "value"] == pytest.approx(spent / 2)
        assert table.loc["cac", "n"] == 2

    def test_commission_of_first_orders_only(self):
        table = measures.cac(LOG, costs=Costs(commission=0.1)).set_index("measure")
        assert table.loc["cac", "spent"] == pytest.approx(66 + 99 + 30)

    def test_poisson(self):
        row = measures.cac(LOG).iloc[0]
        # Garwood's limits of a count of 2: 0.2422 and 7.2247
        assert row["lo"] == pytest.approx(165 / 7.2247, rel=1e-4)
        assert row["hi"] == pytest.approx(165 / 0.2422, rel=1e-3)

    def test_money_follows_the_leads_that_arrived(self):
        log = shop(
            {
                "a": "arrived 0, acquired 0 -100, won 40 =1",
                "b": "arrived 32, acquired 32 -100, lost 35",
            },
            until=60,
        )
        table = measures.cac(log, every="1MS")
        by_period = table[table["measure"] == "cac"]["value"].tolist()
        by_cohort = table[table["measure"] == "cac_cohort"]["value"].tolist()
        assert by_period[1] == 100  # February's money, January's client
        assert by_cohort[0] == 100
        assert np.isnan(by_cohort[1])

    def test_open_leads_count_by_their_chance(self):
        log = shop(
            {
                "a": "arrived 0, acquired 0 -100, won 10 =1",
                "b": "arrived 0, acquired 0 -100, lost 20",
                "c": "arrived 30, acquired 30 -100",
            },
            until=35,
        )
        row = measures.cac(log).iloc[1]
        # c is open at age 5: of three at risk at 10 days one won, one lost
        assert row["clients"] == pytest.approx(1.5)
        assert row["value"] == pytest.approx(200)
        assert "immature" in row["caution"]

    def test_a_second_lead_of_a_client_wins_no_client(self):
        log = shop(
            {
                "a": "arrived 0, acquired 0 -100, won 1 =1",
                "b": "arrived 5, acquired 5 -100, won 6 =1",
            },
            until=10,
            customer_id=["x", "x"],
        )
        table = measures.cac(log)
        assert table["clients"].tolist() == [1, 1]
        assert table["spent"].tolist() == [100, 100]  # b's came after the first order


class TestCltvToCac:
    def test_the_quotient(self):
        lines = {f"l{n}": "arrived 0, acquired 0 -50, won 1 =300 -100" for n in range(40)}
        log = shop(lines, until=9)
        row = measures.cltv_to_cac(log, horizon="2 d").iloc[0]
        assert (row["cltv"], row["cac"]) == pytest.approx((200, 50))
        assert row["value"] == pytest.approx(4)
        assert row["lo"] < 4 < row["hi"]

    def test_why_there_is_none(self):
        lines = {f"l{n}": "arrived 0, won 1 =300" for n in range(40)}
        row = measures.cltv_to_cac(shop(lines, until=9), horizon="2 d").iloc[0]
        assert row["method"] == "no costs"


class TestRoi:
    def test_channels_by_profit_not_by_leads(self):
        lines = {f"w{n}": "arrived 0, acquired 0 -10, lost 1" for n in range(8)}
        lines |= {f"x{n}": "arrived 0, acquired 0 -10, won 1 =100 -50" for n in range(2)}
        lines |= {f"s{n}": "arrived 0, acquired 0 -40, won 1 =200 -100" for n in range(3)}
        source = ["web"] * 10 + ["shop"] * 3
        log = shop(lines, until=9, source=source)
        cheap = measures.cost_per_lead(log, by="source").set_index("source")["value"]
        roi = measures.roi(log, by="source").set_index("source")["value"]
        assert cheap["web"] < cheap["shop"]
        assert roi.to_dict() == pytest.approx({"web": 2 * 50 / 100 - 1, "shop": 300 / 120 - 1})

    def test_linearised_interval(self):
        lines = {
            "a": "arrived 0, acquired 0 -10, won 1 =30",
            "b": "arrived 0, acquired 0 -10, lost 1",
        }
        row = measures.roi(shop(lines, until=9)).iloc[0]
        # residuals 30 − 1.5 × 10 and −15: s.e. = √(2 × 450) ÷ 20, t(1) = 12.706
        assert row["hi"] - row["value"] == pytest.approx(12.7062 * 30 / 20, rel=1e-4)

    def test_young_channels_are_immature(self):
        lines = {
            "a": "arrived 0, acquired 0 -10, won 5 =30",
            "b": "arrived 0, acquired 0 -10, lost 6",
            "c": "arrived 8, acquired 8 -10",
        }
        row = measures.roi(shop(lines, until=9)).iloc[0]
        assert row["completeness"] == pytest.approx(1 / 1.5)
        assert row["caution"] == "too few, immature, no costs"

    def test_nothing_spent(self):
        row = measures.roi(shop({"a": "arrived 0, won 1 =5"}, until=2)).iloc[0]
        assert (row["method"], row["caution"]) == ("no costs", "too few, no costs")
