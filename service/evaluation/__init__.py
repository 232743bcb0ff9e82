"""How well a model does on labelled clips: data, figures, and what can be fitted on them."""
