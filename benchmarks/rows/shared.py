"""Fits that several folds share: where a protocol leaves out subjects together, their classifiers learn from the same windows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sslts.evaluate.probe import Classifier, Labels, Predictor, Values

#: As many fits as the folds of one pretraining may need: two groups of subjects, each with all fractions and draws.
KEPT = 40


@dataclass
class SharedFits:
    """Remembers the latest fits of classifiers by what they were fitted on."""

    _fits: dict[str, Predictor] = field(default_factory=dict, repr=False)

    def of(self, classifier: Classifier) -> Classifier:
        """The classifier, which fits only what was not fitted before."""

        def fit(values: Values, labels: Labels, subjects: Sequence[str]) -> Predictor:
            told = hashlib.blake2b("|".join((repr(classifier), str(values.dtype), str(values.shape), *subjects)).encode())
            for array in (values, labels):
                told.update(np.ascontiguousarray(array).data)
            key = told.hexdigest()
            if key not in self._fits:
                if len(self._fits) >= KEPT:
                    del self._fits[next(iter(self._fits))]
                self._fits[key] = classifier(values, labels, subjects)
            return self._fits[key]

        return fit
