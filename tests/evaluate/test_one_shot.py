"""Protocols of episodes: the classes that teach, select and are judged, as they were written down."""

from __future__ import annotations

from typing import Any

import pytest

from sslts import registry
from sslts.config import parse
from sslts.data.readers.utd_actions import ACTIONS
from sslts.errors import ConfigError, UnknownNameError
from sslts.evaluate.one_shot import OneShotProtocol, load_one_shot
from sslts.training.recipe import load_recipe
from sslts.training.run import find_recipe


def test_folds_of_utd_are_classes_by_number_and_every_fourth_of_the_rest():
    protocol = load_one_shot()
    assert (protocol.ways, protocol.shots, protocol.episodes) == (5, (1, 5), 10_000)
    assert len(protocol.folds) == 3
    for number, fold in enumerate(protocol.folds):
        others = [action for identity, action in enumerate(ACTIONS, 1) if identity % 3 != number]
        assert fold.novel == tuple(action for identity, action in enumerate(ACTIONS, 1) if identity % 3 == number)
        assert fold.validation == tuple(others[position] for position in (0, 4, 8, 12, 16))
        assert sorted((*fold.novel, *fold.validation, *fold.base)) == sorted(ACTIONS)
        assert (len(fold.novel), len(fold.validation), len(fold.base)) == (9, 5, 13)


def test_the_published_recipe_reads_no_class_of_fold_0_that_is_judged_or_selects():
    recipe, fold = load_recipe(find_recipe("mu-mae-utd-mhad")), load_one_shot().folds[0]
    assert set(recipe.data.exclude_labels) == {*fold.novel, *fold.validation}
    assert set(recipe.finetune.validation_labels) == set(fold.validation)


def changed(**changes: Any) -> OneShotProtocol:
    return parse(OneShotProtocol, load_one_shot().model_dump(mode="json") | changes, "protocol")


@pytest.mark.parametrize(("part", "said"), [("base", "among the novel and the base"), ("validation", "among the novel and the validation")])
def test_a_class_on_two_sides_is_refused(part, said):
    folds = load_one_shot().model_dump(mode="json")["folds"]
    folds[0][part] = [*folds[0][part], folds[0]["novel"][0]]
    with pytest.raises(ConfigError, match=said):
        changed(folds=folds)


def test_folds_that_lose_a_class_or_have_too_few_novel_ones_are_refused():
    folds = load_one_shot().model_dump(mode="json")["folds"]
    folds[0]["base"] = folds[0]["base"][1:]
    with pytest.raises(ConfigError, match="every fold must place the same classes"):
        changed(folds=folds)
    with pytest.raises(ConfigError, match="at least 10 novel classes"):
        changed(ways=10)


def test_an_unknown_protocol_is_named_with_those_that_exist():
    with pytest.raises(UnknownNameError, match="utd-one-shot"):
        load_one_shot("utd-oneshot")


def test_mmact_keeps_the_papers_novel_classes_and_says_why_its_figure_is_another():
    protocol = load_one_shot("mmact-one-shot")
    novel = "carrying checking_time exiting kicking pointing pulling setting_down transferring_object walking waving_hand"
    assert protocol.folds[0].novel == tuple(name.replace("_", " ") for name in novel.split())
    fold = protocol.folds[0]
    assert {*fold.novel, *fold.validation, *fold.base} == set(registry.get("reader", "mmact").labels)
    assert protocol.published[0].value == 0.8017
    assert "not kept apart" in protocol.published[0].caveat
