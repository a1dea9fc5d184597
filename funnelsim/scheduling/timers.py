"""The lines that make a machine call the runner: for cron, or for systemd."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["cron_lines", "systemd_units"]

_CRON = """\
# Makes and sends the reports that are due. Put it in with: crontab -e
# What goes wrong is mailed to MAILTO. Passwords stand in a file that only you can read.
MAILTO=""
{secrets}
*/{minutes} * * * * cd {folder} && {command}
"""

_SERVICE = """\
# ~/.config/systemd/user/funnelsim.service
[Unit]
Description=Make and send the reports that are due

[Service]
Type=oneshot
WorkingDirectory={unit_folder}
# Passwords stand in a file that only you can read (chmod 600).
{environment}
ExecStart={command}
# Exit code 1 says that a report failed; it was noted and mailed.
TimeoutStartSec=infinity
KillMode=mixed

# ~/.config/systemd/user/funnelsim.timer
[Unit]
Description=Call funnelsim every {minutes} minutes

[Timer]
OnCalendar=*:0/{minutes}
Persistent=true

[Install]
WantedBy=timers.target

# then: systemctl --user daemon-reload && systemctl --user enable --now funnelsim.timer
# and, so that it runs while nobody is logged in: loginctl enable-linger
"""


def cron_lines(words: Sequence[str], folder: Path, minutes: int, secrets: str = "") -> str:
    """Lines for a crontab.

    Parameters
    ----------
    words : sequence of str
        After ``funnelsim``.
    folder : Path
        Where to call from.
    minutes : int
        How often, 1 to 30.
    secrets : str
        The file with passwords, if there is one.

    Returns
    -------
    str

    Examples
    --------
    >>> print(cron_lines(["schedule", "run-due"], Path("/srv/x"), 5).splitlines()[-1])
    */5 * * * * cd /srv/x && ...funnelsim schedule run-due
    """
    return _CRON.format(
        secrets=f"FUNNELSIM_SECRETS={secrets}" if secrets else "# FUNNELSIM_SECRETS=/path/to/file",
        minutes=minutes,
        folder=shlex.quote(str(folder)),
        # In a crontab % ends the line.
        command=_command(words).replace("%", r"\%"),
    )


def systemd_units(words: Sequence[str], folder: Path, minutes: int, secrets: str = "") -> str:
    """A service and a timer for systemd.

    Parameters
    ----------
    words, folder, minutes, secrets
        As for `cron_lines`.

    Returns
    -------
    str

    Examples
    --------
    >>> "Persistent=true" in systemd_units(["schedule", "run-due"], Path("/srv/x"), 5)
    True
    """
    named = f"Environment=FUNNELSIM_SECRETS={secrets}".replace("%", "%%")
    return _SERVICE.format(
        unit_folder=str(folder).replace("%", "%%"),
        minutes=minutes,
        environment=named if secrets else "# Environment=FUNNELSIM_SECRETS=/path/to/file",
        command=_command(words).replace("%", "%%").replace("$", "$$"),
    )


def _command(words: Sequence[str]) -> str:
    """How this very funnelsim is called, wherever the shell looks for programs."""
    program = Path(sys.executable).with_name("funnelsim")
    if program.exists():
        return shlex.join([str(program), *words])
    return shlex.join([sys.executable, "-m", "funnelsim", *words])
