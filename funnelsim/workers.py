"""Processes and threads of our own, side by side; gone at the end, whatever they are at."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Final, TypeVar

from funnelsim.errors import RunError

__all__ = ["cores", "mapped", "own_processes", "own_threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
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
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)
    try:
        with _one_thread_each():
            yield pool
    except BaseException as ended:
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
        pool.shutdown(wait=True)
        if isinstance(ended, BrokenProcessPool):
            raise RunError(f"a worker process has died. {MAIN_NEEDED}") from ended
        raise
    pool.shutdown(wait=True)


def mapped(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Generator[Result]:
    """Results of work on many items, in their order, made side by side.

    Parameters
    ----------
    work : callable
        A function of a module, where processes are used.
    items : sequence
    workers : int, optional
        As many as there are cores; 1 works here.
    executor : concurrent.futures.Executor, optional
        Where to work instead.

    Yields
    ------
    object

    Examples
    --------
    >>> list(mapped(abs, [-1, 2], workers=1))
    [1, 2]
    """
    many = min(workers or cores(), len(items))
    if executor is not None:
        yield from _handed_out(work, items, executor)
    elif many <= 1:
        yield from map(work, items)
    else:
        with own_processes(many, [work.__module__]) as pool:
            yield from _handed_out(work, items, pool)


def _handed_out(
    work: Callable[[Item], Result], items: Sequence[Item], pool: Executor
) -> Iterator[Result]:
    """Results in order; what nobody waits for any more is called back."""
    waiting: list[Future[Result]] = [pool.submit(work, item) for item in items]
    try:
        for future in waiting:
            yield future.result()
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that fill the cores need no threads for linear algebra: they only wait."""
    mine = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(mine, "1"))
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


def _begin() -> None:
    """Ctrl-C is for the process that waits for this one; whatever ends that one ends this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    """End as soon as the process is gone that waits for this one."""
    waiting = multiprocessing.parent_process()
    if waiting is not None:
        waiting.join()
        os._exit(1)
