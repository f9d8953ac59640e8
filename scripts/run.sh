#!/usr/bin/env bash
# Runs a command with the workspace's packages on its paths: scripts/run.sh python -m pytest
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[[ -e "$STAMPS/build" ]] || die "the workspace is not built yet: make setup"
use_workspace
exec "$@"
