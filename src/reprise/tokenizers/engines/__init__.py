"""The engines. Nobody imports them but `reprise.tokenizers.engine`, by name."""
