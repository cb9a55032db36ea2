"""The page of a survey: what it says, and that it is harmless and needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import filtviz

pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra survey)")

from filtviz.measures.verdicts import VERDICTS
from filtviz.surveying import page, summing

EDGE = np.outer([1, 2, 1], [1, 0, -1]).astype(np.float64)


def save(path, *layers):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{f"W{n}": layer.astype(np.float32) for n, layer in enumerate(layers)})


def noise(seed, shape=(16, 8, 3, 3), scale=0.1):
    return np.random.default_rng(seed).normal(0, scale, shape)


def surveyed(folder="zoo"):
    result = filtviz.survey(folder, "out", jobs=1)
    return result.page.read_text(encoding="utf-8")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_needs_nothing_else_and_runs_nothing(here):
    save(here / "zoo" / "net.npz", noise(0), noise(1, (4, 16, 3, 3)))
    text = surveyed()
    assert "<script" not in text
    assert "default-src &#39;none&#39;" in text
    assert not re.search(r"(src|href)=\"(?!#)", text)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


def test_the_policy_allows_the_style_that_is_there_and_no_script():
    nothing = dict.fromkeys(("distributions", "standouts", "components", "histories", "failures"), ())
    counts = dict.fromkeys(("parameters", "layers", "filters", "n_histories"), 0)
    text = page.render_survey(summing.SurveyContent(statuses=Counter(), shares={}, **counts, **nothing))
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    allowed = dict(part.split(" ", 1) for part in html.unescape(policy).split("; "))
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    for name, there in (("style-src", style), ("script-src", "")):
        digest = base64.b64encode(hashlib.sha256(there.encode()).digest()).decode()
        assert allowed[name] == f"'sha256-{digest}'", name
    assert "<script" not in text
    assert "unsafe" not in policy


def test_verdicts_are_called_and_explained_as_everywhere(here):
    save(here / "zoo" / "net.npz", noise(0), noise(1, (4, 16, 3, 3)))
    text = surveyed()
    for key, verdict in VERDICTS.items():
        assert f'<th scope="col">{verdict.word}</th>' in text
        assert f'<span class="chip chip-{key}">{verdict.word}</span></dt><dd>{verdict.plain}' in text
        assert (f"The tables call it <code>{key}</code>." in text) == (verdict.word != key)


def test_a_narrow_page_is_not_made_wide_by_the_style_of_reports(here):
    save(here / "zoo" / "net.npz", noise(0), noise(1, (4, 16, 3, 3)))
    text = surveyed()
    assert '<div class="measures">' in text
    style = "".join(re.findall("<style>(.*?)</style>", text, re.DOTALL))
    wide = [rule[0] for rule in re.findall(r"([^{};]+)\{([^{}]*)\}", style) if "min-width: 44rem" in rule[1]]
    assert [rule.strip() for rule in wide] == ["table.measures"]


def test_names_are_harmless(here):
    save(here / "zoo" / "<img src=x onerror=alert(1)>\u202e.npz", noise(0), noise(1))
    text = surveyed()
    assert "<img" not in text
    assert "\u202e" not in text
    assert "&lt;img src=x" in text


def test_the_first_sentences_say_what_is_the_matter(here):
    for n in range(3):
        save(here / "zoo" / f"net{n}.npz", noise(n, (32, 16, 3, 3), np.sqrt(2 / (16 * 9))))
    broken = noise(3)
    broken[0, 0, 0, 0] = np.nan
    save(here / "zoo" / "broken.npz", broken)
    text = surveyed()
    assert "4 models with 4 convolutions, 112 filters and 14,976 weights." in text
    assert "Of the filters 1 holds NaN or infinity." in text
    assert "75% of the layers are still as an initialiser left them (3)." in text


def test_kernels_of_one_direction_have_one_component_and_noise_has_nine():
    def components(kernels):
        moments = summing._Moments()
        flat = kernels.reshape(-1, 9) / np.abs(kernels.reshape(-1, 9)).max(axis=1, keepdims=True)
        moments.add(
            ["structured"], np.array([len(flat)]), flat.sum(axis=0)[None], (flat.T @ flat).reshape(1, -1)
        )
        return next(iter(moments.components()))

    edges = components(noise(0, (500, 1, 1, 1)) * EDGE)
    assert edges.shares[0] == pytest.approx(1.0)
    assert abs(np.sum(edges.basis[0] * EDGE)) == pytest.approx(np.linalg.norm(EDGE))
    random = components(noise(1, (20_000, 1, 3, 3)))
    assert 0.10 < random.shares.min() < random.shares.max() < 0.13
    assert random.kernels == 20_000


@pytest.mark.parametrize(("filters", "shown"), [(125, True), (124, False)])
def test_components_of_few_kernels_are_not_shown(here, filters, shown):
    save(here / "zoo" / "net.npz", noise(0, (filters, 8, 3, 3)))
    text = surveyed()
    assert ("What 3x3 kernels are made of" in text) == shown
    assert ("% (40)" in text and "% (3.5)" in text) == shown


def test_the_published_shares_are_those_of_nine_components():
    assert len(page.PUBLISHED) == 9
    assert list(page.PUBLISHED) == sorted(page.PUBLISHED, reverse=True)
    assert sum(page.PUBLISHED) == pytest.approx(100, abs=9 * 0.25)


def test_components_are_those_of_numpy():
    kernels = noise(2, (300, 1, 3, 3)) + 0.1 * EDGE
    flat = kernels.reshape(-1, 9) / np.abs(kernels.reshape(-1, 9)).max(axis=1, keepdims=True)
    moments = summing._Moments()
    for part in np.array_split(flat, 7):
        moments.add(
            ["initial"], np.array([len(part)]), part.sum(axis=0)[None], (part.T @ part).reshape(1, -1)
        )
    (found, _) = moments.components()
    values = np.linalg.svd(flat - flat.mean(axis=0), compute_uv=False) ** 2
    np.testing.assert_allclose(found.shares, values / values.sum())


@pytest.mark.slow
def test_checkpoints_of_one_run_give_a_history_in_the_order_of_their_numbers(here):
    start = noise(0), noise(1)
    for epoch in (10, 2, 1):
        save(here / "runs" / f"epoch{epoch}.npz", *(each + epoch * 0.02 * EDGE for each in start))
    save(here / "runs" / "other" / "epoch1.npz", *start)
    text = surveyed("runs")
    assert "runs/epoch#.npz: 3 states, 1 to 10" in text
    assert text.count(" states, ") == 1
    line = re.search(r'<polyline points="([^"]+)"><title>', text)
    xs = [float(point.split(",")[0]) for point in line[1].split()]
    assert xs == [0.0, pytest.approx(page.WIDTH / 9, abs=0.1), page.WIDTH]


def test_two_checkpoints_are_no_history(here):
    for epoch in (1, 2):
        save(here / "runs" / f"epoch{epoch}.npz", noise(epoch))
    assert "From epoch to epoch" not in surveyed("runs")


@pytest.mark.slow
def test_a_model_unlike_the_others_stands_out_and_one_like_them_does_not(here):
    for n in range(10):
        save(here / "zoo" / f"net{n}.npz", noise(n))
    save(here / "zoo" / "odd.npz", noise(11, (16, 8, 1, 1)) * EDGE)
    text = surveyed()
    section = text[text.index('id="standouts"') : text.index('id="failures"') if "failures" in text else None]
    assert "zoo/odd.npz" in section
    assert "zoo/net3.npz" not in section


@pytest.mark.slow
def test_few_models_do_not_stand_out(here):
    for n in range(3):
        save(here / "zoo" / f"net{n}.npz", noise(n))
    save(here / "zoo" / "odd.npz", noise(11, (16, 8, 1, 1)) * EDGE)
    assert "stand out" not in surveyed()


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "of", "said"), [(0, 5, "–"), (3, 0, "–"), (1, 200, "under 1%"), (1, 100, "1%"), (5, 5, "100%")]
)
def test_shares_are_said_in_percent(n, of, said):
    assert page.share_of(n, of) == said


@pytest.mark.slow
def test_a_distribution_names_the_layers_at_its_ends(here):
    for n in range(6):
        save(here / "zoo" / f"net{n}.npz", noise(n, scale=0.1 * (n + 1)))
    text = surveyed()
    section = text[text.index("<h3>Root mean square</h3>") :]
    assert re.search(r"lowest: 0\.\d+, \w+ of zoo/net0\.npz", section)
    assert re.search(r"highest: 0\.\d+, \w+ of zoo/net5\.npz", section)


def test_an_empty_folder_is_a_page_too(here):
    Path("zoo").mkdir()
    text = surveyed()
    assert "A survey of 0 models" in text
