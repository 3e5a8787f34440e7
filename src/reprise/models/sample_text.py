"""A page of plain English: what fewer bits are measured on where nobody gives a text."""

SAMPLE = """\
The harbour wakes before the town does. A little after four the first boats come in, low in the \
water, and the men on the quay stop talking and catch the ropes. Nobody gives orders. The boxes go \
from hand to hand, silver and grey, and by the time the sun is above the breakwater the ice lorry \
has been and gone. What is left is a wet street, a few gulls, and the smell of diesel and salt.

In the office above the fish hall Marta adds up the night. She has done it for thirty-one years, \
first in a ledger with a red spine, then on a machine that printed everything twice, and now on a \
screen that she does not quite trust. She writes the totals on a slip of paper as well. On Monday \
it was 4,120 kilograms, on Tuesday 3,875, and today, with the wind in the north, not even half. \
"Numbers do not lie," she likes to say, "but they leave out a great deal."

How does a fish know where to go? The old answer was that it follows the warm water, and that is \
true as far as it goes. A newer one is that small crystals of iron in its head turn with the \
field of the earth, as the needle of a compass does. To test this, researchers kept young salmon \
in tanks surrounded by coils of copper wire. When the current was switched on and the field was \
that of a place four hundred miles to the south, the animals turned and swam north, towards home. \
They had never been there. The experiment was repeated three times, with the same result.

Here is how to cook what you catch. Clean the fish, rub it with salt, and let it rest for ten \
minutes. Heat two spoons of oil in a heavy pan until it shimmers. Lay the fish in, skin down, and \
do not touch it for four minutes; then turn it once. Squeeze half a lemon over it, add pepper, \
and serve it with potatoes. If there is any left, it makes a good soup the next day.

def total(weights):
    return sum(weight for weight in weights if weight > 0)

By noon the hall is hosed down and locked. Marta puts the slip in her coat, switches off the \
light, and walks home along the wall, where children are jumping into the water one after another, \
shouting their numbers: one, two, three, and then a splash.
"""
