import shutil

import pytest

from sslts import registry
from sslts.data import labelled_windows, readers, synthetic
from sslts.data.readers.wesad_protocol import PICKLE_START_S, PROTOCOL_START_S, SUBJECTS, questionnaire_intervals
from sslts.errors import ReaderError

# Copied from the data set: the times of subject S2.
QUEST_S2 = """# Subj;S2;;;;;;;
# ORDER;Base;TSST;Medi 1;Fun;Medi 2;sRead;fRead;;
# START;7.08;39.55;70.19;81.25;93.38;54.42;89.51;;
# END;26.32;50.3;77.1;87.47;100.15;56.07;91.15;;
"""


@pytest.fixture(scope="module")
def wesad(tmp_path_factory):
    return synthetic.write_wesad_wrist(tmp_path_factory.mktemp("WESAD"), ["S10", "S2"], segment_s=90)


def test_times_are_minutes_and_seconds_shortened_at_both_ends():
    intervals = questionnaire_intervals(QUEST_S2, "S2_quest.csv")
    assert [(i.label, i.start_s, i.end_s) for i in intervals] == [
        ("baseline", 7 * 60 + 8 + 10, 26 * 60 + 32 - 10),
        ("stress", 39 * 60 + 55 + 10, 50 * 60 + 30 - 10),
        ("meditation", 70 * 60 + 19 + 10, 77 * 60 + 10 - 10),
        ("amusement", 81 * 60 + 25 + 10, 87 * 60 + 47 - 10),
        ("meditation", 93 * 60 + 38 + 10, 100 * 60 + 15 - 10),
    ]


def test_labels_lie_on_the_clock_of_the_e4(wesad):
    recording = readers.wesad_wrist(wesad, "S2")
    first = recording.labels.intervals[0]
    assert (first.label, first.start_s) == ("baseline", PROTOCOL_START_S["S2"] + 40 + 10)
    assert {i.duration_s for i in recording.labels.intervals} == {90.0}
    assert (recording.subject, recording.session) == ("S2", "S2")
    assert len(labelled_windows(recording, window_s=60, stride_s=30)) == 5 * 2


def test_sessions_are_in_numeric_order(wesad):
    assert readers.sessions("wesad-wrist", wesad) == ("S2", "S10")


def test_one_subjects_folder_and_a_zipped_wristband_read_alike(wesad, tmp_path):
    folder = tmp_path / "S2"
    shutil.copytree(wesad / "S2", folder)
    shutil.make_archive(str(folder / "S2_E4_Data"), "zip", folder / "S2_E4_Data")
    shutil.rmtree(folder / "S2_E4_Data")
    zipped = readers.wesad_wrist(folder)
    assert zipped.labels == readers.wesad_wrist(wesad, "S2").labels
    assert zipped.duration_s == readers.wesad_wrist(wesad, "S2").duration_s


def test_the_tables_cover_all_subjects_and_the_pickle_starts_later():
    assert set(SUBJECTS) == set(PROTOCOL_START_S) == set(PICKLE_START_S)
    assert all(42 <= PICKLE_START_S[s] - PROTOCOL_START_S[s] <= 165 for s in SUBJECTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("# END", "# FIN"), "no row '# END'"),
        (lambda text: text.replace("7.08;", "", 1), "5|7, 6 and 7"),
        (lambda text: text.replace("7.08", "7.75", 1), "7.75"),
        (lambda text: text.replace("26.32", "7.20", 1), "end after it starts"),
    ],
)
def test_a_questionnaire_that_does_not_fit_is_refused(change, message):
    with pytest.raises(ReaderError, match=message):
        questionnaire_intervals(change(QUEST_S2), "S2_quest.csv")


def test_a_missing_questionnaire_or_subject_is_named(wesad, tmp_path):
    shutil.copytree(wesad / "S2", tmp_path / "S2")
    (tmp_path / "S2" / "S2_quest.csv").unlink()
    with pytest.raises(ReaderError, match=r"S2_quest\.csv"):
        readers.wesad_wrist(tmp_path, "S2")
    with pytest.raises(ReaderError, match="Sessions: S2, S10"):
        readers.wesad_wrist(wesad, "S3")


def test_a_store_knows_which_files_a_subject_is_read_from(wesad):
    reader = registry.get("reader", "wesad-wrist").create()
    names = {path.name for path in reader.files(wesad, "S2")}
    assert names == {"ACC.csv", "BVP.csv", "EDA.csv", "TEMP.csv", "tags.csv", "S2_quest.csv"}


def test_a_folder_of_somebody_else_has_no_known_offset(wesad, tmp_path):
    shutil.copytree(wesad / "S2", tmp_path / "S99")
    for path in (tmp_path / "S99").iterdir():
        path.rename(path.with_name(path.name.replace("S2", "S99")))
    with pytest.raises(ReaderError, match="no subject of WESAD"):
        readers.wesad_wrist(tmp_path, "S99")
