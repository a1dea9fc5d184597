"""Golden logs: the eight scenarios give the events they gave before, to the microsecond.

A failure is no bug by itself: it says that the same input now gives other numbers. Where that
is meant, ``python -m tests.golden.renew`` takes the new logs for the golden ones.
"""

from __future__ import annotations

import functools

import pandas as pd
import pytest

from funnelsim import shipped
from funnelsim.engine import simulate
from funnelsim.events import EventLog
from tests.golden.fingerprints import (
    RENEW,
    SEED,
    WINDOWS,
    canonical,
    fingerprint,
    read,
    short,
    short_log,
)

STORED = read()


@functools.cache
def log_of(name: str) -> EventLog:
    return short_log(name)


def difference(name, stored, found):
    """What changed, for a person; empty if nothing did."""
    changed = [
        f"  {table}: {was['rows']:,} rows before, {found[table]['rows']:,} now"
        + (", other content" if was["rows"] == found[table]["rows"] else "")
        for table, was in stored.items()
        if was != found[table]
    ]
    if not changed:
        return ""
    return "\n".join(
        [
            f"{name} gives other events than before (seed {SEED}):",
            *changed,
            "If this is not meant, it is a bug: find what you changed.",
            f"If it is meant: run {RENEW}, look at the diff of tests/golden/logs.json,",
            'and say under "Results change" in CHANGELOG.md what changed and why.',
        ]
    )


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_a_scenario_gives_the_events_it_gave_before(name):
    told = difference(name, STORED.get(name, {}), fingerprint(log_of(name).tables()))
    assert not told, told


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_the_short_run_visits_every_stage(name):
    assert set(short(name).stages) == set(log_of(name).visits["stage"])


def test_every_scenario_has_a_golden_log_and_no_other():
    files = {path.stem for path in shipped.scenarios().glob("*.yaml")}
    tables = ["leads", "visits", "efforts", "marks"]
    assert files == set(WINDOWS) == set(STORED), f"run {RENEW}"
    assert [list(stored) for stored in STORED.values()] == [tables] * len(STORED)
    assert all(table["rows"] for stored in STORED.values() for table in stored.values())


# --- the golden logs can fail ---------------------------------------------------------------


def test_another_seed_or_replication_is_noticed_and_told():
    stored = STORED["bank-retail"]
    for other in (
        simulate(short("bank-retail"), seed=SEED + 1),
        simulate(short("bank-retail"), seed=SEED, replication=1),
    ):
        told = difference("bank-retail", stored, fingerprint(other.tables()))
        assert "visits: " in told
        assert "Results change" in told
        assert RENEW in told


def test_a_microsecond_is_noticed_in_its_table_only():
    tables = log_of("apartment-doors").tables()
    later = tables["marks"].assign(at=tables["marks"]["at"] + pd.Timedelta(1, "us"))
    found = fingerprint({**tables, "marks": later})
    told = difference("apartment-doors", fingerprint(tables), found)
    assert "  marks: " in told
    assert "other content" in told
    assert "visits" not in told


# --- the canonical form ---------------------------------------------------------------------


def test_the_canonical_form_is_spelled_out():
    table = pd.DataFrame(
        {
            "id": pd.Series(["а", 'q"', "", None], dtype="str"),
            "n": pd.Series([1, 2**62, None, -3], dtype="Int64"),
            "at": pd.Series([1_000_002, None, None, 1_795_305_600_000_000], dtype="Int64").astype(
                "datetime64[us, UTC]"
            ),
        }
    )
    assert canonical(table).decode().split("\n") == [
        '["id", "n", "at"]',
        '["а", 1, 1000002]',
        '["q\\"", 4611686018427387904, null]',
        '["", null, null]',
        "[null, -3, 1795305600000000]",
        "",
    ]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_the_unit_of_times_does_not_matter(unit):
    marks = log_of("bank-retail").marks
    whole = marks["at"].dt.floor("s")
    other = marks.assign(at=whole.astype(f"datetime64[{unit}, UTC]"))
    assert canonical(other) == canonical(marks.assign(at=whole))


def test_numbers_with_a_point_are_refused():
    with pytest.raises(TypeError, match="x is float64"):
        canonical(pd.DataFrame({"x": [0.1]}))
