r"""Event logs as folders: four tables, Parquet or CSV, and ``meta.json``.

A folder appears whole or not at all. In CSV an empty field is an empty value; an
empty *text*, and any text beginning with ``\ = + - @``, has a backslash in front,
so that both come back exactly and no spreadsheet takes a name for a formula.
"""

from __future__ import annotations

import importlib.util
import json
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError

from funnelsim.documents import Document, explain
from funnelsim.errors import DataError, Problem
from funnelsim.events.folders import whole_folder
from funnelsim.events.schema import SCHEMA, TIME, Metadata
from funnelsim.events.tables import Tables, cast

__all__ = ["Format", "is_log", "read_folder", "write_folder"]

Format = Literal["parquet", "csv"]
META = "meta.json"
ESCAPED = ("\\", "=", "+", "-", "@")
NO_PARQUET = Problem(
    "Parquet needs pyarrow, which is not installed",
    fix='Install funnelsim with its extra, "funnelsim[parquet]", or use format="csv".',
)


def write_folder(tables: Tables, meta: Metadata, folder: Path, form: Format) -> None:
    """Write a log's folder, whole or not at all.

    Parameters
    ----------
    tables : mapping
        Tables by name.
    meta : Metadata
        Written as ``meta.json``.
    folder : Path
        New, empty, or an event log, which is replaced.
    form : str
        ``parquet`` or ``csv``.

    Raises
    ------
    DataError
        The folder cannot be written or holds something else; pyarrow is missing.

    Examples
    --------
    >>> write_folder({}, None, Path("here"), "excel")
    Traceback (most recent call last):
    funnelsim.errors.DataError: format "excel" is not known. Allowed here: parquet, csv.
    """
    if form not in {"parquet", "csv"}:
        raise DataError(Problem(f'format "{form}" is not known', fix="Allowed here: parquet, csv."))
    if form == "parquet" and not _has_pyarrow():
        raise DataError(NO_PARQUET)
    fill = partial(_write_tables, tables, meta, form=form)
    whole_folder(folder.absolute(), fill, mark=META, kind="an event log")


def is_log(place: str | Path) -> bool:
    """Whether a folder holds an event log, be it damaged, and not other files.

    Examples
    --------
    >>> is_log("deals.csv")
    False
    """
    folder = Path(place)
    if not folder.is_dir():
        return False
    files = {path.name for path in folder.iterdir() if path.is_file()}
    return not files or not files.isdisjoint({META, "visits.csv", "visits.parquet"})


