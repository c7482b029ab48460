"""What to do about what is found in a data set, in plain words, and how many examples are enough for what."""

from typing import NamedTuple

from genctl.data.dataset import Augment
from genctl.data.survey import Survey

UNREADABLE = "Mend or remove these, or train with dataset.skip_bad=true, which leaves them out."
LEAK = (
    "Copies of examples of training that are in validation or test, or of validation in test: remove these, since what "
    "is measured on examples that the model was trained or chosen on is better than the model is."
)
RELABELLED = "Decide which class is right, and remove the others: the model cannot learn both."
COPIES = {
    "exact": "Remove all but one of each: copies count double in training and make a model learn them by heart.",
    "near": "Look at them (png=FILE.png shows pairs), and remove all but the best of each: they count double.",
    "mirrored": "Remove them where you train with dataset.augment.flip=true, which mirrors anyway; else they may stay.",
}
BLANK = "Remove them, unless pictures of one colour are what you want to be drawn."
GREY = "No picture shows a colour: read them with one channel, for which dataset.channels=1 is, or images[..., :1]."
DIM = "Set dataset.range=[low,high] to what the pictures use, so that the networks see all of it."
UNBALANCED = (
    "Add to the small classes, or expect that the model draws them rarely and badly; model.conditional=true lets you "
    "draw each class by its label. dataset.stratify=true keeps the splits alike."
)
MISSING = "Set dataset.stratify=true, or add examples: nothing can be learnt or measured of a class that is not there."
ENLARGED = "Set a smaller dataset.image_size: enlarging adds no detail, and the model learns to draw blur."
CUT = "Set dataset.image_size=[height,width] to the proportions of most pictures, or crop them yourself."

_MANY_ENLARGED, _MUCH_CUT = 0.1, 0.2  # shares, of the files and of a picture
_UNEVEN = 10  # times as many in the largest class as in the smallest


class Need(NamedTuple):
    """What some use takes at least, as a rule of thumb, and what there is of it."""

    use: str
    needed: int
    of: str
    there: int


def needs(train: int, test: int, smallest_class: int | None, augment: Augment) -> list[Need]:
    """What a data set is enough for.

    train: different training examples. The numbers of GANs are those of Karras et al. 2020 (a few thousand images
    with augmentation do what ten times as many do without); 500 a class is what CIFAR-100 has; the Fréchet distance has
    a bias that is small from 10,000 on (Chong and Forsyth 2020), and the kernel distance has none (Bińkowski et al.
    2018). That of autoencoders is experience.
    """
    how = "as dataset.augment is set" if augment.enabled else "without dataset.augment"
    return [
        Need("an autoencoder or a VAE", 1000, "training examples", train),
        Need(f"a GAN, {how}", 2000 if augment.enabled else 20_000, "training examples", train),
        *([] if augment.enabled else [Need("a GAN, with dataset.augment", 2000, "training examples", train)]),
        *([] if smallest_class is None else [Need("classes by label", 500, "in the smallest class", smallest_class)]),
        Need("the kernel distance", 1000, "test examples", test),
        Need("the Fréchet distance, precision and recall", 10_000, "test examples", test),
    ]


def of_sizes(survey: Survey) -> dict[str, tuple[int, str]]:
    """Findings about the sizes of image files: of each how many files, and what to do."""
    found = {}
    if survey.enlarged > _MANY_ENLARGED * survey.files:
        found["smaller than dataset.image_size"] = survey.enlarged, ENLARGED
    if survey.cut[0] > _MUCH_CUT:
        found["cut at their sides"] = survey.files, CUT
    return found


def of_classes(train: dict[str, int]) -> dict[str, tuple[int, str]]:
    """Findings about how many examples each class has in training: of each how many classes, and what to do."""
    found, most = {}, max(train.values(), default=0)
    if missing := sum(count == 0 for count in train.values()):
        found["classes without a training example"] = missing, MISSING
    if few := sum(0 < count * _UNEVEN < most for count in train.values()):
        found[f"classes less than a {_UNEVEN}th of the largest"] = few, UNBALANCED
    return found
