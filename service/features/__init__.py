"""What pipelines see in a medium, as files to train the next model on."""
