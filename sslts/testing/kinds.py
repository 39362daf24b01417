"""All kits, the most specific base class first."""

from __future__ import annotations

from sslts.testing.aggregators import AggregatorKit
from sslts.testing.captioners import CaptionerKit
from sslts.testing.encoders import DescribedEncoderKit, EncoderKit
from sslts.testing.fusions import FusionKit
from sslts.testing.heads import HeadKit
from sslts.testing.kit import Kit
from sslts.testing.maskers import MaskerKit
from sslts.testing.methods import MethodKit
from sslts.testing.objectives import ObjectiveKit
from sslts.testing.predictors import PredictorKit
from sslts.testing.readers import ReaderKit
from sslts.testing.text_encoders import TextEncoderKit

KITS: tuple[Kit, ...] = (
    DescribedEncoderKit(),
    EncoderKit(),
    MaskerKit(),
    AggregatorKit(),
    FusionKit(),
    PredictorKit(),
    ObjectiveKit(),
    TextEncoderKit(),
    HeadKit(),
    MethodKit(),
    ReaderKit(),
    CaptionerKit(),
)
