"""Dirt planted in an export, read back: the audit finds each kind, and how much of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import funnelsim as fs
from funnelsim.calibration.auditing.audit import Audit, audit
from funnelsim.calibration.exports.exporting import export_crm
from funnelsim.events import EventLog

SCENARIO = Path(__file__).parents[2] / "scenarios" / "apartment-doors.yaml"


@pytest.fixture(scope="module")
def log() -> EventLog:
    return fs.simulate(fs.load(SCENARIO), seed=3)


def audited(log: EventLog, folder: Path, dirt: dict[str, float]) -> tuple[Audit, int]:
    """The audit of an export with some dirt, and how much was planted."""
    export = export_crm(log, folder / "export", format="pipedrive", seed=1, dirt=dirt)
    raw = fs.read_crm([folder / "export" / path.name for path in export.files])
    return audit(raw), sum(kind["count"] for kind in export.truth["dirt"])


def count(found: Audit, *kinds: str) -> int:
    return sum(each.count for each in found.findings if each.kind in kinds)


@pytest.fixture(scope="module")
def clean(log, tmp_path_factory) -> Audit:
    return audited(log, tmp_path_factory.mktemp("clean"), {})[0]


@pytest.mark.parametrize(
    ("dirt", "amount", "kinds", "tolerance"),
    [
        ("backward", 0.05, ("backward_moves",), 0.1),
        ("reopened", 0.05, ("reopened",), 0.1),
        ("zombies", 0.1, ("stale_open",), 0.1),
        ("missing_losses", 0.15, ("stale_open",), 0.1),
        ("impossible", 0.02, ("closed_before_created", "future_closings"), 0.1),
        ("bulk", 0.25, ("bulk_edits",), 0.2),
        ("time_zone", 0.2, ("time_zone_jump",), 0.25),
        ("duplicates", 0.05, ("duplicate_deals", "possible_duplicates"), 0.1),
    ],
)
def test_planted_dirt_is_found_and_counted(log, clean, tmp_path, dirt, amount, kinds, tolerance):
    found, planted = audited(log, tmp_path, {dirt: amount})
    more = count(found, *kinds) - count(clean, *kinds)
    assert planted > 20
    assert more == pytest.approx(planted, rel=tolerance)


@pytest.mark.parametrize(("dirt", "kind"), [("renamed", "renamed_stages"), ("empty", "no_value")])
def test_dirt_of_another_measure_is_found(log, clean, tmp_path, dirt, kind):
    found, _ = audited(log, tmp_path, {dirt: 1 if dirt == "renamed" else 0.15})
    assert count(found, kind) >= 1
    assert count(clean, kind) == 0
