"""`forecast leads` and `backtest` as people type them: files, sentences, bad input."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from funnelsim.cli import main
from funnelsim.events import EventLog
from funnelsim.measures.example import BANK
from funnelsim.planning.history import read_history

ROWS = "".join(
    f"{month:%d.%m.%Y};{source};{1200 + 40 * (month.month % 6) + bump} \n"
    for month in pd.date_range("2023-01-01", periods=30, freq="MS")
    for source, bump in (("сайт", 0), ("реклама", 300))
)


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "лиди.csv"
    file.write_text("Місяць;Джерело;Ліди\n" + ROWS, "utf-8")
    return file


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code


def test_a_forecast_leaves_numbers_picture_and_sentence(table, tmp_path, capsys):
    out = tmp_path / "out"
    code = run("forecast", "leads", table, "--horizon", "3mo", "--by", "Джерело", "--profile",
               "fast", "--out", out, "--lang", "uk", "--until", "2025-07-01")  # fmt: skip
    told = capsys.readouterr().out
    assert code == 0
    assert told.startswith("З 1 липня 2025 за 3 місяці слід очікувати близько ")
    kept = pd.read_csv(out / "forecast.csv")
    assert kept["series"].unique().tolist() == ["leads", "leads:сайт", "leads:реклама"]
    assert kept["period_start"].unique().tolist() == ["2025-07-01", "2025-08-01", "2025-09-01"]
    assert (out / "forecast.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (out / "forecast.svg").read_text("utf-8")
    manifest = json.loads((out / "forecast.manifest.json").read_text("utf-8"))
    assert manifest["command"] == "forecast leads"


def test_a_backtest_goes_on_where_it_was(table, tmp_path, capsys):
    words = ["backtest", table, "--what", "Ліди", "--by", "Джерело", "--horizon", "2mo",
             "--cutoffs", "2", "--model", "seasonal_naive", "--model", "naive", "--json",
             "--out", tmp_path / "out"]  # fmt: skip
    assert run(*words) == 0
    first = json.loads(capsys.readouterr().out)
    pieces = sorted((tmp_path / "out" / "pieces").iterdir())
    before = [piece.stat().st_mtime_ns for piece in pieces]
    assert run(*words) == 0
    assert json.loads(capsys.readouterr().out)["leaders"] == first["leaders"]
    assert [piece.stat().st_mtime_ns for piece in pieces] == before
    assert {row["model"] for row in first["leaders"]} == {"seasonal_naive", "naive", "chosen"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("month,leads\n2025-01,3\n2025-02,4\n2025-03,5\n", "the series has 3 periods"),
        ("month,a,b\n2025-01,3,1\n2025-02,4,2\n", "several columns could be the number: a, b"),
        ("name,city\nx,y\n", "no column holds a date"),
        ("month,sum\n2025-01,€ 3\n2025-02,$ 4\n2025-03,€ 5\n2025-04,€ 5\n", "several currencies"),
    ],
)
def test_bad_tables_are_refused_in_words(text, said, tmp_path, capsys):
    file = tmp_path / "bad.csv"
    file.write_text(text, "utf-8")
    assert run("forecast", "leads", file, "--out", tmp_path / "out") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_unknown_model_is_refused(table, tmp_path, capsys):
    assert run("backtest", table, "--what", "Ліди", "--by", "Джерело", "--model", "prophet",
               "--out", tmp_path) == 2  # fmt: skip
    assert 'there is no model "prophet"' in capsys.readouterr().err


def test_tables_are_read_however_they_are_written(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("Дата;Сума\n31.01.2025;1 200,50\n28.02.2025;1 000,00\n", "utf-8")
    found = read_history(file)
    assert isinstance(found, pd.DataFrame)
    assert found["Сума"].tolist() == [1200.5, 1000.0]
    assert found["Дата"].dt.month.tolist() == [1, 2]


def test_an_excel_table_and_a_log_are_read(tmp_path):
    months = pd.date_range("2025-01-01", periods=3, freq="MS")
    pd.DataFrame({"month": months, "n": np.arange(3)}).to_excel(tmp_path / "t.xlsx", index=False)
    found = read_history(tmp_path / "t.xlsx")
    assert isinstance(found, pd.DataFrame)
    assert found["month"].tolist() == months.tolist()
    assert found["n"].tolist() == [0, 1, 2]
    BANK.save(tmp_path / "log", format="csv")
    assert isinstance(read_history(tmp_path / "log"), EventLog)
