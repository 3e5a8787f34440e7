from .build import build
from . import layers
