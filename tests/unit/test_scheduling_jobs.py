"""Job files: what is wrong is said all at once, with its line and what to write instead."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from funnelsim.documents import load_document
from funnelsim.errors import DataError, InputError, ParameterError
from funnelsim.reporting.notebooks import declared
from funnelsim.reporting.reports import kinds
from funnelsim.scheduling.jobs import _parameters, job_schema, load_job, load_jobs
from funnelsim.scheduling.sources import Query, Source, find
from tests.scheduled import a_job

ROOT = Path(__file__).resolve().parents[2]
GOOD = """\
funnelsim: 1
title: {en: Weekly review, uk: Щотижневий огляд}
report: {kind: funnel-review, lang: uk}
source: {newest: exports/deals-*.csv, mapping: deals.yaml}
schedule: {cron: "0 7 * * 1", zone: Europe/Kyiv}
deliver: {mail: [anna@bank.example], folders: [share], webhooks: [SALES_CHANNEL]}
only_if: {fresh: 2 d}
catch_up: all
time_out: 20 min
retries: 3
keep: 90 d
"""


@pytest.fixture
def write(tmp_path):
    def written(text: str, name: str = "weekly.yaml") -> Path:
        path = Path(tmp_path, name)
        path.write_text(text, "utf-8")
        return path

    return written


def problems(path: Path) -> str:
    with pytest.raises(ParameterError) as caught:
        load_job(path)
    return str(caught.value)


def test_a_job_is_what_its_file_says(write):
    job = load_job(write(GOOD))
    assert (job.name, job.content.kind, job.content.lang) == ("weekly", ("funnel-review",), "uk")
    assert job.deliver.targets == (
        "mail:anna@bank.example",
        "folder:share",
        "webhook:SALES_CHANNEL",
    )
    assert (str(job.keep), str(job.only_if.fresh), job.catch_up) == ("90 d", "2 d", "all")


@pytest.mark.parametrize(
    ("was", "now", "line", "said"),
    [
        ("0 7 * * 1", "0 7 * * 8", 5, '"0 7 * * 8" is not a cron expression'),
        ("0 7 * * 1", "0 7 * * 1 2026", 5, "has 6 fields, not 5"),
        ("0 7 * * 1", "7:00 monday", 5, "has 2 fields, not 5"),
        ("0 7 * * 1", "0 7 31 2 *", 5, "such a day never comes"),
        ("0 7 * * 1", "H 7 * * 1", 5, "it cannot be read"),
        ('cron: "0 7 * * 1"', "every: payday", 5, '"payday" is not understood'),
        ('cron: "0 7 * * 1"', 'every: "monday 25:00"', 5, "is not understood"),
        ('cron: "0 7 * * 1", ', "", 5, "either cron or every"),
        ("Kyiv}", "Kyiv, holidays: UA}", 5, "holidays matter only to business days"),
        ("Europe/Kyiv", "Europe/Kyjiv", 5, "did you mean Europe/Kyiv"),
        ("anna@bank.example", "anna.bank.example", 6, "is not a mail address"),
        ("anna@bank.example", '"anna@bank.example, b@c.de"', 6, "is not a mail address"),
        ("SALES_CHANNEL", "https://hooks.example/secret", 6, "environment variable"),
        ("kind: funnel-review", "kind: funel-review", 3, 'Did you mean "funnel-review"?'),
        ("kind: funnel-review, ", "", 3, "is missing"),
        ("lang: uk", "lang: xx", 3, "xx"),
        ("kind: funnel-review", "kind: what-if", 1, "what-if needs a scenario"),
        ("newest: exports/deals-*.csv", "newest: a, file: b", 4, "newest"),
        ("fresh: 2 d", "fresh: 2 bd", 7, '"2 bd" does not fit'),
        ("catch_up: all", "catch_up: some", 8, '"some" is not allowed'),
        ("catch_up", "catchup", 8, 'Did you mean "catch_up"?'),
        ("keep: 90 d", "keep: 0", 11, "the last good report always stays"),
        ("retries: 3", "retries: -1", 10, "greater than or equal to 0"),
        ("lang: uk", "lang: uk, parameters: {half_lief: 90 d}", 3, "no parameter"),
        ("funnelsim: 1", "funnelsim: 2", 1, "Update funnelsim"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(write, was, now, line, said):
    assert was in GOOD
    path = write(GOOD.replace(was, now))
    text = problems(path)
    assert said in text
    assert re.search(rf"weekly\.yaml:{line}:\d+ ", text) or line == 1


def test_all_problems_come_at_once(write):
    path = write(
        GOOD.replace("0 7 * * 1", "0 7 * * 8")
        .replace("Kyiv", "Kyjiv")
        .replace("anna@", "anna")
        .replace("funnel-review", "nonsense")
        .replace("retries", "retires")
    )
    text = problems(path)
    for line in (3, 5, 6, 10):
        assert f"weekly.yaml:{line}:" in text
    assert len(text.splitlines()) == 5


def test_a_password_never_stands_in_a_job(write):
    sql = "sql: {url: 'postgresql+psycopg://anna:S3cret@db/crm', query: select 1}"
    text = problems(write(GOOD.replace("newest: exports/deals-*.csv", sql)))
    assert "CRM_PASSWORD" in text
    assert "S3cret" not in text


def test_a_file_s_name_is_the_job_s_name(write):
    assert "cannot be one" in problems(write(GOOD, "Weekly review.yaml"))


def test_several_files_are_judged_together(tmp_path, write):
    write(GOOD.replace("uk}", "xx}"), "one.yaml")
    write(GOOD.replace("Kyiv", "Kyjiv"), "two.yaml")
    with pytest.raises(ParameterError) as caught:
        load_jobs([tmp_path])
    assert "one.yaml:3" in str(caught.value)
    assert "two.yaml:5" in str(caught.value)
    (tmp_path / "more").mkdir()
    write(GOOD, "one.yaml"), write(GOOD, "two.yaml"), write(GOOD, "more/one.yaml")
    with pytest.raises(ParameterError, match="there is another job"):
        load_jobs([tmp_path, tmp_path / "more"])
    assert [job.name for job in load_jobs([tmp_path])] == ["one", "two"]


def test_the_schema_accepts_what_is_good_and_refuses_what_is_not(write):
    schema = job_schema()
    good = load_document(write(GOOD)).data
    jsonschema.validate(good, schema)
    wrong: tuple[dict[str, Any], ...] = (
        {"catchup": "all"},
        {"catch_up": "some"},
        {"retries": -1},
        {"report": {}},
    )
    for broken in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**good, **broken}, schema)


def test_the_command_line_prints_the_schema():
    told = subprocess.run(
        [sys.executable, "-m", "funnelsim", "schema", "job"], capture_output=True, check=True
    )
    assert json.loads(told.stdout) == job_schema()


@pytest.mark.parametrize("job", sorted((ROOT / "scenarios" / "jobs").glob("*.yaml")))
def test_the_examples_are_good(job):
    assert load_job(job).deliver.targets


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_parameters_are_those_that_the_notebook_declares(kind):
    assert set(_parameters(kinds()[kind])) == set(declared(kinds()[kind]))


def test_there_are_three_examples():
    assert len(load_jobs([ROOT / "scenarios" / "jobs"])) == 3


# sources


def test_the_newest_file_is_the_one_changed_last(tmp_path):
    source = Source(newest="exports/*.csv")
    (tmp_path / "exports").mkdir()
    with pytest.raises(DataError, match="no file fits"):
        find(source, tmp_path, tmp_path)
    for name, when in (("b.csv", 2000), ("a.csv", 3000), ("c.csv", 1000), (".d.csv", 9000)):
        (tmp_path / "exports" / name).write_text("x")
        os.utime(tmp_path / "exports" / name, (when, when))
    found = find(source, tmp_path, tmp_path)
    assert found.path.name == "a.csv"
    assert found.changed == datetime(1970, 1, 1, 0, 50, tzinfo=UTC)


def test_a_query_is_asked_with_the_password_of_the_environment(tmp_path, monkeypatch):
    import sqlite3

    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.execute("create table deals (id int, name text)")
        connection.execute("insert into deals values (1, '=cmd()')")
    connection.close()
    source = Source(
        sql=Query(url=f"sqlite:///{tmp_path}/${{CRM_FILE}}", query="select * from deals")
    )
    with pytest.raises(InputError, match="CRM_FILE is not set"):
        find(source, tmp_path, tmp_path)
    monkeypatch.setenv("CRM_FILE", "crm.db")
    found = find(source, tmp_path, tmp_path)
    assert found.path.read_text("utf-8") == "id,name\n1,=cmd()\n"


def test_a_job_counts_paths_from_its_own_folder(tmp_path):
    job = a_job(tmp_path / "jobs")
    assert job.file.parent == tmp_path / "jobs"
