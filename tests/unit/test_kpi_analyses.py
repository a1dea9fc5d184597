"""ABC, factors, A/B and cohorts by hand."""

from __future__ import annotations

from itertools import permutations
from math import prod

import numpy as np
import pytest

from funnelsim import measures
from funnelsim.errors import ParameterError
from funnelsim.measures.timeline import two_periods
from tests.orders import day, shop

PERIODS = (("2024-01-01", "2024-01-11"), ("2024-01-11", "2024-01-21"))


def sold(values: dict[str, list[int]], when: float = 1) -> dict[str, str]:
    """Leads that buy, by product."""
    return {
        f"{product}{number}@{when}": f"arrived {when}, won {when} ={value}"
        for product, each in values.items()
        for number, value in enumerate(each)
    }


class TestAbc:
    LINES = sold({"a": [500, 300], "b": [100], "c": [60], "d": [40], "e": []})
    LOG = shop(LINES | {"e": "arrived 0"}, until=9, product=[*(name[0] for name in LINES), "e"])

    def test_classes_by_running_share(self):
        table = measures.abc_classes(self.LOG)
        assert table["item"].tolist() == ["a", "b", "c", "d", "e"]
        assert table["running"].tolist()[:4] == pytest.approx([0.8, 0.9, 0.96, 1])
        # b begins at 80 %, so A is over; c crosses 95 % and still is B
        assert table["class"].tolist() == ["A", "B", "B", "C", "C"]

    def test_the_one_that_crosses_belongs_above(self):
        table = measures.abc_classes(self.LOG, limits=(0.81, 0.95))
        assert table["class"].tolist() == ["A", "A", "B", "C", "C"]

    def test_custom_orders_are_left_out(self):
        lines = sold({"a": [100], "b": [900, 50]})
        log = shop(lines, until=9, product=["a", "b", "b"], custom=[False, True, None])
        table = measures.abc_classes(log, one_off="custom").set_index("item")
        assert table["value"].to_dict() == {"a": 100, "b": 50}
        assert table.loc["b", "left_out_value"] == 900
        assert table["left_out"].sum() == 1

    def test_outsized_orders_are_left_out(self):
        lines = sold({"a": [10, 10, 10, 101], "b": [50, 60]})
        log = shop(lines, until=9, product=[name[0] for name in lines])
        table = measures.abc_classes(log, one_off=10).set_index("item")
        assert table["value"].to_dict() == {"b": 110, "a": 30}

    def test_a_column_that_says_neither_yes_nor_no(self):
        with pytest.raises(ParameterError, match="one_off='source' is no yes or no"):
            measures.abc_classes(self.LOG, one_off="source")

    def test_limits_that_are_none(self):
        with pytest.raises(ParameterError, match="limits="):
            measures.abc_classes(self.LOG, limits=(0.95, 0.8))


class TestDrift:
    LINES = sold({"a": [70] * 40, "b": [12] * 40, "c": [1] * 5}, 1) | sold(
        {"a": [1] * 40, "b": [70] * 40, "d": [20] * 30}, 15
    )
    LOG = shop(LINES, until=20, product=[name[0] for name in LINES])

    def test_from_a_to_c(self):
        table = measures.abc_drift(self.LOG, before=PERIODS[0], after=PERIODS[1]).set_index("item")
        assert table["class_before"].to_dict() == {"a": "A", "b": "B", "c": "C", "d": ""}
        assert table["class_after"].to_dict() == {"a": "C", "b": "A", "c": "", "d": "B"}
        assert table["moved"].to_dict() == {"a": "down", "b": "up", "c": "gone", "d": "new"}
        assert table.loc["a", "value"] == -2760
        assert table["value"].sum() == 3440 - 3285

    def test_few_orders_cannot_tell(self):
        lines = sold({"a": [90], "b": [10]}, 1) | sold({"a": [10], "b": [90]}, 15)
        log = shop(lines, until=20, product=[name[0] for name in lines])
        table = measures.abc_drift(log)
        assert set(table["caution"]) == {"too few, cannot tell"}

    def test_interval_of_independent_orders(self):
        row = measures.abc_drift(self.LOG).set_index("item").loc["b"]
        margin = 1.959964 * np.sqrt(40 * 12**2 + 40 * 70**2)
        assert row["hi"] - row["value"] == pytest.approx(margin, rel=1e-6)

    def test_unequal_periods_are_said(self):
        table = measures.abc_drift(
            self.LOG, before=("2024-01-01", "2024-01-06"), after=("2024-01-06", "2024-01-21")
        )
        assert table["caution"].str.contains("unequal").all()


