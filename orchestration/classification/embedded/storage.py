"""The model on disk: coefficients.npz (plain arrays, nothing executable) and, next to it, model.json."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from orchestration.classification.acts import AGENT_ACTS, CUSTOMER_ACTS
from orchestration.classification.embedded.batches import SIDES, TextHeads
from orchestration.classification.embedded.calibrating import Measured
from orchestration.classification.embedded.heads import HEADS
from orchestration.classification.embedded.model import Calibration, Model

SHIPPED = Path(__file__).parent.parent / "model"
_COEFFICIENTS, _DESCRIPTION = "coefficients.npz", "model.json"
# What the arrays mean; a model with another layout cannot be read.
_LAYOUT = {"heads": [head.name for head in HEADS], "acts": {"agent": list(AGENT_ACTS), "customer": list(CUSTOMER_ACTS)}}


@dataclass(frozen=True)
class StoredModel:
    """A model read from disk, and the hash of everything its answers depend on besides the code.

    `measured` is how good it was, when it was fitted, on what was held out.
    """

    model: Model
    definition_hash: str
    measured: Measured


def write_model(folder: Path, model: Model, *, fitted_on: dict[str, int], measured: Measured) -> str:
    """Write both files and return the definition hash."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = _arrays(model)
    # Both files are written before the first takes its name: half a model would end every run.
    drafts = {name: folder / f".draft-{name}" for name in (_COEFFICIENTS, _DESCRIPTION)}
    np.savez_compressed(drafts[_COEFFICIENTS], **arrays)  # type: ignore[arg-type]
    definition_hash = _hash(arrays, model.calibration)
    description = {
        "definition_hash": definition_hash,
        "fitted_on_conversations": fitted_on,
        "held_out": asdict(measured),
        "layout": _LAYOUT,
        "calibration": asdict(model.calibration),
    }
    drafts[_DESCRIPTION].write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    for name, draft in drafts.items():
        draft.replace(folder / name)
    return definition_hash


def read_model(folder: Path) -> StoredModel:
    """Read a model. Raises ValueError naming the folder and what to do when it is absent, damaged or too old."""
    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        with np.load(folder / _COEFFICIENTS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        calibration = _calibration(description["calibration"])
        _check(description, _hash(arrays, calibration))
        texts = {side: _text_heads(arrays, side) for side in SIDES}
        dense = {head.name: arrays[f"{head.name}_dense"].astype(np.float64) for head in HEADS}
        measured = Measured(**description["held_out"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder}: no readable model ({error}); fit it: make train [EXTRA=dir]") from error
    return StoredModel(Model(texts, dense, calibration), description["definition_hash"], measured)


def _check(description: dict[str, Any], definition_hash: str) -> None:
    if description["layout"] != _LAYOUT:
        raise ValueError("it was fitted by another version of Colloquy")
    if description["definition_hash"] != definition_hash:
        raise ValueError("coefficients and description do not belong together")


def _arrays(model: Model) -> dict[str, np.ndarray[Any, Any]]:
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for side in SIDES:
        heads = model.texts[side]
        arrays[f"{side}_text"] = heads.weights.astype(np.float16)
        arrays[f"{side}_idf"] = heads.idf.astype(np.float16)
        arrays[f"{side}_bias"] = heads.bias
        arrays[f"{side}_flags"] = heads.flags
    return arrays | {f"{name}_dense": weights for name, weights in sorted(model.dense.items())}


def _text_heads(arrays: dict[str, np.ndarray[Any, Any]], side: str) -> TextHeads:
    return TextHeads(
        arrays[f"{side}_text"].astype(np.float32),
        arrays[f"{side}_idf"].astype(np.float32),
        arrays[f"{side}_bias"],
        arrays[f"{side}_flags"],
    )


def _calibration(content: dict[str, Any]) -> Calibration:
    answers = tuple((float(value), float(share)) for value, share in content["answers"])
    return Calibration(**{**content, "answers": answers})


def _hash(arrays: dict[str, np.ndarray[Any, Any]], calibration: Calibration) -> str:
    digest = hashlib.sha256(json.dumps(asdict(calibration), sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
