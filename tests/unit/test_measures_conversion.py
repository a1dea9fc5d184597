from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from funnelsim.errors import HistoryError, ParameterError
from funnelsim.events import EventLog, StageInfo
from funnelsim.measures import (
    conversion,
    end_to_end_conversion,
    losses,
    outcomes,
    stage_conversion,
    transitions,
    weakest_stage,
    win_rate,
)
from funnelsim.measures.estimates import proportion
from funnelsim.measures.ranking import _verdict
from tests.logs import FUNNEL, make_log

FATES = ["entered", "advanced", "lost", "other", "open"]


def rows(table: pd.DataFrame, *columns: str) -> list[list[Any]]:
    return table[list(columns)].to_numpy().tolist()


@pytest.fixture(scope="module")
def dirty() -> EventLog:
    """Every way to count makes a difference here."""
    return make_log(
        {
            "in-order": "ask 0, offer 1, deal 2, won 3",
            "skips-offer": "ask 0, deal 2, won 4",
            "goes-back": "ask 0, offer 1, ask 2, offer 3, lost 4",
            "enters-late": "offer 0, deal 1, lost 5",
            "beside": "ask 0, again 1, offer 2, ! 3",
            "still-there": "ask 0, again 1",
        },
        until=10,
        leads={"source": ["web", "web", "web", "shop", "shop", "shop"]},
    )


class TestStageConversion:
    def test_reached_passes_skipped_stages(self, dirty):
        table = stage_conversion(dirty, counting="reached")
        assert rows(table, "stage", "next_stage", *FATES) == [
            ["ask", "offer", 6, 5, 0, 0, 1],
            ["offer", "deal", 5, 3, 1, 1, 0],
            ["deal", "won", 3, 2, 1, 0, 0],
            ["again", "offer", 2, 1, 0, 0, 1],
        ]

    def test_strict_ends_at_the_first_skipped_stage(self, dirty):
        table = stage_conversion(dirty, counting="strict")
        assert rows(table, "stage", *FATES) == [
            ["ask", 5, 3, 0, 1, 1],
            ["offer", 3, 1, 1, 1, 0],
            ["deal", 1, 1, 0, 0, 0],
            ["again", 2, 1, 0, 0, 1],
        ]

    def test_visits_count_every_entry(self, dirty):
        table = stage_conversion(dirty, counting="visits")
        assert rows(table, "stage", *FATES) == [
            ["ask", 6, 4, 0, 2, 0],
            ["offer", 5, 2, 1, 2, 0],
            ["deal", 3, 2, 1, 0, 0],
            ["again", 2, 1, 0, 0, 1],
        ]

    def test_a_closed_cohort_has_wilsons_interval(self, dirty):
        deal = stage_conversion(dirty).iloc[2]
        assert deal["value"] == 2 / 3
        assert deal["method"] == "Wilson"
        assert (deal["lo"], deal["hi"]) == proportion(2, 3, 0.95)[2:4]
        assert deal["level"] == 0.95
        assert deal["unresolved"] == 0

    def test_open_visits_are_censored_by_hand(self):
        # Four leads ask. At 1 h one advances (1/4), at 2 h one is censored, at 3 h one of
        # the two left is lost: S(1) · 1/2 = 3/8; the last advances at 4 h: 1/4 + 3/8.
        log = make_log(
            {"a": "ask 0, offer 1", "b": "ask 8", "c": "ask 0, lost 3", "d": "ask 0, offer 4"},
            until=10,
        )
        ask = stage_conversion(log).iloc[0]
        assert ask["method"] == "Aalen-Johansen"
        assert ask["value"] == pytest.approx(1 / 4 + 3 / 8)
        assert 0 < ask["lo"] < ask["value"] < ask["hi"] < 1

    def test_an_undecided_tail_is_reported(self):
        log = make_log({"a": "ask 0, offer 1", "b": "ask 0"}, until=10)
        ask = stage_conversion(log).iloc[0]
        assert ask["value"] == 0.5
        assert ask["unresolved"] == pytest.approx(0.5)

    def test_nothing_closed_gives_no_number(self):
        table = stage_conversion(make_log({"a": "ask 0", "b": "ask 1"}, until=2))
        assert table["value"].isna().all()
        assert table["method"].tolist() == ["all open", "no data", "no data", "no data"]
        assert table["n"].tolist() == [2, 0, 0, 0]

    @pytest.mark.parametrize("counting", ["reached", "strict", "visits"])
    def test_parts_add_up_to_the_whole(self, dirty, counting):
        whole = stage_conversion(dirty, counting=counting).set_index("stage")[FATES]
        parts = stage_conversion(dirty, by="source", counting=counting)
        summed = parts.groupby("stage")[FATES].sum()
        pd.testing.assert_frame_equal(summed.loc[whole.index], whole)

    def test_a_win_without_visits_reaches_every_stage(self):
        stages = [StageInfo(id=name, position=i) for i, name in enumerate(["new", "talk", "offer"])]
        log = make_log(
            {"a": "new 0, ! 5", "b": "new 0, talk 1, ! 2"},
            until=10,
            stages=stages,
            marks=[("a", 5, "won"), ("b", 2, "lost")],
        )
        table = stage_conversion(log, counting="reached")
        assert rows(table, "stage", *FATES) == [["new", 2, 2, 0, 0, 0], ["talk", 2, 1, 1, 0, 0]]
        strict = stage_conversion(log, counting="strict")
        assert rows(strict, "stage", *FATES) == [["new", 2, 1, 0, 1, 0], ["talk", 1, 0, 1, 0, 0]]

    def test_leads_from_before_the_window_are_not_in_the_cohort(self):
        paths = {"before": "ask 0, offer 6", "within": "ask 5, lost 7"}
        log = make_log(paths, until=10, since=4)
        assert rows(stage_conversion(log), "entered", "lost")[0] == [1, 1]

    def test_leads_first_seen_long_after_arrival_are_not_in_the_cohort(self):
        paths = {"late": "ask 0, offer 6", "seen": "ask 0, lost 7"}
        seen = pd.to_datetime(["2024-01-01T03:00Z", "2024-01-01T00:00Z"])
        log = make_log(paths, until=10, leads={"observed_from": seen})
        assert rows(stage_conversion(log), "entered", "lost")[0] == [1, 1]


