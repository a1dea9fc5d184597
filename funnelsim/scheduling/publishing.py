"""From a draft to a published report: a folder that appears whole or not at all.

::

    reports/
      .drafts/            what runs are at; nobody looks there
      weekly-review/
        2026-11-23T07-00/   a published report with its record.json
        latest            → the newest of them
        withheld/         drafts that the gate held back
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Any

from funnelsim.errors import RunError
from funnelsim.messages import Message

__all__ = ["DRAFTS", "RECORD", "WITHHELD", "adopted", "free", "publish", "record", "remove"]

DRAFTS = ".drafts"
WITHHELD = "withheld"
RECORD = "record.json"
_LATEST = "latest"
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


def free(out: Path, job: str, slot: str, *, shelf: str = "") -> str:
    """A name for a report's folder that is not taken, relative to ``out``.

    Examples
    --------
    >>> free(Path("/no/such/folder"), "weekly-review", "2026-11-23T07:00")
    'weekly-review/2026-11-23T07-00'
    """
    stem = "/".join(filter(None, [job, shelf, slot.replace(":", "-")]))
    names = chain([stem], (f"{stem}.{number}" for number in count(2)))
    return next(name for name in names if not (out / name).exists())


def record(draft: Path, told: Mapping[str, Any]) -> None:
    """Write into a draft what it holds, and make sure that all of it is on the disk.

    Parameters
    ----------
    draft : Path
    told : mapping
        Job, slot, attempt, run, source.

    Raises
    ------
    RunError
        A file is empty, or there is no PDF.
    OSError
        The disk is full, or cannot be written.
    """
    files = sorted(path for path in draft.rglob("*") if path.is_file())
    empty = [path.name for path in files if not path.stat().st_size]
    if empty:
        raise RunError(Message("empty files: {files}", files=", ".join(empty)))
    if not any(path.suffix == ".pdf" for path in files):
        raise RunError(Message("there is no PDF"))
    held = {str(path.relative_to(draft)): _sealed(path) for path in files}
    text = json.dumps({"format_version": 1, **told, "files": held}, indent=2, ensure_ascii=False)
    with (draft / RECORD).open("w", encoding="utf-8") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def publish(draft: Path, out: Path, folder: str) -> bool:
    """Give a draft its name; False if another report has taken it meanwhile.

    Parameters
    ----------
    draft : Path
        On the same disk as ``out``.
    out : Path
    folder : str
        From `free`.

    Raises
    ------
    OSError
        The folder cannot be written; the draft is still there.
    """
    final = out / folder
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        draft.rename(final)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    _settle(final.parent)
    if final.parent.name != WITHHELD:
        _point(final)
    return True


def adopted(out: Path, folder: str, run: str) -> bool:
    """Whether this folder is the report that a run, cut off since, was about to publish.

    Examples
    --------
    >>> adopted(Path("/no/such"), "weekly-review/2026-11-23T07-00", "a1b2")
    False
    """
    try:
        told = json.loads((out / folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(folder) and told.get("run") == run


def remove(folder: Path, out: Path) -> None:
    """Take a folder away at one stroke, then delete what is in it."""
    bin_ = out / DRAFTS / f"removed.{folder.parent.name}.{folder.name}"
    with suppress(OSError):
        bin_.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(bin_)
    shutil.rmtree(bin_, ignore_errors=True)


def _sealed(path: Path) -> dict[str, Any]:
    """Fingerprint and size of a file that is on the disk for sure."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"sha256": digest, "bytes": path.stat().st_size}


def _settle(folder: Path) -> None:
    """Make sure that a folder's list of names is on the disk."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _point(final: Path) -> None:
    """Let ``latest`` point to a report; where a disk knows no links there is none."""
    link = final.parent / _LATEST
    fresh = final.parent / f".{_LATEST}.{os.getpid()}.{final.name}"
    with suppress(OSError):
        if not link.is_symlink() or link.readlink().name <= final.name:
            fresh.symlink_to(final.name, target_is_directory=True)
            fresh.replace(link)
    with suppress(OSError):
        fresh.unlink()
