from .alpha import *
from .beta import *
