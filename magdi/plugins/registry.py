"""From a name and settings to a protocol, encoder, teacher or task."""
