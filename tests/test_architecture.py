"""Data flows one way: every import is held against the table of docs/architecture.md."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from filtviz.errors import MissingExtraError

SOURCE = Path(__file__).resolve().parents[1] / "src" / "filtviz"
EXAMPLE = SOURCE.parents[1] / "examples" / "mission-trained.pkl"

ROOT = SOURCE.parents[1]
TABLE = ROOT / "docs" / "architecture.md"


def read_table() -> dict[str, set[str] | None]:
    """Return place → the places that it may import, None for all, as the document has them."""
    rows: dict[str, set[str] | None] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 3 or not cells[0].startswith("`") or cells[0].startswith("`src"):
            continue
        place = cells[0].strip("`").removesuffix("/").removesuffix(".py")
        allowed = {name.strip() for name in cells[2].split(",")}
        if cells[2] == "nothing":
            allowed = set()
        elif cells[2].startswith("everything but "):
            allowed = EVERYTHING - {cells[2].removeprefix("everything but ")}
        rows[place] = None if cells[2] == "everything" else allowed
    return rows


EVERYTHING = {p.relative_to(SOURCE).parts[0].removesuffix(".py") for p in SOURCE.rglob("*.py")}
LAYERS = read_table()
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
    "torch": {"running"},
    "onnx": {"converting"},
    "onnxruntime": {"converting"},
}
MODULES = sorted(SOURCE.rglob("*.py"))


def place(path: Path) -> str:
    """Return the longest place of the table that a module lies in, the empty text for none."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    candidates = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((each for each in candidates if each in LAYERS), "")


