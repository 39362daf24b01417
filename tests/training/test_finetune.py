"""Stage 2: what base classes teach, which state is kept, and who is never read."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from sslts.config import parse
from sslts.errors import ConfigError, LeakageError
from sslts.fusion.concatenation import Concatenation
from sslts.fusion.cross_attention import CrossAttention
from sslts.methods.mu_mae import MuMAE
from sslts.training import finetune
from sslts.training.recipe import FineTuning
from sslts.training.view_weights import choose
from sslts.types import Views

NAMES = [f"class {number}" for number in range(12)]


def method(fusion: Any = None) -> MuMAE:
    torch.manual_seed(0)
    plain = MuMAE.example()
    made = CrossAttention.create(embed_dim=16, modalities=2) if fusion is None else fusion
    return MuMAE(plain.config, encoders=dict(plain.encoders.items()), joint=plain.joint, fusion=made)


def clips(names: list[str], *, noise: float = 3.0, seed: int = 0, per: int = 16) -> finetune.Clips:
    """What tells classes apart is small beside what each repetition does anew, but along other axes."""
    drawn = torch.Generator().manual_seed(seed)
    loud, views = torch.zeros(16), []
    loud[:6] = noise
    numbers = torch.tensor([NAMES.index(name) for name in names]).repeat_interleave(per)
    centres = torch.randn(12, 16, generator=torch.Generator().manual_seed(9))
    for _ in range(3):
        views.append(centres[numbers] + (0.3 + loud) * torch.randn(len(numbers), 16, generator=drawn))
    people = tuple(f"s{row % 8}" for row in range(len(numbers)))
    present = torch.ones(len(numbers), 2, dtype=torch.bool)
    return finetune.Clips(Views(views[0], torch.stack(views[1:], 1), present), tuple(NAMES[k] for k in numbers.tolist()), people)


def settings(**changes: Any) -> FineTuning:
    base: dict[str, Any] = {"validation_labels": NAMES[7:], "steps": 20, "check_every": 10, "check_episodes": 40, "batch_size": 32}
    made: FineTuning = parse(FineTuning, base | changes, "finetune")
    return made


def test_the_closed_form_alone_helps_to_recognise_classes_it_has_never_seen():
    made = method(Concatenation.create(embed_dim=16, modalities=2))
    base, validation = clips(NAMES[:7], per=40), clips(NAMES[7:])
    head = finetune._head(settings().head, 16)
    checks = finetune.episodes_of(validation, settings(), count=200, seed=1)
    before = finetune._accuracy(made, head, validation, checks)
    fitted = finetune.fit(made, base, validation, settings(steps=0), seed=1)
    history, kept = fitted.history, fitted.kept
    assert kept == 0
    assert [each.step for each in history] == [0]
    assert finetune._accuracy(made, head, validation, checks) > before + 0.1


def test_the_state_that_recognised_validation_classes_best_is_kept():
    made = method()
    base, validation = clips(NAMES[:7]), clips(NAMES[7:])
    fitted = finetune.fit(made, base, validation, settings(lr=0.3, steps=40), seed=1)
    history, kept = fitted.history, fitted.kept
    assert [each.step for each in history][:2] == [0, 10]
    best = max(each.accuracy for each in history)
    assert next(each for each in history if each.step == kept).accuracy == best
    checks = finetune.episodes_of(validation, settings(), count=40, seed=1)
    assert finetune._accuracy(made, finetune._head(settings().head, 16), validation, checks) == pytest.approx(best)


def better_each_time(monkeypatch):
    """Whatever is checked, the later state is the better one."""
    asked = iter(range(1000))
    monkeypatch.setattr(finetune, "_accuracy", lambda *_: next(asked) / 1000)


@pytest.mark.parametrize("steps", [0, 20])
def test_training_moves_the_fusion_and_nothing_else(steps, monkeypatch):
    made = method()
    before = copy.deepcopy(made.state_dict())
    better_each_time(monkeypatch)
    fitted = finetune.fit(made, clips(NAMES[:7]), clips(NAMES[7:]), settings(steps=steps, joint=False), seed=1)
    assert fitted.kept == steps
    changed = {name for name, value in made.state_dict().items() if not torch.equal(before[name], value)}
    assert {name.split(".")[0] for name in changed} == {"fusion", "metric"}
    assert made.fusion.places.amplitude[0] == 0, "the joint view stays out"
    assert ("fusion.gate" in changed) == (steps > 0)


def test_the_same_seed_gives_the_same_weights():
    found = []
    for _ in range(2):
        made = method()
        finetune.fit(made, clips(NAMES[:7]), clips(NAMES[7:]), settings(), seed=4)
        found.append(made.state_dict())
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


def test_training_ends_when_validation_gets_no_better():
    made = method()
    fitted = finetune.fit(made, clips(NAMES[:7]), clips(NAMES[7:]), settings(steps=1000, check_every=1, patience=2, lr=1e-9), seed=1)
    history = fitted.history
    assert len(history) == 3


def test_a_class_on_both_sides_is_refused():
    with pytest.raises(LeakageError, match="class 6, class 7 would be validation classes"):
        finetune.check_classes(clips(NAMES[:8]), clips(NAMES[6:]))


def test_a_head_that_looks_at_other_queries_is_refused(monkeypatch):
    from sslts.heads.prototypes import PrototypeHead

    monkeypatch.setattr(PrototypeHead, "transductive", True)
    with pytest.raises(ConfigError, match="judges queries by each other"):
        finetune._head(settings().head, 16)


def test_a_clip_that_lacks_a_modality_does_not_enter_its_whitening():
    made, base = method(), clips(NAMES[:7])
    base.views.present[:20, 0] = False
    poisoned = Views(base.views.joint, base.views.own.clone(), base.views.present)
    poisoned.own[:20, 0] = 1e6
    made.fit_metric(poisoned, base.numbered(NAMES[:7]))
    there = base.views.present[:, 0]
    torch.testing.assert_close(made.metric[1].mean, base.views.own[there, 0].mean(0))


def test_a_pretrained_model_without_fusion_cannot_be_fused():
    with pytest.raises(ConfigError, match="Name one in its recipe"):
        MuMAE.example().fused(clips(NAMES[:2]).views)


def test_a_modality_that_no_clip_has_takes_no_part_and_breaks_nothing():
    """Fitted on some of the inputs, as the benchmark does for each of them."""
    made, base, validation = method(Concatenation.create(embed_dim=16, modalities=2)), clips(NAMES[:7]), clips(NAMES[7:])
    for part in (base, validation):
        part.views.present[:, 1] = False
    fitted = finetune.fit(made, base, validation, settings(steps=0), seed=1)
    assert fitted.chosen.weights[2] == 0
    assert fitted.chosen.fitted == (True, False)
    torch.testing.assert_close(made.metric[2].matrix, torch.eye(16))
    embedded = made.fused(base.views)
    assert embedded[:, 32:].eq(0).all()
    assert embedded[:, :16].norm(dim=1).gt(0).all(), "the joint view needs no modality that was never there"


def episodes(given: finetune.Clips, count: int = 200):
    return finetune.episodes_of(given, settings(), count=count, seed=2)


def with_noise(given: finetune.Clips, seed: int) -> Views:
    """The second modality's own view replaced by noise."""
    noise = torch.randn(given.views.own[:, 1].shape, generator=torch.Generator().manual_seed(seed))
    return Views(given.views.joint, torch.stack([given.views.own[:, 0], noise], 1), given.views.present)


