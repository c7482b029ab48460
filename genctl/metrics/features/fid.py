"""The network, resizing and preprocessing of published Fréchet distances (FID), as Heusel et al. 2017 made them."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator

from genctl.data.spec import as_bytes
from genctl.errors import Unsuited, UserError, first_line
from genctl.metrics.features.extractor import Extractor, sha256_of, weights_at
from genctl.metrics.features.training_data import TrainingData

BATCH = 32
ADVICE = (
    "give pt_inception-2015-12-05-6726825d.pth, which the project pytorch-fid publishes, or "
    "weights-inception-2015-12-05-6726825d.pth of the project torch-fidelity"
)


def _needed(weights: object) -> object:
    if weights is None:
        raise ValueError(f"the weights of features=fid do not come with genctl: {ADVICE}")
    return weights


def load_fid(evaluation: TrainingData, weights: Annotated[str, BeforeValidator(_needed)]) -> Extractor:
    """The 2048 averages of the last features (pool3) of the Inception network of 2015, for images of any size.

    weights: a file of torch or safetensors with the tensors of pytorch-fid or torch-fidelity. Raises Unsuited for
    vectors, and UserError for a file that does not hold them.
    """
    spec = evaluation.spec
    if not spec.is_image:
        raise Unsuited(f"features=fid needs images, and data set '{spec.name}' has vectors")
    path = weights_at(weights, f"{ADVICE}.")
    sha256 = sha256_of(path)
    features = _load(path, sha256)
    return Extractor("fid", sha256, lambda examples: features(as_bytes(examples)), batch=BATCH)


@functools.lru_cache(maxsize=1)  # a run that evaluates itself asks for it again and again
def _load(path: Path, sha256: str) -> Callable[[np.ndarray], np.ndarray]:
    """What turns images as bytes (n, h, w, c) into features (n, 2048). sha256: of the file, which may change."""
    from genctl.compute.compiled import compiled  # it brings TensorFlow, as the next two do
    from genctl.metrics.features import inception2015, tensors
    from genctl.metrics.features.classifier_network import in_float32

    with in_float32():
        network = inception2015.build()
    try:
        inception2015.load(network, tensors.read(path, inception2015.shapes(network)))
    except Exception as error:  # zipfile and safetensors raise nearly anything on a damaged file
        raise UserError(
            f"features.weights={path} holds no weights of the network of features=fid: {first_line(error)}; {ADVICE}."
        ) from error
    program = compiled(lambda images: network(inception2015.prepare(images), training=False), reduce_retracing=True)
    return lambda images: program(images).numpy()
