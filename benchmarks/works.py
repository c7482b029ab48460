"""What is measured: the work, and who does it beside genctl."""

import dataclasses

PRECISIONS = ("float32", "mixed_bfloat16")
SIZES = (32, 64, 128, 256, 512, 1024)


@dataclasses.dataclass(frozen=True)
class Work:
    """One objective with its networks.

    kind: vae, gan or wgan_gp. network: dense or conv. chunk: steps between two looks at the clock, a multiple of 50.
    pilot: genctl's steps where nothing is known of its speed. precisions: of genctl; rivals train in float32.
    """

    name: str
    kind: str
    network: str
    chunk: int
    pilot: int
    batch_size: int = 128
    turns: int = 1
    precisions: tuple[str, ...] = ("float32",)
    rivals: tuple[str, ...] = ("fit", "fit_50", "loop", "torch", "torch_tutorial", "torch_compile")

    @property
    def title(self) -> str:
        return self.name if self.batch_size == 128 else f"{self.name}, batch {self.batch_size}"


@dataclasses.dataclass(frozen=True)
class Rival:
    """Another way to do the same work.

    variants: ways to tune it, for dense networks and for convolutions; the first is taken where none is tried, and the
    fastest otherwise.
    """

    title: str
    program: str  # the module below rivals/
    options: dict[str, object]
    dense: tuple[str, ...]
    conv: tuple[str, ...]

    def variants(self, network: str) -> tuple[str, ...]:
        return self.dense if network == "dense" else self.conv


SETTINGS = {"dense": ("",), "conv": ("", "trainer.devices=all")}  # ways to tune genctl: the same as variants of a rival

DENSE_VAE = Work("dense_vae", "vae", "dense", chunk=100, pilot=200)
CONV_VAE = Work("conv_vae", "vae", "conv", chunk=50, pilot=100, precisions=PRECISIONS)
DCGAN = Work("dcgan", "gan", "conv", chunk=50, pilot=60)
WGAN_GP = Work("wgan_gp", "wgan_gp", "conv", chunk=10, pilot=6, batch_size=640, turns=5)
WORKS = {work.name: (work,) for work in (DENSE_VAE, CONV_VAE, DCGAN, WGAN_GP)}
WORKS["batch_sizes"] = tuple(
    dataclasses.replace(work, batch_size=size, chunk=chunk * 50, precisions=("float32",), rivals=("fit",))
    for work, scale in ((DENSE_VAE, 12800), (CONV_VAE, 6400))
    for size in SIZES
    for chunk in (max(1, scale // size // 50),)
)

RIVALS = {
    "fit": Rival("Keras fit", "keras_fit", {"steps_per_execution": 1}, ("xla", "plain"), ("plain", "xla")),
    "fit_50": Rival(
        "Keras fit, steps_per_execution=50",
        "keras_fit",
        {"steps_per_execution": 50},
        ("xla", "plain"),
        ("plain", "xla"),
    ),
    "loop": Rival("tf.function + tf.data", "tensorflow_loop", {}, ("xla", "plain"), ("plain", "xla")),
    "torch": Rival("PyTorch eager", "pytorch", {}, ("plain",), ("channels_last", "plain")),
    "torch_tutorial": Rival("PyTorch, as in its tutorials", "pytorch", {"tutorial": True}, ("plain",), ("plain",)),
    "torch_compile": Rival("torch.compile", "pytorch", {"compile": True}, ("plain",), ("channels_last", "plain")),
}
