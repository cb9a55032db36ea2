"""Pickles that call, that lie, and that grow."""

from __future__ import annotations

import pickle
import struct

from tests.attacks.assembling import (
    APPEND,
    APPENDS,
    BUILD,
    DICT,
    DUP,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    LIST,
    MARK,
    MEMOIZE,
    NEWOBJ,
    NONE,
    POP,
    REDUCE,
    SETITEM,
    SETITEMS,
    STACK_GLOBAL,
    STOP,
    TUPLE,
    TUPLE1,
    TUPLE2,
    beside_weights,
    called,
    get,
    group,
    listed,
    mapped,
    named,
    pickled,
    put,
    raw,
    text,
    thing,
    whole,
)  # fmt: skip
from tests.attacks.attack import Attack

__all__ = ["ATTACKS"]

SHELL = text("touch PWNED")
PYTHON = text("open('PWNED', 'w')")

CALLS = (
    # https://docs.python.org/3/library/pickle.html#restricting-globals
    ("os.system", called("os", "system", SHELL)),
    ("posix.system", called("posix", "system", SHELL)),
    ("nt.system", called("nt", "system", SHELL)),
    # https://github.com/mmaitre314/picklescan/blob/main/tests/test_scanner.py
    ("subprocess.Popen", called("subprocess", "Popen", SHELL)),
    ("builtins.eval", called("builtins", "eval", PYTHON)),
    ("builtins.exec", called("builtins", "exec", PYTHON)),
    ("__builtin__.execfile", called("__builtin__", "execfile", text("PWNED"))),
    ("builtins.__import__", called("builtins", "__import__", text("antigravity"))),
    ("builtins.open", called("builtins", "open", text("PWNED"), text("w"))),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-6vqj-c2q5-j97w
    ("builtins.getattr", called("builtins", "getattr", named("os", "path"), text("os")) + TUPLE1),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-84r2-jw7c-4r5q
    ("_pickle.loads", called("_pickle", "loads", raw(pickle.dumps(print)))),
    ("pickle.loads in pickle.loads", called("pickle", "loads", raw(pickled(called("os", "system", SHELL))))),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-955r-x9j8-7rhh
    ("operator.methodcaller", called("operator", "methodcaller", text("system"), SHELL)),
    ("operator.attrgetter", called("operator", "attrgetter", text("system"))),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-f7qq-56ww-84cr
    (
        "asyncio.unix_events",
        called("asyncio.unix_events", "_UnixSubprocessTransport._start", EMPTY_DICT, SHELL),
    ),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-vqmv-47xg-9wpr
    ("pty.spawn", called("pty", "spawn", SHELL)),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-4675-36f9-wf6r
    ("ctypes.CDLL", called("ctypes", "CDLL", text("libc.so.6"))),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-vvpj-8cmc-gx39
    ("pkgutil.resolve_name", called("pkgutil", "resolve_name", text("os:system"))),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-m273-6v24-x4m4
    ("distutils.write_file", called("distutils.file_util", "write_file", text("PWNED"), EMPTY_LIST)),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-xp4f-hrf8-rxw7
    ("ensurepip._run_pip", called("ensurepip", "_run_pip", listed(text("install"), text("PWNED")))),
    # https://github.com/trailofbits/fickling/security/advisories/GHSA-565g-hwwr-4pp3
    ("marshal.loads", called("marshal", "loads", raw(b"\xe3"))),
    ("types.FunctionType", called("types", "FunctionType", called("marshal", "loads", raw(b"\xe3")))),
    # https://github.com/trailofbits/fickling/security/advisories/GHSA-wfq2-52f7-7qvj
    ("runpy.run_path", called("runpy", "run_path", text("PWNED"))),
    # https://github.com/trailofbits/fickling/security/advisories/GHSA-p523-jq9w-64x9
    ("cProfile.run", called("cProfile", "run", PYTHON)),
    # https://github.com/trailofbits/fickling/security/advisories/GHSA-5hvc-6wx8-mvv4
    ("pydoc.locate", called("pydoc", "locate", text("os.system"))),
    # https://github.com/trailofbits/fickling/security/advisories/GHSA-h4rm-mm56-xf63
    ("__main__.__builtins__", called("__main__", "__builtins__.eval", PYTHON)),
    # https://github.com/trailofbits/fickling/security/advisories/GHSA-5j3x-jp52-966f
    ("a dotted name through a harmless module", called("logging", "os.system", SHELL)),
    # https://github.com/trailofbits/fickling/security/advisories/GHSA-5hwf-rc88-82xm
    ("uuid._popen", called("uuid", "_get_command_stdout", SHELL)),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-r8g5-cgf2-4m4m
    ("numpy.f2py", called("numpy.f2py.crackfortran", "getlincoef", PYTHON, EMPTY_DICT)),
    # https://github.com/FederatedAI/FATE/issues/3812
    ("numpy.testing runstring", called("numpy.testing._private.utils", "runstring", PYTHON, EMPTY_DICT)),
    # https://github.com/protectai/modelscan/issues/89
    ("numpy.__builtins__", called("builtins", "dict.get", named("numpy", "__builtins__"), text("exec"))),
    # https://github.com/protectai/modelscan/pull/346
    ("mailcap.findmatch", called("mailcap", "findmatch", EMPTY_DICT, SHELL)),
    # https://github.com/trailofbits/fickling/pull/210
    ("functools.partial", called("functools", "partial", named("os", "system"), SHELL)),
    # https://github.com/protectai/modelscan/blob/main/tests/test_modelscan.py
    ("socket", called("socket", "create_connection", group(text("127.0.0.1"), whole(9)))),
    ("webbrowser.open", called("webbrowser", "open", text("http://127.0.0.1:9/"))),
    ("shutil.rmtree", called("shutil", "rmtree", text("."))),
    ("sys.exit", called("sys", "exit", whole(3))),
    ("a module of the project", called("filtviz.reading", "load", text("PWNED"))),
    ("a module that is not there", called("no.such.module_at_all", "thing", NONE)),
)
"""What a pickle would call if it were loaded, one way or another."""

