#!/bin/bash
# Devices that a killed command, or a person with dmsetup, left in any state: the next command mends them.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

prepare() {
  new_key key
  cvm pvcreate /dev/ubda /dev/ubdb
  cvm vgcreate vg0 /dev/ubda /dev/ubdb
  expect 0 cvcreate --crypt "${kdf[@]}" -L 16M -n tst --keyfile key vg0
  expect 0 cvcreate --keystore cryptostore1 -i 2 -L 16M -n wide vg0
  expect 0 cvcreate -L 8M -n plain vg0
}

# What dmsetup shows of our devices, but for numbers.
devices() {
  dmsetup info -c --noheadings -o name,uuid,suspended,readonly,tables_loaded | sort
  dmsetup table | sort | sed 's/[0-9]*:[0-9]* /N /g'
  find /dev/mapper -type b | sort
  [ ! -d /dev/vg0 ] || find /dev/vg0 -type l | sort
}
uuid_of() { dmsetup info -c --noheadings -o uuid "vg0-$1"; }
drift() { cvs --noheadings -o drift "vg0/$1" | xargs; }
attr() { cvs --noheadings -o crypt_attr "vg0/$1" | xargs; }

states_made_by_hand() {
  prepare
  devices >wanted
  same "$(attr tst)" c----
  same "$(drift tst)$(drift wide)$(drift plain)" ""

  # A table that waits.
  dmsetup table vg0-plain | sed 's/^0 16384/0 8192/' | dmsetup load vg0-plain
  same "$(drift plain)" "table waiting"
  expect 0 cvchange --refresh vg0/plain
  devices | cmp - wanted

  # Suspended, with and without a table that waits.
  dmsetup suspend vg0-tst
  dmsetup suspend vg0-wide_crdata
  echo "0 8 zero" | dmsetup load vg0-wide_crdata
  same "$(attr tst) $(drift tst)" "c---m suspended"
  same "$(attr wide)" c---m
  expect 0 cvchange --refresh --test vg0
  grep -q "resume vg0-tst, which is suspended" "$workdir/stdout"
  grep -q "drop the table that waits in vg0-wide_crdata" "$workdir/stdout"
  expect 0 cvchange --refresh vg0
  devices | cmp - wanted

  # Another name; and one of ours in the way of another.
  dmsetup rename vg0-plain vg0-other
  same "$(drift plain)" name
  expect 0 cvchange -ay vg0/plain
  devices | cmp - wanted
  expect 0 cvchange -an vg0/plain
  dmsetup rename vg0-tst vg0-plain
  expect 0 cvchange -ay vg0/plain
  expect 0 cvchange --refresh vg0
  devices | cmp - wanted

  # Each has the name of the next, open or not.
  exec 7</dev/mapper/vg0-tst
  dmsetup rename vg0-tst vg0-between
  dmsetup rename vg0-wide vg0-tst
  dmsetup rename vg0-plain vg0-wide
  dmsetup rename vg0-between vg0-plain
  same "$(drift tst)$(drift wide)$(drift plain)" namenamename
  expect 0 cvchange --refresh --test vg0/wide
  grep -q "rename vg0-tst to cvm-renaming-" "$workdir/stdout"
  expect 0 cvchange --refresh vg0/wide
  devices | cmp - wanted
  dmsetup rename vg0-tst vg0-between
  dmsetup rename vg0-plain vg0-tst
  dmsetup rename vg0-between vg0-plain
  expect 0 cvrename vg0/plain other
  expect 0 cvrename vg0/other plain
  exec 7<&-
  devices | cmp - wanted

  # A wrong table, short, read-only.
  dmsetup table vg0-plain | sed 's/^0 16384/0 8192/' | dmsetup reload --readonly vg0-plain
  dmsetup resume vg0-plain
  same "$(drift plain)" table
  expect 0 cvchange --refresh vg0/plain
  devices | cmp - wanted
  echo "0 8 error" | dmsetup reload vg0-tst
  dmsetup resume vg0-tst
  same "$(attr tst)" c---m
  expect 0 cvm vgchange --refresh vg0
  devices | cmp - wanted

  # No device below, no node, no link.
  rm -r /dev/vg0 /dev/mapper/vg0-plain
  same "$(drift plain)" node
  expect 0 cvchange -ay vg0
  devices | cmp - wanted
  expect 0 cvchange --refresh vg0
  same "$(cat "$workdir/stdout" "$workdir/stderr")" ""
}

