"""Event logs that Hypothesis makes: valid, small, full of ties and empty values."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from funnelsim.events import EventLog, Metadata, Staffed, StageInfo, TeamInfo

START = datetime(2024, 2, 1, tzinfo=UTC)
END_MINUTE = 40
STAGES = ("new", "offer", "done")
TEXTS = st.sampled_from(
    [
        None,
        "",
        "Відділення",
        "=1+1",
        "\\",
        "-",
        " a ",
        'a,"b"',
        "x\ny",
        "x\r\ny",
        "NA",
        "nan",
        "None",
        "7",
    ]
)


def minute(number: int) -> datetime:
    """Return a time of the made world; a microsecond shows lost precision."""
    return START + timedelta(minutes=number, microseconds=number % 7)


@st.composite
def event_logs(draw: st.DrawFn) -> EventLog:
    """Draw a valid log with full history."""
    leads, visits, efforts, marks = [], [], [], []
    for number in range(draw(st.integers(0, 5))):
        lead_id = draw(st.sampled_from(["a", "б", "c/1", "007"])) + str(number)
        arrived = draw(st.integers(0, END_MINUTE))
        leads.append(_lead(draw, lead_id, arrived))
        visits += _visits(draw, lead_id, arrived)
        mine = [visit for visit in visits if visit["lead_id"] == lead_id]
        efforts += [_effort(draw, visit) for visit in mine for _ in range(draw(st.integers(0, 2)))]
        marks += [_mark(draw, visit) for visit in mine if draw(st.booleans())]
    meta = Metadata(
        observed_from=START,
        observed_until=minute(END_MINUTE),
        time_zone="Europe/Kyiv",
        title={"uk": "Банк", "en": "Bank"},
        currency="UAH",
        stages=tuple(StageInfo(id=name, position=i) for i, name in enumerate(STAGES)),
        teams=(
            TeamInfo(id="call", staffed=(Staffed(start=minute(3), end=minute(30), seats=2),)),
            TeamInfo(id="desk"),
        ),
        known={"leads.segment": "overwritten", "leads.score": "overwritten"},
        provenance={"made": "by Hypothesis"},
    )
    return EventLog(
        leads=pd.DataFrame(leads, dtype=object),
        visits=pd.DataFrame(visits, dtype=object),
        efforts=pd.DataFrame(efforts, dtype=object),
        marks=pd.DataFrame(marks, dtype=object),
        meta=meta,
    )


def _lead(draw: st.DrawFn, lead_id: str, arrived: int) -> dict[str, Any]:
    return {
        "lead_id": lead_id,
        "arrived_at": minute(arrived),
        "source": draw(TEXTS),
        "segment": draw(TEXTS),
        "replication": draw(st.integers(0, 2)),
        "score": draw(st.sampled_from([None, 0.1, 1e-300, 3.0])),
        "asked": draw(st.sampled_from([0, 9_007_199_254_740_993])),
        "vip": draw(st.booleans()),
    }


def _visits(draw: st.DrawFn, lead_id: str, arrived: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    now, last = arrived, draw(st.integers(1, 4))
    for number in range(1, last + 1):
        ready = draw(st.integers(now, END_MINUTE))
        left = draw(st.integers(ready, END_MINUTE))
        rows.append(
            {
                "lead_id": lead_id,
                "visit": number,
                "stage": draw(st.sampled_from(STAGES)),
                "entered_at": minute(now),
                "ready_at": draw(st.sampled_from([minute(ready), None])),
                "left_at": minute(left),
                "exit": draw(st.sampled_from(["moved", "timed_out", "reneged"])),
                "owner": draw(TEXTS),
            }
        )
        now = left
    for row, following in itertools.pairwise(rows):
        row["next_stage"] = following["stage"]
    rows[-1]["exit"] = draw(st.sampled_from(["ended", "open"]))
    if rows[-1]["exit"] == "open":
        rows[-1]["left_at"] = None
    return rows


def _effort(draw: st.DrawFn, visit: dict[str, Any]) -> dict[str, Any]:
    entered = round((visit["entered_at"] - START) / timedelta(minutes=1))
    times = sorted(draw(st.lists(st.integers(entered, END_MINUTE), min_size=3, max_size=3)))
    queued, started, ended = (minute(time) for time in times)
    known = draw(st.sampled_from(["all", "waiting", "working", "given up", "not queued"]))
    return {
        "lead_id": visit["lead_id"],
        "visit": draw(st.sampled_from([visit["visit"], None])),
        "effort": draw(st.sampled_from(["call", "meet"])),
        "team": draw(st.sampled_from(["call", "desk"])),
        "worker": None if known in {"waiting", "given up"} else draw(TEXTS),
        "queued_at": None if known == "not queued" else queued,
        "started_at": started if known in {"all", "working", "not queued"} else None,
        "ended_at": ended if known in {"all", "given up"} else None,
    }


def _mark(draw: st.DrawFn, visit: dict[str, Any]) -> dict[str, Any]:
    entered = round((visit["entered_at"] - START) / timedelta(minutes=1))
    return {
        "lead_id": visit["lead_id"],
        "visit": draw(st.sampled_from([visit["visit"], None])),
        "at": minute(draw(st.integers(entered, END_MINUTE))),
        "kind": draw(st.sampled_from(["won", "lost", "qualified"])),
        "reason": draw(TEXTS),
        "value": draw(st.sampled_from([None, 0, -5, 9_007_199_254_740_993])),
        "cost": draw(st.sampled_from([None, 12])),
        "currency": "UAH",
    }
