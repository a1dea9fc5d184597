"""What-if and lever reports: what they claim, what they do not, in every language."""

from __future__ import annotations

import pytest

from funnelsim import shipped
from funnelsim.errors import ParameterError
from funnelsim.experiments import compare, levers
from funnelsim.reporting import lever_atlas, what_ifs
from funnelsim.reporting.blocks import plain
from funnelsim.reporting.inputs import check_experiment
from funnelsim.reporting.screen import line
from funnelsim.reporting.settings import settings, written
from funnelsim.reporting.texts import texts
from funnelsim.reporting.what_ifs.findings import advice, answer, found, question, risks
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario

NAMES = sorted(path.stem for path in shipped.scenarios().glob("*.yaml"))
SHOP = {
    "funnelsim": 1,
    "name": "shop",
    "title": {"en": "Shop", "uk": "Крамниця", "ru": "Лавка"},
    "run": {"start": "2026-03-02", "horizon": "12 w", "warm_up": "2 w"},
    "currency": "UAH",
    "calendars": {"office": {"hours": {"mon-fri": "9-17"}}},
    "teams": {"sales": {"seats": 2, "calendar": "office", "cost_per_hour": 200}},
    "sources": {"web": {"stage": "demo", "rate": "12 / d", "value": 1000, "cost": 20}},
    "stages": {
        "demo": {
            "delay_before": {"median": "1 d", "p90": "3 d"},
            "efforts": {"call": {"team": "sales", "duration": "40 min"}},
            "next": {"advance": "won", "to": {"won": 0.4, "lost": 0.6}},
        },
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}
BETTER = {"label": {"en": "Better demo?"}, "set": {"stages.demo.next.to.won": 0.5}}
WORSE = {"label": {"en": "Worse demo?"}, "set": {"stages.demo.next.to.won": 0.3}}
SAME = {"label": {"en": "Nothing?"}, "set": {"teams.sales.seats": 2}}
BUSY = {"label": {"en": "More leads?"}, "set": {"sources.web.rate": "16 / d"}}
LUCK = {
    "label": {"en": "Other luck?"},
    "set": {"stages.demo.delay_before": {"median": "1.02 d", "p90": "3 d"}},
}


def shop(**what_ifs_of_it):
    return Scenario.model_validate({**SHOP, "what_ifs": what_ifs_of_it})


def asked(**what_ifs_of_it):
    return compare(shop(**what_ifs_of_it), seed=5, n=12)


def words(sentences):
    return [plain(each) for each in sentences]


# --- what is claimed ------------------------------------------------------------------------------


def test_the_best_is_named_only_where_it_beats_all_others():
    made = asked(better=BETTER, worse=WORSE, same=SAME)
    verdicts, t = found(made), texts("en")
    assert (verdicts.measure.id, verdicts.winner) == ("profit", "better")
    assert (verdicts.better, verdicts.worse, verdicts.unclear) == (
        ("better",),
        ("worse",),
        ("same",),
    )
    said = words(answer(made, verdicts, t))
    assert said[0] == "“Better demo?” is best for income less all costs given, beyond chance."
    assert said[1].startswith("Better demo: deals won up by ")
    assert said[2].startswith("Worse demo: deals won down by ")
    assert said[3].startswith("Nothing: income less all costs given stays the same in all 12")
    follows = {word: plain(told) for word, told in advice(made, verdicts, {}, t).items()}
    assert list(follows) == ["Do", "Don't", "Test first", "What would change it"]
    lowest = made.uplift("profit", "better").lo / 100
    assert f"UAH {lowest / 1000:.1f}K" in follows["Do"].replace("\u00a0", " ")
    assert follows["Don't"].startswith("“Worse demo?”: it makes")


def test_equals_are_not_ranked():
    again = {**BETTER, "label": {"en": "The same again?"}}
    made = asked(one=BETTER, other=again)
    verdicts, t = found(made), texts("en")
    assert verdicts.winner is None
    assert len(verdicts.better) == 2
    assert "Which of them is best one cannot tell." in words(answer(made, verdicts, t))[0]
    assert plain(advice(made, verdicts, {}, t)["Do"]).startswith("Take the cheapest of these")


def test_no_change_may_be_best():
    made = asked(worse=WORSE, worst={**WORSE, "set": {"stages.demo.next.to.won": 0.2}})
    verdicts, t = found(made), texts("en")
    assert verdicts.winner == ""
    assert words(answer(made, verdicts, t))[0].startswith("No change is best")
    assert plain(advice(made, verdicts, {}, t)["Do"]) == (
        "Leave things as they are: no gain is shown."
    )


def test_chance_is_called_chance():
    made = asked(luck=LUCK)
    verdicts, t = found(made), texts("en")
    assert verdicts.unclear == ("luck",)
    assert "cannot tell which is better" in words(answer(made, verdicts, t))[0]
    assert question(made, t) == "Other luck?"


def test_a_team_near_its_limit_is_a_risk():
    made = asked(busy=BUSY)
    verdicts, t = found(made), texts("en")
    said = words(risks(made, verdicts, {}, t))
    assert said[0].startswith("“More leads?” makes utilisation of sales rise to 9")


def test_made_up_numbers_are_said_to_be_so():
    made = compare(shop(better=BETTER).model_copy(update={"illustrative": True}), seed=1, n=5)
    assert words(risks(made, found(made), {}, texts("en")))[0].startswith("The numbers are illus")
    assert what_ifs.front(made).blocks[0].model_dump()["illustrative"]


def test_another_demand_may_turn_the_answer():
    made = asked(better=BETTER, worse=WORSE)
    other = {"a tenth more leads": asked(better=WORSE, worse=BETTER)}
    verdicts, t = found(made), texts("en")
    assert "another change is best" in words(risks(made, verdicts, other, t))[0]
    same = {"a tenth more leads": made}
    told = plain(advice(made, verdicts, same, t)["What would change it"])
    assert told.endswith("Not the demand: with a tenth more leads the answer is the same.")


def test_demand_is_really_another_one():
    scenario = shop(better=BETTER)
    other = what_ifs.elsewhere(scenario, seed=1)
    base = compare(scenario, seed=1, n=20).base["leads"].mean()
    fewer, more = (case.base["leads"].mean() for case in other.values())
    assert fewer == pytest.approx(0.9 * base, rel=0.02)
    assert more == pytest.approx(1.1 * base, rel=0.02)


# --- blocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "uk", "ru", "nl"])
def test_every_section_speaks_every_language(lang, tmp_path):
    made = asked(better=BETTER, worse=WORSE, same=SAME, luck=LUCK)
    source = tmp_path / "shop.yaml"
    source.write_text("funnelsim: 1\n", "utf-8")
    other = {"x": made}
    sections = [
        what_ifs.front(made, lang, other=other),
        what_ifs.effects(made, lang),
        what_ifs.parts(made, lang),
        what_ifs.demand(made, other, lang),
        what_ifs.settled(made, lang),
        what_ifs.making(made, lang, source=str(source)),
        what_ifs.appendix(made.base.scenario, lang),
    ]
    assert all(each.blocks for each in sections)
    tables = [block for each in sections for block in each.blocks if block.kind == "table"]
    across = [len(table.columns) for table in tables if table.columns[1].numeric]
    # funnel, stages, teams: three what-ifs, then the fourth, beside two columns; and demand
    assert across == [5, 3, 5, 3, 5, 3, 3]
    if lang in {"uk", "ru"}:
        front = line(sections[0].blocks[2]).splitlines()[0]
        assert not any("a" <= letter <= "z" for letter in front.replace("Better demo", "").lower())


def test_tables_tell_what_cannot_be_told():
    made = asked(better=BETTER, luck=LUCK)
    (table, *_) = [b for b in what_ifs.effects(made).blocks if b.kind == "table"]
    rows = {row[0]: row for row in table.rows}
    assert rows["Deals won"][2].startswith("+")
    assert "\n" in rows["Deals won"][2]
    assert rows["Deals won"][3].startswith("? ")
    assert rows["Leads"][2:] == ("no difference", "no difference")


@pytest.mark.parametrize("name", NAMES)
def test_what_shipped_questions_set_is_told_in_words(name):
    scenario = load(shipped.scenarios() / f"{name}.yaml")
    table = settings(scenario, tuple(scenario.what_ifs), texts("ru"))
    assert table is not None
    for _, what, before, after in table.rows:
        assert "stages." not in what
        assert "teams." not in what
        assert before != after


def test_a_value_is_written_as_a_person_would():
    scenario, t = shop(better=BETTER), texts("en")
    assert written(scenario, "stages.demo.next.to", t).replace("\u00a0", " ") == "won 40%, lost 60%"
    assert written(scenario, "calendars.office.hours", t) == "Mon–Fri 09:00–17:00"
    assert written(scenario, "stages.demo.efforts", t) == "call"
    assert written(scenario, "stages.won.efforts", t) == "none"
    assert written(scenario, "stages.demo.timeout", t) == "–"


# --- levers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def atlas():
    return levers(shop(), seed=5, n=12, measure=lever_atlas.deciding(shop()))


@pytest.mark.parametrize("lang", ["en", "uk", "ru"])
def test_the_lever_report_speaks_every_language(lang, atlas, tmp_path):
    source = tmp_path / "shop.yaml"
    source.write_text("funnelsim: 1\n", "utf-8")
    front = lever_atlas.front(atlas, lang)
    kinds = ["cover", "kpis", "summary", "figure", "risks", "advice"]
    assert [block.kind for block in front.blocks] == kinds
    assert len(line(front.blocks[2]).splitlines()) <= 4
    assert line(front.blocks[5]).startswith(texts(lang)._("Do"))
    for section in (lever_atlas.steps, lever_atlas.limits, lever_atlas.together):
        assert section(atlas, lang).blocks
    assert lever_atlas.making(atlas, lang, source=str(source)).blocks


def test_levers_tell_costs_only_where_they_are_known(atlas):
    (table,) = [block for block in lever_atlas.steps(atlas).blocks if block.kind == "table"]
    titles = [column.title for column in table.columns]
    assert titles[-2:] == ["Costs", "Left over"]
    cells = {row[0]: row for row in table.rows}
    assert cells["One more seat: sales"][2] != "–"
    assert cells["1 point more conversion: demo"][2] == "–"


# --- input ----------------------------------------------------------------------------------------


def test_a_what_if_report_needs_questions(tmp_path):
    path = tmp_path / "shop.yaml"
    shop().save(path)
    with pytest.raises(ParameterError, match="lists no what-ifs"):
        check_experiment(path, "what-if")
    check_experiment(path, "levers")
