"""What feature networks may look at, and whether it is enough."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from genctl.data.examples import Split
from genctl.data.spec import Spec
from genctl.errors import Unsuited


class TrainingData(Protocol):
    """What of an evaluation is the same for all samples."""

    @property
    def spec(self) -> Spec:
        """The shapes and classes of the examples."""

    @property
    def train(self) -> Split:
        """The training split."""

    @property
    def test(self) -> Split | None:
        """Real examples that training did not see."""

    @property
    def trust(self) -> tuple[str, ...]:
        """Packages whose names a config may use."""


def count_classes(spec: Spec, train: Split) -> int:
    """Of how many classes the training split has examples; 0 without labels."""
    labels = train.pool.labels if spec.label_dim else None
    return 0 if labels is None else len(np.unique(labels[train.positions]))


def check_classes(name: str, spec: Spec, train: Split) -> None:
    """Raise Unsuited, beginning with `name`, where no two classes could be learnt from the training split."""
    if not spec.label_dim:
        raise Unsuited(f"{name} needs labels, and data set '{spec.name}' has none")
    if (classes := count_classes(spec, train)) < 2:
        raise Unsuited(f"{name} needs training examples of 2 classes, and there are some of {classes}")


def check_enough(name: str, least: int, counts: Mapping[str, int]) -> None:
    """Raise Unsuited, beginning with `name`, where there are fewer than `least` of anything; counts: by what it is."""
    for what, count in counts.items():
        if count < least:
            raise Unsuited(f"{name} needs at least {least} {what}, and there are {count}")
