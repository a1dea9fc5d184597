"""Comparisons: paired, adjusted, honest about what they cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from funnelsim import shipped
from funnelsim.engine import make_plan
from funnelsim.errors import ParameterError
from funnelsim.experiments.comparison import Comparison, compare
from funnelsim.experiments.outcomes import Measure, Outcomes, read_limits
from funnelsim.experiments.replication import Replications, replicate
from funnelsim.reporting.texts import texts
from funnelsim.scenarios.changes import Change
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario

SHOP = Scenario.model_validate(
    {
        "funnelsim": 1,
        "name": "shop",
        "currency": "UAH",
        "run": {"start": "2026-01-05", "horizon": "2 w", "warm_up": "3 d"},
        "teams": {"desk": {"label": {"en": "Help desk"}, "seats": 2}},
        "sources": {"web": {"stage": "ask", "rate": "15 / d", "value": 900}},
        "stages": {
            "ask": {
                "efforts": {"talk": {"team": "desk", "duration": {"mean": "2.5 h"}}},
                "patience": {"after": {"mean": "6 h"}, "to": "lost"},
                "next": {"advance": "bought", "to": {"bought": 0.5, "lost": 0.5}},
            },
            "bought": {"marks": "won"},
            "lost": {"marks": "lost"},
        },
        "what_ifs": {
            "third": {
                "label": {"en": "What if three were at the desk?"},
                "set": {"teams.desk.seats": {"add": 1}},
            },
            "later": {"set": {"stages.ask.next.to.bought": {"add": 0.1}}, "start": "2026-01-12"},
        },
    }
)
SEAT = SHOP.change("third", {"teams.desk.seats": {"add": 1}})
NOTHING = SHOP.change("the same again", {"teams.desk.seats": 2})


@pytest.fixture(scope="module")
def listed():
    return compare(SHOP, seed=7, n=12, limits={"wait": "1 h"})


def made(measure, base, **what_ifs):
    """A comparison of given numbers."""

    def reps(values):
        outcomes = np.array(values, float)[:, None]
        weekly = np.zeros((len(values), 0), np.int64)
        return Replications(SHOP, (measure,), outcomes, weekly, 7, 0.95, {}, precise=True)

    named = {name: reps(values) for name, values in what_ifs.items()}
    return Comparison(reps(base), named, {}, 0.95, {}, precise=True)


WON = Measure("won", "deals", "deals won", 1)


# --- pairs ----------------------------------------------------------------------------------------


def test_replications_are_paired_by_number(listed):
    """The same as replicating either alone with the same seed."""
    assert listed.base["won"].tolist() == replicate(SHOP, seed=7, n=12)["won"].tolist()
    assert listed.what_ifs["third"]["won"].tolist() == replicate(SEAT, seed=7, n=12)["won"].tolist()


def test_uplift_is_the_paired_t_interval_adjusted_for_two(listed):
    found = listed.uplift("won", "third")
    gaps = listed.what_ifs["third"]["won"] - listed.base["won"]
    interval = stats.ttest_1samp(gaps, 0).confidence_interval(1 - 0.05 / 2)
    assert (found.lo, found.hi) == pytest.approx((interval.low, interval.high))
    assert found.uplift == pytest.approx(gaps.mean())
    assert found.changed - found.baseline == pytest.approx(found.uplift)
    assert found.relative == pytest.approx(gaps.mean() / listed.base["won"].mean())
    p = stats.ttest_1samp(gaps, 0, alternative="greater").pvalue
    assert found.p_better == pytest.approx(1 - p)
    assert found.verdict == "better"


def test_less_may_be_better(listed):
    wait = listed.uplift("wait.desk", "third")
    assert wait.uplift < 0
    assert wait.p_better > 0.99
    assert wait.runs_better == 1
    assert wait.verdict == "better"


def test_what_is_neither_good_nor_bad_is_only_more_or_less(listed):
    busy = listed.uplift("utilisation.desk", "third")
    assert busy.verdict == "less"
    assert np.isnan(busy.p_better)


def test_the_table_has_a_row_per_measure_and_what_if(listed):
    table = listed.table
    assert not table.duplicated(["measure", "what_if"]).any()
    assert len(table) == 2 * len(listed.measures)
    assert set(table["method"]) == {"paired t, Bonferroni over 2"}


def test_an_added_team_is_compared_where_both_have_it():
    more = SHOP.change("another team", {"teams.extra": {"seats": 1}})
    found = compare(SHOP, [more], seed=7, n=3)
    assert "utilisation.extra" not in set(found.table["measure"])
    assert set(found.table["verdict"]) <= {"same", "cannot tell"}
    assert found.uplift("won").verdict == "same"


def test_runs_without_a_value_on_either_side_are_no_pairs():
    found = made(WON, [1.0, np.nan, 3.0, 5.0], other=[2.0, 3.0, np.nan, 7.0]).uplift("won")
    assert (found.n, found.baseline, found.uplift) == (2, 3.0, 1.5)


# --- which what-ifs -------------------------------------------------------------------------------


def test_all_listed_what_ifs_are_compared(listed):
    assert list(listed.what_ifs) == ["third", "later"]
    assert listed.called("third") == "What if three were at the desk?"
    assert listed.called("later") == "later"


def test_a_what_if_with_a_date_holds_from_then_on(listed):
    later = listed.what_ifs["later"]
    assert (later.weekly[:, 0] == listed.base.weekly[:, 0]).all()
    assert later.weekly[:, 1].sum() > listed.base.weekly[:, 1].sum()


def test_one_change_said_in_four_ways():
    change = Change(name="third", overrides={"teams.desk.seats": {"add": 1}})
    ways = ([SEAT], [change], ["third"], {"third": SEAT})
    uplifts = {compare(SHOP, way, seed=7, n=3).uplift("won", "third").uplift for way in ways}
    assert len(uplifts) == 1


class Doubtful:
    """Not quite known how many come."""

    def draw(self, seed, replication):
        return SHOP.change("draw", {"sources.web.rate": f"{12 + replication} / d"})


def test_a_samplers_draws_are_changed_one_by_one():
    found = compare(Doubtful(), ["third"], seed=7, n=4)
    assert found.what_ifs["third"]["leads"].tolist() == found.base["leads"].tolist()
    assert found.uplift("utilisation.desk").verdict == "less"


def test_bad_what_ifs_are_refused_together():
    with pytest.raises(ParameterError) as refused:
        compare(SHOP, ["thrid", SEAT, SEAT, "fourth"], seed=7)
    problems = [str(problem) for problem in refused.value.problems]
    assert len(problems) == 3
    assert 'Did you mean "third"?' in problems[0]
    assert "two what-ifs" in problems[1]
    with pytest.raises(ParameterError, match="no what-if to compare"):
        compare(SHOP, [], seed=7)


# --- how many -------------------------------------------------------------------------------------


def test_it_stops_at_a_share_of_the_baseline():
    found = compare(SHOP, [SEAT], seed=7, precision={"won": 0.05})
    row = found.uplift("won")
    assert found.precise
    assert (row.hi - row.lo) / 2 <= 0.05 * row.baseline
    assert 10 <= row.n < 200
    stopped = compare(SHOP, [SEAT], seed=7, precision={"won": 0.0001}, max_n=6)
    assert (stopped.precise, stopped.uplift("won").n) == (False, 6)


def test_all_what_ifs_must_be_precise():
    one = compare(SHOP, ["third"], seed=7, precision={"won": 0.05})
    two = compare(SHOP, ["third", "later"], seed=7, precision={"won": 0.05})
    assert len(two.base) >= len(one.base)
    for name in two.what_ifs:
        row = two.uplift("won", name)
        assert (row.hi - row.lo) / 2 <= 0.05 * row.baseline


def test_workers_change_nothing():
    alone, two = (
        compare(SHOP, seed=7, precision={"won": 0.05}, workers=workers) for workers in (1, 2)
    )
    assert alone.table.equals(two.table)


# --- the winner -----------------------------------------------------------------------------------


def test_a_clear_winner_is_named():
    base = [10.0, 12, 11, 13, 9, 10]
    found = made(WON, base, good=[x + 5 for x in base], bad=[x - 4 for x in base])
    assert found.winner("won") == "good"
    assert made(WON, base, bad=[x - 4 for x in base]).winner("won") == ""


def test_no_winner_where_one_cannot_tell():
    base = [10.0, 12, 11, 13, 9, 10]
    near = {"a": [x + 5 for x in base], "b": [15.0, 17.5, 15.5, 18.5, 13.5, 15]}
    assert made(WON, base, **near).winner("won") is None
    assert made(WON, base, twin=list(base)).winner("won") is None


def test_a_winner_is_not_named_by_chance():
    """Of 400 worlds in which nothing differs, few name one: at most 5 %.

    False alarm 1e-6 (exact binomial); detects 12 % (missed at most once in a thousand).
    """
    rng = np.random.default_rng(8)
    named = 0
    for _ in range(400):
        runs = rng.normal(100, 10, (5, 12)) + rng.normal(0, 10, 12)
        found = made(WON, runs[0], a=runs[1], b=runs[2], c=runs[3], d=runs[4])
        named += found.winner("won") is not None
    assert named <= stats.binom.isf(1e-6, 400, 0.05)


def test_nothing_wins_in_what_is_neither_good_nor_bad(listed):
    with pytest.raises(ParameterError, match="neither good nor bad"):
        listed.winner("utilisation.desk")


# --- sentences and picture ------------------------------------------------------------------------


def test_a_sentence_tells_the_change_its_worth_and_the_load(listed):
    told = listed.sentence("won", "third")
    assert told.startswith("What if three were at the desk: deals won up by ")
    assert "(95%: " in told
    assert " in 2 weeks; worth UAH\u00a0" in told
    assert " (value of deals won); utilisation of Help desk from 65% to " in told


def test_a_sentence_names_no_winner_where_it_cannot_tell():
    base = [10.0, 12, 11, 13, 9, 10]
    told = made(WON, base, other=[11.0, 11, 12, 12, 10, 9]).sentence("won")
    assert told == (
        "other: cannot tell which is better: deals won changes by between −1.1 and 1.1 "
        "(95%, 6 replications) from 11."
    )
    busy = Measure("utilisation.desk", "share", "utilisation of {item}", 0, "desk")
    told = made(busy, [0.5, 0.6, 0.7], other=[0.6, 0.5, 0.7]).sentence("utilisation.desk")
    assert "cannot tell whether utilisation of desk changes" in told


def test_a_sentence_says_when_nothing_differs():
    told = compare(SHOP, [NOTHING], seed=7, n=3).sentence("won")
    assert told.startswith("the same again: deals won stays the same in all 3 replications")


def test_which_what_if_must_be_said_where_there_are_several(listed):
    with pytest.raises(ParameterError, match="which what-if"):
        listed.sentence("won")
    with pytest.raises(ParameterError, match='Did you mean "third"'):
        listed.sentence("won", "thrid")


def test_the_picture_says_what_it_shows(listed):
    picture = listed.plot("won")
    assert picture.alt.startswith("Change of deals won. What if three were at the desk?: ")
    for measure in ("wait.desk", "won_value", "utilisation.desk", "in_time.desk", "given_up.desk"):
        assert listed.plot(measure, lang="uk").svg() == listed.plot(measure, lang="uk").svg()


# --- other languages ------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["uk", "ru"])
def test_every_measure_has_a_name_in_the_language(lang):
    """Of all shipped scenarios, with limits."""
    limits = read_limits({"wait": "1 h", "age": "1 d"})
    scenarios = [load(path) for path in sorted(shipped.scenarios().glob("*.yaml"))]
    names = {
        measure.name
        for scenario in [*scenarios, SHOP]
        for measure in Outcomes(make_plan(scenario), limits).measures
    }
    translate = texts(lang)._
    assert {name for name in names if translate(name) == name} == set()


def test_a_sentence_in_ukrainian(listed):
    told = listed.sentence("won", "third", lang="uk", text=texts("uk")._)
    assert told.startswith("What if three were at the desk: виграні угоди — більше на ")
    assert " за 2 тиж.; це дає " in told
    assert "завантаження команди «Help desk» — " in told


def test_a_sentence_that_ends_in_an_abbreviation_has_one_full_stop(listed):
    told = listed.sentence("won_value", "third", lang="uk", text=texts("uk")._)
    assert " за 2 тиж." in told
    assert ".." not in told
