"""What a run is told: validated models, presets, and layers that know where each value came from."""
