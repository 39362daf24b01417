"""The errors of the Hub's client, and whatever escapes from below it, as our own types. No message repeats what a server or token said."""

from __future__ import annotations

import errno

from sslts.errors import (
    HubAuthenticationError,
    HubError,
    HubFileError,
    HubGatedError,
    HubNetworkError,
    HubOfflineError,
    HubRepositoryError,
    HubRevisionError,
)

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENOTDIR, errno.ENAMETOOLONG}


def translate(error: Exception, *, repo: str, revision: str, name: str) -> HubError:
    """The HubError that says what `error` means for `hf:repo@revision` and the file `name`."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/{repo}"
    where = f"hf:{repo}@{revision}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    # Order matters: the client's GatedRepoError is a RepositoryNotFoundError.
    if isinstance(error, errors.GatedRepoError):
        return HubGatedError(f"hf:{repo} is gated. Accept its terms at {page} and log in: hf auth login.")
    if isinstance(error, errors.RepositoryNotFoundError):
        return HubRepositoryError(f"hf:{repo} does not exist, or is private. Check the spelling, or log in: hf auth login.")
    if isinstance(error, errors.RevisionNotFoundError):
        return HubRevisionError(f"hf:{repo} has no revision '{revision}'. Its revisions: {page}/commits/main.")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return HubOfflineError(f"{where}: {name} is not in the cache, and HF_HUB_OFFLINE is set. Unset it and load it once.")
    if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
        return HubFileError(f"{where} has no file {name}, so it is not a complete model of sslts.")
    if status in (401, 403):
        return HubAuthenticationError(f"The Hub refuses access to {where} ({status}). The token may have expired: hf auth login.")
    if isinstance(error, OSError) and error.errno in _DISK:
        return HubError(f"{name} of {where} cannot be written to the cache ({error.strerror}). Give another cache_dir.")
    if status is not None and 400 <= status < 500 and status not in (408, 429):
        return HubError(f"The Hub refused the request for {name} of {where} (status {status}).")
    reason = type(error).__name__ if status is None else f"status {status}"
    return HubNetworkError(
        f"{name} of {where} could not be downloaded ({reason}). Check the connection and try again; "
        "a model that is in the cache loads with offline=True (HF_HUB_OFFLINE=1 in the environment), or by its commit."
    )


def refused_upload(error: Exception, *, repo: str, what: str) -> HubError:
    """The HubError that says why something could not be done in a repository that is written to."""
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401 or isinstance(error, errors.LocalTokenNotFoundError):
        return HubAuthenticationError(
            f"The Hub does not know who asks to {what} in {repo}. Log in with a token that may write: hf auth login, or set HF_TOKEN."
        )
    if status == 403:
        return HubAuthenticationError(f"This account's token may not {what} in {repo}. Use a token with write access to it.")
    if isinstance(error, errors.RevisionNotFoundError):
        return HubRevisionError(f"{repo} has no such branch or commit.")
    if isinstance(error, errors.RepositoryNotFoundError):
        return HubRepositoryError(f"{repo} does not exist, or this account may not see it. Check the name, and who is logged in.")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return HubOfflineError(f"HF_HUB_OFFLINE is set, so that nothing can be sent to {repo}. Unset it.")
    if status is not None and 400 <= status < 500 and status not in (408, 429):
        return HubError(f"The Hub refused to {what} in {repo} (status {status}).")
    reason = type(error).__name__ if status is None else f"status {status}"
    return HubNetworkError(f"Could not {what} in {repo} ({reason}). Check the connection and publish again; what arrived is kept.")
