"""What every command's JSON begins with: whether all went well, and what became of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from filtviz.errors import FiltvizError

__all__ = ["answer_data", "failure_data", "model_data"]


def model_data(
    file: str | None, failures: Sequence[tuple[str, str]] = (), *, status: str = "done"
) -> dict[str, Any]:
    """Return what became of a model: every list of models holds this of each.

    Args:
        file: The path as given.
        failures: A code and a sentence for each thing that failed.
        status: What became of it where nothing did.
    """
    if not failures:
        return {"file": file, "status": status, "code": None, "reason": None}
    reason = "; ".join(sentence for _, sentence in failures)
    return {"file": file, "status": "failed", "code": failures[0][0], "reason": reason}


def answer_data(models: Sequence[dict[str, Any]], data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a command prints with ``--json``: whether no model failed, the models, then what was found.

    Args:
        models: One `model_data` for each.
        data: What the command found.
    """
    complete = all(each["status"] != "failed" for each in models)
    return {"complete": complete, "models": list(models), **(data or {})}


def failure_data(error: FiltvizError, files: Sequence[str]) -> dict[str, Any]:
    """Return what a command prints with ``--json`` where it failed as a whole.

    Args:
        error: Why.
        files: The models that were given; where the error names one of them, that one failed.
    """
    path = getattr(error, "path", None)
    named = [file for file in files if path is not None and file == str(path)]
    failed = [model_data(file, [(error.code, str(error))]) for file in named or files]
    return {"complete": False, "models": failed, "code": error.code, "reason": str(error)}
