"""Media2Face as a streaming library, free of ROS."""
