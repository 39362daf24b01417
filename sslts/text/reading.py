"""Texts as the towers read them: what counts as a text, and BERT's way of cutting it into known pieces.

The vocabulary is plain data, one piece a line. Rules of a tokeniser file (regular expressions, decoders) are never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sslts.errors import TextError

if TYPE_CHECKING:  # imported when a tower reads its first text
    from tokenizers import Tokenizer

UNKNOWN = "[UNK]"


def checked(texts: Sequence[str]) -> list[str]:
    """The texts as a list.

    Raises:
        TextError: one string instead of several, an entry that is not a string, or one without a visible character.
    """
    if isinstance(texts, str):
        raise TextError(f'Expected several texts, got one string. Write ["{texts[:40]}"].')
    listed = list(texts)
    for index, text in enumerate(listed):
        if not isinstance(text, str):
            raise TextError(f"Text {index} is {type(text).__name__}, expected a string such as 'walking'.")
        if not any(character.isprintable() and not character.isspace() for character in text):
            raise TextError(f"Text {index} is empty. Describe what to look for, for example 'a person walking'.")
    return listed


def wordpiece(pieces: Sequence[str]) -> Tokenizer:
    """The tokeniser of uncased BERT over these pieces: lower case, no accents, longest known piece first.

    `##` marks a piece that continues a word. Special tokens are not looked for, so no text can smuggle one in.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def words(tokenizer: Tokenizer, text: str) -> list[str]:
    """The words and punctuation marks of a text, in lower case and without accents."""
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))]


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Indices of a text's pieces.

    Raises:
        TextError: nothing is left of the text once invisible characters are dropped.
    """
    # One text at a time: the batch call starts threads that warn after a fork (data loaders fork).
    found: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    if not found:
        raise TextError(f"{text!r} holds no letter, digit or sign. Describe what to look for, for example 'a person walking'.")
    return found