def _set_apart(node: ast.AST) -> list[ast.stmt]:
    """Return statements whose imports do not count: those for types."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return node.body
    return []


@cache
def imports(path: Path) -> set[str]:
    found = set()
    nodes: list[ast.AST] = [ast.parse(path.read_text())]
    for node in nodes:  # it grows; what stands within an expression imports nothing
        inner = [each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.expr)]
        apart = _set_apart(node)
        nodes += [each for each in inner if each not in apart]
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports name the whole path"
            found.add(node.module or "")
    return found


BEGINS = re.compile(r"^ *(?:from (\S+) import|import ([^#\n]+))", re.MULTILINE)


def wrong_imports(path: Path, is_wrong: Callable[[str], bool]) -> list[str]:
    """Return the imports that are wrong; only a module with a line that begins like one is parsed."""
    found = BEGINS.findall(path.read_text(encoding="utf-8"))
    names = {one.split()[0] for source, list_ in found for one in (source or list_).split(",")}
    if not any(is_wrong(name) or name.startswith(".") for name in names):
        return []
    return [name for name in sorted(imports(path)) if is_wrong(name)]


def test_the_table_names_every_place_and_nothing_else() -> None:
    assert {place(p) for p in MODULES} == set(LAYERS)


def test_imports_flow_one_way() -> None:
    assert [wrong for path in MODULES for wrong in imports_upwards(path)] == []


def imports_upwards(path: Path) -> Iterator[str]:
    own = place(path)
    allowed = LAYERS[own]
    if allowed is None:
        return
    places = allowed | {own.split("/")[0]}
    wrong = wrong_imports(path, lambda name: name.startswith("filtviz.") and name.split(".")[1] not in places)
    yield from (f"{path.relative_to(SOURCE)} imports {name}" for name in wrong)


def test_no_place_may_import_one_that_may_import_it() -> None:
    for one, allowed in LAYERS.items():
        for other in allowed or ():
            back = EVERYTHING if LAYERS[other] is None else LAYERS[other]
            assert one in ("__main__", other) or one not in (back or ()), (
                f"{one} and {other} may import each other"
            )


@pytest.mark.slow
def test_modules_of_a_folder_import_each_other_in_no_circle() -> None:
    edges = {module_name(path): {n for n in imports(path) if n.startswith("filtviz.")} for path in MODULES}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, f"a circle of imports: {' → '.join((*above[above.index(name) :], name))}"
        if name in done:
            return
        for other in sorted(edges.get(name, ())):
            if other in edges and other != name and not name.startswith(f"{other}."):
                visit(other, (*above, name))
        done.add(name)

    for name in sorted(edges):
        visit(name, ())


def module_name(path: Path) -> str:
    dotted = "filtviz." + path.relative_to(SOURCE).with_suffix("").as_posix().replace("/", ".")
    return dotted.removesuffix(".__init__")


def test_no_base_name_stands_for_two_things() -> None:
    names = [path.stem for path in MODULES if not path.stem.startswith("__")]
    twice = sorted({name for name in names if names.count(name) > 1})
    assert twice == []


def test_outside_packages_stay_in_their_place() -> None:
    assert [wrong for path in MODULES for wrong in imports_from_outside(path)] == []


def imports_from_outside(path: Path) -> Iterator[str]:
    relative = path.relative_to(SOURCE).as_posix()

    def is_wrong(name: str) -> bool:
        places = ONLY_THERE.get(name.split(".")[0])
        return places is not None and not any(relative == p or relative.startswith(f"{p}/") for p in places)

    yield from (f"{relative} imports {name}" for name in wrong_imports(path, is_wrong))


def test_a_wrong_import_is_seen_and_one_for_types_or_in_a_text_is_not(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    types, inner = "if TYPE_CHECKING:\n    import one", "def f():\n    import three, four.five as six"
    module.write_text(f'{types}\nTEXT = """\nimport two\n"""\n\n{inner}\n')
    assert wrong_imports(module, lambda name: name in ("one", "two", "four.five")) == ["four.five"]
    assert wrong_imports(module, lambda name: name == "seven") == []


def test_all_names_what_is_public() -> None:
    assert [wrong for path in MODULES for wrong in _badly_listed(module_name(path))] == []


def _badly_listed(name: str) -> Iterator[str]:
    try:
        loaded = import_module(name)
    except MissingExtraError:  # where Theano or PyTorch is not installed
        return
    listed = getattr(loaded, "__all__", None)
    if listed is None:
        yield f"{name} has no __all__"
        return
    yield from (f"{name} has no {one}, which its __all__ names" for one in listed if not hasattr(loaded, one))
    yield from (f"{name} names {one} twice" for one, n in Counter(listed).items() if n > 1)


@pytest.mark.slow
def test_what_other_modules_import_is_in_all() -> None:
    trees = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    listed = {
        name: set(ast.literal_eval(node.value))
        for name, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    }
    wrong = [
        f"{name} imports {alias.name} of {node.module}"
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in listed
        for alias in node.names
        if alias.name not in listed[node.module] and f"{node.module}.{alias.name}" not in trees
    ]
    assert wrong == []


def test_light_commands_stay_light() -> None:
    heavy = "{'matplotlib', 'scipy', 'theano', 'lasagne', 'torch', 'joblib', 'PIL'}"
    commands = [["--help"], ["layers", "--help"], ["layers", str(EXAMPLE)]]
    lines = [
        "import filtviz, sys",
        "from filtviz.cli import main",
        *(f"main({command!r}, standalone_mode=False)" for command in commands),
        f"print(sorted({heavy} & set(sys.modules)))",
    ]
    ran = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_are_named_are_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_./]+\.(?:py|md))`", text))
    folders = (ROOT, SOURCE, SOURCE / "reading", SOURCE / "running")
    assert named
    assert [name for name in named if not any((folder / name).is_file() for folder in folders)] == []


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_the_documents_name_each_interpreter_of_operations(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    told = {path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8") for path in MODULES}
    interpreters = [name for name, source in told.items() if "assert_never(operation)" in source]
    assert len(interpreters) > 5
    assert [name for name in interpreters if f"`{name}`" not in text] == []


def test_at_the_top_lies_what_a_source_distribution_holds_and_nothing_that_was_left_there() -> None:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("only git tells what belongs to a checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("git does not tell what belongs to this checkout")
    there = {name.partition("/")[0] for name in listed.stdout.decode().split("\0") if name}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    shown = {name for name in there if not name.startswith(".")}
    assert shown - {name.strip("/") for name in included} == {"pyproject.toml"}
