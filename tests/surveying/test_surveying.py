"""`filtviz.survey`: its tables, what a second run keeps, what it does with files that fail."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz import surveying
from filtviz.cli import main
from filtviz.surveying import columns, parquet, taking

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra survey)")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (the extra survey)")

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
FIXTURES = ROOT / "tests" / "fixtures"


def kernels(seed, shape=(8, 3, 3, 3)):
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


def fill(folder):
    """Three models, one that is damaged, one without convolutions, and one file that is no model."""
    for n in range(3):
        (folder / "zoo" / f"run{n}").mkdir(parents=True)
        np.savez(folder / "zoo" / f"run{n}" / "net.npz", W1=kernels(n), W2=kernels(n, (4, 8, 5, 5)))
    shutil.copy(FIXTURES / "modern" / "keras" / "attacks" / "loop.h5", folder / "zoo" / "bad.h5")
    np.savez(folder / "zoo" / "dense.npz", W=np.ones((3, 4), np.float32))
    (folder / "zoo" / "notes.txt").write_text("no model")


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    return tmp_path / "zoo"


@pytest.fixture(scope="module")
def surveyed_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("surveyed")
    fill(folder)
    with contextlib.chdir(folder):
        filtviz.survey("zoo/run0", "out", jobs=1)
    return folder


@pytest.fixture
def surveyed(surveyed_once, tmp_path, monkeypatch):
    """The same files, of which run0 was surveyed into the folder out."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(surveyed_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "zoo"


def test_models_without_kernels_of_three_by_three_have_a_page_as_well(zoo):
    np.savez("wide.npz", W1=kernels(0, (8, 3, 5, 5)))
    assert "What 3x3 kernels are made of" not in filtviz.survey("wide.npz", "out", jobs=1).page.read_text()


def table(name, folder="out"):
    return pq.read_table(Path(folder, f"{name}.parquet")).to_pylist()


def files_of(folder="out"):
    return {row["file"]: row for row in table("files", folder)}


def test_every_file_layer_and_filter_has_a_row(zoo):
    result = filtviz.survey("zoo", "out", jobs=1)
    assert (result.measured, result.kept, result.passed_over) == (5, 0, 1)
    assert (result.layers, result.filters) == (6, 36)
    assert {name: row["status"] for name, row in files_of().items()} == {
        "zoo/bad.h5": "failed",
        "zoo/dense.npz": "no-filters",
        **{f"zoo/run{n}/net.npz": "read" for n in range(3)},
    }
    first = table("layers")[0]
    assert (first["filters"], first["channels"], first["rows"], first["cols"]) == (8, 3, 3, 3)
    assert first["verdict"] in ("initial", "undecided")
    assert [row["filter"] for row in table("filters")[:12]] == [*range(8), *range(4)]
    assert [each.file for each in result.failures] == ["zoo/bad.h5"]
    assert not result.complete


