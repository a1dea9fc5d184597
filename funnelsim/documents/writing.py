"""Text files that appear whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from funnelsim.errors import DataError, InputError, Problem

__all__ = ["write_whole"]


def write_whole(
    path: str | Path, text: str, error: type[InputError] = DataError, *, newline: str = "\n"
) -> Path:
    """Write a text file so that nobody ever sees half of it.

    Parameters
    ----------
    path : str or Path
        The file; its folder must exist.
    text : str
        Written as UTF-8.
    error : type
        What to raise.
    newline : str
        How lines end.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If it cannot be written; an older file is still as it was.

    Examples
    --------
    >>> write_whole("/no/such/folder/x.yaml", "a: 1")
    Traceback (most recent call last):
    funnelsim.errors.DataError: /no/such/folder/x.yaml: cannot be written (No such file or
    directory). Choose another place.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("x", encoding="utf-8", newline=newline) as file:
            file.write(text)
        beside.replace(path)
    except OSError as failed:
        message = f"cannot be written ({failed.strerror})"
        raise error(Problem(message, str(path), fix="Choose another place.")) from None
    finally:
        with suppress(OSError):  # gone already, or never there
            beside.unlink()
    return path
