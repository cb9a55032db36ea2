"""A real browser for the tests of the page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; the tests that need it are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield launched
        launched.close()


WATCH_POLICY = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""

Visit = Callable[..., "Page"]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open a page; when the test ends, nothing may have been logged, refused, asked or fetched."""
    pages: list[Page] = []
    seen: list[str] = []

    def open_page(path: Path, **options: Any) -> Page:
        page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options).new_page()
        page.set_default_timeout(30_000)  # a machine may be busy with other tests
        page.add_init_script(WATCH_POLICY)
        page.on("console", lambda message: seen.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: seen.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (seen.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    requests: list[str] = []
    yield open_page
    for page in pages:
        seen += [f"policy: {each}" for each in page.evaluate("window.violations ?? []")]
        page.context.close()
    assert pages
    assert seen == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests)