class TestPeriods:
    LOG = shop({"a": "arrived 0"}, until=10)

    def test_halves(self):
        before, after = two_periods(self.LOG, None, None)
        assert before[1] == after[0] == int(day(5).timestamp() * 1e6)

    @pytest.mark.parametrize(
        ("before", "after", "message"),
        [
            (("2024-01-01", "2024-01-02"), None, "before and after belong together"),
            (("yesterday", "today!"), PERIODS[1], "is no period"),
            (("2024-01-03", "2024-01-02"), ("2024-01-03", "2024-01-04"), "is not inside the log"),
            (("2023-01-03", "2024-01-02"), ("2024-01-03", "2024-01-04"), "is not inside the log"),
        ],
    )
    def test_what_is_none(self, before, after, message):
        with pytest.raises(ParameterError, match=message):
            two_periods(self.LOG, before, after)


def sales(of: dict[str, list[float]]) -> float:
    """Leads × Σ mix × conversion × price."""
    kinds = zip(of["mix"], of["conversion"], of["price"], strict=True)
    return of["leads"][0] * sum(map(prod, kinds))


class TestFactors:
    # before: 4 leads, 2 x and 2 y; one of each buys: x 100, y 40. An order of 7 is older.
    # after: 6 leads, 2 x and 4 y; both x buy 120 each, one y 50; the first x orders again: 10.
    LINES = {
        "x1": "arrived 1, won 2 =100, ordered 12 =10",
        "x2": "arrived 1, lost 2",
        "y1": "arrived 1, won 2 =40",
        "y2": "arrived 1",
        "x3": "arrived 11, won 12 =120",
        "x4": "arrived 11, won 12 =120",
        "y3": "arrived 11, won 12 =50",
        "y4": "arrived 11",
        "y5": "arrived 11",
        "y6": "arrived 11",
    }
    LOG = shop(LINES, until=20, product=[name[0] for name in LINES])

    def test_in_order(self):
        table = measures.revenue_factors(self.LOG)
        table = table[table["way"] == "in order"].set_index("factor")
        # 140 → leads × 6/4 = 210 → mix x ⅓, y ⅔: 2×½×100 + 4×½×40 = 180
        # → conversion x 1, y ¼: 200 + 40 = 240 → price 120, 50: 290
        assert table["value"].to_dict() == {
            "leads": 70,
            "mix": -30,
            "conversion": 60,
            "price": 50,
            "carry_over": 10,
            "(total)": 160,
        }
        assert table["step"].tolist() == [1, 2, 3, 4, 0, 0]
        assert (table["before"]["price"], table["after"]["price"]) == pytest.approx((70, 290 / 3))
        assert (table["before"]["conversion"], table["after"]["conversion"]) == (0.5, 0.5)

    def test_another_order_shares_out_otherwise(self):
        order = ("price", "conversion", "mix", "leads")
        table = measures.revenue_factors(self.LOG, order=order)
        table = table[table["way"] == "in order"]
        # price: 120×1 + 50×1 = 170 → conversion: 240 + 25 = 265 → mix: 4 leads: 160 + 33⅓
        # = 193⅓ → leads: 290; whole minor units by the largest remainder
        assert table["value"].tolist() == [30, 95, -72, 97, 10, 160]
        assert table["factor"].tolist()[:4] == list(order)

    def test_shapley_is_the_mean_over_all_orders(self):
        table = measures.revenue_factors(self.LOG)
        worth = table[table["way"] == "Shapley"].set_index("factor")["value"]
        assert worth.drop("(total)").sum() == worth["(total)"] == 160
        # leads, share of x and y, conversion of each, price of each: before and after
        old: dict[str, list[float]] = {
            "leads": [4],
            "mix": [1 / 2, 1 / 2],
            "conversion": [1 / 2, 1 / 2],
            "price": [100, 40],
        }
        new: dict[str, list[float]] = {
            "leads": [6],
            "mix": [1 / 3, 2 / 3],
            "conversion": [1, 1 / 4],
            "price": [120, 50],
        }
        mean = dict.fromkeys(old, 0.0)
        for order in permutations(old):
            now = dict(old)
            for name in order:
                before = sales(now)
                now[name] = new[name]
                mean[name] += (sales(now) - before) / 24
        for name, amount in mean.items():
            assert worth[name] == pytest.approx(amount, abs=1)

    def test_a_kind_that_is_new_is_mix(self):
        lines = {"x1": "arrived 1, won 2 =100", "y1": "arrived 11, won 12 =40"}
        log = shop(lines, until=20, product=["x", "y"])
        table = measures.revenue_factors(log)
        worth = table[table["way"] == "Shapley"].set_index("factor")["value"]
        assert worth.to_dict() == {
            "leads": 0,
            "mix": -60,
            "conversion": 0,
            "price": 0,
            "carry_over": 0,
            "(total)": -60,
        }

    def test_chance_is_said(self):
        table = measures.revenue_factors(self.LOG)
        assert set(table["caution"]) == {"too few, cannot tell"}
        total = table[table["factor"] == "(total)"].iloc[0]
        squares = 100**2 + 40**2 + 10**2 + 2 * 120**2 + 50**2
        assert total["hi"] - 160 == pytest.approx(1.959964 * np.sqrt(squares), rel=1e-6)

    def test_no_order(self):
        with pytest.raises(ParameterError, match="is no order of factors"):
            measures.revenue_factors(self.LOG, order=("leads", "price"))


