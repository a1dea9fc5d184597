"""Causes: why there is no report, told in the language that the job speaks."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

from funnelsim.errors import InputError, Problem, RunError
from funnelsim.messages import Message
from funnelsim.worktime import Duration

if TYPE_CHECKING:
    from funnelsim.reporting.texts import Texts

__all__ = ["told", "why"]

SYSTEM: Final[Mapping[int, Message]] = {
    errno.ENOSPC: Message("No space left on device"),
    errno.EDQUOT: Message("Disk quota exceeded"),
    errno.EROFS: Message("Read-only file system"),
    errno.EACCES: Message("Permission denied"),
    errno.ENOENT: Message("No such file or directory"),
    errno.ENOTDIR: Message("Not a directory"),
}
"""What the system says most often."""


def told(cause: str, lang: str) -> str:
    r"""Tell a cause in a language; one that is no message stays as it is.

    Parameters
    ----------
    cause : str
        If a `Message`, its fields may also be durations, dates and numbers in full precision
        (`Written`); none is rounded to thousands or millions, as people compare them.
    lang : str

    Returns
    -------
    str

    Examples
    --------
    >>> cause = Message("took longer than {limit} and was stopped", limit=Duration(30, "min"))
    >>> told(cause, "uk")
    'звіт робився довше, ніж дозволено (30\xa0хв), і його зупинено'
    >>> told("ZeroDivisionError", "uk")
    'ZeroDivisionError'
    """
    if not isinstance(cause, Message):
        return cause
    from funnelsim.reporting.texts import texts

    return _said(cause, texts(lang))


def why(error: BaseException, lang: str = "en") -> str:
    """What an error says, for a person, in one line.

    Parameters
    ----------
    error : BaseException
    lang : str
        Spoken by what is a `Message`; anything else is English.

    Returns
    -------
    str

    Examples
    --------
    >>> why(OSError(28, "No space left on device", "/mnt/x.pdf"))
    'No space left on device: /mnt/x.pdf'
    >>> why(OSError(28, "No space left on device", "/mnt/x.pdf"), "uk")
    'На диску немає місця: /mnt/x.pdf'
    """
    if isinstance(error, InputError):
        text = "; ".join(str(_problem(problem, lang)) for problem in error.problems)
    elif isinstance(error, OSError) and error.strerror:
        said = told(SYSTEM.get(error.errno or 0, error.strerror), lang)
        text = f"{said}: {error.filename}" if error.filename else said
    elif isinstance(error, MemoryError):
        text = told(Message("ran out of memory"), lang)
    elif isinstance(error, RunError):
        text = told(error.args[0], lang) if error.args else ""
    else:
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
    return " ".join(text.split())


def _problem(problem: Problem, lang: str) -> Problem:
    """A problem, said in a language."""
    return replace(problem, message=told(problem.message, lang), fix=told(problem.fix, lang))


def _said(cause: Message, t: Texts) -> str:
    """A message in a language."""
    fields = {key: _written(value, t) for key, value in cause.fields.items()}
    return t.said(Message(cause.template, **fields))


def _written(value: object, t: Texts) -> object:
    """A field as the language writes it; names stand as they are."""
    from funnelsim.figures.wording import Written
    from funnelsim.reporting.quantities import exact, length, percent

    match value:
        case Message():
            return _said(value, t)
        case Duration():
            return length(value, t)
        case date():
            return t.wording().day(value)
        case Written(form="share"):
            return percent(value.value, t)
        case Written(form="s"):
            return str(t.duration(value.value))
        case Written():
            return exact(value.value, t)
        case int():
            return exact(value, t)
    return value
