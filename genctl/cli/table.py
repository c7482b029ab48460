"""The verbs: what each is for, and where it is."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Verb:
    """A row of the verb table: `genctl.cli.verbs.<module>` has a function of the verb's name.

    places: the setting that takes the words which are no settings, such as the directories of `genctl compare a b`.
    takes: what these are, for the help.
    sweep: the module that runs a sweep of it; where there is none, Hydra does.
    """

    name: str
    module: str
    summary: str
    examples: tuple[str, ...]
    places: str = ""
    takes: str = "DIR ..."
    sweep: str = ""

    def load(self) -> Callable[..., Any]:
        """Import the verb's function; only now, so that help, completion and mistakes answer at once."""
        return getattr(importlib.import_module(f"genctl.cli.verbs.{self.module}"), self.name)

    def load_sweep(self) -> Callable[..., int]:
        """Import the function that runs a sweep of the verb, and returns how many of its jobs failed."""
        return getattr(importlib.import_module(f"genctl.cli.verbs.{self.sweep}"), self.sweep)


EVALUATE = ("run=outputs/NAME", "run=outputs/NAME metrics=[frechet,kernel] n=50000", "real=photos/ samples=made.npz")
TRAIN = ("model=vae dataset=mnist trainer.steps=2000", "-m model=ae,vae,gan seed=1,2")
DATA = ("dataset=folder dataset.path=photos/", "dataset=mnist json=report.json png=seen.png")
COMPARE = ("outputs/", "outputs/one outputs/two by=frechet_distance html=runs.html")
RUNS = ("", "outputs/mine", "delete outputs/mine")
SWEEP = ("status outputs/x", "stop outputs/x")
ROWS = (
    Verb("train", "train", "train a model; the same name=… continues a run", TRAIN, sweep="train_many"),
    Verb("resume", "train", "continue a run from its newest checkpoint", ("run=outputs/NAME trainer.steps=5000",)),
    Verb("sample", "sample", "draw images from a trained run", ("run=outputs/NAME n=64",)),
    Verb("evaluate", "evaluate", "metrics of a trained run, or of any set of images", EVALUATE),
    Verb("compare", "compare", "a table of runs: settings, metrics, speed, size", COMPARE, places="runs"),
    Verb("runs", "runs", "list runs: state, steps, size on disk; or delete some", RUNS, places="places"),
    Verb("sweep", "sweep", "look at a sweep, or stop it", SWEEP, places="words", takes="status|stop DIR"),
    Verb("data", "data", "is a data set fit? copies, leaks, unreadable files, balance", DATA),
    Verb("reconstruct", "reconstruct", "encode and decode images, beside the originals", ("run=outputs/NAME n=32",)),
    Verb("interpolate", "interpolate", "go from image to image", ("run=outputs/NAME", "run=outputs/NAME split=test")),
    Verb("traverse", "traverse", "vary one number of a code at a time", ("run=outputs/NAME",)),
    Verb("encode", "encode", "images to codes", ("run=outputs/NAME projector=true", "run=outputs/NAME path=photos/")),
    Verb("decode", "decode", "codes to images", ("run=outputs/NAME path=codes.npz out=images/",)),
    Verb("export", "export", "networks for use without genctl", ("run=outputs/NAME format=onnx part=decoder",)),
    Verb("doctor", "doctor", "is all well here: versions, devices, folders", ("",)),
    Verb("invert", "invert", "find codes of images by descent, such as for a GAN", ("run=outputs/NAME path=photos/",)),
)
VERBS = {verb.name: verb for verb in ROWS}
