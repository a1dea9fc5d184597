"""How a command ends: 0 done, 1 the work failed, 2 the input is wrong, 130 stopped."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from funnelsim.errors import InputError, RunError

__all__ = ["FAILED", "STOPPED", "WRONG_INPUT", "main"]

FAILED, WRONG_INPUT, STOPPED = 1, 2, 130
DEBUG = "FUNNELSIM_DEBUG"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Instead of those of the process.

    Raises
    ------
    SystemExit
        Always: 0 done, 1 failed, 2 bad input, 130 interrupted.

    Examples
    --------
    >>> main(["schema", "--help"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(words)
    except KeyboardInterrupt:
        code = STOPPED
    except InputError as wrong:
        code = WRONG_INPUT
        _tell_problems(wrong, as_json="--json" in words)
    except RunError as failed:
        code = FAILED
        print(failed, file=sys.stderr)  # noqa: T201 - the message is the output
    except Exception as unexpected:
        if os.environ.get(DEBUG):
            raise
        code = FAILED
        _tell_unexpected(unexpected)
    if code == STOPPED:
        print("Stopped. Nothing is left half-written.", file=sys.stderr)  # noqa: T201 - same
    sys.exit(code)


def _run(words: list[str]) -> int:
    """Run a verb; its exit code."""
    from funnelsim.cli.experiments import app

    try:
        app(args=words, prog_name="funnelsim")
    except SystemExit as ended:  # typer always leaves this way
        return ended.code if isinstance(ended.code, int) else FAILED
    return 0


def _tell_problems(wrong: InputError, *, as_json: bool) -> None:
    """Every problem on its own line; for machines also as data."""
    if as_json:
        listed = [
            {"message": p.message, "where": p.where, "path": p.path, "fix": p.fix}
            for p in wrong.problems
        ]
        print(json.dumps({"problems": listed}, ensure_ascii=False, indent=2))  # noqa: T201 - output
    for problem in wrong.problems:
        print(problem, file=sys.stderr)  # noqa: T201 - the message is the output
    if len(wrong.problems) > 1:
        print(f"{len(wrong.problems)} problems", file=sys.stderr)  # noqa: T201 - same


def _tell_unexpected(unexpected: Exception) -> None:
    """A mistake of ours: say so, and how to see more."""
    kind = type(unexpected).__name__
    text = f"Something went wrong inside funnelsim ({kind}: {unexpected})."
    print(text, file=sys.stderr)  # noqa: T201 - the message is the output
    print(f"For the details run it again with {DEBUG}=1.", file=sys.stderr)  # noqa: T201 - same
