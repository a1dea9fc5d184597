"""Milestones and activity by hand: enquiry → lead → client, demo → deal, calls, handling."""

from __future__ import annotations

import numpy as np
import pytest

from funnelsim import measures
from funnelsim.errors import HistoryError, ParameterError
from funnelsim.measures.happenings import first_known, happenings
from funnelsim.measures.milestones import course
from tests.logs import make_log
from tests.orders import shop

# Qualified after 1, 2 and 3 days, lost after 4, still open since day 6 and since day 9.
LOG = shop(
    {
        "a": "arrived 0, qualified 1, demo 2, won 4 =1",
        "b": "arrived 0, qualified 2, demo 3, demo 5, lost 6",
        "c": "arrived 0, qualified 3",
        "d": "arrived 0, lost 4",
        "e": "arrived 6",
        "f": "arrived 9",
    },
    until=10,
    source=["web", "web", "web", "shop", "shop", "shop"],
)


class TestHappenings:
    def test_what_a_name_means(self):
        assert happenings(LOG, "arrived")[0].tolist() == [0, 1, 2, 3, 4, 5]
        assert happenings(LOG, "bought")[0].tolist() == [0]
        assert happenings(LOG, "demo")[0].tolist() == [0, 1, 1]
        assert happenings(LOG, "mark:demo")[0].tolist() == [0, 1, 1]
        assert happenings(LOG, "stage:ask")[0].tolist() == [0, 1, 2, 3, 4, 5]

    def test_work_counts_when_it_is_done(self):
        log = shop({"a": "arrived 0"}, until=9, work=[("a", "t", 1, 3)])
        lead, when = happenings(log, "call")
        assert (when - happenings(log, "arrived")[1]).tolist() == [3 * 86_400_000_000]
        assert lead.tolist() == [0]

    def test_a_mistyped_name_is_refused_with_the_nearest(self):
        with pytest.raises(ParameterError, match=r"'qualifid' never happens .*'qualified'"):
            measures.mark_conversion(LOG, "qualifid", "won")

    def test_a_stage_needs_its_history(self):
        log = make_log({"a": "offer 0"}, until=3, history="snapshot")
        with pytest.raises(HistoryError, match="the stage 'offer' needs every stage change"):
            measures.mark_conversion(log, "offer", "won")

    def test_the_first_of_several_names(self):
        assert first_known(LOG, ("offered", "demo")) == "demo"
        assert first_known(LOG, "offered") is None


class TestConversion:
    def test_enquiry_to_lead(self):
        row = measures.enquiry_to_lead(LOG).iloc[0]
        # f leaves view after 1 day, e after 4, each at the time of an event
        assert row[["came", "went_on", "lost", "open"]].tolist() == [6, 3, 1, 2]
        assert row["value"] == pytest.approx(1 / 6 + 5 / 6 * 2 / 4)
        assert row["method"] == "Aalen-Johansen"

    def test_counting_the_month_is_something_else(self):
        # three leads qualified, six arrived: 50 % is what people say
        assert measures.enquiry_to_lead(LOG)["value"].item() > 0.5

    def test_demo_to_deal(self):
        row = measures.demo_to_deal(LOG).iloc[0]
        assert row[["from_", "to", "came", "went_on", "lost"]].tolist() == ["demo", "won", 2, 1, 1]
        assert (row["value"], row["method"]) == (0.5, "Wilson")

    def test_within_a_time(self):
        row = measures.mark_conversion(LOG, "arrived", "qualified", within="2 d").iloc[0]
        assert row["value"] == pytest.approx(1 / 6 + 5 / 6 * 1 / 4)
        assert row[["went_on", "other", "open"]].tolist() == [2, 3, 1]

    def test_before_does_not_count(self):
        log = shop({"a": "arrived 0, won 1, qualified 2"}, until=9)
        row = measures.mark_conversion(log, "qualified", "won").iloc[0]
        assert (row["came"], row["went_on"], row["open"]) == (1, 0, 1)

    def test_reactivation_of_the_lost(self):
        log = shop({"a": "arrived 0, lost 1, won 2", "b": "arrived 0, lost 1"}, until=9)
        row = measures.mark_conversion(log, "lost", "won").iloc[0]
        assert (row["came"], row["went_on"], row["other"]) == (2, 1, 1)

    def test_by_period_of_the_first_milestone(self):
        table = measures.mark_conversion(LOG, "qualified", "won", every="1d")
        came = table.set_index(table["at"].dt.day)["came"]
        assert came[[2, 3, 4]].tolist() == [1, 1, 1]

    def test_lead_to_client_takes_the_first_order(self):
        log = shop({"a": "arrived 0, ordered 1, won 5", "b": "arrived 0, lost 1"}, until=9)
        assert course(log, "arrived", "bought").duration[0] == 86_400
        assert measures.lead_to_client(log)["value"].item() == 0.5

    def test_what_is_not_marked_is_no_zero(self):
        log = shop({"a": "arrived 0, won 1"}, until=2)
        for measure in (measures.enquiry_to_lead, measures.demo_to_deal, measures.offers_sent):
            row = measure(log).iloc[0]
            assert np.isnan(row["value"])
            assert (row["method"], row["caution"]) == ("not marked", "not marked")

    def test_young_cohorts_are_immature(self):
        lines = {f"o{n}": f"arrived 0, {'won' if n % 2 else 'lost'} 5" for n in range(40)}
        lines |= {f"y{n}": "arrived 31, won 32" if n < 4 else "arrived 31" for n in range(40)}
        table = measures.lead_to_client(shop(lines, until=33), every="1MS")
        assert table["caution"].tolist() == ["", "immature, cut off"]


