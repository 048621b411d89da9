"""What the notebooks call: images, splits, models, training, scores and figures of a study."""
