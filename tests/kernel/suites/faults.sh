#!/bin/bash
# Disks that fail below every command, requests that the kernel refuses, signals, and too little memory: each
# ends with words, loses nothing and leaves no device suspended; the next command on a healthy disk finishes
# it or clears it away.
#
# Each command meets one kind of failing disk, each time another one; FAULTS_ALL=1 tries them with all.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"
modprobe dm-flakey

seed=${CVM_SEED:-$RANDOM}
RANDOM=$seed
echo "CVM_SEED=$seed"

# PVs whose tables the test changes. They begin behind the first MiB of the disks, so that nobody takes the
# disks themselves for the PVs.
#
# disk NAME KIND: what it is like from now on.
disk() {
  local name=$1 below=/dev/ubda sectors table
  [ "$name" != pv1 ] || below=/dev/ubdb
  sectors=$(($(blockdev --getsz $below) - 2048))
  case $2 in
    healthy) table="linear $below 2048" ;;
    dead) table=error ;;
    read_only) table="flakey $below 2048 0 1 1 error_writes" ;;
    forgetful) table="flakey $below 2048 0 1 1 drop_writes" ;;
    at_times) table="flakey $below 2048 1 1" ;;
  esac
  if dmsetup info "$name" >/dev/null 2>&1; then
    dmsetup load "$name" --table "0 $sectors $table"
    dmsetup resume "$name"
  else
    dmsetup create "$name" --table "0 $sectors $table"
  fi
}

prepare() {
  disk pv0 healthy
  disk pv1 healthy
  new_key key
  new_key second
  cvm pvcreate /dev/mapper/pv0 /dev/mapper/pv1
  cvm vgcreate vg0 /dev/mapper/pv0 /dev/mapper/pv1
  expect 0 cvcreate --crypt "${kdf[@]}" -L 16M -n tst --keyfile key vg0 /dev/mapper/pv0
  expect 0 cvcreate -i 2 -L 16M -n plain vg0
  head -c 4M /dev/urandom >data
  dd if=data of=/dev/vg0/tst bs=1M oflag=direct conv=notrunc status=none
  dd if=data of=/dev/vg0/plain bs=1M oflag=direct conv=notrunc status=none
}

suspended() { dmsetup info -c --noheadings -o name,suspended | grep -v '^pv' | grep Suspended || true; }
drift() { cvs --noheadings -o drift "$@" | xargs; }
size() { cvs --noheadings --nosuffix --units m -o lv_size "vg0/$1" | xargs; }
# holds_data LV: what was written to it is there.
holds_data() {
  dd if="/dev/vg0/$1" bs=1M count=4 iflag=direct status=none | cmp - data || broken "the data of $1 is not there"
}

# ends_clearly COMMAND...: it is done, or says why not; nothing of it stands still.
ends_clearly() {
  local status=0
  "$@" >"$workdir/stdout" 2>"$workdir/stderr" || status=$?
  cat "$workdir/stdout" "$workdir/stderr"
  case $status in
    0) ;;
    2 | 5) grep -qv '^  WARNING' "$workdir/stderr" || broken "not a word why: $*" ;;
    *) broken "status $status: $*" ;;
  esac
  ! grep -q 'internal error\|please report' "$workdir/stderr" || broken "an error that nobody thought of: $*"
  same "$(suspended)" ""
}

