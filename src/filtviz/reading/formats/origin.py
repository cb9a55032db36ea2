"""What a file says of its own origin."""

from __future__ import annotations

from collections.abc import Sequence

from filtviz.network import Origin
from filtviz.reading.contents import Contents

__all__ = ["origin_of"]

_EVIDENCE = (
    ("numpy._core", "numpy", "2 or later"),
    ("numpy.core", "numpy", "before 2"),
    ("theano.gpuarray", "theano", "0.9 or later"),
    ("theano.sandbox.cuda", "theano", "0.10 or earlier"),
    ("theano.tensor.signal.downsample", "theano", "before 0.9"),
    ("nolearn.lasagne.base", "nolearn", "0.6 or later"),
    ("nolearn.lasagne", "nolearn", "0.5 or earlier"),
    ("lasagne.layers.local", "lasagne", "0.2.dev1"),
    ("joblib.numpy_pickle_compat", "joblib", "0.10 or later"),
)
"""Module → library, and the versions that have the module; the first that a file names counts."""


def origin_of(
    contents: Contents, kind: str, *, inferred: Sequence[str] = (), notes: Sequence[str] = ()
) -> Origin:
    """Put together what is known about where the file comes from."""
    return Origin(
        kind=kind,
        container=contents.container,
        protocol=contents.protocol,
        python=contents.python,
        versions=_versions(contents),
        classes=tuple(found.path for found in contents.globals),
        inferred=tuple(inferred),
        notes=(*contents.notes, *notes),
    )


def _versions(contents: Contents) -> dict[str, str]:
    modules = {found.module for found in contents.globals}
    versions: dict[str, str] = {}
    for prefix, library, version in _EVIDENCE:
        if any(module == prefix or module.startswith(f"{prefix}.") for module in modules):
            versions.setdefault(library, version)
    return versions
