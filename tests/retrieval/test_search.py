"""Searching by words and by example: which moments, whose, when."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tiny_e4 import tiny_model
from tiny_text import RATE_HZ, compass, tiny_jepa, walk

from sslts.config import Preprocessing
from sslts.data.recording import Recording
from sslts.errors import ConfigError, LengthError, MissingModalityError, TextError, UnsupportedError
from sslts.model import Model

pytestmark = pytest.mark.filterwarnings("ignore::sslts.errors.VocabularyWarning")

EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)
TRIPS = (
    walk(EAST, NORTH, WEST, subject="anna", session="monday", start_unix=1_700_000_000.0),
    walk(NORTH, None, (3.0, 4.0), subject="ben"),
    walk(WEST, (4.0, 3.0)),
)


def test_words_find_moments_ranked_by_cosine_with_whose_and_when():
    hits = compass().search(TRIPS, "east", top_k=3)
    assert [(hit.rank, hit.recording, hit.start_s, hit.end_s) for hit in hits] == [(1, 0, 0, 2), (2, 2, 2, 4), (3, 1, 4, 6)]
    assert [hit.score for hit in hits] == pytest.approx([1, 0.8, 0.6])
    assert [hit.name for hit in hits] == ["monday", "recording 2", "ben"]
    assert (hits[0].subject, hits[0].session) == ("anna", "monday")


def test_a_hit_knows_the_time_of_day_if_its_recording_does():
    best = compass().search(TRIPS, "north", top_k=1)[0]
    assert (best.start_s, best.start_unix, best.clock) == (2.0, 1_700_000_002.0, "2023-11-14T22:13:22+00:00")
    assert compass().search(TRIPS[1], "north")[0].clock == ""


def test_windows_in_which_nothing_is_present_are_never_found():
    hits = compass().search(TRIPS, "east", top_k=100)
    assert len(hits) == 7
    assert (1, 2.0) not in {(hit.recording, hit.start_s) for hit in hits}


def test_an_example_finds_what_resembles_it_in_the_sensors_space():
    model = compass()
    hits = model.search(TRIPS, TRIPS[1].window(start_s=4.0), top_k=3)
    assert [(hit.recording, hit.start_s) for hit in hits][0] == (1, 4.0)
    assert hits[0].score == pytest.approx(1)
    assert [hit.score for hit in hits[1:]] == pytest.approx([0.96, 0.8])
    by_row = model.search(TRIPS, model.encode(TRIPS[1]).select([2]), top_k=3)
    assert list(by_row) == list(hits)


def test_the_query_is_the_window_that_begins_where_the_recording_begins():
    whole = walk(EAST, NORTH, WEST)
    assert compass().search(TRIPS, whole.window(start_s=2.0), top_k=1)[0].score == pytest.approx(1)
    assert [hit.start_s for hit in compass().search(whole, whole.window(start_s=2.0), top_k=1)] == [2.0]


def test_other_sensors_can_be_searched_with_the_window_of_one():
    """Arm as the query, leg as the gallery: two streams of one recording, each searched alone."""
    both = Recording.from_arrays(
        {"arm": walk(EAST, NORTH, WEST).streams["way"].values, "leg": walk(WEST, EAST, NORTH).streams["way"].values},
        rate_hz=RATE_HZ,
        units={"arm": "1", "leg": "1"},
        channels={"arm": ["e", "n"], "leg": ["e", "n"]},
        kinds={"arm": "compass", "leg": "compass"},
    )
    hits = compass().search([both.only("leg")], both.only("arm").window(start_s=2.0), top_k=1)
    assert (hits[0].start_s, hits[0].score) == (4.0, pytest.approx(1))


def test_of_neighbours_only_the_best_is_a_hit():
    long = walk((1.0, 0.2), EAST, (1.0, 0.1), NORTH, (1.0, 0.3))
    starts = {apart_s: [hit.start_s for hit in compass().search(long, "east", apart_s=apart_s)] for apart_s in (None, 0.0, 2.5, 7.0, 99.0)}
    assert starts == {
        None: [2.0, 4.0, 0.0, 8.0, 6.0],
        0.0: [2.0, 4.0, 0.0, 8.0, 6.0],
        2.5: [2.0, 8.0],
        7.0: [2.0],
        99.0: [2.0],
    }


def test_overlapping_windows_are_one_hit_unless_asked_for():
    model, given = compass(), walk(EAST, EAST, EAST)
    assert [hit.start_s for hit in model.search(given, "east", stride_s=0.5)] == [0.0, 2.0, 4.0]
    assert len(model.search(given, "east", stride_s=0.5, apart_s=0)) == 9


def test_recordings_are_read_one_at_a_time():
    alive: list[int] = []

    def reading() -> Iterator[Recording]:
        for number in range(3):
            alive.append(number)
            yield walk(EAST, session=f"s{number}")

    assert [hit.name for hit in compass().search(reading(), "east")] == ["s0", "s1", "s2"]
    assert alive == [0, 1, 2]


def test_hits_print_as_a_table_and_go_into_a_file(tmp_path):
    hits = compass().search(TRIPS, "east", top_k=2)
    lines = repr(hits).splitlines()
    assert lines[0].split() == ["rank", "score", "recording", "start_s", "end_s", "utc"]
    assert lines[1].split() == ["1", "1.000", "monday", "0.0", "2.0", "2023-11-14T22:13:20+00:00"]
    assert lines[2].split() == ["2", "0.800", "recording", "2", "2.0", "4.0", "-"]
    with hits.to_csv(tmp_path / "hits.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["session"], row["subject"], row["start_unix"]) for row in rows] == [("monday", "anna", "1700000000.0"), ("", "", "")]
    assert float(rows[1]["score"]) == hits[1].score
    assert hits.to_dict()["hits"][0]["rank"] == 1
    assert hits[:1].query == hits.query == "'east'"
    empty = compass().search(walk(None, None), "east")
    assert len(empty) == 0
    assert repr(empty) == "no hits for 'east'"


@pytest.mark.parametrize("top_k", [0, -1, 2.0, True, "3"])
def test_top_k_is_a_whole_number_of_at_least_one(top_k):
    with pytest.raises(ConfigError, match="top_k must be a whole number of at least 1"):
        compass().search(TRIPS, "east", top_k=top_k)


@pytest.mark.parametrize("apart_s", [-1.0, float("nan"), float("inf")])
def test_apart_s_is_a_number_of_seconds(apart_s):
    with pytest.raises(ConfigError, match="apart_s"):
        compass().search(TRIPS, "east", apart_s=apart_s)


def test_nothing_to_search_is_refused():
    for nothing in ([], (), iter(())):
        with pytest.raises(LengthError, match="at least one recording, got none"):
            compass().search(nothing, "east")
    with pytest.raises(LengthError, match="at least one recording, got none"):
        compass().index([])


def test_a_query_shorter_than_a_window_is_refused():
    with pytest.raises(LengthError, match=r"query lasts 1 s, one window needs 2 s"):
        compass().search(TRIPS, TRIPS[0].window(start_s=5.0))
    with pytest.raises(LengthError, match=r"query lasts 1 s"):
        compass().search(TRIPS, TRIPS[0].window(start_s=0.0, duration_s=1.0))


def test_a_query_of_several_rows_of_another_model_or_of_nothing_is_refused():
    model = compass()
    rows = model.encode(TRIPS[1])
    with pytest.raises(LengthError, match=r"one window, got 3.*select"):
        model.search(TRIPS, rows)
    with pytest.raises(ConfigError, match="embedded by 'other'"):
        model.search(TRIPS, replace(rows.select([0]), model="other"))
    with pytest.raises(MissingModalityError, match="No sensor is present in the query"):
        model.search(TRIPS, rows.select([1]))
    with pytest.raises(MissingModalityError, match="No sensor is present in the query"):
        model.search(TRIPS, TRIPS[1].window(start_s=2.0, duration_s=2.0))
    with pytest.raises(TextError, match="A query is a text, a Recording or a row of Embeddings, got list"):
        model.search(TRIPS, ["east"])


def test_the_recording_that_does_not_fit_is_named():
    with pytest.raises(LengthError, match=r"Recording 1 \(friday\): This recording lasts 1 s"):
        compass().search([TRIPS[0], replace(walk(EAST, session="friday").window(start_s=0, duration_s=1.0))], "east")


def test_a_model_without_text_finds_by_example_but_not_by_words(small_spec):
    model = tiny_model(small_spec)
    made = np.random.default_rng(0)
    given = Recording.from_arrays(
        {"acc": made.normal(0, 0.1, (160, 3)) + [0, 0, 1], "eda": made.uniform(1, 2, 80)},
        rate_hz={"acc": 8, "eda": 4},
        units={"acc": "g", "eda": "uS"},
    )
    with pytest.raises(UnsupportedError, match="cannot search by words"):
        model.search(given, "stress")
    hits = model.search(given, given.window(start_s=8.0), top_k=2)
    assert (hits[0].start_s, hits[0].score) == (8.0, pytest.approx(1, abs=1e-4))


def test_a_query_cut_out_of_a_recording_cannot_use_its_statistics():
    model = compass()
    relative = Model(
        model.config.model_copy(update={"preprocessing": Preprocessing(recording="embedding", default="recording")}), model.method
    )
    with pytest.raises(ConfigError, match=r"normalise='recording' a window depends on its whole recording.*select"):
        relative.search(TRIPS[0], TRIPS[0].window(start_s=2.0))
    rows = relative.encode(TRIPS[0])
    assert relative.search(TRIPS[0], rows.select([1]), top_k=1)[0].start_s == 2.0
    with pytest.raises(ConfigError, match="do not compare"):
        relative.search(TRIPS[0], relative.encode(TRIPS[0], normalise="artefact").select([1]))


def test_a_real_recording_finds_itself_at_another_rate():
    """The bundled phone: the window at 20 s is nearest to itself, cut out or not."""
    from sslts import registry
    from sslts.data import samples

    reader = registry.get("reader", "motionsense").create()
    walking = reader.read(samples.path("motionsense_sub_24"), session="sub_24/wlk_15")
    model = tiny_jepa()
    best = model.search([walking], walking.window(start_s=20.0), top_k=1)[0]
    assert (best.start_s, best.session) == (20.0, "sub_24/wlk_15")
    assert best.score == pytest.approx(1, abs=1e-3)
    assert walking.duration_s > best.end_s
