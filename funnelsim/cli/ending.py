"""How a command ends: 0 done, 1 the work failed, 2 the input is wrong, 130 stopped."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
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
    with _listening() as heard:
        code = _code(words, heard)
    if code == STOPPED:
        print("Stopped. Nothing is left half-written.", file=sys.stderr)  # noqa: T201 - same
    sys.exit(code)


def _code(words: list[str], heard: list[int]) -> int:
    """Run a verb and tell what went wrong; the exit code."""
    try:
        return _run(words)
    except KeyboardInterrupt:
        return STOPPED
    except InputError as wrong:
        _tell_problems(wrong, as_json="--json" in words)
        return WRONG_INPUT
    except RunError as failed:
        print(failed, file=sys.stderr)  # noqa: T201 - the message is the output
        return FAILED
    except Exception as unexpected:
        if heard:  # an import that Ctrl-C broke off ends in any error
            return STOPPED
        if os.environ.get(DEBUG):
            raise
        _tell_unexpected(unexpected)
        return FAILED


@contextmanager
def _listening() -> Iterator[list[int]]:
    """Note every Ctrl-C, and let it do what it always does."""
    heard: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        if callable(before):
            before(number, frame)

    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield heard
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


def _run(words: list[str]) -> int:
    """Run a verb; its exit code."""
    from funnelsim.cli.all_verbs import app

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
