"""`sslts classify` and `sslts search` on the bundled phone recording, with an untrained model: they print what the library finds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tiny_text import tiny_jepa
from typer.testing import CliRunner

from sslts import registry
from sslts.cli import app
from sslts.data import samples
from sslts.model import Model, from_folder

run = CliRunner()
PHONE = str(samples.path("motionsense_sub_24"))
WALK, SIT = "sub_24/wlk_15", "sub_24/sit_13"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_jepa().save(tmp_path_factory.mktemp("models") / "tiny-jepa")


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return from_folder(folder)


def recording(session: str):
    return registry.get("reader", "motionsense").create().read(samples.path("motionsense_sub_24"), session=session)


def invoke(command: str, folder: Path, *arguments: str, code: int = 0) -> str:
    result = run.invoke(app, [command, *arguments, "--model", f"dir:{folder}", "--reader", "motionsense", "--quiet"])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stdout if code == 0 else result.stderr


def test_classify_prints_the_stretches_of_each_recording(folder, model):
    shown = invoke("classify", folder, PHONE, "--session", WALK, "--labels", "walking, sitting", "--label", "standing")
    lines = [line.split() for line in shown.splitlines()]
    segments = model.classify(recording(WALK), ["walking", "sitting", "standing"]).segments()
    assert lines[0] == ["recording", "start_s", "end_s", "label", "score"]
    assert lines[1:] == [[WALK, f"{s.start_s:.1f}", f"{s.end_s:.1f}", s.label, f"{s.score:.2f}"] for s in segments]


def test_classify_writes_every_window_of_every_recording(folder, model, tmp_path):
    out = tmp_path / "c.csv"
    arguments = (PHONE, "--session", WALK, "--session", SIT, "--labels", "walking,sitting", "--prompt", "a person is {}")
    invoke("classify", folder, *arguments, "--csv", str(out))
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = model.classify(recording(SIT), ["walking", "sitting"], prompts=["a person is {}"])
    mine = [row for row in rows if row["recording"] == SIT]
    assert [row["predicted"] for row in mine] == expected.predicted
    assert [float(row["score_walking"]) for row in mine] == pytest.approx(expected.scores[:, 0].tolist(), abs=1e-6)
    assert {row["recording"] for row in rows} == {WALK, SIT}
    assert "exists" in invoke("classify", folder, *arguments, "--csv", str(out), code=1)
    invoke("classify", folder, *arguments, "--csv", str(out), "--overwrite")


def test_search_prints_the_hits_and_names_their_session(folder, model, tmp_path):
    out = tmp_path / "h.csv"
    arguments = (PHONE, "a person is walking", "--session", WALK, "--session", SIT, "--top", "3", "--csv", str(out))
    shown = invoke("search", folder, *arguments)
    sessions = registry.get("reader", "motionsense").create().sessions(samples.path("motionsense_sub_24"))
    order = [name for name in sessions if name in (WALK, SIT)]
    hits = model.search([recording(name) for name in order], "a person is walking", top_k=3)
    assert shown.strip() == repr(hits)
    with out.open(encoding="utf-8", newline="") as file:
        assert [row["session"] for row in csv.DictReader(file)] == [hit.session for hit in hits]


def test_an_index_is_kept_and_searched_without_the_recordings(folder, tmp_path):
    index = str(tmp_path / "idx")
    first = invoke("search", folder, PHONE, "walking", "--session", WALK, "--save-index", index)
    assert invoke("search", folder, "walking", "--index", index) == first
    assert "not empty" in invoke("search", folder, PHONE, "walking", "--session", WALK, "--save-index", index, code=1)
    assert invoke("search", folder, PHONE, "walking", "--session", WALK, "--save-index", index, "--overwrite") == first


def test_an_index_needs_no_reader_and_no_option_of_one(folder, tmp_path):
    stored = tmp_path / "idx"
    invoke("search", folder, PHONE, "sitting", "--session", SIT, "--save-index", str(stored))
    result = run.invoke(app, ["search", "walking", "--index", str(stored), "--model", f"dir:{folder}"])
    assert result.exit_code == 0, result.output
    assert SIT in result.stdout
    result = run.invoke(app, ["search", "walking", "--index", str(tmp_path / "nothing"), "--model", f"dir:{folder}"])
    assert "is not an index" in result.stderr


def test_a_recording_that_does_not_fit_is_named(folder, tmp_path):
    (tmp_path / "short.csv").write_text("x,y,z\n" + "0,0,1\n" * 50)
    options = ["--option", "rate_hz=50", "--option", 'units={"acc": "g"}', "--option", 'streams={"acc": ["x", "y", "z"]}']
    told = ["classify", str(tmp_path / "short.csv"), "--labels", "a,b", "--model", f"dir:{folder}", *options]
    result = run.invoke(app, told)
    assert result.exit_code == 1
    assert "short: This recording lasts 1 s" in " ".join(result.stderr.split())


def test_a_reader_that_lacks_its_options_says_how_to_give_them(folder, tmp_path):
    (tmp_path / "walk.csv").write_text("x\n1\n")
    result = run.invoke(app, ["classify", str(tmp_path / "walk.csv"), "--labels", "a,b", "--model", f"dir:{folder}"])
    assert result.exit_code == 1
    assert "--option KEY=VALUE" in " ".join(result.stderr.split())


def test_an_example_finds_itself_first(folder, tmp_path):
    shown = invoke("search", folder, PHONE, "--like", WALK, "--at", "20", "--session", WALK, "--session", SIT)
    assert shown.splitlines()[1].split()[2:] == [WALK, "20.0", "22.0"]
    index = str(tmp_path / "idx")
    invoke("search", folder, PHONE, "walking", "--session", WALK, "--save-index", index)
    assert invoke("search", folder, PHONE, "--like", WALK, "--at", "20", "--index", index).splitlines()[1].split()[2] == WALK


def test_an_index_of_another_model_ends_in_one_line(folder, tmp_path):
    index = str(tmp_path / "idx")
    invoke("search", folder, PHONE, "walking", "--session", WALK, "--save-index", index)
    other = tiny_jepa(seed=1).save(tmp_path / "other")
    told = invoke("search", other, "walking", "--index", index, code=1)
    assert told.startswith("sslts: This index was made by 'tiny-jepa'")
    assert told.count("\n") == 1


def test_unknown_words_are_one_line_on_stderr(folder):
    result = run.invoke(
        app, ["search", PHONE, "juoksu", "--session", SIT, "--model", f"dir:{folder}", "--reader", "motionsense", "--quiet", "--top", "1"]
    )
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("sslts: warning: The text tower does not know 'juoksu'")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["search"], "say what to look for"),
        (["search", "walking"], "no INPUT"),
        (["search", PHONE], "is a file or folder"),
        (["search", PHONE, "walking", "--index", "x"], "not both"),
        (["search", "walking", "--index", "x", "--save-index", "y"], "already stored"),
        (["search", PHONE, "walking", "--at", "3"], "--like"),
        (["search", "--like", WALK], "no INPUT"),
        (["search", PHONE, " "], "is empty"),
        (["search", "walking", "--index", "x", "--option", "a=1"], "already embedded"),
        (["search", "walking " * 60], "no INPUT"),
        (["classify"], "INPUT"),
    ],
)
def test_wrong_usage_says_what_is_missing(arguments, complaint):
    result = run.invoke(app, arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["classify", PHONE], "two or more, got 0"),
        (["classify", PHONE, "--labels", "walking,,sitting"], "one text is empty"),
        (["classify", PHONE, "--labels", "walking,Walking"], "are the same"),
        (["classify", PHONE, "--labels", "walking,sitting", "--csv", "x.npz"], "--csv must end in .csv"),
        (["search", PHONE, "walking", "--top", "0", "--session", SIT], "top_k"),
        (["search", PHONE, "--like", "sub_24/none"], "No session 'sub_24/none'"),
        (["search", PHONE, "--like", WALK, "--at", "-3"], "--at must be a second of"),
        (["search", "walking", "--index", "nowhere"], "is not an index"),
    ],
)
def test_bad_input_ends_in_one_line(folder, arguments, complaint):
    told = invoke(*arguments[:1], folder, *arguments[1:], code=1)
    assert complaint in told
    assert told.count("\n") == 1


def test_words_for_a_model_without_text_are_refused_before_anything_is_read():
    result = run.invoke(app, ["search", "nowhere", "walking", "--model", "crossl-wesad", "--reader", "motionsense", "--quiet"])
    assert result.exit_code == 1
    assert "crossl-wesad has no text tower, so it cannot search by words. Models that can:" in result.stderr
