"""Data flows one way: every import is held against the table of docs/architecture.md."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from filtviz.errors import MissingExtraError

SOURCE = Path(__file__).resolve().parents[1] / "src" / "filtviz"
EXAMPLE = SOURCE.parents[1] / "examples" / "mission-trained.pkl"

BASE = {"errors", "text", "network", "_version"}
MODEL = BASE | {"geometry", "summary", "composition", "running"}
LAYERS: dict[str, set[str]] = {
    # place in src/filtviz → what of filtviz it may import, besides itself
    "_version": set(),
    "errors": set(),
    "text": set(),
    "network": {"errors", "text"},
    "geometry": {"network"},
    "files": {"errors", "text", "network"},
    "summary": {"network", "geometry"},
    "running": {"errors", "text", "network", "composition"},
    "composition": {"errors", "text", "network", "running"},
    "theano_shim": {"errors"},
    "reading": BASE,
    "measures": MODEL,
    "drawing": MODEL | {"measures", "files"},
    "results": {"network", "summary"},
    "api": MODEL | {"measures", "drawing", "reading", "files", "results"},
    "batch": MODEL | {"measures", "drawing", "reading", "files"},
    "reporting": MODEL | {"measures", "drawing", "reading", "files"},
    "cli": MODEL | {"measures", "drawing", "batch", "reporting", "reading", "files", "results", "api"},
    "notebook": BASE | {"geometry", "summary", "measures", "drawing"},
    "__init__": {"_version", "notebook"},
    "__main__": {"cli"},
}
ONLY_THERE: dict[str, set[str]] = {
    # an outside package → the only places that may import it
    "pickle": set(),
    "pickletools": set(),
    "marshal": set(),
    "shelve": set(),
    "click": {"cli"},
    "matplotlib": {"drawing"},
    "theano": {"theano_shim.py"},
    "lasagne": {"theano_shim.py"},
    "nolearn": {"theano_shim.py"},
}
MODULES = sorted(SOURCE.rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _set_apart(node: ast.AST) -> list[ast.stmt]:
    """Return statements whose imports do not count: those for types."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return node.body
    return []


def imports(path: Path) -> set[str]:
    found = set()
    nodes = list(ast.walk(ast.parse(path.read_text())))
    elsewhere = {id(inner) for node in nodes for part in _set_apart(node) for inner in ast.walk(part)}
    nodes = [node for node in nodes if id(node) not in elsewhere]
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports name the whole path"
            found.add(node.module or "")
    return found


def test_the_table_names_every_place() -> None:
    assert {place(p) for p in MODULES} <= set(LAYERS)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_flow_one_way(path: Path) -> None:
    allowed = LAYERS[place(path)] | {place(path)}
    for name in imports(path):
        if name.startswith("filtviz."):
            assert name.split(".")[1] in allowed, f"{path.relative_to(SOURCE)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_outside_packages_stay_in_their_place(path: Path) -> None:
    relative = path.relative_to(SOURCE).as_posix()
    for name in imports(path):
        places = ONLY_THERE.get(name.split(".")[0])
        assert places is None or any(relative == p or relative.startswith(f"{p}/") for p in places), (
            f"{relative} imports {name}"
        )


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_all_names_what_is_public(path: Path) -> None:
    module = "filtviz." + path.relative_to(SOURCE).with_suffix("").as_posix().replace("/", ".")
    try:
        loaded = import_module(module.removesuffix(".__init__"))
    except MissingExtraError as error:  # the shim, where Theano is not installed
        pytest.skip(str(error))
    assert all(hasattr(loaded, name) for name in loaded.__all__)
    assert len(set(loaded.__all__)) == len(loaded.__all__)


@pytest.mark.parametrize(
    "command",
    [
        "import filtviz",
        "from filtviz.cli import main; main(['--help'], standalone_mode=False)",
        "from filtviz.cli import main; main(['layers', '--help'], standalone_mode=False)",
        f"from filtviz.cli import main; main(['layers', {str(EXAMPLE)!r}], standalone_mode=False)",
    ],
)
def test_light_commands_stay_light(command: str) -> None:
    heavy = "{'matplotlib', 'scipy', 'theano', 'lasagne', 'joblib', 'PIL'}"
    check = f"{command}\nimport sys\nprint(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
