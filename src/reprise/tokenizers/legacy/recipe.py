"""What every recipe is given and returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.tokenizers.added import AddedToken, with_added
from reprise.tokenizers.config import TokenizerConfig, place_of, read_config
from reprise.tokenizers.family import Family
from reprise.tokenizers.folder import Folder
from reprise.tokenizers.listed import listed_tokens, old_tokens
from reprise.tokenizers.spec import TokenizerSpec


@dataclass(frozen=True)
class Source:
    """Files, and everything that is known about them.

    Attributes:
        folder: Where the files are.
        family: Whose they are.
        settings: What tokenizer_config.json and the caller say.
        recipe: Name of the recipe, for modules that know several.
    """

    folder: Folder
    family: Family
    settings: Mapping[str, Any]
    recipe: str

    def flag(self, name: str, *, default: bool | None) -> bool | None:
        """Return a setting that is true, false or unset."""
        value = self.settings.get(name)
        return value if isinstance(value, bool) else default

    def specials(self) -> dict[str, AddedToken]:
        """Return the named special tokens, the settings over the family's."""
        found = self._config().specials
        return {name: found[name] for name in sorted(found, key=place_of)}

    def added(self) -> list[AddedToken]:
        """Return the tokens to add: those that files list, in their order, then the named."""
        config = self._config()
        every = [*config.specials.values(), *config.extra_specials]
        listed = {**listed_tokens(self.settings, every), **old_tokens(self.folder, every)}
        first = [listed[key] for key in sorted(listed)]
        seen = {token.content for token in first}
        return [*first, *(each for each in self.specials().values() if each.content not in seen)]

    def special(self, name: str) -> str:
        """Return the text of a named special token."""
        return self.specials()[name].content

    def _config(self) -> TokenizerConfig:
        named = {
            key: value
            for key, value in self.settings.items()
            if key.endswith(("_token", "_special_tokens"))
        }
        return read_config(named, self.family.defaults())


@dataclass(frozen=True)
class Converted:
    """A spec, and configuration that the files hold."""

    spec: TokenizerSpec
    config: Mapping[str, Any] = field(default_factory=dict)


def assemble(model: Mapping[str, Any], parts: Mapping[str, Any], source: Source) -> TokenizerSpec:
    """Return a spec of a model and other parts, with the named special tokens added.

    Raises:
        InvalidFormat: The vocabulary lacks the unknown token.
    """
    unknown = model.get("unk_token")
    if unknown is not None and unknown not in model["vocab"]:
        raise InvalidFormat(
            f"{source.folder.name}: the vocabulary lacks the unknown token, {unknown!r}.",
            hint="Pass its name as unk_token.",
        )
    spec = TokenizerSpec({"model": dict(model), **parts})
    return with_added(spec, source.added())[0]
