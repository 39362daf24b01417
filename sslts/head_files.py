"""Trained few-shot heads as folders: `head.json` names the component, `model.safetensors` holds its weights."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save

from sslts.config import ComponentRef, parse
from sslts.errors import ArtefactError
from sslts.hub.artefact import load_weights
from sslts.hub.folders import check_target, new_folder
from sslts.hub.layout import WEIGHTS
from sslts.interfaces import FewShotHead, build
from sslts.strict_json import read_json

_HEAD = "head.json"


def save_head(head: FewShotHead, ref: ComponentRef, folder: Path, *, overwrite: bool = False) -> Path:
    """Write a head that `load_head` reads, in one step. ref: its name; the options are the head's own.

    Raises:
        ArtefactError: the folder is not empty and `overwrite` is False, or the disk refuses it.
    """
    check_target(folder, (_HEAD, WEIGHTS), what="few-shot head", overwrite=overwrite)
    told = ComponentRef(name=ref.name, options=head.config.model_dump(mode="json"))
    try:
        with new_folder(folder) as temporary:
            (temporary / _HEAD).write_text(json.dumps(told.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
            # Through Python, whose errors of a full disk are OSErrors; safetensors' own are not.
            (temporary / WEIGHTS).write_bytes(save({name: tensor.cpu().contiguous() for name, tensor in head.state_dict().items()}))
    except OSError as error:
        raise ArtefactError(f"{folder} cannot be written ({error}).") from error
    return folder


def remove_head(folder: Path) -> bool:
    """Take away a head that `save_head` wrote, so that nobody uses it with a model it was not trained with. Whether there was one.

    Raises:
        ArtefactError: the disk refuses it.
    """
    if not (folder / _HEAD).is_file():
        return False
    try:
        # The description first: what is left without it is no head.
        for name in (_HEAD, WEIGHTS):
            (folder / name).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise ArtefactError(f"{folder} holds the head of an earlier run and cannot be removed ({error}).") from error
    return True


def load_head(folder: str | Path) -> FewShotHead:
    """A head that `sslts finetune` trained, for `Model.few_shot(..., head=...)`.

    Raises:
        ArtefactError, WeightsMismatchError: a file is missing, damaged, or not of this head.
        UnknownComponentError, ConfigError: no such head, or not with these options.
    """
    path = Path(folder) / _HEAD
    if not path.is_file():
        raise ArtefactError(f"{path} is missing: expected the folder of a few-shot head, as sslts finetune writes it beside its artefact.")
    ref = parse(ComponentRef, read_json(path), str(path))
    head: FewShotHead = build("head", ref, "head", {})
    head.load_state_dict(load_weights(Path(folder), head.state_dict()))
    return head.eval()