TRICKS = (
    # https://media.blackhat.com/bh-us-11/Slaviero/BH_US_11_Slaviero_Sour_Pickles_WP.pdf
    ("REDUCE with what is no tuple", named("os", "system") + SHELL + REDUCE),
    ("REDUCE of what is no function", text("os.system") + group(SHELL) + REDUCE),
    ("the result of a call called again", called("builtins", "getattr", NONE) + group(SHELL) + REDUCE),
    ("INST", MARK + SHELL + b"ios\nsystem\n"),
    # https://github.com/trailofbits/fickling/pull/108
    ("OBJ", MARK + named("pty", "spawn") + SHELL + b"o"),
    # https://github.com/trailofbits/fickling/security/advisories/GHSA-mxhj-88fx-4pcv
    ("OBJ whose result is thrown away", MARK + named("os", "system") + SHELL + b"o" + POP + NONE),
    ("NEWOBJ", named("subprocess", "Popen") + group(SHELL) + NEWOBJ),
    ("NEWOBJ_EX", named("subprocess", "Popen") + group(SHELL) + mapped(shell=whole(1)) + b"\x92"),
    # https://github.com/mmaitre314/picklescan/issues/22
    (
        "STACK_GLOBAL by names of the memo",
        text("os")
        + put(7)
        + POP
        + text("system")
        + put(8)
        + POP
        + get(7)
        + get(8)
        + STACK_GLOBAL
        + group(SHELL)
        + REDUCE,
    ),
    # https://github.com/protectai/modelscan/issues/85
    # https://docs.python.org/3/library/pickle.html#object.__setstate__
    ("BUILD of __class__ and __dict__", thing("lasagne.layers", "X", __class__=named("os", "system"))),
    (
        "BUILD of __setstate__",
        thing("lasagne.layers", "X", __setstate__=named("os", "system")) + SHELL + BUILD,
    ),
    ("BUILD of __reduce__", thing("lasagne.layers", "X", __reduce__=named("os", "system"))),
    ("BUILD with what is no dictionary", named("a", "B") + EMPTY_TUPLE + NEWOBJ + whole(5) + BUILD),
    (
        "a dictionary in slots that is none",
        named("a", "B") + EMPTY_TUPLE + NEWOBJ + group(NONE, SHELL) + BUILD,
    ),
    # https://docs.python.org/3/library/copyreg.html
    ("copyreg.add_extension", called("copyreg", "add_extension", text("os"), text("system"), whole(240))),
    ("EXT1", b"\x82\xf0" + group(SHELL) + REDUCE),
    ("EXT2", b"\x83\xf0\x01" + group(SHELL) + REDUCE),
    ("EXT4", b"\x84\xf0\x01\x01\x01" + group(SHELL) + REDUCE),
    ("EXT4 below zero", b"\x84\xff\xff\xff\xff" + group(SHELL) + REDUCE),
    ("EXT1 of zero", b"\x82\x00" + group(SHELL) + REDUCE),
    # https://docs.python.org/3/library/pickle.html#persistence-of-external-objects
    ("PERSID", b"Pos.system\n"),
    ("BINPERSID", named("os", "system") + b"Q"),
    # https://peps.python.org/pep-0574/
    ("NEXT_BUFFER without buffers", b"\x97"),
    ("READONLY_BUFFER of a string", text("x") + b"\x98"),
    # https://github.com/trailofbits/fickling/issues/196
    ("a list that holds itself", EMPTY_LIST + put(0) + get(0) + APPEND),
    ("a dictionary that holds itself", EMPTY_DICT + put(0) + text("me") + get(0) + SETITEM),
    ("a dictionary that is its own key", EMPTY_DICT + put(0) + get(0) + get(0) + SETITEM),
    ("a tuple that holds itself", EMPTY_LIST + put(0) + get(0) + TUPLE1 + put(1) + APPEND),
    ("an object that is its own state", named("a", "B") + EMPTY_TUPLE + NEWOBJ + put(0) + get(0) + BUILD),
    ("an object that appends itself", named("a", "B") + EMPTY_TUPLE + NEWOBJ + put(0) + get(0) + APPEND),
    ("an object as a key", EMPTY_DICT + called("os", "system", SHELL) + NONE + SETITEM),
    ("a list as a key", EMPTY_DICT + EMPTY_LIST + NONE + SETITEM),
    # https://github.com/python/cpython/issues/154848
    ("a frame that ends within an opcode", b"\x95" + struct.pack("<Q", 3) + text("longer than the frame")),
    ("a frame longer than the file", b"\x95" + b"\xff" * 8 + NONE),
    ("a frame of nothing", b"\x95" + bytes(8) + NONE),
    ("a name in the middle of a protocol", b"\x80\x05\x80\x02" + NONE),
)
"""Ways to say the same that have fooled scanners, and objects that do harm to those who look at them."""

