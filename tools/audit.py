"""Ask the package index for known holes in the locked libraries: ``python tools/audit.py``.

pip-audit asks, for the versions in ``requirements-dev.lock``. A known hole is listed, and ends this with
status 1. Where there is no network, or an index without such data, that is said, and is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parents[1] / "requirements-dev.lock"
PATIENCE = 300.0
"""Seconds that asking may take."""


def main() -> int:
    """Ask, print what was found, and return the exit status."""
    status, lines = told(asked(LOCK, PATIENCE))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return status


def asked(lock: Path, patience: float) -> Sequence[Mapping[str, Any]] | None:
    """Return what the index says of each library, None where there is no answer."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "audit.json"
        options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off"]
        command = [sys.executable, "-m", "pip_audit", "-r", lock, *options, "-f", "json", "-o", answer]
        try:
            subprocess.run(command, capture_output=True, timeout=patience, check=False)
            found: Sequence[Mapping[str, Any]] = json.loads(answer.read_bytes())["dependencies"]
        except (OSError, subprocess.TimeoutExpired, ValueError, KeyError):
            return None
        return found


def told(found: Sequence[Mapping[str, Any]] | None) -> tuple[int, list[str]]:
    """Return the exit status and the lines to print."""
    if found is None:
        return 0, ["audit skipped: pip-audit gave no answer here (no network, or it is not installed)"]
    known = [one for one in found if "skip_reason" not in one]
    if not known:
        return 0, [f"audit skipped: the package index here has no data on any of the {len(found)} libraries"]
    holes = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'none'}"
        for one in known
        for hole in one["vulns"]
    ]
    unknown = len(found) - len(known)
    asked_of = f"{len(known)} libraries" + (f", {unknown} more are not known to the index" if unknown else "")
    return (1 if holes else 0), [*holes, f"audit: {len(holes)} known holes in {asked_of}"]


if __name__ == "__main__":
    sys.exit(main())
