"""The tasks of a contributor: ``nox -l`` lists them, ``nox`` runs what to run before a commit.

In an environment that has the extra `dev` they need none of their own::

    nox --no-venv --no-install -s lint
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "fast"]
nox.options.reuse_existing_virtualenvs = True

ROOT = Path(__file__).parent
LOCK = "requirements-dev.lock"
NO_BENCHMARKS = {"calibration", "making_models"}
BENCHMARKS = sorted({path.stem for path in (ROOT / "benchmarks").glob("*.py")} - NO_BENCHMARKS)


@nox.session
def fast(session: nox.Session) -> None:
    """Run the fast tests, in a minute or two on two cores."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "not slow", *session.posargs)


@nox.session
def frameworks(session: nox.Session) -> None:
    """Save with PyTorch, Keras, ONNX and safetensors, and read it back."""
    session.install("-e", ".[test,frameworks]")
    session.run("pytest", "tests/frameworks", "tests/test_live.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests, on Python 3.11 with real Theano, Lasagne and nolearn."""
    session.install("-e", ".[test,lasagne]")
    session.run("pytest", *session.posargs)


@nox.session(python="3.11")
def oldest(session: nox.Session) -> None:
    """Run the fast tests with the oldest libraries that `pyproject.toml` allows, on the oldest Python."""
    session.install("uv")
    python = str(Path(session.bin) / "python")
    session.run("uv", "pip", "install", "--python", python, "--resolution", "lowest-direct", "-e", ".[test]")
    session.run("pytest", "-m", "not slow", "--backwards", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Write `requirements-dev.lock` anew: what the extra `dev` needs, each version with its hashes.

    ``nox -s lock -- --upgrade`` takes the newest versions; without it those that are locked stay.
    """
    session.install("uv")
    options = ["--universal", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11"]
    where = ["--extra", "dev", "pyproject.toml", "-o", LOCK]
    session.run("uv", "pip", "compile", "--quiet", *options, *where, *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Ask the package index for known holes in the locked libraries, where it has such data."""
    session.install("pip-audit")
    session.run("python", "tools/audit.py")


@nox.session
def lint(session: nox.Session) -> None:
    """Check the code and its formatting with ruff; ``nox -s lint -- --fix`` mends what it can."""
    session.install("ruff")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@nox.session
def types(session: nox.Session) -> None:
    """Check the types with mypy."""
    session.install("-e", ".[dev]")
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into ``site/``; a broken link is an error.

    ``nox -s docs -- serve`` shows it in a browser.
    """
    session.install("-e", ".[docs]")
    quiet = {"NO_MKDOCS_2_WARNING": "1"}  # the theme's news, which are no warning of this project's
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]), env=quiet)


@nox.session
def mutation(session: nox.Session) -> None:
    """Break a sample of the code, one place after another, and print the share that the fast tests notice.

    ``nox -s mutation -- --help`` lists the options: how many, which files, which tests.
    """
    session.install("-e", ".[dev]")
    session.run("python", "tools/mutation.py", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure how fast it is, as the README quotes it; the machine should have nothing else to do.

    ``nox -s benchmarks -- drawing`` runs one; `calibration`, which takes long, runs only so.
    """
    lasagne = ",lasagne" if sys.version_info < (3, 12) else ""
    session.install("-e", f".[test,frameworks{lasagne}]")
    for name in session.posargs or BENCHMARKS:
        session.run("python", f"benchmarks/{name}.py")
