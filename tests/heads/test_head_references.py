"""Few-shot heads against formulas written a second time: by hand, in numpy, in scikit-learn, in torch's own layers, in easyfsl."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sslts.heads.attended_prototypes import AttendedPrototypesHead
from sslts.heads.label_propagation import LabelPropagationHead
from sslts.heads.logistic import LogisticHead
from sslts.heads.matching import MatchingHead
from sslts.heads.prototypes import PrototypeHead
from sslts.heads.relation import RelationHead
from sslts.heads.ridge import RidgeHead


def drawn(examples: int = 10, width: int = 6, queries: int = 4, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Three classes of different sizes, around their own places."""
    made = torch.Generator().manual_seed(seed)
    labels = torch.arange(examples) % 4 % 3
    centres = torch.randn(3, width, generator=made, dtype=torch.float64)
    support = centres[labels] + torch.randn(examples, width, generator=made, dtype=torch.float64)
    return support, labels, torch.randn(queries, width, generator=made, dtype=torch.float64)


def unit(values: Tensor) -> np.ndarray:
    array = values.numpy()
    return array / np.linalg.norm(array, axis=1, keepdims=True)


# --- matching --------------------------------------------------------------------------------------------------------------


def test_matching_by_hand():
    support, labels = torch.tensor([[3.0, 0.0], [0.0, 1.0], [0.0, 5.0]]), torch.tensor([0, 1, 1])
    scores = MatchingHead.create().fit(support, labels).scores(torch.tensor([[2.0, 0.0]]))
    torch.testing.assert_close(scores.exp(), torch.tensor([[math.e, 2.0]]) / (math.e + 2))


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_matching_adds_up_softmax_attention(temperature):
    support, labels, queries = drawn()
    weight = np.exp(unit(queries) @ unit(support).T / temperature)
    expected = (weight / weight.sum(1, keepdims=True)) @ np.eye(3)[labels.numpy()]
    scores = MatchingHead.create(temperature=temperature).fit(support, labels).scores(queries)
    np.testing.assert_allclose(scores.exp().numpy(), expected, rtol=1e-9)


