"""Answers and clicks by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim import measures
from funnelsim.errors import DataError, ParameterError
from funnelsim.measures.tables import MEASURED

ANSWERS = pd.DataFrame(
    {
        "answered_at": pd.to_datetime(
            ["2024-01-05", "2024-01-06", "2024-01-31 23:00", "2024-02-10", "2024-02-11"],
            format="mixed",
            utc=True,
        ),
        "score": [10, 6, 9, 7, None],
        "shop": ["north", "south", "south", "north", "north"],
    }
)


class TestNps:
    def test_promoters_less_detractors(self):
        row = measures.nps(ANSWERS).iloc[0]
        assert row["value"] == 25  # two promoters, one detractor of four
        assert row[["promoters", "neutrals", "detractors", "unanswered"]].tolist() == [2, 1, 1, 1]
        assert (row["unit"], row["n"], row["caution"]) == ("points", 4, "too few")

    @pytest.mark.parametrize(
        ("score", "group"),
        [(0, "detractors"), (6, "detractors"), (7, "neutrals"), (8, "neutrals"), (9, "promoters")],
    )
    def test_the_three_groups(self, score, group):
        assert measures.nps(pd.DataFrame({"score": [score]}))[group].item() == 1

    def test_by_shop_and_local_month(self):
        table = measures.nps(ANSWERS, by="shop", every="1MS", time_zone="Europe/Kyiv")
        assert table["shop"].tolist() == ["north", "north", "south", "south"]
        # 31 January 23:00 UTC is February in Kyiv
        assert table["value"].tolist() == [100, 0, -100, 100]
        assert list(table.columns[2:10]) == list(MEASURED)

    @pytest.mark.parametrize("scores", [[10] * 5, [0] * 5, [7] * 5, [10, 0], [10]])
    def test_the_interval_stays_on_the_scale(self, scores):
        row = measures.nps(pd.DataFrame({"score": scores})).iloc[0]
        assert -100 <= row["lo"] <= row["value"] <= row["hi"] <= 100
        assert row["lo"] < row["hi"]

    def test_no_answers(self):
        row = measures.nps(pd.DataFrame({"score": [None, None]})).iloc[0]
        assert (row["n"], row["unanswered"], row["method"]) == (0, 2, "no data")

    def test_scores_off_the_scale_are_shown(self):
        bad = pd.DataFrame({"score": [5, 11, -1, 7.5, "good"]})
        with pytest.raises(
            DataError, match=r"score: 4 values are no whole number from 0 to 10 \(row 1: 11;"
        ):
            measures.nps(bad)

    def test_what_is_missing_is_named(self):
        with pytest.raises(DataError, match=r"no column 'score'\. It has: stars"):
            measures.nps(pd.DataFrame({"stars": [5]}))
        with pytest.raises(DataError, match="no column 'answered_at'"):
            measures.nps(pd.DataFrame({"score": [5]}), every="1MS")
        with pytest.raises(ParameterError, match="by='town' is no column"):
            measures.nps(ANSWERS, by="town")

    @pytest.mark.parametrize("times", [["2024-01-05"], [pd.Timestamp("2024-01-05")]])
    def test_times_need_a_zone(self, times):
        table = pd.DataFrame({"answered_at": times, "score": [5]})
        with pytest.raises(DataError, match="times without a zone"):
            measures.nps(table, every="1MS")

    def test_text_with_an_offset_is_a_time(self):
        table = pd.DataFrame({"answered_at": ["2024-01-05T10:00+02:00"], "score": [9]})
        assert measures.nps(table, every="1MS")["value"].tolist() == [100]


class TestCsat:
    def test_both_readings(self):
        mean, share = measures.csat(pd.DataFrame({"score": [5, 4, 3, 1]})).to_dict("records")
        assert (mean["value"], share["value"]) == (3.25, 0.5)
        assert 1 <= mean["lo"] < mean["hi"] <= 5
        assert share["satisfied"] == 2

    @pytest.mark.parametrize(("scale", "bar"), [((1, 5), 4), ((1, 10), 7), ((1, 7), 6)])
    def test_the_upper_two_fifths_are_satisfied(self, scale, bar):
        scores = pd.DataFrame({"score": range(scale[0], scale[1] + 1)})
        table = measures.csat(scores, scale=scale)
        assert table["satisfied"].tolist()[0] == scale[1] - bar + 1

    def test_another_bar(self):
        scores = pd.DataFrame({"score": range(1, 11)})
        table = measures.csat(scores, scale=(1, 10), satisfied=9)
        assert table["value"].tolist() == pytest.approx([5.5, 0.2])

    def test_a_scale_that_is_none(self):
        with pytest.raises(ParameterError, match=r"scale=\(5, 1\)"):
            measures.csat(pd.DataFrame({"score": [1]}), scale=(5, 1))


class TestClicks:
    COUNTS = pd.DataFrame(
        {"campaign": ["a", "a", "b"], "shown": [100, 300, 50], "clicked": [2, 6, 5]}
    )

    def test_sums_not_mean_of_rates(self):
        table = measures.click_rate(self.COUNTS, by="campaign").set_index("campaign")
        assert table["value"].to_dict() == {"a": 0.02, "b": 0.1}
        assert table["n"].to_dict() == {"a": 400, "b": 50}

    def test_more_clicks_than_views(self):
        with pytest.raises(
            DataError, match=r"1 rows have more clicks than views \(row 0: 5 of 4\)"
        ):
            measures.click_rate(pd.DataFrame({"shown": [4], "clicked": [5]}))

    def test_nothing_shown(self):
        row = measures.click_rate(pd.DataFrame({"shown": [0], "clicked": [0]})).iloc[0]
        assert np.isnan(row["value"])
