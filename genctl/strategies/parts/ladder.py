"""The levels of a hierarchical VAE and the dense networks between them (Sønderby et al. 2016, figure 1).

Levels are counted from the coarsest. On the way up, features of the image become finer levels' evidence first; on the
way down, a state collects the codes, from which the next prior and at last the image are made.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from genctl.compute.context import Noise
from genctl.errors import UserError
from genctl.networks.mlp import build_mlp
from genctl.networks.precision import with_float32_outputs
from genctl.objectives.bounds import log_ratio
from genctl.objectives.normal import Normal

Choose = Callable[[int, Normal], tf.Tensor]  # (level, distribution of its code) to its code


class Path(NamedTuple):
    """A way down. Of each level: code, prior p(z_l | coarser) and what the code was chosen by, q(z_l | x, coarser).

    state: (n, width), what has been made of them.
    """

    codes: list[tf.Tensor]
    priors: list[Normal]
    posteriors: list[Normal]
    state: tf.Tensor

    @property
    def code(self) -> tf.Tensor:
        """The codes of all levels, one after the other."""
        return tf.concat(self.codes, axis=1)

    @property
    def outcome(self) -> tf.Tensor:
        """What the decoder takes: the state, and all codes beside it, so that each has a short way to the image."""
        return tf.concat([self.state, *self.codes], axis=1)

    def kl(self) -> tf.Tensor:
        """KL(q || p) of each level, (n, levels), in nats."""
        pairs = zip(self.posteriors, self.priors, strict=True)
        return tf.stack([tf.reduce_sum(q.kl(prior), axis=1) for q, prior in pairs], axis=1)

    def log_ratio(self) -> tf.Tensor:
        """sum_l log p(z_l | coarser) - log q(z_l | x, coarser), of shape (n,)."""
        levels = zip(self.codes, self.priors, self.posteriors, strict=True)
        return tf.reduce_sum(tf.stack([log_ratio(code, prior, q) for code, prior, q in levels]), axis=0)


class Ladder(NamedTuple):
    """One network a level of each kind.

    rises: features (n, width) of the next finer level, or of the image, to what they gain. heads: features to mean and
    log variance, (n, 2 size). priors: state and label, (n, width + label_dim), to mean and log variance. descents:
    state, code and label to what the state gains.
    """

    rises: tuple[keras.Model, ...]
    heads: tuple[keras.Model, ...]
    priors: tuple[keras.Model, ...]
    descents: tuple[keras.Model, ...]

    def rise(self, features: tf.Tensor, training: bool) -> list[Normal]:
        """What the image, with features (n, width), says of each level's code before coarser codes are known."""
        evidence = []
        for rise, head in zip(reversed(self.rises), reversed(self.heads), strict=True):
            features = features + rise(features, training=training)
            evidence.append(Normal.of(head(features, training=training)))
        return evidence[::-1]

    def descend(
        self, label: tf.Tensor, choose: Choose, evidence: Sequence[Normal] | None = None, training: bool = False
    ) -> Path:
        """Choose each level's code by its prior, or by the prior's product with the evidence (equations 17 and 18)."""
        width = self.descents[0].output_shape[-1]
        path = Path([], [], [], tf.zeros((tf.shape(label)[0], width)))
        for level, (believe, add) in enumerate(zip(self.priors, self.descents, strict=True)):
            prior = Normal.of(believe(tf.concat([path.state, label], axis=1), training=training))
            q = evidence[level].times(prior) if evidence else prior
            code = choose(level, q)
            gain = add(tf.concat([path.state, code, label], axis=1), training=training)
            path = Path([*path.codes, code], [*path.priors, prior], [*path.posteriors, q], path.state + gain)
        return path


def ladder(sizes: Sequence[int], width: int, label_dim: int) -> Ladder:
    """Build one with linear heads, whose other networks have a hidden layer of `width` rectified units.

    sizes: numbers in each level's code.
    """

    def dense(inputs: int, outputs: int, *units: int) -> keras.Model:
        try:
            network = build_mlp(
                (inputs,), (outputs,), units=units, activation="relu", normalization="none", dropout=0.0
            )
        except UserError as error:
            raise UserError(f"model.levels={list(sizes)}, model.width={width}: {error}") from error
        return with_float32_outputs(network)

    return Ladder(
        rises=tuple(dense(width, width, width) for _ in sizes),
        heads=tuple(dense(width, 2 * size) for size in sizes),
        priors=tuple(dense(width + label_dim, 2 * size, width) for size in sizes),
        descents=tuple(dense(width + size + label_dim, width, width) for size in sizes),
    )


def drawn(noise: Noise) -> Choose:
    """Draw every code at random."""
    return lambda level, q: q.at(noise.normal(f"code/{level}", tf.shape(q.mean)))
