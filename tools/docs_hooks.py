"""What the site of the documentation needs beside its pages: hooks of MkDocs, named in mkdocs.yml.

On the code host a page links to any file of the project (``../SECURITY.md``); the site has only what is in
``docs/``, so that such a link leads to the code host. The page on contributing is the file at the top of the
project, and the page on Python must have every public name.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
AT_THE_TOP = {"contributing.md": "CONTRIBUTING.md"}
_LINK = re.compile(r"\]\((?!https?:|#)(?P<target>[^)]+)\)")


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Return the text of a page with its links as the site needs them.

    Raises:
        FileNotFoundError: a link leads out of ``docs/`` to a file that does not exist.
    """
    if name := AT_THE_TOP.get(page.file.src_uri):
        markdown = _LINK.sub(r"](../\g<target>)", (ROOT / name).read_text("utf-8"))
    host = config.extra["source"]
    return _LINK.sub(lambda link: f"]({_target(link['target'], host)})", markdown)


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Leave the page as it is, if it is not the one on Python or has every public name.

    Raises:
        LookupError: a public name is missing.
    """
    if page.file.src_uri == "python.md":
        described = set(re.findall(r'<h\d id="filtviz\.(?:\w+\.)*(\w+)"', html))
        if missing := [name for name in _public_names() if name not in described]:
            raise LookupError(f"docs/python.md does not describe {', '.join(missing)}")
    return html


def _target(target: str, host: str) -> str:
    outside = target.removeprefix("../")
    if outside == target or outside.startswith("docs/"):
        return outside.removeprefix("docs/")
    path = outside.partition("#")[0]
    if not (ROOT / path).exists():
        raise FileNotFoundError(f"the documentation links to {path}, which does not exist")
    return f"{host}/blob/main/{outside}"


def _public_names() -> list[str]:
    tree = ast.parse((ROOT / "src" / "filtviz" / "__init__.py").read_text("utf-8"))
    (listed,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    return [name for name in ast.literal_eval(listed) if not name.startswith("_")]