# What is tried: how to do it, what tells that it is done, and how to take it back.
create() { cvcreate -L 8M -n new vg0 /dev/mapper/pv0; }
create_done() { cvs vg0/new; }
create_back() { cvremove -y vg0/new; }
encrypt() { cvcreate --crypt "${kdf[@]}" -L 8M -n new --keyfile key vg0 /dev/mapper/pv0; }
encrypt_done() { cvs vg0/new; }
encrypt_back() { cvremove -y vg0/new; }
open() { cvchange -ay --keyfile key vg0; }
open_before() { cvchange -an vg0; }
open_done() { [ -b /dev/vg0/tst ] && [ -b /dev/vg0/plain ]; }
open_back() { :; }
close() { cvchange -an vg0; }
close_done() { [ ! -b /dev/vg0/tst ] && [ ! -b /dev/vg0/plain ]; }
close_back() { cvchange -ay --keyfile key vg0; }
extend() { cvextend -L 24M --keyfile key vg0/tst /dev/mapper/pv0; }
extend_done() { [ "$(size tst)" = 24.00 ]; }
extend_back() { cvreduce -y -L 16M vg0/tst; }
reduce() { cvreduce -y -L 8M vg0/plain; }
reduce_done() { [ "$(size plain)" = 8.00 ]; }
reduce_back() { cvextend -i 2 -L 16M vg0/plain; }
rename() { cvrename vg0 tst other; }
rename_done() { cvs vg0/other; }
rename_back() { cvrename vg0 other tst; }
refresh() { cvchange --refresh vg0; }
refresh_before() { dmsetup suspend vg0-tst; }
refresh_done() { [ -z "$(suspended)" ]; }
refresh_back() { :; }
remove() { cvremove -y vg0/extra; }
remove_before() { cvcreate -L 8M -n extra vg0 /dev/mapper/pv0; }
remove_done() { ! cvs vg0/extra; }
remove_back() { :; }
add_key() { cvm cvkey add "${kdf[@]}" --keyfile key --new-keyfile second vg0/cryptostore1; }
add_key_done() { cvm cvkey test --keyfile second vg0/cryptostore1; }
add_key_back() { cvm cvkey remove --keyfile second vg0/cryptostore1; }

import() { cvconvert --import-luks --keyfile key vg0/luks; }
import_before() {
  cvcreate -L 24M -n luks vg0 /dev/mapper/pv0
  cryptsetup luksFormat -q "${kdf[@]}" --type luks1 --key-file key /dev/vg0/luks
  cvchange -an vg0/luks
}
import_done() { cvs --noheadings -o crypt_attr vg0/luks | grep -q c; }
import_back() { cvchange -an vg0/luks; cvremove -y vg0/luks; }

# tried COMMAND KIND: on a disk of that kind, then again on a healthy one.
tried() {
  local deed=$1 kind=$2
  echo "== $deed on a disk that is $kind"
  ! declare -F "${deed}_before" >/dev/null || expect 0 "${deed}_before"
  disk pv0 "$kind"
  ends_clearly "$deed"
  disk pv0 healthy
  if [ "$deed" != close ] || ! close_done; then
    # The next command finishes it or clears it away.
    expect 0 cvchange -ay --keyfile key vg0
    if [ "$deed" = rename ]; then
      ! rename_done >out 2>&1 || expect 0 rename_back
    fi
    holds_data tst
    holds_data plain
  fi
  if ! "${deed}_done" >out 2>&1; then
    expect 0 "$deed"
    "${deed}_done" || broken "$deed is not done"
  fi
  expect 0 "${deed}_back"
}

every_command_on_a_failing_disk() {
  local kinds=(read_only dead forgetful at_times) deed kind turn=$RANDOM
  prepare
  for deed in create encrypt open close extend reduce rename refresh remove add_key import; do
    turn=$((turn + 1))
    for kind in "${kinds[@]}"; do
      [ -n "${FAULTS_ALL-}" ] || kind=${kinds[turn % 4]}
      tried "$deed" "$kind"
      [ -n "${FAULTS_ALL-}" ] || break
    done
  done
  same "$(suspended)$(drift vg0)" ""
  expect 0 cvm cvck --repair -y vg0
  expect 0 cvm cvck vg0
  holds_data tst
  holds_data plain
}

