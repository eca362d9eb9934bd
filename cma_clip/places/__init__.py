"""Where files lie: a folder of this machine, one that several machines share, or an object store behind a URL."""
