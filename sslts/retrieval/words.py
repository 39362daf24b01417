"""Labels and queries, checked and embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sslts import registry
from sslts.errors import SslTsError, TextError, UnsupportedError
from sslts.hub.catalogue import list_models
from sslts.interfaces import Method, TextMethod
from sslts.text.known import warn_of_unknown_words

#: Label names, or a name with the phrases that mean it.
Labels = Sequence[str] | Mapping[str, Sequence[str]]
_PLACE = "{}"


def text_method(method: Method, name: str, what: str) -> TextMethod:
    """The method, if it knows text (UnsupportedError otherwise, with the models that do)."""
    if isinstance(method, TextMethod):
        return method
    able = [entry.name for entry in list_models() if _knows_text(entry.method)]
    raise UnsupportedError(f"{name} has no text tower, so it cannot {what}. Models that can: {', '.join(able) or 'none installed'}.")


def _knows_text(name: str) -> bool:
    try:
        return issubclass(registry.get("method", name), TextMethod)
    except SslTsError:  # a plugin's method that cannot be loaded here: the model cannot be either
        return False


def label_vectors(
    method: TextMethod, labels: Labels, prompts: Sequence[str] | None, *, stacklevel: int = 1
) -> tuple[tuple[str, ...], Tensor]:
    """Names and one unit vector a label [L, T]: the mean direction of its phrases, each put into every prompt.

    Raises:
        TextError: no labels or one alone; an empty one, one that is no text, or two that are the same but for case and spaces; a prompt
            without "{}".
    """
    phrases = _phrases(labels)
    templates = _templates(prompts)
    around = [text for text in (template.replace(_PLACE, " ") for template in templates) if any(c.isalnum() for c in text)]
    said = list(dict.fromkeys([*(phrase for those in phrases.values() for phrase in those), *around]))
    warn_of_unknown_words(method.text_encoder, said, stacklevel=stacklevel + 1)
    texts = [[template.replace(_PLACE, phrase) for phrase in those for template in templates] for those in phrases.values()]
    vectors = _embed(method, [text for those in texts for text in those])
    means = [part.mean(0) for part in vectors.split([len(those) for those in texts])]
    return tuple(phrases), functional.normalize(torch.stack(means), dim=1)


def query_vector(method: TextMethod, query: str, *, stacklevel: int = 1) -> Tensor:
    """A unit vector [T].

    Raises:
        TextError: the query is empty.
    """
    if not query.strip():
        raise TextError("The query is empty. Say what to look for: model.search(recordings, 'someone running').")
    warn_of_unknown_words(method.text_encoder, [query], stacklevel=stacklevel + 1)
    return _embed(method, [query])[0]


def _embed(method: TextMethod, texts: Sequence[str]) -> Tensor:
    with torch.inference_mode():
        return functional.normalize(method.embed_text(texts).float().cpu(), dim=1)


def _phrases(labels: Any) -> dict[str, tuple[str, ...]]:
    if isinstance(labels, str) or not isinstance(labels, Sequence | Mapping):
        raise TextError(f"labels must be a list of texts, such as ['walking', 'sitting'], got {_shown(labels)}.")
    if isinstance(labels, Mapping):
        given = {name: _several(phrases, f"The phrases of label {name!r}") for name, phrases in labels.items()}
    else:
        _refuse(list(labels), "labels")
        given = {name: (name,) for name in labels}
    _refuse(list(given), "labels")
    if len(given) < 2:
        hint = f" To find one thing, search for it: model.search(recording, {next(iter(given))!r})." if given else ""
        raise TextError(f"classify chooses between labels: it needs two or more, got {len(given)}.{hint}")
    return given


def _several(phrases: Any, what: str) -> tuple[str, ...]:
    if isinstance(phrases, str) or not isinstance(phrases, Sequence) or not phrases:
        raise TextError(f"{what} must be a list of one text or more, got {_shown(phrases)}.")
    _refuse(list(phrases), what)
    return tuple(phrases)


def _refuse(texts: Sequence[Any], what: str) -> None:
    seen: dict[str, str] = {}
    for text in texts:
        if not isinstance(text, str):
            raise TextError(f"{what}: expected texts, got {_shown(text)}.")
        plain = " ".join(text.split()).casefold()
        if not plain:
            raise TextError(f"{what}: one text is empty. Say what it should mean, or leave it out.")
        if plain in seen:
            raise TextError(f"{what}: {seen[plain]!r} and {text!r} are the same. Name each once.")
        seen[plain] = text


def _templates(prompts: Any) -> tuple[str, ...]:
    if prompts is None:
        return (_PLACE,)
    templates = _several(prompts, "prompts")
    for template in templates:
        if _PLACE not in template:
            raise TextError(f"A prompt holds {{}} where the label goes, such as 'a person is {{}}'; got {template!r}.")
    return templates


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.60}"
