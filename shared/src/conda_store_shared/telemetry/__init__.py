"""What a process tells of itself: figures for Prometheus."""
