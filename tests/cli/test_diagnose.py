"""``filtviz diagnose``: texts, tables, JSON, CSV, checks and exit statuses, on the example networks."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests.chains import glorot

from filtviz.cli import main
from filtviz.cli.json_data import CSV_COLUMNS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
UNTRAINED, HALFWAY, TRAINED = (
    str(EXAMPLES / f"mission-{state}.pkl") for state in ("untrained", "halfway", "trained")
)

LAYER_KEYS = {
    "conv_index", "name", "type", "shape", "dtype", "verdict", "sentence", "seen", "why",
    "decides", "initialiser",
    "rules",
    "draws",
    "residue", "residue_at_least",
    "measures",
    "first_filters", "composed_size", "unread_channels", "changes", "notes", "is_frozen",
    "marked_frozen",
}  # fmt: skip


def run(*arguments: str):
    return CliRunner().invoke(main, ["diagnose", *arguments], env={"COLUMNS": "100"})


def data(*arguments: str):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not strict JSON")

    printed = json.loads(result.stdout, parse_constant=refuse)
    (model,) = printed["models"]
    assert (printed["complete"], printed["answer"]) == (True, model["answer"])
    return model


@pytest.fixture(scope="module")
def trained() -> dict:
    return data(TRAINED)


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.slow
def test_the_trained_network_gets_the_answer(trained) -> None:
    first, *deeper = trained["layers"]
    over = f"over {int(100 * first['residue_at_least'])}%"
    assert first["verdict"] in ("updated", "structured")
    assert {layer["verdict"] for layer in deeper} == {"structured"}
    for said in (
        "conv1 looks random because most of it still is: "
        f"{over} of what the picture shows is the noise of the initialisation, and what was learned "
        "lies under it. ",
        "each kernel has its own contrast, so that noise looks as strong as signal",
        "Look at the deeper filters through the layers below them: ",
        " of the 20 filters of conv3, composed to 7x7 pixels, are smoother or finer than chance.",
        "None of this says how well the network does",
    ):
        assert said in trained["summary"]
    assert trained["answer"] == (
        f"conv1 looks random because it mostly still is: {over} of what you see is "
        "initial noise. That need not be a fault: conv2 to conv6 did learn structure."
    )
    assert trained["look"] == (
        "What conv6 looks for in the image shows through the layers below it, 20x20 pixels a filter; this "
        "picture predicts what its units answer at r = 0.73:"
    )
    assert trained["next"] == [
        f"filtviz plot {TRAINED} --layer conv6 --through",
        f"filtviz diagnose {TRAINED} --details",
    ]
    assert trained["more"] == "A file from before training measures what is estimated here:"
    assert trained["more_command"] == f"filtviz diagnose {TRAINED} --before YOUR-FILE-FROM-BEFORE.pkl"


@pytest.mark.slow
def test_the_residue_of_the_first_layer_is_right(trained) -> None:
    import filtviz

    before, after = (
        filtviz.load(path).conv_layers[0].W.ravel().astype(float) for path in (UNTRAINED, TRAINED)
    )
    true = (before @ after) ** 2 / (before @ before) / (after @ after)
    first = trained["layers"][0]
    assert first["residue"] is None
    assert true - 0.25 < first["residue_at_least"] < true


@pytest.mark.slow
def test_the_untrained_network_gets_the_answer() -> None:
    untrained = data(UNTRAINED)
    assert {layer["verdict"] for layer in untrained["layers"]} == {"initial"}
    assert untrained["summary"] == (
        "No trace of training can be seen: all 6 convolutions are indistinguishable from initial draws by "
        "GlorotUniform(). The filters look random because they are. If this network was trained, either it "
        "was for a short time, or this file is from before."
    )
    assert untrained["answer"] == (
        "The filters look random because they are: all 6 convolutions are still as GlorotUniform() draws "
        "them. No trace of training can be seen in this file. If you did train the network, check which file "
        "was saved, whether these layers were frozen, and whether the learning rate was too small."
    )
    assert untrained["look"] == ""
    assert untrained["next"] == [f"filtviz diagnose {UNTRAINED} --details"]
    assert untrained["more_command"] == f"filtviz diagnose YOUR-TRAINED-FILE.pkl --before {UNTRAINED}"
    assert {layer["seen"] for layer in untrained["layers"]} == {"noise, as it was drawn"}


def test_the_keys_are_those_of_the_docs() -> None:
    told = data(str(EXAMPLES.parent / "tests" / "fixtures" / "modern" / "list.pt"))
    keys = {
        "file",
        "layers",
        "not_judged",
        "answer",
        "summary",
        "look",
        "more",
        "more_command",
        "others",
        "next",
    }
    keys |= {"notes", "left_out", "checks", "shown", "status", "code", "reason"}
    assert set(told) == keys
    assert all(set(layer) == LAYER_KEYS for layer in told["layers"])
    for measure in told["layers"][0]["measures"].values():
        assert set(measure) == {
            "value", "text", "z", "p", "level", "threshold", "interval", "judges", "found", "reason"
        }  # fmt: skip
    documented = (EXAMPLES.parent / "docs" / "json.md").read_text()
    for key in (*LAYER_KEYS, *told, *CSV_COLUMNS):
        assert f"`{key}`" in documented, key


JARGON = (
    "p = ",
    "z = ",
    "none of",
    "sphericity",
    "tests",
    "gated",
    "composed",
    "null",
    "statistically",
    "R²",
)


@pytest.mark.slow
@pytest.mark.parametrize("model", [UNTRAINED, HALFWAY, TRAINED])
@pytest.mark.parametrize("more", [(), ("--before", UNTRAINED)])
def test_the_answer_comes_first_on_one_screen_without_jargon(model, more) -> None:
    result = CliRunner().invoke(main, ["diagnose", model, *more], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) <= 23
    said = data(model, *more)
    assert one_line(result.stdout).startswith(said["answer"])
    assert [word for word in JARGON if word in result.stdout] == []
    assert all(layer["name"] in result.stdout for layer in said["layers"])
    prose = [line for line in lines if not line.startswith("  filtviz")]
    assert max(map(len, prose)) <= 80


@pytest.mark.slow
def test_commands_run_as_they_stand(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for model in (UNTRAINED, TRAINED):
        for command in data(model)["next"]:
            program, *arguments = shlex.split(command)
            assert program == "filtviz"
            result = CliRunner().invoke(main, arguments)
            assert result.exit_code == 0, result.stderr
    assert (tmp_path / "mission-trained-conv6-through.png").exists()


@pytest.mark.slow
def test_the_details_hold_sentences_tables_summary_and_commands(trained) -> None:
    result = run(TRAINED, "--details")
    assert result.exit_code == 0
    assert result.stderr == ""
    said = one_line(result.stdout)
    for layer in trained["layers"]:
        assert layer["sentence"] in said
    assert trained["summary"] in said
    assert said.startswith(trained["answer"])
    assert f"  {trained['next'][0]}\n" in result.stdout
    assert result.stdout.count("measure (* found)") == 6
    assert "spike" in said
    assert "Tracy-Widom" in said
    assert max(len(line) for line in result.stdout.splitlines() if "filtviz" not in line) <= 100


@pytest.mark.slow
def test_before_measures_the_change() -> None:
    result = run(TRAINED, "--before", UNTRAINED, "--before", HALFWAY, "--layer", "conv1", "--details")
    assert result.exit_code == 0
    rows = [line for line in result.stdout.splitlines() if line.startswith("mission-")]
    assert [row.split()[0] for row in rows][-2:] == ["mission-untrained.pkl", "mission-halfway.pkl"]
    (layer,) = data(TRAINED, "--before", UNTRAINED, "--layer", "conv1", "--filters")["layers"]
    (change,) = layer["changes"]
    assert change["before"] == UNTRAINED
    assert 0.8 < change["cos2"] < 1
    assert change["share"] > 0.6
    assert change["share_p"] < 1e-6
    assert len(change["filters"]) == len(layer["filters"]) == 20
    assert "Against" in data(TRAINED, "--before", UNTRAINED)["summary"]


@pytest.mark.slow
def test_filters_are_shown_one_by_one() -> None:
    result = run(TRAINED, "--layer", "2", "--filters")
    table = result.stdout[result.stdout.index("filter    norm") :].splitlines()
    assert [int(line.split()[0]) for line in table[2:22]] == list(range(20))
    assert "low-pass" in result.stdout
    assert result.stdout.count("────") >= 2
    assert "conv2  " not in result.stdout


@pytest.mark.slow
def test_of_several_models_it_is_said_in_what_they_differ() -> None:
    result = run(UNTRAINED, TRAINED)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(
        "mission-untrained.pkl: all 6 convolutions are as drawn. mission-trained.pkl: "
    )
    heading = next(place for place, line in enumerate(lines) if line.startswith("layer"))
    assert lines[heading].split() == ["layer", "filters", "mission-untrained", "mission-trained"]
    assert [line.split()[0] for line in lines[heading + 2 : heading + 8]] == [f"conv{i}" for i in range(1, 7)]
    assert lines[-1] == f"  filtviz diagnose {TRAINED}"
    details = run(UNTRAINED, TRAINED, "-l", "0", "--details").stdout
    assert details.count("What it rests on ─") == 2
    assert "What it rests on" not in result.stdout


@pytest.mark.slow
def test_a_long_path_keeps_its_end_in_the_table(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    copy, other = folder / "copied.pkl", folder / "other.npz"
    copy.write_bytes(Path(UNTRAINED).read_bytes())
    np.savez(other, glorot((20, 1, 3, 3)))
    rows = run(str(copy), str(other)).stdout.splitlines()
    shown = [row.split()[0] for row in rows if row.startswith("…")]
    assert [name[-10:] for name in shown] == ["copied.pkl", "/other.npz"]
    assert {len(name) for name in shown} == {40}


@pytest.mark.slow
def test_csv_has_a_row_for_each_filter() -> None:
    result = run(TRAINED, "--csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == 20 * 3 + 40 * 3
    assert [row["filter"] for row in rows[:20]] == [str(n) for n in range(20)]
    assert {row["verdict"] for row in rows[20:]} == {"structured"}
    assert all(0 <= float(row["share"]) <= 1 for row in rows)


@pytest.mark.slow
def test_a_bad_file_does_not_stop_the_others(tmp_path) -> None:
    bad = tmp_path / "bad.pkl"
    bad.write_bytes(b"nonsense")
    result = run(str(bad), UNTRAINED, str(tmp_path / "missing.pkl"))
    assert result.exit_code == 1
    assert "mission-untrained.pkl" in result.stdout
    complaints = result.stderr.splitlines()
    assert len(complaints) == 2
    assert str(bad) in complaints[0]
    assert str(tmp_path / "missing.pkl") in complaints[1]
    assert run(str(bad), UNTRAINED, "--json").exit_code == 1
    printed = json.loads(run(str(bad), UNTRAINED, "--json").stdout)
    assert printed["complete"] is False
    assert [(each["file"], each["status"], each["code"]) for each in printed["models"]] == [
        (str(bad), "failed", "unsupported"),
        (UNTRAINED, "diagnosed", None),
    ]
    failed, whole = printed["models"]
    assert f"filtviz: {failed['reason']}\n" in result.stderr
    assert failed["layers"] == failed["not_judged"] == []
    assert printed["answer"] == whole["answer"]


@pytest.mark.slow
def test_checks_exit_with_3() -> None:
    result = run(UNTRAINED, "--check", "untrained", "--check", "nonfinite")
    assert result.exit_code == 3
    assert result.stderr == (
        f"filtviz: {UNTRAINED}: untrained: conv1, conv2, conv3, conv4, conv5, conv6 (a layer "
        "is indistinguishable "
        "from its initialisation)\n"
    )
    assert (
        run(TRAINED, "--check", "untrained", "--check", "collapsed", "--check", "duplicates").exit_code == 0
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)], ids=["text", "json", "csv"])
@pytest.mark.parametrize(
    ("is_missing", "rule", "status"),
    [(False, "nonfinite", 0), (False, "untrained", 3), (True, "nonfinite", 1), (True, "untrained", 1)],
)
def test_a_failure_counts_more_than_what_a_check_finds_and_both_are_told(
    tmp_path: Path, form: tuple[str, ...], is_missing: bool, rule: str, status: int
) -> None:
    drawn = str(tmp_path / "drawn.npz")
    np.savez(drawn, glorot((20, 1, 3, 3)))
    models = [drawn, "missing.pkl"] if is_missing else [drawn]
    result = run(*models, "--check", rule, *form)
    assert result.exit_code == status
    told = ["filtviz: missing.pkl: there is no such file"] * is_missing
    told += [f"filtviz: {drawn}: untrained: conv1"] * (rule == "untrained")
    lines = result.stderr.splitlines()
    assert [line.startswith(start) for line, start in zip(lines, told, strict=True)] == [True] * len(told)


def test_wrong_usage_exits_with_2() -> None:
    assert run().exit_code == 2
    assert run(TRAINED, "--check", "beauty").exit_code == 2
    assert run(TRAINED, "--json", "--csv").exit_code == 2
    assert run(TRAINED, "--input-range", "0").exit_code == 2


def test_wrong_values_are_one_sentence() -> None:
    result = run(TRAINED, "--input-range", "1", "0")
    assert result.exit_code == 1
    assert result.stderr == (
        "filtviz: the input range must be two finite numbers, the lower first, not (1.0, 0.0)\n"
    )
    assert "there is no convolution 'conv9'" in run(TRAINED, "--layer", "conv9").stderr


@pytest.mark.slow
def test_parameters_alone_are_judged_too(tmp_path) -> None:
    import filtviz

    network = filtviz.load(UNTRAINED)
    arrays = [p.value for layer in network.layers for p in layer.parameters]
    path = tmp_path / "params.npz"
    np.savez(path, *arrays)
    listed = data(str(path))
    assert [layer["verdict"] for layer in listed["layers"]] == ["initial"] * 6
    why = "not composed with the layers below: the file does not tell what lies between the convolutions"
    assert all(layer["notes"] == [why] for layer in listed["layers"][1:])
    assert any("roles are concluded" in note for note in listed["notes"])
    assert "Note: the file holds arrays and no layers" in run(str(path), "--details").stdout


def test_nan_is_strict_json(tmp_path) -> None:
    weights = np.zeros((8, 1, 3, 3), dtype="float32")
    weights[3] = np.nan
    path = tmp_path / "broken.npz"
    np.savez(path, weights, np.zeros(8, dtype="float32"))
    (layer,) = data(str(path), "--filters")["layers"]
    assert layer["verdict"] == "undecided"
    assert [(each["index"], each["norm"], each["nonfinite"]) for each in layer["filters"]] == [
        (index, None if index == 3 else 0, index == 3) for index in range(8)
    ]
    rows = list(csv.DictReader(io.StringIO(run(str(path), "--csv").stdout)))
    assert [row["nonfinite"] for row in rows] == ["0", "0", "0", "1", "0", "0", "0", "0"]
    assert run(str(path), "--check", "nonfinite").exit_code == 3
    assert "not finite" in run(str(path), "--filters").stdout


@pytest.mark.slow
def test_details_fit_80_columns() -> None:
    printed = CliRunner().invoke(main, ["diagnose", TRAINED, "--details"], env={"COLUMNS": "80"}).stdout
    lines = [line for line in printed.splitlines() if TRAINED not in line]  # a command is not broken
    assert max(map(len, lines)) <= 80
    assert "impossible" in printed
    assert "Tracy-Widom" in printed
