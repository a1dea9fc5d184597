"""Reports in processes of their own: whatever happens to one, the runner hears of it.

Run as ``python -m funnelsim.scheduling.processes`` it is such a process: an order comes as its
argument, the outcome goes out through its standard output, and it ends as soon as its standard
input is closed, which is when the runner is gone, however it went.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from funnelsim.messages import Message
from funnelsim.scheduling.orders import Order, Outcome, made
from funnelsim.worktime import Duration

__all__ = ["MARK", "spawned", "sweep"]

MARK = "FUNNELSIM_ORDER"
"""The environment variable that names the attempt a process belongs to."""
_GLANCE = 0.2
_BLINK = 0.02
_LONGEST = 600
_LATE = 10.0


def spawned(
    order: Order,
    *,
    limit: float,
    stop: threading.Event,
    command: tuple[str, ...] = ("-m", "funnelsim.scheduling.processes"),
) -> Outcome:
    """Make a report in a process of its own.

    Parameters
    ----------
    order : Order
    limit : float
        Seconds; then all its processes are killed.
    stop : threading.Event
        Set when the runner itself is to end.
    command : tuple of str
        What this Python runs.

    Returns
    -------
    Outcome
        Also when the process was killed, ran too long, or never began.
    """
    environment = {**os.environ, MARK: order.token, "TMPDIR": order.scratch}
    package = str(Path(__file__).resolve().parents[2])
    paths = filter(None, [package, os.environ.get("PYTHONPATH")])
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    ours, theirs = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, *command, order.text()],
            stdin=ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        os.close(theirs)
        cause = Message("the process did not start: {error}", error=str(error.strerror))
        return Outcome(ok=False, cause=cause)
    finally:
        os.close(ours)
    try:
        said, errors, late = _attended(process, limit, stop)
    finally:
        os.close(theirs)
        _kill(process)
        sweep(order.token)
    if late:
        cause = Message("took longer than {limit} and was stopped", limit=_length(limit))
        return Outcome(ok=False, cause=cause)
    if stop.is_set():
        return Outcome(ok=False, cause=Message("the runner was stopped"))
    return _outcome(process.returncode, said, errors)


def sweep(token: str) -> None:
    """Kill every process of an attempt, also those that went their own way, as kernels do.

    Parameters
    ----------
    token : str
        What `MARK` says in their environment.
    """
    ends = time.monotonic() + _LATE
    while (found := _marked(token)) and time.monotonic() < ends:
        for number in found:
            with suppress(OSError):
                os.kill(number, signal.SIGKILL)
        time.sleep(_BLINK)  # they take a moment, and may have begun others


def _marked(token: str) -> list[int]:
    """Processes that carry this mark and are not dead yet."""
    sign, found = f"{MARK}={token}".encode(), []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if sign in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
    return found


def _attended(
    process: subprocess.Popen[bytes], limit: float, stop: threading.Event
) -> tuple[bytes, bytes, bool]:
    """What a process says until it ends; whether it had to be stopped for its time."""
    ends = time.monotonic() + limit
    while True:
        try:
            return (*process.communicate(timeout=_GLANCE), False)
        except subprocess.TimeoutExpired:
            late = time.monotonic() > ends
            if late or stop.is_set():
                _kill(process)
                with suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=_LATE)
                return b"", b"", late


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_LATE)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _outcome(code: int, said: bytes, errors: bytes) -> Outcome:
    """What came of a process that has ended."""
    with suppress(ValueError, TypeError):
        return Outcome.read(said.decode("utf-8").strip().rpartition("\n")[2])
    last = errors.decode("utf-8", errors="replace").strip().rpartition("\n")[2][:_LONGEST]
    if code == -signal.SIGKILL:
        cause = Message(
            "the report's process was killed (SIGKILL): "
            "the machine ran out of memory, or somebody ended it"
        )
    elif code < 0:
        name = signal.Signals(-code).name
        cause = Message("the report's process was ended by {signal}", signal=name)
    else:
        cause = Message(
            "the report's process ended with code {code}: {error}", code=code, error=last
        )
    return Outcome(ok=False, cause=cause)


def _length(seconds: float) -> Duration:
    """A time-out as a person would write it."""
    return Duration(seconds / 60, "min") if seconds >= 60 else Duration(seconds, "s")  # noqa: PLR2004


def _end_with_runner() -> None:
    """Wait for the runner to go; then end, and whatever was started from here."""
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


def _work(text: str, make: Callable[[Order], Outcome] = made) -> None:
    """Carry an order out; only the outcome goes to standard output."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_runner, daemon=True).start()
    outcome = make(Order.read(text))
    answer.write(outcome.text().encode() + b"\n")
    answer.close()


if __name__ == "__main__":
    _work(sys.argv[1])
