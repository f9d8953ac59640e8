"""ROS 2 nodes of the talking face; the only package here that imports rclpy."""
