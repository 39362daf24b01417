"""Every exception that sslts raises on purpose. Types are API: catch these, not their messages.

Each message says what was expected, what came and what to do. Standard library only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class SslTsError(Exception):
    """Base of all errors raised by sslts."""


# --- names and plugins -------------------------------------------------------------------------------------------------


class UnknownNameError(SslTsError):
    """A name that no built-in and no installed plugin offers."""


class UnknownComponentError(UnknownNameError):
    """No component of this kind has this name."""


class UnknownModelError(UnknownNameError):
    """No catalogue entry has this name."""


class CollisionError(SslTsError):
    """Two distributions, or two objects, claim one name."""


class PluginError(SslTsError):
    """A plugin is installed but cannot be used; the message names its distribution."""


class ConformanceError(SslTsError, AssertionError):
    """A component breaks a promise of its interface; the message names class and promise, and what to do."""


class UnsupportedError(SslTsError):
    """The object exists but cannot do this; the message names what can."""


class MissingDependencyError(SslTsError, ImportError):
    """An optional package is needed; the message gives the pip line."""


# --- configuration and artefacts ---------------------------------------------------------------------------------------


class ConfigError(SslTsError, ValueError):
    """A configuration value is missing, unknown, out of bounds or contradicts another."""


class DeviceError(ConfigError):
    """A device that does not exist or that this machine cannot use; the message lists those it has."""


class SourceError(SslTsError, ValueError):
    """A model reference that fits none of the accepted spellings."""


class ArtefactError(SslTsError):
    """A model folder is incomplete, corrupted or not what its config says."""


class WeightsMismatchError(ArtefactError):
    """Names, shapes or dtypes in model.safetensors differ from what config.json implies."""


class GoldenMismatchError(ArtefactError):
    """The loaded model does not reproduce the embedding stored in its artefact."""


class RequirementError(ArtefactError):
    """The artefact needs another version of sslts or a plugin that is not installed."""


class PublishError(ArtefactError):
    """A model that is not ready to be published: card, licence, figures or tag are missing or refused."""


class HubError(SslTsError):
    """The Hugging Face Hub could not give what was asked for."""


class HubRepositoryError(HubError):
    """The repository does not exist, or is private and no valid token was sent."""


class HubRevisionError(HubError):
    """The repository exists, but not this branch, tag or commit."""


class HubFileError(HubError):
    """The repository and revision exist, but a file of the model is missing."""


class HubGatedError(HubError):
    """The repository is gated and its terms have not been accepted by this account."""


class HubAuthenticationError(HubError):
    """The token is missing, expired or not allowed to read this repository."""


class HubOfflineError(HubError):
    """Offline mode is on and the cache does not hold the file."""


class HubNetworkError(HubError):
    """The Hub could not be reached, or its answer broke off."""


class HubIntegrityError(HubError, ArtefactError):
    """What the Hub sent is not what the catalogue, the manifest or the Hub itself announced."""


# --- signals -----------------------------------------------------------------------------------------------------------


class RateWarning(UserWarning):
    """A movement was recorded far slower than a model of any channels reads it: what is fast in it is missing, and nothing puts it back."""


class UnusedStreamWarning(UserWarning):
    """A stream that the model does not read measures what an absent one of its own would: it may only be named otherwise."""


class SignalError(SslTsError, ValueError):
    """A recording or an array does not fit what the model or the operation expects."""


@contextmanager
def naming(what: str) -> Iterator[None]:
    """A SignalError inside says which of many recordings it is about."""
    try:
        yield
    except SignalError as error:
        raise type(error)(f"{what}: {error}") from error


class RateError(SignalError):
    """A sampling rate is missing, not positive, or not the expected one."""


class UnitError(SignalError):
    """A unit is missing, unknown or cannot be converted to the expected one."""


class RangeError(SignalError):
    """Values are outside the physical range of their declared unit."""


class ChannelError(SignalError):
    """Channels are missing, doubled or unknown."""


class LengthError(SignalError):
    """Too few samples, or a length that does not match the window and rate."""


class FrameSizeError(SignalError):
    """A video's frames have another size than expected."""


class DTypeError(SignalError, TypeError):
    """An array does not hold real numbers."""


class MissingModalityError(SignalError):
    """None of the modalities that are needed is present."""


class ReaderError(SignalError):
    """A data file is missing, truncated or not in its official layout; the message names the file."""


class UnsafeFileError(ReaderError):
    """A file asks for code to be run, or for anything beyond plain numeric data."""


# --- text --------------------------------------------------------------------------------------------------------------


class TextError(SslTsError, ValueError):
    """A text is empty, not a string, or too long for the tower that should read it."""


class TowerError(ArtefactError):
    """A text tower has no weights yet, or has other ones than its config names."""


class VocabularyWarning(UserWarning):
    """A text holds words that the text tower does not know: another language, another script, or no words at all."""


class IndexMismatchError(ArtefactError):
    """An index was made by another model or text tower than the one that should search it."""


class IndexCorruptedError(ArtefactError):
    """A stored index is incomplete, damaged, of an unknown format, or no index at all."""


# --- training and evaluation -------------------------------------------------------------------------------------------


class TrainingError(SslTsError):
    """Training cannot go on; the message names the step and, where known, the sample."""


class NonFiniteLossError(TrainingError):
    """The loss or a gradient became NaN or infinite."""


class CheckpointError(TrainingError):
    """A checkpoint is incomplete, corrupted or belongs to another run."""


class TrainingInterrupted(TrainingError):
    """Training was asked to stop (Ctrl-C, SIGTERM) and saved its state first."""


class LeakageError(SslTsError, ValueError):
    """A subject, class or statistic of the test side would be seen in training."""


def suggest(name: str, known: Iterable[str]) -> str:
    """`"Did you mean 'tcn'? "` for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'? " if near else ""


def missing_dependency(package: str, extra: str, purpose: str) -> MissingDependencyError:
    """The error for an optional package: what needs it and the line that installs it."""
    return MissingDependencyError(f"{purpose} needs '{package}', which is not installed. Install it: pip install 'sslts[{extra}]'.")
