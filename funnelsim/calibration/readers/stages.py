"""Names of stages → stages with ids, an order and what they mean for a deal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

import numpy as np
import pandas as pd

from funnelsim.calibration.raw import RawStage
from funnelsim.calibration.readers.notes import Note
from funnelsim.errors import DataError, Problem
from funnelsim.messages import Message

__all__ = ["outcome_of", "slug", "stages_of", "status_of"]

Outcome = Literal["won", "lost"]

MOST = 500
LONGEST = 60  # characters of an id
SAMPLE = 20_000  # deals from which the order of stages is learnt
LOST = re.compile(
    r"\blost\b|\blose\b|not won|no sale|no decision|disqualif|abandon|dead\b|verloren|perdid|perdu"
    r"|не ?реализ|не ?реаліз|неуспе|неуспі|провал|проигр|програ|потерян|втрачен"
    r"|^отказ|^відмов|^отмен|^скасован|^canceled|^cancelled|^rejected|^declined|^брак$|^спам$"
)
WON = re.compile(
    r"\bwon\b|^closed[ -]*win|^success(?:ful(?:ly)?)?\b|^sold$|gewonnen|ganad|gagn"
    r"|^усп[еі]шно|^успешн\w{1,2}$|(?:сделка|угода) усп[еі]шн|выигр|вигран|^продано"
    r"|сделка заключена|угоду укладено|реализовано$|реалізовано$"
)
WON_WORDS = frozenset(
    [
        "won",
        "win",
        "closed won",
        "s",
        "success",
        "успех",
        "успешно",
        "успешна",
        "выиграна",
        "выиграно",
        "виграна",
        "виграно",
        "успіх",
        "успішно",
        "продано",
        "closed (won)",
    ]
)
LOST_WORDS = frozenset(
    [
        "lost",
        "lose",
        "closed lost",
        "f",
        "fail",
        "failed",
        "провал",
        "провалена",
        "проиграна",
        "проиграно",
        "програна",
        "програно",
        "втрачена",
        "потеряна",
        "отказ",
        "відмова",
        "canceled",
        "cancelled",
        "closed (lost)",
        "abandoned",
    ]
)
OPEN_WORDS = frozenset(
    [
        "open",
        "p",
        "in progress",
        "on hold",
        "process",
        "new",
        "в работе",
        "открыта",
        "открыто",
        "відкрита",
        "відкрито",
        "в роботі",
        "pipeline",
        "active",
        "активна",
        "не закрыта",
        "новая",
    ]
)


def outcome_of(name: object) -> Outcome | None:
    """Return what a stage's name says about the deals in it, in English, Russian or Ukrainian.

    Parameters
    ----------
    name : object
        As the CRM writes it.

    Returns
    -------
    str or None
        ``won``, ``lost``, or None for a stage in between.

    Examples
    --------
    >>> [outcome_of(name) for name in ("Closed Won", "Закрыто и не реализовано", "Демо")]
    ['won', 'lost', None]
    """
    if not isinstance(name, str):
        return None
    plain = " ".join(name.casefold().split())
    if LOST.search(plain):
        return "lost"
    return "won" if WON.search(plain) else None


def status_of(word: object) -> str | None:
    """Return what a word in a column of states means.

    Parameters
    ----------
    word : object
        Such as ``Open``, ``Сделка успешна``.

    Returns
    -------
    str or None
        ``open``, ``won``, ``lost``, or None where the word is not known.

    Examples
    --------
    >>> [status_of(word) for word in ("Open", "Won", "Сделка провалена", "blue")]
    ['open', 'won', 'lost', None]
    """
    if not isinstance(word, str):
        return None
    plain = " ".join(word.casefold().split())
    for state, words in (("won", WON_WORDS), ("lost", LOST_WORDS), ("open", OPEN_WORDS)):
        if plain in words:
            return state
    return outcome_of(word)


def slug(name: str, fallback: str = "stage", separator: str = "-") -> str:
    """Return an id made of a name in any script.

    Parameters
    ----------
    name : str
        As people write it.
    fallback : str
        Where nothing is left of it.
    separator : str
        Stands for blanks.

    Returns
    -------
    str
        At most 60 small Latin letters, digits and separators.

    Examples
    --------
    >>> slug("Первичный контакт"), slug("???")
    ('pervichnyi-kontakt', 'stage')
    """
    from slugify import slugify

    return slugify(name, max_length=LONGEST, separator=separator).strip("-_") or fallback


def stages_of(
    deals: pd.DataFrame,
    moves: pd.DataFrame,
    *,
    where: str,
    likelihood: pd.Series | None = None,
) -> tuple[tuple[RawStage, ...], list[Note]]:
    """Return the stages of a history, pipeline by pipeline, in the order of the funnel.

    Parameters
    ----------
    deals, moves : pandas.DataFrame
        With columns as in `RAW_SCHEMA`.
    where : str
        The file, for messages.
    likelihood : pandas.Series, optional
        How likely each deal is to be won, as the CRM has it; it tells the order.

    Returns
    -------
    tuple of tuple of RawStage and list of Note
        Stages that close deals stand last; and how the order was found.

    Raises
    ------
    DataError
        There are more than 500 stages.

    Examples
    --------
    >>> from funnelsim.calibration.readers.raw_tables import raw_table
    >>> moves = pd.DataFrame({"deal_id": ["1", "1", "2"], "stage": ["New", "Demo", "New"]})
    >>> moves["at"] = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-01"], utc=True)
    >>> stages, _ = stages_of(raw_table("deals"), raw_table("moves", moves), where="x.csv")
    >>> [stage.id for stage in stages]
    ['new', 'demo']
    """
    found = _named(deals, moves)
    _refuse_many(found, where)
    rank, how = _ranks(deals, moves, found["stage"], likelihood)
    found["closing"] = [{None: 0, "won": 1, "lost": 2}[outcome_of(s)] for s in found["stage"]]
    found["rank"] = found["stage"].map(rank)
    found = found.sort_values(["funnel", "closing", "rank"], kind="stable")
    pairs = [(str(f), str(s)) for f, s in zip(found["funnel"], found["stage"], strict=True)]
    single = len({funnel for funnel, _ in pairs}) == 1
    stages = tuple(
        RawStage(name, key, funnel=funnel, outcome=outcome_of(name))
        for (funnel, name), key in zip(pairs, _ids(pairs, single=single), strict=True)
    )
    done = Message("Give their order in a mapping if it is another.")
    return stages, [Note("stage_order", len(stages), how, done)]


def _named(deals: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    """Return each stage that occurs, with its pipeline; empty where there are none."""
    funnels = deals["funnel"].dropna().unique()
    named = deals[["funnel", "stage"]].drop_duplicates().astype("object").fillna({"funnel": ""})
    if len(funnels) > 1:
        of_deal = dict(zip(deals["deal_id"], deals["funnel"].fillna(""), strict=True))
        moved = moves[["stage"]].assign(funnel=[of_deal.get(one, "") for one in moves["deal_id"]])
        moved = moved.drop_duplicates().astype("object")[["funnel", "stage"]]
    else:
        seen = moves["stage"].dropna().unique()
        moved = pd.DataFrame({"funnel": "", "stage": seen}, dtype="object")
    if len(funnels) == 1:
        named["funnel"] = moved["funnel"] = str(funnels[0])
    every = pd.concat([named, moved], ignore_index=True)
    return every.dropna().drop_duplicates(ignore_index=True)


def _refuse_many(found: pd.DataFrame, where: str) -> None:
    """Refuse a column with more values than any funnel has stages."""
    if len(found) > MOST:
        values = ", ".join(f'"{name}"' for name in found["stage"][:3])
        message = f"{len(found):,} different stages, such as {values}: looks like a wrong column"
        fix = f"A stage is one of at most {MOST}; name the right column in a mapping."
        raise DataError(Problem(message, where, fix=fix))


def _ids(pairs: list[tuple[str, str]], *, single: bool) -> Iterator[str]:
    """Yield a unique id per stage; the same name in two pipelines gets the pipeline before it."""
    taken: set[str] = set()
    names = [name for _, name in pairs]
    for funnel, name in pairs:
        twice = not single and names.count(name) > 1
        plain = slug(f"{funnel} {name}" if twice else name)
        found, number = plain, 2
        while found in taken:
            tail = f"-{number}"
            found, number = plain[: LONGEST - len(tail)].rstrip("-") + tail, number + 1
        taken.add(found)
        yield found


def _ranks(
    deals: pd.DataFrame, moves: pd.DataFrame, names: pd.Series, likelihood: pd.Series | None
) -> tuple[dict[str, float], str]:
    """Return a number per stage that grows along the funnel, and how it was found."""
    unique = names.unique()
    numbered = {name: _number(name) for name in unique}
    if sum(number is not None for number in numbered.values()) > len(unique) / 2:
        ranks = {name: np.inf if n is None else float(n) for name, n in numbered.items()}
        return ranks, Message("Stages put in order by the numbers in their names")
    before = _ranks_by_moves(moves)
    if len(before) > 1:
        ordered = {name: before.get(name, np.inf) for name in unique}
        return ordered, Message("Stages put in order by the moves of deals")
    if likelihood is not None and likelihood.notna().any():
        median = likelihood.groupby(deals["stage"]).median()
        told = Message("Stages put in order by their likelihood of winning")
        return dict(median.items()), told  # type: ignore[arg-type]
    latest = deals[["created_at", "closed_at", "stage_since"]].max().max()
    age = (latest - deals["created_at"]).dt.total_seconds()
    median = age.groupby(deals["stage"]).median().fillna(-1.0)  # no date yet: it has just begun
    told = Message("Stages put in order by the age of the deals in them, for want of better")
    return dict(median.items()), told


def _number(name: str) -> float | None:
    """Return the number that a name begins with."""
    found = re.match(r"\s*[#№(\[]?\s*(\d{1,3}(?:\.\d{1,2})?)\s*[-.):\]–—_ ]", name)
    return float(found[1]) if found else None


def _ranks_by_moves(moves: pd.DataFrame) -> dict[str, float]:
    """Return each stage's place: a stage is before those that most deals come to after it."""
    known = moves.dropna(subset=["at", "stage"])
    sample = known["deal_id"].drop_duplicates().iloc[:SAMPLE]
    known = known[known["deal_id"].isin(sample)].sort_values("at", kind="stable")
    codes, names = pd.factorize(known["stage"].astype("str"))
    if len(names) < 2:  # noqa: PLR2004
        return {}
    first = pd.DataFrame({"deal": known["deal_id"].to_numpy(), "stage": codes}).drop_duplicates()
    wins = np.zeros((len(names), len(names)))
    for _, pairs in groupby(zip(*_by_deal(first), strict=True), key=lambda pair: pair[0]):
        order = np.array([stage for _, stage in pairs])
        for place, stage in enumerate(order[:-1]):
            wins[stage, order[place + 1 :]] += 1
    score = (wins > wins.T).sum(axis=1) - (wins < wins.T).sum(axis=1)
    return {str(name): -float(value) for name, value in zip(names, score, strict=True)}


def _by_deal(first: pd.DataFrame) -> tuple[list[str], list[int]]:
    """Return first entries deal by deal, in order of time."""
    ordered = first.sort_values("deal", kind="stable")
    return ordered["deal"].tolist(), ordered["stage"].tolist()