@pytest.mark.slow
def test_a_row_has_the_digest_of_the_bytes_and_the_numbers_of_diagnose(zoo):
    filtviz.survey("zoo/run1", "out", jobs=1)
    path = zoo / "run1" / "net.npz"
    assert files_of()["zoo/run1/net.npz"]["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()
    judged = filtviz.diagnose(path).layers
    for row, layer in zip(table("layers"), judged, strict=True):
        assert row["verdict"] == layer.verdict
        for finding in layer.findings:
            assert row[columns.column_of_measure(finding.measure)] == finding.value
            assert row[f"{columns.column_of_measure(finding.measure)}_p"] == finding.p
            assert row[f"{columns.column_of_measure(finding.measure)}_found"] == finding.found
    norms = [row["norm"] for row in table("filters")]
    assert norms == [each.norm for layer in judged for each in layer.filters]


def test_columns_have_names_of_their_own_and_say_what_they_hold(surveyed):
    for name, own in columns.TABLES.items():
        names = [column.name for column in own]
        assert len(set(names)) == len(names)
        schema = pq.read_schema(next(Path("out", f"{name}.parquet").iterdir()))
        assert schema.names == names
        for column in own:
            assert schema.field(column.name).metadata[b"meaning"].decode() == column.meaning


def test_the_moments_are_those_of_kernels_with_a_peak_of_one(zoo):
    filtviz.survey("zoo/run2", "out", jobs=1)
    row = table("layers")[0]
    flat = kernels(2).reshape(-1, 9).astype(np.float64)
    scaled = flat / np.abs(flat).max(axis=1, keepdims=True)
    assert row["kernels"] == 24
    np.testing.assert_allclose(row["kernel_sum"], scaled.sum(axis=0))
    np.testing.assert_allclose(np.reshape(row["kernel_products"], (9, 9)), scaled.T @ scaled)
    assert table("layers")[1]["kernels"] is None


@pytest.mark.slow
def test_a_second_run_measures_what_is_new_or_changed_and_keeps_the_rest(zoo):
    filtviz.survey("zoo", "out", jobs=1)
    again = filtviz.survey("zoo", "out", jobs=1)
    assert (again.measured, again.kept, again.layers) == (0, 5, 0)
    assert [each.file for each in again.failures] == ["zoo/bad.h5"]
    np.savez(zoo / "run1" / "net.npz", W1=kernels(7, (16, 3, 3, 3)))
    np.savez(zoo / "new.npz", W1=kernels(8))
    third = filtviz.survey("zoo", "out", jobs=1)
    assert (third.measured, third.kept) == (2, 4)
    assert sorted(row["file"] for row in table("files")) == sorted([*files_of()])
    assert len(files_of()) == 6
    assert {row["filters"] for row in table("layers") if row["file"] == "zoo/run1/net.npz"} == {16}
    assert len(table("filters")) == 12 + 12 + 16 + 8


def test_parts_of_a_run_that_was_stopped_while_it_wrote_count_for_nothing(surveyed):
    shutil.copy("out/filters.parquet/part-000000.parquet", "out/filters.parquet/part-000001.parquet")
    shutil.copy("out/layers.parquet/part-000000.parquet", "out/layers.parquet/part-000001.parquet")
    filtviz.survey("zoo/run0", "out", jobs=1)
    assert len(table("filters")) == 12
    assert len(table("layers")) == 2


def test_other_options_are_refused_and_nothing_is_lost(surveyed):
    with pytest.raises(filtviz.OutputError, match="holds a survey with other options"):
        filtviz.survey("zoo", "out", jobs=1, budget=filtviz.Budget(work=10**9))
    assert len(table("files")) == 1


def test_a_folder_with_something_else_in_the_place_of_a_part_is_refused(zoo):
    Path("out/files.parquet").mkdir(parents=True)
    Path("out/files.parquet/part-000000.parquet").write_bytes(b"not parquet")
    with pytest.raises(filtviz.OutputError, match="cannot be read as a part of a survey"):
        filtviz.survey("zoo", "out", jobs=1)
    assert Path("out/files.parquet/part-000000.parquet").read_bytes() == b"not parquet"


def own(**columns):
    """Columns of the table of files, each for one row."""
    first = pq.read_table("out/files.parquet/part-000000.parquet")
    told = first.to_pydict()
    return pa.Table.from_pydict({**told, **columns}, schema=first.schema)


HOSTILE = {
    "rows by the billion": lambda: pa.concat_tables([own()] * 6000),
    "a text of a megabyte": lambda: own(reason=["x" * 1_000_000] * 2),
    "escapes of a terminal": lambda: own(file=["\x1b[2J", "a"]),
    "no path": lambda: own(file=[None, "a"]),
    "a part with a zero in its path": lambda: own(parts=[["a\0b"], []]),
    "a failure without a reason": lambda: own(status=["failed"] * 2, code=["a"] * 2),
    "no parts": lambda: own(parts=[None, None]),
    "other columns": lambda: own().drop_columns(["size"]),
    "a column of another type": lambda: own().set_column(6, "size", pa.array(["1", "2"])),
}


@pytest.mark.cases(2)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_table_of_a_stranger_is_one_sentence_and_stays(surveyed, name):
    filtviz.survey("zoo/run1", "out", jobs=1)
    np.savez(surveyed / "run0" / "net.npz", W1=kernels(3))  # so that rows are dropped
    part = Path("out/files.parquet/part-000000.parquet")
    pq.write_table(pa.concat_tables([own(), pq.read_table("out/files.parquet/part-000001.parquet")]), part)
    pq.write_table(HOSTILE[name](), part)
    before = part.read_bytes()
    with pytest.raises(filtviz.OutputError, match=r"(read as a|is no) part of a survey"):
        filtviz.survey("zoo/run0", "out", jobs=1)
    assert part.read_bytes() == before


@pytest.mark.cases("all")
@pytest.mark.parametrize("sums", [[float("nan")] * 9, [1e300] * 9, [1.0] * 8, [None] * 9])
def test_sums_of_a_stranger_are_one_sentence(surveyed, sums):
    part = Path("out/layers.parquet/part-000000.parquet")
    first = pq.read_table(part)
    pq.write_table(
        pa.Table.from_pydict({**first.to_pydict(), "kernel_sum": [sums, None]}, schema=first.schema), part
    )
    with pytest.raises(filtviz.OutputError, match="cannot be read as a part of a survey"):
        filtviz.survey("zoo/run0", "out", jobs=1)


ODD_LAYERS = {
    "sums without kernels": {"kernels": [None, None]},
    "kernels without sums": {"kernel_products": [None, None]},
    "rows without columns": {"cols": [None, 3]},
    "no layer": {"layer": [None, "a"]},
}


@pytest.mark.cases(2)
@pytest.mark.parametrize("name", ODD_LAYERS)
def test_layers_of_a_stranger_are_one_sentence(surveyed, name):
    part = Path("out/layers.parquet/part-000000.parquet")
    first = pq.read_table(part)
    odd = pa.Table.from_pydict({**first.to_pydict(), **ODD_LAYERS[name]}, schema=first.schema)
    pq.write_table(odd, part)
    with pytest.raises(filtviz.OutputError, match="cannot be read as a part of a survey"):
        filtviz.survey("zoo/run0", "out", jobs=1)


@pytest.mark.parametrize(("most", "is_read"), [(2_000, False), (1 << 26, True)])
def test_values_that_are_repeated_count_each(surveyed, monkeypatch, most, is_read):
    part = Path("out/files.parquet/part-000000.parquet")
    first = pq.read_table(part)
    told = {**first.to_pydict(), "trained": [["a"] * 300_000]}
    pq.write_table(pa.Table.from_pydict(told, schema=first.schema), part, use_dictionary=True)
    assert part.stat().st_size < 30_000
    monkeypatch.setattr(parquet, "FEW_VALUES", most)
    monkeypatch.setattr(parquet, "VALUES_A_BYTE", 1)
    with (
        contextlib.nullcontext()
        if is_read
        else pytest.raises(filtviz.OutputError, match="read as a part of a survey")
    ):
        filtviz.survey("zoo/run0", "out", jobs=1)


@pytest.mark.parametrize(("longest", "is_read"), [(200, False), (1 << 20, True)])
def test_metadata_beyond_reason_is_not_read(surveyed, monkeypatch, longest, is_read):
    monkeypatch.setattr(parquet, "LONGEST_METADATA", longest)
    refused = pytest.raises(filtviz.OutputError, match="cannot be read as a part of a survey")
    with contextlib.nullcontext() if is_read else refused:
        filtviz.survey("zoo/run0", "out", jobs=1)


def test_states_of_a_run_with_other_layers_than_the_first_show_those_that_all_have(zoo):
    filtviz.survey(["zoo/run0", "zoo/run1", "zoo/run2"], "out", jobs=1)
    for name in ("files", "layers"):
        part = Path(f"out/{name}.parquet/part-000000.parquet")
        first = pq.read_table(part)
        told = first.to_pydict()
        if name == "files":
            told |= {"epoch": [*range(len(told["file"]))], "network": ["n"] * len(told["file"])}
            told |= {"run": ["r"] * len(told["file"]), "status": ["read"] * len(told["file"])}
        else:
            told = {key: values[:-1] for key, values in told.items()}
        pq.write_table(pa.Table.from_pydict(told, schema=first.schema), part)
    page = filtviz.survey(["zoo/run0", "zoo/run1", "zoo/run2"], "out", jobs=1).page.read_text("utf-8")
    assert "r: 3 states, 0 to 2" in page
    trails = page[page.index('id="histories"') : page.index('id="distributions"')]
    assert (
        trails.count("<polyline") == trails.count("<figure") > 0
    )  # a line each: the second layer is missing in one


def test_the_same_weights_under_numbered_names_are_no_run(zoo):
    for n in range(3):
        shutil.copy("zoo/run0/net.npz", f"zoo/run0/protocol{n}.npz")
    page = filtviz.survey([f"zoo/run0/protocol{n}.npz" for n in range(3)], "out", jobs=1).page.read_text(
        "utf-8"
    )
    assert "From epoch to epoch" not in page


@pytest.mark.skipif(os.name != "posix", reason="needs pipes that are files")
@pytest.mark.parametrize("table", columns.TABLES)
def test_a_pipe_in_the_place_of_a_part_is_one_sentence_and_nobody_waits_for_it(zoo, table):
    Path(f"out/{table}.parquet").mkdir(parents=True)
    os.mkfifo(f"out/{table}.parquet/part-000000.parquet")
    with pytest.raises(filtviz.OutputError, match=r"(read as a|is no) part of a survey"):
        filtviz.survey("zoo/run0", "out", jobs=1)


@pytest.mark.parametrize("table", columns.TABLES)
def test_parts_that_are_no_survey_s_are_neither_removed_nor_replaced(zoo, table):
    part = Path("out", f"{table}.parquet", "part-000007.parquet")
    part.parent.mkdir(parents=True)
    pq.write_table(pa.table({"mine": [1]}), part)
    before = part.read_bytes()
    with pytest.raises(filtviz.OutputError, match="is no part of a survey: survey to another folder"):
        filtviz.survey("zoo/run0", "out", jobs=1)
    assert part.read_bytes() == before


def test_no_page_is_replaced_that_is_none_of_filtviz_s(zoo):
    Path("out").mkdir()
    Path("out/survey.html").write_text("<p>My own survey")
    with pytest.raises(filtviz.OutputError, match="is no page of filtviz; move it away") as refused:
        filtviz.survey("zoo/run0", "out", jobs=1)
    assert refused.value.path == Path("out/survey.html")
    assert Path("out/survey.html").read_text() == "<p>My own survey"
    Path("out/survey.html").write_text("")  # as a system that broke down may leave one
    assert filtviz.survey("zoo/run0", "out", jobs=1).page.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_links_in_the_folder_of_a_survey_are_not_followed(zoo):
    Path("out").mkdir()
    Path("elsewhere").mkdir()
    Path("mine.html").write_text("mine")
    Path("out/survey.html").symlink_to(Path("mine.html").absolute())
    filtviz.survey("zoo/run0", "out", jobs=1)
    assert Path("mine.html").read_text() == "mine"
    assert not Path("out/survey.html").is_symlink()
    shutil.rmtree("out/filters.parquet")
    Path("out/filters.parquet").symlink_to(Path("elsewhere").absolute())
    with pytest.raises(filtviz.OutputError, match=r"filters\.parquet is a link, which is not") as refused:
        filtviz.survey("zoo", "out", jobs=1)
    assert refused.value.path == Path("out/filters.parquet")
    assert not list(Path("elsewhere").iterdir())


@pytest.mark.slow
def test_parts_that_a_killed_run_was_writing_are_removed(surveyed):
    left = [Path("out", name, ".survey-0123456789abcdef.filtviz-part") for name in ("", "files.parquet")]
    for path in left:
        path.write_bytes(b"half")
    filtviz.survey("zoo/run1", "out", jobs=1)
    assert not any(path.exists() for path in left)


@pytest.mark.slow
def test_a_model_in_several_files_is_one_and_stays_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FIXTURES / "modern" / "sharded", "parts")
    first = filtviz.survey("parts", "out", jobs=1)
    assert first.measured == 1
    assert first.passed_over
    assert filtviz.survey("parts", "out", jobs=1).measured == 0
    assert len(files_of()) == 1


