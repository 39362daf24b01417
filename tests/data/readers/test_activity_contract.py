"""What all readers of activity data sets promise; their own files test what they read."""

import pytest

from sslts import registry
from sslts.config import SensorSpec
from sslts.data.units import normalise_unit

NAMES = ("dsads", "motionsense", "utd-mhad-inertial", "uci-har", "hapt", "pamap2", "mhealth", "opportunity")


@pytest.mark.parametrize("name", NAMES)
def test_every_channel_says_what_it_measures_where_and_in_which_unit(name):
    reader = registry.get("reader", name).create()
    spec = SensorSpec(modalities=reader.modalities, window_s=5.0, stride_s=2.5)
    for modality in spec.named:
        for channel in modality.channels:
            assert normalise_unit(channel.unit) == channel.unit
            assert channel.kind
            assert channel.position
            assert len(channel.description) > 10
            assert "{" not in channel.description


@pytest.mark.parametrize("name", NAMES)
def test_descriptions_tell_the_channels_of_a_recording_apart(name):
    reader = registry.get("reader", name).create()
    texts = [channel.description for modality in reader.modalities for channel in modality.channels]
    # Opportunity wears two sensors on the back.
    assert len(texts) - len(set(texts)) == (3 if name == "opportunity" else 0)


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_plain_english_and_data_sets_are_cited(name):
    reader = registry.get("reader", name)
    assert reader.labels
    assert all(label.replace("_", " ") == label and label[0].islower() and meaning for label, meaning in reader.labels.items())
    assert reader.citation
    assert reader.licence
