"""Planted dirt: which kinds there are, how much of each, and what was planted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from funnelsim.calibration.exports import cell_dirt, deal_dirt, stage_dirt, time_dirt
from funnelsim.calibration.exports.book import Book
from funnelsim.calibration.exports.planting import Kind, Planted
from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem

__all__ = ["KINDS", "PRESETS", "Planted", "dirt_of", "soiled"]

# In the order in which they are planted: what is there at all, what happened, when, how it is
# written, and last what stands there twice.
KINDS: Mapping[str, Kind] = {
    kind.id: kind
    for kind in (
        deal_dirt.TRUNCATED,
        stage_dirt.DELETED,
        stage_dirt.DEFINITION,
        time_dirt.BULK,
        deal_dirt.SKIPPED,
        deal_dirt.BACKWARD,
        deal_dirt.REOPENED,
        deal_dirt.ZOMBIES,
        deal_dirt.MISSING_LOSSES,
        stage_dirt.RENAMED,
        time_dirt.IMPOSSIBLE,
        time_dirt.TIME_ZONE,
        cell_dirt.MIXED_DATES,
        cell_dirt.EMPTY,
        cell_dirt.SPACES,
        cell_dirt.CURRENCY,
        cell_dirt.OWNERS,
        cell_dirt.FORMULAS,
        deal_dirt.DUPLICATES,
    )
}

# Nothing here makes an export unreadable: several currencies are refused, so they are left out.
PRESETS: Mapping[str, Mapping[str, float]] = {
    "none": {},
    "light": {
        "duplicates": 0.01,
        "skipped": 0.03,
        "backward": 0.01,
        "reopened": 0.01,
        "zombies": 0.02,
        "missing_losses": 0.03,
        "bulk": 0.03,
        "impossible": 0.003,
        "empty": 0.03,
        "spaces": 0.02,
        "owners": 0.02,
        "formulas": 0.001,
    },
    "heavy": {
        "renamed": 1,
        "definition": 0.5,
        "duplicates": 0.05,
        "skipped": 0.15,
        "backward": 0.05,
        "reopened": 0.05,
        "zombies": 0.1,
        "missing_losses": 0.15,
        "truncated": 0.2,
        "bulk": 0.25,
        "time_zone": 0.2,
        "impossible": 0.02,
        "mixed_dates": 0.1,
        "empty": 0.15,
        "spaces": 0.1,
        "owners": 0.1,
        "formulas": 0.005,
    },
}


def dirt_of(given: str | Mapping[str, float] | Sequence[str] | None) -> dict[str, float]:
    """Return how much of each kind of dirt is asked for.

    Parameters
    ----------
    given : str, mapping or sequence of str, optional
        ``light``, ``duplicates=2%``, ``"light,zombies=10%"``; later ones win.

    Returns
    -------
    dict
        Shares, or numbers of stages; in the order in which they are planted.

    Raises
    ------
    ParameterError
        Kinds that do not exist, shares that are none.

    Examples
    --------
    >>> dirt_of("zombies=10%,duplicates=0.02")
    {'zombies': 0.1, 'duplicates': 0.02}
    >>> dirt_of("dupes=2%")
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: dirt: there is no kind "dupes". ...
    """
    asked: dict[str, float] = {}
    problems: list[Problem] = []
    if isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        texts = [given] if isinstance(given, str) else list(given or ())
        words = [word for text in texts for word in re.split(r"[,;\s]+", text) if word]
        pairs = []
        for word in words:
            key, equals, amount = word.partition("=")
            if not equals and key in PRESETS:
                pairs += list(PRESETS[key].items())
                continue
            share = _share(amount, KINDS[key]) if key in KINDS else 0.0
            if share is None:
                problems.append(_no_share(key, amount))
            else:
                pairs.append((key, share))
    for key, share in pairs:
        if key not in KINDS:
            fix = did_you_mean(key, [*PRESETS, *KINDS], limit=30)
            problems.append(Problem(f'there is no kind "{key}"', "dirt", fix=fix))
        elif not 0 <= share <= KINDS[key].most:
            problems.append(_no_share(key, f"{share:g}"))
        else:
            asked[key] = float(share)
    if problems:
        raise ParameterError(problems)
    return {key: asked[key] for key in KINDS if asked.get(key)}


def soiled(book: Book, dirt: Mapping[str, float], seed: int) -> tuple[Book, list[Planted]]:
    """Return the record with dirt, and what was planted.

    Parameters
    ----------
    book : Book
    dirt : mapping
        From `dirt_of`.
    seed : int
        Each kind's choice hangs on the seed and the lead alone.

    Returns
    -------
    tuple of Book and list of Planted

    Examples
    --------
    >>> from funnelsim.calibration.exports.book import book_of
    >>> from funnelsim.events.example import LOG
    >>> dirty, planted = soiled(book_of(LOG, language="en", deal_id=str), {"owners": 0.5}, 1)
    >>> int(dirty.deals["owner"].isna().sum()), planted[0].count
    (1, 1)
    """
    planted = []
    for key, share in dirt.items():
        book, found = KINDS[key].plant(book, share, seed)
        planted.append(found)
    return book, planted


def _share(text: str, kind: Kind) -> float | None:
    """Return a share or a number; None if it is neither."""
    if not text:
        return kind.usual
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None


def _no_share(key: str, text: str) -> Problem:
    """Say that an amount of dirt is none."""
    kind = KINDS[key]
    fix = f"Write for example {key}={kind.usual:g}; {kind.unit}, from 0 to {kind.most:g}."
    return Problem(f'"{text}" is no amount of {key}', "dirt", fix=fix)
