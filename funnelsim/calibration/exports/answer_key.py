"""The truth beside an export: what happened, what the scenario says, what dirt was planted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from funnelsim.calibration.exports.book import Book, State
from funnelsim.calibration.exports.dirt import Planted
from funnelsim.events import EventLog
from funnelsim.scenarios.paths import Paths
from funnelsim.scenarios.scenario import Scenario

__all__ = ["truth_of", "write_answer_key"]

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
HOUR = 3600.0


def truth_of(
    clean: Book,
    state: State,
    planted: Sequence[Planted],
    *,
    scenario: Scenario | None,
    later: EventLog | None,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the answers to what one might ask of the export.

    Parameters
    ----------
    clean : Book
        Without dirt.
    state : State
        What the last export shows.
    planted : sequence of Planted
        The dirt.
    scenario : Scenario, optional
        Where the log is simulated.
    later : EventLog, optional
        The same leads, longer; with the log's own ids.
    about : mapping
        Format, language, seed, moments.

    Returns
    -------
    dict
        Plain data for ``truth.json``.
    """
    log = later or clean.log
    if later is not None:
        ids = dict(zip(clean.deals["lead_id"], clean.deals["deal_id"], strict=True))
        tables = {
            name: f.assign(lead_id=f["lead_id"].map(ids)) for name, f in later.tables().items()
        }
        log = EventLog.trusted(tables, later.meta)
    paths = Paths(scenario) if scenario is not None else None
    now = state.deals.drop_duplicates("deal_id")["status"].value_counts()
    found: dict[str, Any] = {
        **about,
        "observed_from": clean.log.meta.observed_from.isoformat(),
        "deals": {key: int(now.get(key, 0)) for key in ("open", "won", "lost")},
        "rows": len(state.deals),
        "win_rate": _win_rate(log, clean, paths),
        "stages": _stages(log, clean, paths),
        "dirt": [each.plain() for each in planted],
        "columns": {
            "sources": _pairs(clean, "source"),
        },
    }
    if scenario is not None:
        found["scenario"] = scenario.name
        found["scenario_sha256"] = scenario.fingerprint()
    return found


def write_answer_key(
    folder: Path,
    clean: Book,
    later: EventLog | None,
    scenario: Scenario | None,
    truth: Any,  # noqa: ANN401
) -> None:
    """Write ``log/``, ``deals.csv``, ``scenario.yaml`` and ``truth.json``.

    Parameters
    ----------
    folder : Path
        Of the answer key.
    clean : Book
        Without dirt.
    later : EventLog or None
        The same leads, longer.
    scenario : Scenario or None
    truth : dict
        From `truth_of`.
    """
    from funnelsim.calibration.exports.written import csv_bytes

    folder.mkdir(parents=True)
    clean.log.save(folder / "log", format="csv")
    columns = ["deal_id", "lead_id", "customer", "owner", "source"]
    deals = clean.deals[columns]
    if later is not None:
        fate = later.outcomes().set_index("lead_id")
        keys = deals["lead_id"]
        closed = fate["closed_at"].reindex(keys).dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        deals = deals.assign(
            outcome=fate["outcome"].reindex(keys).to_numpy(),
            closed_at=closed.to_numpy(),
        )
    (folder / "deals.csv").write_bytes(csv_bytes(deals))
    if scenario is not None:
        scenario.save(folder / "scenario.yaml")
    text = json.dumps(truth, ensure_ascii=False, indent=2)
    (folder / "truth.json").write_text(f"{text}\n", encoding="utf-8")


def _win_rate(log: EventLog, book: Book, paths: Paths | None) -> dict[str, Any]:
    """Return the share of deals that are won in the end, and what closed deals alone say."""
    counts = log.outcomes()["outcome"].value_counts()
    at_export = book.log.outcomes()["outcome"].value_counts()
    closed = int(at_export.get("won", 0) + at_export.get("lost", 0))
    found: dict[str, Any] = {
        "in_the_end": _share(int(counts.get("won", 0)), len(log.leads)),
        "still_open_in_the_end": int(counts.get("open", 0)),
        "closed_deals_only": _share(int(at_export.get("won", 0)), closed),
    }
    if paths is not None:
        won = [stage.id for stage in book.stages if stage.outcome == "won"]
        found["by_the_scenario"] = _by_the_scenario(paths, won)
    return found


def _by_the_scenario(paths: Paths, won: list[str]) -> float | None:
    """Return the chance of winning by the scenario's shares, without waiting for teams."""
    return round(float(paths.journey(won).share), 6) if won else None


def _stages(log: EventLog, book: Book, paths: Paths | None) -> list[dict[str, Any]]:
    """Return where leads go from each stage, and how long they stay there."""
    visits = log.visits
    stay = (visits["left_at"] - visits["entered_at"]).dt.total_seconds() / HOUR
    found = []
    for stage in book.stages:
        mine = visits["stage"] == stage.id
        left = mine & visits["next_stage"].notna()
        ways = visits.loc[left, "next_stage"].value_counts().sort_index()
        hours = stay[left].quantile(list(LEVELS)) if left.any() else pd.Series(dtype="float64")
        about: dict[str, Any] = {
            "id": stage.id,
            "name": stage.name,
            "outcome": stage.outcome,
            "visits": int(mine.sum()),
            "left": int(left.sum()),
            "next": {str(key): round(n / int(left.sum()), 6) for key, n in ways.items()},
            "stay_hours": {f"p{level:.0%}"[:-1]: round(h, 4) for level, h in hours.items()},
        }
        if paths is not None:
            about["scenario"] = _by_rule(paths, stage.id)
        found.append(about)
    return found


def _by_rule(paths: Paths, key: str) -> dict[str, Any]:
    """Return what the scenario says of a stage: the odds and the delays without work."""
    stage = paths.scenario.stages[key]
    found: dict[str, Any] = {"next": dict(stage.next.to) if stage.next else {}}
    for name in ("delay_before", "delay_after"):
        spec = getattr(stage, name)
        if spec is not None:
            hours = np.asarray(paths.hours(spec, stage))
            levels = np.quantile(hours, LEVELS).round(4).tolist()
            found[f"{name}_hours"] = {
                f"p{level:.0%}"[:-1]: h for level, h in zip(LEVELS, levels, strict=True)
            }
    return found


def _share(part: int, whole: int) -> dict[str, Any]:
    """Return a share with its counts."""
    return {"won": part, "of": whole, "share": round(part / whole, 6) if whole else None}


def _pairs(book: Book, column: str) -> dict[str, str]:
    """Return the id of each word that the CRM uses."""
    leads = book.log.leads.set_index("lead_id")[column].reindex(book.deals["deal_id"])
    both = pd.DataFrame({"word": book.deals[column].to_numpy(), "id": leads.to_numpy()})
    both = both.dropna().drop_duplicates("word")
    return dict(zip(both["word"], both["id"], strict=True))
