"""The protocols of words hold what the methods say, and refuse what contradicts itself."""

import numpy as np
import pytest

from sslts import registry
from sslts.config import parse
from sslts.errors import ConfigError, UnknownNameError
from sslts.evaluate.protocol import load_protocol, protocols
from sslts.evaluate.text_protocols import ZeroShotProtocol, load_retrieval, load_zero_shot
from sslts.evaluate.zero_shot import NO_CLASS


@pytest.fixture(scope="module")
def zero_shot():
    return load_zero_shot()


def test_dsads_activities_stand_for_those_of_motionsense(zero_shot):
    """sit = 1, std = 2, ups = 5, dws = 6, wlk = 9, 10 and 11, jog = 12, counted from 1; the others are left out."""
    short = {
        "wlk": "walking",
        "jog": "jogging",
        "ups": "walking upstairs",
        "dws": "walking downstairs",
        "sit": "sitting",
        "std": "standing",
    }
    numbers = {1: "sit", 2: "std", 5: "ups", 6: "dws", 9: "wlk", 10: "wlk", 11: "wlk", 12: "jog"}
    labels = zero_shot.labels("dsads", load_protocol("dsads-loso").classes)
    expected = [zero_shot.classes.index(short[numbers[n]]) if n in numbers else -1 for n in range(1, 20)]
    assert labels.tolist() == expected
    assert zero_shot.labels("motionsense", ["walking", "standing"]).tolist() == [0, 5]
    with pytest.raises(UnknownNameError, match="Did you mean 'walking'"):
        zero_shot.labels("motionsense", ["walkin"])


def test_every_label_of_every_reader_has_one_name(zero_shot):
    for name, labels in zero_shot.vocabulary.items():
        assert tuple(labels) == tuple(registry.get("reader", name).labels)
        assert len({naming.text for naming in labels.values()}) == len(labels)


def test_closed_and_open_sets(zero_shot):
    """MotionSense: its 6 names. DSADS: the 8 of its names that mean one of the classes. Open: 19 + 6 + 27, less 4 said twice."""
    phone, units = zero_shot.names("motionsense", open_set=False), zero_shot.names("dsads", open_set=False)
    assert phone.meaning == (0, 1, 2, 3, 4, 5)
    assert sorted(units.meaning) == [0, 0, 0, 1, 2, 3, 4, 5]
    everything = zero_shot.names("dsads", open_set=True)
    assert everything == zero_shot.names("motionsense", open_set=True)
    assert len(everything.texts) == len(set(everything.texts)) == 48
    meaning = dict(zip(everything.texts, everything.meaning, strict=True))
    assert (meaning["sitting"], meaning["jogging in place"], meaning["bowling"]) == (4, 1, NO_CLASS)


def test_five_wordings_hold_the_name_once(zero_shot):
    texts = zero_shot.worded(["rowing", "jumping"])
    assert len(texts) == 5
    assert texts["person"] == ("a person rowing", "a person jumping")
    assert len(set(texts.values())) == 5


def test_the_draws_of_unseen_classes_are_what_their_seed_gives(zero_shot):
    random = np.random.Generator(np.random.PCG64(zero_shot.unseen.seed))
    classes = load_protocol("dsads-loso").classes
    assert zero_shot.unseen.draws == tuple(tuple(classes[index] for index in sorted(random.permutation(19)[:5])) for _ in range(5))


def test_an_unseen_class_is_excluded_under_every_name(zero_shot):
    """What is held out is nowhere in training: neither its windows, nor other sets' windows of the same activity."""
    for draw, held_out in enumerate(zero_shot.unseen.draws):
        excluded = zero_shot.excluded(draw)
        assert excluded["dsads"] == held_out
        assert ("jogging" in excluded["motionsense"]) == ("running on a treadmill at 8 km/h" in held_out)
        assert ("jogging in place" in excluded["utd-mhad-inertial"]) == ("running on a treadmill at 8 km/h" in held_out)
        walks = {
            "walking in a parking lot",
            "walking on a treadmill at 4 km/h, flat",
            "walking on a treadmill at 4 km/h, 15 degrees incline",
        }
        assert ("walking" in excluded["motionsense"]) == bool(walks & set(held_out))
        labels = zero_shot.unseen_labels(draw, [*held_out, next(c for c in load_protocol("dsads-loso").classes if c not in held_out)])
        assert labels.tolist() == [0, 1, 2, 3, 4, -1]
        assert zero_shot.unseen_names(draw).meaning == (0, 1, 2, 3, 4)


def test_contradicting_vocabularies_are_refused(zero_shot):
    told = zero_shot.model_dump()
    told["vocabulary"]["motionsense"]["jogging"]["text"] = "walking on flat ground"
    with pytest.raises(ConfigError, match="means walking in one data set and jogging in another"):
        parse(ZeroShotProtocol, told, "changed")
    told = zero_shot.model_dump()
    told["wordings"]["plain"] = "no place"
    with pytest.raises(ConfigError, match="exactly once"):
        parse(ZeroShotProtocol, told, "changed")
    told = zero_shot.model_dump()
    told["vocabulary"]["motionsense"]["jogging"]["meaning"] = None
    with pytest.raises(ConfigError, match="must name each"):
        parse(ZeroShotProtocol, told, "changed")


@pytest.mark.parametrize("name", ["har-retrieval", "wesad-text"])
def test_retrieval_has_one_text_for_each_class_of_its_protocol(name):
    retrieval = load_retrieval(name)
    assert tuple(retrieval.texts) == load_protocol(retrieval.protocol).classes
    assert len(set(retrieval.queries)) == len(retrieval.texts)
    assert all(query.startswith("a person ") for query in retrieval.queries)


def test_sensors_of_inputs_and_units_are_the_readers(zero_shot):
    places = [(target.reader, names) for target in zero_shot.targets.values() for names in target.inputs.values()]
    places += [("dsads", names) for cross in load_retrieval().cross.values() for names in (cross.queries, cross.gallery)]
    places += [(zero_shot.unseen.reader, names) for names in zero_shot.unseen.inputs.values()]
    for reader, names in places:
        assert set(names) <= {modality.name for modality in registry.get("reader", reader).create().modalities}


def test_the_gallery_of_a_subject_is_the_other_unseen_one():
    groups = [group.test for group in load_protocol("dsads-loso").groups]
    others = load_retrieval().others(groups)
    assert others["p1"] == ("p5",)
    assert others["p8"] == ("p4",)
    assert len(others) == 8


def test_protocols_of_words_are_not_leave_out_protocols():
    assert protocols() == ("dsads-loso", "motionsense-6fold", "wesad-loso")
    with pytest.raises(UnknownNameError, match="judges words"):
        load_protocol("har-zero-shot")
    with pytest.raises(UnknownNameError, match=r"few-shot episodes, load it with sslts\.evaluate\.one_shot"):
        load_protocol("utd-one-shot")
    with pytest.raises(UnknownNameError, match="Known: har-retrieval, wesad-text"):
        load_retrieval("har-zero-shot")