def test_a_part_of_a_model_that_is_named_counts_wherever_else_it_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FIXTURES / "modern" / "sharded", "parts")
    nothing = SimpleNamespace(layers=(), unjudged=(), training=(), left_out=())
    monkeypatch.setattr(taking, "measure", lambda *_: nothing)
    monkeypatch.setattr(surveying, "render_survey", lambda _: "")
    found = filtviz.survey(["parts", "parts/model-00001-of-00002.safetensors"], "out", jobs=1)
    assert (found.measured, found.passed_over, found.folder) == (2, 1, Path("out"))


@pytest.mark.slow
def test_rows_are_written_in_parts_so_that_few_are_in_memory(zoo, monkeypatch):
    monkeypatch.setattr(surveying, "MOST_FILTERS", 20)
    filtviz.survey("zoo", "out", jobs=1)
    assert len(list(Path("out/filters.parquet").iterdir())) == 2
    assert len(table("filters")) == 36


@pytest.mark.slow
def test_what_a_run_that_is_stopped_has_measured_is_kept(zoo):
    def stop(progress):
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filtviz.survey("zoo", "out", jobs=1, progress=stop)
    assert sorted(files_of()) == ["zoo/bad.h5", "zoo/dense.npz"]  # the third is no model
    assert filtviz.survey("zoo", "out", jobs=1).measured == 3


