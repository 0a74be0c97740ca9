#!/bin/bash
# What udev is told of our devices, beside what stock LVM2 tells it of its own; and doing without it.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

group() {
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
}
eval "$(declare -f cleanup_scenario | sed '1s/.*/cleanup_devices()/')"
cleanup_scenario() {
  udevadm control --start-exec-queue
  cleanup_devices
  udevadm settle
}

# What udev knows of a device, but for whose it is and how it came about.
known() {
  udevadm settle
  udevadm info --query=property "/dev/mapper/$1" | grep -E '^(DM_|DEVLINKS|ID_FS|SYSTEMD|\.DM)' |
    grep -vE '^DM_(NAME|UUID|COOKIE|ACTIVATION)=' | sed -E 's/vg[01]/VG/g; s/LVM-[0-9A-Za-z]{64}/UUID/g; s/(DEVLINKS=)(.*)/\2/' |
    tr ' ' '\n' | sed -E 's,/dev/disk/by-id/dm-uuid.*,by-uuid,' | sort
}
same_to_udev() {
  known "$1" >one
  known "$2" >other
  [ -s one ]
  diff one other
}
# What udev is told, event by event, until heard() is called.
listen() {
  udevadm settle
  stdbuf -oL udevadm monitor --udev --property --subsystem-match=block >events &
  monitor=$!
  started $monitor
  until grep -q "UDEV" events; do sleep 0.02; done
}
heard() {
  udevadm settle
  kill "$monitor"
  wait "$monitor" || true
}
# events_of NAME: one line for each event of it.
events_of() {
  awk -v name="$1" 'BEGIN { RS = ""; FS = "\n" }
    index($0 "\n", "DM_NAME=" name "\n") { gsub("\n", " "); print }' events
}
flags() { dmsetup udevflags "$(events_of "$1" | grep -o 'DM_COOKIE=[0-9]*' | cut -d = -f 2 | tail -n 1)"; }

as_stock_tells_it() {
  group
  pvcreate -q /dev/ubdb
  vgcreate -q vg1 /dev/ubdb
  lvcreate -q -y -L 8M -n lv vg1
  lvcreate -q -y --type mirror -m1 --mirrorlog core --alloc anywhere -l 2 -n wide vg1
  expect 0 cvcreate -L 8M -n lv vg0
  new_key key
  expect 0 cvcreate --crypt "${kdf[@]}" -i 1 -L 8M -n tst --keyfile key vg0
  same_to_udev vg0-lv vg1-lv
  sed 's/tst/lv/g' <(known vg0-tst) | diff - <(known vg1-lv)
  # Opened anew, with another name, of another size.
  for vg in 0 1; do
    expect 0 "$([ $vg = 0 ] && echo cvchange || echo lvchange)" -an vg$vg/lv
    expect 0 "$([ $vg = 0 ] && echo cvchange || echo lvchange)" -ay vg$vg/lv
  done
  same_to_udev vg0-lv vg1-lv
  expect 0 cvrename vg0 lv new-name
  lvrename -q vg1 lv new-name
  same_to_udev vg0-new--name vg1-new--name
  expect 0 cvextend -L +4M vg0/new-name
  lvextend -q -L +4M vg1/new-name
  same_to_udev vg0-new--name vg1-new--name
  same "$(readlink -f /dev/vg0/new-name)" "$(readlink -f /dev/mapper/vg0-new--name)"
  expect 0 cvremove -y vg0
  lvremove -q -y vg1
  test ! -e /dev/vg0
  test ! -e /dev/vg1
  same "$(dmsetup udevcookies | wc -l)" "$(dmsetup udevcookies | grep -c 'Cookie\|No')"
}

hidden_parts() {
  disks=(/dev/ubda /dev/ubdb)
  cvm pvcreate "${disks[@]}"
  cvm vgcreate vg0 "${disks[@]}"
  lvcreate -q -y --type mirror -m1 --mirrorlog core -l 2 -n wide vg0
  lvchange -q -an vg0/wide # what is new has a flag that parts keep
  lvchange -q -ay vg0/wide
  known vg0-wide_mimage_0 | sed 's/mimage_0/X/' >stock
  lvremove -q -y vg0/wide
  new_key key
  listen
  expect 0 cvcreate --crypt "${kdf[@]}" -i 2 -L 8M -n wide --keyfile key vg0
  expect 0 cvextend -L +8M vg0/wide
  expect 0 cvrename vg0/wide other
  expect 0 cvrename vg0/other wide
  heard
  known vg0-wide_crdata | sed 's/crdata/X/' | diff stock -
  # Of no event of it did anybody read a byte.
  [ "$(events_of vg0-wide_crdata | wc -l)" -ge 3 ]
  if events_of vg0-wide_crdata | grep -v DM_UDEV_DISABLE_OTHER_RULES_FLAG=1; then broken "an event without flags"; fi
  test ! -e /dev/vg0/wide_crdata
}

