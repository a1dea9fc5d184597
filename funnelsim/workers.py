"""Processes and threads of our own, side by side; gone at the end, whatever they are at."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Final

from funnelsim.errors import RunError

__all__ = ["cores", "own_processes", "own_threads"]

MAIN_NEEDED: Final = (
    'In a script, put what runs funnelsim under `if __name__ == "__main__":`; or give workers=1, '
    "or an executor of your own; if memory ran out, give fewer workers"
)


def cores() -> int:
    """How many cores this process may use.

    Examples
    --------
    >>> cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def own_threads(workers: int) -> Iterator[Executor]:
    """Threads of our own, for compiled code: it holds no lock of Python, and starts at once.

    Parameters
    ----------
    workers : int

    Yields
    ------
    concurrent.futures.Executor
    """
    pool = ThreadPoolExecutor(workers, "replications")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def own_processes(workers: int, preload: Sequence[str] = ()) -> Iterator[Executor]:
    """Processes of our own, for what is Python; gone at the end, whatever they are at.

    Not forked from this process, which may have threads (Jupyter's has): they start from
    a server where there is one, else anew. Hence a script needs ``if __name__ ==
    "__main__":`` around what it runs.

    Parameters
    ----------
    workers : int
    preload : sequence of str
        Modules that they will need.

    Yields
    ------
    concurrent.futures.Executor

    Raises
    ------
    RunError
        If they cannot be started, or die.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RunError(MAIN_NEEDED)
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload([__name__, *preload])
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_deaf)
    try:
        yield pool
    except BaseException as ended:
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
        pool.shutdown(wait=True)
        if isinstance(ended, BrokenProcessPool):
            raise RunError(f"a worker process has died. {MAIN_NEEDED}") from ended
        raise
    pool.shutdown(wait=True)


def _deaf() -> None:
    """Ctrl-C is for the process that waits; it ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
