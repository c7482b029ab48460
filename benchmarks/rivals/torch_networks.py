"""The networks in PyTorch."""

from torch import nn

from rivals.common import LATENT, NOISE


def dense_encoder() -> nn.Module:
    hidden = [nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(256, 2 * LATENT))


def dense_decoder() -> nn.Module:
    hidden = [nn.Linear(LATENT, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(512, 784), nn.Unflatten(1, (1, 28, 28)))


def conv_encoder() -> nn.Module:
    first, second = nn.Conv2d(1, 32, 5, 2, padding=2), nn.Conv2d(32, 64, 5, 2, padding=2)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Flatten(), nn.Linear(7 * 7 * 64, 2 * LATENT))


def conv_decoder() -> nn.Module:
    first, second = transposed(64, 32), transposed(32, 1)
    return nn.Sequential(
        nn.Linear(LATENT, 7 * 7 * 64), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)), first, nn.ReLU(), second
    )


def generator() -> nn.Module:
    start = [nn.Linear(NOISE, 7 * 7 * 64), nn.Unflatten(1, (64, 7, 7)), nn.BatchNorm2d(64), nn.ReLU()]
    middle = [transposed(64, 64), nn.BatchNorm2d(64), nn.ReLU()]
    return nn.Sequential(*start, *middle, transposed(64, 1), nn.Tanh())


def discriminator() -> nn.Module:
    first, second = nn.Conv2d(1, 32, 5, 2, padding=2), nn.Conv2d(32, 64, 5, 2, padding=2)
    levels = [first, nn.LeakyReLU(0.2), second, nn.LeakyReLU(0.2)]
    return nn.Sequential(*levels, nn.Flatten(), nn.Linear(7 * 7 * 64, 1))


def transposed(inputs: int, outputs: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 5, 2, padding=2, output_padding=1)