pulled_while_active() {
  prepare
  table=$(dmsetup table vg0-tst)
  exec 7</dev/vg0/tst
  disk pv0 dead
  rm /dev/mapper/pv0
  expect 0 cvs -a -o +devices,crypt_attr vg0
  grep -q unknown "$workdir/stdout"
  expect 5 cvchange --refresh vg0
  says "/dev/mapper/pv0"
  same "$(dmsetup table vg0-tst)" "$table"
  same "$(suspended)" ""
  expect 5 cvextend -L +4M --keyfile key vg0/tst
  # Nobody waits for what can't be mended now.
  dmsetup suspend vg0-plain
  dmsetup suspend vg0-tst
  expect 5 cvchange --refresh vg0
  says "vg0-tst was suspended"
  same "$(suspended)$(dmsetup table vg0-tst)" "$table"
  expect 5 cvchange -an vg0/tst
  says "open in"
  exec 7<&-
  expect 0 cvchange -an vg0
  no_device vg0-tst
  no_device vg0-plain
  # Back in the same place.
  dmsetup mknodes pv0
  disk pv0 healthy
  expect 0 cvchange -ay --keyfile key vg0
  holds_data tst
  holds_data plain

  # Back under another number, while the volumes are open.
  exec 7</dev/vg0/tst
  disk pv0 dead
  rm /dev/mapper/pv0
  disk pv9 healthy
  same "$(drift vg0/tst) $(drift vg0/plain)" "table table"
  expect 0 cvchange --refresh --keyfile key vg0
  same "$(drift vg0)" ""
  holds_data tst
  holds_data plain
  exec 7<&-
  dmsetup remove pv0 # nothing leads there any more
  expect 0 cvchange -an vg0
}

# refused N[+] COMMAND...: its N-th request to the kernel, or all from the N-th on, fail.
refused() {
  local n=$1
  shift
  strace -qq -o /dev/null -e trace=ioctl -e "inject=ioctl:error=EIO:when=$n" "$@"
}
# One request in some, each run with others.
turns() { seq $((1 + RANDOM % $1)) "$1" "$2"; }

requests_that_are_refused() {
  local n more requests failed=0
  prepare
  strace -qq -o requests -e trace=ioctl cvextend -L 24M --keyfile key vg0/plain
  requests=$(wc -l <requests)
  expect 0 cvreduce -y -L 16M vg0/plain
  for more in '' +; do
    for n in $(turns $((requests / 5 + 1)) "$requests"); do
      status=0
      refused "$n$more" cvextend -L 24M --keyfile key vg0/plain >out 2>&1 || status=$?
      [ "$status" -lt 128 ] || broken "status $status: $(cat out)"
      [ "$status" = 0 ] || failed=$((failed + 1))
      for name in $(suspended | cut -d: -f1); do
        [ -n "$more" ] || broken "$name is suspended: $(cat out)"
        grep -q "$name is suspended and can't be resumed" out || broken "no word about $name: $(cat out)"
      done
      expect 0 cvchange --refresh --keyfile key vg0
      same "$(suspended)$(drift vg0)" ""
      holds_data plain
      same "$(($(blockdev --getsize64 /dev/vg0/plain) >> 20)).00" "$(size plain)"
      [ "$(size plain)" = 16.00 ] || expect 0 cvreduce -y -L 16M vg0/plain
    done
  done
  # One that is refused may do no harm; when all are from the first fifth on, nothing can be done.
  [ "$failed" -gt 0 ] || broken "none of $requests requests was missed"
  for n in $(turns 15 40); do
    dmsetup suspend vg0-tst
    refused "$n" cvchange -an vg0/tst >out 2>&1 || true
    expect 0 cvchange -ay --keyfile key vg0
    same "$(suspended)$(drift vg0)" ""
  done
  holds_data tst
}

without_its_key() {
  prepare
  # As `cryptsetup luksSuspend` leaves a device: it can't be resumed until it gets a table with a key.
  dmsetup suspend vg0-tst
  dmsetup message vg0-tst 0 key wipe
  expect 5 cvchange --refresh vg0
  says "vg0-tst could be resumed with none of its tables"
  says "cvchange --refresh vg0"
  same "$(suspended)" ""
  dmsetup table vg0-tst | grep -q error
  if dd if=/dev/vg0/tst of=out bs=4096 count=1 iflag=direct 2>/dev/null; then broken "it was read"; fi
  same "$(drift vg0/tst)" table
  exec 7</dev/vg0/tst
  expect 0 cvchange --refresh --keyfile key vg0
  same "$(drift vg0/tst)" ""
  holds_data tst
  exec 7<&-
  # Somebody waits for it while it is closed.
  dmsetup suspend vg0-tst
  dmsetup message vg0-tst 0 key wipe
  dd if=/dev/vg0/tst of=out bs=4096 count=1 iflag=direct 2>/dev/null &
  expect 0 cvchange -an vg0
  wait $! && broken "it was read"
  same "$(dmsetup ls | grep -v '^pv')" ""
  expect 0 cvchange -ay --keyfile key vg0
  holds_data tst
}

