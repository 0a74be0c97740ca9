# What the suites in the guest share: the program and its links on the PATH, a clean world for each
# scenario, and readers that do not trust the program under test (stock LVM2, dd, cryptsetup).

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

: "${CVM:?names the program under test}"
PATH=$(dirname "$CVM"):$PATH # its links lie beside it

# The cheapest key derivation there is: the suites test what is derived, not what it costs.
kdf=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)

# After each scenario: nothing runs, nothing mounted, no device, no key, empty disks.
cleanup_scenario() {
  local mountpoint disk
  end_started
  for mountpoint in $(awk -v dir="$workdir/" 'index($2, dir) == 1 { print $2 }' /proc/mounts); do
    umount "$mountpoint"
  done
  dmsetup remove_all --force >/dev/null
  rm -rf /dev/vg[0-9]* # no udevd takes these links away
  losetup -D
  keyctl clear @u
  for disk in /dev/ubd[a-h]; do
    [ ! -b "$disk" ] || blkdiscard -f -z "$disk"
  done
}

# started PID: runs in the background, and is ended where the scenario breaks before it does so itself.
started() { echo "$1" >>"$workdir/started"; }
end_started() {
  local pid
  [ -e "$workdir/started" ] || return 0
  while read -r pid; do
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  done <"$workdir/started"
  rm "$workdir/started"
}

# start_load [BYTES]: somebody writes so many to there/load and reads them back, all the time.
start_load() {
  rm -f stop load.*
  (
    n=0
    while [ ! -e stop ]; do
      n=$((n + 1))
      head -c "${1:-200000}" /dev/urandom >there/load
      sha256sum there/load >load.sum
      sync there/load
      echo 1 >/proc/sys/vm/drop_caches
      sha256sum --status -c load.sum || { echo "round $n" >load.broken; exit 1; }
      echo "$n" >load.rounds
      sleep 0.1 # else the guest does nothing but this
    done
  ) &
  started $!
  until [ -e load.rounds ]; do sleep 0.02; done
}
# A round that began behind the last change has ended.
stop_load() {
  local rounds
  rounds=$(cat load.rounds)
  while [ "$(cat load.rounds)" -le "$((rounds + 1))" ] && [ ! -e load.broken ]; do sleep 0.05; done
  touch stop
  wait
  test ! -e load.broken
}

new_key() { head -c "${2:-48}" /dev/urandom >"$1"; }

# A tree with a text that can be looked for on the disk below.
plaintext="the quick brown fox knows no key"
make_tree() {
  local i
  mkdir "$1/folder"
  for i in 1 2 3 4 5; do
    yes "$plaintext $i" | head -n 5000 >"$1/folder/file$i"
  done
  head -c 300000 /dev/urandom >"$1/noise"
  sync
}
tree_digest() { (cd "$1" && find folder noise -type f | sort | xargs sha256sum | sha256sum); }

# Mounts a volume, runs a command with the mount point, unmounts.
on_mounted() {
  local device=$1
  shift
  mkdir -p mnt
  mount "$device" mnt
  "$@" mnt
  umount mnt
}
make_filesystem() {
  mkfs.ext4 -q "$1"
  on_mounted "$1" make_tree
}

# As it is on the disk now, read by stock LVM2.
seqno() { vgs --noheadings -o seqno "$1" | tr -d ' '; }
stock_text() { vgcfgbackup -f "${2:-text}" "$1" >/dev/null; }
# value LV KEY FILE: the first KEY = VALUE of an LV in a metadata text.
value() {
  awk -v lv="$1" -v key="$2" '
    $1 == lv && $2 == "{" { inside = 1 }
    { sub(/ *= */, " = ") } # stock LVM2 sets no blanks around the = of keys that it does not know
    inside && $1 == key { print $3; exit }' "$3" | tr -d '"'
}
# pieces VG LV: one line "DEVICE FIRST_SECTOR SECTORS" for each piece of a linear LV.
pieces() {
  local extent range device first last
  extent=$(vgs --noheadings --nosuffix --units s -o vg_extent_size "$1" | tr -d ' ')
  for range in $(lvs -a --noheadings -o seg_pe_ranges "$1/$2"); do
    device=${range%:*} first=${range##*:} last=${first#*-} first=${first%-*}
    echo "$device $((first * extent + $(pvs --noheadings --nosuffix --units s -o pe_start "$device")))" \
      "$(((last - first + 1) * extent))"
  done
}
# raw VG LV: the LV's bytes as they lie on the PVs.
raw() {
  pieces "$1" "$2" | while read -r device first count; do
    dd if="$device" bs=64K iflag=skip_bytes,count_bytes skip=$((first * 512)) count=$((count * 512)) status=none
  done
}
# on_no_pv TEXT DISK...
on_no_pv() {
  local text=$1
  shift
  if grep -qaF -- "$text" "$@"; then broken "'$text' is on a disk in the clear"; fi
}
no_device() { if dmsetup info "$1" >/dev/null 2>&1; then broken "there is a device $1"; fi; }
device() { dmsetup info "$1" >/dev/null; }
