"""Parent of the modules of all loaded repos.

`reprise.hub.namespace.repos.<key>.models.yolo` is a module `models.yolo` of one repo at one
commit. Pickles name classes that way. Importing this package must therefore be enough to find
them, in any process: it installs the finder, which looks keys up in the registry. This is the one
import of Reprise that has an effect.
"""

from reprise.hub.namespace.loading import install

install()