class TestArms:
    @staticmethod
    def trial(a: int, b: int, n: int, **more: object) -> measures.EventLog:  # type: ignore[name-defined]
        lines = {
            f"{arm}{number}": f"arrived 0, {'won 1 =10' if number < wins else 'lost 2'}"
            for arm, wins in (("A", a), ("B", b))
            for number in range(n)
        }
        return shop(lines, until=30, arm=[name[0] for name in lines])

    def test_difference_interval_and_p(self):
        row = measures.compare_arms(self.trial(30, 50, 100), "arm", baseline="A").iloc[0]
        assert row["value"] == pytest.approx(0.2)
        assert (row["lo"], row["hi"]) == (
            pytest.approx(0.0642, abs=1e-4),  # Wilson's limits .4038, .5962 and .2189, .3958
            pytest.approx(0.3258, abs=1e-4),
        )
        assert row["p_value"] == pytest.approx(0.003892, abs=1e-5)  # z = 2.8868
        assert (row["verdict"], row["in_arm"], row["in_baseline"]) == ("higher", 0.5, 0.3)

    def test_cannot_tell(self):
        row = measures.compare_arms(self.trial(30, 33, 100), "arm").iloc[0]
        assert (row["verdict"], row["lo"] < 0 < row["hi"]) == ("cannot tell", True)
        assert row["needed"] == 3763  # R: power.prop.test(p1 = .3, p2 = .33, power = .8)

    def test_the_same_arm_shows_nothing(self):
        row = measures.compare_arms(self.trial(0, 0, 10), "arm").iloc[0]
        assert (row["value"], row["p_value"], row["verdict"]) == (0, 1, "cannot tell")

    def test_several_arms_pay_for_it(self):
        lines = {
            f"{arm}{number}": f"arrived 0, {'won' if number < wins else 'lost'} 1"
            for arm, wins in (("A", 30), ("B", 45), ("C", 30))
            for number in range(100)
        }
        log = shop(lines, until=9, arm=[name[0] for name in lines])
        both = measures.compare_arms(log, "arm").set_index("arm")
        alone = measures.compare_arms(log.filter(arm=["A", "B"]), "arm").set_index("arm")
        assert alone.loc["B", "verdict"] == "higher"
        assert both.loc["B", "verdict"] == "cannot tell"
        assert both.loc["B", "p_value"] == pytest.approx(2 * alone["p_value"]["B"])

    def test_value_per_lead(self):
        row = measures.compare_arms(self.trial(30, 50, 100), "arm", outcome="value").iloc[0]
        assert (row["in_arm"], row["in_baseline"]) == (5, 3)
        assert (row["verdict"], row["method"], row["unit"]) == ("higher", "Welch", "EUR minor/lead")

    def test_the_older_side_gets_no_more_time(self):
        # everybody buys on the 10th day; the younger arm has been there for 12 and 6 days
        lines = {f"o{n}": "arrived 0, won 10" if n % 2 else "arrived 0, lost 11" for n in range(40)}
        lines |= {
            f"y{n}": "arrived 88, won 98" if n % 2 else "arrived 88, lost 99" for n in range(20)
        }
        lines |= {f"z{n}": "arrived 94" for n in range(30)}
        log = shop(lines, until=100, arm=["old"] * 40 + ["young"] * 50)
        row = measures.compare_arms(log, "arm").iloc[0]
        assert row["within_d"] == 6
        assert row["verdict"] == "cannot tell"
        longer = measures.compare_arms(log, "arm", within="12 d").iloc[0]
        assert longer["in_arm"] == pytest.approx(0.5)  # open leads by Aalen–Johansen

    def test_two_periods(self):
        lines = {f"b{n}": f"arrived 0, {'won' if n < 30 else 'lost'} 1" for n in range(100)}
        lines |= {f"a{n}": f"arrived 10, {'won' if n < 60 else 'lost'} 11" for n in range(100)}
        row = measures.compare_periods(shop(lines, until=20)).iloc[0]
        assert (row["arm"], row["baseline"], row["verdict"]) == ("after", "before", "higher")
        assert (row["n_arm"], row["n_baseline"]) == (100, 100)

    def test_what_cannot_be_asked(self):
        log = self.trial(1, 1, 5)
        with pytest.raises(ParameterError, match="arm is one of: A, B"):
            measures.compare_arms(log, "arm", baseline="C")
        with pytest.raises(ParameterError, match="by='armm' is no column"):
            measures.compare_arms(log, "armm")
        with pytest.raises(ParameterError, match="outcome='wins'"):
            measures.compare_arms(log, "arm", outcome="wins")  # type: ignore[arg-type]
        with pytest.raises(ParameterError, match="uplift=0"):
            measures.compare_arms(log, "arm", uplift=0)


