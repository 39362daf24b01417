"""Rows of a protocol of episodes, from invented clips to results files and tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_har import utd_clip
from tiny_mae import tiny_recipe

from benchmarks import one_shot, one_shot_summary
from benchmarks.rows import one_shot as ours
from benchmarks.rows import one_shot_base, one_shot_peers
from sslts.config import parse
from sslts.data.readers.utd_actions import ACTIONS
from sslts.errors import LeakageError
from sslts.evaluate.one_shot import OneShotProtocol, load_one_shot
from sslts.training.recipe import Recipe

NOVEL, VALIDATION, BASE = ACTIONS[:2], ACTIONS[2:4], ACTIONS[4:8]


@pytest.fixture(scope="module")
def protocol() -> OneShotProtocol:
    told = load_one_shot().model_dump(mode="json")
    folds = [{"novel": NOVEL, "validation": VALIDATION, "base": BASE}]
    made: OneShotProtocol = parse(OneShotProtocol, told | {"folds": folds, "ways": 2, "shots": [1], "episodes": 30}, "tiny")
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for action in range(1, 9):
        for person in (1, 2):
            for trial in (1, 2):
                utd_clip(root / "UTD-MHAD", action=action, person=person, trial=trial, size=(96, 96))
    return root


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    told = tiny_recipe().model_dump(mode="json")
    told |= {"epochs": 1, "batch_size": 8, "prepare_windows": 16}
    told["finetune"] |= {"ways": 2, "steps": 2, "check_every": 1, "check_episodes": 10, "batch_size": 8}
    made = Recipe.model_validate(told)
    for module in (one_shot_base, ours, one_shot_peers):
        monkeypatch.setattr(module, "recipe_of", lambda protocol: made)


@pytest.mark.usefixtures("small")
def test_every_row_gives_every_input_and_what_is_missing(protocol: OneShotProtocol, data: Path, tmp_path: Path) -> None:
    bench = one_shot.Bench(data, tmp_path / "work", tmp_path / "results", resume=True)
    wanted = (
        "mu-mae-utd-mhad",
        "random-init",
        "samples-cosine",
        "ablation-no-joint",
        "ablation-joint-encoder",
        "ablation-random-encoder",
        "ablation-no-whitening",
    )
    known = {row.name: row for row in ours.rows(protocol)}
    for name in wanted:
        bench.judge(protocol, known[name], 0)
    found = {name: json.loads((tmp_path / "results" / protocol.id / name / "fold0.json").read_text()) for name in wanted}
    inputs = found["mu-mae-utd-mhad"]["inputs"]
    missing = {f"all, {device} missing{how}" for device in ("depth", "inertial", "skeleton") for how in ("", " in queries")}
    assert set(inputs) == {*protocol.inputs, *missing}
    assert all(0 <= each["1"]["mean"] <= 1 and each["1"]["episodes"] == 30 for each in inputs.values())
    assert found["ablation-no-joint"]["inputs"]["all"]["selected"]["weights"]["joint"] == 0.0
    assert set(found["samples-cosine"]["inputs"]) == set(protocol.inputs)
    one_shot_summary.write(protocol, wanted, root=tmp_path / "results")
    summary = json.loads((tmp_path / "results" / protocol.id / "summary.json").read_text())
    assert summary["rows"]["ablation-random-encoder"]["against"] == summary["rows"]["ablation-joint-encoder"]["title"]
    assert summary["rows"]["ablation-no-joint"]["against"] == "Mu-MAE"
    assert summary["rows"]["ablation-no-joint"]["selected"]["all"]["0"]["joint"] is None
    stored = inputs["all"]["selected"]
    assert summary["rows"]["mu-mae-utd-mhad"]["selected"]["all"] == {"0": {"joint": stored["weights"]["joint"], "step": stored["step"]}}
    assert "all, depth missing" not in summary["rows"]["mu-mae-utd-mhad"]["selected"]
    text = (tmp_path / "results" / protocol.id / "summary.md").read_text()
    assert "## Trials and differences" in text
    assert "the same, not pretrained" in text.split("## Trials and differences")[1]


@pytest.mark.usefixtures("small")
def test_kernels_are_whitened_within_base_classes(protocol: OneShotProtocol, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("aeon", reason="an extra of the benchmarks")
    bench = one_shot.Bench(data, tmp_path, tmp_path, resume=True)
    bench.judge(protocol, next(row for row in ours.rows(protocol) if row.name == "minirocket-whitened"), 0)
    found = json.loads((tmp_path / protocol.id / "minirocket-whitened" / "fold0.json").read_text())
    assert set(found["inputs"]) == set(protocol.inputs)
    assert len(found["inputs"]["all"]["selected"]["weights"]) == len(protocol.devices)


def test_peers_are_whitened_within_base_classes_and_weighed_on_validation_classes_alone(protocol: OneShotProtocol) -> None:
    rng = np.random.default_rng(0)
    classes = [*NOVEL, *VALIDATION, *BASE]
    labels = tuple(np.repeat(classes, 8))
    subjects = tuple(str(number) for number in np.tile(np.arange(4), 2 * len(classes)))
    # Classes lie equally far apart, and close enough that a device of noise costs accuracy whatever the draw.
    middles = np.repeat(2 * np.eye(len(classes)), 8, axis=0)
    telling = middles + 0.5 * rng.normal(size=middles.shape)
    noise = rng.normal(size=telling.shape)
    made, told = one_shot_peers._whitened([telling, noise], labels, subjects, protocol, 0)
    assert told["weights"][0] == 1.0
    assert told["weights"][1] < 1.0
    novel = np.isin(labels, NOVEL)
    for changed in (telling, noise):
        changed[novel] *= 100
    again, same = one_shot_peers._whitened([telling, noise], labels, subjects, protocol, 0)
    assert same == told
    np.testing.assert_array_equal(made[~novel], again[~novel])


@pytest.mark.usefixtures("small")
def test_pretraining_is_shared_by_rows_that_differ_in_stage_2_alone(protocol: OneShotProtocol) -> None:
    homes = {row.name: row.home(protocol, 0, Path("work")) for row in ours.rows(protocol) if isinstance(row, ours.MuMAERow)}
    shared = {name for name, home in homes.items() if home == homes["mu-mae-utd-mhad"]}
    assert {"ablation-no-joint", "ablation-no-whitening", "ablation-cross-attention", "ablation-head-ridge"} <= shared
    assert shared.isdisjoint({"random-init", "ablation-independent", "ablation-ratio-0.5", "ablation-ratio-0.75"})


@pytest.mark.usefixtures("small")
def test_what_is_stored_is_not_computed_again(protocol: OneShotProtocol, data: Path, tmp_path: Path, monkeypatch: Any) -> None:
    bench = one_shot.Bench(data, tmp_path, tmp_path, resume=True)
    row = next(row for row in ours.rows(protocol) if row.name == "samples-cosine")
    bench.judge(protocol, row, 0)
    monkeypatch.setattr(one_shot_peers.PeerRow, "judged", lambda *_, **__: pytest.fail("computed again"))
    bench.judge(protocol, row, 0)


def test_peers_learn_scales_from_base_classes_alone() -> None:
    values = np.random.default_rng(0).normal(size=(20, 6))
    base = np.arange(20) < 12
    changed = values.copy()
    changed[15:] *= 100
    for made in (one_shot_peers._standard, one_shot_peers._components):
        np.testing.assert_allclose(made(values, base)[:15], made(changed, base)[:15])


def test_many_features_are_judged_along_fewer_axes_at_the_same_angles() -> None:
    values = np.random.default_rng(0).normal(size=(7, 50))
    made = one_shot_peers._compact(values)
    assert made.shape == (7, 7)
    np.testing.assert_allclose(made @ made.T, values @ values.T)
    np.testing.assert_array_equal(one_shot_peers._compact(values[:, :5]), values[:, :5])


def test_a_protocol_of_leaking_labels_is_refused(
    protocol: OneShotProtocol, data: Path, tmp_path: Path, small: None, monkeypatch: Any
) -> None:
    row = next(row for row in ours.rows(protocol) if row.name == "mu-mae-utd-mhad")
    seen = ours.ClassFold.model_construct(novel=NOVEL, validation=VALIDATION, base=(*BASE, NOVEL[0]))
    told = protocol.model_copy(update={"folds": (seen,)})
    with pytest.raises(LeakageError, match="novel class"):
        row.judged(told, 0, data=data, work=tmp_path)


def test_devices_and_what_they_leave_are_the_protocols() -> None:
    protocol = load_one_shot()
    assert protocol.devices == {"depth": ("depth",), "inertial": ("acc", "gyro"), "skeleton": ("skeleton",)}
    assert protocol.whole == "all"
    leaves = one_shot_summary.missing_leaves(protocol)
    assert leaves == {"depth": "inertial+skeleton", "inertial": "depth+skeleton", "skeleton": "depth+inertial"}
    other = load_one_shot("mmact-one-shot")
    assert set(other.devices) == {"video", "acc_phone", "acc_watch", "gyro", "orientation"}
    assert one_shot_summary.missing_leaves(other) == {"video": "sensors"}


def test_mmact_builds_its_rows_from_the_papers_recipe() -> None:
    protocol = load_one_shot("mmact-one-shot")
    row = ours.rows(protocol)[0]
    assert row.name == "mu-mae-paper-small"
    assert row.config(protocol)["recipe"] == "mu-mae-paper-small"
    assert protocol.published[0].value == 0.8017
