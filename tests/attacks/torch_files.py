"""PyTorch's files: what is called in them, storages that are elsewhere, sizes that lie, what grows."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.attacks.assembling import (
    BUILD,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    KERNELS,
    MARK,
    NEWOBJ,
    NONE,
    SETITEMS,
    called,
    get,
    group,
    listed,
    mapped,
    named,
    pickled,
    put,
    raw,
    shape,
    text,
    thing,
    whole,
)  # fmt: skip
from tests.attacks.attack import Attack
from tests.attacks.containers import directory, patched, zipped

__all__ = ["ATTACKS"]

SHELL = text("touch PWNED")
PERSID, FALSE = b"Q", b"\x89"
MAGIC = pickled(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", protocol=2)
N = KERNELS.size


def storage(key: str = "0", n: int = N, kind: str = "FloatStorage", *view: bytes) -> bytes:
    told = group(text("storage"), named("torch", kind), text(key), text("cpu"), whole(n), *view)
    return told + PERSID


def tensor(
    held: bytes | None = None,
    lengths: tuple[int, ...] = KERNELS.shape,
    strides: tuple[int, ...] = (9, 9, 3, 1),
    offset: int = 0,
) -> bytes:
    hooks = called("collections", "OrderedDict")
    parts = (held or storage(), whole(offset), shape(*lengths), shape(*strides), FALSE, hooks)
    return called("torch._utils", "_rebuild_tensor_v2", *parts)


def saved(
    *parts: bytes, more: Mapping[str, bytes] | None = None, method: int = zipfile.ZIP_STORED, **tensors: bytes
) -> bytes:
    """A zip of ``torch.save``: a dictionary with an attack under each key, and kernels at its end."""
    entries = {f"attack{place}": part for place, part in enumerate(parts)} | tensors
    return in_zip(mapped(**entries, **{"conv.weight": tensor()}), more, method)


def in_zip(root: bytes, more: Mapping[str, bytes] | None = None, method: int = zipfile.ZIP_STORED) -> bytes:
    members = {"m/data.pkl": pickled(root, protocol=2), "m/version": b"3\n", "m/data/0": KERNELS.tobytes()}
    return zipped(*(members | dict(more or {})).items(), method=method)


def stream(root: bytes, keys: bytes = listed(text("0")), memory: bytes | None = None) -> bytes:
    """A stream of ``torch.save`` before 1.6."""
    head = MAGIC + pickled(whole(1001)) + pickled(mapped(little_endian=b"\x88"))
    own = struct.pack("<q", N) + KERNELS.tobytes()
    return head + pickled(root, protocol=2) + pickled(keys) + (own if memory is None else memory)


def in_stream(*parts: bytes) -> bytes:
    entries = {f"attack{place}": part for place, part in enumerate(parts)}
    with_view = tensor(storage("0", N, "FloatStorage", NONE))
    return stream(mapped(**entries, **{"conv.weight": with_view}))


def module(cls: str, parts: bytes = EMPTY_DICT, parameters: bytes = EMPTY_DICT, **facts: bytes) -> bytes:
    own = {"_parameters": parameters, "_buffers": EMPTY_DICT, "_modules": parts}
    return thing("torch.nn.modules.some", cls, **own, **facts)


def sequential(*parts: bytes) -> bytes:
    children = mapped(**{str(place): part for place, part in enumerate(parts)})
    own = {"_parameters": EMPTY_DICT, "_buffers": EMPTY_DICT, "_modules": children}
    return thing("torch.nn.modules.container", "Sequential", **own)


def shared_modules() -> bytes:
    """Forty modules, each of which holds the one before it twice: a billion paths lead through them."""
    made = sequential(conv()) + put(0)
    for place in range(40):
        made += sequential(get(place), get(place)) + put(place + 1)
    return made


def deep_modules() -> bytes:
    """Modules a thousand deep in one another."""
    made = module("ReLU")
    for _ in range(1000):
        made = sequential(made)
    return made


def conv() -> bytes:
    return module("Conv2d", parameters=mapped(weight=tensor()))


def circle() -> bytes:
    """A module that is a part of itself."""
    start = named("torch.nn.modules.container", "Sequential") + EMPTY_TUPLE + NEWOBJ + put(0)
    state = mapped(_parameters=EMPTY_DICT, _buffers=EMPTY_DICT, _modules=mapped(a=conv(), b=get(0)))
    return start + state + BUILD


def deep_parameters() -> bytes:
    """A parameter of a parameter of a …"""
    made = tensor()
    for _ in range(500):
        made = called("torch._utils", "_rebuild_parameter", made, FALSE, NONE)
    return made


def deep_scales() -> bytes:
    """Quantised tensors whose scales are quantised tensors whose scales are …"""
    made = tensor(lengths=(1,), strides=(1,))
    for _ in range(500):
        told = group(named("torch", "per_channel_affine"), made, EMPTY_LIST, whole(0))
        parts = (storage(kind="QInt8Storage"), whole(0), shape(1), shape(1), told, FALSE, NONE)
        made = called("torch._utils", "_rebuild_qtensor", *parts)
    return made


def sparse(size: tuple[int, ...], indices: bytes, values: bytes) -> bytes:
    layout = called("torch.serialization", "_get_layout", text("torch.sparse_coo"))
    told = group(indices, values, called("torch", "Size", shape(*size)))
    return called("torch._utils", "_rebuild_sparse_tensor", layout, told)


def sparse_bomb() -> bytes:
    one = tensor(lengths=(1,), strides=(1,))
    places = tensor(storage("1", 4, "LongStorage"), (4, 1), (1, 1))
    return saved(sparse((1 << 12, 1 << 12, 64, 64), places, one), more={"m/data/1": bytes(32)})


def loaded(inner: bytes) -> bytes:
    """A tensor that is to be loaded from a string."""
    return tensor(called("torch.storage", "_load_from_bytes", raw(inner)))


def inner_stream(root: bytes | None = None, memory: bytes | None = None) -> bytes:
    return stream(root or storage("0", N, "FloatStorage", NONE), memory=memory)


def many_tensors_of_one_string() -> bytes:
    """Five hundred tensors that are each to be loaded from one and the same string."""
    first = tensor(called("torch.storage", "_load_from_bytes", raw(inner_stream()) + put(1)))
    again = tensor(called("torch.storage", "_load_from_bytes", get(1)), (18,), (1,))
    more = b"".join(text(f"l{place}") + again for place in range(500))
    return pickled(EMPTY_DICT + MARK + text("conv.weight") + first + more + SETITEMS)


def tar(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_of(
    n_storages: int = 1, count: int = N, dimensions: int = 4, numbers: tuple[int, ...] | None = None
) -> bytes:
    """The oldest form, whose numbers may lie."""
    storages = pickled(whole(n_storages)) + pickled(
        group(whole(1), text("cpu"), named("torch", "FloatStorage"))
    )
    storages += struct.pack("<q", count) + KERNELS.tobytes() + pickled(EMPTY_LIST)
    told = numbers or (*KERNELS.shape, 9, 9, 3, 1, 0)
    tensors = pickled(whole(1)) + pickled(group(whole(2), whole(1), named("torch", "FloatTensor")))
    tensors += struct.pack("<i4x", dimensions) + struct.pack(f"<{len(told)}q", *told)
    root = pickled(mapped(**{"conv.weight": text("2") + PERSID}))
    return tar(sys_info=pickled(NONE), pickle=root, tensors=tensors, storages=storages)


def tar_with_link(folder: Path) -> Path:
    """A tar whose storages are a link to a file of the system."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:") as archive:
        for name in ("sys_info", "pickle", "tensors"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        link = tarfile.TarInfo("storages")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    path = folder / "model.pkl"
    path.write_bytes(buffer.getvalue())
    return path


def index(
    file: str, place: Callable[[Path], None] = lambda _: None, body: str = ""
) -> Callable[[Path], Path]:
    """The index of a model in several files, with what else lies beside it."""

    def put_there(folder: Path) -> Path:
        place(folder)
        path = folder / "pytorch_model.bin.index.json"
        told = json.dumps({"weight_map": {"conv.weight": file}})
        path.write_text(body.replace("MAP", told[1:-1]) if body else told)
        return path

    return put_there


def link_beside(folder: Path) -> None:
    (folder / "part.bin").symlink_to("/etc/passwd")


def honest_part(folder: Path) -> None:
    (folder / "part.bin").write_bytes(saved())


def part_that_calls(folder: Path) -> None:
    (folder / "part.bin").write_bytes(saved(called("os", "system", SHELL)))


CALLS = (
    # https://nvd.nist.gov/vuln/detail/CVE-2025-32434 (weights_only, before 2.6)
    ("os.system", called("os", "system", SHELL)),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-f745-w6jp-hpxx
    ("torch.utils.collect_env.run", called("torch.utils.collect_env", "run", SHELL)),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-4r9r-ch6f-vxmx
    ("torch.utils.bottleneck", called("torch.utils.bottleneck.__main__", "run_cprofile", SHELL, EMPTY_DICT)),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-f4x7-rfwp-v3xw
    (
        "torch.fx.experimental.symbolic_shapes",
        called("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", SHELL),
    ),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-86cj-95qr-2p4f
    ("torch._dynamo.guards", called("torch._dynamo.guards", "GuardBuilder.get", SHELL)),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-vv6j-3g6g-2pvj
    ("torch.utils._config_module", called("torch.utils._config_module", "ConfigModule.load_config", SHELL)),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-h3qp-7fh3-f8h4
    (
        "torch.utils.data.datapipes",
        called("torch.utils.data.datapipes.utils.decoder", "basichandlers", text("pkl"), raw(b"x")),
    ),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-vr7h-p6mm-wpmh
    ("torch.jit.unsupported_tensor_ops", called("torch.jit.unsupported_tensor_ops", "execWrapper", SHELL)),
    ("torch.hub.load", called("torch.hub", "load", text("someone/something"), text("model"))),
    ("torch.jit.load", called("torch.jit", "load", text("/etc/passwd"))),
    ("torch.load", called("torch.serialization", "load", text("/etc/passwd"))),
)
"""Calls beside weights."""

LIES = (
    ("a storage in another folder", saved(a=tensor(storage("../data.pkl")))),
    ("a storage in the root of the machine", saved(a=tensor(storage("/etc/passwd")))),
    ("a storage in a folder below", saved(a=tensor(storage("sub/1")), more={"m/data/sub/1": bytes(72)})),
    ("a storage that is not there", saved(a=tensor(storage("7")))),
    ("more elements than there are", saved(a=tensor(storage(n=N + 1)))),
    ("elements by the exabyte", saved(a=tensor(storage(n=1 << 62)))),
    ("elements below zero", saved(a=tensor(storage(n=-1)))),
    ("a storage of a call", saved(a=tensor(called("os", "system", SHELL)))),
    ("a persistent id of a call", saved(a=tensor(called("os", "system", SHELL) + PERSID))),
    ("a size beyond the storage", saved(a=tensor(lengths=(2, 1, 3, 4)))),
    ("a stride beyond the storage", saved(a=tensor(strides=(10, 9, 3, 1)))),
    ("a stride below zero", saved(a=tensor(strides=(-9, 9, 3, 1), offset=9))),
    ("an offset beyond the storage", saved(a=tensor(offset=1))),
    ("an offset below zero", saved(a=tensor(offset=-1))),
    ("a length that overflows", saved(a=tensor(lengths=(1 << 62, 4, 3, 3), strides=(0, 0, 0, 0)))),
    ("a size of a million axes", saved(a=tensor(lengths=(1,) * 100_000, strides=(0,) * 100_000))),
    ("a size that is a call", saved(a=called("torch._utils", "_rebuild_tensor_v2", storage(), whole(0)))),
    ("scales of scales", saved(deep_scales())),
    ("modules a thousand deep", in_zip(deep_modules())),
    ("a string that holds a call", pickled(mapped(a=loaded(pickled(called("os", "system", SHELL)))))),
    ("a string that holds a list", pickled(mapped(a=loaded(inner_stream(listed(storage())))))),
    (
        "a string with less than it says",
        pickled(mapped(**{"conv.weight": loaded(inner_stream(memory=b""))})),
    ),
    ("a stream without its storages", stream(mapped(a=tensor()), memory=b"")),
    ("a stream whose keys come twice", stream(mapped(a=tensor()), listed(text("0"), text("0")))),
    ("a stream whose keys are none", stream(mapped(a=tensor()), listed(NONE))),
    ("a storage that nothing lies in", stream(mapped(a=tensor()), listed(text("0"), text("1")))),
    ("a storage of two lengths", stream(mapped(a=tensor()), memory=struct.pack("<q", N - 1) + bytes(4 * N))),
    (
        "a part beyond its storage",
        stream(mapped(a=tensor(storage("0", N, "FloatStorage", group(text("1"), whole(9), whole(18)))))),
    ),
    ("a tar of storages without end", tar_of(n_storages=1 << 40)),
    ("a tar of a storage without end", tar_of(count=1 << 40)),
    ("a tar of axes below zero", tar_of(dimensions=-1)),
    ("a tar of too many axes", tar_of(dimensions=33)),
    ("a tar of a tensor beyond its storage", tar_of(numbers=(9, 9, 9, 9, 9, 9, 3, 1, 0))),
)  # fmt: skip
"""Files that say of themselves what cannot be."""

KEPT = (
    (
        "names that a terminal would obey",
        saved(**{"\x1b[31m\u202e.bias\n": tensor(lengths=(9,), strides=(1,))}),
    ),
    ("a module that is a part of itself", in_zip(circle())),
    ("modules that share their parts", in_zip(shared_modules())),
    # The text of a class lies beside it in a stream: torch compares it with the class's and never runs it.
    (
        "source text beside a class",
        in_stream(
            group(text("module"), named("os", "system"), text("a.py"), text("import antigravity")) + PERSID
        ),
    ),
    ("a state that is a call", in_stream(thing("mine", "Trainer", a=called("os", "system", SHELL)))),
    ("parameters of parameters", saved(deep_parameters())),
    (
        "an optimiser that calls",
        saved(optimizer=mapped(state=called("os", "system", SHELL), param_groups=NONE)),
    ),
    ("a storage that is inflated once", saved(
        *(tensor(storage("9", 1 << 20), (3,), (1,)) for _ in range(500)),
        more={"m/data/9": bytes(1 << 22)}, method=zipfile.ZIP_DEFLATED,
    )),
)  # fmt: skip
"""Files whose kernels must come out unharmed."""

ATTACKS = (
    *(Attack(name=f"torch zip: {name}", data=lambda call=call: saved(call)) for name, call in CALLS),
    *(
        Attack(name=f"torch stream: {name}", data=lambda call=call: in_stream(call))
        for name, call in CALLS[:3]
    ),
    *(
        Attack(name=f"torch: {name}", data=lambda made=made: made, ends="MalformedFileError")
        for name, made in LIES
    ),
    *(Attack(name=f"torch: {name}", data=lambda made=made: made) for name, made in KEPT),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-w8jq-xcqf-f792
    Attack(
        name="torch zip: a flag that says encrypted",
        data=lambda: patched(saved(), directory(8), b"\x01"),
        ends="UnsupportedFileError",
    ),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-7q5r-7gvp-wc82
    Attack(
        name="torch zip: another name in the local header",
        data=lambda: saved().replace(b"m/data.pkl", b"m/evil.pkl", 1),
        ends="MalformedFileError",
    ),
    Attack(
        name="torch zip: two pickles of one name",
        data=lambda: saved(more={"m/evil.pkl": pickled(NONE)}).replace(b"m/evil.pkl", b"m/data.pkl"),
        ends="MalformedFileError",
    ),
    Attack(
        name="torch zip: a storage that is repeated to gigabytes",
        data=lambda: saved(a=tensor(lengths=(1 << 20, 1 << 10), strides=(0, 0))),
        ends="LimitError",
    ),
    Attack(
        name="torch zip: a storage that is a bomb",
        data=lambda: in_zip(
            mapped(**{"conv.weight": tensor(storage("1", 1 << 23), (1, 1, 1 << 11, 1 << 11), (0, 0, 1, 1))}),
            {"m/data/1": bytes(1 << 25)},
            zipfile.ZIP_DEFLATED,
        ),
        ends="LimitError",
    ),
    Attack(name="torch zip: a sparse tensor that is a bomb", data=sparse_bomb, ends="LimitError"),
    Attack(
        name="torch zip: tensors without end",
        data=lambda: saved(**{f"l{place}.weight": tensor() for place in range(3_000)}),
        ends="LimitError",
    ),
    Attack(
        name="torch: a string that many tensors are loaded from",
        data=many_tensors_of_one_string,
        ends="kernels",
    ),
    Attack(name="torch: a tar with a link", place=tar_with_link, ends="UnsupportedFileError"),
    Attack(name="torch index: a path", place=index("../other/part.bin"), ends="MalformedFileError"),
    Attack(
        name="torch index: a path of the system", place=index("/etc/passwd.bin"), ends="MalformedFileError"
    ),
    Attack(name="torch index: a link", place=index("part.bin", link_beside), ends="FileAccessError"),
    Attack(name="torch index: a part that calls", place=index("part.bin", part_that_calls)),
    Attack(
        name="torch index: JSON a hundred thousand deep",
        place=index("part.bin", honest_part, '{"a": ' + "[" * 100_000 + "]" * 100_000 + ", MAP}"),
        ends="MalformedFileError",
    ),
    Attack(
        name="torch index: a map that comes twice",
        place=index("part.bin", honest_part, "{MAP, MAP}"),
        ends="MalformedFileError",
    ),
)