class TestEndToEndConversion:
    def test_both_definitions_stand_apart(self, dirty):
        table = conversion(dirty)
        deal = table[table["stage"] == "deal"].set_index("measure")
        assert deal.loc["end_to_end_conversion", "entered"] == 6
        assert deal.loc["end_to_end_conversion", "advanced"] == 3
        assert deal.loc["stage_conversion", "entered"] == 3
        assert deal.loc["stage_conversion", "advanced"] == 2

    def test_reached_and_strict(self, dirty):
        reached = end_to_end_conversion(dirty)
        assert rows(reached, "stage", "advanced") == [
            ["ask", 6],
            ["offer", 5],
            ["deal", 3],
            ["won", 2],
            ["(won)", 2],
        ]
        strict = end_to_end_conversion(dirty, counting="strict")
        assert strict["advanced"].tolist() == [5, 3, 1, 1, 1]

    def test_visits_are_entries_per_lead(self):
        log = make_log({"a": "ask 0, offer 1, ask 2, lost 3", "b": "ask 0, lost 1"}, until=9)
        table = end_to_end_conversion(log, counting="visits")
        assert rows(table, "stage", "value", "unit", "advanced")[:2] == [
            ["ask", 1.5, "visits/lead", 3],
            ["offer", 0.5, "visits/lead", 1],
        ]
        assert table["method"].tolist()[0] == "Student t"

    def test_entries_of_open_leads_are_estimated(self):
        # One lead of two is seen to its end; the offers come after the other is cut off.
        log = make_log({"a": "ask 0, offer 5, lost 6", "b": "ask 8"}, until=10)
        offer = end_to_end_conversion(log, counting="visits").iloc[1]
        assert offer["value"] == pytest.approx(1.0)
        assert offer["method"] == "Ghosh-Lin"


