"""What a scheduled report is made from: a scenario, a file, the newest file, a query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator

from funnelsim.errors import DataError, Problem
from funnelsim.messages import Message
from funnelsim.scenarios.frozen import Frozen

__all__ = ["Found", "Query", "Source", "find"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
_PASSWORD = re.compile(r"://[^/@\s]*:(?!\$\{)[^/@\s]+@|(?i:password|pwd|token)=(?!\$\{)[^&\s]+")
_PARTIAL = re.compile(r"(^\.|~$|\.(part|tmp|crdownload|partial)$)", re.IGNORECASE)


def _without_password(url: object) -> object:
    if isinstance(url, str) and _PASSWORD.search(url):
        msg = (
            "a password stands in the address; put it into the environment and write"
            " postgresql+psycopg://anna:${CRM_PASSWORD}@host/sales"
        )
        raise ValueError(msg)
    return url


class Query(Frozen):
    """A question to a database."""

    url: Annotated[str, BeforeValidator(_without_password)]
    """``sqlite:///crm.db`` or ``postgresql+psycopg://anna:${CRM_PASSWORD}@host/sales``;
    ``${NAME}`` stands for an environment variable."""
    query: str
    """SQL that returns the rows of an export."""


class Source(Frozen):
    """One of: a scenario, a file or folder, a pattern of files, a query."""

    scenario: str | None = None
    """A scenario file, counted from the job file's folder."""
    file: str | None = None
    """An export, or a folder with an event log."""
    newest: str | None = None
    """A pattern such as ``exports/deals-*.csv``: the file changed last is taken."""
    sql: Query | None = None
    """A query of a database."""
    mapping: str | None = None
    """For an export that is not recognised: what its columns mean."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [n for n in ("scenario", "file", "newest", "sql") if getattr(self, n) is not None]
        if len(given) != 1:
            told = " and ".join(given) or "none of them"
            msg = f"give one of scenario, file, newest or sql, not {told}"
            raise ValueError(msg)
        if self.scenario is not None and self.mapping is not None:
            msg = "a scenario needs no mapping; leave it out"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True)
class Found:
    """The source as it lies there now.

    Parameters
    ----------
    path : Path
    mapping : Path or None
    changed : datetime or None
        When the file last changed (UTC); None for a query, which is asked now.
    """

    path: Path
    mapping: Path | None
    changed: datetime | None


def find(source: Source, base: Path, scratch: Path) -> Found:
    """Find the file that a source means; ask the database where it is a query.

    Parameters
    ----------
    source : Source
    base : Path
        The folder that relative paths count from.
    scratch : Path
        Where the answer to a query is put.

    Returns
    -------
    Found

    Raises
    ------
    DataError
        There is no such file, no file fits the pattern, the query failed.

    Examples
    --------
    >>> find(Source(newest="no-such-*.csv"), Path("."), Path("."))
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such-*.csv: no file fits this pattern...
    """
    from datetime import UTC

    mapping = _placed(source.mapping, base) if source.mapping else None
    if source.sql:
        return Found(_asked(source.sql, scratch), mapping, None)
    if source.newest:
        path = _newest(source.newest, base)
    else:
        path = _placed(source.scenario or source.file or "", base)
    if not path.exists():
        raise DataError(Problem(Message("there is no such file"), str(path)))
    changed = max((part.stat().st_mtime for part in _parts(path)), default=0.0)
    return Found(path, mapping, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=changed))


def _placed(path: str, base: Path) -> Path:
    return base / Path(path).expanduser()


def _parts(path: Path) -> list[Path]:
    return [part for part in path.rglob("*") if part.is_file()] if path.is_dir() else [path]


def _newest(pattern: str, base: Path) -> Path:
    """The file changed last; of several at the same moment, the last by name."""
    whole = Path(pattern).expanduser()
    root, inner = (
        (Path(whole.anchor), whole.relative_to(whole.anchor)) if whole.anchor else (base, whole)
    )
    fitting = [path for path in root.glob(str(inner)) if not _PARTIAL.search(path.name)]
    if not fitting:
        fix = Message("It counts from {folder}.", folder=str(base.resolve()))
        raise DataError(Problem(Message("no file fits this pattern"), pattern, fix=fix))
    return max(fitting, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _asked(query: Query, scratch: Path) -> Path:
    """The answer to a query, as a CSV file."""
    from funnelsim.calibration.readers.databases import read_query
    from funnelsim.scheduling.delivery.secrets import Secrets

    secrets = Secrets.read()
    missing = [name for name in _VARIABLE.findall(query.url) if secrets.get(name) is None]
    if missing:
        fix = "Set it where the runner starts: in the crontab or the systemd unit."
        message = f"the environment variable {', '.join(missing)} is not set"
        raise DataError(Problem(message, path="source.sql.url", fix=fix))
    url = _VARIABLE.sub(lambda name: _quoted(secrets.plain(name[1])), query.url)
    frame, _ = read_query(url, query.query)
    path = scratch / "query.csv"
    frame.to_csv(path, index=False)
    return path


def _quoted(value: str) -> str:
    from urllib.parse import quote

    return value if "://" in value else quote(value, safe="")
