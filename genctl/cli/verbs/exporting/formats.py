"""Formats of exported networks: how each is written, and how it is read back without genctl."""

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from genctl.cli.verbs.exporting.parts import Arrays, Part
from genctl.cli.verbs.exporting.plain import plain
from genctl.compute.compiled import compiled
from genctl.errors import UserError, first_line

Reader = Callable[[Arrays], Arrays]
BATCH = "batch"  # the name of the first axis of all that an ONNX file takes and gives


class Format(NamedTuple):
    """suffix: of the file. write: a part to a path. read: a path, and outputs, to a function of arrays by name."""

    suffix: str
    write: Callable[[Part, Path], None]
    read: Callable[[Path, Sequence[str]], Reader]


def write_keras(part: Part, path: Path) -> None:
    """Save a functional model of Keras' own layers and operations. Raises UserError for another kind of part."""
    inputs = {name: keras.Input(shape, dtype=kind, name=name) for name, (shape, kind) in part.inputs.items()}
    try:
        model = keras.Model(inputs, part.call(**inputs), name=part.name)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"format=keras: the {part.name} of this family computes with more than Keras has: use format=savedmodel."
        ) from error
    plain(model).save(path)


def read_keras(path: Path, outputs: Sequence[str]) -> Reader:
    """Load with Keras."""
    model = keras.models.load_model(path)
    return lambda arrays: _numpy(model(dict(arrays)), outputs)


def write_savedmodel(part: Part, path: Path) -> None:
    """Save a TensorFlow SavedModel with one signature, `serving_default`."""
    module = _module(part)
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # for use, not for training
    tf.saved_model.save(module, str(path), signatures=module.call, options=options)


def read_savedmodel(path: Path, outputs: Sequence[str]) -> Reader:
    """Load with TensorFlow."""
    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]
    return lambda arrays: _numpy(signature(**{name: tf.constant(array) for name, array in arrays.items()}), outputs)


def write_tflite(part: Part, path: Path) -> None:
    """Convert to TensorFlow Lite, of whose own operations it must make do."""
    module = _module(part)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.call.get_concrete_function()], module)
    path.write_bytes(converter.convert())


def read_tflite(path: Path, outputs: Sequence[str]) -> Reader:
    """Load with TensorFlow Lite."""
    interpreter = tf.lite.Interpreter(str(path))
    runner = interpreter.get_signature_runner()
    return lambda arrays: runner(**arrays)


def write_onnx(part: Part, path: Path) -> None:
    """Convert to ONNX with tf2onnx."""
    converter = _optional("tf2onnx")
    function = _module(part).call
    model, _ = converter.convert.from_function(function, function.input_signature, opset=18)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH  # the converter gives each a name of its own
    path.write_bytes(model.SerializeToString())


def read_onnx(path: Path, outputs: Sequence[str]) -> Reader:
    """Load with ONNX Runtime."""
    session = _optional("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda arrays: dict(zip(outputs, session.run(list(outputs), dict(arrays)), strict=True))


FORMATS: Mapping[str, Format] = {
    "keras": Format(".keras", write_keras, read_keras),
    "savedmodel": Format("", write_savedmodel, read_savedmodel),
    "tflite": Format(".tflite", write_tflite, read_tflite),
    "onnx": Format(".onnx", write_onnx, read_onnx),
}


@contextlib.contextmanager
def explained(kind: str, part: Part) -> Iterator[None]:
    """Within the block, whatever a library says of a part that it cannot write or read back becomes a UserError."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # converters and loaders raise nearly anything for operations that they do not know
        advice = "" if kind == "savedmodel" else " Another format may do: savedmodel takes the most."
        reason = first_line(error).rstrip(".")
        raise UserError(f"format={kind}: the {part.name} cannot be exported: {reason}.{advice}") from error


def _module(part: Part) -> Any:
    """The part as a compiled function with its variables."""
    names = list(part.inputs)
    signature = [tf.TensorSpec([None, *shape], kind, name) for name, (shape, kind) in part.inputs.items()]

    def call(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        return part.call(**dict(zip(names, tensors, strict=True)))

    module = tf.Module(part.name)
    module.call = compiled(call, input_signature=signature)
    module.weights = list(module.call.get_concrete_function().graph.variables)
    return module


def _numpy(tensors: Mapping[str, tf.Tensor], outputs: Sequence[str]) -> Arrays:
    return {output: tensors[output].numpy() for output in outputs}


def _optional(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UserError(f"format=onnx needs {package}: pip install 'genctl[onnx]'.") from error