class TestWinRate:
    def test_naive_figures_stand_beside_it(self):
        # Of four leads one is won, one lost, two are open.
        log = make_log(
            {"a": "ask 0, won 1", "b": "ask 0, lost 2", "c": "ask 0", "d": "ask 0"}, until=3
        )
        row = win_rate(log).iloc[0]
        assert row["closed_only"] == 0.5
        assert row["won_of_created"] == 0.25
        assert row["value"] == pytest.approx(0.25)
        assert row["unresolved"] == pytest.approx(0.5)

    def test_fresh_leads_do_not_pull_it_down(self):
        old = {f"o{i}": f"ask 0, {'won' if i % 2 else 'lost'} 5" for i in range(10)}
        fresh = {f"f{i}": "ask 99" for i in range(90)}
        row = win_rate(make_log(old | fresh, until=100)).iloc[0]
        assert row["value"] == pytest.approx(0.5)
        assert row["won_of_created"] == 0.05

    @pytest.mark.parametrize("history", ["latest_entry", "snapshot"])
    def test_needs_no_history(self, history):
        log = make_log({"a": "won 1", "b": "ask 0"}, until=3, history=history)
        assert win_rate(log)["won"].tolist() == [1]

    def test_groups_by_the_latest_owner(self):
        log = make_log(
            {"a": "ask 0, offer 1, won 2", "b": "ask 0, lost 1"},
            until=3,
            owners={("a", 1): "ann", ("a", 2): "bob", ("b", 1): "ann"},
        )
        assert rows(win_rate(log, by="owner"), "owner", "won", "lost") == [
            ["ann", 0, 1],
            ["bob", 1, 0],
        ]


class TestLossesAndTransitions:
    def test_losses_by_stage_and_reason(self, dirty):
        log = make_log(
            {"a": "ask 0, lost 1", "b": "ask 0, offer 1, lost 2", "c": "ask 0, lost 1"},
            until=9,
            reasons={"a": "price", "b": "price"},
        )
        assert rows(losses(log), "stage", "reason", "value", "n", "share") == [
            ["ask", "", 1, 3, 1 / 3],
            ["ask", "price", 1, 3, 1 / 3],
            ["offer", "price", 1, 3, 1 / 3],
        ]

    def test_a_loss_belongs_to_the_stage_before_the_mark(self):
        log = make_log(
            {"a": "ask 0, offer 4, ! 6"}, until=9, marks=[("a", 2, "lost")], reasons={"a": "late"}
        )
        assert rows(losses(log), "stage", "reason") == [["ask", "late"]]

    def test_transitions_start_at_arrival_and_end_in_the_open(self, dirty):
        table = transitions(dirty)
        assert rows(table, "stage", "next_stage", "value", "n") == [
            ["(arrived)", "ask", 5, 6],
            ["(arrived)", "offer", 1, 6],
            ["ask", "offer", 3, 6],
            ["ask", "deal", 1, 6],
            ["ask", "again", 2, 6],
            ["offer", "ask", 1, 5],
            ["offer", "deal", 2, 5],
            ["offer", "lost", 1, 5],
            ["offer", "(ended)", 1, 5],
            ["deal", "won", 2, 3],
            ["deal", "lost", 1, 3],
            ["again", "offer", 1, 2],
            ["again", "(open)", 1, 2],
            ["won", "(ended)", 2, 2],
            ["lost", "(ended)", 2, 2],
        ]
        assert table.groupby("stage")["share"].sum().to_numpy() == pytest.approx(1)

    def test_outcomes_count_the_open_as_open(self, dirty):
        assert rows(outcomes(dirty), "outcome", "value", "n") == [
            ["won", 2, 6],
            ["lost", 2, 6],
            ["ended", 1, 6],
            ["open", 1, 6],
        ]


