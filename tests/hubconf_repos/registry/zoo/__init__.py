from .vgg import *
from .resnet import *
from .old import *
