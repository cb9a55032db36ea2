"""What a file calls its layers reaches no terminal, file name, picture or page unescaped."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from xml.dom import minidom

import pytest
from click.testing import CliRunner, Result

from filtviz.cli import main
from tests.reading.making import conv, image, weights, write

NAMES = {
    # https://www.cve.org/CVERecord?id=CVE-2003-0063 (titles of terminals), and what clears their screen
    "escapes": "\x1b]0;PWNED\x07\x1b[2Jevil",
    "escapes of one byte": "\x9b31mred",
    "lines": "one\ntwo\rthree\x00four",
    # https://trojansource.codes
    "another direction": "\u202eevil\u2066\u200b\ufeff",
    "lines of Unicode": "one\u2028two\u2029three",
    # https://security.snyk.io/research/zip-slip-vulnerability
    "a path": "../../../PWNED",
    "a path from the root": "/tmp/PWNED",
    "a path of Windows": "C:\\PWNED",
    "a device of Windows": "nul",
    "a parent": "..",
    # https://owasp.org/www-community/attacks/xss/
    "a script": "<script>alert(1)</script>",
    "the end of an attribute": "\" onload=alert(1) x='",
    "the end of a script": "</script></text>]]><script>alert(1)</script>",
    "a template": "{{ 7 * 191 }}{% raw %}",
    "mathematics": "$\\frac{1}{$ $$ %",
    "formats": "%s%n{0}{name!r}",
    "half a character": "\ud800x",
    "ten thousand letters": "n" * 10_000,
    "the name of another file": "manifest.json",
    "an option": "--output=PWNED",
    "nothing but space": "   ",
}
TELLING = ("escapes", "a path", "a script")
"""What even the fast tests try."""

OBEYED = {chr(code) for code in (*range(9), *range(11, 32), *range(0x7F, 0xA0))} | set(
    "\u202e\u2066\u200b\ufeff\u2028\u2029"
)
"""Characters that a terminal obeys."""


@pytest.fixture(
    params=[pytest.param(name, marks=() if name in TELLING else pytest.mark.slow) for name in NAMES],
    scope="module",
)
def model(request, tmp_path_factory) -> Path:
    """Two convolutions with a hostile name."""
    name = NAMES[request.param]
    folder = tmp_path_factory.mktemp("names") / "inner" / "most"
    folder.mkdir(parents=True)
    below = conv(image(1, 12, 12), weights(4, 1, 3, 3), name=name)
    return write(folder / "model.pkl", conv(below, weights(4, 4, 3, 3, seed=1), name=f"{name}2"), 4)


def run(*words: object) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert not OBEYED & set(result.stdout + result.stderr)
    return result


def written(folder: Path) -> list[Path]:
    """The files in a folder; nothing lies beside it that was not there."""
    assert {path.name for path in folder.parent.iterdir()} <= {"model.pkl", "out"}
    assert [path.name for path in folder.parents[1].iterdir()] == ["most"]
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert paths
    for path in paths:
        assert path.name.isascii()
        assert len(path.name) < 120
        assert not set(path.name) & set('\\:*?"<>| $%')
    return paths


def attributes_of(page: str) -> set[str]:
    """The names of all attributes of a page's elements."""
    found: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.update(name for name, _ in attributes)  # type: ignore[method-assign]
    parser.feed(page)
    return found


@pytest.fixture
def out(model: Path) -> Path:
    """A folder for results."""
    return model.parent / "out"


@pytest.mark.parametrize(
    "words",
    [("layers", "--verbose"), ("layers", "--json"), ("diagnose",), ("diagnose", "--json")],
    ids=" ".join,
)
def test_tables(words, model):
    output = run(*words, model).stdout
    assert "--json" not in words or json.loads(output)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--format", "pdf"), marks=pytest.mark.slow),
        *((), ("--view", "sheet"), ("--format", "svg")),
    ],
    ids=" ".join,
)
def test_pictures(options, model, out):
    run("plot", model, "--layer", 0, "--layer", 1, "--channels", 0, "-o", f"{out}/", *options)
    for path in written(out):
        if path.suffix == ".svg":
            minidom.parse(str(path))
            assert "<script" not in path.read_text("utf-8")


def test_pictures_in_the_terminal(model):
    result = CliRunner().invoke(main, ["plot", str(model), "--terminal"], color=False)
    assert result.exit_code == 0
    assert not {"\x1b]", "\x1b[2J", "\x9b"} & set(result.output)
    assert "\x1b]0;" not in result.output


def test_a_layer_asked_for_by_its_name(model, request, out):
    name = NAMES[request.node.callspec.params["model"]]
    run("plot", model, "-o", f"{out}/", f"--layer={name}")


def test_comparisons(model, out):
    run("compare", model, model, "-o", f"{out}/")
    written(out)


def test_exports_and_their_manifest(model, out):
    run("export", model, "-o", out, "--quiet")
    paths = written(out)
    (manifest,) = [path for path in paths if path.name == "manifest.json"]
    assert manifest.read_bytes().isascii()
    assert json.loads(manifest.read_text())


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt"])
def test_conversions(model, out, suffix):
    out.mkdir(exist_ok=True)
    target = out / f"net{suffix}"
    run("convert", model, target)
    raw = target.read_bytes()
    assert suffix != ".npz" or b"../../PWNED" not in raw  # elsewhere a name is no path
    assert b"\x1b]0;" not in raw
    run("layers", target)


@pytest.mark.slow
def test_reports(model, out):
    out.mkdir(exist_ok=True)
    run("report", model, "-o", out / "page.html")
    page = (out / "page.html").read_text("utf-8")
    assert "<script>alert" not in page
    attributes = attributes_of(page)
    assert "class" in attributes
    assert "onload" not in attributes
    assert "1337" not in page
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(page)


def test_a_name_that_is_not_there_is_shown_escaped(model):
    result = CliRunner().invoke(main, ["plot", str(model), "--layer", "\x1b[2J\u202e"])
    assert result.exit_code == 1
    assert not OBEYED & set(result.output)