class TestCounts:
    def test_new_leads(self):
        table = measures.new_leads(LOG, by="source", every="1W")
        assert table.set_index("source")["value"].to_dict() == {"shop": 1, "web": 0}
        assert measures.new_leads(LOG, every="1W")["value"].tolist() == [5, 1]

    def test_a_second_offer_counts_its_lead_once(self):
        row = measures.offers_sent(LOG, offer=("quote", "demo")).iloc[0]
        assert (row["value"], row["leads"], row["happening"]) == (3, 2, "demo")


class TestEfforts:
    WORK = [
        ("a", "t", 0.1, 0.2),
        ("a", "t", 0.3, 0.4),
        ("b", "t", 1.1, 1.2),
        ("b", "t", 1.1, 1.2),
        ("b", "t", 2.5, 2.6),
    ]

    def test_per_day_at_work(self):
        log = shop(
            {"a": "arrived 0", "b": "arrived 0"},
            until=3,
            work=self.WORK,
            workers=["Ann", "Ann", "Ann", "Bob", "Bob"],
            source=["web", "shop"],
        )
        table = measures.efforts_per_manager(log).set_index("manager")
        assert table["value"].to_dict() == pytest.approx({"Ann": 1.5, "Bob": 1, "(mean)": 1.25})
        assert table["n"].to_dict() == {"Ann": 2, "Bob": 2, "(mean)": 4}
        assert table["unit"].tolist()[0] == "efforts per 1 d"
        web = measures.efforts_per_manager(log, by="source").set_index(["source", "manager"])
        assert web.loc[("web", "(mean)"), "value"] == pytest.approx(0.5)

    def test_a_day_without_calls_counts_for_calls(self):
        log = shop(
            {"a": "arrived 0", "b": "arrived 0"},
            until=3,
            work=self.WORK,
            workers=["Ann", "Ann", "Ann", "Bob", "Bob"],
        )
        none = measures.efforts_per_manager(log, effort="visit").set_index("manager")
        assert (none["value"]["(mean)"], none["n"]["(mean)"]) == (0, 4)

    def test_per_seat_without_names(self):
        log = shop(
            {"a": "arrived 0", "b": "arrived 0"}, until=3, work=self.WORK, staffed={"t": (0, 3, 2)}
        )
        row = measures.efforts_per_manager(log).iloc[0]
        assert (row["value"], row["method"]) == (pytest.approx(5 / 6), "per seat")

    def test_weeks_cut_off_are_left_out(self):
        log = shop(
            {"a": "arrived 0"},
            until=9,
            work=[("a", "t", 1, 1.1), ("a", "t", 8, 8.1), ("a", "t", 8.2, 8.3)],
            workers=["Ann"] * 3,
        )
        table = measures.efforts_per_manager(log, every="1 w").set_index("manager")
        assert (table["value"]["Ann"], table["n"]["Ann"]) == (1, 1)


class TestHandling:
    def test_who_still_waits_takes_part(self):
        log = shop(
            {"a": "arrived 0", "b": "arrived 0", "c": "arrived 0", "d": "arrived 2"},
            until=4,
            work=[("a", "t", 0.5, 1), ("b", "t", 2.5, 3)],
        )
        table = measures.handling_time(log, percentiles=[0.5])
        # done after 1 and 3 days; d waits since 2 days, c since 4: at 3 days ¾ × ½ is left
        assert table["value"].tolist()[0] == 3 * 86_400
        assert table["method"].tolist()[0] == "Kaplan-Meier"
        assert table.iloc[0][["done", "gone", "waiting"]].tolist() == [2, 0, 2]

    def test_mean_in_seconds(self):
        log = shop(
            {"a": "arrived 0", "b": "arrived 0"},
            until=4,
            work=[("a", "t", 0.5, 1), ("b", "t", 2.5, 3)],
        )
        mean = measures.handling_time(log).iloc[-1]
        assert (mean["measure"], mean["unit"]) == ("handling_time_mean", "s")
        assert mean["value"] == pytest.approx(2 * 86_400)

    def test_another_end(self):
        table = measures.handling_time(LOG, handled="qualified", percentiles=[0.5])
        assert table.iloc[0][["done", "gone", "waiting"]].tolist() == [3, 1, 2]
        assert table["handled"].tolist()[0] == "qualified"
