"""Readers of devices' and data sets' own layouts, as functions. Each returns a `Recording`.

    sslts.data.readers.empatica_e4("S01/")
    sslts.data.readers.wesad_wrist("WESAD/", subject="S2")
    sslts.data.readers.dsads("DSADS/", "p1/a09")

The registry (kind "reader") offers the same as classes, plugins' readers included. The modules are named otherwise than the functions,
so that importing one never hides the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from sslts.data.recording import Recording

__all__ = [
    "csv",
    "dsads",
    "empatica_e4",
    "hapt",
    "mhealth",
    "mmact",
    "motionsense",
    "opportunity",
    "pamap2",
    "sessions",
    "uci_har",
    "utd_mhad",
    "utd_mhad_inertial",
    "wesad",
    "wesad_wrist",
]


def empatica_e4(path: str | Path, *, subject: str | None = None, heart_rate: bool = False, allow_truncated: bool = False) -> Recording:
    """An Empatica E4 recording: a folder or a .zip with ACC.csv, BVP.csv, EDA.csv, TEMP.csv (any of them may be missing).

    Raises:
        ReaderError: a file is missing, truncated or not in its layout; the message names file and line.
    """
    from sslts.data.readers.e4 import EmpaticaE4

    return EmpaticaE4.create(subject=subject, heart_rate=heart_rate, allow_truncated=allow_truncated).read(path)


def wesad(path: str | Path, subject: str | None = None, *, device: Literal["wrist", "chest", "both"] = "wrist") -> Recording:
    """One subject of WESAD from the official pickle `SX/SX.pkl`, read without unpickling, with labels.

    Raises:
        ReaderError, UnsafeFileError: the file is missing, truncated, or holds anything beyond plain numbers.
    """
    from sslts.data.readers.wesad_pickle import WESAD

    return WESAD.create(device=device).read(path, session=subject)


def wesad_wrist(path: str | Path, subject: str | None = None) -> Recording:
    """One subject of WESAD's wrist part from `SX/SX_E4_Data(.zip)` and `SX/SX_quest.csv`, with labels on the E4's clock.

    Raises:
        ReaderError: a file is missing, truncated or not in its layout.
    """
    from sslts.data.readers.wesad_e4 import WESADWrist

    return WESADWrist.create().read(path, session=subject)


def csv(
    path: str | Path,
    *,
    rate_hz: float,
    units: Mapping[str, str],
    streams: Mapping[str, Sequence[str]] | None = None,
    kinds: Mapping[str, str] | None = None,
    delimiter: str = ",",
    subject: str | None = None,
) -> Recording:
    """A table with one header line and one row a sample. `streams` groups columns: `{"acc": ["ax", "ay", "az"]}`; default: one each.

    Raises:
        ReaderError: a column is missing or a cell is no number; the message names file and line.
    """
    from sslts.data.readers.table import CSVReader

    reader = CSVReader.create(
        rate_hz=rate_hz, units=dict(units), streams={k: tuple(v) for k, v in (streams or {}).items()}, kinds=dict(kinds or {}),
        delimiter=delimiter, subject=subject,
    )  # fmt: skip
    return reader.read(path)


def dsads(path: str | Path, session: str | None = None, *, per_segment: bool = True) -> Recording:
    """Daily and Sports Activities: one person's 5 minutes of one activity, session "p1/a09", from a folder or the .zip.

    Raises:
        ReaderError: a file is missing, truncated or not in its layout; the message names file and line.
    """
    from sslts.data.readers.daily_sports import DSADS

    return DSADS.create(per_segment=per_segment).read(path, session=session)


def motionsense(
    path: str | Path, session: str | None = None, *, extras: Sequence[Literal["gravity", "user_acc", "attitude"]] = ()
) -> Recording:
    """MotionSense: one trial of one person, session "sub_24/wlk_7", from a folder or the .zip. `extras`: streams beside acc and gyro.

    Raises:
        ReaderError: a file is missing, truncated or not in its layout; the message names file and line.
    """
    from sslts.data.readers.motion_sense import MotionSense

    return MotionSense.create(extras=tuple(extras)).read(path, session=session)


def utd_mhad_inertial(path: str | Path, session: str | None = None) -> Recording:
    """UTD-MHAD's inertial part: one clip, session "s1/a1/t1".

    Raises:
        ReaderError, UnsafeFileError: the file is missing, damaged, or holds anything beyond plain numbers.
    """
    from sslts.data.readers.utd_inertial import UTDInertial

    return UTDInertial.create().read(path, session=session)


def utd_mhad(
    path: str | Path,
    session: str | None = None,
    *,
    frame: tuple[int, int] = (96, 96),
    parts: Sequence[Literal["depth", "inertial", "skeleton"]] = ("depth", "inertial", "skeleton"),
) -> Recording:
    """UTD-MHAD with depth video, skeleton and inertial sensor: one clip, session "s1/a1/t1", all parts spread from 0 to 1.

    Raises:
        ReaderError, UnsafeFileError: a file is damaged, or holds anything beyond plain numbers.
    """
    from sslts.data.readers.utd_clips import UTDClips

    return UTDClips.create(frame=frame, parts=tuple(parts)).read(path, session=session)


def uci_har(path: str | Path, session: str | None = None) -> Recording:
    """UCI HAR: one person, session "train/1", with the overlapping windows joined to continuous segments.

    Raises:
        ReaderError: a file is missing, truncated or not in its layout; the message names file and line.
    """
    from sslts.data.readers.smartphone_har import UCIHAR

    return UCIHAR.create().read(path, session=session)


def hapt(path: str | Path, session: str | None = None) -> Recording:
    """HAPT's raw signals: one experiment, session "exp01_user01".

    Raises:
        ReaderError: a file is missing, truncated or not in its layout; the message names file and line.
    """
    from sslts.data.readers.smartphone_hapt import HAPT

    return HAPT.create().read(path, session=session)


def pamap2(path: str | Path, session: str | None = None, *, fine_scale: bool = False) -> Recording:
    """PAMAP2: one person's protocol or optional part, session "subject101/protocol". `fine_scale`: the +-6 g accelerometers too.

    Raises:
        ReaderError: a file is missing, truncated or not in its layout; the message names file and line.
    """
    from sslts.data.readers.pamap import PAMAP2

    return PAMAP2.create(fine_scale=fine_scale).read(path, session=session)


def mhealth(path: str | Path, session: str | None = None) -> Recording:
    """mHealth: one person, session "subject1".

    Raises:
        ReaderError: a file is missing, truncated or not in its layout; the message names file and line.
    """
    from sslts.data.readers.mhealth_log import MHealth

    return MHealth.create().read(path, session=session)


def mmact(
    path: str | Path,
    session: str | None = None,
    *,
    cameras: Sequence[int] = (1,),
    frame: tuple[int, int] = (224, 224),
    frames: int = 16,
    unordered: Literal["refuse", "sort"] = "refuse",
) -> Recording:
    """MMAct: one clip seen by one camera, session "subject1/cam1/scene1/session1/carrying", all parts spread from 0 to 1.

    Raises:
        ReaderError: a file is truncated or not in its layout; the message names file and, in a table, the line.
        MissingDependencyError: there is a video, and PyAV is not installed.
    """
    from sslts.data.readers.mmact_clips import MMAct

    reader = MMAct.create(cameras=tuple(cameras), frame=frame, frames=frames, unordered=unordered)
    return reader.read(path, session=session)


def opportunity(
    path: str | Path, session: str | None = None, *, track: Literal["locomotion", "activity", "gesture"] = "locomotion"
) -> Recording:
    """Opportunity's body-worn sensors: one run, session "S1-ADL1", with one of the label columns.

    Raises:
        ReaderError: a file is missing, truncated or not in its layout; the message names file and line.
    """
    from sslts.data.readers.opportunity_log import Opportunity

    return Opportunity.create(track=track).read(path, session=session)


def sessions(reader: str, path: str | Path) -> tuple[str, ...]:
    """The sessions that a registered reader ("wesad-wrist") finds under a folder.

    Raises:
        UnknownComponentError: no such reader.
        ReaderError: nothing is there.
    """
    from sslts import registry

    return registry.get("reader", reader).create().sessions(path)
