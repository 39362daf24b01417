"""No subject on both sides: every evaluator asks here before it fits anything."""

from __future__ import annotations

from collections.abc import Iterable

from sslts.errors import LeakageError


def check_disjoint(train_subjects: Iterable[str], test_subjects: Iterable[str], *, what: str = "training") -> None:
    """Refuse a split, a feature cache or a model that has seen a subject it will be judged on.

    `what` says in the message where the subjects were seen ("training", "the pretraining of 'crossl-wesad'").

    Raises:
        LeakageError: names the shared subjects.
    """
    shared = sorted(set(train_subjects) & set(test_subjects))
    if shared:
        raise LeakageError(
            f"Subject{'s' if len(shared) > 1 else ''} {', '.join(shared)} would be tested, but {what} has seen "
            f"{'them' if len(shared) > 1 else 'it'}. Expected disjoint subjects: train without the test subjects, or test on others."
        )
