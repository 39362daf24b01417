"""Distil MiniLM into the static text tower: python -m benchmarks.tools.distil_text --model FOLDER --out sslts/text

FOLDER holds all-MiniLM-L6-v2 (model.safetensors, vocab.txt). Writes static.safetensors and static.json; how close the tower comes to its
teacher goes to benchmarks/results/text-tower/static.json and static.md. About seven minutes on one core. The same seed gives the same bytes
on one kind of machine: it computes on one thread.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.tools.text_distillation import fidelity, phrases, student
from sslts.text import minilm_ref, reading
from sslts.text.minilm import VOCABULARY, MiniLM
from sslts.text.static import FILE, StaticText

logger = logging.getLogger(__name__)

REVISION = "minilm-l6-v2.1"
RESULT = Path(__file__).parent.parent / "results" / "text-tower" / "static.json"
SETS = {
    "words": "phrases whose content words are in no phrase of the fit",
    "activities": "names of activities whose content words are in no phrase of the fit",
    "activity_phrases": "sentences about such activities and states",
    "combinations": "new combinations of words of the fit",
    "domain": "new sentences about sensors and people, of words of the fit",
}


def main() -> None:
    """Distil, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--out", type=Path, required=True, help="folder for static.safetensors and static.json")
    parser.add_argument("--result", type=Path, default=RESULT, help="file for the figures")
    parser.add_argument("--phrases", type=int, default=120_000, help="about how many phrases to fit on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)

    teacher = MiniLM.create(**minilm_ref().options)
    teacher.fill(options.model)
    vocabulary = (options.model / VOCABULARY).read_text(encoding="utf-8").rstrip("\n").split("\n")
    texts = phrases.build(vocabulary, seed=options.seed, size=options.phrases)
    pieces = student.pieces(vocabulary)
    logger.info("%d pieces, %d phrases for the fit", len(pieces), len(texts.fit))
    alone = vectors_alone(teacher, pieces)
    target = taught(teacher, texts.fit)
    tokeniser = reading.wordpiece(pieces)
    settings = student.Settings()
    fitted = student.fit([reading.ids(tokeniser, text) for text in texts.fit], target, alone, settings, options.seed)
    tower = StaticText.of(pieces, fitted.vectors, fitted.hidden, revision=REVISION)
    write(tower, options.out)

    judged: Mapping[str, Sequence[str]] = {name: getattr(texts, name) for name in SETS}
    result = {
        "tower": {"name": "static", "options": tower.config.model_dump(mode="json")},
        "bytes": (options.out / FILE).stat().st_size,
        "teacher": minilm_ref().model_dump(mode="json"),
        "fit": {"phrases": len(texts.fit), "seed": options.seed},
        "sets": SETS,
        "static": {name: fidelity.compare(tower(chosen), teacher(chosen)) for name, chosen in judged.items()},
        "pieces alone": {name: fidelity.compare(unfitted(chosen, pieces, alone), teacher(chosen)) for name, chosen in judged.items()},
    }
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    options.result.with_suffix(".md").write_text(fidelity.table(result), encoding="utf-8")
    logger.info("%s", json.dumps(result["static"], indent=1))


@torch.no_grad()
def vectors_alone(teacher: MiniLM, pieces: Sequence[str]) -> Tensor:
    """What the teacher says of each piece by itself: of a continuation as if it stood alone, of our own words as a text. [n, T]."""
    known = teacher.pieces
    rows = [[known["[CLS]"], known.get(piece, known[reading.UNKNOWN]), known["[SEP]"]] for piece in pieces]
    vectors = torch.cat([teacher.embed_tokens(batch) for batch in torch.tensor(rows).split(256)])
    added = [index for index, piece in enumerate(pieces) if piece not in known]
    vectors[added] = teacher([pieces[index] for index in added])
    return vectors


def taught(teacher: MiniLM, texts: Sequence[str]) -> Tensor:
    """The teacher's vectors, a few thousand at a time so that one sees how far it is. [N, T]."""
    parts = []
    for start in range(0, len(texts), 8192):
        parts.append(teacher(texts[start : start + 8192]))
        logger.info("teacher: %d of %d", min(start + 8192, len(texts)), len(texts))
    return torch.cat(parts)


def unfitted(texts: Sequence[str], pieces: Sequence[str], alone: Tensor) -> Tensor:
    """What one has without a fit: the pieces' own vectors, weighted by frequency. [n, T]."""
    tokeniser = reading.wordpiece(pieces)
    flat, starts = student.packed([reading.ids(tokeniser, text) for text in texts])
    return F.normalize(F.embedding_bag(flat, student.weights(len(pieces)) * alone, starts, mode="sum"), dim=-1)


def write(tower: StaticText, folder: Path) -> None:
    """The tower's vectors, and its name with revision and sha256 as a config states them."""
    folder.mkdir(parents=True, exist_ok=True)
    state: dict[str, Any] = {name: tensor.contiguous() for name, tensor in sorted(tower.state_dict().items())}
    (folder / FILE).write_bytes(safetensors.torch.save(state))
    ref = {"name": "static", "options": tower.config.model_dump(mode="json")}
    (folder / "static.json").write_text(json.dumps(ref, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
