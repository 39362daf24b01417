"""The tool that distils the static text tower: what it fits on, what it judges on, and that it repeats itself."""

from __future__ import annotations

import json
import re

import pytest
import torch
import torch.nn.functional as F

from benchmarks.tools.distil_text import RESULT, SETS
from benchmarks.tools.text_distillation import fidelity, lexicon, phrases, student
from sslts.text import static_ref
from sslts.text.static import Hidden, StaticText

VOCABULARY = [*sorted(set(lexicon.NOUNS + lexicon.ADJECTIVES)), "fencing", "golf", "kneading", "zither", "abacus", "mango", "##s", "##ing"]


@pytest.fixture(scope="module")
def texts() -> phrases.Phrases:
    return phrases.build(VOCABULARY, seed=0, size=2000)


def test_the_same_seed_gives_the_same_phrases(texts):
    assert phrases.build(VOCABULARY, seed=0, size=2000) == texts
    assert phrases.build(VOCABULARY, seed=1, size=2000).fit != texts.fit


def test_no_content_word_of_the_unseen_phrases_is_in_the_fit(texts):
    told = phrases.content(texts.fit)
    unseen = phrases.content(lexicon.HELD_OUT_ACTIVITIES + lexicon.HELD_OUT_STATES) - phrases.content(["the", "a"])
    assert {"golf", "fenc", "drum"} <= unseen
    assert unseen & told == set()
    everyday = phrases.content([*phrases.GENERAL, *phrases.DOMAIN])
    assert (phrases.content(texts.words) - everyday) & told == set()


def test_what_judges_is_not_what_teaches(texts):
    taught = set(texts.fit)
    for name in SETS:
        assert getattr(texts, name)
        assert not taught & set(getattr(texts, name))


@pytest.mark.parametrize("words", [("jog", "jogs", "jogging", "jogger"), ("cycle", "cycling", "cycles"), ("hurry", "hurried", "hurries")])
def test_forms_of_a_word_are_one_family(words):
    assert len({phrases.family(word) for word in words}) == 1


def test_fidelity_counts_order_and_neighbours():
    def at(*angles: float) -> torch.Tensor:
        turned = torch.tensor(angles)
        return torch.stack([turned.cos(), turned.sin()], dim=1)

    true, moved = at(0, 0.1, 0.3, 0.7), at(0, 0.1, 0.62, 0.7)
    assert fidelity.compare(true, true) == {"phrases": 4, "spearman": 1.0, "nearest": 1.0, "nearest_in_5": 1.0}
    # Angles of the pairs 01 02 12 03 13 23 rank 1 3 2 6 5 4, then 2 5 3 6 4 1: 1 - 6 * 16 / (6 * 35).
    # Of the third, the second is nearest; once moved, the fourth is.
    assert fidelity.compare(moved, true) == {"phrases": 4, "spearman": 0.5429, "nearest": 0.75, "nearest_in_5": 1.0}


def test_the_axes_are_orthonormal_and_do_not_depend_on_signs():
    target = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    axes = student.axes(target, 4)
    torch.testing.assert_close(axes.T @ axes, torch.eye(4), rtol=0, atol=1e-5)
    assert (axes.gather(0, axes.abs().argmax(0, keepdim=True)) > 0).all()


def test_rare_pieces_weigh_more():
    weights = student.weights(1000).flatten()
    assert (weights.diff() > 0).all()


def test_the_students_pieces_are_english_and_start_with_the_unknown_one():
    pieces = student.pieces(["[PAD]", "[UNK]", "walking", "##ing", "42", "1984", "été", "日", ","])
    assert pieces[:5] == ["[UNK]", "walking", "##ing", "42", ","]
    assert "treadmill" in pieces
    assert len(set(pieces)) == len(pieces)


def test_the_fit_repeats_itself_and_comes_nearer_to_its_teacher():
    generator = torch.Generator().manual_seed(0)
    tokens = [torch.randint(20, (1 + row % 4,), generator=generator).tolist() for row in range(400)]
    words = torch.randn(20, 12, generator=generator)
    target = F.normalize(torch.stack([words[row].sum(0) + 0.5 for row in tokens]), dim=-1)
    settings = student.Settings(embed_dim=6, hidden_dim=8, epochs=20, batch=50)
    first, second = (student.fit(tokens, target, F.normalize(words, dim=-1), settings, seed=3) for _ in range(2))
    pieces = ["[UNK]", *(f"w{index}" for index in range(19))]
    towers = [StaticText.of(pieces, fitted.vectors, fitted.hidden, revision="x") for fitted in (first, second)]
    assert towers[0].config.sha256 == towers[1].config.sha256
    wanted = F.normalize(target @ student.axes(target, 6), dim=-1)
    flat, starts = student.packed(tokens)
    none = Hidden(torch.zeros(1, 6), torch.zeros(1), torch.zeros(6, 1))
    before = student.forward(flat, starts, student.weights(20) * (F.normalize(words, dim=-1) @ student.axes(target, 6)), none)
    after = student.forward(flat, starts, first.vectors, first.hidden)
    assert (after * wanted).sum(1).mean() > (before * wanted).sum(1).mean() + 0.02


def test_the_tower_computes_what_was_fitted():
    generator = torch.Generator().manual_seed(0)
    vectors, weight, bias, output = (torch.randn(shape, generator=generator) for shape in ((4, 6), (5, 6), (5,), (6, 5)))
    hidden = Hidden(weight, bias, output)
    tower = StaticText.of(["[UNK]", "up", "down", "##s"], vectors, hidden, revision="x")
    flat, starts = student.packed([[1, 3, 2], [2]])
    torch.testing.assert_close(tower(["ups down", "down"]), student.forward(flat, starts, vectors, hidden), rtol=0, atol=0.02)


def test_the_recorded_figures_are_those_of_the_shipped_tower():
    recorded = json.loads(RESULT.read_text(encoding="utf-8"))
    assert recorded["tower"] == static_ref().model_dump(mode="json")
    assert set(recorded["static"]) == set(recorded["sets"]) == set(SETS)
    assert RESULT.with_suffix(".md").read_text(encoding="utf-8") == fidelity.table(recorded)
    assert re.fullmatch("[0-9a-f]{40}", recorded["teacher"]["options"]["revision"])
