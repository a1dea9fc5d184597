"""Sales by hand: what an order is, the three averages, growth, managers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim import measures
from funnelsim.errors import ParameterError
from funnelsim.measures.estimates import mean
from funnelsim.measures.purchases import customers, purchases
from tests.orders import day, shop

# a: won only. b: ordered, then won (one sale). c: won, then two repeat orders.
# d: lost but paid something before. e: open. January has 31 days.
SHOP = shop(
    {
        "a": "arrived 0, won 1 =100, paid 5 =100",
        "b": "arrived 0, ordered 2 =200, won 3 =200, paid 40 =200",
        "c": "arrived 1, won 4 =300, ordered 35 =50, ordered 60 =70",
        "d": "arrived 1, paid 2 =10, lost 3",
        "e": "arrived 30",
    },
    until=91,
    source=["web", "web", "shop", "shop", "web"],
    product=["x", "y", "x", "y", None],
)


class TestPurchases:
    def test_one_sale_is_counted_once(self):
        bought = purchases(SHOP)
        assert bought.value.tolist() == [100, 200, 300, 50, 70]
        assert bought.number.tolist() == [1, 1, 1, 2, 3]

    def test_paid_is_another_date_and_another_sum(self):
        assert purchases(SHOP, "paid").value.tolist() == [10, 100, 200]

    def test_nothing_paid_is_no_zero(self):
        log = shop({"a": "arrived 0, won 1 =1"}, until=2)
        with pytest.raises(ParameterError, match="no lead of this log is marked paid"):
            purchases(log, "paid")

    def test_an_unknown_basis_is_refused(self):
        with pytest.raises(ParameterError, match="basis='cash' is no way to count sales"):
            measures.total_sales(SHOP, basis="cash")  # type: ignore[arg-type]

    def test_an_order_without_value_takes_that_of_the_win(self):
        log = shop(
            {
                "a": "arrived 0, ordered 1, won 2 =70",
                "b": "arrived 0, ordered 1 =60, won 2 =70",
                "c": "arrived 0, ordered 1, ordered 2, won 3 =80",
            },
            until=9,
        )
        value = purchases(log).value
        assert value[:3].tolist() == [70, 60, 80]
        assert np.isnan(value[3])

    @pytest.mark.parametrize(
        ("line", "days", "values"),
        [
            ("won 1 =100, paid 1 =100, paid 31 =100, paid 61 =100", [1, 31, 61], [100] * 3),
            ("won 1 =100, paid 2 =60, paid 3 =40, paid 40 =30", [1, 40], [100, 30]),
            ("ordered 1, paid 1 =70, ordered 9, paid 9 =30", [1, 9], [70, 30]),
            ("ordered 1, ordered 2, paid 3 =70, paid 4 =30", [1, 2], [70, 30]),
            ("ordered 1, paid 1 =70, won 5 =80", [1], [80]),
            ("paid 1 =30, won 2 =100, paid 3 =70", [2], [100]),
            ("paid 1 =30, ordered 2", [2], [30]),
            ("won 1 =100, paid 2 =100, paid 3 =-5, paid 4", [1], [100]),
            ("won 1 =100, paid 2 =105", [1], [100]),
        ],
        ids=[
            "renewals",
            "instalments, then a renewal",
            "payments tell the value",
            "in the order of the orders",
            "the win knows better",
            "deposit and rest",
            "deposit alone",
            "money back, unknown money",
            "a fee on top",
        ],
    )
    def test_payments_and_orders(self, line, days, values):
        bought = purchases(shop({"a": f"arrived 0, {line}"}, until=90))
        begin = int(day(0).timestamp() * 1e6)
        assert ((bought.when - begin) / 86_400e6).tolist() == days
        assert bought.value.tolist() == values

    def test_payments_alone_are_orders(self):
        log = shop({"a": "arrived 0, paid 1 =5, paid 2 =7"}, until=9)
        assert purchases(log).value.tolist() == [5, 7]

    def test_a_win_after_a_loss_is_none(self):
        log = shop({"a": "arrived 0, lost 1, won 2 =70"}, until=9)
        assert len(purchases(log).value) == 0

    def test_customers_span_leads_but_not_replications(self):
        log = shop(
            dict.fromkeys("abcdef", "arrived 0"),
            until=1,
            customer_id=["7", "7", None, "", "7", "c"],
            replication=[0, 0, 0, 0, 1, 0],
        )
        assert customers(log).tolist() == [0, 0, 1, 2, 3, 4]


class TestTotals:
    def test_sum_and_number(self):
        table = measures.total_sales(SHOP)
        assert table[["measure", "value", "unit"]].to_numpy().tolist() == [
            ["total_sales", 720.0, "EUR minor"],
            ["orders", 5.0, "orders"],
        ]

    def test_months_add_up(self):
        table = measures.total_sales(SHOP, every="1MS")
        sales = table[table["measure"] == "total_sales"]
        assert sales["value"].tolist() == [600.0, 50.0, 70.0]
        assert sales["at"].dt.month.tolist() == [1, 2, 3]
        assert sales["caution"].tolist() == ["", "", ""]

    def test_a_period_cut_off_is_said(self):
        table = measures.total_sales(SHOP, every="1QS", basis="paid")
        assert table["caution"].tolist() == ["", ""]
        short = shop({"a": "arrived 0, won 1 =1"}, until=30, since=0)
        assert set(measures.total_sales(short, every="1MS")["caution"]) == {"cut off"}

    def test_products_share(self):
        table = measures.sales_per_product(SHOP)
        sales = table[table["measure"] == "sales_per_product"].set_index("product")
        assert sales.loc["x", "value"] == 520
        assert sales.loc["y", "value"] == 200
        assert sales.loc["x", "share"] == pytest.approx(520 / 720)
        assert len(sales) == 3  # the lead without a product sold nothing

    def test_orders_without_value_are_said(self):
        log = shop({"a": "arrived 0, won 1", "b": "arrived 0, won 1 =5"}, until=2)
        table = measures.total_sales(log)
        assert table["value"].tolist() == [5.0, 2.0]
        assert table["caution"].tolist() == ["no value", "no value"]


class TestAverages:
    def test_three_averages_three_numbers(self):
        deal = measures.average_deal(SHOP)["value"].item()
        order = measures.average_order(SHOP)["value"].item()
        buyer = measures.amount_per_buyer(SHOP)["value"].item()
        assert (deal, order, buyer) == pytest.approx((200, 144, 240))

    def test_intervals_are_those_of_the_mean(self):
        row = measures.average_order(SHOP).iloc[0]
        expected = mean(np.array([100.0, 200, 300, 50, 70]), 0.95)
        assert (row["lo"], row["hi"]) == (max(expected.lo, 0), expected.hi)
        assert row["caution"] == "too few"

    def test_thirty_are_enough(self):
        lines = {f"l{number}": f"arrived 0, won 1 ={100 + number}" for number in range(30)}
        assert measures.average_deal(shop(lines, until=2))["caution"].item() == ""

    def test_by_period_of_the_win(self):
        table = measures.average_deal(SHOP, every="1MS")
        assert table["value"].tolist()[0] == pytest.approx(200)
        assert table["n"].tolist() == [3, 0, 0]


class TestGrowth:
    def test_against_the_previous_whole_period(self):
        table = measures.sales_growth(SHOP, every="1MS")
        assert table["value"].round(4).tolist() == [round(50 / 600 - 1, 4), 0.4]
        assert table[["before", "now"]].to_numpy().tolist() == [[600, 50], [50, 70]]

    def test_interval_of_independent_orders(self):
        row = measures.sales_growth(SHOP, every="1MS").iloc[1]
        error = 1.959964 * np.sqrt(2)  # one order each: Σv² ÷ (Σv)² = 1
        assert row["hi"] == pytest.approx(1.4 * np.exp(error) - 1, rel=1e-6)
        assert row["caution"] == "too few, cannot tell"

    def test_a_cut_off_period_has_no_growth(self):
        log = shop({"a": "arrived 0, won 1 =100, ordered 35 =10"}, until=45)
        row = measures.sales_growth(log, every="1MS").iloc[0]
        assert np.isnan(row["value"])
        assert row["method"] == "cut off"


class TestManagers:
    OWNED = shop(
        {
            "a": "arrived 0, won 1 =100",
            "b": "arrived 0, won 3 =300",
            "c": "arrived 1",
            "d": "arrived 1, won 2 =50",
        },
        until=10,
        owners={"a": "Ann", "b": "Ann", "c": "Bob"},
    )

    def test_who_sold_nothing_counts_in_the_mean(self):
        table = measures.sales_per_manager(self.OWNED).set_index("manager")
        assert table["value"].round(9).to_dict() == {
            "Ann": 400,
            "Bob": 0,
            "(nobody)": 50,
            "(mean)": 200,
        }
        assert table.loc["Ann", "share"] == pytest.approx(400 / 450)
        assert table.loc["(mean)", "n"] == 2

    def test_worker_of_the_last_work_before_the_order(self):
        log = shop(
            {"a": "arrived 0, won 3 =100, ordered 8 =10"},
            until=10,
            work=[("a", "t", 1, 1.1), ("a", "t", 2, 2.1), ("a", "t", 5, 5.1)],
            workers=["Ann", "Bob", "Cid"],
        )
        table = measures.sales_per_manager(log).set_index("manager")
        assert table["value"].drop("(mean)").to_dict() == {"Ann": 0, "Bob": 100, "Cid": 10}

    def test_seats_where_nobody_has_a_name(self):
        log = shop({"a": "arrived 0, won 1 =100"}, until=10, staffed={"t": (0, 5, 4)})
        row = measures.sales_per_manager(log).iloc[0]
        assert (row["value"], row["method"]) == (25, "per seat")

    def test_names_that_the_log_lacks_are_refused(self):
        with pytest.raises(ParameterError, match=r"Use one of: owner, seat"):
            measures.sales_per_manager(self.OWNED, per="worker")


class TestCohorted:
    def test_any_measure_goes_over_time(self):
        log = measures.cohorted(SHOP, "1MS")
        table = measures.lead_to_client(log, by="cohort")
        assert table["cohort"].tolist() == ["2024-01-01"]
        weekly = measures.cohorted(SHOP, "1W")
        assert measures.new_leads(weekly, by="cohort", every=None)["value"].tolist() == [4, 1]

    def test_hours_keep_apart(self):
        assert measures.cohorted(SHOP, "12h").leads["cohort"].iloc[0] == "2024-01-01 00:00"


@pytest.mark.parametrize(
    ("every", "since", "until", "whole"),
    [
        ("1MS", 0, 91, [True, True, True]),
        ("1MS", 5, 91, [False, True, True]),
        ("1MS", 0, 90, [True, True, False]),
        ("1W", 0, 14, [True, True]),
        ("1W", 1, 14, [False, True]),
        ("2w", 0, 21, [True, False]),
        ("1QS", 0, 91, [True]),
        ("1y", 0, 366, [True]),
        ("1y", 0, 365, [False]),
        ("6h", 0.25, 1, [True, True, True]),
        ("6h", 0.125, 0.75, [False, True, True]),
    ],
)
def test_whole_periods(every, since, until, whole):
    from funnelsim.measures.timeline import timeline

    log = shop({"a": "arrived 0"}, until=until, since=since)
    assert timeline(log, every).whole.tolist() == whole


def test_periods_are_local():
    log = shop({"a": "arrived 0, won 30.95 =5"}, until=60)
    kyiv = log.meta.model_copy(update={"time_zone": "Europe/Kyiv"})
    moved = type(log).trusted(log.tables(), kyiv)
    table = measures.total_sales(moved, every="1MS")
    sales = table[table["measure"] == "total_sales"].set_index("at")["value"]
    assert sales.loc[pd.Timestamp(day(31)) - pd.Timedelta("2h")] == 5