signals_at_any_moment() {
  local n signal
  prepare
  for n in $(turns 20 70); do
    for signal in TERM INT; do
      strace -qq -o /dev/null -e trace=ioctl,pwrite64,fdatasync,flock \
        -e "inject=ioctl,pwrite64,fdatasync,flock:signal=$signal:when=$n" \
        cvextend -L 24M --keyfile key vg0/plain >out 2>&1 || true
      same "$(suspended)" ""
      expect 0 cvchange --refresh --keyfile key vg0
      same "$(drift vg0)" ""
      [ "$(size plain)" = 16.00 ] || expect 0 cvreduce -y -L 16M vg0/plain
    done
    strace -qq -o /dev/null -e trace=ioctl -e "inject=ioctl:signal=TERM:when=$n" cvchange -an vg0 >out 2>&1 || true
    strace -qq -o /dev/null -e trace=ioctl -e "inject=ioctl:signal=TERM:when=$n" \
      cvchange -ay --keyfile key vg0 >out 2>&1 || true
    same "$(suspended)" ""
    expect 0 cvchange -ay --keyfile key vg0
    same "$(drift vg0)" ""
  done
  expect 0 cvm cvck vg0
  holds_data tst
  holds_data plain
}

little_memory() {
  local room=20000 status done_at=''
  prepare
  while [ -z "$done_at" ]; do
    status=0
    (ulimit -v $room && exec cvextend -L 24M --keyfile key vg0/plain) >out 2>&1 || status=$?
    case $status in
      0) done_at=$room ;;
      1 | 2 | 5 | 127) grep -q . out ;; # 127: the libraries did not fit; 1: not even the shell
      *) broken "status $status with $room KiB: $(cat out)" ;;
    esac
    same "$(suspended)" ""
    room=$((room * 106 / 100))
    [ $room -lt 2000000 ] || broken "it is never enough"
  done
  echo "enough: $done_at KiB"
  expect 0 cvchange --refresh --keyfile key vg0
  same "$(drift vg0)" ""
  holds_data plain
  # Memory that can't be locked is said before anything is suspended, and done without.
  expect 0 setpriv --bounding-set=-ipc_lock prlimit --memlock=65536 cvextend -L 32M --keyfile key vg0/plain
  says "can't be locked"
  same "$(suspended)$(drift vg0)" ""
  # Secrets are warned of where there is somewhere to swap to.
  expect 0 cvchange -an vg0/tst
  cvm cvchange --forget-keys vg0/tst >out 2>&1
  expect 0 cvcreate -L 16M -n swap vg0
  mkswap /dev/vg0/swap >out
  swapon /dev/vg0/swap
  status=0
  setpriv --bounding-set=-ipc_lock prlimit --memlock=0 \
    cvchange -ay --keyfile key vg0/tst >out 2>"$workdir/stderr" || status=$?
  swapoff /dev/vg0/swap
  cat "$workdir/stderr"
  same "$status" 0
  says "may be written to swap space"
}

no_device_behind_a_name() {
  prepare
  mknod /dev/lost b 254 999
  expect 5 cvm pvcreate /dev/lost
  rm /dev/lost
  says /dev/lost
  rm /dev/mapper/control
  expect 0 cvchange -an vg0
  expect 0 cvchange -ay --keyfile key vg0
  holds_data tst
}

scenario "every command on a disk that fails" every_command_on_a_failing_disk
scenario "a disk is pulled while volumes are active, and comes back" pulled_while_active
scenario "requests that the kernel refuses" requests_that_are_refused
scenario "a suspended device whose key has gone" without_its_key
scenario "a signal at any moment" signals_at_any_moment
scenario "little memory, and none that can be locked" little_memory
scenario "no device behind a name" no_device_behind_a_name
finish
