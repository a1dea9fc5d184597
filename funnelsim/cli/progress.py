"""A progress bar for people: on a terminal only, and never in the output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float], None] | None]:
    """Show how far some work has come.

    Parameters
    ----------
    title : str
        What is being done.

    Yields
    ------
    callable or None
        Call it with the share done, 0 to 1; None where nobody looks.

    Examples
    --------
    >>> with progress_bar("Simulating") as tell:
    ...     tell is None or tell(0.5)
    True
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)
