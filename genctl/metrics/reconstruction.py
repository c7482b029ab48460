"""How near reconstructions are to their originals: images both as bytes, vectors in the data's own units."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from genctl.config.better import Better
from genctl.config.signatures import Count
from genctl.data.examples import Split
from genctl.data.spec import Spec, as_bytes
from genctl.errors import UserError
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.per_example import applied, mean_number, protocol

if TYPE_CHECKING:
    import tensorflow as tf

    from genctl.compute.context import Noise
    from genctl.strategies.parts.strategy import Batch

Corruption = Literal["gaussian", "masking", "salt_and_pepper"]

PEAK = 255.0
WINDOW = 11  # pixels across the Gaussian window of SSIM (Wang et al. 2004, section III.C)
SCALES = 5  # of multi-scale SSIM (Wang et al. 2003, section 3.2)


class Reconstruction:
    """Mean over examples of squared error, PSNR, SSIM and multi-scale SSIM; of vectors, the squared error alone.

    n: how many examples at most; None: the whole split. Images smaller than SSIM's window get a smaller one, which the
    protocol tells, and images too small for five scales have no multi-scale SSIM.
    """

    needs = "reconstruct"
    better: Mapping[str, Better] = {"mse": "lower", "psnr": "higher", "ssim": "higher", "ms_ssim": "higher"}

    def __init__(self, n: Count | None) -> None:
        self.n = n

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Compare the first examples of the split with their reconstructions."""
        spec, strategy = evaluation.spec, evaluation.strategy
        assert strategy is not None
        split = evaluation.real.first(self.n or evaluation.real.size)
        parts: list[dict[str, np.ndarray]] = []
        place = 0
        for copies in applied(lambda batch, noise: strategy.reconstruct(batch), strategy, split):
            originals = given(split, spec, np.arange(place, place + len(copies)))
            parts.append(compare(originals, comparable(copies, spec), spec.is_image))
            place += len(copies)
        units = {"mse": mse_unit(spec), "psnr": "dB"}
        about = protocol(evaluation, split)
        windows = {name: {"window": window_of(spec.image_shape)} for name in parts[0] if "ssim" in name}
        return [
            mean_number(name, values, units.get(name, "1"), about | windows.get(name, {}))
            for name, values in ((name, np.concatenate([part[name] for part in parts])) for name in parts[0])
        ]


class Denoising:
    """Mean squared error of reconstructions of damaged examples, beside the examples as they were before.

    corruption, amount: the damage, as for model=dae. n: how many examples at most; None: the whole split.
    """

    needs = "reconstruct"
    better: Mapping[str, Better] = {"denoising_mse": "lower"}

    def __init__(
        self, corruption: Corruption, amount: Annotated[float, Field(ge=0, allow_inf_nan=False)], n: Count | None
    ) -> None:
        if corruption != "gaussian" and amount > 1:
            raise UserError(
                f"metrics.denoising.amount={amount}: {corruption} damages a share of the numbers, at most 1."
            )
        self.corruption, self.amount, self.n = corruption, amount, n

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Damage the first examples of the split, and compare what comes of them with the originals."""
        from genctl.objectives.corruptions import CORRUPTIONS

        spec, strategy, corrupt = evaluation.spec, evaluation.strategy, CORRUPTIONS[self.corruption]
        assert strategy is not None
        split = evaluation.real.first(self.n or evaluation.real.size)

        def restored(batch: "Batch", noise: "Noise") -> "tf.Tensor":
            return strategy.reconstruct({**batch, "image": corrupt(batch["image"], self.amount, noise)})

        copies = np.concatenate([*applied(restored, strategy, split, evaluation.seed, "denoising")])
        originals = given(split, spec, np.arange(split.size))
        values = squared_error(originals, comparable(copies, spec))
        settings = {"corruption": self.corruption, "amount": self.amount, "seed": evaluation.seed}
        return [mean_number("denoising_mse", values, mse_unit(spec), protocol(evaluation, split) | settings)]


def given(split: Split, spec: Spec, places: np.ndarray) -> np.ndarray:
    """The examples at these places: images as bytes, whatever the data are; vectors in the data's own units."""
    images = split.take(places).images
    return spec.to_bytes(images) if spec.is_image else images


def comparable(copies: np.ndarray, spec: Spec) -> np.ndarray:
    """Reconstructions in [-1, 1], as `given` has their originals."""
    return as_bytes(copies) if spec.is_image else spec.to_own(copies)


def mse_unit(spec: Spec) -> str:
    """What squared errors are in."""
    return "squared grey levels" if spec.is_image else "squared units of the data"


def squared_error(originals: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """The mean over an example's numbers, (n,), for two arrays of stored examples (n, ...)."""
    return np.square(originals.astype(np.float64) - copies).reshape(len(originals), -1).mean(axis=1)


def compare(originals: np.ndarray, copies: np.ndarray, is_image: bool) -> dict[str, np.ndarray]:
    """Measures by name, each of shape (n,), of two arrays of stored examples (n, ...)."""
    mse = squared_error(originals, copies)
    return {"mse": mse, "psnr": psnr(mse), **similarity(originals, copies)} if is_image else {"mse": mse}


def psnr(mse: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of bytes; where all bytes are equal, that of the error of rounding, 1/12."""
    return 10 * np.log10(PEAK**2 / np.maximum(mse, 1 / 12))


def similarity(originals: np.ndarray, copies: np.ndarray) -> dict[str, np.ndarray]:
    """SSIM of bytes, and multi-scale SSIM where the coarsest scale still holds a window; each (n,)."""
    import tensorflow as tf

    pair, shape = (tf.constant(originals), tf.constant(copies)), originals.shape[1:]
    values = {"ssim": tf.image.ssim(*pair, PEAK, filter_size=window_of(shape)).numpy()}
    if min(shape[:2]) > (WINDOW - 1) * 2 ** (SCALES - 1):
        values["ms_ssim"] = tf.image.ssim_multiscale(*pair, PEAK).numpy()
    return values


def window_of(shape: Sequence[int]) -> int:
    """SSIM's window: 11 pixels, or the largest odd number that fits into an image of this shape."""
    side = min(shape[:2])
    return min(WINDOW, side - (side % 2 == 0))
