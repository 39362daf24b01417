"""The training loop: whatever goes wrong stops with a typed error and a checkpoint."""

from __future__ import annotations

import math

import pytest
from tiny_run import TinyMethod, TinySource, method, recipe, run
from whole_runs import rows, same

from sslts.errors import CheckpointError, NonFiniteLossError, TrainingError
from sslts.training import checkpoint
from sslts.training.loop import train
from sslts.types import LossParts


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    model, result = run(out)
    return model, result, rows(out)


def broken(monkeypatch, at: int, change) -> None:
    """From the at-th step on, the method's loss is `change(loss)`."""
    honest, calls = TinyMethod.training_loss, []

    def loss(self, batch, *, generator):
        calls.append(1)
        found = honest(self, batch, generator=generator)
        return change(self, found) if len(calls) > at else found

    monkeypatch.setattr(TinyMethod, "training_loss", loss)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_names_step_and_windows_and_keeps_the_checkpoint(tmp_path, monkeypatch, whole, value):
    broken(monkeypatch, 5, lambda model, loss: LossParts(loss.total * value, loss.parts))
    with pytest.raises(NonFiniteLossError, match=r"loss is (nan|inf) at step 5 .*'P1/\d+'.*step 4") as caught:
        run(tmp_path)
    assert sum(f"'P1/{index}'" in str(caught.value) for index in range(22)) in (5, 6)
    monkeypatch.undo()
    model, result = run(tmp_path)
    assert result.resumed_from == 4
    assert same(model, whole[0])


def test_a_gradient_that_is_not_finite_stops_before_the_weights_change(tmp_path, monkeypatch):
    # sqrt(0) has an infinite slope, so the loss is finite and its gradient is not.
    broken(monkeypatch, 5, lambda model, loss: LossParts(loss.total + (model.predictor.weight[0, 0] * 0).sqrt(), loss.parts))
    with pytest.raises(NonFiniteLossError, match="gradient norm is nan at step 5"):
        run(tmp_path)
    assert [path.name for path in checkpoint.complete(tmp_path / "checkpoints")] == ["step-000000002", "step-000000004"]


def test_an_empty_source_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no window to train on"):
        run(tmp_path, windows=TinySource(0))


class FailsAt(TinySource):
    """One window cannot be read, once preparing is over."""

    armed = False

    def batch(self, indices, *, generator):
        if self.armed and 13 in indices:
            raise OSError("bad sector")
        found = super().batch(indices, generator=generator)
        self.armed = True
        return found


@pytest.mark.parametrize("workers", [0, 2])
def test_a_window_that_cannot_be_read_is_named_and_the_checkpoint_kept(tmp_path, workers):
    with pytest.raises(TrainingError, match=r"Window 'P1/13' cannot be read \(OSError: bad sector\)"):
        run(tmp_path, windows=FailsAt(), recipe=recipe(workers=workers, checkpoint_every=1))


def test_a_batch_without_anything_observed_is_refused_and_its_windows_named(tmp_path):
    class Silent(TinySource):
        def batch(self, indices, *, generator):
            found = super().batch(indices, generator=generator)
            return found.without("acc", "eda") if len(self.asked) > 4 else found

    with pytest.raises(TrainingError, match=r"No window of this batch has any observed sample.*'P1/"):
        run(tmp_path, windows=Silent(), recipe=recipe(monitor={"every": 0}))


def test_a_source_that_returns_another_number_of_windows_is_refused(tmp_path):
    class Short(TinySource):
        def batch(self, indices, *, generator):
            return super().batch(indices[:-1], generator=generator)

    with pytest.raises(TrainingError, match="asked for 22 windows and returned 21"):
        run(tmp_path, windows=Short())


def test_a_method_with_nothing_to_train_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="all are frozen"):
        train(method().requires_grad_(False), TinySource(), recipe(), out=tmp_path, progress=False, device="cpu")


def test_a_full_disk_stops_with_the_previous_checkpoint_kept(tmp_path, whole):
    class Full(checkpoint.Disk):
        def write(self, path, data):
            if "step-000000006" in str(path):
                raise OSError(28, "No space left on device")
            super().write(path, data)

    with pytest.raises(CheckpointError, match="No space left"):
        run(tmp_path, disk=Full())
    model, result = run(tmp_path)
    assert result.resumed_from == 4
    assert same(model, whole[0])


def test_windows_that_cannot_be_named_either_are_numbered(tmp_path):
    class Nameless(FailsAt):
        def ids(self, indices):
            if self.armed:
                raise KeyError("lost")
            return super().ids(indices)

    with pytest.raises(TrainingError, match="Window number 13 cannot be read"):
        run(tmp_path, windows=Nameless())


def test_a_window_that_fails_only_once_still_stops_with_the_batch_named(tmp_path):
    class Flaky(TinySource):
        def batch(self, indices, *, generator):
            if len(self.asked) == 3:
                self.asked.append(())
                raise OSError("timed out")
            return super().batch(indices, generator=generator)

    with pytest.raises(TrainingError, match=r"Window one of 'P1/\d+', .* cannot be read \(OSError: timed out\)"):
        run(tmp_path, windows=Flaky())
