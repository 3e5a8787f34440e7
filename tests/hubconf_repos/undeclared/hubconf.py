"""Declares one package and uses five."""

import yaml

from readers.images import read

try:
    import cv2
except ImportError:
    cv2 = None

if False:
    import sklearn

dependencies = ["math"]


def net(config="width: 4"):
    """Reads its settings with a package nobody declared."""
    return yaml.safe_load(config), read()


def evaluate():
    """Needs more when it is called."""
    from skimage import metrics

    return metrics
