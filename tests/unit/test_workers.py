"""Processes of our own end with the one that started them, however that ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORK = """
import os, time
from funnelsim.workers import own_processes

def number():
    time.sleep(0.2)
    return os.getpid()

if __name__ == "__main__":
    with own_processes(2) as pool:
        print(*{pool.submit(number).result() for _ in range(2)}, flush=True)
        time.sleep(600)
"""


def lives(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_process_that_waits_for_them(tmp_path, how):
    script = tmp_path / "work.py"
    script.write_text(WORK)
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-3, text=True) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert workers
        assert all(map(lives, workers))
        os.kill(parent.pid, how)
        deadline = time.monotonic() + 60
        while any(map(lives, workers)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(map(lives, workers))
