"""Everything comes through stars."""

dependencies = []

from models import *
from models.private import *
