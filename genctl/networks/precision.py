"""Networks that may compute in half precision."""

import keras


def with_float32_outputs(network: keras.Model) -> keras.Model:
    """The network with outputs in float32, which losses need whatever the networks compute in."""
    if keras.config.dtype_policy().compute_dtype == "float32":
        return network
    cast = keras.layers.Activation("linear", dtype="float32", name="float32")
    return keras.Model(network.inputs, keras.tree.map_structure(cast, network.output), name=network.name)