def test_views_that_tell_nothing_apart_are_switched_off():
    """Whitening makes noise look good on the classes that it was fitted on; validation classes show that it is none."""
    base, validation = clips(NAMES[:7], noise=0.5, per=24), clips(NAMES[7:], noise=2.0, seed=5)
    told = base.numbered(NAMES[:7])
    chosen = choose(with_noise(base, 3), told, with_noise(validation, 4), episodes(validation))
    assert chosen.weights[2] == 0
    assert max(chosen.weights) == 1
    assert choose(with_noise(base, 3), told, with_noise(validation, 4), episodes(validation)) == chosen


def test_views_that_do_equally_well_count_alike():
    base, validation = clips(NAMES[:7], noise=0.0), clips(NAMES[7:], noise=0.0, seed=5)
    chosen = choose(base.views, base.numbered(NAMES[:7]), validation.views, episodes(validation))
    assert (chosen.weights, chosen.accuracy) == ((1.0, 1.0, 1.0), 1.0)


def test_a_modality_that_validation_clips_lack_does_not_count():
    base, validation = clips(NAMES[:7]), clips(NAMES[7:], seed=5)
    validation.views.present[:, 1] = False
    chosen = choose(base.views, base.numbered(NAMES[:7]), validation.views, episodes(validation))
    assert (chosen.weights[2], chosen.fitted) == (0.0, (True, False))


