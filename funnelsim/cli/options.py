"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from funnelsim.errors import ParameterError, Problem

__all__ = [
    "Input",
    "Json",
    "Lang",
    "Mapping",
    "Seed",
    "Set",
    "overrides",
    "precisions",
    "sweep_values",
]

Input = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT",
        help="A scenario (.yaml), a saved event log, a CRM export, or a folder of exports.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print data for machines instead of tables.")]
Lang = Annotated[str, typer.Option("--lang", help="Language of labels: en, uk, ru, nl.")]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        help="What the columns mean of an export that is not recognised.",
        show_default=False,
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", min=0, max=2**64 - 1, help="The same seed gives the same numbers."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change a value of the scenario, e.g. teams.advisers.seats=12. May be repeated.",
        show_default=False,
    ),
]


_EXAMPLES = {
    "--set": "PATH=VALUE, for example run.horizon='26 w'",
    "--with": "NAME=VALUE, for example basis=paid",
    "--over": "PATH=VALUES, for example teams.advisers.seats=8,10,12 or =8..12",
    "--precision": "MEASURE=SHARE, for example won_value=1%",
}


def overrides(settings: list[str] | None, option: str = "--set") -> dict[str, Any]:
    """Read ``PATH=VALUE`` settings; values are YAML.

    Parameters
    ----------
    settings : list of str or None
        As given with the option.
    option : str
        Named in messages.

    Returns
    -------
    dict
        Dotted path → value.

    Raises
    ------
    ParameterError
        Every setting that cannot be read.

    Examples
    --------
    >>> overrides(["teams.advisers.seats={add: 2}", "run.horizon=4 w"])
    {'teams.advisers.seats': {'add': 2}, 'run.horizon': '4 w'}
    """
    from funnelsim.documents import parse_document

    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for setting in settings or ():
        path, equals, value = setting.partition("=")
        if not equals or not path.strip():
            fix = f"Write {_EXAMPLES[option]}."
            problems.append(Problem(f'"{setting}" sets nothing', where=option, fix=fix))
            continue
        try:
            found[path.strip()] = parse_document(f"value: {value}", option, ParameterError).data[
                "value"
            ]
        except ParameterError as wrong:
            problems += [Problem(p.message, option, path.strip(), p.fix) for p in wrong.problems]
    if problems:
        raise ParameterError(problems)
    return found


def precisions(settings: list[str] | None) -> dict[str, float]:
    """Read ``MEASURE=SHARE``: how wide an interval may be, as a share of the mean.

    Parameters
    ----------
    settings : list of str or None

    Returns
    -------
    dict of str to float

    Raises
    ------
    ParameterError
        Every setting that cannot be read.

    Examples
    --------
    >>> precisions(["won_value=1%", "won=0.02"])
    {'won_value': 0.01, 'won': 0.02}
    """
    found: dict[str, float] = {}
    problems = []
    for setting in settings or ():
        name, _, share = setting.partition("=")
        number = share.strip().removesuffix("%")
        try:
            found[name.strip()] = float(number) / (100 if share.strip().endswith("%") else 1)
        except ValueError:
            fix = f"Write {_EXAMPLES['--precision']}."
            problems.append(Problem(f'"{setting}" is no precision', where="--precision", fix=fix))
    if problems:
        raise ParameterError(problems)
    return found


def sweep_values(settings: list[str] | None) -> dict[str, Any]:
    """Read ``PATH=A,B,C`` (these values) and ``PATH=LOW..HIGH`` (a range).

    Parameters
    ----------
    settings : list of str or None

    Returns
    -------
    dict of str to list or tuple
        As :func:`funnelsim.sweep` takes them.

    Raises
    ------
    ParameterError
        Every setting that cannot be read.

    Examples
    --------
    >>> sweep_values(["teams.desk.seats=1,2", "sources.web.rate=5 / d..9 / d"])
    {'teams.desk.seats': [1, 2], 'sources.web.rate': ('5 / d', '9 / d')}
    """
    listed = []
    ranges = set()
    for setting in settings or ():
        path, equals, values = setting.partition("=")
        low, dots, high = values.partition("..")
        if dots:
            ranges.add(path.strip())
            values = f"{low.strip()}, {high.strip()}"
        listed.append(f"{path}={f'[{values}]' if values.strip() else ''}" if equals else setting)
    found = overrides(listed, "--over")
    return {path: tuple(each) if path in ranges else each for path, each in found.items()}
