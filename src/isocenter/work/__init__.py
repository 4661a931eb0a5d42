"""What must happen afterwards: sweeps and timers, driven by rows."""
