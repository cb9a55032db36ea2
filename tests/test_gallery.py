"""The gallery shows what its commands make."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from PIL import Image

DOCS = Path(__file__).resolve().parents[1] / "docs"

spec = spec_from_file_location("make_gallery", DOCS / "make_gallery.py")
make_gallery = module_from_spec(spec)
spec.loader.exec_module(make_gallery)

PAGE = make_gallery.PAGE.read_text(encoding="utf-8")
COMMANDS = make_gallery.commands_of(PAGE)
PICTURES = make_gallery.PICTURE.findall(PAGE)


def test_every_picture_is_there_is_small_and_is_made_by_a_command() -> None:
    assert len(PICTURES) >= 12
    for picture in PICTURES:
        with Image.open(DOCS / "gallery" / picture) as image:
            assert max(image.size) <= 1400
        assert any(picture in command.split() for command in COMMANDS)
    sizes = [(DOCS / "gallery" / picture).stat().st_size for picture in PICTURES]
    assert sum(sizes) < 600_000
    assert {path.name for path in (DOCS / "gallery").iterdir()} == set(PICTURES)


@pytest.mark.cases(2)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "--view nmf" in command:
        pytest.importorskip("sklearn", reason="needs the extra nmf")
    if command.split()[1] in ("saliency", "maximise"):
        pytest.importorskip("torch", reason="needs PyTorch")
    monkeypatch.chdir(tmp_path)
    make_gallery.fill_folder(tmp_path)
    printed = make_gallery.run(command)
    for picture in PICTURES:
        assert (tmp_path / picture).is_file() == (picture in command.split())
    if "--terminal" in command and sys.platform != "win32":
        assert f"```sh\n{command}\n```\n\n```text\n{printed}```" in PAGE
