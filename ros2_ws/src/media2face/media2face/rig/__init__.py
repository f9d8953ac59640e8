"""From a face to the motors of a robot's head: map, limits, check and fit. Free of ROS."""
