"""Few-shot heads: closed forms, scikit-learn as a second formula, permutations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sslts.errors import LengthError
from sslts.heads.linear import LinearHead
from sslts.heads.prototypes import PrototypeHead


def episode(seed: int = 0, ways: int = 3, shots: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(seed)
    centres = 2 * torch.randn(ways, 5, generator=made)
    labels = torch.arange(ways).repeat_interleave(shots)
    support = centres[labels] + torch.randn(len(labels), 5, generator=made)
    return support, labels, centres + 0.5 * torch.randn(ways, 5, generator=made)


def test_prototypes_score_minus_the_squared_distance_to_class_means():
    support = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0]])
    scores = PrototypeHead.create().fit(support, torch.tensor([0, 0, 1])).scores(torch.tensor([[1.0, 1.0]]))
    torch.testing.assert_close(scores, torch.tensor([[-1.0, -10.0]]))


def test_cosine_prototypes_ignore_length():
    support, labels, queries = episode()
    fitted = PrototypeHead.create(distance="cosine").fit(support, labels)
    torch.testing.assert_close(fitted.scores(queries), fitted.scores(7 * queries))


@pytest.mark.parametrize("head", [PrototypeHead.create(), LinearHead.create()], ids=lambda h: type(h).__name__)
def test_renaming_classes_renames_scores(head):
    support, labels, queries = episode()
    scores = head.fit(support, labels).scores(queries)
    renamed = torch.tensor([2, 0, 1])
    swapped = head.fit(support, renamed[labels]).scores(queries)
    torch.testing.assert_close(scores, swapped[:, renamed], rtol=1e-3, atol=1e-3)


def test_linear_head_agrees_with_scikit_learn():
    sklearn = pytest.importorskip("sklearn.linear_model")
    made = torch.Generator().manual_seed(2)
    labels = torch.tensor([0] * 30 + [1] * 10 + [2] * 20)
    support = torch.randn(60, 4, generator=made, dtype=torch.float64) + labels[:, None]
    standard = ((support - support.mean(0)) / support.std(0, correction=0)).numpy()
    reference = sklearn.LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000, tol=1e-8).fit(standard, labels.numpy())
    expected = standard @ reference.coef_.T + reference.intercept_
    ours = LinearHead.create(c=0.1, steps=500).fit(support, labels).scores(support).numpy()
    np.testing.assert_allclose(ours - ours.mean(1, keepdims=True), expected - expected.mean(1, keepdims=True), atol=2e-3)


def test_prototypes_pass_gradients_to_the_support():
    support, labels, queries = episode()
    support.requires_grad_()
    PrototypeHead.create().fit(support, labels).scores(queries).sum().backward()
    assert torch.isfinite(support.grad).all()
    assert support.grad.abs().sum() > 0


@pytest.mark.parametrize("labels", [[0, 2, 2], [-1, 0, 1], []])
def test_a_class_without_examples_is_named(labels):
    with pytest.raises(LengthError, match="at least one example"):
        PrototypeHead.create().fit(torch.zeros(len(labels), 2), torch.tensor(labels, dtype=torch.long))
