"""What every test shares: one thread per process, and how hard Hypothesis searches."""

from __future__ import annotations

import os

# Before numpy is imported anywhere: two test processes already fill a small machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Drawing needs no screen.
os.environ.setdefault("MPLBACKEND", "agg")

from hypothesis import HealthCheck, settings

# The same examples on every run, so that a red build stays red until it is mended; no time
# limits, because a busy machine is no failure.
settings.register_profile(
    "smoke",
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# Costly properties get fewer (tests/sizes.py). 200 is the aim; 60 is what all have been run at.
settings.register_profile("full", settings.get_profile("smoke"), max_examples=60)
settings.load_profile("smoke")
