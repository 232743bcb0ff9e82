"""How well a model does on labeled clips: data, figures, and what can be fitted on them."""