def test_progress_counts_what_is_still_to_be_measured(zoo):
    seen: list[surveying.SurveyProgress] = []
    for given, wanted in (("zoo/bad.h5", [(1, 1)]), (["zoo/bad.h5", "zoo/dense.npz"], [(1, 1)])):
        del seen[:]
        filtviz.survey(given, "out", jobs=1, progress=seen.append)
        assert [(each.done, each.known) for each in seen] == wanted
    assert seen[0].file == "zoo/dense.npz"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"jobs": 0}, "jobs must be a number of processes, not 0"),
        ({"jobs": True}, "jobs must be a number of processes, not True"),
        ({"cluster": "host"}, "a cluster is the address of a Dask scheduler, such as tcp://host:8786"),
        ({"progress": 1}, "progress must be a function, not 1"),
        ({"budget": 3}, "budget"),
    ],
)
def test_odd_arguments_are_one_sentence(zoo, arguments, sentence):
    with pytest.raises(filtviz.ArgumentError, match=sentence):
        filtviz.survey("zoo", "out", **arguments)


def test_a_file_that_is_not_there_is_one_sentence(zoo):
    with pytest.raises(filtviz.FileAccessError, match=r"nowhere\.pth: no such file"):
        filtviz.survey(["zoo", "nowhere.pth"], "out")


