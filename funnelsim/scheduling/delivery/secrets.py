"""Passwords and addresses that let one in: from the environment or a guarded file, never shown."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from funnelsim.errors import ParameterError, Problem

__all__ = ["FILE", "PREFIX", "Secrets", "hidden"]

PREFIX: Final = "FUNNELSIM_"
FILE: Final = f"{PREFIX}SECRETS"
"""The variable that names the file."""
MASK: Final = "•••"
LEAST: Final = 4  # shorter values would blot out innocent text


@dataclass(frozen=True)
class Secrets:
    """What may not be written down: values by name, shown to nobody.

    ``SMTP_PASSWORD`` is looked up as ``FUNNELSIM_SMTP_PASSWORD``, then as it stands.

    Parameters
    ----------
    values : mapping of str to pydantic.SecretStr
        By the name of the variable.

    Examples
    --------
    >>> secrets = Secrets.read({"FUNNELSIM_SMTP_PASSWORD": "s3cret"})
    >>> secrets
    Secrets(…)
    >>> secrets.get("SMTP_PASSWORD")
    SecretStr('**********')
    """

    values: Mapping[str, SecretStr] = field(repr=False, default_factory=dict)

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Secrets:
        """Take the environment, and the file that its ``FUNNELSIM_SECRETS`` names.

        Parameters
        ----------
        environment : mapping, optional
            By default this process's.

        Returns
        -------
        Secrets
            The environment wins over the file.

        Raises
        ------
        ParameterError
            The file is missing, readable by others, not the caller's own, or not ``NAME=value``.
        """
        given = dict(os.environ if environment is None else environment)
        named = given.get(FILE, "")
        found = (_guarded(Path(named)) if named else {}) | given
        return cls({name: SecretStr(value) for name, value in found.items() if value})

    def get(self, name: str) -> SecretStr | None:
        """One by name, None where nobody set it."""
        return self.values.get(f"{PREFIX}{name}", self.values.get(name))

    def need(self, name: str, purpose: str) -> SecretStr:
        """One by name; an error that says how to set it where nobody did."""
        if (value := self.get(name)) is not None:
            return value
        fix = f"Set it where the runner starts, or in the file that {FILE} names."
        raise ParameterError(Problem(f"is not set ({purpose})", path=name, fix=fix))

    def plain(self, name: str, otherwise: str = "") -> str:
        """A setting that is no secret: a host, a port."""
        value = self.get(name)
        return otherwise if value is None else value.get_secret_value()

    def __repr__(self) -> str:
        return "Secrets(…)"


def hidden(message: str, secrets: Iterable[SecretStr | None]) -> str:
    """Blot secrets out of a message that somebody else wrote.

    Examples
    --------
    >>> hidden("535 no such user anna/s3cret", [SecretStr("s3cret")])
    '535 no such user anna/•••'
    """
    for secret in secrets:
        value = secret.get_secret_value() if secret else ""
        if len(value) >= LEAST:
            message = message.replace(value, MASK)
    return message


def _guarded(path: Path) -> dict[str, str]:
    """Name → value from a file that only its owner can read."""
    try:
        with path.open("rb") as stream:
            # Asked of the open file, so that nobody changes it in between.
            about = os.fstat(stream.fileno())
            if problem := _exposed(path, about):
                raise ParameterError(problem)
            text = stream.read().decode("utf-8")
    except UnicodeDecodeError:
        raise ParameterError(Problem("is not UTF-8 text", str(path))) from None
    except OSError as error:
        message = f"cannot be read ({error.strerror})"
        raise ParameterError(Problem(message, str(path), FILE)) from None
    lines = [line.strip() for line in text.splitlines()]
    broken = [
        Problem("is not NAME=value", f"{path}:{number}")
        for number, line in enumerate(lines, 1)
        if line and not line.startswith("#") and not _name(line)
    ]
    if broken:
        raise ParameterError(broken)
    pairs = (line.partition("=") for line in lines if _name(line))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _name(line: str) -> str:
    """The name that a line sets, empty where it sets none."""
    name, found, _ = line.partition("=")
    usable = found and not line.startswith("#") and name.strip().replace("_", "a").isalnum()
    return name.strip() if usable else ""


def _exposed(path: Path, about: os.stat_result) -> Problem | None:
    """Why a file must not hold secrets, if so."""
    if not stat.S_ISREG(about.st_mode):
        return Problem("is not a file", str(path), FILE)
    if about.st_uid != os.geteuid():
        fix = f"Give it to the user who runs funnelsim: chown {os.geteuid()} {path}"
        return Problem("belongs to somebody else", str(path), FILE, fix)
    mode = stat.S_IMODE(about.st_mode)
    if mode & 0o077:
        fix = f"Close it: chmod 600 {path}"
        return Problem(f"can be read or changed by others (mode {mode:o})", str(path), FILE, fix)
    return None
