from .norm import norm
from .block import Block
