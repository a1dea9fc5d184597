"""Export in every format → read → the same log, up to what the format cannot hold.

What that is stands in `HOLDS`, is printed in the manual, and shows in the log's history.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from funnelsim.calibration.exports import FORMATS, HOLDS, Export, export_crm
from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.crm import read_crm
from funnelsim.engine import simulate
from funnelsim.events import EventLog
from tests.exported import DOORS, ZONE, read_back

UNITS = {"microseconds": "us", "seconds": "s", "minutes": "min", "days": "D"}


@pytest.fixture(scope="module", params=list(FORMATS))
def journey(request, tmp_path_factory) -> tuple[Export, RawHistory, EventLog]:
    export = export_crm(DOORS, tmp_path_factory.mktemp("crm") / "x", format=request.param, seed=3)
    raw = read_back(export)
    return export, raw, raw.events()


@pytest.fixture(scope="module")
def whole() -> EventLog:
    return simulate(DOORS, seed=5)


def cut(times: pd.Series, resolution: str) -> pd.Series:
    """Times as finely as a format writes them, in local time."""
    here: pd.Series = times.dt.tz_convert(ZONE).dt.tz_localize(None)
    floored: pd.Series = here.dt.floor(UNITS[resolution])
    return floored


def expected_moves(export: Export) -> pd.DataFrame:
    """Every entry of a stage that the format can hold, by the names it can give them."""
    holds = HOLDS[export.format]
    moves = export.log.visits[["lead_id", "stage", "entered_at"]]
    stages = {stage["id"]: stage for stage in export.truth["stages"]}
    status = holds.closing_stages == "status"
    names = {
        key: stage["outcome"] if status and stage["outcome"] else stage["name"]
        for key, stage in stages.items()
    }
    return pd.DataFrame(
        {
            "deal": moves["lead_id"],
            "at": cut(moves["entered_at"], holds.times),
            "stage": moves["stage"].map(names),
        }
    )


def read_moves(export: Export, raw: RawHistory, log: EventLog) -> pd.DataFrame:
    """Every entry of a stage that was read, by the stages' names in the CRM."""
    names = {stage.id: stage.name for stage in raw.meta.stages}
    if HOLDS[export.format].closing_stages == "status":
        names |= {"won": "won", "lost": "lost"}
    if HOLDS[export.format].after_closing:  # the mapping's ids are those of the scenario
        names = {stage["id"]: stage["name"] for stage in export.truth["stages"]}
    visits = log.visits
    return pd.DataFrame(
        {
            "deal": visits["lead_id"],
            "at": cut(visits["entered_at"], HOLDS[export.format].times),
            "stage": visits["stage"].map(names),
        }
    )


def rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    """Rows in an order of their own."""
    return sorted(frame.itertuples(index=False, name=None))


def test_history_says_what_the_format_holds(journey) -> None:
    export, raw, log = journey
    assert raw.meta.history == log.meta.history == HOLDS[export.format].history
    assert bool(raw.meta.obtain_history) == (log.meta.history != "full")


def test_deals_are_those_of_the_scenario(journey) -> None:
    export, _, log = journey
    holds = HOLDS[export.format]
    truth = export.log.leads.set_index("lead_id").sort_index()
    read = log.leads.set_index("lead_id").sort_index()
    assert read.index.tolist() == truth.index.tolist()
    pd.testing.assert_series_equal(
        cut(read["arrived_at"], holds.times),
        cut(truth["arrived_at"], holds.times),
        check_dtype=False,
    )
    words = export.truth["columns"]["sources"]
    assert read["source"].map(words).tolist() == truth["source"].tolist()
    assert read["product"].tolist() == truth["product"].tolist()
    assert read["segment"].tolist() == truth["segment"].tolist()
    # customers go by made-up names: one for one with the log's
    pairs = pd.DataFrame({"a": read["customer_id"], "b": truth["customer_id"]}).drop_duplicates()
    assert len(pairs) == pairs["a"].nunique() == pairs["b"].nunique()


def test_outcomes_come_back(journey) -> None:
    export, _, log = journey
    holds = HOLDS[export.format]
    truth = export.log.outcomes().set_index("lead_id").sort_index()
    read = log.outcomes().set_index("lead_id").sort_index()
    assert read["outcome"].tolist() == truth["outcome"].tolist()
    closed = truth["outcome"].isin(["won", "lost"])
    assert closed.any()
    assert not closed.all()
    shown, real = (cut(frame.loc[closed, "closed_at"], holds.closed) for frame in (read, truth))
    assert shown.tolist() == real.tolist()
    won = truth["outcome"] == "won"
    assert read.loc[won, "value"].tolist() == truth.loc[won, "value"].tolist()
    lost = truth["outcome"] == "lost"
    said = read.loc[lost, "reason"].str.casefold().tolist()
    assert said == truth.loc[lost, "reason"].tolist()


def test_stages_come_back(journey) -> None:
    export, raw, log = journey
    truth, read = expected_moves(export), read_moves(export, raw, log)
    level = HOLDS[export.format].history
    if level == "full":
        assert rows(read) == rows(truth)
        assert log.visits["exit"].isin(["moved", "ended", "open"]).all()
    elif level == "latest_entry":
        assert rows(read) == rows(truth.drop_duplicates(["deal", "stage"], keep="last"))
        assert len(read) < len(truth)  # there are deals that came back to a stage
    else:
        last = truth.drop_duplicates("deal", keep="last")
        assert rows(read[["deal", "stage"]]) == rows(last[["deal", "stage"]])


def test_work_comes_back_where_it_can(journey) -> None:
    export, _, log = journey
    if not HOLDS[export.format].efforts:
        assert log.efforts.empty
        assert set(log.marks["kind"]) <= {"won", "lost"}
        return
    begun = export.log.efforts
    keys = ["lead_id", "visit", "effort", "team", "queued_at", "started_at", "ended_at"]
    pd.testing.assert_frame_equal(log.efforts[keys], begun[keys])
    kinds = ["lead_id", "visit", "at", "kind", "value"]
    pd.testing.assert_frame_equal(log.marks[kinds], export.log.marks[kinds])


@pytest.mark.parametrize("form", list(FORMATS))
def test_a_heavily_soiled_export_still_makes_a_log(
    form: str, whole: EventLog, tmp_path: Path
) -> None:
    """Whatever dirt is planted, reading and repairing it ends in a valid log."""
    # a mapping is exact: it refuses, with the place, dates in two forms and times after its window
    dirt = "heavy,mixed_dates=0,impossible=0" if HOLDS[form].after_closing else "heavy"
    export = export_crm(whole, tmp_path / "x", format=form, seed=5, dirt=dirt, language="uk")
    log = read_back(export).events()
    assert len(log.leads) > len(export.log.leads) / 2
    assert {"won", "lost"} <= set(log.marks["kind"])


def test_exports_of_several_days_make_a_history(tmp_path: Path) -> None:
    """Lists of deals of every week, read together, tell most moves; each within its week."""
    days = [day.date() for day in pd.date_range("2026-03-02", "2026-06-15", freq="7D")]
    export = export_crm(DOORS, tmp_path / "x", format="amocrm", seed=3, on_days=days)
    assert len(export.files) == len(days)
    raw = read_crm(list(export.files), time_zone=ZONE, currency="EUR")
    log = raw.events()
    truth = export.log.outcomes().set_index("lead_id")["outcome"]
    read = log.outcomes().set_index("lead_id")["outcome"].reindex(truth.index)
    assert (read == truth).all()
    snapshot = read_crm(export.files[-1], time_zone=ZONE, currency="EUR")
    assert len(log.visits) > len(snapshot.events().visits)
