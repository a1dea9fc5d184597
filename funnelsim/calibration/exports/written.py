"""Rows → the bytes of a CSV, XLSX or HTML file; the same rows give the same bytes."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence
from datetime import datetime

import pandas as pd

__all__ = ["csv_bytes", "html_bytes", "local", "money", "stamps", "xlsx_bytes"]

_MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook knows no zones


def csv_bytes(
    frame: pd.DataFrame,
    *,
    encoding: str = "utf-8",
    quote_all: bool = False,
    header: Sequence[str] | None = None,
) -> bytes:
    r"""Return a comma-separated file; empty where a value is missing.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text and whole numbers.
    encoding : str
        UTF-8 instead where it lacks a letter.
    quote_all : bool
        Quote every field.
    header : sequence of str, optional
        Instead of the names of the columns; may repeat names.

    Returns
    -------
    bytes

    Examples
    --------
    >>> csv_bytes(pd.DataFrame({"a": ["x,y", None]}))
    b'a\r\n"x,y"\r\n""\r\n'
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
    writer.writerow(header or list(frame.columns))
    writer.writerows(_rows(frame))
    try:
        return text.getvalue().encode(encoding)
    except UnicodeEncodeError:
        return text.getvalue().encode("utf-8")


def html_bytes(frame: pd.DataFrame) -> bytes:
    """Return an HTML table, as some CRMs call a spreadsheet.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    bytes
        UTF-8.

    Examples
    --------
    >>> html_bytes(pd.DataFrame({"a": ["x<y"]})).decode().count("x&lt;y")
    1
    """
    lines = [
        "<html><head>",
        '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />',
        '</head><body><table border="1"><thead><tr>',
        *(f"<th>{html.escape(str(name))}</th>" for name in frame.columns),
        "</tr></thead><tbody>",
    ]
    lines += [
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in _rows(frame)
    ]
    return "\n".join([*lines, "</tbody></table></body></html>", ""]).encode()


def xlsx_bytes(frame: pd.DataFrame, sheet: str, time_format: str) -> bytes:
    """Return a workbook of one sheet; times are Excel's serial numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        Times without zones; text is never taken for a formula or a link.
    sheet : str
        Its name.
    time_format : str
        Excel's format of times.

    Returns
    -------
    bytes

    Examples
    --------
    >>> xlsx_bytes(pd.DataFrame({"a": ["=1"]}), "Deals", "yyyy-mm-dd")[:2]
    b'PK'
    """
    import xlsxwriter

    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "default_date_format": time_format,
    }
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"created": _MADE, "author": ""})
        page = book.add_worksheet(sheet)
        page.write_row(0, 0, [str(name) for name in frame.columns])
        for number, row in enumerate(_rows(frame), start=1):
            for column, value in enumerate(row):
                if isinstance(value, pd.Timestamp):
                    page.write_datetime(number, column, value.to_pydatetime())
                elif isinstance(value, str):
                    if value:
                        page.write_string(number, column, value)
                else:
                    page.write_number(number, column, value)
    return out.getvalue()


def local(times: pd.Series, zone: str, unit: str = "s") -> pd.Series:
    """Return local times without zone, cut to seconds, minutes or days.

    Parameters
    ----------
    times : pandas.Series
        In UTC.
    zone : str
    unit : {"s", "min", "D"}

    Returns
    -------
    pandas.Series

    Examples
    --------
    >>> local(pd.Series(pd.to_datetime(["2024-02-01T09:00:59Z"])), "Europe/Kyiv", "min").tolist()
    [Timestamp('2024-02-01 11:00:00')]
    """
    here = pd.to_datetime(times, utc=True).dt.tz_convert(zone).dt.tz_localize(None)
    return here.dt.floor(unit)


def stamps(
    times: pd.Series,
    form: str,
    zone: str,
    *,
    odd: pd.Series | None = None,
    odd_form: str = "%m/%d/%Y %H:%M",
    missing: str = "",
) -> pd.Series:
    """Return times as they are written.

    Parameters
    ----------
    times : pandas.Series
        In UTC.
    form : str
        As for ``strftime``.
    zone : str
        Whose local time is written.
    odd : pandas.Series, optional
        Rows that are written in another way.
    odd_form : str
        That other way.
    missing : str
        What stands for no time.

    Returns
    -------
    pandas.Series

    Examples
    --------
    >>> stamps(pd.Series(pd.to_datetime(["2024-02-01T09:00Z"])), "%d.%m.%Y", "UTC").tolist()
    ['01.02.2024']
    """
    here = local(times, zone)
    text = here.dt.strftime(form)
    if odd is not None and odd.any():
        text = text.where(~odd.to_numpy(dtype=bool), here.dt.strftime(odd_form))
    written: pd.Series = text.fillna(missing).astype("str")
    return written


def money(value: pd.Series, currency: str, *, places: bool = True) -> pd.Series:
    """Return amounts in major units as text, empty where there are none.

    Parameters
    ----------
    value : pandas.Series
        Minor units.
    currency : str
    places : bool
        Write the minor digits also where they are zero.

    Returns
    -------
    pandas.Series

    Examples
    --------
    >>> money(pd.Series([150050, None], dtype="Int64"), "EUR").tolist()
    ['1500.50', '']
    """
    from babel.numbers import get_currency_precision

    digits = get_currency_precision(currency) if currency else 2

    def written(minor: int) -> str:
        whole, rest = divmod(minor, 10**digits)
        return f"{whole}.{rest:0{digits}d}" if digits and (places or rest) else str(whole)

    return pd.Series(["" if pd.isna(v) else written(int(v)) for v in value], index=value.index)


def _rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    """Return the rows with empty text for missing values."""
    columns = [
        [("" if pd.isna(value) else value) for value in frame.iloc[:, n].array]
        for n in range(frame.shape[1])
    ]
    return list(zip(*columns, strict=True))
