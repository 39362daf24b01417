"""The card: what it says comes from config and figures, the Hub's own classes accept it, and hostile ones are refused."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData

from sslts.errors import ArtefactError, SslTsError
from sslts.hub.card import MAX_FRONT_MATTER_BYTES, Sections, Table, front_matter, parse_card, render_card
from sslts.hub.metrics import Metrics

SECTIONS = Sections(
    what_it_is="A tiny model for tests.",
    differs_from_paper="Everything.",
    data_and_licence="WESAD, for research only.",
    limits="It has not been trained.",
    how_to_cite="Do not.",
    results=(Table("Stress", ("row", "macro-F1"), (("tiny", 96.512), ("hand|made", "n/a")), note="15 subjects, 95 % interval."),),
)


@pytest.fixture
def text(config, metrics):
    return render_card(config, metrics, SECTIONS)


def test_the_hubs_own_classes_accept_the_front_matter(text):
    data = ModelCard(text).data
    assert data.library_name == "sslts"
    assert data.license == "cc-by-nc-4.0"
    assert data.datasets == ["wesad"]
    assert "acc" in data.tags
    first, second = data.eval_results
    assert (first.dataset_name, first.task_name, first.metric_type, first.metric_value) == ("wesad", "wesad-loso stress", "macro-f1", 96.5)
    assert second.metric_value == 74
    again = ModelCardData(**yaml.safe_load(data.to_yaml()))
    assert again.eval_results == data.eval_results


def test_what_is_rendered_can_be_parsed(text, config, metrics):
    card = parse_card(text)
    assert card.front_matter == front_matter(config, metrics)
    assert card.body.startswith("# tiny\n")
    assert text == render_card(config, metrics, SECTIONS)


def test_the_body_holds_every_section_in_order(text):
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Input contract", "## Results", "## What differs from the paper", "## Data and licence", "## Limits", "## How to cite",
    ]  # fmt: skip
    assert "| acc | 8 Hz | x, y, z | g | - |" in text
    assert "Windows of 4 s every 2 s." in text
    assert "| hand\\|made | n/a |" in text
    assert "| tiny | 96.51 |" in text
    assert "| wesad-loso stress | macro-f1 | 96.5 | 94 to 98 | 2025-01-31 |" in text
    assert "Source: make results." in text
    assert 'sslts.load("hf:OWNER/REPOSITORY@COMMIT")' in text


def test_how_it_is_loaded_is_what_its_readers_can_do(config, metrics):
    """A name of a catalogue where there is one; else the repository, and the plugins that it needs."""
    assert 'sslts.load("tiny")' in render_card(config, metrics, SECTIONS, load="tiny")
    told = render_card(config.model_copy(update={"requires": {"sslts-acme": ">=0.1.0"}}), metrics, SECTIONS)
    assert 'sslts.load("hf:OWNER/REPOSITORY@COMMIT")' in told
    assert "pip install 'sslts-acme>=0.1.0'" in told


def test_a_card_without_figures_says_so_and_has_no_model_index(config):
    text = render_card(config, Metrics(), SECTIONS)
    assert "No figures have been measured" in text
    assert "model-index" not in parse_card(text).front_matter


def test_a_licence_that_the_hub_does_not_know_is_named(config, metrics):
    odd = config.model_copy(update={"provenance": config.provenance.model_copy(update={"licence": "WESAD research terms"})})
    front = front_matter(odd, metrics)
    assert (front["license"], front["license_name"]) == ("other", "wesad-research-terms")


def test_a_model_for_any_modality_says_so(config, metrics):
    anything = config.model_copy(update={"spec": config.spec.model_copy(update={"modalities": "any"})})
    assert "| any | any | any with a description |" in render_card(anything, metrics, SECTIONS)


def test_a_model_of_clips_speaks_of_clips(metrics):
    from tiny_mae import tiny_mae

    config = tiny_mae().config
    named = config.model_copy(update={"provenance": config.provenance.model_copy(update={"licence": "Apache-2.0"})})
    told = render_card(named, metrics, SECTIONS)
    assert "A recording is one clip, whatever it lasts" in told
    assert " a clip |" in told
    assert " Hz |" not in told


def test_nothing_essential_may_be_missing(config, metrics):
    with pytest.raises(ArtefactError, match="no text for limits"):
        render_card(config, metrics, replace(SECTIONS, limits=""))
    with pytest.raises(ArtefactError, match="names no licence: say one in its recipe"):
        render_card(config.model_copy(update={"provenance": config.provenance.model_copy(update={"licence": ""})}), metrics, SECTIONS)
    with pytest.raises(ArtefactError, match="2 columns, but a row has 1"):
        Table("t", ("a", "b"), (("x",),))


def test_a_text_without_front_matter_is_all_body():
    for text in ("", "# Title\n", "--\n"):
        card = parse_card(text)
        assert (card.front_matter, card.body) == ({}, text)


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("a: &x 1\nb: *x\n", "aliases are not allowed"),
        ("a: &x [*x]\n", "aliases are not allowed"),
        ("a: !!python/object/apply:os.system ['true']\n", "not plain YAML"),
        ("a: !!python/name:os.system\n", "not plain YAML"),
        ("a: 1\na: 2\n", "a key appears twice"),
        ("a: 2025-99-99\n", "not plain YAML"),
        ("a: 0x\n- b\n", "not plain YAML"),
        ("? [1]\n: 2\n", "not plain YAML"),
        ("a: " + "[" * 60_000 + "\n", "nested more than 20 deep"),
        ("a:\n" + "- " * 30_000 + "\n", "nested more than 20 deep"),
        ("- 1\n", "must be a mapping, got list"),
        ("a: |\n" + "  x" * MAX_FRONT_MATTER_BYTES, "larger than"),
    ],
)
def test_hostile_front_matter_is_refused(front, message):
    with pytest.raises(ArtefactError, match=message) as caught:
        parse_card(f"---\n{front}\n---\nbody")
    assert str(caught.value).isprintable()


def test_an_open_front_matter_is_refused():
    with pytest.raises(ArtefactError, match="not closed"):
        parse_card("---\na: 1\n")


def test_damaged_cards_give_a_typed_error_or_a_mapping(text):
    rng = random.Random(0)
    front = text.index("---", 3)
    for _ in range(150):
        damaged = list(text[: front + 200])
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(front)] = rng.choice("&*!|>{}[]:#-?%@`\"'\t\x00\x1b0\n")
        try:
            harmless = isinstance(parse_card("".join(damaged)).front_matter, dict)
        except SslTsError as error:
            harmless = str(error).isprintable()
        assert harmless, damaged
