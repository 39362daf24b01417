"""What every few-shot head promises, whatever it computes: order, names, independence, gradients, odd input."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from sslts import registry
from sslts._builtins import BUILTINS
from sslts.config import ComponentRef
from sslts.errors import ConfigError, LengthError
from sslts.interfaces import FewShotHead, build

WIDTH = 8
NAMES = sorted(BUILTINS["head"])
#: Their fit is an optimisation that is not differentiated; their docstrings say so.
CONSTANT_FIT = {"linear", "logistic"}
TRAINED = [name for name in NAMES if list(registry.get("head", name).example().parameters())]
READY = [name for name in NAMES if not registry.get("head", name).needs_training]


def head_named(name: str, seed: int = 0) -> FewShotHead:
    """The head's example, its weights moved away from where they start, in double precision."""
    made = torch.Generator().manual_seed(seed)
    head = registry.get("head", name).example().double()
    with torch.no_grad():
        for weight in head.parameters():
            weight += 0.3 * torch.randn(weight.shape, generator=made, dtype=weight.dtype)
    return head


def episode(seed: int = 0, *, ways: int = 3, shots: int = 4, queries: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Support, its labels, queries, their labels. One class has an example less than the others."""
    made = torch.Generator().manual_seed(seed)
    centres = 2 * torch.randn(ways, WIDTH, generator=made, dtype=torch.float64)
    labels, asked = (torch.arange(ways).repeat_interleave(count) for count in (shots, queries))
    support, wanted = (centres[of] + torch.randn(len(of), WIDTH, generator=made, dtype=torch.float64) for of in (labels, asked))
    return support[:-1], labels[:-1], wanted, asked


def scores_of(head: FewShotHead, support: Tensor, labels: Tensor, queries: Tensor) -> Tensor:
    return head.fit(support, labels).scores(queries)


def close(first: Tensor, second: Tensor) -> None:
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)  # what an iterative fit may differ by


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_support_does_not_matter(name):
    support, labels, queries, _ = episode()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    head = head_named(name)
    close(scores_of(head, support, labels, queries), scores_of(head, support[order], labels[order], queries))


@pytest.mark.parametrize("name", NAMES)
def test_renaming_classes_renames_the_scores(name):
    support, labels, queries, _ = episode()
    renamed, head = torch.tensor([2, 0, 1]), head_named(name)
    close(scores_of(head, support, labels, queries), scores_of(head, support, renamed[labels], queries)[:, renamed])


@pytest.mark.parametrize("name", NAMES)
def test_scores_follow_the_order_of_the_queries(name):
    support, labels, queries, _ = episode()
    order = torch.randperm(len(queries), generator=torch.Generator().manual_seed(2))
    fitted = head_named(name).fit(support, labels)
    close(fitted.scores(queries)[order], fitted.scores(queries[order]))


@pytest.mark.parametrize("name", NAMES)
def test_a_query_scores_alone_as_among_others_unless_the_head_is_transductive(name):
    support, labels, queries, _ = episode()
    head = head_named(name)
    fitted = head.fit(support, labels)
    together, alone = fitted.scores(queries), torch.cat([fitted.scores(query[None]) for query in queries])
    assert torch.allclose(together, alone, rtol=1e-9, atol=1e-9) is not head.transductive


@pytest.mark.parametrize("name", READY)
def test_classes_that_lie_apart_are_told_apart(name):
    support, labels, queries, wanted = episode(3)
    head = registry.get("head", name).example()
    found = scores_of(head, 3 * support, labels, 3 * queries).argmax(1)
    assert (found == wanted).all()


@pytest.mark.parametrize("name", NAMES)
def test_precision_is_that_of_the_embeddings(name):
    support, labels, queries, _ = episode()
    head = head_named(name)
    double = scores_of(head, support, labels, queries)
    single = scores_of(head.float(), support.float(), labels, queries.float())
    assert (double.dtype, single.dtype) == (torch.float64, torch.float32)
    torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=1e-3)
    # A head that was trained in single precision reads double precision too.
    close(scores_of(head, support, labels, queries), double)


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_is_made_on_the_device_of_the_embeddings(name):
    support, labels, queries, _ = episode()
    head = head_named(name)
    expected = scores_of(head, support, labels, queries)
    with torch.device("meta"):  # what is made without naming a device lands there, and does not mix with these
        close(scores_of(head, support, labels, queries), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("zeros", [[0], [11], list(range(12))], ids=["one of a class", "a whole class", "all"])
def test_examples_of_zeros_leave_scores_and_gradients_finite(name, zeros):
    support, labels, queries, _ = episode(shots=5)
    support, labels = support[:12], labels[:12]
    labels[10:] = torch.tensor([0, 2])
    support[zeros] = 0
    queries[0] = 0
    for values in (support, queries):
        values.requires_grad_()
    scores = scores_of(head_named(name), support, labels, queries)
    assert torch.isfinite(scores).all()
    scores.square().sum().backward()
    for values in (support, queries):
        assert values.grad is None or (torch.isfinite(values.grad).all() and values.grad.abs().max() < 1e6)


@pytest.mark.parametrize("name", NAMES)
def test_one_class_one_example_and_no_queries_are_fine(name):
    support, labels, queries, _ = episode()
    head = head_named(name)
    assert torch.isfinite(scores_of(head, support[:1], labels[:1], queries[:1])).all()
    assert scores_of(head, support[:1], labels[:1], queries[:1]).shape == (1, 1)
    for examples, ways in ((11, 3), (1, 1)):
        assert scores_of(head, support[:examples], labels[:examples], queries[:0]).shape == (0, ways)


@pytest.mark.parametrize("name", NAMES)
def test_labels_may_be_of_any_integer_type(name):
    support, labels, queries, _ = episode()
    head = head_named(name)
    close(scores_of(head, support, labels.to(torch.int32), queries), scores_of(head, support, labels, queries))


@pytest.mark.parametrize("name", NAMES)
def test_wrong_shapes_are_refused(name):
    support, labels, queries, _ = episode()
    head = head_named(name)
    with pytest.raises(LengthError, match=r"support \[S, E\] and labels \[S\]"):
        head.fit(support[0], labels)
    with pytest.raises(LengthError, match=r"support \[S, E\] and labels \[S\]"):
        head.fit(support, labels[:-1])
    with pytest.raises(LengthError, match="at least one example"):
        head.fit(support, labels + 1)
    fitted = head.fit(support, labels)
    for wrong in (queries[:, :-1], queries[:, :1], queries[0], queries[None]):
        with pytest.raises(LengthError, match=r"queries \[Q, 8\]"):
            fitted.scores(wrong)


@pytest.mark.parametrize("name", TRAINED)
def test_a_head_with_weights_says_which_width_it_was_built_for(name):
    support, labels, _, _ = episode()
    with pytest.raises(LengthError, match="built for embeddings of 8 numbers, got support of 7"):
        head_named(name).fit(support[:, :7], labels)


@pytest.mark.parametrize("name", TRAINED)
def test_the_width_may_come_from_the_spec(name):
    built = build("head", ComponentRef(name=name), "head", {"embed_dim": 12})
    assert built.config.embed_dim == 12


def test_attention_heads_must_divide_the_width():
    with pytest.raises(ConfigError, match="3 heads and embed_dim 8"):
        registry.get("head", "attended-prototypes").create(embed_dim=8, heads=3)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CONSTANT_FIT])
def test_gradients_to_support_and_queries_are_those_of_finite_differences(name):
    support, labels, queries, _ = episode(shots=3, queries=1)
    head = head_named(name)
    support.requires_grad_()
    queries.requires_grad_()
    assert torch.autograd.gradcheck(lambda s, q: head(s, labels, q), (support, queries), atol=1e-5)
    through_support, through_queries = torch.autograd.grad(head(support, labels, queries).square().sum(), (support, queries))
    assert (through_support.abs().sum(1) > 0).all()
    assert (through_queries.abs().sum(1) > 0).all()


@pytest.mark.parametrize("name", sorted(CONSTANT_FIT))
def test_a_fit_by_optimisation_is_constant_and_passes_gradients_to_queries(name):
    support, labels, queries, _ = episode()
    support.requires_grad_()
    queries.requires_grad_()
    head_named(name)(support, labels, queries).square().sum().backward()
    assert support.grad is None
    assert (queries.grad.abs().sum(1) > 0).all()


@pytest.mark.parametrize("name", sorted(CONSTANT_FIT))
def test_a_fit_by_optimisation_works_where_gradients_are_off(name):
    support, labels, queries, _ = episode()
    head = head_named(name)
    expected = scores_of(head, support, labels, queries)
    with torch.inference_mode():
        close(scores_of(head, support.clone(), labels.clone(), queries), expected)


@pytest.mark.parametrize("name", TRAINED)
def test_every_weight_gets_a_gradient(name):
    support, labels, queries, wanted = episode()
    head = head_named(name)
    functional.cross_entropy(head(support, labels, queries), wanted).backward()
    for title, weight in head.named_parameters():
        # A constant added to all scores of a row changes no softmax, so the last bias of a comparison is free under this loss.
        assert weight.grad is not None, title
        assert torch.isfinite(weight.grad).all(), title
        assert title == "second.bias" or weight.grad.abs().sum() > 0, title


@pytest.mark.parametrize("name", TRAINED)
def test_a_fitted_head_stays_as_it_was_while_the_head_trains_on(name):
    support, labels, queries, _ = episode()
    head = head_named(name)
    fitted = head.fit(support, labels)
    before = fitted.scores(queries).detach()
    with torch.no_grad():
        for weight in head.parameters():
            weight += 1
    torch.testing.assert_close(fitted.scores(queries), before, rtol=0, atol=0)
    assert not torch.allclose(scores_of(head, support, labels, queries), before)


@pytest.mark.parametrize("name", NAMES)
def test_a_fitted_head_is_a_value(name):
    support, labels, _, _ = episode()
    fitted = head_named(name).fit(support, labels)
    field = next(iter(fitted.__dataclass_fields__))
    with pytest.raises(FrozenInstanceError):
        setattr(fitted, field, None)


@pytest.mark.parametrize("name", TRAINED)
def test_weights_travel_in_the_state_dict(name):
    support, labels, queries, _ = episode()
    first, second = head_named(name, seed=1), head_named(name, seed=2)
    expected = scores_of(first, support, labels, queries)
    assert not torch.allclose(scores_of(second, support, labels, queries), expected)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(scores_of(second, support, labels, queries), expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in TRAINED])
def test_a_head_without_weights_keeps_nothing(name):
    head = head_named(name)
    before = head.state_dict()
    scores_of(head, *episode()[:3])
    assert before == head.state_dict() == {}


@pytest.mark.parametrize("name", TRAINED)
def test_training_on_episodes_helps_with_classes_never_seen(name):
    """One direction of eight says the class; the other seven are louder, and only training can tell that they mean nothing."""
    torch.manual_seed(0)
    head = registry.get("head", name).example()
    made = torch.Generator().manual_seed(0)

    def noisy_episode() -> tuple[Tensor, Tensor, Tensor, Tensor]:
        labels, asked = torch.arange(2).repeat_interleave(3), torch.arange(2).repeat_interleave(8)
        support, queries = (2 * torch.randn(len(of), WIDTH, generator=made) for of in (labels, asked))
        sign = 1 - 2 * int(torch.randint(2, (), generator=made))
        support[:, 0], queries[:, 0] = sign * (1.5 - 3 * labels), sign * (1.5 - 3 * asked)
        return support, labels, queries, asked

    def right() -> float:
        with torch.no_grad():
            found = [(head(s, y, q).argmax(1) == a).float().mean() for s, y, q, a in (noisy_episode() for _ in range(40))]
        return float(torch.stack(found).mean())

    before = right()
    optimiser = torch.optim.Adam(head.parameters(), lr=0.02)
    for _ in range(250):
        support, labels, queries, wanted = noisy_episode()
        optimiser.zero_grad()
        functional.cross_entropy(head(support, labels, queries), wanted).backward()
        optimiser.step()
    assert right() > max(before + 0.1, 0.85)
