"""Code shared by several methods: contrastive losses, masked patches, gradients of several losses."""