DAMAGE = (
    # https://github.com/trailofbits/fickling/blob/master/test/test_crashes.py
    ("TUPLE without MARK", TUPLE),
    ("APPENDS without MARK", EMPTY_LIST + APPENDS),
    ("POP of nothing", POP),
    ("POP_MARK of nothing", b"1"),
    ("DUP of nothing", DUP),
    ("STOP of nothing", b""),
    ("BUILD of nothing", BUILD),
    ("BUILD of a list", EMPTY_LIST + NONE + BUILD),
    ("APPEND to a tuple", EMPTY_TUPLE + NONE + APPEND),
    ("APPENDS to a number", whole(1) + MARK + NONE + APPENDS),
    ("SETITEM on a list", EMPTY_LIST + NONE + NONE + SETITEM),
    ("SETITEMS of a key without a value", EMPTY_DICT + MARK + NONE + SETITEMS),
    ("OBJ without a class", MARK + b"o"),
    ("GET of what was never put", get(5)),
    ("GET of no number", b"gfive\n"),
    ("PUT of no number", NONE + b"p\n"),
    ("PUT of a giant number", NONE + b"p" + b"9" * 400 + b"\n"),
    ("PUT below zero", NONE + b"p-5\n"),
    ("GET of a giant number", NONE + b"g" + b"9" * 400 + b"\n"),
    # https://github.com/protectai/modelscan/issues/85
    (
        "attributes of a function set by the state of its slots",
        named("numpy", "prod") + group(NONE, MARK + text("a") + text("os") + DICT) + BUILD,
    ),
    ("STACK_GLOBAL of numbers", whole(1) + whole(2) + STACK_GLOBAL),
    ("STACK_GLOBAL of a class", named("os", "system") + text("x") + STACK_GLOBAL),
    ("STACK_GLOBAL of bytes", raw(b"os") + raw(b"system") + STACK_GLOBAL),
    ("a class with a name that is no UTF-8", b"c\xff\xfe\nsystem\n"),
    ("a class with a name without end", b"cos\nsystem"),
    ("BINSTRING of a length below zero", b"T\xff\xff\xff\xffabc"),
    ("LONG4 of a length below zero", b"\x8b\xff\xff\xff\xffabc"),
    ("BINBYTES longer than the file", b"B\xff\xff\xff\xffabc"),
    ("BINBYTES8 longer than any memory", b"\x8e" + b"\xff" * 8),
    ("BINUNICODE8 longer than any memory", b"\x8d" + b"\xff" * 8),
    ("BYTEARRAY8 longer than any memory", b"\x96" + b"\xff" * 8),
    ("LONG4 longer than the file", b"\x8b\xff\xff\xff\x7f"),
    ("an opcode that is none", b"\xff"),
    ("INT without a number", b"Ixyz\n"),
    ("FLOAT of a million digits", b"F" + b"1" * 1_000_000 + b"\n"),
    ("a string without quotes", b"Sos.system\n"),
    ("text that is no UTF-8", b"\x8c\x02\xff\xff"),
)
"""Pickles that cannot be carried out."""

GROWTH = 60
"""Doublings, which is more than any memory holds."""


def laughs(join: bytes) -> bytes:
    """Join an object with itself, again and again."""
    return NONE + b"".join(DUP + join + MEMOIZE for _ in range(GROWTH))


