"""Which of two values of a number is the better one; what says nothing of quality is not here."""

from typing import Literal

Better = Literal["lower", "higher"]

LOGS: dict[str, Better] = {  # what strategies say of validation batches
    "loss": "lower",
    "negative_elbo": "lower",
    "distortion": "lower",
    "elbo": "higher",
}
NUMBERS: dict[str, dict[str, Better]] = {  # what metrics give, by their classes
    "Frechet": {"frechet_distance": "lower"},
    "Kernel": {"kernel_distance": "lower"},
    "Neighbourhoods": {"precision": "higher", "recall": "higher", "density": "higher", "coverage": "higher"},
    "Classes": {"classes_hit": "higher", "class_entropy": "higher", "class_divergence": "lower"},
    "Copies": {"train_distance": "higher", "copies": "lower"},
    "Reconstruction": {"mse": "lower", "psnr": "higher", "ssim": "higher", "ms_ssim": "higher"},
    "Denoising": {"denoising_mse": "lower"},
    "Likelihood": {
        "importance_weighted_bound": "higher",
        "elbo": "higher",
        "distortion": "lower",
        "bits_per_dimension": "lower",
    },
    "ActiveUnits": {"active_units": "higher"},
    "Probes": {"knn_accuracy": "higher", "linear_probe_accuracy": "higher"},
    "AggregatePosterior": {"posterior_mmd2": "lower"},
}


def better(name: str) -> Better | None:
    """The direction of a metric's number, whose name may end in that of a feature network; None: it has none."""
    known = {number: direction for numbers in NUMBERS.values() for number, direction in numbers.items()}
    return known.get(name.split("/")[0])