left_over_when_it_is_closed() {
  prepare
  expect 0 cvchange -an vg0
  same "$(dmsetup ls)" "No devices found"
  devices >nothing
  expect 0 cvchange -ay --keyfile key vg0
  uuid=$(uuid_of plain) wide=$(uuid_of wide_crdata)
  dmsetup suspend vg0-tst
  echo "0 8 zero" | dmsetup load vg0-wide
  dmsetup rename vg0-plain vg0-else
  expect 0 cvchange -an vg0
  devices | cmp - nothing
  # Half created: no table, or a table that was never live.
  dmsetup create vg0-plain --uuid "$uuid" --notable
  dmsetup create vg0-x --uuid "$wide" --notable
  echo "0 8 zero" | dmsetup load vg0-x
  expect 0 cvchange -an vg0
  devices | cmp - nothing
  dmsetup create vg0-x --uuid "$wide" --notable
  dmsetup create vg0-plain --uuid "$uuid" --notable
  echo "0 8 zero" | dmsetup load vg0-plain
  expect 0 cvchange -ay --keyfile key vg0
  same "$(drift tst)$(drift wide)$(drift plain)" ""
  dmsetup info vg0-wide_crdata | grep -q ACTIVE
  # Devices that belong to no volume, one on the other, with nodes and links.
  group=${uuid:0:36}
  dmsetup create vg0-gone --uuid "${group}$(printf '%032d' 1)" --table '0 8 zero'
  dmsetup create vg0-upon --uuid "${group}$(printf '%032d' 2)" --table "0 8 linear /dev/mapper/vg0-gone 0"
  dmsetup create vg0-held --uuid "${group}$(printf '%032d' 3)" --table '0 8 zero'
  exec 7</dev/mapper/vg0-held
  ln -s ../mapper/vg0-gone /dev/vg0/gone
  expect 0 cvchange --refresh --test vg0
  grep -q "remove vg0-upon, which belongs to no volume" "$workdir/stdout"
  expect 0 cvchange -an vg0/plain
  device vg0-gone
  expect 0 cvchange -an vg0
  no_device vg0-gone
  no_device vg0-upon
  device vg0-held
  exec 7<&-
  expect 0 cvchange -an vg0
  devices | cmp - nothing
  # Nodes and links of devices that have gone.
  if [ -n "${DM_DISABLE_UDEV:-}" ]; then
    mkdir /dev/vg0
    mknod /dev/mapper/vg0-plain b 254 99
    ln -s ../mapper/vg0-plain /dev/vg0/plain
    expect 0 cvchange -an vg0
    devices | cmp - nothing
  fi
}

# killed_at N COMMAND...: the command is killed when it has sent the kernel N requests of device-mapper; false
# where it did not send so many.
killed_at() {
  local n=$1 status=0
  shift
  strace -qq -o /dev/null -e trace=ioctl -e "inject=ioctl:signal=KILL:when=$n" "$@" >out 2>&1 || status=$?
  [ "$status" -gt 128 ] || return 1
}

# Behind every eighth request, each run with others.
turns() { seq "$first" 8 200; }
size() { cvs --noheadings --nosuffix --units m -o lv_size "vg0/$1" | xargs; }

killed_anywhere() {
  local n first=$((2 + RANDOM % 8))
  echo "first at request $first"
  prepare
  devices >up
  expect 0 cvchange -an vg0
  devices >down
  for n in $(turns); do
    killed_at "$n" cvchange -ay --keyfile key vg0 || break
    expect 0 cvchange -ay --keyfile key vg0
    devices | cmp - up
    killed_at "$n" cvchange -an vg0 || true
    expect 0 cvchange -an vg0
    devices | cmp - down
  done
  [ "$n" -gt 20 ]
  expect 0 cvchange -ay --keyfile key vg0
  for n in $(turns); do
    killed_at "$n" cvextend -L +4M vg0/wide || break
    expect 0 cvchange --refresh vg0
    same "$(drift wide)" ""
    same "$(($(blockdev --getsize64 /dev/vg0/wide) >> 20)).00" "$(size wide)"
    [ "$(size wide)" = 16.00 ] || expect 0 cvreduce -y -L 16M vg0/wide
    devices | cmp - up
  done
  [ "$n" -gt 5 ]
  expect 0 cvreduce -y -L 16M vg0/wide
  for n in $(turns); do
    killed_at "$n" cvcreate --keystore cryptostore1 -i 2 -L 8M -n new vg0 || break
    cvs vg0/new >out 2>&1 || expect 0 cvcreate --keystore cryptostore1 -i 2 -L 8M -n new vg0
    expect 0 cvchange -ay vg0
    same "$(drift new)" ""
    expect 0 cvremove -y vg0/new
    devices | cmp - up
  done
  [ "$n" -gt 5 ]
}