def test_matching_stays_finite_where_probabilities_underflow():
    support, labels = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([0, 1])
    scores = MatchingHead.create(temperature=0.001).fit(support, labels).scores(torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(scores, torch.tensor([[0.0, -2000.0]]))


# --- ridge -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("examples", [5, 30], ids=["fewer examples than dimensions", "more"])
@pytest.mark.parametrize("unit_length", [True, False])
@pytest.mark.parametrize("centre", [True, False])
def test_ridge_agrees_with_scikit_learn(examples, unit_length, centre):
    sklearn = pytest.importorskip("sklearn.linear_model")
    support, labels, queries = drawn(examples, width=12)
    values, asked = (unit(support), unit(queries)) if unit_length else (support.numpy(), queries.numpy())
    reference = sklearn.Ridge(alpha=0.3, fit_intercept=centre).fit(values, np.eye(3)[labels.numpy()])
    head = RidgeHead.create(ridge=0.3, unit_length=unit_length, centre=centre)
    np.testing.assert_allclose(head.fit(support, labels).scores(queries).numpy(), reference.predict(asked), atol=1e-8)


def test_a_small_ridge_survives_long_embeddings_and_equal_examples():
    support, labels, queries = drawn(4, width=12)
    support, labels = 1000 * torch.cat([support, support]), torch.cat([labels, labels])
    head = RidgeHead.create(ridge=1e-6, unit_length=False)
    single = head.fit(support.float(), labels).scores(1000 * queries.float()).double()
    values = support.numpy()
    fitted = values.T @ np.linalg.lstsq(values @ values.T, np.eye(3)[labels.numpy()], rcond=1e-9)[0]  # the limit of no ridge
    np.testing.assert_allclose(single.numpy(), 1000 * queries.numpy() @ fitted, rtol=1e-3, atol=1e-4)


# --- logistic --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [0.1, 1.0, 10.0])
def test_logistic_agrees_with_scikit_learn_on_unit_vectors(c):
    sklearn = pytest.importorskip("sklearn.linear_model")
    support, labels, queries = drawn(20)
    reference = sklearn.LogisticRegression(C=c, class_weight="balanced", max_iter=5000, tol=1e-10).fit(unit(support), labels.numpy())
    scores = LogisticHead.create(c=c).fit(support, labels).scores(queries)
    np.testing.assert_allclose(scores.softmax(1).numpy(), reference.predict_proba(unit(queries)), atol=1e-4)


def test_logistic_sees_directions_only():
    support, labels, queries = drawn()
    lengths = torch.linspace(0.1, 50, len(support), dtype=torch.float64)[:, None]
    plain = LogisticHead.create().fit(support, labels).scores(queries)
    torch.testing.assert_close(LogisticHead.create().fit(lengths * support, labels).scores(7 * queries), plain)


# --- label propagation -----------------------------------------------------------------------------------------------------


def propagated(near: np.ndarray, labels: np.ndarray, queries: int, alpha: float) -> np.ndarray:
    """The closed form as the paper writes it, with a matrix inverse."""
    degree = np.diag(near.sum(1) ** -0.5)
    given = np.zeros((len(near), 3))
    given[np.arange(len(labels)), labels] = 1
    return (np.linalg.inv(np.eye(len(near)) - alpha * degree @ near @ degree) @ given)[-queries:]


@pytest.mark.parametrize("neighbours", [2, 100])
def test_label_propagation_by_cosine_is_the_closed_form(neighbours):
    support, labels, queries = drawn(queries=5)
    nodes = unit(torch.cat([support, queries]))
    near = np.maximum(nodes @ nodes.T, 0)
    np.fill_diagonal(near, 0)
    kept = np.zeros_like(near, dtype=bool)
    for row, values in enumerate(near):
        kept[row, np.argsort(-values)[: min(neighbours, len(near) - 1)]] = True
    expected = propagated(np.where(kept | kept.T, near, 0), labels.numpy(), 5, 0.9)
    found = LabelPropagationHead.create(neighbours=neighbours, alpha=0.9).fit(support, labels).scores(queries)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("shift", [0.0, 1e6], ids=["around 0", "far from 0"])
def test_label_propagation_by_distance_agrees_with_scikit_learn(shift):
    sklearn = pytest.importorskip("sklearn.semi_supervised")
    support, labels, queries = drawn(queries=5)
    nodes = torch.cat([support, queries]).numpy()
    squared = ((nodes[:, None] - nodes[None]) ** 2).sum(-1)
    typical = squared[~np.eye(len(nodes), dtype=bool)].mean()
    reference = sklearn.LabelSpreading(kernel="rbf", gamma=1 / (2 * 0.6**2 * typical), alpha=0.8, max_iter=1000, tol=1e-12)
    reference.fit(nodes, np.concatenate([labels.numpy(), np.full(5, -1)]))
    head = LabelPropagationHead.create(affinity="gaussian", neighbours=1000, alpha=0.8, width=0.6)
    found = head.fit(support + shift, labels).scores(queries + shift)
    np.testing.assert_allclose((found / found.sum(1, keepdim=True)).numpy(), reference.label_distributions_[-5:], atol=1e-6)


def test_queries_pass_labels_on():
    """A chain of points: the last ones are nearer to the other class, but hang together with the first."""
    angles = torch.cat([torch.linspace(0, 110, 12), torch.tensor([170.0])]).deg2rad()
    points = torch.stack([angles.cos(), angles.sin()], dim=1)
    support, queries = points[[0, -1]], points[1:-1]
    head, labels = LabelPropagationHead.create(affinity="gaussian", width=0.1), torch.tensor([0, 1])
    assert head.fit(support, labels).scores(queries).argmax(1).tolist() == [0] * 11
    assert PrototypeHead.create(distance="cosine").fit(support, labels).scores(queries).argmax(1).tolist() == [0] * 8 + [1] * 3


def test_a_class_that_no_path_leads_to_scores_zero():
    support, labels = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
    scores = LabelPropagationHead.create().fit(support, labels).scores(torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
    assert scores[0, 0] > 0
    assert scores[0, 1] == 0
    assert scores[1].tolist() == [0, 0]


# --- relation --------------------------------------------------------------------------------------------------------------


def test_relation_is_a_network_over_every_joined_pair():
    support, labels, queries = drawn()
    head = RelationHead.create(embed_dim=6, hidden=5).double()
    network = nn.Sequential(nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 1)).double()
    network.load_state_dict({name.replace("first", "0").replace("second", "2"): weight for name, weight in head.state_dict().items()})
    found = head.fit(support, labels).scores(queries)
    for row, query in enumerate(queries):
        for way in range(3):
            pair = torch.cat([support[labels == way].mean(0), query])
            torch.testing.assert_close(found[row, way], network(pair)[0])


# --- attended prototypes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heads", [1, 3])
def test_attended_prototypes_agree_with_torchs_attention(heads):
    support, labels, queries = drawn()
    head = AttendedPrototypesHead.create(embed_dim=6, heads=heads, scale=5).double()
    reference = nn.MultiheadAttention(6, heads, bias=False).double()
    made = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in head.parameters():
            weight += torch.randn(6, 6, generator=made, dtype=torch.float64)
        reference.in_proj_weight.copy_(torch.cat([head.to_query.T, head.to_key.T, head.to_value.T]))
        reference.out_proj.weight.copy_(torch.eye(6))
        found = head.fit(support, labels).scores(queries)
        for way in range(3):
            examples = support[labels == way]
            own = reference(examples, examples, examples)[0].mean(0, keepdim=True)
            crossed = reference(queries, examples, examples)[0]
            compared = queries @ head.to_value
            expected = 5 * (functional.cosine_similarity(compared, crossed) + functional.cosine_similarity(compared, own))
            torch.testing.assert_close(found[:, way], expected)


def test_one_example_a_class_scores_fourteen_times_its_cosine_untrained():
    support, _, queries = drawn(3)
    found = AttendedPrototypesHead.create(embed_dim=6).fit(support, torch.arange(3)).scores(queries)
    np.testing.assert_allclose(found.detach().numpy(), 14 * unit(queries) @ unit(support).T, atol=1e-6)


def test_untrained_attention_over_short_embeddings_gives_cosine_prototypes():
    # The shorter the embeddings, the more evenly a softmax of their products weighs the examples.
    support, labels, queries = (part * 1e-4 if part.is_floating_point() else part for part in drawn())
    found = AttendedPrototypesHead.create(embed_dim=6, heads=2).fit(support, labels).scores(queries)
    cosines = PrototypeHead.create(distance="cosine").fit(support, labels).scores(queries)
    torch.testing.assert_close(found, 14 * cosines, atol=1e-5, rtol=1e-5)


# --- another library -------------------------------------------------------------------------------------------------------


class Still(nn.Module):
    """Stands for an LSTM that adds nothing: zeros of the widths that the library expects."""

    def forward(self, values: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        if state is None:  # over the support, both directions
            return torch.zeros(*values.shape[:-1], 2 * values.shape[-1], dtype=values.dtype), values
        return torch.zeros_like(state[0]), state[1]


def test_matching_agrees_with_easyfsl():
    methods = pytest.importorskip("easyfsl.methods")
    support, labels, queries = drawn()
    theirs = methods.MatchingNetworks(feature_dimension=6, support_encoder=Still(), query_encoder=Still())
    theirs.process_support_set(support.float(), labels)
    expected = theirs(functional.normalize(queries).float())  # the library leaves queries at their length, the paper does not
    found = MatchingHead.create().fit(support, labels).scores(queries)
    torch.testing.assert_close(found.float(), expected, atol=1e-4, rtol=1e-4)  # it adds 1e-6 to probabilities


def test_prototypes_agree_with_easyfsl():
    methods = pytest.importorskip("easyfsl.methods")
    support, labels, queries = drawn()
    distances, cosines = methods.PrototypicalNetworks(), methods.SimpleShot()
    for theirs in (distances, cosines):
        theirs.process_support_set(support, labels)
    torch.testing.assert_close(-(-PrototypeHead.create().fit(support, labels).scores(queries)).sqrt(), distances(queries))
    torch.testing.assert_close(PrototypeHead.create(distance="cosine").fit(support, labels).scores(queries), cosines(queries))
