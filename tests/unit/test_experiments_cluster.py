"""A cluster on this machine: results as at home, even if a worker dies."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest

from funnelsim.experiments.replication import replicate
from funnelsim.scenarios.scenario import Scenario

pytestmark = [
    pytest.mark.slow,
]

SHOP = Scenario.model_validate(
    {
        "funnelsim": 1,
        "name": "shop",
        "run": {"start": "2026-01-05", "horizon": "6 w"},
        "teams": {"desk": {"seats": 2}},
        "sources": {"web": {"stage": "ask", "rate": "15 / d"}},
        "stages": {
            "ask": {
                "efforts": {"talk": {"team": "desk", "duration": {"mean": "2.5 h"}}},
                "next": {"advance": "bought", "to": {"bought": 0.5, "lost": 0.5}},
            },
            "bought": {"marks": "won"},
            "lost": {"marks": "lost"},
        },
    }
)


@pytest.fixture
def client():
    """Two worker processes on the loopback, no dashboard, nothing written outside."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_worker_that_dies_loses_and_doubles_nothing(client):
    """One of two is killed while others' results are already in."""
    home = replicate(SHOP, n=30, seed=7, workers=1, engine="reference")
    killed: list[int] = []

    def told(share):
        if share > 0.2 and not killed:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    away = replicate(
        SHOP,
        n=30,
        seed=7,
        engine="reference",
        executor=client.get_executor(),
        workers=2,
        progress=told,
    )
    assert killed
    assert np.array_equal(away.outcomes, home.outcomes, equal_nan=True)
    assert away.table["replication"].unique().tolist() == list(range(30))


def test_a_cluster_stops_when_it_is_precise_enough(client):
    """And has nothing left to do soon after."""
    home = replicate(SHOP, seed=7, precision={"won": 0.06}, workers=1, engine="reference")
    away = replicate(
        SHOP,
        seed=7,
        precision={"won": 0.06},
        engine="reference",
        executor=client.get_executor(),
        workers=2,
    )
    assert np.array_equal(away.outcomes, home.outcomes, equal_nan=True)
    until = time.monotonic() + 20
    while time.monotonic() < until and any(client.processing().values()):
        time.sleep(0.1)
    assert not any(client.processing().values())
