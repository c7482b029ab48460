"""Which of two values of a number is the better one."""

from typing import Literal

Better = Literal["lower", "higher"]

# What the families say of validation batches; what tells nothing of quality by itself is not here.
LOGS: dict[str, Better] = {
    "loss": "lower",
    "negative_elbo": "lower",
    "distortion": "lower",
    "reconstruction": "lower",
    "squared_error": "lower",
    "elbo": "higher",
}
