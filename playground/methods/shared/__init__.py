"""What several methods need: contrastive losses, masked patches, gradients of several losses."""
