"""Teams that lay their work down at closing time: closed hours are neither work nor overtime."""

from __future__ import annotations

import pytest

from funnelsim import measures
from funnelsim.engine import simulate
from funnelsim.scenarios.loading import from_data


def _log(at_close):
    """One piece of work of 12 h a day at most, by a team that is there for 8."""
    return simulate(
        from_data(
            {
                "funnelsim": 1,
                "name": "workshop",
                "run": {"start": "2026-01-05", "horizon": "4 w"},
                "calendars": {"day": {"hours": {"mon-fri": "09:00-17:00"}}},
                "teams": {"workshop": {"seats": 50, "calendar": "day", "at_close": at_close}},
                "sources": {"web": {"stage": "make", "rate": "5 / d", "by_hour": {"9-12": 1}}},
                "stages": {
                    "make": {
                        "efforts": {"make": {"team": "workshop", "duration": "12 h"}},
                        "next": "won",
                    },
                    "won": {"marks": "won"},
                },
            }
        ),
        seed=7,
    )


def test_work_that_is_laid_down_lasts_as_long_as_hands_are_on_it():
    log = _log("pause")
    worked = measures.working_time(log, percentiles=[0.5])
    assert worked["value"].tolist() == pytest.approx([43_200, 43_200])
    busy = measures.utilisation(log).iloc[0]
    assert busy["overtime_h"] == 0
    finished = log.efforts["ended_at"].notna()
    assert busy["busy_h"] >= 12 * finished.sum()
    assert busy["busy_h"] <= 12 * len(log.efforts)


def test_work_that_is_finished_at_night_is_overtime():
    busy = measures.utilisation(_log("finish")).iloc[0]
    assert busy["overtime_h"] > 0