@pytest.mark.slow
def test_the_command_prints_the_page_and_names_what_failed(zoo):
    result = CliRunner().invoke(main, ["survey", "zoo", "-o", "out", "-j", "1"])
    assert result.exit_code == 1
    assert result.stdout == f"{Path('out', 'survey.html')}\n"
    assert "filtviz: zoo/bad.h5: " in result.stderr
    assert "5 files measured, 0 kept: 6 layers, 36 filters; 1 file passed over" in result.stderr
    again = CliRunner().invoke(main, ["survey", "zoo/run0", "zoo/run1", "-o", "out", "--json", "-q"])
    told = json.loads(again.stdout)
    assert (again.exit_code, told["measured"], told["kept"], told["complete"]) == (0, 0, 2, True)


def test_where_a_library_of_pyarrow_s_cannot_be_loaded_the_command_says_why(zoo, monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "pyarrow").mkdir()
    (tmp_path / "pyarrow/__init__.py").write_text("raise ImportError('failed to map segment')")
    monkeypatch.syspath_prepend(tmp_path)
    result = CliRunner().invoke(main, ["survey", "zoo", "-o", "out"])
    assert result.exit_code == 1
    assert result.stderr == (
        "filtviz: a survey writes Parquet tables, and pyarrow cannot be loaded: failed to map segment\n"
    )


