"""Cut a training file in two, at random but evenly over the classes; the cut is a pure function of (labels, seed)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Source(NamedTuple):
    """A data set as its makers publish it: two pairs (uint8 images, int32 labels) and the number of classes."""

    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    classes: int


def stratified_order(labels, seed):
    """Return a permutation of which every beginning has all classes in proportion, give or take one example.

    The r-th of the m examples of a class, taken at random, stands at `(r + 1/2) / m` of the way.

    Args:
        labels: integer array (n,).
        seed: non-negative integer.

    Returns:
        int array (n,).

    Example:
        >>> import numpy as np
        >>> labels = np.array([0, 0, 0, 0, 1, 1])
        >>> np.bincount(labels[stratified_order(labels, seed=0)][:3]).tolist()
        [2, 1]
    """
    order = _permutation(len(labels), seed)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels[order] == label)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return order[np.argsort(place, kind="stable")]


def divide(images, labels, validation, train_examples, seed):
    """Return (training examples, validation examples), each a tuple (images, labels) in random order.

    The validation examples do not depend on `train_examples`, and fewer training examples are a part of more.

    Args:
        images: array (n, …).
        labels: integer array (n,).
        validation: number of validation examples.
        train_examples: number of training examples, None for all that remain.
        seed: non-negative integer.

    Raises:
        ValueError: if there are not so many examples, or `seed` is negative.
    """
    n = len(labels)
    if not 1 <= validation < n:
        raise ValueError(f"`validation` must lie in [1, {n - 1}]. Received: validation={validation}")
    remaining = n - validation
    if train_examples is not None and not 1 <= train_examples <= remaining:
        raise ValueError(f"`train_examples` must lie in [1, {remaining}]. Received: train_examples={train_examples}")
    if seed < 0:
        raise ValueError(f"`seed` must be a non-negative integer. Received: seed={seed}")
    order = stratified_order(labels, seed)
    held_out, kept = order[:validation], order[validation:][:train_examples]
    rank = np.argsort(_permutation(n, seed))
    parts = [part[np.argsort(rank[part])] for part in (kept, held_out)]  # else the classes would take turns
    return tuple((images[part], labels[part]) for part in parts)


def _permutation(n, seed):
    key = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    return np.argsort(np.random.Philox(key=key).random_raw(n), kind="stable")
