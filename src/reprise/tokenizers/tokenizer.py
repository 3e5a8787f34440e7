"""The tokenizer that people hold: a spec, what surrounds it, and an engine made on first use."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.calling import CallOptions, encode_options, read_options, read_rows
from reprise.tokenizers.decoding import Decoding
from reprise.tokenizers.engine import TrainConfig
from reprise.tokenizers.options import EncodeOptions, Row, Want

if TYPE_CHECKING:
    from reprise.tokenizers.encoding import Encoding
    from reprise.tokenizers.outputs import BatchEncoding
    from reprise.tokenizers.spec import TokenizerSpec


class Tokenizer(Decoding):
    """Text to ids and back, with the names and the behaviour of transformers' tokenizers.

    Adding tokens makes a new spec and, on next use, a new engine; engines never change. A
    tokenizer may be used from several threads, pickled, and used after a fork.

    Args:
        spec: The tokenizer's data.
        config: What surrounds it.
        engine: Name of the engine, see `reprise.tokenizers.open_engine`.

    Example:
        >>> tokenizer = AutoTokenizer.from_pretrained("./model")  # doctest: +SKIP
        >>> tokenizer(["one", "two words"], padding=True, return_tensors="np")  # doctest: +SKIP
    """

    is_fast = True
    _target: "tuple[TokenizerSpec, Tokenizer] | None" = None

    def __repr__(self) -> str:
        name = self._config.tokenizer_class or self._spec.model_type
        return f"Tokenizer({name}, {self.vocab_size} tokens)"

    def __call__(
        self, text: Any = None, text_pair: Any = None, *, text_target: Any = None, **options: Any
    ) -> "BatchEncoding":
        """Encode text, a pair, a batch of either, or lists of words.

        Args:
            text: Text, a list of texts or pairs; with `is_split_into_words=True` a list of words
                or a list of such lists.
            text_pair: The second text, or as many as there are first ones.
            text_target: What a model shall produce; its ids become `labels`.
            **options: See `reprise.tokenizers.calling.CallOptions`.

        Returns:
            `input_ids`, `attention_mask` and what else the model takes or was asked for.

        Raises:
            InvalidInput: The arguments do not fit each other or the text.
        """
        target_length = options.pop("max_target_length", None)
        call = read_options(options)
        if text is None and text_target is None:
            raise InvalidInput("There is nothing to encode: pass text or text_target.")
        found = None if text is None else self._encode(text, text_pair, call)
        if text_target is None:
            assert found is not None
            return found
        if target_length is not None:
            call = replace(call, max_length=target_length)
        target = self._for_targets()._encode(text_target, None, call)  # noqa: SLF001 - our own
        if found is None:
            return target
        found["labels"] = target["input_ids"]
        return found

    def encode(self, text: Any, text_pair: Any = None, **options: Any) -> Any:
        """Return only the ids; arguments as for a call."""
        return self(text, text_pair, **options)["input_ids"]

    def tokenize(
        self,
        text: str,
        pair: str | None = None,
        *,
        add_special_tokens: bool = False,
        **options: Any,
    ) -> list[str]:
        """Return the tokens as text; front ends also show pieces that have no id."""
        if self._spec.frontend is not None and not add_special_tokens:
            return [piece for row in self._prepared([text, pair or ""]) for piece in row]  # type: ignore[misc]  # lists of words
        options["add_special_tokens"] = add_special_tokens
        return self(text, pair, **options).tokens()

    def count(self, texts: Sequence[Any], **options: Any) -> list[int]:
        """Count the tokens of each text; arguments as for a call. Cheaper than encoding."""
        call = read_options(options)
        rows, _ = read_rows(list(texts), None, is_split=call.is_split_into_words)
        counts: list[int] = self.engine.count(self._prepared(rows), self._options(call)).tolist()
        return counts

    def pad(self, encoded_inputs: Any, **options: Any) -> "BatchEncoding":
        """Bring encoded rows to one length, see `reprise.tokenizers.padding.pad`."""
        from reprise.tokenizers.padding import pad

        return pad(self._config, self.pad_token_id, encoded_inputs, options)

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any:
        """Render a conversation and encode it, see `reprise.tokenizers.chat.apply`."""
        from reprise.tokenizers.chat import apply

        names = self.special_tokens_map
        return apply(self, self._config.chat_template, names, conversation, options)

    def get_chat_template(
        self, chat_template: str | None = None, tools: Sequence[Any] | None = None
    ) -> str:
        """Return the template that a conversation would be rendered with."""
        from reprise.tokenizers.chat import choose

        return choose(self._config.chat_template, chat_template, tools)

    def train_new_from_iterator(
        self, texts: Iterable[Any], vocab_size: int, **options: Any
    ) -> "Tokenizer":
        """Return a tokenizer like this one with a vocabulary learned from texts.

        Args:
            texts: Texts, or batches of texts.
            vocab_size: Tokens to end with.
            **options: Fields of `TrainConfig`.
        """
        from reprise.tokenizers.training import train_like

        training = TrainConfig(vocab_size=vocab_size, **options)
        spec, config = train_like(self._spec, self._config, texts, training)
        return Tokenizer(spec, config, engine=self._engine_name)

    @classmethod
    def train_new(
        cls,
        kind: str,
        texts: Iterable[Any],
        *,
        vocab_size: int,
        specials: Mapping[str, str] | None = None,
        **options: Any,
    ) -> "Tokenizer":
        """Return a tokenizer learned from texts alone.

        Args:
            kind: "BPE" (over bytes), "WordPiece" (as BERT), "Unigram" or "WordLevel".
            texts: Texts, or batches of texts.
            vocab_size: Tokens to end with.
            specials: Names of special tokens: `{"pad_token": "[PAD]"}`.
            **options: Fields of `TrainConfig`.
        """
        from reprise.tokenizers.training import train_new

        training = TrainConfig(vocab_size=vocab_size, **options)
        spec, config = train_new(kind, texts, training, specials=specials or {})
        return cls(spec, config)

    def save_pretrained(self, save_directory: str | PathLike[str], **options: Any) -> list[Path]:
        """Write the tokenizer to a folder, see `reprise.tokenizers.saving.save`."""
        from reprise.tokenizers.saving import save

        return save(self._spec, self._config, Path(save_directory), **options)

    @classmethod
    def from_pretrained(cls, name_or_path: str | PathLike[str], **options: Any) -> "Tokenizer":
        """Load a tokenizer, see `AutoTokenizer.from_pretrained`."""
        from reprise.tokenizers.loading import load_parts

        engine = options.pop("engine", "auto")
        spec, config = load_parts(name_or_path, **options)
        return cls(spec, config, engine=engine)

    @property
    def src_lang(self) -> str | None:
        """The language of texts, for translation models that are told it: `en_XX`."""
        return self._config.rest.get("src_lang")

    @src_lang.setter
    def src_lang(self, code: str) -> None:
        from reprise.tokenizers.languages import with_language

        self._replace(with_language(self._spec, self._config, code))
        self._config = replace(self._config, rest={**self._config.rest, "src_lang": code})

    @property
    def tgt_lang(self) -> str | None:
        """The language to translate into; `text_target` is marked with it."""
        return self._config.rest.get("tgt_lang")

    @tgt_lang.setter
    def tgt_lang(self, code: str) -> None:
        from reprise.tokenizers.languages import with_language

        with_language(self._spec, self._config, code)
        self._config = replace(self._config, rest={**self._config.rest, "tgt_lang": code})

    def set_prefix_tokens(
        self,
        language: str | None = None,
        task: str | None = None,
        *,
        predict_timestamps: bool = False,
    ) -> None:
        """Choose what Whisper is told to write: `set_prefix_tokens("en", "transcribe")`."""
        from reprise.tokenizers.languages import with_speech_prefix

        self._replace(
            with_speech_prefix(
                self._spec, language=language, task=task, timestamps=predict_timestamps
            )
        )

    def _for_targets(self) -> "Tokenizer":
        from reprise.tokenizers.languages import target_spec

        spec = target_spec(self._spec, self._config)
        if spec is self._spec:
            return self
        known = self._target
        if known is None or known[0] is not self._spec or known[1].config is not self._config:
            known = (self._spec, Tokenizer(spec, self._config, engine=self._engine_name))
            self._target = known
        return known[1]

    def _options(self, call: CallOptions) -> EncodeOptions:
        return encode_options(call, self._config, self.pad_token_id if call.padding else None)

    def _encode(self, text: Any, pair: Any, call: CallOptions) -> "BatchEncoding":
        from reprise.tokenizers.outputs import BatchEncoding, columns, unbatched

        rows, batched = read_rows(text, pair, is_split=call.is_split_into_words)
        rows, options = self._prepared(rows, call), self._options(call)
        batch = self.engine.encode(rows, options)
        data = columns(batch, call, self._config)
        if not batched and call.return_tensors is None and not call.return_overflowing_tokens:
            data = unbatched(data)
        return BatchEncoding(data, self._details(rows, options))

    def _details(self, rows: list[Row], options: EncodeOptions) -> Callable[[], list["Encoding"]]:
        """Return what computes every column of the rows, for whoever asks for it later."""
        engine, pad_token = self.engine, self.pad_token or ""

        def encodings() -> list["Encoding"]:
            from reprise.tokenizers.batch import with_padding

            batch = engine.encode(rows, replace(options, want=Want.ALL))
            if options.padding is not None:
                batch = with_padding(batch, pad_token)
            return [batch.row(index) for index in range(len(batch))]

        return encodings

    def _prepared(self, rows: list[Row], call: CallOptions | None = None) -> list[Row]:
        if self._spec.frontend is None:
            return rows
        from reprise.tokenizers.frontends import prepare

        return prepare(self._spec, rows, offsets=call is not None and call.return_offsets_mapping)
