"""Messages: sentences that remember how they were put together, so that they can be translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

__all__ = ["Message"]


class Message(str):  # noqa: SLOT000 - it has fields, which slots of a str cannot be pickled with
    """An English sentence with its template and what was filled in.

    It is a string like any other; a report translates the template instead and fills in the
    same values.

    Parameters
    ----------
    template : str
        English, with a place in braces for each value.
    **fields : int, float, str or Message
        A whole number is a count; another number is a share, told as per cent; a message is
        translated too; any other text (names, dates) stands as it is.

    Examples
    --------
    >>> told = Message("{n} of {all} deals are open ({share}).", n=1200, all=3000, share=0.4)
    >>> print(told)
    1,200 of 3,000 deals are open (40%).
    >>> told.template
    '{n} of {all} deals are open ({share}).'
    """

    template: str
    fields: Mapping[str, Any]

    def __new__(cls, template: str, **fields: Any) -> Self:  # noqa: ANN401 - see above
        """Put the English sentence together."""
        shown = {key: _written(value) for key, value in fields.items()}
        self = super().__new__(cls, template.format(**shown) if fields else template)
        self.template = template
        self.fields = fields
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the parts when it is sent to another process."""
        return _again, (self.template, dict(self.fields))


def _again(template: str, fields: Mapping[str, Any]) -> Message:
    """The same message."""
    return Message(template, **fields)


def _written(value: object) -> str:
    """A value in English."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.0%}" if value >= 0.1 else f"{value:.1%}"  # noqa: PLR2004
    return str(value)
