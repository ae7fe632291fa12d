"""Objects on S3 or on disk."""
