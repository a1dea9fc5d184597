"""The notebooks and scenarios that come with funnelsim.

In a checkout they stand at the top, in ``notebooks/`` and ``scenarios/``; an
installed wheel carries a copy inside the package.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["notebooks", "scenarios"]


def notebooks() -> Path:
    """Return the folder with one notebook per kind of report.

    Returns
    -------
    Path
        An existing folder; read-only where funnelsim is installed read-only.

    Examples
    --------
    >>> notebooks().name
    'notebooks'
    """
    return _folder("notebooks")


def scenarios() -> Path:
    """Return the folder with the ready scenarios and the mappings beside them.

    Returns
    -------
    Path
        An existing folder; read-only where funnelsim is installed read-only.

    Examples
    --------
    >>> scenarios().name
    'scenarios'
    """
    return _folder("scenarios")


def _folder(name: str) -> Path:
    """Prefer the wheel's copy; in a checkout there is none."""
    package = Path(__file__).resolve().parent
    copy = package / "_shipped" / name
    return copy if copy.is_dir() else package.parent / name
