"""The small digits that come with scikit-learn: no download."""

import numpy as np

from genctl.data.examples import Examples, Source
from genctl.data.spec import Spec


def load_digits() -> Source:
    """Load 1,797 handwritten digits, (8, 8, 1) uint8, with labels 0..9; the source's 17 grey levels span 0..255."""
    from sklearn.datasets import load_digits  # importing it takes a second

    data = load_digits()
    images = np.round(data.images * 255 / 16).astype(np.uint8)[..., None]
    spec = Spec("digits", (8, 8, 1), tuple(str(digit) for digit in range(10)))
    return Source(spec, Examples(images, data.target.astype(np.int32)), None)
