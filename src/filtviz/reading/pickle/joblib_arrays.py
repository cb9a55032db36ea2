"""Arrays of joblib's files: in the stream after the object that stands for them, or in files beside it.

- since 0.10: ``NumpyArrayWrapper``, whose array follows its BUILD opcode in the stream; since 1.2 aligned,
  behind a byte that counts the padding. An array of objects follows as a pickle of its own.
- before: ``NDArrayWrapper``, whose array is the file ``name_01.npy`` beside, or, where the file is
  compressed, ``ZNDArrayWrapper`` with the file ``name_01.npy.z``.
"""

from __future__ import annotations

from collections.abc import Mapping

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import OBJECT, StoredArray, as_array, dtype_of_record, shape_of, stored
from filtviz.reading.containers import Siblings
from filtviz.reading.limits import Limits
from filtviz.reading.npy import read_npy, read_npy_header
from filtviz.reading.pickle.records import Blob, Global, Record, attributes, elements, text
from filtviz.reading.pickle.state import Hook, MachineState
from filtviz.reading.stretch import view_of

__all__ = ["joblib_hooks"]

STEPS_OF_AN_ARRAY = 32
"""Steps of the machine that an array in the stream counts as, and `STEPS_BESIDE` one in a file beside."""

STEPS_BESIDE = 512

HOMES = ("joblib.numpy_pickle", "joblib.numpy_pickle_compat", "sklearn.externals.joblib.numpy_pickle")
LONGEST_NPY_HEADER = 1 << 17


def joblib_hooks(siblings: Siblings) -> Mapping[str, Hook]:
    """Return what to do when an object that stands for an array has its state."""

    def array_beside(record: Record, machine: MachineState, position: int) -> int:
        machine.steps.spend(STEPS_BESIDE)
        record.state = _array_beside(record, siblings, machine.limits)
        return position

    hooks = {
        "NumpyArrayWrapper": _array_in_stream,
        "NDArrayWrapper": array_beside,
        "ZNDArrayWrapper": array_beside,
    }
    return {f"{home}.{name}": hook for home in HOMES for name, hook in hooks.items()}


def _array_in_stream(record: Record, machine: MachineState, position: int) -> int:
    """Put the array that follows into the record's state; return where it ends."""
    machine.steps.spend(STEPS_OF_AN_ARRAY)
    facts = attributes(record)
    shape, dtype = shape_of(facts.get("shape")), dtype_of_record(facts.get("dtype"))
    if shape is None or dtype is None:
        raise MalformedFileError(
            "an array of joblib's in it has no shape, or a type that filtviz does not read"
        )
    if dtype is OBJECT:
        record.state, position = machine.read_nested(position)
        return position
    if facts.get("numpy_array_alignment_bytes") is not None:
        position += 1 + machine.data[position]
    rest = machine.rest(position)
    array = stored(shape, dtype, facts.get("order") == "F", len(rest), lambda: own)
    own = rest[: array.nbytes]  # one for all who share the array, which read it once
    record.state = array
    return position + array.nbytes


def _array_beside(record: Record, siblings: Siblings, limits: Limits) -> StoredArray | None:
    """Find the array in the file that the record names."""
    facts = attributes(record)
    name = text(facts.get("filename"))
    if name is None:
        raise MalformedFileError("an array of joblib's in it names no file")
    data = siblings.open(name)
    if "init_args" not in facts:
        return read_npy(read_npy_header(bytes(data[:LONGEST_NPY_HEADER])), view_of(data))
    # ZNDArrayWrapper keeps numpy's own state without the bytes, which the other file holds.
    whole = Record(Global("numpy", "_reconstruct"), ())
    whole.build([*(elements(facts.get("state")) or []), Blob(view_of(data), "bytes")])
    return as_array(whole, limits)
