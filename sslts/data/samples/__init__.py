"""Real recordings that travel with the package, for the demo, the docs and first steps. Each folder holds its licence and citation.

What they show is held out: no published weights are trained on Stress-Predict at all, on participant 24 of MotionSense, or on the five
actions of the clips of UTD-MHAD.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sslts.errors import UnknownNameError, suggest

_ROOT = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Sample:
    """A bundled recording: where it lies, which reader reads it, whose it is."""

    name: str
    file: str
    reader: str
    title: str
    licence: str
    citation: str

    @property
    def path(self) -> Path:
        """What the reader takes."""
        return _ROOT / self.name / self.file

    @property
    def notice(self) -> str:
        """Licence text and citation."""
        return (_ROOT / self.name / "README.txt").read_text(encoding="utf-8")


_SAMPLES = {
    sample.name: sample
    for sample in (
        Sample(
            name="e4_stress_predict_s01",
            file="S01.zip",
            reader="empatica-e4",
            title="Stress-Predict S01: 54 minutes of an Empatica E4 wristband",
            licence="MIT, (c) 2022 Talha Iqbal",
            citation="Iqbal et al., Stress Monitoring Using Wearable Sensors: A Pilot Study and Stress-Predict Dataset. "
            "Sensors 22(21):8135, 2022. doi:10.3390/s22218135",
        ),
        # Six recordings: `sslts.data.readers.sessions("motionsense", path("motionsense_sub_24"))` lists them.
        Sample(
            name="motionsense_sub_24",
            file="sub_24.zip",
            reader="motionsense",
            title="MotionSense, participant 24: six activities with a phone in the trouser pocket, never trained on",
            licence="MIT, (c) 2018 Mohammad Malekzadeh",
            citation="Malekzadeh, Clegg, Cavallaro, Haddadi, Mobile Sensor Data Anonymization. IoTDI 2019. doi:10.1145/3302505.3310068",
        ),
        # Five actions by two people; the actions are held out, the people are not.
        Sample(
            name="utd_mhad_ten_clips",
            file="clips.zip",
            reader="utd-mhad",
            title="UTD-MHAD, ten clips: five actions that no published weights were trained on, by two people",
            licence="a public domain dataset, as its authors say",
            citation="Chen, Jafari, Kehtarnavaz, UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing a Depth Camera "
            "and a Wearable Inertial Sensor. ICIP 2015. doi:10.1109/ICIP.2015.7350781",
        ),
    )
}


def names() -> tuple[str, ...]:
    """Names of the bundled recordings."""
    return tuple(_SAMPLES)


def get(name: str) -> Sample:
    """One sample by name (UnknownNameError if there is none)."""
    if name not in _SAMPLES:
        raise UnknownNameError(f"No sample is named '{name}'. {suggest(name, _SAMPLES)}Samples: {', '.join(_SAMPLES)}.")
    return _SAMPLES[name]


def path(name: str) -> Path:
    """The file or folder to give to the sample's reader (UnknownNameError if there is none)."""
    return get(name).path