def test_without_pyarrow_the_command_says_what_to_install(zoo, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = CliRunner().invoke(main, ["survey", "zoo", "-o", "out"])
    assert result.exit_code == 1
    assert result.stderr == (
        "filtviz: a survey writes Parquet tables, which needs pyarrow: pip install pyarrow\n"
    )
    assert not Path("out").exists()


HERE = """
    r = filtviz.survey('zoo', 'out', jobs=2)
"""

ON_A_CLUSTER = """
    import distributed
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        r = filtviz.survey('zoo', 'out', cluster=cluster.scheduler_address)
"""


@pytest.mark.slow
@pytest.mark.parametrize("surveys", [HERE, ON_A_CLUSTER], ids=["processes", "cluster"])
def test_a_worker_that_is_ended_is_tried_once_more_and_then_named(zoo, surveys):
    """The model of run1 ends each process that measures it."""
    if surveys is ON_A_CLUSTER:
        pytest.importorskip("distributed")
    script = zoo.parent / "ending.py"
    script.write_text(
        "import os, signal, filtviz\n"
        "from filtviz.surveying.taking import FileJob\n"
        "took = FileJob._measured\n"
        "def measured(self):\n"
        "    if 'run1' in self.file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return took(self)\n"
        "FileJob._measured = measured\n"
        "if __name__ == '__main__':\n"
        f"{surveys}"
        "    print(sorted((f.file, f.code) for f in r.failures), r.measured)\n"
    )
    worker = zoo.parent / "sitecustomize.py"
    worker.write_text("import ending\n")
    for n in range(3, 9):
        np.savez(zoo / f"more{n}.npz", W1=kernels(n))
    ran = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": f"{zoo.parent}:{Path(filtviz.__file__).parents[1]}",
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",  # else it tries four times by itself
        },
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert "('zoo/run1/net.npz', 'worker-ended')" in ran.stdout
    lost = files_of()["zoo/run1/net.npz"]
    assert (lost["status"], lost["code"]) == ("failed", "worker-ended")
    read = [row for row in files_of().values() if row["status"] == "read"]
    assert (len(files_of()), len(read)) == (11, 8), "and the others are measured"
    assert filtviz.survey("zoo", "out", jobs=1).measured == 1, "it is tried again in the next run"
    assert files_of()["zoo/run1/net.npz"]["status"] == "read"


@pytest.mark.slow
def test_a_survey_that_is_killed_goes_on(zoo):
    for n in range(40):
        np.savez(zoo / f"more{n}.npz", W1=kernels(n, (32, 16, 3, 3)))
    code = (
        "import filtviz.surveying as surveying, filtviz; surveying.MOST_FILES = 4; "
        "filtviz.survey('zoo', 'out', jobs=2)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(filtviz.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    deadline = time.monotonic() + 120
    while not list(Path("out").glob("files.parquet/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = len(files_of())
    assert before
    result = filtviz.survey("zoo", "out", jobs=2)
    assert result.kept >= before
    assert result.measured + result.kept == 45
    assert len(table("files")) == len(files_of()) == 45


@pytest.mark.slow
def test_a_cluster_gives_the_same_rows(zoo):
    distributed = pytest.importorskip("distributed")
    for n in range(8):
        np.savez(zoo / f"more{n}.npz", W1=kernels(n))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    ) as cluster:
        result = filtviz.survey("zoo", "far", cluster=cluster.scheduler_address)
    filtviz.survey("zoo", "near", jobs=1)
    assert result.measured == 13
    for name in ("layers", "filters"):
        assert table(name, "far") == table(name, "near")


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_one_sentence(zoo, monkeypatch):
    distributed = pytest.importorskip("distributed")

    def refuse(*args, **options):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(filtviz.ArgumentError, match="no Dask scheduler answers at tcp://nowhere:1"):
        filtviz.survey("zoo", "out", cluster="tcp://nowhere:1")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("given", "status", "sentence"),
    [
        (["texts"], 1, "there is no model in what was given"),
        (["texts", "zoo/dense.npz"], 0, ""),
        (["zoo/bad.h5"], 1, "zoo/bad.h5"),
        (["zoo/dense.npz", "zoo/bad.h5"], 1, "zoo/bad.h5"),
    ],
)
def test_the_exit_status_says_whether_anything_was_measured_and_nothing_failed(zoo, given, status, sentence):
    (zoo.parent / "texts").mkdir()
    shutil.copy(zoo / "notes.txt", zoo.parent / "texts")
    line = ["survey", *given, "-o", "out", "-j", "1", "-q"]
    for _ in range(2):  # a second run measures nothing, and keeps all
        ran = CliRunner().invoke(main, line)
        assert ran.exit_code == status, ran.stderr
        assert (sentence in ran.stderr) if sentence else ran.stderr == ""
        assert ran.stdout.split() == ["out/survey.html"]
