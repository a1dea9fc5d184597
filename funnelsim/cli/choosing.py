"""Any measure of the library by its name, with what it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from funnelsim.documents import did_you_mean
from funnelsim.errors import InputError, ParameterError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from funnelsim.events import EventLog

__all__ = ["PERIODS", "Asked", "Choice", "asked_measures", "every_measure", "tables_of"]

Asked = Mapping[str, "Callable[[EventLog], pd.DataFrame]"]

PERIODS = {"day": "1 d", "week": "1 w", "month": "1 mo", "quarter": "1 q", "year": "1 y"}
_ASIDE = {"cohorted"}  # gives a log, not a table
_OWN = {"by", "every"}  # have options of their own
_LIST = "funnelsim measures --list"
_OUT = "Leave it out."


class Choice(NamedTuple):
    """A measure that can be asked for."""

    name: str
    about: str
    """The first sentence about it."""
    breaks_down: bool
    """Takes ``--by``, and goes over time with ``--per``."""
    needs: tuple[str, ...]
    """What must be given with it."""
    takes: tuple[str, ...]
    """What may be given with it."""
    source: str
    """What it measures: ``log``, or a table that no log holds."""


def every_measure() -> dict[str, Choice]:
    """List the measures of the library.

    Returns
    -------
    dict of str to Choice
        In alphabetical order.

    Examples
    --------
    >>> known = every_measure()
    >>> known["mark_conversion"].needs, known["nps"].source
    (('from', 'to'), 'answers')
    """
    from funnelsim import measures

    found = {}
    for name in measures.__all__:
        measure = getattr(measures, name)
        if not inspect.isfunction(measure) or name in _ASIDE:
            continue
        source, *others = inspect.signature(measure).parameters.values()
        needs = [_told(one.name) for one in others if one.default is one.empty]
        takes = [_told(one.name) for one in others if one.name not in _OWN]
        about = str(inspect.getdoc(measure)).splitlines()[0].replace("*", "")
        breaks_down = any(one.name in _OWN for one in others)
        found[name] = Choice(name, about, breaks_down, tuple(needs), tuple(takes), source.name)
    return dict(sorted(found.items()))


def asked_measures(
    names: Sequence[str],
    *,
    by: tuple[str, ...] = (),
    per: str = "",
    settings: Mapping[str, Any] | None = None,
) -> Asked:
    """Make measures by name ready, before there is a log.

    Parameters
    ----------
    names : sequence of str
        Of `every_measure`.
    by : tuple of str
        Columns of leads to break down by.
    per : str
        ``day``, ``week``, ``month``, ``quarter`` or ``year``: one row a period. Measures
        that know no periods follow the leads that arrived in each.
    settings : mapping, optional
        What else the measures take: ``{"basis": "paid"}``.

    Returns
    -------
    mapping of str to callable
        Name → log → table, in the order asked for.

    Raises
    ------
    ParameterError
        Every name and setting that does not fit.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> asked_measures(["new_leads"], per="day")["new_leads"](BANK)["value"].tolist()
    [2.0, 2.0, 1.0]
    >>> asked_measures(["win_rat"])
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: --measure: there is no measure "win_rat". Did you mean
    "win_rate"? funnelsim measures --list
    """
    known = every_measure()
    asked: dict[str, Callable[[EventLog], pd.DataFrame]] = {}
    problems: list[Problem] = []
    if not names and (per or settings):
        option = "--per" if per else "--with"
        problems.append(Problem("needs --measure NAME", path=option, fix=f"See {_LIST}"))
    for name in dict.fromkeys(names):
        if name not in known:
            message = f'there is no measure "{name}"'
            fix = " ".join([did_you_mean(name, known, limit=0), _LIST]).strip()
            problems.append(Problem(message, path="--measure", fix=fix))
            continue
        try:
            asked[name] = _ready(known[name], by, per, settings or {})
        except ParameterError as refused:
            problems += refused.problems
    if problems:
        raise ParameterError(problems)
    return asked


def tables_of(log: EventLog, asked: Asked) -> dict[str, pd.DataFrame]:
    """Make the tables of measures by name.

    Parameters
    ----------
    log : EventLog
    asked : mapping
        From `asked_measures`.

    Returns
    -------
    dict of str to DataFrame

    Raises
    ------
    InputError
        Everything that the log cannot tell.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> tables_of(BANK, asked_measures(["outcomes"], by=("colour",)))
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: by='colour' is no column of this measure...
    """
    tables: dict[str, pd.DataFrame] = {}
    problems: list[Problem] = []
    for name, measure in asked.items():
        try:
            tables[name] = measure(log)
        except InputError as refused:
            problems += refused.problems
    if problems:
        raise ParameterError(dict.fromkeys(problems))
    return tables


def _ready(
    choice: Choice, by: tuple[str, ...], per: str, settings: Mapping[str, Any]
) -> Callable[[EventLog], pd.DataFrame]:
    """A measure with all it takes."""
    from funnelsim import measures

    measure: Callable[..., pd.DataFrame] = getattr(measures, choice.name)
    given = _fitting(measure, choice, settings)
    names = inspect.signature(measure).parameters
    problems: list[Problem] = []
    if by and "by" not in names:
        problems.append(Problem(f"{choice.name} is not broken down", path="--by", fix=_OUT))
    if per and not _OWN & set(names):
        problems.append(Problem(f"{choice.name} has no periods", path="--per", fix=_OUT))
    if problems:
        raise ParameterError(problems)
    if per and "every" in names:
        given["every"] = PERIODS[per]
    elif per:
        by = ("cohort", *by)
    given |= {"by": by} if by else {}

    def by_arrival(log: EventLog) -> pd.DataFrame:
        table = measure(measures.cohorted(log, PERIODS[per]), **given)
        return table[table["cohort"].notna()]  # who came in the warm-up is of no period

    if per and "every" not in names:
        return by_arrival
    return lambda log: measure(log, **given)


def _fitting(
    measure: Callable[..., pd.DataFrame], choice: Choice, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings as the measure takes them; all that do not fit at once."""
    from pydantic import TypeAdapter, ValidationError

    name = choice.name
    if choice.source != "log":
        message = f"{name} is made from a table of {choice.source}, which no event log holds"
        fix = f"In a notebook: fs.measures.{name}(table)."
        raise ParameterError(Problem(message, path="--measure", fix=fix))
    problems: list[Problem] = []
    for missing in choice.needs:
        if missing not in settings:
            needed = " ".join(f"--with {one}=…" for one in choice.needs)
            problems.append(Problem(f"{name} needs {missing}", path="--with", fix=f"Add {needed}"))
    hints, given = get_type_hints(measure), {}
    for key, value in settings.items():
        where = f"--with {key}"
        if key not in choice.takes:
            fix = did_you_mean(key, choice.takes) if choice.takes else "It takes nothing more."
            problems.append(Problem(f"{name} does not take it", path=where, fix=fix))
            continue
        own = next(one for one in hints if _told(one) == key)
        try:
            given[own] = TypeAdapter(hints[own]).validate_python(_texts(value), extra="forbid")
        except ValidationError as wrong:
            said = wrong.errors(include_url=False)[0]["msg"].removeprefix("Input ")
            problems.append(Problem(f"{value!r} does not fit {name}: {said}", path=where))
    if problems:
        raise ParameterError(problems)
    return given


def _told(name: str) -> str:
    """A parameter as people write it: Python needs ``from_``, they do not."""
    return name.removesuffix("_")


def _texts(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """Dates as text, as measures take them."""
    if isinstance(value, list):
        return [_texts(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value
