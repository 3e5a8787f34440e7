"""The half of a tokenizer that knows tokens: ids, special tokens, added tokens."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.added import AddedToken, added_tokens, read_added, with_added
from reprise.tokenizers.config import NAMED, SETTINGS, TokenizerConfig, place_of, settable
from reprise.tokenizers.engine import Engine, open_engine
from reprise.tokenizers.named import SpecialToken, SpecialTokenId
from reprise.tokenizers.spec import TokenizerSpec

_EXTRA = ("extra_special_tokens", "additional_special_tokens")


class Vocabulary:
    """Tokens and their ids, over a spec that is replaced, never changed."""

    bos_token, bos_token_id = SpecialToken(), SpecialTokenId()
    eos_token, eos_token_id = SpecialToken(), SpecialTokenId()
    unk_token, unk_token_id = SpecialToken(), SpecialTokenId()
    sep_token, sep_token_id = SpecialToken(), SpecialTokenId()
    pad_token, pad_token_id = SpecialToken(), SpecialTokenId()
    cls_token, cls_token_id = SpecialToken(), SpecialTokenId()
    mask_token, mask_token_id = SpecialToken(), SpecialTokenId()

    def __init__(
        self, spec: TokenizerSpec, config: TokenizerConfig | None = None, *, engine: str = "auto"
    ) -> None:
        self._lock = threading.Lock()
        self._engine_name = engine
        self._engine: Engine | None = None
        self._spec = spec
        self._config = config or TokenizerConfig()

    @property
    def spec(self) -> TokenizerSpec:
        """The tokenizer's data, as it is now."""
        return self._spec

    @property
    def config(self) -> TokenizerConfig:
        """What surrounds the data, as it is now."""
        return self._config

    @property
    def engine(self) -> Engine:
        """The engine that runs the tokenizer; made on first use."""
        with self._lock:
            if self._engine is None:
                self._engine = open_engine(self._spec, self._engine_name)
            return self._engine

    def fingerprint(self) -> str:
        """Return the fingerprint of the data, see `TokenizerSpec.fingerprint`."""
        return self._spec.fingerprint()

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            config = self._config
            if name in SETTINGS:
                return getattr(config, name)
            stem = name.removesuffix("_id")
            if stem in config.specials:
                content = config.specials[stem].content
                return content if stem == name else self.convert_tokens_to_ids(content)
        raise AttributeError(f"A tokenizer has no attribute {name!r}.")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in SETTINGS:
            value = settable(name, value)
            object.__setattr__(self, "_config", replace(self._config, **{name: value}))
        else:
            object.__setattr__(self, name, value)

    def __getstate__(self) -> tuple[TokenizerSpec, TokenizerConfig, str]:
        return self._spec, self._config, self._engine_name

    def __setstate__(self, state: tuple[TokenizerSpec, TokenizerConfig, str]) -> None:
        spec, config, engine = state
        Vocabulary.__init__(self, spec, config, engine=engine)

    def __len__(self) -> int:
        return self.engine.vocab_size

    def __bool__(self) -> bool:
        return True

    @property
    def vocab_size(self) -> int:
        """Tokens of the model, without added ones."""
        return len(self._spec.data["model"]["vocab"])

    @property
    def vocab(self) -> dict[str, int]:
        """All tokens with their ids."""
        return self.get_vocab()

    def get_vocab(self) -> dict[str, int]:
        """Return all tokens, added ones included, with their ids."""
        return dict(self.engine.vocab())

    def get_added_vocab(self) -> dict[str, int]:
        """Return the added tokens with their ids."""
        return {token.content: key for key, token in self.added_tokens_decoder.items()}

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """The added tokens by id."""
        return added_tokens(self._spec)

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """The ids of the added tokens."""
        return self.get_added_vocab()

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """The special tokens that have names."""
        specials = self._config.specials
        return {name: specials[name].content for name in sorted(specials, key=place_of)}

    @property
    def extra_special_tokens(self) -> list[str]:
        """Special tokens without a name."""
        return [token.content for token in self._config.extra_specials]

    @property
    def additional_special_tokens(self) -> list[str]:
        """The older name of `extra_special_tokens`."""
        return self.extra_special_tokens

    @property
    def all_special_tokens(self) -> list[str]:
        """Every special token once, the named ones first."""
        return list(dict.fromkeys([*self.special_tokens_map.values(), *self.extra_special_tokens]))

    @property
    def all_special_ids(self) -> list[int]:
        """Ids of `all_special_tokens`."""
        return list(self.convert_tokens_to_ids(self.all_special_tokens))

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> Any:
        """Return the id of a token, or of each; the id of `unk_token` for unknown ones."""
        if isinstance(tokens, str):
            found = self.engine.token_to_id(tokens)
            unknown = self._config.specials.get("unk_token")
            if found is None and unknown is not None:
                return self.engine.token_to_id(unknown.content)
            return found
        return [self.convert_tokens_to_ids(token) for token in tokens]

    def convert_ids_to_tokens(
        self, ids: int | Sequence[int], *, skip_special_tokens: bool = False
    ) -> Any:
        """Return the token of an id, or of each; None for ids without one."""
        if isinstance(ids, int):
            return self.engine.id_to_token(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else set()
        return [self.engine.id_to_token(int(each)) for each in ids if int(each) not in skipped]

    def special(self, name: str) -> AddedToken | None:
        """Return a named special token."""
        return self._config.specials.get(name)

    def set_special(self, name: str, token: str | AddedToken | None) -> None:
        """Name a token; None takes the name away. The vocabulary stays as it is."""
        if token is not None and not isinstance(token, str | AddedToken):
            raise InvalidInput(f"{name} must be text or an AddedToken.")
        value = None if token is None else read_added(token, special=True)
        self._config = self._config.with_special(name, value)

    def add_tokens(
        self,
        new_tokens: str | AddedToken | Sequence[str | AddedToken],
        *,
        special_tokens: bool = False,
    ) -> int:
        """Add tokens to the vocabulary; return how many were new or changed.

        A model's embeddings must be resized to `len(tokenizer)` afterwards.
        """
        listed = [new_tokens] if isinstance(new_tokens, str | AddedToken) else list(new_tokens)
        spec, count = with_added(self._spec, listed, special=special_tokens)
        self._replace(spec)
        return count

    def add_special_tokens(
        self,
        special_tokens_dict: Mapping[str, Any],
        *,
        replace_extra_special_tokens: bool = True,
    ) -> int:
        """Name special tokens and add them; return how many were new or changed.

        Args:
            special_tokens_dict: `{"pad_token": "[PAD]", "extra_special_tokens": ["<x>"]}`.
            replace_extra_special_tokens: Forget the unnamed special tokens known so far.
        """
        config, tokens = self._config, []
        for name, value in special_tokens_dict.items():
            if name in _EXTRA:
                new = [read_added(token, special=True) for token in value]
                known = {token.content for token in config.extra_specials}
                kept = () if replace_extra_special_tokens and new else config.extra_specials
                fresh = [token for token in new if not kept or token.content not in known]
                config = replace(config, extra_specials=(*kept, *fresh))
                tokens += fresh
            elif name in NAMED or name in config.specials:
                token = read_added(value, special=True)
                config = config.with_special(name, token)
                tokens.append(token)
            else:
                raise InvalidInput(
                    f"{name} is no special token; use {', '.join(NAMED)} or extra_special_tokens."
                )
        spec, count = with_added(self._spec, tokens, special=True)
        self._config = config
        self._replace(spec)
        return count

    def num_special_tokens_to_add(self, *, pair: bool = False) -> int:
        """Return how many tokens the template adds to a text, or to a pair."""
        return self.engine.special_count(pair=pair)

    def get_special_tokens_mask(
        self, token_ids: Iterable[int], *, already_has_special_tokens: bool = True
    ) -> list[int]:
        """Return 1 for each special id.

        Raises:
            InvalidInput: Ids without their special tokens; ask the call for the mask instead.
        """
        if not already_has_special_tokens:
            raise InvalidInput("Pass return_special_tokens_mask=True to the tokenizer's call.")
        special = set(self.all_special_ids)
        return [int(int(each) in special) for each in token_ids]

    def _replace(self, spec: TokenizerSpec) -> None:
        with self._lock:
            if spec is not self._spec:
                self._spec = spec
                self._engine = None
