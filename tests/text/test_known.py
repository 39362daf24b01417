"""Which words count as known."""

from __future__ import annotations

import warnings

import pytest

from sslts.errors import VocabularyWarning
from sslts.text import warn_of_unknown_words
from sslts.text.known import FOREIGN, unknown
from sslts.text.static import StaticText

VOCABULARY = {"jog", "jogging", "cycle", "hurry", "walk", "watch", "smart", "band", "run", "und", "une", "wrist", "pour", "mine"}


@pytest.mark.parametrize(
    "word", ["jog", "jogger", "jogged", "cycling", "hurried", "walks", "runner", "watchful", "rewatch", "smartwatch", "42", ",", "^"]
)
def test_forms_and_compounds_of_known_words_are_known(word):
    assert unknown([word], VOCABULARY) == ()


@pytest.mark.parametrize("word", ["laufen", "und", "une", "ging", "ran", "naïve", "бег", "走", "wristxx", "wal", "minute"])
def test_other_words_are_not(word):
    assert unknown([word], VOCABULARY) == (word,)


def test_foreign_words_are_in_lower_case_and_none_names_an_axis():
    assert all(word == word.lower() and len(word) > 1 for word in FOREIGN)


def test_a_warning_names_the_words_and_the_text():
    tower = StaticText.example()
    with pytest.warns(VocabularyWarning, match=r"'blorf', 'zork' in 'a blorf zork walking'"):
        warn_of_unknown_words(tower, ["walking", "a blorf zork walking"])


@pytest.mark.parametrize("text", ["...", "\N{RUNNER}", " - "])
def test_a_text_without_any_word_says_nothing_to_the_tower(text):
    with pytest.warns(VocabularyWarning, match="holds no word"):
        warn_of_unknown_words(StaticText.example(), [text])


def test_known_texts_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_unknown_words(StaticText.example(), ["a person is walking.", "running"])


def test_the_warning_points_at_the_caller():
    with pytest.warns(VocabularyWarning) as caught:
        warn_of_unknown_words(StaticText.example(), ["zork"])
    assert caught[0].filename == __file__
