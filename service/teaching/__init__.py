"""Teaching: a few examples of each sign become a model like any other; pure but for the store of examples."""