def laughing_lists() -> bytes:
    """Put each list ten times into the next one."""
    return (
        EMPTY_LIST
        + put(0)
        + b"".join(EMPTY_LIST + put(n) + MARK + get(n - 1) * 10 + APPENDS for n in range(1, GROWTH))
    )


def deep(opening: bytes, closing: bytes, depth: int = 100_000) -> bytes:
    return opening * depth + NONE + closing * depth


LARGE = (
    # https://github.com/trailofbits/fickling/issues/111
    ("a billion laughs of tuples", lambda: beside_weights(laughs(TUPLE2))),
    ("a billion laughs of lists", lambda: beside_weights(laughing_lists())),
    (
        "a billion laughs of calls",
        lambda: beside_weights(
            named("a", "B") + b"".join(MEMOIZE + DUP + TUPLE1 + REDUCE for _ in range(GROWTH))
        ),
    ),
    # https://github.com/python/cpython/issues/115952 (lengths that a pickle only claims)
    ("tuples a hundred thousand deep", lambda: beside_weights(deep(b"", TUPLE1))),
    ("tuples as deep as a key", lambda: beside_weights(EMPTY_DICT + deep(b"", TUPLE1) + NONE + SETITEM)),
    ("lists a hundred thousand deep", lambda: beside_weights(deep(EMPTY_LIST, APPEND))),
    ("dictionaries as deep", lambda: beside_weights(deep(EMPTY_DICT + NONE, SETITEM))),
    ("calls as deep", lambda: beside_weights(deep(named("a", "B"), TUPLE1 + REDUCE, 40_000))),
    ("classes as deep as their makers", lambda: beside_weights(NONE + (EMPTY_TUPLE + REDUCE) * 100_000)),
    ("states as deep", lambda: beside_weights(deep(named("a", "B") + EMPTY_TUPLE + NEWOBJ, BUILD, 40_000))),
    ("a hundred thousand marks", lambda: beside_weights(MARK * 100_000 + NONE + LIST * 100_000)),
    # https://docs.python.org/3/library/stdtypes.html#integer-string-conversion-length-limitation
    ("a number of a million digits", lambda: beside_weights(b"I" + b"7" * 1_000_000 + b"\n")),
    ("a long of a million digits", lambda: beside_weights(b"L" + b"7" * 1_000_000 + b"L\n")),
    (
        "LONG4 of a megabyte",
        lambda: beside_weights(b"\x8b" + struct.pack("<i", 1 << 20) + b"\x7f" * (1 << 20)),
    ),
    ("a class whose name has a megabyte", lambda: beside_weights(named("a" * 1_000_000, "B"))),
)
"""Pickles that are small, or of some megabytes, and would take all time and memory of a careless reader."""

ENDLESS = (
    # https://github.com/trailofbits/fickling/pull/211
    ("opcodes without end", lambda: pickled((NONE + POP) * 300_000, NONE), "LimitError"),
    ("a memo without end", lambda: pickled(b"".join(NONE + put(n) for n in range(210_000))), "LimitError"),
    ("many small pickles", lambda: pickled(NONE) * 170_000, "LimitError"),
    ("LONG_BINPUT of the largest number", lambda: pickled(NONE, put((1 << 32) - 1)), "LimitError"),
)
"""Pickles that ask for more than a limit."""

ATTACKS = (
    *(Attack(name=name, data=lambda call=call: beside_weights(call)) for name, call in CALLS),
    *(Attack(name=name, data=lambda trick=trick: beside_weights(trick)) for name, trick in TRICKS),
    *(
        Attack(name=name, data=lambda damage=damage: pickled(damage), ends="MalformedFileError")
        for name, damage in DAMAGE
    ),
    *(Attack(name=name, data=make) for name, make in LARGE),
    *(Attack(name=name, data=make, ends=ends) for name, make, ends in ENDLESS),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-9gvj-pp9x-gcfr
    Attack(
        name="a call before damage", data=lambda: pickled(CALLS[0][1], b"\xff"), ends="MalformedFileError"
    ),
    Attack(name="a call behind STOP", data=lambda: beside_weights() + pickled(CALLS[0][1])),
    Attack(name="a protocol of the future", data=lambda: b"\x80\x09N.", ends="UnsupportedFileError"),
    Attack(name="a protocol of the future behind STOP", data=lambda: beside_weights() + b"\x80\x09N."),
    Attack(name="nothing but a call", data=lambda: pickled(CALLS[0][1]), ends="UnsupportedFileError"),
    Attack(
        name="a call at protocol 0",
        data=lambda: b"cos\nsystem\n(S'touch PWNED'\ntR.",
        ends="UnsupportedFileError",
    ),
    Attack(name="nothing but STOP", data=lambda: STOP, ends="UnknownFileError"),
    Attack(name="one byte", data=lambda: b"\x80", ends="MalformedFileError"),
)