class TestWeakestStage:
    def test_many_leads_name_it(self):
        paths = {f"a{i}": "ask 0, lost 1" for i in range(10)}
        paths |= {f"b{i}": "ask 0, offer 1, lost 2" for i in range(160)}
        paths |= {f"c{i}": "ask 0, offer 1, deal 2, won 3" for i in range(40)}
        row = weakest_stage(make_log(paths, until=9)).iloc[0]
        assert row["stage"] == row["lowest"] == row["candidates"] == "offer"
        assert row["value"] == 0.2
        assert row["lo"] < 0.2 < row["hi"]

    def test_few_leads_cannot_tell(self, dirty):
        row = weakest_stage(dirty).iloc[0]
        assert row["stage"] == ""
        assert np.isnan(row["value"])
        assert row["lowest"] == "offer"
        assert row["candidates"] == "ask, offer, deal"

    def test_a_stage_after_the_win_is_never_the_weakest(self):
        """Of 60 clients 2 order again: no stage of the sale converts so badly, nor is asked."""
        paths = {f"a{i}": "ask 0, lost 1" for i in range(140)}
        paths |= {f"b{i}": "ask 0, offer 1, deal 2" for i in range(58)}
        paths |= {f"c{i}": "ask 0, offer 1, deal 2, won 3" for i in range(2)}
        outcomes = {"deal": "won", "won": None, "lost": "lost"}
        stages = [
            stage.model_copy(update={"outcome": outcomes.get(stage.id)})
            for stage in make_log({}, until=1).meta.stages
        ]
        log = make_log(paths, until=9, stages=stages)
        assert "deal" in set(stage_conversion(log)["stage"])
        assert weakest_stage(log)["candidates"].tolist() == ["ask"]

    def test_a_difference_of_one_standard_error_rules_nothing_out(self):
        # 40 of 100 and 20 of 40 differ by 0.10, their standard error is 0.09.
        paths = {f"a{i}": "ask 0, lost 1" for i in range(60)}
        paths |= {f"b{i}": "ask 0, offer 1, lost 2" for i in range(20)}
        paths |= {f"c{i}": "ask 0, offer 1, deal 2, won 3" for i in range(20)}
        log = make_log(paths, until=9)
        assert weakest_stage(log)["candidates"].tolist() == ["ask, offer"]
        assert weakest_stage(log, level=0.5)["stage"].tolist() == ["ask"]

    def test_wrong_names_stay_below_the_stated_rate(self):
        """Five stages of 58 to 62 % and 100 leads: the lowest figure misleads, we do not.

        False alarm 1e-6: wrong names in more of 2,000 worlds than the stated 5 % allow;
        detectable: 10 %. The lowest figure is wrong in most worlds.
        """
        worlds, truth = 2000, np.array([0.60, 0.62, 0.58, 0.61, 0.60])
        rng = np.random.default_rng(20240229)
        entered, advanced = np.full((worlds, 6), 100), np.empty((worlds, 5), dtype=np.int64)
        for step, p in enumerate(truth):
            advanced[:, step] = entered[:, step + 1] = rng.binomial(entered[:, step], p)
        n = np.maximum(entered[:, :5], 1)
        strict = proportion_confint(advanced, n, alpha=2 * 0.05 / 4, method="wilson")
        wrong = naive = 0
        for world in range(worlds):
            share = advanced[world] / n[world]
            table = pd.DataFrame({"stage": list("abcde"), "value": share, "n": n[world]})
            table = table.assign(lo=strict[0][world], hi=strict[1][world])
            (row,) = _verdict({}, table, table, 0.95)
            wrong += row["stage"] not in {"", "c"}
            naive += row["lowest"] != "c"
        most = stats.binom.isf(1e-6, worlds, 0.05)
        assert stats.binom.cdf(most, worlds, 0.10) < 1e-3
        assert wrong <= most
        assert naive > worlds / 2


class TestRefusals:
    @pytest.mark.parametrize("history", ["latest_entry", "snapshot"])
    @pytest.mark.parametrize(
        "measure", [stage_conversion, end_to_end_conversion, conversion, transitions, weakest_stage]
    )
    def test_history_is_named(self, measure, history):
        log = make_log({"a": "ask 0"}, until=3, history=history)
        with pytest.raises(HistoryError, match=rf"needs every stage change.*'{history}'"):
            measure(log)

    def test_unknown_column_suggests_the_nearest(self, dirty):
        with pytest.raises(ParameterError, match=r"by='sorce' is no column.*'source'\?"):
            stage_conversion(dirty, by="sorce")

    def test_every_unknown_column_is_listed(self, dirty):
        with pytest.raises(ParameterError) as caught:
            stage_conversion(dirty, by=["sorce", "stage"])
        assert len(caught.value.problems) == 2

    def test_counting_is_checked(self, dirty):
        with pytest.raises(ParameterError, match="reached, strict, visits"):
            stage_conversion(dirty, counting="loose")  # type: ignore[arg-type]

    def test_level_is_checked(self, dirty):
        with pytest.raises(ParameterError, match=r"Write 0\.95 for 95 %"):
            stage_conversion(dirty, level=95)


def test_the_funnel_of_these_tests_has_a_stage_beside_its_path():
    assert "again" in {stage.id for stage in FUNNEL}