def test_a_head_with_weights_is_trained_and_returned_as_it_was_at_its_best():
    made = method(Concatenation.create(embed_dim=16, modalities=2))
    ref = {"name": "relation", "options": {"hidden": 16}}
    fitted = finetune.fit(made, clips(NAMES[:7]), clips(NAMES[7:]), settings(head=ref, steps=40, lr=0.01), seed=1)
    assert fitted.head.config.embed_dim == 48
    assert [each.step for each in fitted.history][0] == 10, "untrained, it would answer at random"
    assert fitted.kept > 0
    again = finetune.fit(
        method(Concatenation.create(embed_dim=16, modalities=2)),
        clips(NAMES[:7]),
        clips(NAMES[7:]),
        settings(head=ref, steps=40, lr=0.01),
        seed=1,
    )
    assert all(torch.equal(a, b) for a, b in zip(fitted.head.parameters(), again.head.parameters(), strict=True)), "the seed decides it all"


def test_a_head_that_must_be_trained_is_refused_where_nothing_is():
    made = method(Concatenation.create(embed_dim=16, modalities=2))
    told = settings(head={"name": "relation"}, steps=0)
    with pytest.raises(ConfigError, match="'relation' must be trained: give finetune.steps"):
        finetune.fit(made, clips(NAMES[:7]), clips(NAMES[7:]), told, seed=1)


def test_scores_that_are_logits_are_not_scaled(monkeypatch):
    made, base = method(Concatenation.create(embed_dim=16, modalities=2)), clips(NAMES[:7])
    drawn = finetune.episodes_of(base, settings(), count=1, seed=1)
    for name, options, scaled in (("prototypes", {"distance": "cosine"}, True), ("prototypes", {}, False), ("matching", {}, False)):
        told = settings(head={"name": name, "options": options})
        head = finetune._head(told.head, 48)
        found = [finetune._episode_loss(made, head, base, drawn, 0, told.model_copy(update={"scale": scale})) for scale in (1.0, 20.0)]
        assert (found[0] != found[1]) == scaled, name


def test_weights_are_chosen_by_the_similarities_that_the_fusion_gives():
    """With clips that lack a modality, what the choice was made by is what the model then does."""
    made, base, validation = method(Concatenation.create(embed_dim=16, modalities=2)), clips(NAMES[:7], per=40), clips(NAMES[7:], per=24)
    for part, seed in ((base, 1), (validation, 2)):
        part.views.present[torch.rand(len(part.labels), generator=torch.Generator().manual_seed(seed)) < 0.4, 1] = False
    fitted = finetune.fit(made, base, validation, settings(steps=0, check_episodes=300), seed=1)
    assert fitted.history[0].accuracy == pytest.approx(fitted.chosen.accuracy, abs=0.02)


def test_clips_of_which_none_is_whole_leave_the_joint_view_out():
    made, base, validation = method(Concatenation.create(embed_dim=16, modalities=2)), clips(NAMES[:7]), clips(NAMES[7:])
    for part in (base, validation):
        for row in range(len(part.labels)):
            part.views.present[row, row % 2] = False
    finetune.fit(made, base, validation, settings(steps=0), seed=1)
    torch.testing.assert_close(made.metric[0].matrix, torch.eye(16))
    assert made.fused(validation.views)[:, :16].eq(0).all()


def test_the_joint_view_and_the_whitening_can_be_left_out():
    names = [f"class {number}" for number in range(12)]
    base, validation = clips(names[:11], per=16), clips(names[10:])
    made = method(Concatenation.create(embed_dim=16, modalities=2))
    told = settings(steps=0, ways=2, joint=False, whitening=False)
    chosen = finetune.fit(made, base, validation, told, seed=1).chosen
    assert (chosen.weights[0], chosen.shrink) == (0.0, 0.0)
    assert made.fused(base.views)[:, :16].eq(0).all()
    for metric in made.metric:
        torch.testing.assert_close(metric.matrix, torch.eye(16))
