"""Changes inside the window: found at the right stage, dated, and rarely where there are none."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from funnelsim.calibration.drifting.changepoints import adjusted, change_point
from funnelsim.calibration.drifting.drift import Drift, drift, weights
from funnelsim.errors import HistoryError, ParameterError
from funnelsim.events import EventLog, Metadata, StageInfo
from funnelsim.events.example import LOG

START = pd.Timestamp("2024-01-01", tz="UTC")
DAYS = 365.0
STAGES = ("new", "offer", "talk")
OUTCOMES: dict[str, Literal["won", "lost"]] = {"won": "won", "lost": "lost"}


def made_log(
    rng: np.random.Generator,
    *,
    leads: int = 600,
    changed: str = "",
    conversion: float = 0.6,
    slower: float = 1.0,
    rate: float = 1.0,
    at: float = 180.0,
) -> EventLog:
    """Leads over a year through three stages; one stage changes at a day."""
    share = at / (at + rate * (DAYS - at))
    first = rng.random(leads) < share
    arrived = np.where(first, rng.uniform(0, at, leads), rng.uniform(at, DAYS, leads))
    rows: list[tuple[int, int, str, float, float | None, str | None]] = []
    for lead, begin in enumerate(np.sort(arrived)):
        time, number = begin, 1
        for place, stage in enumerate(STAGES):
            after = stage == changed and time >= at
            stay = rng.exponential(12.0 * (slower if after else 1.0))
            goes_on = rng.random() < (conversion if after else 0.6)
            target = (*STAGES, "won")[place + 1] if goes_on else "lost"
            over = time + stay >= DAYS
            rows.append((lead, number, stage, time, None if over else time + stay, target))
            time, number = time + stay, number + 1
            if over or target in ("won", "lost"):
                break
        if not over:
            rows.append((lead, number, target, time, time, None))
    frame = pd.DataFrame(rows, columns=["lead", "visit", "stage", "in", "out", "next"])
    out = frame["out"].notna()
    visits = pd.DataFrame(
        {
            "lead_id": frame["lead"].astype("str"),
            "visit": frame["visit"],
            "stage": frame["stage"],
            "entered_at": START + pd.to_timedelta(frame["in"], unit="D").dt.round("s"),
            "left_at": START + pd.to_timedelta(frame["out"], unit="D").dt.round("s"),
            "exit": np.where(~out, "open", np.where(frame["next"].isna(), "ended", "moved")),
            "next_stage": frame["next"].where(out),
        }
    )
    closing = visits[visits["exit"] == "ended"]
    stages = [
        StageInfo(
            id=name,
            position=n,
            terminal=n > 2,
            outcome=OUTCOMES.get(name),
            advance=(*STAGES, "won")[n + 1] if n < 3 else None,
        )
        for n, name in enumerate((*STAGES, "won", "lost"))
    ]
    return EventLog(
        leads=pd.DataFrame(
            {
                "lead_id": visits.loc[visits["visit"] == 1, "lead_id"],
                "arrived_at": visits.loc[visits["visit"] == 1, "entered_at"],
            }
        ),
        visits=visits,
        efforts=pd.DataFrame(),
        marks=pd.DataFrame(
            {"lead_id": closing["lead_id"], "at": closing["entered_at"], "kind": closing["stage"]}
        ),
        meta=Metadata(
            observed_from=START.to_pydatetime(),
            observed_until=(START + pd.Timedelta(days=DAYS)).to_pydatetime(),
            stages=tuple(stages),
        ),
    )


def found(result: Drift, stage: str, measure: str) -> pd.DataFrame:
    table = result.table
    return table[(table["stage"] == stage) & (table["measure"] == measure)]


def days_off(result: Drift, stage: str, measure: str, at: float = 180.0) -> float:
    day = found(result, stage, measure)["at"].iloc[0]
    return float((day - START) / pd.Timedelta(days=1) - at)


def test_where_nothing_changes_little_is_found():
    """24 logs without a change; 5 % of them may have a finding.

    The bound is exceeded with probability below 1e-4 at the nominal rate, and with
    probability above 0.95 if every second log had false alarms.
    """
    alarms = sum(
        len(drift(made_log(np.random.default_rng(seed), leads=300)).table) > 0 for seed in range(24)
    )
    assert alarms <= stats.binom.ppf(1 - 1e-4, 24, 0.05)


@pytest.mark.parametrize("stage", ["new", "offer"])
def test_a_fall_of_conversion_is_found_at_its_stage_and_dated(stage):
    """From 60 % to 25 %: found in 100 of 100 other seeds, dated within 21 days in 91."""
    result = drift(made_log(np.random.default_rng(5), changed=stage, conversion=0.25))
    row = found(result, stage, "conversion").iloc[0]
    assert abs(days_off(result, stage, "conversion")) <= 21
    assert row["lo"] <= START + pd.Timedelta(days=180) <= row["hi"]
    assert row["before"] == pytest.approx(0.6, abs=0.1)
    assert row["after"] == pytest.approx(0.25, abs=0.1)
    assert set(result.table["stage"]) == {stage}


def test_longer_stays_are_found_as_a_delay_and_dated():
    """Stays three times as long; visits under way at the change make it look early."""
    result = drift(made_log(np.random.default_rng(6), changed="offer", slower=3.0))
    row = found(result, "offer", "delay").iloc[0]
    assert -30 <= days_off(result, "offer", "delay") <= 21
    assert row["before"] == pytest.approx(12 * 86_400 * np.log(2), rel=0.3)
    assert row["after"] == pytest.approx(36 * 86_400 * np.log(2), rel=0.3)


def test_more_arrivals_are_found():
    result = drift(made_log(np.random.default_rng(7), rate=2.0))
    row = found(result, "", "arrivals").iloc[0]
    assert row["after"] == pytest.approx(2 * row["before"], rel=0.3)
    assert abs(days_off(result, "", "arrivals")) <= 21


def test_immature_visits_do_not_look_like_a_fall():
    """Leads of the last weeks are open; counted as failures they would be a change."""
    log = made_log(np.random.default_rng(8)).as_of("2024-11-01")
    assert not len(drift(log).table)


def test_sentences_name_stage_and_day():
    result = drift(made_log(np.random.default_rng(5), changed="offer", conversion=0.25))
    text = result.sentences()[0]
    assert text.startswith("offer: conversion changed from ")
    assert "around 2024-0" in text


def test_the_same_log_gives_the_same_answer():
    log = made_log(np.random.default_rng(9), changed="talk", conversion=0.3)
    pd.testing.assert_frame_equal(drift(log).tests, drift(log).tests)


def test_a_log_without_history_is_refused():
    bare = EventLog.trusted(LOG.tables(), LOG.meta.model_copy(update={"history": "snapshot"}))
    with pytest.raises(HistoryError):
        drift(bare)
    with pytest.raises(ParameterError):
        drift(LOG, level=95)


def test_weights_halve_with_age():
    log = made_log(np.random.default_rng(1), leads=50)
    ages = (START + pd.Timedelta(days=DAYS) - log.leads["arrived_at"]).dt.total_seconds()
    np.testing.assert_allclose(weights(log, "90 d"), 0.5 ** (ages / (90 * 86_400)), rtol=1e-9)
    with pytest.raises(ParameterError):
        weights(log, "soon")


def test_change_points_are_uniform_where_nothing_changes():
    """p-values of 400 sequences of noise; Kolmogorov–Smirnov, false alarm 1e-3."""
    rng = np.random.default_rng(2)
    p = []
    for _ in range(400):
        values = rng.normal(size=60)
        point = change_point(values - values.mean(), np.ones(60), rng, permutations=99, level=0.95)
        assert point is not None
        p.append(point.p - rng.random() / 100)  # p-values of permutations are discrete
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_too_few_blocks_have_no_change():
    rng = np.random.default_rng(0)
    assert change_point(np.zeros(5), np.ones(5), rng, permutations=9, level=0.95) is None
    assert len(adjusted(np.array([]))) == 0
