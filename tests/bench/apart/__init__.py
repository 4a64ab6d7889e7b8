"""Worker hosts that share nothing with the portal's host but a network, on one machine."""
