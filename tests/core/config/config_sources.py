"""A configuration from its sources, without components."""

from magdi.core.config.load import Loaded, merge, validated


def load_config(*sources, check=None, **named) -> Loaded:
    return validated(merge(*sources, **named), check)