who_holds_it() {
  prepare
  mkfs.ext4 -q /dev/vg0/plain
  mkdir there
  mount /dev/vg0/plain there
  sleep 100 </dev/vg0/tst &
  holder=$!
  until [ "$(dmsetup info -c --noheadings -o open vg0-tst)" = 1 ]; do :; done
  expect 5 cvchange -an vg0
  says "vg0/plain is mounted on $PWD/there"
  says "vg0/tst is open in sleep ($holder)"
  no_device vg0-wide
  device vg0-tst
  expect 3 cvchange -ay --retry vg0
  # Whoever lets it go in time is waited for.
  (
    exec 9>&-
    while ! grep -q . waiting; do :; done
    kill $holder
    umount there
  ) &
  (echo yes >waiting && expect 0 cvchange -an --retry vg0)
  wait || true
  same "$(dmsetup ls)" "No devices found"
  # Swap, a loop device, another device of ours.
  expect 0 cvchange -ay --keyfile key vg0
  loop=$(losetup -f --show /dev/vg0/tst)
  mkswap /dev/vg0/plain >out 2>&1
  swapon /dev/vg0/plain
  dmsetup create above --table "0 8 linear /dev/vg0/wide 0"
  expect 5 cvchange -an vg0
  says "vg0/tst is used by ${loop#/dev/}"
  says "in use as swap"
  says "vg0/wide is used by above"
  swapoff /dev/vg0/plain
  losetup -d "$loop"
  dmsetup remove above
  expect 0 cvchange -an vg0
}

numbers_and_read_ahead() {
  prepare
  expect 0 cvcreate -L 4M -r 512 -My --minor 200 -n fixed vg0
  same "$(stat -Lc %T /dev/vg0/fixed)" c8
  same "$(blockdev --getra /dev/vg0/fixed)" 512
  same "$(lvs --noheadings -o lv_minor,lv_read_ahead --units s vg0/fixed 2>/dev/null | grep -o '200 .*' | xargs)" "200 512S"
  same "$(cvs --noheadings -o lv_minor,lv_kernel_minor,lv_read_ahead,lv_attr --units s vg0/fixed | xargs)" "200 200 512S -wima-----"
  expect 5 cvcreate -L 4M -My --minor 200 -n other vg0
  says "vg0/fixed has the minor number 200"
  expect 0 cvchange -r 1024 vg0/fixed vg0/tst
  same "$(blockdev --getra /dev/vg0/tst) $(blockdev --getra /dev/vg0/fixed)" "1024 1024"
  expect 0 vgck vg0
  blockdev --setra 64 /dev/vg0/tst
  same "$(drift tst)" read-ahead
  expect 0 cvchange --refresh vg0
  same "$(blockdev --getra /dev/vg0/tst)" 1024
  expect 0 cvchange -r none vg0/tst
  same "$(blockdev --getra /dev/vg0/tst)" 0
  expect 0 cvchange -My --minor 201 vg0/tst
  expect 0 cvchange -an vg0
  dmsetup create taken --minor 201 --major 254 --table '0 8 zero' || dmsetup create taken --minor 201 --table '0 8 zero'
  expect 5 cvchange -ay --keyfile key vg0
  says "minor number 201"
  device vg0-fixed
  dmsetup remove taken
  expect 0 cvchange -ay --keyfile key vg0
  same "$(stat -Lc %T /dev/vg0/tst)" c9
  same "$(blockdev --getra /dev/vg0/tst)" 0
  expect 0 lvchange -ay vg0
  expect 0 cvchange -Mn -r auto vg0/tst
  expect 0 cvchange -an vg0
  expect 0 cvchange -ay --keyfile key vg0/tst
  [ "$(blockdev --getra /dev/vg0/tst)" != 0 ]
}

scenario "states made by hand are reported and mended" states_made_by_hand
scenario "whatever is left over goes when the group is closed" left_over_when_it_is_closed
scenario "a command killed at any request to the kernel" killed_anywhere
scenario "who holds what is busy, and waiting for them" who_holds_it
scenario "persistent numbers and read-ahead" numbers_and_read_ahead
finish
