"""What a release is made of: locked tools, pinned actions, an audit that says what it knows."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-dev.lock"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def locked() -> dict[str, list[str]]:
    """Name of a library → the versions that the lock file has of it, more than one for several Pythons."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==(\S+)", LOCK.read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def wanted(*extras: str) -> list[Requirement]:
    """What `pyproject.toml` asks for, with those extras and the ones that they name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = [Requirement(line) for line in project["dependencies"]]
    for extra in extras:
        for line in project["optional-dependencies"][extra]:
            one = Requirement(line)
            found += wanted(*one.extras) if one.name == "filtviz" else [one]
    return found


def test_every_library_that_developing_needs_is_locked_in_a_version_that_is_allowed():
    versions = locked()
    for one in wanted("dev"):
        have = versions.get(canonicalize_name(one.name), [])
        assert any(one.specifier.contains(version) for version in have), f"{one}: run `nox -s lock`"


def test_every_locked_version_has_hashes_and_comes_from_no_place_in_particular():
    text = LOCK.read_text()
    pins = re.split(r"\n(?=\S)", text.strip())
    assert len(pins) > 50
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", pin) for pin in pins)
    assert "://" not in text
    assert "--index" not in text


@pytest.mark.skipif(not WORKFLOWS, reason="the workflows are not part of what is released")
def test_actions_are_pinned_by_commit_with_their_version_beside():
    used = [line for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]
    assert len(used) > 5
    assert all(re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in used)


@pytest.mark.skipif(not WORKFLOWS, reason="the workflows are not part of what is released")
def test_a_release_attests_what_it_built_and_no_step_has_more_rights_than_it_needs():
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    assert text.index("pytest") < text.index("attest-build-provenance@") < text.index("pypi-publish@")
    assert "\npermissions: {}\n" in text
    assert "--require-hashes -r requirements-dev.lock" in text
    assert "secrets." not in text


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit", ROOT / "tools" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SOUND = {"name": "numpy", "version": "2.0", "vulns": []}
HOLE = {"name": "jinja2", "version": "3.1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["3.1.5", "4"]}]}
UNKNOWN = {"name": "click", "skip_reason": "not found"}


def test_known_holes_fail_the_audit_and_are_listed(audit):
    assert audit.told([SOUND, HOLE, UNKNOWN]) == (
        1,
        [
            "jinja2 3.1.0: CVE-1, mended in 3.1.5, 4",
            "audit: 1 known holes in 2 libraries, 1 more are not known to the index",
        ],
    )
    assert audit.told([SOUND]) == (0, ["audit: 0 known holes in 1 libraries"])


@pytest.mark.slow
def test_without_data_or_an_answer_the_audit_says_that_it_was_skipped(audit, tmp_path, monkeypatch):
    assert audit.told([UNKNOWN, UNKNOWN]) == (
        0,
        ["audit skipped: the package index here has no data on any of the 2 libraries"],
    )
    status, (line,) = audit.told(audit.asked(tmp_path / "there is no lock file", 60))
    assert (status, line.split(":")[0]) == (0, "audit skipped")

    def never(*_, **__):
        raise subprocess.TimeoutExpired("pip_audit", 1)

    monkeypatch.setattr(subprocess, "run", never)
    assert audit.asked(LOCK, 1) is None
