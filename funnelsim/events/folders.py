"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from funnelsim.errors import DataError, Problem

__all__ = ["whole_folder"]


def whole_folder(folder: Path, fill: Callable[[Path], None], *, mark: str, kind: str) -> Path:
    """Fill a folder under a temporary name beside it, then give it its name.

    Parameters
    ----------
    folder : Path
        New, empty, or an earlier one of the same kind, which is replaced.
    fill : callable
        Writes into the folder it is given.
    mark : str
        The file by which an earlier one is known.
    kind : str
        What it holds, for the message: ``an event log``.

    Returns
    -------
    Path
        The folder as given.

    Raises
    ------
    DataError
        It holds something else, or cannot be written; nothing is left behind.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place:
    ...     here = Path(place, "new")
    ...     _ = whole_folder(here, lambda at: Path(at, "x").touch() or None, mark="x", kind="x")
    ...     [path.name for path in here.iterdir()]
    ['x']
    """
    whole = folder.absolute()
    if whole.is_file():
        raise DataError(Problem("is a file, not a folder", str(folder)))
    if whole.is_dir() and any(whole.iterdir()) and not (whole / mark).is_file():
        fix = "Choose a new or an empty folder."
        raise DataError(Problem(f"holds other files than {kind}", str(folder), fix=fix))
    temporary: Path | None = None
    try:
        whole.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{whole.name}-", dir=whole.parent))
        temporary.chmod(0o755)
        fill(temporary)
        _put_in_place(temporary, whole)
    except OSError as problem:
        message = f"cannot be written ({problem.strerror or problem})"
        fix = "Choose another folder, or ask for the right to write there."
        raise DataError(Problem(message, str(folder), fix=fix)) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Rename a finished folder to its name, setting an older one aside first."""
    if not folder.exists():
        temporary.rename(folder)
        return
    aside = temporary.with_name(f"{temporary.name}-old")
    folder.rename(aside)
    try:
        temporary.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
