"""Who gets a report: people by mail, folders, channels by webhook."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import BeforeValidator

from funnelsim.scenarios.frozen import Frozen

__all__ = ["Delivery"]

_ADDRESS = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\".]+|[^@\s<>,;:\"]+@localhost")
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def _read_address(value: object) -> object:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        msg = f"{value!r} is not a mail address such as anna@example.com"
        raise ValueError(msg)
    return value


def _read_name(value: object) -> object:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        told = "a URL that holds a secret" if "://" in str(value) else repr(value)
        msg = (
            f"{told} does not belong here; give the name of the environment variable that holds"
            " the webhook's address, such as SALES_CHANNEL"
        )
        raise ValueError(msg)
    return value


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Address = Annotated[str, BeforeValidator(_read_address)]
Name = Annotated[str, BeforeValidator(_read_name)]
_Many = BeforeValidator(_one_or_many, json_schema_input_type=str | list[str])


class Delivery(Frozen):
    """Where a finished report goes. All of it is optional: the report is kept anyway."""

    mail: Annotated[tuple[Address, ...], _Many] = ()
    """Mail addresses; each gets the PDFs of the report."""
    folders: Annotated[tuple[str, ...], _Many] = ()
    """Folders that get a copy, for example a network drive."""
    webhooks: Annotated[tuple[Name, ...], _Many] = ()
    """Names of the environment variables that hold the addresses of channels (Slack, Teams)."""
    on_failure: Annotated[tuple[Address, ...], _Many] = ()
    """Who is told when a report could not be made or was held back; left out: ``mail``."""
    if_unknown: Literal["retry", "leave"] = "retry"
    """Whether to send again when nobody can know if a message was taken."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target as receipts and the ledger name it.

        Examples
        --------
        >>> Delivery(mail=["a@b.ua"], folders=["/mnt/x"]).targets
        ('mail:a@b.ua', 'folder:/mnt/x')
        """
        return (
            *(f"mail:{address}" for address in self.mail),
            *(f"folder:{folder}" for folder in self.folders),
            *(f"webhook:{name}" for name in self.webhooks),
        )

    @property
    def told_of_failure(self) -> tuple[str, ...]:
        """Who is told that there is no report.

        Examples
        --------
        >>> Delivery(mail=["a@b.ua"], on_failure=["it@b.ua"]).told_of_failure
        ('mail:it@b.ua',)
        """
        return (
            *(f"mail:{address}" for address in self.on_failure or self.mail),
            *(f"webhook:{name}" for name in self.webhooks),
        )

    def only(self, targets: Collection[str]) -> Delivery:
        """The same with no other targets than these; so that only what failed is sent again.

        Examples
        --------
        >>> Delivery(mail=["a@b.ua"], folders=["/mnt/x"]).only({"folder:/mnt/x"}).targets
        ('folder:/mnt/x',)
        """
        return self.model_copy(
            update={
                "mail": tuple(one for one in self.mail if f"mail:{one}" in targets),
                "folders": tuple(one for one in self.folders if f"folder:{one}" in targets),
                "webhooks": tuple(one for one in self.webhooks if f"webhook:{one}" in targets),
            }
        )
