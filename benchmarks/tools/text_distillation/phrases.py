"""Phrases for the fit and for judging it, drawn from a seeded generator: the same seed gives the same phrases."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.tools.text_distillation import lexicon as lex

DOMAIN = (
    "{activity}", "{activity}", "{person} is {activity}", "{person} {activity}", "{person} is {activity} {how}",
    "{person} is {activity} {place}", "{activity} {place}", "{activity} {how}", "this is {activity}", "the activity is {activity}",
    "sensor data of {person} {activity}", "{activity} and then {activity2}", "{activity} or {activity2}", "a recording of {activity}",
    "{person} who was {activity}", "{state}", "{person} is {state}", "{person} feels {state}", "{person} is {state} while {activity}",
    "a {state} person", "{state} and {state2}", "{sensor}", "{sensor} on the {position}", "{quantity}", "{quantity} at the {position}",
    "{quantity} along the {axis}", "{position}", "{quantity} {axis}, {position}, {unit}", "{sensor} {axis}, {position}",
    "{sensor} {axis}, {position}, {unit}", "{sensor} worn on the {position}, {axis}, in {unit}", "{position} {quantity} in {unit}",
    "{sensor} measures {quantity}", "{axis} of the {sensor} at the {position}", "the {quantity} is {shape}",
    "{shape} {quantity} with {shape2} {event}", "{shape} {event}", "{shape} and {shape2} movement of the {position}",
    "the signal is {shape} with about two {event} per second", "{person} moves the {position} {how}", "no movement, {shape} signal",
    "the {position} is {shape}", "{quantity} is {shape} while {person} is {activity}", "{shape} {activity}", "not {activity}",
    "no {event}", "{activity} with the {position} {how}", "{how} {activity}", "a {shape} {event} of the {quantity}",
)  # fmt: skip
HELD_OUT_DOMAIN = (
    "{activity}", "{person} is {activity}", "{person} is {activity} {how}", "{activity} {place}", "{person} feels {state}",
    "{person} is {state} while {activity}", "{activity} and then {activity2}", "sensor data of {person} {activity}",
)  # fmt: skip
GENERAL = (
    "{a}", "{a}", "the {a}", "{a} {b}", "{a} {b}", "{a} and {b}", "the {a} of the {b}", "a {a} in the {b}", "{a} {b} {c}",
    "{a} with {b}", "{a} for {b} and {c}", "{a}, {b} or {c}", "it is {a}", "from {a} to {b}", "how {a} is the {b}",
    "the {a} {b} was {c}",
)  # fmt: skip
SENTENCES = (
    "the {noun} {verb} the {noun2}", "the {adjective} {noun} {verb} a {noun2}", "a {noun} in the {adjective} {noun2}",
    "{adjective} {noun}", "the {noun} is {adjective}", "my {noun} was {adjective} and {adjective2}", "a {noun} and a {noun2}",
    "the {noun} of a {adjective} {noun2}", "she {verb} the {noun} with a {noun2}", "he {verb} the {adjective} {noun} every day",
    "there is no {noun} near the {noun2}", "where is the {noun}?", "they never saw such a {adjective} {noun}",
    "a photo of a {adjective} {noun}", "{noun} {noun2}",
)  # fmt: skip
_SUFFIXES = ("s", "ing", "ed", "er", "ers", "ly", "ness", "less", "like", "able", "ish")


@dataclass(frozen=True, slots=True)
class Phrases:
    """`fit` teaches the student. The others judge it: `words`, `activities` and `activity_phrases` hold no content word of the fit,
    `combinations` and `domain` say new things in its words."""

    fit: tuple[str, ...]
    words: tuple[str, ...]
    activities: tuple[str, ...]
    activity_phrases: tuple[str, ...]
    combinations: tuple[str, ...]
    domain: tuple[str, ...]


def build(vocabulary: Sequence[str], *, seed: int, size: int) -> Phrases:
    """Phrases over a vocabulary (whole words in order of frequency). `size` is about how many the fit gets."""
    rng = np.random.default_rng(seed)
    closed = content(lex.HELD_OUT_ACTIVITIES + lex.HELD_OUT_STATES) - content(_DOMAIN_TEXTS)
    words = [word for word in vocabulary if re.fullmatch("[a-z]{3,}", word)]
    everyday = content(_DOMAIN_TEXTS) | content(DOMAIN + GENERAL + SENTENCES) | content(lex.NOUNS + lex.VERBS + lex.ADJECTIVES)
    held_out = [word for word in words if family(word) not in everyday and (_draw(word) < 0.05 or family(word) in closed)]
    hidden = closed | {family(word) for word in held_out}
    usable = [word for word in words if family(word) not in hidden]
    derived = _derived(usable, set(vocabulary), hidden, rng, size // 12)
    fit = [
        *lex.ACTIVITIES, *lex.STATES, *lex.POSITIONS, *lex.SENSORS, *lex.QUANTITIES, *lex.SHAPES, *lex.EVENTS, *lex.FORMS,
        *_domain(DOMAIN, rng, 2 * size // 5),
        *usable,
        *_general(usable, rng, size // 4),
        *_sentences(rng, size // 8),
        *derived,
        *_general(derived, rng, size // 20),
    ]  # fmt: skip
    fit = [phrase for phrase in dict.fromkeys(fit) if not hidden & content([phrase])]
    taught = set(fit)
    domain = [phrase for phrase in dict.fromkeys(_domain(DOMAIN, rng, 3000)) if phrase not in taught][:1500]
    unseen = dict.fromkeys(_domain(HELD_OUT_DOMAIN, rng, 1500, activities=lex.HELD_OUT_ACTIVITIES, states=lex.HELD_OUT_STATES))
    return Phrases(
        fit=tuple(fit),
        words=tuple(dict.fromkeys(_general(held_out, rng, 1600)))[:1500],
        activities=lex.HELD_OUT_ACTIVITIES,
        activity_phrases=tuple(unseen)[:1000],
        combinations=tuple(phrase for phrase in dict.fromkeys(_general(usable, rng, 2000)) if phrase not in taught)[:1500],
        domain=tuple(domain),
    )


def family(word: str) -> str:
    """A crude stem: words that share it are taken to be forms of one word."""
    for ending in ("ings", "ing", "ers", "er", "ies", "ied", "es", "ed", "ly", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word.removesuffix("i")


def content(texts: Iterable[str]) -> set[str]:
    """Families of all words of three letters or more, whole texts and placeholders of templates aside."""
    return {family(word) for text in texts for word in re.findall("[a-z]{3,}", re.sub(r"\{\w+\}", " ", text.lower()))}


_DOMAIN_TEXTS = (
    *lex.ACTIVITIES, *lex.STATES, *lex.POSITIONS, *lex.SENSORS, *lex.QUANTITIES, *lex.AXES, *lex.UNITS, *lex.SHAPES, *lex.EVENTS,
    *lex.INTENSITIES, *lex.PLACES, *lex.PEOPLE, *lex.FORMS, *DOMAIN,
)  # fmt: skip


def _draw(word: str) -> float:
    """A fixed number in [0, 1) for a word, whatever the seed: the same words are always held out."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") / 2**32


