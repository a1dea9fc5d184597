"""Take the logs as they are now for the golden ones: ``python -m tests.golden.renew``.

Run it when results are meant to change, look at ``git diff tests/golden/logs.json``, and tell
users under *Results change* in ``CHANGELOG.md`` what changed and why.
"""

from __future__ import annotations

from tests.golden.fingerprints import WINDOWS, fingerprint, short_log, write

if __name__ == "__main__":
    write({name: fingerprint(short_log(name).tables()) for name in sorted(WINDOWS)})
