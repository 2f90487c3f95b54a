"""What is kept on disk: model files, checkpoints and recordings, in one container format."""
