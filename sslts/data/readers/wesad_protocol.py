"""Facts about WESAD (Schmidt, Reiss, Duerichen, Marberger, Van Laerhoven, ICMI 2018) that both of its readers share."""

from __future__ import annotations

import re
from pathlib import Path

from sslts.data.labels import Interval
from sslts.errors import ReaderError

CITATION = (
    "Schmidt, Reiss, Duerichen, Marberger, Van Laerhoven. Introducing WESAD, a Multimodal Dataset for Wearable Stress and Affect "
    "Detection. ICMI 2018. doi:10.1145/3242969.3242985"
)
LICENCE = "research use with citation; see the data set's own page. Not redistributed here"

LABELS = {
    "baseline": "sitting or standing at a table, reading neutral magazines",
    "stress": "Trier Social Stress Test: a speech and mental arithmetic in front of a panel",
    "amusement": "watching funny video clips",
    "meditation": "guided meditation, breathing calmly",
}
#: The official label array's numbers; 0 is transient, 5 to 7 are to be ignored.
LABEL_NUMBERS = {1: "baseline", 2: "stress", 3: "amusement", 4: "meditation"}

SUBJECTS = ("S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S13", "S14", "S15", "S16", "S17")

#: Second 0 of the questionnaire (the RespiBAN's start) on each E4 recording's clock: facts about the published files, exact to one BVP
#: sample, found by matching BVP of the official pickles against the E4 files. The E4's own clock is not the protocol's.
PROTOCOL_START_S = {
    "S2": 1413.78125,
    "S3": 1029.453125,
    "S4": 1398.796875,
    "S5": 1186.6875,
    "S6": 1162.203125,
    "S7": 1135.640625,
    "S8": 1041.109375,
    "S9": 918.78125,
    "S10": 1193.703125,
    "S11": 1120.71875,
    "S13": 1192.5625,
    "S14": 1289.578125,
    "S15": 1142.578125,
    "S16": 1294.4375,
    "S17": 1178.203125,
}

#: Second 0 of the official pickle on each E4 recording's clock. Not the same as PROTOCOL_START_S: the pickle starts 43 to 165 s later.
PICKLE_START_S = {
    "S2": 1545.21875,
    "S3": 1090.59375,
    "S4": 1475.5,
    "S5": 1254.3125,
    "S6": 1206.5,
    "S7": 1179.0,
    "S8": 1128.5625,
    "S9": 961.53125,
    "S10": 1280.84375,
    "S11": 1188.09375,
    "S13": 1262.65625,
    "S14": 1393.375,
    "S15": 1307.34375,
    "S16": 1386.0625,
    "S17": 1277.96875,
}

#: The official labels are the questionnaire's intervals, shortened by this much at both ends.
MARGIN_S = 10.0

_CONDITIONS = {"Base": "baseline", "TSST": "stress", "Fun": "amusement", "Medi": "meditation"}
_SUBJECT = re.compile(r"S\d{1,3}\Z")


def subject_folders(root: Path, holds: tuple[str, ...]) -> dict[str, Path]:
    """Subject -> folder, in numeric order.

    `root` is the data set's folder or one subject's; `holds` are endings after the subject's name, one of which must exist.
    """
    candidates = [root.resolve()] if _SUBJECT.match(root.resolve().name) else sorted(root.iterdir()) if root.is_dir() else []
    found = {
        folder.name: folder
        for folder in candidates
        if _SUBJECT.match(folder.name) and folder.is_dir() and any((folder / f"{folder.name}{ending}").exists() for ending in holds)
    }
    return dict(sorted(found.items(), key=lambda item: int(item[0][1:])))


def questionnaire_intervals(text: str, where: str) -> list[Interval]:
    """Labelled intervals, in seconds of the protocol, from `SX_quest.csv`.

    Its times are minutes.seconds: 7.08 is 7 min 8 s, 50.3 is 50 min 30 s.

    Raises:
        ReaderError: the ORDER, START and END rows are missing or do not fit each other.
    """
    rows: dict[str, list[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(";")]
        rows.setdefault(cells[0].removeprefix("#").strip(), [cell for cell in cells[1:] if cell])
    missing = [row for row in ("ORDER", "START", "END") if row not in rows]
    if missing:
        raise ReaderError(f"{where}: no row '# {missing[0]}'. Expected the official questionnaire file.")
    order, starts, ends = rows["ORDER"], rows["START"], rows["END"]
    if not len(order) == len(starts) == len(ends):
        raise ReaderError(
            f"{where}: ORDER, START and END have {len(order)}, {len(starts)} and {len(ends)} entries, expected equal numbers."
        )
    intervals = []
    for name, start, end in zip(order, starts, ends, strict=True):
        label = _CONDITIONS.get(name.split()[0])
        if label is None:
            continue  # readings of the self-reports
        first, last = _seconds(start, where) + MARGIN_S, _seconds(end, where) - MARGIN_S
        if not first < last:
            raise ReaderError(f"{where}: '{name}' runs from {start} to {end} (minutes.seconds), expected it to end after it starts.")
        intervals.append(Interval(first, last, label))
    return intervals


def _seconds(text: str, where: str) -> float:
    match = re.fullmatch(r"(\d{1,4})(?:\.(\d{1,2}))?", text)
    seconds = int((match[2] or "0").ljust(2, "0")) if match else 60
    if match is None or seconds >= 60:
        raise ReaderError(f"{where}: '{text}' is no time in minutes.seconds.")
    return float(int(match[1]) * 60 + seconds)
