"""The staffing plan as report and as `forecast staffing`: what planners see."""

from __future__ import annotations

import json
import re
from io import BytesIO

import pandas as pd
import pypdf
import pytest

from funnelsim import shipped
from funnelsim.cli import main
from funnelsim.errors import ParameterError
from funnelsim.figures.roster import roster
from funnelsim.reporting import blocks, staffing_plan
from funnelsim.reporting.document import Attachment
from funnelsim.reporting.pdf import render
from funnelsim.reporting.staffing_plan.gathering import promises

BANK = shipped.scenarios() / "bank-retail.yaml"
SHORT = {"run.horizon": "3 w", "run.warm_up": "2 w", "teams.call_centre.cost_per_hour": 120}
SECTIONS = ("front", "heads", "rosters", "hires", "changes", "making", "issued")


@pytest.fixture(scope="module")
def plan():
    return staffing_plan.work(
        BANK,
        overrides={**SHORT, "teams.back_office.seats": 1},
        service_level="call_centre: 80/20; back_office: 80% in 4 bh",
        n=4,
    )


def whole(plan, lang):
    """All blocks of the report."""
    parts = [getattr(staffing_plan, name)(plan, lang) for name in SECTIONS[:-1]]
    return [block for part in parts for block in part.blocks] + [blocks.end()]


@pytest.mark.parametrize("lang", ["en", "uk", "ru"])
def test_the_report_is_printed_in_the_reader_s_language(plan, lang):
    pdf = render(whole(plan, lang), origin="test")
    said = "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages)
    names = {"en": "Staffing plan", "uk": "План персоналу", "ru": "План персонала"}
    assert names[lang].upper() in said.upper()
    if lang != "en":
        assert not re.search(r"\b(full-time|needed|roster of|wait and see)\b", said)


def test_the_first_sentence_is_the_answer(plan):
    front = staffing_plan.front(plan)
    first = next(b for b in front.blocks if b.kind == "summary").sentences[0]
    told = blocks.plain(first)
    assert re.match(r"[\d.]+ full-time people are needed in the busiest week", told)
    assert "short" in told


def test_data_for_the_ledger_and_for_the_wall(plan):
    left = {
        block.name: block.content
        for block in staffing_plan.issued(plan).blocks
        if isinstance(block, Attachment)
    }
    assert set(left) == {"forecast.csv", "roster.csv"}
    columns = ["cutoff", "series", "period_start", "period_end", "unit", "quantile", "value"]
    assert left["forecast.csv"].splitlines()[0].split(",") == columns
    assert "heads:back_office" in left["forecast.csv"]
    assert left["roster.csv"].startswith("team,date,person,contract")


def test_stricter_promises_and_more_work_need_no_fewer(plan):
    by = plan.changed.groupby("change")["difference"].sum()
    assert by["more_work"] >= 0 >= by["less_work"]
    assert by["stricter"] >= 0 >= by["longer"]
    assert by["absences"] > 0


def test_promises_by_team_on_one_line():
    told = promises("desk: 80/20; loans: 90% in 1 bd")
    assert told == {"desk": "80/20", "loans": "90% in 1 bd"}
    with pytest.raises(ParameterError, match='no team "desk"'):
        staffing_plan.work(BANK, service_level="desk: 80/20")


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code


def test_forecast_staffing_as_typed(tmp_path, capsys):
    words = ["forecast", "staffing", BANK, "--set", "run.horizon='2 w'", "--set",
             "run.warm_up='1 w'", "--team", "back_office", "--n", "3"]  # fmt: skip
    assert run(*words, "--out", tmp_path) == 0
    told = capsys.readouterr().out
    assert "full-time people are needed in the busiest week" in told
    weeks = pd.read_csv(tmp_path / "bank-retail.staffing.weeks.csv")
    assert weeks["team"].unique().tolist() == ["back_office"]
    assert run(*words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plan"][0]["team"] == "back_office"
    assert found["rosters"]["back_office"]["proven"] is True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--service-level", "soon"], "no promise"),
        (["--team", "kitchen"], 'no team "kitchen"'),
        (["--max-occupancy", "1.5"], "max_occupancy is 1.5"),
        (["--shrinkage", "1"], "shrinkage"),
    ],
)
def test_bad_input_ends_with_2_and_one_clear_message(words, said, capsys):
    assert run("forecast", "staffing", BANK, *words) == 2
    assert said in capsys.readouterr().err


def test_a_heat_map_says_where_somebody_is_lacking():
    cover = pd.DataFrame({"day": [0, 0], "start": [9.0, 9.5], "need": [2, 3], "staffed": [2, 2]})
    assert roster(cover).alt.endswith("Somebody is lacking in 1 hours.")
    assert roster(cover.assign(staffed=3)).alt.endswith("Nobody is lacking.")
