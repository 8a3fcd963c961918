"""Late fusion: each modality has its say on the patients who have it."""

from __future__ import annotations

import numpy as np

from onearm.stats.arguments import Booleans, Floats


def fusion_weights(error: Floats, without: Floats) -> Floats:
    """Share of the squared error that each part takes away, at least 0; all 1 where none does.

    error: (parts, columns) over the inner folds; without: (columns,) error of the training mean.
    """
    skill = np.maximum(1 - error / np.where(without > 0, without, 1.0), 0.0)
    return np.asarray(np.where(skill.sum(axis=0) > 0, skill, 1.0))


def fuse(scores: Floats, available: Booleans, weight: Floats) -> Floats:
    """Weighted mean of the scores of the parts each patient has: (patients, columns); 0 for none.

    scores: (parts, patients, columns); available: (parts, patients); weight: (parts, columns).
    """
    own = weight[:, None, :] * available[:, :, None]
    total = own.sum(axis=0)
    return np.asarray(
        np.divide((own * scores).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    )