class TestCohorts:
    # January: 40 leads, half buy after 10 days, half are lost after 20. February: 20 leads,
    # 15 days old: half have bought, the others are open.
    LINES = {f"o{n}": f"arrived 0, {'won 10' if n % 2 else 'lost 20'}" for n in range(40)} | {
        f"y{n}": f"arrived 31{', won 41' if n % 2 else ''}" for n in range(20)
    }
    LOG = shop(LINES, until=46)

    def test_older_cohorts_tell_that_nobody_buys_later(self):
        table = measures.cohorts(self.LOG)
        assert table["value"].tolist() == [0.5, 0.5]
        assert table["completeness"].tolist() == [1, 1]
        assert table["open"].tolist() == [0, 10]

    def test_a_young_cohort_is_completed(self):
        log = self.LOG.as_of("2024-02-06")  # five days old: nobody has bought
        old, young = measures.cohorts(log).to_dict("records")
        assert old["value"] == 0.5
        assert (young["so_far"], young["value"]) == pytest.approx((0, 0.5))
        assert young["expected"] == pytest.approx(10)
        assert young["method"] == "older cohorts"
        assert np.isnan(young["lo"])
        assert young["caution"] == "too few, immature, cut off"

    def test_chances_depend_on_age(self):
        lines = {f"w{n}": "arrived 0, won 10" for n in range(5)}
        lines |= {f"l{n}": "arrived 0, lost 5" for n in range(5)}
        lines |= {"fresh": "arrived 36", "old": "arrived 32"}
        table = measures.cohorts(shop(lines, until=40))
        # at 4 days all is open: 11 at risk at day 5 (fresh is not), 5 lost; at 8 days those
        # who are left all buy
        assert table["expected"].tolist()[1] == pytest.approx(6 / 11 + 1)
