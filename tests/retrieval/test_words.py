"""Labels and queries: what is refused, and what is warned of."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from tiny_text import tiny_jepa

from sslts.data.recording import Recording
from sslts.errors import TextError, VocabularyWarning

STILL = Recording.from_arrays({"acc": np.tile(np.float32([0, 0, 1]), (200, 1))}, rate_hz=50, units={"acc": "g"})


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ([], "two or more, got 0"),
        (["walking"], r"two or more, got 1\. To find one thing, search for it: model\.search\(recording, 'walking'\)"),
        (["walking", ""], "one text is empty"),
        (["walking", "  \t"], "one text is empty"),
        (["walking", "sitting", "walking"], "'walking' and 'walking' are the same"),
        (["a person", " A  Person "], "'a person' and ' A  Person ' are the same"),
        (["walking", 3], "expected texts, got int 3"),
        (["walking", None], "expected texts, got NoneType"),
        ("walking", "must be a list of texts"),
        (7, "must be a list of texts"),
        ({"walking": "strolling", "sitting": ["sitting"]}, "phrases of label 'walking' must be a list"),
        ({"walking": [], "sitting": ["sitting"]}, "phrases of label 'walking' must be a list"),
        ({"walking": ["strolling", "Strolling"], "sitting": ["sitting"]}, "are the same"),
        ({"walking": ["walking"], "Walking ": ["strolling"]}, "are the same"),
    ],
)
def test_labels_that_say_nothing_or_the_same_twice_are_refused(labels, complaint):
    with pytest.raises(TextError, match=complaint):
        tiny_jepa().classify(STILL, labels)


@pytest.mark.parametrize(
    ("prompts", "complaint"),
    [
        ("a person is {}", "prompts must be a list"),
        (["a person is walking"], "holds {} where the label goes"),
        ([], "prompts must be a list"),
        ([3], "expected texts"),
    ],
)
def test_prompts_without_a_place_for_the_label_are_refused(prompts, complaint):
    with pytest.raises(TextError, match=complaint):
        tiny_jepa().classify(STILL, ["walking", "sitting"], prompts=prompts)


def test_a_prompt_fills_in_the_label_and_no_more():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VocabularyWarning)
        found = tiny_jepa().classify(STILL, ["{0.__class__}", "sitting"], prompts=["a person is {}"])
    assert found.labels == ("{0.__class__}", "sitting")


@pytest.mark.parametrize("query", ["", " \n"])
def test_an_empty_query_is_refused(query):
    with pytest.raises(TextError, match="query is empty"):
        tiny_jepa().search(STILL, query)


def test_unknown_words_are_warned_of_once_where_the_user_wrote_them():
    with pytest.warns(VocabularyWarning) as told:
        tiny_jepa().classify(STILL, ["walking", "juoksu"], prompts=["a person is {}", "person {}"])
    assert [(warning.filename, "'juoksu'" in str(warning.message)) for warning in told] == [(__file__, True)]
    with pytest.warns(VocabularyWarning) as told:
        tiny_jepa().search(STILL, "juoksu")
    assert [warning.filename for warning in told] == [__file__]


def test_known_words_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error", VocabularyWarning)
        tiny_jepa().classify(STILL, ["walking", "sitting"], prompts=["a person is {}"])
