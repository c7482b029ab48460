"""What a config may name without `trust=[…]`: a closed list, by the place in the config at which each name may stand.

Whole packages cannot be trusted: keras alone holds functions that run bytecode from a text, load code from files, and
write files anywhere. A new component of genctl is usable from a config once its name stands here; a class of Keras is
listed if it holds numbers, names and other listed objects, and no code, no text and no files.
"""

from typing import NamedTuple


class Place(NamedTuple):
    """The names that the component at a place may have, and those that the values inside of it may have."""

    names: frozenset[str]
    inside: frozenset[str] = frozenset()


def _under(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names.split())


STRATEGIES = _under(
    "genctl.strategies", "AAE AE AEGAN AEGANMultilevel GAN GANThroughAE HAE HVAE IWAE LatentGAN MSGAN VAE VAEGAN"
)
NETWORKS = _under(
    "genctl.networks",
    "build_conv_down build_conv_up build_mlp build_multiscale_up build_resnet_down build_resnet_up build_sequential",
)
LOADERS = _under("genctl.data", "load_cifar10 load_digits load_fashion_mnist load_folder load_mnist load_npz")
AUGMENT = _under("genctl.data", "Augment")
OPTIMIZERS = _under("genctl.strategies.players", "Optimizer adam adamw lion rmsprop sgd")
SCHEDULES = _under("genctl.config.schedules", "constant cosine cyclic exponential linear")
TRAINER = _under("genctl.training", "Trainer")
CALLBACKS = _under("genctl.training", "Checkpoint FitPrior Images Log Validate") | _under("genctl.metrics", "Evaluate")
METRICS = _under(
    "genctl.metrics",
    "ActiveShare ActiveUnits AggregatePosterior Classes Copies Denoising Frechet Kernel Likelihood Neighbourhoods "
    "Probes Reconstruction Slope",
)
FEATURES = _under("genctl.metrics.features", "fit_pixels load_autoencoder load_fid load_inception train_classifier")

KERAS_LAYERS = _under(
    "keras.layers",
    # dense, convolutions, recurrence
    "Dense EinsumDense Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose DepthwiseConv1D "
    "DepthwiseConv2D SeparableConv1D SeparableConv2D GRU LSTM SimpleRNN ConvLSTM1D ConvLSTM2D ConvLSTM3D "
    "Convolution1D Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose "
    "SeparableConvolution1D SeparableConvolution2D "
    # layers around a layer
    "Bidirectional SpectralNormalization TimeDistributed "
    # activations, normalization, regularization
    "Activation ELU Identity LeakyReLU PReLU ReLU Softmax BatchNormalization GroupNormalization LayerNormalization "
    "RMSNormalization UnitNormalization ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise "
    "SpatialDropout1D SpatialDropout2D SpatialDropout3D "
    # pooling
    "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
    "AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D "
    "AvgPool3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D "
    "GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D "
    "GlobalMaxPooling3D MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D "
    # shapes and sizes
    "CenterCrop Cropping1D Cropping2D Cropping3D Flatten Permute RepeatVector Rescaling Reshape Resizing UpSampling1D "
    "UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D "
    # of several inputs, of which a list of layers has one: refused where they are called, and by name
    "Add AdditiveAttention Attention Average Concatenate Dot GroupQueryAttention Maximum Minimum MultiHeadAttention "
    "Multiply Subtract",
)
KERAS_OPTIMIZERS = _under(
    "keras.optimizers",
    "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion Muon Nadam RMSprop SGD ScheduleFreeAdamW",
)
KERAS_INITIALIZERS = _under(
    "keras.initializers",
    "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform Ones "
    "Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros",
)
KERAS_REGULARIZERS = _under("keras.regularizers", "L1 L1L2 L2 OrthogonalRegularizer")
KERAS_CONSTRAINTS = _under("keras.constraints", "MaxNorm MinMaxNorm NonNeg UnitNorm")

_NETWORK = Place(NETWORKS, KERAS_LAYERS | KERAS_INITIALIZERS | KERAS_REGULARIZERS | KERAS_CONSTRAINTS)
PLACES = {
    "model": Place(STRATEGIES, SCHEDULES),
    "encoder": _NETWORK,
    "decoder": _NETWORK,
    "generator": _NETWORK,
    "discriminator": _NETWORK,
    "dataset": Place(LOADERS, AUGMENT),
    "optimizer": Place(OPTIMIZERS, KERAS_OPTIMIZERS | SCHEDULES),
    "trainer": Place(TRAINER),
    "callbacks": Place(CALLBACKS),
    "metrics": Place(METRICS),
    "features": Place(FEATURES),
}
SEVERAL = ("callbacks", "metrics")  # places that hold several components, each by a name of its own


def names_at(key: str) -> frozenset[str]:
    """The names that may stand at a dotted key of a config, such as `encoder.layers[0]`; none at other keys."""
    place, *below = key.replace("[", ".[").split(".")
    depth = len(below) - (place in SEVERAL)
    known = PLACES.get(place, Place(frozenset()))
    return known.names if depth == 0 else known.inside if depth > 0 else frozenset()


EVERY = frozenset().union(*(place.names | place.inside for place in PLACES.values()))
