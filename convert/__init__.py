"""The offline converter: a file from somebody's notebook → model_store/NAME/N/, with a measured proof."""
