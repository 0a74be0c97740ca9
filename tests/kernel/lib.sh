# Scenarios for shell tests: sourced by every suite, in the guest and on the host.
#
# A suite is a list of functions and one `scenario NAME FUNCTION` line for each, then `finish`. A
# scenario runs in a shell of its own under `set -eu`, in an empty directory, so that the first
# command that fails fails the scenario; its output is shown only then.

passed=0
failed=0
workdir=$(mktemp -d "${TMPDIR:-/tmp}/cvm-suite.XXXXXX")
trap 'cd /; rm -rf "$workdir"' EXIT
# No suite reads or writes this machine's own LVM configuration, archives and backups.
export LVM_SYSTEM_DIR=$workdir/lvm
export LC_ALL=C
export LVM_SUPPRESS_FD_WARNINGS=1
mkdir -p "$LVM_SYSTEM_DIR"
printf 'devices { use_devicesfile = 0 }\nglobal { use_aio = 0 }\n' >"$LVM_SYSTEM_DIR/lvm.conf"

scenario() {
  local name=$1 log=$workdir/log status
  shift
  mkdir "$workdir/room"
  set +e
  (
    set -eu
    cd "$workdir/room"
    "$@"
  ) >"$log" 2>&1
  status=$?
  set -e
  if declare -F cleanup_scenario >/dev/null; then cleanup_scenario >>"$log" 2>&1 || status=99; fi
  rm -rf "$workdir/room"
  if [ "$status" = 0 ]; then
    passed=$((passed + 1))
    echo "PASS $name"
  else
    failed=$((failed + 1))
    echo "FAIL $name (status $status)"
    sed 's/^/    /' "$log"
  fi
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# Ends the scenario and says why.
broken() {
  echo "broken: $*" >&2
  exit 1
}

# expect STATUS COMMAND...: the command ends with this exit status; its output is left in
# $workdir/stdout and $workdir/stderr, and shown.
expect() {
  local wanted=$1 status=0
  shift
  "$@" >"$workdir/stdout" 2>"$workdir/stderr" || status=$?
  cat "$workdir/stdout" "$workdir/stderr"
  [ "$status" = "$wanted" ] || broken "status $status instead of $wanted: $*"
}

# says TEXT: the last expect printed this on stderr. A failure that says nothing is no good.
says() {
  grep -qF -- "$1" "$workdir/stderr" || broken "no word of '$1' on stderr"
}

same() {
  [ "$1" = "$2" ] || broken "'$1' is not '$2'"
}