nobody_sees_what_was_there_before() {
  group
  lvcreate -q -y -L 120M -n old vg0
  mkfs.btrfs -q /dev/vg0/old
  udevadm settle
  # A RAID member as it was before version 1: at the last 64 KiB but one.
  printf '\xfc\x4e\x2b\xa9\0\0\0\0\x5a\0\0\0\0\0\0\0\0\0\0\0\1\2\3\4\0\0\0\0\1\0\0\0\xe8\3\0\0' |
    dd of=/dev/vg0/old bs=64K seek=$((120 * 16 - 1)) status=none
  same "$(wipefs --noheadings -O TYPE /dev/vg0/old | sort | xargs)" "btrfs linux_raid_member"
  lvchange -q -an vg0/old
  lvremove -q -y vg0/old
  listen
  expect 0 cvcreate -L 120M -n new vg0
  heard
  [ "$(events_of vg0-new | wc -l)" -ge 1 ]
  if events_of vg0-new | grep ID_FS_TYPE; then broken "an old signature was seen"; fi
  same "$(wipefs --noheadings /dev/vg0/new)" ""
  expect 0 cvremove -y vg0/new

  # Encrypted: looked at by nobody until its beginning is zeros.
  new_key key
  listen
  expect 0 cvcreate --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  heard
  cmp -n 4096 /dev/vg0/tst /dev/zero
  events_of vg0-tst | grep ACTION=change >changes
  [ "$(wc -l <changes)" -ge 2 ]
  head -n 1 changes | grep -q "DM_NOSCAN=1"
  tail -n 1 changes | grep -v "DM_NOSCAN=1"
  same "$(dmsetup info -c --noheadings -o suspended vg0-tst)" Active
  known vg0-tst >fresh
  expect 0 cvchange -an vg0
  listen
  expect 0 cvchange -ay --keyfile key vg0
  heard
  known vg0-tst | diff fresh -
  if events_of vg0-tst | grep NOSCAN=1; then broken "not looked at though it is not new"; fi
}

# within SECONDS COMMAND...: it ends by itself.
within() { timeout -k 1 "$@"; }

without_waiting() {
  group
  expect 0 cvcreate -L 8M -n lv vg0
  udevadm control --stop-exec-queue
  expect 0 within 20 cvchange -an --noudevsync vg0
  expect 0 within 20 cvchange --config activation/udev_sync=0 -ay vg0
  same "$(cvs --noheadings -o lv_active vg0/lv | xargs)" active
  test -b /dev/mapper/vg0-lv
  expect 0 within 20 cvextend --noudevsync -L +4M vg0/lv
  expect 0 within 20 cvrename --noudevsync vg0/lv new
  test -b /dev/mapper/vg0-new
  udevadm control --start-exec-queue
  udevadm settle
  test -b /dev/vg0/new
  expect 0 cvchange -an vg0
  test ! -e /dev/vg0/new
  test ! -L /dev/mapper/vg0-new
  test ! -e /dev/mapper/vg0-new
  # Who waits does wait.
  udevadm control --stop-exec-queue
  expect 124 within 3 cvchange -ay vg0
  udevadm control --start-exec-queue
  udevadm settle
  dmsetup udevcomplete_all -y 0 >out 2>&1
  expect 0 cvchange -ay vg0
  test -b /dev/vg0/new
}

nodes_of_our_own() {
  group
  expect 0 cvcreate -an -L 8M -n lv vg0
  expect 0 cvchange --config activation/udev_rules=0 -ay vg0
  udevadm settle
  test ! -L /dev/mapper/vg0-lv
  test -b /dev/mapper/vg0-lv
  same "$(readlink /dev/vg0/lv)" ../mapper/vg0-lv
  known vg0-lv >ours
  lvchange -q -an vg0/lv
  lvchange --config activation/udev_rules=0 -q -ay vg0/lv
  known vg0-lv | grep DM_UDEV >stock
  grep DM_UDEV ours | diff - stock
  # Whoever closes it, nothing stays behind.
  for rules in 0 1; do
    expect 0 cvchange --config activation/udev_rules=$rules -an vg0
    udevadm settle
    test ! -e /dev/vg0
    test ! -e /dev/mapper/vg0-lv
    expect 0 cvchange --config activation/udev_rules=0 -ay vg0
  done
  expect 0 cvrename vg0/lv new
  udevadm settle
  test ! -e /dev/mapper/vg0-lv
  test ! -e /dev/vg0/lv
  test -b /dev/vg0/new
}

links_that_were_lost() {
  group
  expect 0 cvcreate -L 8M -n a -n b vg0
  rm -r /dev/vg0 /dev/mapper/vg0-a
  same "$(cvs --noheadings -o drift vg0/a | xargs)" node
  expect 0 cvchange --refresh vg0/a
  test -L /dev/mapper/vg0-a
  test -b /dev/vg0/a
  expect 0 cvm vgmknodes vg0
  test -b /dev/vg0/b
  expect 0 cvchange --refresh vg0
  same "$(cat "$workdir/stdout" "$workdir/stderr")" ""
}

scenario "udev knows of ours what it knows of stock's" as_stock_tells_it
scenario "hidden parts are left alone by all" hidden_parts
scenario "nobody sees what was there before" nobody_sees_what_was_there_before
scenario "without waiting for udev" without_waiting
scenario "nodes and links of our own beside udev" nodes_of_our_own
scenario "links that were lost are made again" links_that_were_lost
finish
