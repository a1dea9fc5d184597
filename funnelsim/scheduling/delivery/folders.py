"""Copies of a report in another folder: each file whole or not there."""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from funnelsim.scheduling.receipts import Receipt

__all__ = ["copy"]


def copy(files: Sequence[Path], folder: Path, *, target: str) -> Receipt:
    """Put files into a folder, one after another, the manifests last.

    Parameters
    ----------
    files : sequence of Path
    folder : Path
        Made if its parent is there: an unmounted drive is not written to.
    target : str
        What the receipt calls it.

    Returns
    -------
    Receipt
        ``failed`` leaves what was there before, or some of the new files whole.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as name:
    ...     report = Path(name, "report.pdf")
    ...     _ = report.write_bytes(b"x")
    ...     copy([report], Path(name, "share"), target="folder:share").state
    'delivered'
    """
    ordered = sorted(files, key=lambda file: (file.name.endswith(".manifest.json"), file.name))
    try:
        folder.mkdir(exist_ok=True)
        for file in ordered:
            _put(file, folder / file.name)
    except OSError as error:
        return Receipt(target, "failed", f"cannot write to {folder}: {error.strerror or error}")
    return Receipt(target, "delivered", f"{len(ordered)} files")


def _put(file: Path, goal: Path) -> None:
    """One file under a hidden name on the same disk, then under its own."""
    if goal.is_file() and not goal.is_symlink() and filecmp.cmp(file, goal, shallow=False):
        return
    handle, name = tempfile.mkstemp(prefix=f".{goal.name[:80]}-", dir=goal.parent)
    place = Path(name)
    try:
        with os.fdopen(handle, "wb") as written, file.open("rb") as read:
            shutil.copyfileobj(read, written)
            written.flush()
            os.fsync(written.fileno())
        place.chmod(0o644)
        place.replace(goal)
    finally:
        place.unlink(missing_ok=True)
