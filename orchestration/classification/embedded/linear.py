"""Linear scores over hashed texts and dense numbers, and their fit: logistic regression with an L2 penalty."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestration.classification.embedded.hashing import BUCKETS, HashedTexts

Floats = npt.NDArray[np.float64]
_MEMORY = 8
_LEAST_GAIN = 1e-7
_HALVINGS = 25


def inverse_document_frequencies(texts: HashedTexts) -> Floats:
    """Return log((1 + texts) / (1 + texts with the bucket)) + 1 for each bucket."""
    owner = np.repeat(np.arange(len(texts)), np.diff(texts.starts))
    pairs = np.unique(owner * BUCKETS + texts.buckets)
    counts = np.bincount(pairs % BUCKETS, minlength=BUCKETS)
    return np.asarray(np.log((1 + len(texts)) / (1 + counts)) + 1, dtype=np.float64)


def text_norms(texts: HashedTexts, idf: npt.NDArray[np.floating]) -> Floats:
    """Return what each text's weighted sum is divided by, so that long texts do not weigh more."""
    return np.sqrt(np.maximum(sum_by_text(texts, np.square(idf[texts.buckets])), 1.0))


def sum_by_text(texts: HashedTexts, values: npt.NDArray[np.floating]) -> Floats:
    """Sum values (buckets of all texts, or buckets x heads) over each text."""
    filled = np.flatnonzero(np.diff(texts.starts))
    sums = np.zeros((len(texts), *values.shape[1:]))
    if len(filled):
        sums[filled] = np.add.reduceat(values, texts.starts[filled], axis=0)
    return sums


@dataclass(frozen=True)
class Rows:
    """What one head is fitted on: rows of a text (-1: none) and dense numbers, with their truth (0 or 1) and weight."""

    texts: HashedTexts
    idf: Floats
    text_index: npt.NDArray[np.int64]
    dense: Floats
    truth: Floats
    weight: Floats | float = 1.0


@dataclass(frozen=True)
class Weights:
    """`text` has a weight a bucket (to be multiplied with the idf), `dense` one a number."""

    text: Floats
    dense: Floats
    bias: float


def fit_logistic(
    rows: Rows, text_penalty: float, dense_penalty: float, steps: int, prior: Weights | None = None
) -> Weights:
    """Minimise log loss + penalty / 2 * |weights - prior|^2 with L-BFGS; without a prior the weights are held near 0.

    The same rows on the same platform give the same bytes.
    """
    has_text = rows.text_index >= 0
    used, text_index = np.unique(rows.text_index[has_text], return_inverse=True)
    texts = rows.texts.take(used)
    columns = rows.dense.shape[1]
    scale = rows.idf[texts.buckets] / np.repeat(text_norms(texts, rows.idf), np.diff(texts.starts))
    owner = np.repeat(np.arange(len(texts)), np.diff(texts.starts))
    start = np.zeros(BUCKETS + columns + 1)
    if prior is not None:
        start = np.concatenate((prior.text, prior.dense, np.full(1, prior.bias)))
    penalty = np.concatenate((np.full(BUCKETS, text_penalty), np.full(columns, dense_penalty), np.zeros(1)))

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = sum_by_text(texts, weights[texts.buckets] * scale)
        # einsum rather than matrix products: its sums do not depend on how many threads the machine has.
        logits = np.einsum("ij,j->i", rows.dense, weights[BUCKETS:-1]) + weights[-1]
        logits[has_text] += scores[text_index]
        losses = rows.weight * (np.logaddexp(0, logits) - rows.truth * logits)
        residuals = rows.weight * (sigmoid(logits) - rows.truth)
        by_text = np.bincount(text_index, residuals[has_text], minlength=len(texts))
        gradient = np.concatenate(
            (
                np.bincount(texts.buckets, by_text[owner] * scale, minlength=BUCKETS),
                np.einsum("ij,i->j", rows.dense, residuals),
                residuals.sum(keepdims=True),
            )
        )
        away = weights - start
        return float(losses.sum() + 0.5 * (penalty * away**2).sum()), gradient + penalty * away

    found = minimise(loss, start, steps)
    return Weights(found[:BUCKETS], found[BUCKETS:-1], float(found[-1]))


def minimise(loss: Callable[[Floats], tuple[float, Floats]], start: Floats, steps: int) -> Floats:
    """Minimise a smooth convex function, given with its gradient, by L-BFGS with halved steps."""
    point, (value, gradient) = start, loss(start)
    history: list[tuple[Floats, Floats]] = []
    for _ in range(steps):
        direction = -_scaled(gradient, history)
        slope = float((direction * gradient).sum())
        size = 1.0 if history else 1.0 / max(1.0, float(np.sqrt((gradient**2).sum())))
        for _ in range(_HALVINGS):
            candidate = point + size * direction
            new_value, new_gradient = loss(candidate)
            if new_value <= value + 1e-4 * size * slope:
                break
            size /= 2
        else:
            return point
        history = [*history[-(_MEMORY - 1) :], (candidate - point, new_gradient - gradient)]
        is_flat = value - new_value <= _LEAST_GAIN * abs(value)
        point, value, gradient = candidate, new_value, new_gradient
        if is_flat:
            break
    return point


def _scaled(gradient: Floats, history: list[tuple[Floats, Floats]]) -> Floats:
    """Multiply the gradient with the inverse curvature that the last steps showed (two-loop recursion)."""
    vector = gradient.copy()
    factors = []
    for step, change in reversed(history):
        factor = (step * vector).sum() / (step * change).sum()
        vector -= factor * change
        factors.append(factor)
    if history:
        step, change = history[-1]
        vector *= (step * change).sum() / (change**2).sum()
    for (step, change), factor in zip(history, reversed(factors), strict=True):
        vector += step * (factor - (change * vector).sum() / (step * change).sum())
    return vector


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-logits)) without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float64)


def logistic(logit: float) -> float:
    """Return 1 / (1 + exp(-logit)), kept within what a score of 30 gives, so that its odds exist."""
    return 1 / (1 + math.exp(-min(max(logit, -30.0), 30.0)))
