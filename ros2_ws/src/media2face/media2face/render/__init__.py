"""Pictures and films of the head: off-screen OpenGL, mp4 writer, film strips."""
