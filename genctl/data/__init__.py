"""Data sets: examples by position, and the shapes they imply."""

from genctl.data.base import Augment, Dataset, Examples, Source
from genctl.data.spec import Spec

__all__ = ["Augment", "Dataset", "Examples", "Source", "Spec"]
