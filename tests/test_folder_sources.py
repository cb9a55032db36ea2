"""A folder that is a model: nothing is written over its files, those too that are not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import filtviz
from filtviz.errors import OutputError
from filtviz.network import ConvLayer, Network, Origin
from filtviz.sources import Sources, is_result


@pytest.fixture
def model(tmp_path: Path) -> Network:
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "fingerprint.pb", "variables/variables.index", "manifest.json"):
        (folder / name).write_bytes(b"part")
    layer = ConvLayer.of(np.ones((2, 1, 3, 3), "f4"))
    return Network.of([layer], Origin(path=folder, siblings=(folder / "saved_model.pb",)))


@pytest.mark.parametrize("name", ["saved_model.pb", "fingerprint.pb", "variables/variables.index"])
def test_no_part_is_replaced(model: Network, name: str) -> None:
    assert model.origin.path is not None
    with pytest.raises(OutputError, match="it is one of the files given"):
        Sources.of([model]).refuse(model.origin.path / name)


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["page.html", "manifest.json", "variables/new.png", "pngs/fingerprint.pb"])
def test_what_is_no_part_may_be_written(model: Network, name: str) -> None:
    assert model.origin.path is not None
    Sources.of([model]).refuse(model.origin.path / name)


def test_a_result_beside_the_parts_is_replaced_by_its_own_model(model: Network) -> None:
    folder = model.origin.path
    assert folder is not None
    page = folder / "page.html"
    for _ in range(2):
        filtviz.report(model, output=page)
    assert page.read_text("utf-8").startswith("<!")
    with pytest.raises(OutputError):
        filtviz.report(model, output=folder / "fingerprint.pb")
    assert (folder / "fingerprint.pb").read_bytes() == b"part"


def test_what_cannot_be_looked_at_is_no_result(tmp_path, monkeypatch):
    path = tmp_path / "sheet.png"
    path.write_bytes(b"x")
    for error in (PermissionError, FileNotFoundError, OSError):
        monkeypatch.setattr(Path, "open", lambda *_, error=error: (_ for _ in ()).throw(error("no")))
        assert not is_result(path)
