"""The sales forecast: what its sections say, in three languages, and the file it leaves."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pypdf
import pytest

from funnelsim.calibration.fitting import calibrate
from funnelsim.engine import simulate
from funnelsim.errors import DataError, ParameterError
from funnelsim.events import EventLog
from funnelsim.planning import backtest_revenue, forecast_revenue, restate
from funnelsim.planning.issued import COLUMNS, RAW, actuals, matched, read_issued
from funnelsim.planning.recalibration import recalibrated
from funnelsim.reporting import report, sales_forecast
from funnelsim.reporting.blocks import plain
from funnelsim.reporting.document import Attachment, Figure, Kpis, Summary, Table
from funnelsim.reporting.sales_forecast import promised
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scheduling.issued import read_forecasts
from tests.unit.test_planning_issued import WORLD


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    log = simulate(Scenario.model_validate(WORLD), seed=4)
    return log.save(tmp_path_factory.mktemp("log") / "one-step")


@pytest.fixture(scope="module")
def past(folder, tmp_path_factory):
    """Promises for three months each, far too low; eight of them are over."""
    rows = [
        {"cutoff": cutoff, "series": "won_value", "period_start": at, "unit": "minor",
         "period_end": at + pd.DateOffset(months=1), "quantile": q, "value": v}
        for cutoff in pd.to_datetime(["2025-03-01", "2025-04-01", "2025-05-26"], utc=True)
        for at in pd.date_range(cutoff.replace(day=1), periods=3, freq="MS")
        for q, v in ((0.1, 500_000), (0.5, 600_000), (0.9, 700_000))
    ]  # fmt: skip
    file = tmp_path_factory.mktemp("past") / "past.csv"
    pd.DataFrame(rows).to_csv(file, index=False)
    return file


@pytest.fixture(scope="module", autouse=True)
def few_runs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promised, "RUNS", 3)
        yield


@pytest.fixture(scope="module")
def found(folder, past):
    """What `work` makes, with few runs and two past cutoffs."""
    log = EventLog.load(folder)
    fit = calibrate(log)
    cutoffs = [pd.Timestamp(log.meta.observed_until) - pd.Timedelta(weeks=w) for w in (8, 4)]
    trial = backtest_revenue(log, cutoffs=cutoffs, ahead=pd.Timedelta(weeks=4), n=4)
    made = forecast_revenue(fit, horizon="13 w", plan=40_000, past=trial, n=6, seed=1)
    made = restate(made, log, read_issued(past))
    return sales_forecast.SalesForecast(log, fit, made, str(folder), "", str(past))


SECTIONS = ("front", "periods", "plan", "ways", "kept", "promises", "downside", "deals", "making")


def blocks(found, lang, *names):
    return [
        block
        for name in names or SECTIONS
        for block in getattr(sales_forecast, name)(found, lang).blocks
    ]


@pytest.mark.parametrize("lang", ["en", "uk", pytest.param("ru", marks=pytest.mark.slow)])
def test_every_section_speaks_the_language(found, lang):
    shown = blocks(found, lang)
    texts = " ".join(str(block.model_dump(exclude={"svg", "outlines"})) for block in shown)
    assert len([block for block in shown if isinstance(block, Figure)]) >= 4
    assert "nan" not in texts.lower().split()
    if lang != "en":
        assert "What" not in re.sub(r"<.*?>", "", texts)


def test_page_1_says_first_how_much_and_how_sure(found):
    page = blocks(found, "en", "front")
    answer = next(block for block in page if isinstance(block, Summary))
    said = [plain(sentence) for sentence in answer.sentences]
    assert re.match(r"By \d+ \w+ 2025 .*€.* will be won \(median\), with 8 in 10 chances", said[0])
    assert "The plan of" in said[1]
    tiles = next(block for block in page if isinstance(block, Kpis)).tiles
    assert [tile.label for tile in tiles][:3] == [
        "P50 of the horizon", "P10: 9 in 10 above", "P90: 1 in 10 above",
    ]  # fmt: skip


def test_earlier_promises_are_scored_and_the_change_explained(found):
    tables = [block for block in blocks(found, "en", "promises") if isinstance(block, Table)]
    scores = next(table for table in tables if "promised and kept" in table.caption)
    assert scores.rows[0][:4] == ("Value won", "8", "0%", "0%")
    bridge = next(table for table in tables if table.caption.startswith("From the last forecast"))
    assert bridge.rows[0][0].startswith("Forecast of 26 May 2025")
    assert any(row[0].startswith("Luck") for row in bridge.rows)


def test_what_is_stated_is_corrected_and_said_so_on_page_1(found):
    answer = next(block for block in blocks(found, "en", "front") if isinstance(block, Summary))
    said = plain(answer.sentences[-1])
    assert re.match(r"The ranges stated in this report are \d+% wider than simulated", said)
    tables = [block for block in blocks(found, "en", "promises") if isinstance(block, Table)]
    ranges = next(table for table in tables if table.caption.startswith("Ranges corrected"))
    assert len(ranges.rows) == 3  # July, August and September; October is cut off
    assert restate(found.forecast, found.log, read_issued(found.past)) is found.forecast
    bare = replace(found, forecast=replace(found.forecast, raw=None))
    assert len(blocks(bare, "en", "front")[2].sentences) == len(answer.sentences) - 1


def test_paths_get_the_corrected_quantiles_and_keep_their_ranks(found):
    """With 3,000 runs every quantile of every whole month is within 2 % of its band."""
    n, cells = 3000, len(found.forecast.cells)
    paths = np.random.default_rng(2).gamma(4.0, 3e5, size=(n, cells, 2, 2))
    paths[:, 0, 1] = 0.0
    made = replace(found.forecast, paths=paths, ways={"combined": paths.sum(axis=2)}, raw=None,
                   won=found.forecast.won.iloc[:0], cash=None)  # fmt: skip
    issued = read_issued(found.past)
    stated = restate(made, found.log, issued)
    right = recalibrated(made.issued(), matched(issued, actuals(found.log, issued)))
    told = stated.issued()
    assert told["raw"].tolist() == right["raw"].tolist()
    by = told.groupby(["series", "period_start"])["value"]
    width, least = by.transform(np.ptp), by.transform("min")  # never less than is booked
    assert ((told["value"] - right["value"].clip(lower=least)).abs() <= 0.02 * width).all()
    booked = stated.before["value"].sum()
    assert told.loc[told["series"] == "won_value", "value"].iloc[0] == booked > right["value"].min()
    assert (told["value"] - told["raw"]).abs().max() > 0.2 * width.max()
    assert stated.paths.sum(axis=2) == pytest.approx(stated.ways["combined"])
    assert np.ptp(stated.total()) > np.ptp(made.total())
    before, after = (each.cells.sums(each.ways["combined"][..., 1])[1] for each in (made, stated))
    ranked = np.take_along_axis(after, before.argsort(axis=0), axis=0)
    assert np.diff(ranked, axis=0).min() >= -1e-6  # but for rounding
    early = replace(made, start=pd.Timestamp("2025-05-20", tz="UTC"))
    known = (found.log, found.log.as_of(early.start))  # no peeking, even where there is more
    more, less = (restate(early, log, issued).issued() for log in known)
    pd.testing.assert_frame_equal(more, less)
    assert not more["value"].equals(more["raw"])


def test_without_a_plan_or_a_past_their_sections_are_empty(found):
    bare = replace(found, forecast=replace(found.forecast, plan=None), past="")
    assert blocks(bare, "en", "plan", "promises") == []
    assert "plan" not in plain(blocks(bare, "en", "front")[2].sentences[0])


def test_wrong_input_is_told_before_any_notebook_runs(folder, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        report(tmp_path / "nothing.csv", kind="sales-forecast", out=tmp_path)
    scenario = tmp_path / "a.yaml"
    scenario.write_text("funnelsim: 1\n", "utf-8")
    with pytest.raises(ParameterError, match="is a scenario"):
        report(scenario, kind="sales-forecast", out=tmp_path)
    with pytest.raises(DataError, match="no such file"):
        sales_forecast.work(folder, past="nowhere.csv", n=2)


@pytest.mark.slow
def test_the_notebook_leaves_the_forecast_beside_the_pdf(folder, past, tmp_path):
    made = report(
        folder,
        kind="sales-forecast",
        lang="uk",
        out=tmp_path,
        n=4,
        options={"plan": "40000", "horizon": "8 w", "past": str(past)},
    )
    left = pd.read_csv(tmp_path / "one-step.sales-forecast.uk.forecast.csv")
    assert [*COLUMNS, RAW] == list(left.columns)
    first = pypdf.PdfReader(BytesIO(made.pdf.read_bytes())).pages[0].extract_text()
    assert "прогноз продажів" in first.lower()
    assert "Дотримані обіцянки" in made.notebook.read_text("utf-8")


def test_the_forecast_as_data_is_attached_as_stated_and_as_simulated(found, tmp_path):
    attached = next(
        block for block in sales_forecast.issued(found).blocks if isinstance(block, Attachment)
    )
    assert attached.name == "forecast.csv"
    assert attached.content.startswith("cutoff,series,period_start")
    (tmp_path / attached.name).write_text(attached.content, "utf-8")
    kept = pd.DataFrame(read_forecasts(tmp_path))  # what the ledger stores
    assert (kept["raw"] != kept["value"]).any()
    told = found.forecast.table.query("way == 'combined' and origin == 'all' and span == 'month'")
    told = told[(told["measure"] == "won_value") & told["whole"]]
    stated = kept[(kept["series"] == "won_value") & (kept["quantile"] == 0.9)]
    assert stated["value"].tolist() == pytest.approx(told["p90"].tolist())
