"""The training loop: resuming is bit-identical, and the run follows its recipe."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

import pytest
import torch
from tiny_run import LabelledTinySource, TinyMethod, TinySource, method, recipe, run
from whole_runs import TOTAL, Stopped, rows, same, stop_at

from sslts import registry
from sslts.errors import CheckpointError, ConfigError, MissingDependencyError, TrainingInterrupted
from sslts.training import checkpoint
from sslts.training.engine import AccelerateEngine
from sslts.training.loop import Event, train
from sslts.training.seeding import initialise


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    model, result = run(out)
    return model, result, rows(out)


def test_training_changes_every_trained_weight_and_lowers_the_loss(whole):
    model, result, logged = whole
    start = method()
    assert all(not torch.equal(a, b) for a, b in zip(model.encoder.parameters(), start.encoder.parameters(), strict=True))
    assert result.history[-1].loss < result.history[0].loss
    assert result.steps == TOTAL
    assert result.resumed_from is None
    assert [record.step for record in result.history] == [4, 8, 12]
    assert [int(row["step"]) for row in logged] == list(range(1, TOTAL + 1))
    assert not model.training


def test_the_same_recipe_gives_the_same_weights_whatever_the_global_seed(tmp_path, whole):
    torch.manual_seed(12345)
    model, _ = run(tmp_path)
    assert same(model, whole[0])


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 7, 8, 11])
def test_a_run_that_dies_anywhere_ends_with_the_weights_of_an_uninterrupted_one(tmp_path, whole, at):
    with pytest.raises(Stopped):
        run(tmp_path, on_event=stop_at(at))
    torch.rand(at)  # a new process has another random state
    model, result = run(tmp_path)
    assert same(model, whole[0])
    assert result.history == whole[1].history
    assert result.resumed_from == (None if at <= 2 else 2 * ((at - 1) // 2))


def test_dying_at_every_step_in_turn_changes_nothing_and_doubles_no_row(tmp_path, whole):
    for at in range(3, TOTAL, 2):
        with pytest.raises(Stopped):
            run(tmp_path, on_event=stop_at(at), recipe=recipe(checkpoint_every=1))
    model, _ = run(tmp_path)
    assert same(model, whole[0])
    assert rows(tmp_path) == whole[2]


def test_a_row_torn_by_a_kill_is_dropped_from_the_log(tmp_path, whole):
    with pytest.raises(Stopped):
        run(tmp_path, on_event=stop_at(6))
    with (tmp_path / "log.csv").open("a") as file:
        file.write("1,0.25,0.1")
    run(tmp_path)
    assert rows(tmp_path) == whole[2]


def test_preparing_happens_once_and_resuming_restores_its_statistics(tmp_path, whole):
    with pytest.raises(Stopped):
        run(tmp_path, on_event=stop_at(5))

    class Unprepared(TinyMethod):
        def prepare(self, batch):
            raise AssertionError("prepared twice")

    resumed = Unprepared()
    train(resumed, TinySource(), recipe(), out=tmp_path, progress=False, device="cpu")
    assert torch.equal(resumed.centre, whole[0].centre)
    assert resumed.centre.abs().sum() > 0


def test_a_finished_run_is_not_trained_further(tmp_path, whole):
    run(tmp_path)
    source = TinySource()
    model, result = run(tmp_path, windows=source)
    assert same(model, whole[0])
    assert result.resumed_from == TOTAL
    assert source.asked == []


@pytest.mark.parametrize(
    "change",
    [{"workers": 2}, {"monitor": {"every": 0}}, {"monitor": {"every": 2, "windows": 8}}, {"checkpoint_every": 5}, {"log_every": 3}],
)
def test_watching_saving_logging_and_reading_ahead_do_not_change_the_weights(tmp_path, whole, change):
    model, _ = run(tmp_path, recipe=recipe(**change), held_out=LabelledTinySource(seed=9), windows=LabelledTinySource())
    assert same(model, whole[0])


def test_another_seed_gives_other_weights(tmp_path, whole):
    assert not same(run(tmp_path, recipe=recipe(seed=4))[0], whole[0])


def test_a_damaged_latest_checkpoint_costs_only_time(tmp_path, whole, caplog):
    with pytest.raises(Stopped):
        run(tmp_path, on_event=stop_at(7))
    newest = checkpoint.complete(tmp_path / "checkpoints")[-1]
    (newest / checkpoint.TENSORS).write_bytes(b"junk")
    with caplog.at_level(logging.WARNING):
        model, result = run(tmp_path)
    assert result.resumed_from == 4
    assert same(model, whole[0])
    assert "damaged" in caplog.text


def test_a_checkpoint_of_another_recipe_or_source_is_refused_and_kept(tmp_path):
    run(tmp_path, recipe=recipe(epochs=1))
    with pytest.raises(CheckpointError, match="another recipe"):
        run(tmp_path)
    with pytest.raises(CheckpointError, match="other windows"):
        run(tmp_path, recipe=recipe(epochs=1), windows=TinySource(23))
    with pytest.raises(CheckpointError, match="already holds"):
        run(tmp_path, recipe=recipe(epochs=1), resume=False)
    assert run(tmp_path, recipe=recipe(epochs=1))[1].resumed_from == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_first_and_the_run_goes_on_bit_identically(tmp_path, whole, number):
    def kill(event: Event) -> None:
        if event.kind == "step" and event.step == 5:
            os.kill(os.getpid(), number)

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match=f"{number.name} after step 5 of 12"):
        run(tmp_path, on_event=kill)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert checkpoint.complete(tmp_path / "checkpoints")[-1].name == "step-000000005"
    model, result = run(tmp_path)
    assert result.resumed_from == 5
    assert same(model, whole[0])


def test_a_second_signal_does_not_wait(tmp_path):
    def kill(event: Event) -> None:
        if event.kind == "step":
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, on_event=kill)


def test_training_works_outside_the_main_thread(tmp_path, whole):
    models, threads = [], torch.get_num_threads()

    def work() -> None:
        torch.set_num_threads(threads)  # a new thread starts from OMP_NUM_THREADS, and sums differ in their last bit by it
        models.append(run(tmp_path)[0])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert same(models[0], whole[0])


def test_events_tell_what_happens_in_order(tmp_path):
    events: list[Event] = []
    run(tmp_path, recipe=recipe(epochs=1, checkpoint_every=3), on_event=events.append)
    assert [(event.kind, event.step) for event in events] == [
        ("step", 1),
        ("step", 2),
        ("step", 3),
        ("checkpoint", 3),
        ("step", 4),
        *([("collapse", 4)] if any(event.kind == "collapse" for event in events) else []),
        ("epoch", 4),
        ("checkpoint", 4),
        ("finished", 4),
    ]
    assert {"loss", "loss/distance", "loss/spread", "lr", "grad_norm"} <= set(events[0].values)
    assert {"epoch_loss", "rankme", "std"} <= set(next(event for event in events if event.kind == "epoch").values)


def test_a_collapsing_method_is_reported_while_it_trains(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(TinyMethod, "embed", lambda self, batch: torch.ones(len(batch), 40) + 0 * self.flat(batch)[:, :1])
    events: list[Event] = []
    with caplog.at_level(logging.WARNING):
        run(tmp_path, on_event=events.append)
    assert [event.step for event in events if event.kind == "collapse"] == [4, 8, 12]
    assert "Collapse at step 4" in caplog.text


def test_knn_is_logged_where_labels_exist(tmp_path):
    _, result = run(tmp_path, windows=LabelledTinySource(), held_out=LabelledTinySource(seed=9))
    assert all(record.knn is not None and 0 <= record.knn <= 1 for record in result.history)
    assert rows(tmp_path)[-1]["knn"] != ""


def test_the_learning_rate_and_the_clipped_step_follow_the_recipe(tmp_path):
    _, _ = run(tmp_path)
    logged = [float(row["lr"]) for row in rows(tmp_path)]
    assert logged[:4] == pytest.approx([0.0025, 0.005, 0.0075, 0.01])
    assert logged[8] == pytest.approx(0.01 * 0.5)  # half of the eight steps after warm-up


def test_global_settings_are_as_before(tmp_path):
    before = torch.are_deterministic_algorithms_enabled(), torch.get_rng_state()
    run(tmp_path)
    assert torch.are_deterministic_algorithms_enabled() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


def test_initialising_draws_from_the_recipes_seed_only():
    registry.register("method", "tests.tiny", TinyMethod)
    try:
        named = {"method": {"name": "tests.tiny"}}
        torch.manual_seed(1)
        first = initialise(recipe(**named))
        torch.manual_seed(2)
        assert same(first, initialise(recipe(**named)))
        assert not same(first, initialise(recipe(seed=9, **named)))
    finally:
        registry.unregister("method", "tests.tiny")


def test_an_unknown_device_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="device 'tpu9x'"):
        run(tmp_path, device="tpu9x")


def test_bf16_without_accelerate_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingDependencyError, match=r"sslts\[train\]"):
        run(tmp_path, recipe=recipe(precision="bf16"))


def test_bf16_keeps_fp32_weights_and_resumes_bit_identically(tmp_path):
    pytest.importorskip("accelerate")
    half = recipe(precision="bf16")
    model, _ = run(tmp_path / "whole", recipe=half)
    with pytest.raises(Stopped):
        run(tmp_path / "cut", recipe=half, on_event=stop_at(5))
    resumed, _ = run(tmp_path / "cut", recipe=half)
    assert same(model, resumed)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_another_precision_in_the_same_process_never_trains_silently_in_the_first(tmp_path):
    pytest.importorskip("accelerate")
    run(tmp_path / "half", recipe=recipe(precision="bf16", epochs=1))
    with pytest.raises(ConfigError, match="fresh process"):
        AccelerateEngine(method(), torch.device("cpu"), "fp32")
