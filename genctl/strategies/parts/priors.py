"""A distribution of codes that is fitted after training, so that a deterministic autoencoder can draw new examples."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np

from genctl.config import files
from genctl.config.choices import one_of
from genctl.data.numpy_files import read_npz
from genctl.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

    from genctl.compute.context import Noise

FILE = "prior.npz"
CODES = 20_000  # that a mixture is fitted to at most
EACH = 10  # codes that there must be for each component
ADVICE = (
    "no prior of its codes was fitted. A run with model.prior=mixture (or gaussian) gets one when it ends; "
    "one that was stopped is ended by `genctl resume`"
)

PriorName = Annotated[str, one_of(("none", "gaussian", "mixture"))]


class Prior(NamedTuple):
    """Gaussian mixtures, one for each class, or a single one for all; cut to the range of the codes that were seen.

    weights: (classes, k); means: (classes, k, d); factors: Cholesky factors of the covariances, (classes, k, d, d); low
    and high: (classes, d). how: of what and by what they were fitted.
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray
    low: np.ndarray
    high: np.ndarray
    how: Mapping[str, Any]

    def draw(self, label: "tf.Tensor", noise: "Noise") -> "tf.Tensor":
        """One code for each row of `label`, (n, classes) one-hot or (n, 0): float32 (n, d)."""
        import tensorflow as tf

        count, (classes, components, dim) = tf.shape(label)[0], self.means.shape
        kind = tf.argmax(label, axis=1) if classes > 1 else tf.zeros((count,), tf.int64)
        steps = tf.gather(np.cumsum(self.weights, axis=1, dtype=np.float32)[:, :-1], kind)
        component = tf.reduce_sum(tf.cast(noise.uniform("component", (count, 1)) >= steps, tf.int64), axis=1)
        place = kind * components + component
        mean = tf.gather(self.means.reshape(-1, dim).astype(np.float32), place)
        factor = tf.gather(self.factors.reshape(-1, dim, dim).astype(np.float32), place)
        code = mean + tf.linalg.matvec(factor, noise.normal("code", (count, dim)))
        low, high = (tf.gather(bound.astype(np.float32), kind) for bound in (self.low, self.high))
        return tf.clip_by_value(code, low, high)

    def fits(self, classes: int, dim: int) -> bool:
        """Whether it draws codes of so many numbers, for so many classes, and holds finite numbers alone."""
        parts = self.weights.shape[-1]
        shapes = {
            "weights": (parts,),
            "means": (parts, dim),
            "factors": (parts, dim, dim),
            "low": (dim,),
            "high": (dim,),
        }
        arrays = {name: getattr(self, name) for name in shapes}
        return all(
            array.shape == (classes, *shapes[name]) and array.dtype.kind == "f" and bool(np.isfinite(array).all())
            for name, array in arrays.items()
        )

    def save(self, directory: Path) -> None:
        """Write FILE aside and rename it."""
        aside = files.aside(directory / FILE)
        with aside.open("wb") as file:
            np.savez(file, **{**self._asdict(), "how": np.array(json.dumps(dict(self.how)))})
        aside.replace(directory / FILE)


def components(kind: str, wanted: int) -> int:
    """How many components a prior of this kind has; 0: there is to be none."""
    return {"none": 0, "gaussian": 1, "mixture": wanted}[kind]


def load(directory: Path, step: int, code_dim: int, label_dim: int) -> Prior | None:
    """The prior of a run; None where it has none for its weights of this step. Raises UserError for a damaged file."""
    path = directory / FILE
    if not path.exists():
        return None
    try:
        stored = read_npz(path, Prior._fields)
        prior = Prior(**{**stored, "how": json.loads(str(stored["how"]))})
        fits = prior.fits(max(label_dim, 1), code_dim)
        if prior.how["step"] != step:
            return None
    except (UserError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise UserError(f"{path} is damaged: {error}. `genctl resume` fits the prior anew.") from error
    if not fits:
        raise UserError(f"{path} is no prior of this run's codes of {code_dim} numbers: `genctl resume` fits it anew.")
    return prior


def fit(codes: np.ndarray, labels: np.ndarray, components: int, step: int, seed: int) -> Prior:
    """Fit one mixture to all codes (n, d) where labels are (n, 0), or one to those of each class, (n, classes) one-hot.

    A class with few codes gets fewer components, and one with fewer than two codes those of all classes.
    """
    import sklearn
    import threadpoolctl
    from sklearn.mixture import GaussianMixture

    codes = np.asarray(codes, np.float64)
    parts = [codes[mine] for mine in labels.T > 0] or [codes]
    parts = [part if len(part) > 1 else codes for part in parts]
    components = max(1, min(components, min(map(len, parts)) // EACH))
    with threadpoolctl.threadpool_limits(1):  # the same bits on any number of cores, and no threads that wait in vain
        fitted = [GaussianMixture(components, random_state=seed).fit(part) for part in parts]
    how = {"components": components, "codes": len(codes), "classes": len(parts), "step": step, "seed": seed}
    return Prior(
        weights=np.stack([mixture.weights_ for mixture in fitted]),
        means=np.stack([mixture.means_ for mixture in fitted]),
        factors=np.stack([np.linalg.cholesky(mixture.covariances_) for mixture in fitted]),
        low=np.stack([part.min(axis=0) for part in parts]),
        high=np.stack([part.max(axis=0) for part in parts]),
        how=how | {"by": f"sklearn.mixture.GaussianMixture {sklearn.__version__}"},
    )