def read_folder(folder: Path) -> tuple[dict[str, pd.DataFrame], Metadata]:
    """Read a log's folder.

    Parameters
    ----------
    folder : Path
        Written by `write_folder`.

    Returns
    -------
    tuple of dict and Metadata
        Tables by name, not validated yet.

    Raises
    ------
    DataError
        The folder is no event log, is incomplete, or is of a newer format.

    Examples
    --------
    >>> read_folder(Path("no-such-log"))
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such-log: there is no such folder
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise DataError(Problem(what, str(folder)))
    header = _header(folder / META)
    files = header.pop("files", None) or {}
    meta = _metadata(header, str(folder / META))
    form = files.get("format")
    if form not in {"parquet", "csv"}:
        raise DataError(Problem('"files" is missing or damaged', str(folder / META)))
    if form == "parquet" and not _has_pyarrow():
        raise DataError(NO_PARQUET)
    tables, problems = {}, []
    for name in SCHEMA:
        path = folder / f"{name}.{form}"
        try:
            dtypes = {**SCHEMA[name], **(files["attributes"] if name == "leads" else {})}
            frame = pd.read_parquet(path) if form == "parquet" else _read_csv(path, dtypes)
            expected = files["rows"][name]
        except FileNotFoundError:
            problems.append(Problem("the table is missing", str(path)))
            continue
        except (KeyError, TypeError):
            raise DataError(Problem('"files" is missing or damaged', str(folder / META))) from None
        except (OSError, ValueError) as problem:
            problems.append(Problem(f"cannot be read ({problem})", str(path)))
            continue
        if len(frame) != expected:
            message = f"has {len(frame):,} rows where {META} says {expected:,}"
            fix = "The file was cut short or edited; save the log again."
            problems.append(Problem(message, str(path), fix=fix))
        tables[name] = frame
    if problems:
        raise DataError(problems)
    return tables, meta


def _has_pyarrow() -> bool:
    """Say whether Parquet can be read and written here."""
    return importlib.util.find_spec("pyarrow") is not None


def _write_tables(tables: Tables, meta: Metadata, folder: Path, form: Format) -> None:
    """Write the tables and, last, what describes them."""
    for name, frame in tables.items():
        path = folder / f"{name}.{form}"
        if form == "parquet":
            frame.to_parquet(path, index=False)
        else:
            columns = {column: _as_text(frame[column]) for column in frame}
            text = pd.DataFrame(columns)
            text.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    leads = tables["leads"]
    attributes = {name: str(leads[name].dtype) for name in leads if name not in SCHEMA["leads"]}
    rows = {name: len(frame) for name, frame in tables.items()}
    header = meta.model_dump(mode="json")
    header["files"] = {"format": form, "rows": rows, "attributes": attributes}
    text_of_meta = json.dumps(header, ensure_ascii=False, indent=2)
    (folder / META).write_text(f"{text_of_meta}\n", encoding="utf-8")


def _as_text(values: pd.Series) -> pd.Series:
    """Return a column as its CSV fields."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        stamps = np.datetime_as_string(values.dt.tz_localize(None).to_numpy(), unit="us")
        text = pd.Series(stamps, index=values.index).astype("str") + "Z"
        return text.where(values.notna())
    if values.dtype == "str":
        return values.mask(values.str.startswith(ESCAPED) | (values == ""), "\\" + values)
    if values.dtype == "float64":
        return values.map(repr, na_action="ignore").astype("str").where(values.notna())
    return values


def _read_csv(path: Path, dtypes: dict[str, str]) -> pd.DataFrame:
    """Return a table from its CSV fields."""
    text = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8")
    dtypes_here = {str(name): dtypes.get(str(name), "str") for name in text}
    return pd.DataFrame({name: _from_text(text[name], dtypes_here[name]) for name in dtypes_here})


def _from_text(text: pd.Series, dtype: str) -> pd.Series:
    """Return CSV fields as a column."""
    if dtype == TIME:
        return cast(pd.to_datetime(text, format="ISO8601", utc=True), TIME)
    if dtype in {"Int64", "int64"}:
        # through Python's integers: floats would lose digits of large amounts
        numbers = text.map(int, na_action="ignore").astype("object").where(text.notna(), pd.NA)
        return cast(numbers, dtype)
    if dtype == "float64":
        return text.map(float, na_action="ignore").astype("float64")
    if dtype == "boolean":
        return text.map({"True": True, "False": False}).astype("boolean")
    return text.str.removeprefix("\\")


def _header(path: Path) -> dict[str, Any]:
    """Return the content of ``meta.json``."""
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fix = "An event log's folder holds meta.json and four tables."
        message = f"is no event log: {META} is missing"
        raise DataError(Problem(message, str(path.parent), fix=fix)) from None
    except (OSError, ValueError) as problem:
        raise DataError(Problem(f"cannot be read ({problem})", str(path))) from None
    if not isinstance(header, dict):
        raise DataError(Problem("is not the metadata of an event log", str(path)))
    return header


def _metadata(header: dict[str, Any], name: str) -> Metadata:
    """Return the metadata, or say what is wrong with it."""
    version = header.get("format_version")
    if isinstance(version, int) and version > 1:
        message = f"is an event log of format {version}; this funnelsim reads format 1"
        raise DataError(Problem(message, name, fix="Update funnelsim to read it."))
    try:
        return Metadata.model_validate(header)
    except ValidationError as invalid:
        raise DataError(explain(invalid, Document(name, header), Metadata)) from None
