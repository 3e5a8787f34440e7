"""Importing this module patches torch.hub: `import reprise.hub.autopatch`.

The one module that works at import, because that is its purpose. `REPRISE_PATCH_TORCH_HUB` may
name another hub than the one in use, or be 0; see `reprise.hub.torch_hub`.
"""

import os

from reprise.hub.torch_hub import patch_from_environment

os.environ.setdefault("REPRISE_PATCH_TORCH_HUB", "1")  # worker processes are patched likewise
patch_from_environment()
