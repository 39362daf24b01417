"""Which words a tower knows.

Pieces cover nearly everything, so a tower always answers, but pieces of a Finnish word carry no meaning. A word is known if the
vocabulary has it whole, or has the stem that an English ending was put on, or both halves of a compound.
"""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterator, Sequence

from sslts.errors import VocabularyWarning
from sslts.interfaces import TextEncoder

_ENDINGS = (
    "s",
    "es",
    "ed",
    "d",
    "ing",
    "er",
    "ers",
    "r",
    "rs",
    "or",
    "ors",
    "ly",
    "ness",
    "less",
    "ful",
    "able",
    "ment",
    "ish",
    "y",
    "like",
)
_BEGINNINGS = ("un", "non", "re", "pre", "semi", "multi", "micro", "over", "under", "anti")
_SHORTEST_STEM, _SHORTEST_HALF = 3, 4

#: Frequent words of other languages that stand in BERT's vocabulary but are no English words: they say that a text is not English.
_FOREIGN = (
    "der und das ist ein eine einen einem einer nicht mit auf fur von zu dem vom zum zur als auch sich sie wir ihr ich",
    "les une des dans avec sur qui que est elle nous vous je cette ses",
    "los las una uno por del su como pero muy esta este di della dei gli che sono nel alla",
    "het een niet voor aan bij naar zijn uma em och att det som av til og ikke jeg nie jest",
)
FOREIGN = frozenset(word for line in _FOREIGN for word in line.split())


def unknown(words: Sequence[str], vocabulary: Container[str]) -> tuple[str, ...]:
    """Those of a text's words (lower case) that the vocabulary has no meaning for, each once, in order."""
    return tuple(dict.fromkeys(word for word in words if not _known(word, vocabulary)))


def warn_of_unknown_words(tower: TextEncoder, texts: Sequence[str], *, stacklevel: int = 1) -> None:
    """Give a VocabularyWarning for each text that holds words which the tower does not know.

    `stacklevel` 1 points at the line that calls this, 2 at the line that called that one.
    """
    for text in texts:
        missing = tower.unknown_words(text)
        if not any(character.isalnum() for character in text):
            warnings.warn(
                f"{text!r} holds no word, so it says nothing to the text tower. Describe it in common English words.",
                VocabularyWarning,
                stacklevel=stacklevel + 1,
            )
        elif missing:
            quoted = ", ".join(f"'{word}'" for word in missing[:5])
            warnings.warn(
                f"The text tower does not know {quoted} in {text!r}: these words say nothing to it. Describe it in common English words.",
                VocabularyWarning,
                stacklevel=stacklevel + 1,
            )


def _known(word: str, vocabulary: Container[str]) -> bool:
    if not any(character.isalpha() for character in word):
        return True  # digits and punctuation
    if not (word.isascii() and word not in FOREIGN):
        return False
    if word in vocabulary:
        return True
    if any(stem in vocabulary for stem in _stems(word) if stem not in FOREIGN):
        return True
    return any(_half(word[:at], vocabulary) and _half(word[at:], vocabulary) for at in range(_SHORTEST_HALF, len(word)))


def _stems(word: str) -> Iterator[str]:
    """What may be left of a word without an English beginning or ending: jogger -> jogg, jog; cycling -> cycl, cycle; hurried -> hurry."""
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _SHORTEST_STEM:
            continue
        yield stem
        yield stem + "e"
        if stem[-1] == "i":
            yield stem[:-1] + "y"
        if stem[-1] == stem[-2]:
            yield stem[:-1]
    for beginning in _BEGINNINGS:
        if word.startswith(beginning) and len(word) - len(beginning) >= _SHORTEST_HALF:
            yield word.removeprefix(beginning)


def _half(word: str, vocabulary: Container[str]) -> bool:
    if len(word) < _SHORTEST_HALF or word in FOREIGN:
        return False
    return word in vocabulary or any(stem in vocabulary for stem in _stems(word) if len(stem) >= _SHORTEST_HALF)
