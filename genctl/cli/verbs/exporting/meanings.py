"""What the inputs and outputs of exported networks mean, and what of a model is not in the files, for its card."""

from collections.abc import Sequence

from genctl.cli.verbs.exporting.formats import BATCH
from genctl.cli.verbs.exporting.markdown import fenced
from genctl.cli.verbs.exporting.parts import Part, generator
from genctl.data.ranges import BYTES
from genctl.data.spec import Spec
from genctl.runs.trained import Trained
from genctl.strategies.parts import priors

UNCHECKED = "its image is all 0, and other numbers are not finite"
REFUSED = {
    "keras": f"Keras raises an error on TensorFlow and PyTorch; on JAX, and on a GPU or with XLA, {UNCHECKED}.",
    "savedmodel": f"TensorFlow raises an error; where XLA compiles the call, {UNCHECKED}.",
    "tflite": f"TensorFlow Lite raises an error; with a delegate that does not check, {UNCHECKED}.",
    "onnx": f"ONNX Runtime raises an error on a CPU; where a provider does not check, {UNCHECKED}.",
}
DRAWING = f"""\
prior, random = np.load("{priors.FILE}"), np.random.default_rng(0)
of = 0  # the number of the class; 0 where the networks take no label
component = random.choice(len(prior["weights"][of]), p=prior["weights"][of])
code = prior["factors"][of, component] @ random.normal(size=prior["means"].shape[-1])
code = np.clip(prior["means"][of, component] + code, prior["low"][of], prior["high"][of])
code = code.astype(np.float32)[None]  # for the decoder"""


def meanings(run: Trained, kind: str, parts: Sequence[Part]) -> list[str]:
    """A line for each name that a file takes or gives."""
    names = dict.fromkeys(name for part in parts for name in (*part.inputs, *part.outputs))
    of_several = run.strategy.can("infer") or run.strategy.may("likelihood")
    random = ": the mean of its distribution" if of_several else ""
    lines = {
        "image": _numbers(run.spec),
        "code": f"what an image is encoded as{random}",
        "log_variance": "q(z | image) is normal, with the mean `code` and the variance exp(`log_variance`), by number",
        "noise": "standard normal numbers",
        "score": "the larger, the more real",
        "label": f"a number from 0 to {run.strategy.label_dim - 1}, see Data. For any other, {REFUSED[kind]}",
    }
    axis = f" The first axis of all is named `{BATCH}`." if kind == "onnx" else ""
    return [*(f"- `{name}`: {lines[name]}" for name in names), "", f"`n` is any number of examples.{axis}", ""]


def _numbers(spec: Spec) -> str:
    if not spec.is_image:
        return "numbers in the units of the data"
    low, high = spec.known.ends
    return "bytes, from 0 to 255" + (
        "" if (low, high) == BYTES else f", which stand for {low:g} to {high:g} of the data"
    )


def missing(run: Trained, parts: Sequence[Part]) -> list[str]:
    """What the files do not say of how images are encoded and drawn, or what beside the networks does."""
    names, strategy, lines = {part.name for part in parts}, run.strategy, []
    if "encoder" in names and strategy.may("likelihood") and not strategy.can("infer"):
        lines.append("The variances of the codes are not in the files: those of a level depend on the coarser codes.")
    if "decoder" in names and strategy.can("likelihood"):
        lines.append(
            "The parameters of p(image | code) are not in the files, but only the image that they stand for: "
            "a likelihood needs genctl (`genctl evaluate`)."
        )
    if "decoder" in names and strategy.lacks_prior("sample"):
        lines.append("No distribution of codes was fitted, so that there is none to draw new images from.")
    elif "decoder" in names and strategy.prior is None and strategy.can("sample") and generator(run) is None:
        lines.append("How codes of new images are drawn is not in the files: `genctl sample` does it.")
    return [item for line in lines for item in (line, "")]


def prior() -> list[str]:
    """How codes are drawn from the file of the fitted prior."""
    how = (
        f"`{priors.FILE}` is the distribution that was fitted to the codes of training examples: mixtures of normal "
        "distributions, one for each class where the networks take labels. `weights` (classes, k), `means` "
        "(classes, k, d), `factors` (classes, k, d, d; Cholesky factors of the covariances), and `low` and `high` "
        "(classes, d), to which codes are cut. A new code:"
    )
    return [how, "", *fenced(DRAWING, "python")]
