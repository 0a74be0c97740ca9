# For suites on regular files: a group to spoil, and a command that must change nothing.
. "$(dirname "${BASH_SOURCE[0]}")/../kernel/lib.sh"
: "${CVM:?names the program under test}"
kdf=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)

# vg0 on two files of 15 extents each: lin (2), tst (4, encrypted, its store 1).
prepare() {
  truncate -s 64M pv0 pv1
  pvs=$PWD/pv0,$PWD/pv1
  head -c 40 /dev/urandom >key
  head -c 40 /dev/urandom >wrong
  : >empty
  head -c 63 /dev/urandom >short
  head -c 65 /dev/urandom >long
  cvm pvcreate "$PWD/pv0" "$PWD/pv1"
  cvm vgcreate vg0 "$PWD/pv0" "$PWD/pv1"
  cvm cvcreate -an -L 8M -n lin vg0
  cvm cvcreate -an --crypt "${kdf[@]}" -L 16M -n tst --keyfile key vg0
}
# Quiet unless the caller looks: every command gets the devices, and no terminal to ask at.
cvm() { "$CVM" "$1" --devices "$pvs" "${@:2}" </dev/null; }

# bad STATUS WORD COMMAND...: refused with that status, the sentence holds the word, no byte changed.
bad() {
  local status=$1 word=$2 disk
  shift 2
  for disk in pv0 pv1; do cp --sparse=always "$disk" "$disk.before"; done
  expect "$status" cvm "$@"
  test -s "$workdir/stderr" || broken "no word on stderr: $*"
  says "$word"
  for disk in pv0 pv1; do cmp "$disk" "$disk.before"; done
}