def _domain(
    templates: Sequence[str],
    rng: np.random.Generator,
    count: int,
    *,
    activities: Sequence[str] = lex.ACTIVITIES,
    states: Sequence[str] = lex.STATES,
) -> list[str]:
    lists = {
        "activity": activities, "activity2": activities, "state": states, "state2": states, "position": lex.POSITIONS,
        "sensor": lex.SENSORS, "quantity": lex.QUANTITIES, "axis": lex.AXES, "unit": lex.UNITS, "shape": lex.SHAPES, "shape2": lex.SHAPES,
        "event": lex.EVENTS, "how": lex.INTENSITIES, "place": lex.PLACES, "person": lex.PEOPLE,
    }  # fmt: skip
    return _filled(templates, lists, rng, count)


def _general(words: Sequence[str], rng: np.random.Generator, count: int) -> list[str]:
    return _filled(GENERAL, {"a": words, "b": words, "c": words}, rng, count)


def _sentences(rng: np.random.Generator, count: int) -> list[str]:
    lists = {"noun": lex.NOUNS, "noun2": lex.NOUNS, "verb": lex.VERBS, "adjective": lex.ADJECTIVES, "adjective2": lex.ADJECTIVES}
    return _filled(SENTENCES, lists, rng, count)


def _filled(templates: Sequence[str], lists: dict[str, Sequence[str]], rng: np.random.Generator, count: int) -> list[str]:
    phrases = []
    for _ in range(count):
        template = templates[rng.integers(len(templates))]
        phrases.append(
            template.format(**{name: values[rng.integers(len(values))] for name, values in lists.items() if "{" + name + "}" in template})
        )
    return phrases


def _derived(words: Sequence[str], vocabulary: set[str], hidden: set[str], rng: np.random.Generator, count: int) -> list[str]:
    """Words that are not in the vocabulary, so that continuation pieces occur as well."""
    made = []
    while len(made) < count:
        word = words[rng.integers(len(words))] + _SUFFIXES[rng.integers(len(_SUFFIXES))]
        if word not in vocabulary and family(word) not in hidden:
            made.append(word)
    return made
