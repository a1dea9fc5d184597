"""Cohorts and key figures in the report: only what the log supports, cautions in words."""

from __future__ import annotations

import pandas as pd
import pytest

from funnelsim import measures
from funnelsim.events import EventLog
from funnelsim.measures.example import BANK
from funnelsim.reporting.blocks import plain
from funnelsim.reporting.review.cautions import caution
from funnelsim.reporting.review.cohort_tables import by_arrival, young
from funnelsim.reporting.review.key_figures import key_figures
from funnelsim.reporting.texts import texts
from tests.logs import make_log

EN = texts("en")
DAY = 24


def steady(days=70, per_day=6):
    """A third of the leads win after ten days, the others are lost after twenty."""
    paths = {}
    for lead in range(days * per_day):
        start = lead // per_day * DAY
        gone, end = (10, "won") if lead % 3 == 0 else (20, "lost")
        late = start + gone * DAY
        paths[f"lead{lead}"] = f"ask {start}" + (f", {end} {late}" if late < days * DAY else "")
    return make_log(paths, until=days * DAY)


def with_marks(log, **columns):
    """The log with other columns of its marks."""
    marks = log.marks.assign(**columns)
    return EventLog.trusted({**log.tables(), "marks": marks}, log.meta)


def with_repeat_orders(clients=40):
    """Clients who won on the first day; every other one orders again a month later."""
    paths = {f"client{i}": "ask 0, offer 1, deal 2, won 3" for i in range(clients)}
    log = make_log(paths, until=400 * DAY, values=dict.fromkeys(paths, 900))
    again = log.marks.iloc[::2].assign(kind="ordered", at=log.marks["at"] + pd.Timedelta(days=30))
    marks = pd.concat([log.marks, again], ignore_index=True)
    return EventLog.trusted({**log.tables(), "marks": marks}, log.meta)


def cohort_table(log):
    """The table of cohorts, which there is."""
    shown = by_arrival(log, EN)
    assert shown is not None
    return shown


def figures_of(log):
    """Key figures by name."""
    shown = key_figures(log, EN)
    assert shown is not None
    return {row[0]: row for row in shown.rows}


class TestCohorts:
    def test_a_young_cohort_is_marked_and_completed(self):
        shown = cohort_table(steady())
        *old, _, last = [
            dict(zip([c.title for c in shown.columns], row, strict=True)) for row in shown.rows
        ]
        assert {row["Caution"] for row in old[:6]} == {""}
        assert {row["In the end"] for row in old[:6]} == {"33"}
        assert "still rising" in last["Caution"]
        assert last["So far"] == "0"
        assert 25 < float(last["In the end"]) < 45

    def test_the_sentence_names_the_youngest_that_can_be_judged(self):
        told = young(steady(), EN)
        assert told is not None
        said = plain(told.sentence)
        assert said.startswith("Young cohorts look worse than they are")
        assert "week of" in said
        assert "0% have won so far" in said

    def test_numbers_are_those_of_the_measure(self):
        table = measures.cohorts(steady(), every="1W", to="won")
        shown = cohort_table(steady())
        assert [row[2] for row in shown.rows] == [EN.number(n) for n in table["went_on"]]
        assert [row[5] for row in shown.rows] == [EN.bare_share(x) for x in table["value"]]

    @pytest.mark.parametrize(
        ("days", "per_day", "first"),
        [(70, 6, "week of 1 Jan 2024"), (300, 2, "Jan 2024"), (700, 1, "Q1 2024")],
    )
    def test_the_step_gives_a_handful_of_cohorts_with_enough_leads(self, days, per_day, first):
        shown = cohort_table(steady(days, per_day))
        assert shown.rows[0][0] == first
        assert 3 <= len(shown.rows) <= 16

    def test_nothing_is_shown_where_nothing_can_be_compared(self):
        assert by_arrival(BANK, EN) is None
        assert young(BANK, EN) is None


class TestKeyFigures:
    def test_they_are_those_of_the_measures(self):
        shown = figures_of(BANK)
        deal = measures.average_deal(BANK).iloc[0]
        name = "Average deal: value of a won lead"
        assert shown[name][1] == EN.money(deal["value"], "EUR")
        assert shown[name][3] == "2"
        assert "too few to tell" in shown[name][4]

    def test_profit_without_costs_is_no_profit(self):
        """Profit appears when sales say what they cost, and never otherwise."""
        log = with_repeat_orders()
        names = set(figures_of(log))
        assert "Revenue from a client in the first year (LTV)" in names
        assert "Average order (AOV)" in names
        assert not any("Profit" in name or "ROI" in name for name in names)
        costed = with_marks(log, cost=pd.array([100] * len(log.marks), dtype="Int64"))
        assert any("Profit" in name for name in figures_of(costed))

    def test_a_log_without_money_has_none_of_it(self):
        log = make_log({"a": "ask 0, lost 1", "b": "ask 0, won 1"}, until=9, currency="")
        shown = key_figures(log, EN)
        assert shown is None or not any("deal" in row[0] for row in shown.rows)

    @pytest.mark.parametrize("lang", ["en", "uk", "ru"])
    def test_every_caution_has_words(self, lang):
        from funnelsim.measures import cautions

        known = [getattr(cautions, name) for name in cautions.__all__ if name.isupper()]
        for one in (word for word in known if isinstance(word, str)):
            assert caution(one, texts(lang)) != one


@pytest.mark.parametrize(
    ("minor", "written"), [(163, "€1.63"), (9_999, "€99.99"), (10_000, "€100"), (0, "€0")]
)
def test_small_amounts_are_told_with_their_cents(minor, written):
    assert EN.money(minor, "EUR") == written
