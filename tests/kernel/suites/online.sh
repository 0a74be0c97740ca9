#!/bin/bash
# Volumes that change while they are in use, and file systems that follow them.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

# group_with SIZE [OPTION...]: vg0 with an encrypted volume tst.
group_with() {
  local size=$1
  shift
  new_key key
  cvm pvcreate /dev/ubda /dev/ubdb
  cvm vgcreate vg0 /dev/ubda /dev/ubdb
  expect 0 cvcreate --crypt "${kdf[@]}" "$@" -L "$size" -n tst --keyfile key vg0
}
# A scenario that broke may have left it in use.
eval "$(declare -f cleanup_scenario | sed '1s/.*/cleanup_devices()/')"
cleanup_scenario() {
  swapoff -a
  cleanup_devices
}

size_of() { blockdev --getsize64 "/dev/mapper/$1"; }
# What a file system says of its own size, in MiB.
mebibytes() { df -B1M --output=size "$1" | tail -n 1 | tr -d ' '; }
between() { [ "$2" -le "$1" ] && [ "$1" -le "$3" ] || broken "$1 is not between $2 and $3"; }

ext4_follows() {
  group_with 40M
  make_filesystem /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >before
  seqno vg0 >seqno

  # Closed: checked, then resized, in both directions.
  expect 0 cvextend -t -r -L 80M vg0/tst
  grep -q "would run 'e2fsck -f -p /dev/mapper/vg0-tst' before" "$workdir/stdout"
  grep -q "would run 'resize2fs /dev/mapper/vg0-tst' behind it" "$workdir/stdout"
  same "$(seqno vg0)" "$(cat seqno)"
  expect 0 cvextend -r -L 80M vg0/tst
  e2fsck -f -n /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst mebibytes >size
  between "$(cat size)" 60 80
  expect 0 cvreduce -r -L 48M vg0/tst
  e2fsck -f -n /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst mebibytes >size
  between "$(cat size)" 30 48
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before

  # Mounted it grows, and does not get smaller.
  mkdir there
  mount /dev/mapper/vg0-tst there
  expect 0 cvresize -r -L 100M vg0/tst
  between "$(mebibytes there)" 80 100
  seqno vg0 >seqno
  expect 5 cvreduce -r -L 48M vg0/tst
  says "unmount it first"
  same "$(seqno vg0)" "$(cat seqno)"
  tree_digest there | cmp - before
  umount there

  # More than fits is refused by the tool, and nothing has changed.
  expect 5 cvreduce -r -L 8M vg0/tst
  says "'resize2fs /dev/mapper/vg0-tst"
  same "$(seqno vg0)" "$(cat seqno)"
  e2fsck -f -n /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before

  expect 0 cvchange -an vg0/tst
  expect 5 cvextend -r -L +4M vg0/tst
  says "is not active"
}

xfs_grows() {
  group_with 320M
  mkfs.xfs -q /dev/mapper/vg0-tst
  seqno vg0 >seqno
  expect 5 cvextend -r -L +40M vg0/tst
  says "mount it first"
  same "$(seqno vg0)" "$(cat seqno)"
  mkdir there
  mount /dev/mapper/vg0-tst there
  make_tree there
  tree_digest there >before
  expect 0 cvextend -r -L +100M vg0/tst
  between "$(mebibytes there)" 350 420
  expect 5 cvreduce -r -L 320M vg0/tst
  says "can't get smaller"
  tree_digest there | cmp - before
  umount there
  xfs_repair -n /dev/mapper/vg0-tst
}

btrfs_goes_both_ways() {
  group_with 280M
  mkfs.btrfs -q /dev/mapper/vg0-tst
  expect 5 cvextend -r -L +40M vg0/tst
  says "mount it first"
  mkdir there
  mount /dev/mapper/vg0-tst there
  make_tree there
  tree_digest there >before
  expect 0 cvextend -r -L 400M vg0/tst
  same "$(mebibytes there)" 400
  # Without --resizefs nobody takes space away from what is mounted.
  expect 5 cvreduce -f -L 300M vg0/tst
  says there
  # btrfs itself refuses less than 256 MiB; nothing has changed then.
  expect 5 cvreduce -r -L 200M vg0/tst
  says "'btrfs filesystem resize"
  same "$(size_of vg0-tst)" $((400 << 20))
  expect 0 cvreduce -r -L 300M vg0/tst
  same "$(mebibytes there)" 300
  same "$(size_of vg0-tst)" $((300 << 20))
  tree_digest there | cmp - before
  btrfs scrub start -B there
  umount there
  btrfs check /dev/mapper/vg0-tst
}

swap_is_made_anew() {
  group_with 40M
  mkswap -L resting -U 6b1f1f0e-54c5-4b0d-9b65-3b2c3b0a7f11 /dev/mapper/vg0-tst
  swapon /dev/mapper/vg0-tst
  expect 5 cvextend -r -L 80M vg0/tst
  says "swapoff first"
  swapoff /dev/mapper/vg0-tst
  expect 0 cvextend -r -L 80M vg0/tst
  swapon /dev/mapper/vg0-tst
  between "$(awk 'NR == 2 { print $3 }' /proc/swaps)" 81000 81920
  swapoff /dev/mapper/vg0-tst
  expect 0 cvreduce -r -L 40M vg0/tst
  swapon /dev/mapper/vg0-tst
  between "$(awk 'NR == 2 { print $3 }' /proc/swaps)" 40000 40960
  swapoff /dev/mapper/vg0-tst
  same "$(blkid -p -s LABEL -o value /dev/mapper/vg0-tst)" resting
  same "$(blkid -p -s UUID -o value /dev/mapper/vg0-tst)" 6b1f1f0e-54c5-4b0d-9b65-3b2c3b0a7f11
}

what_is_no_file_system() {
  group_with 40M
  seqno vg0 >seqno
  expect 5 cvextend -r -L +4M vg0/tst
  says "no file system"
  cryptsetup luksFormat -q "${kdf[@]}" --type luks2 --key-file key /dev/mapper/vg0-tst
  expect 5 cvextend -r -L +4M vg0/tst
  says crypto_LUKS
  same "$(seqno vg0)" "$(cat seqno)"
}

# Somebody writes and reads back all the time while the volume changes in every way that it can.
under_load() {
  group_with 40M -i 2
  make_filesystem /dev/mapper/vg0-tst
  mkdir there
  mount /dev/mapper/vg0-tst there
  tree_digest there >before
  start_load 1000000
  for size in 48M 56M 80M; do expect 0 cvextend -r -i 1 -L "$size" vg0/tst; done
  expect 0 cvextend -r -i 2 -L +16M vg0/tst
  expect 0 cvrename vg0 tst other
  expect 0 cvchange -ay vg0/other
  expect 0 cvrename vg0 other tst
  expect 0 cvextend -r -l +3 vg0/tst
  stop_load
  same "$(dmsetup info -c --noheadings -o suspended vg0-tst)" Active
  tree_digest there | cmp - before
  umount there
  e2fsck -f -n /dev/mapper/vg0-tst
  expect 0 cvm cvck vg0
}

scenario "ext4 follows its volume, closed and mounted" ext4_follows
scenario "xfs grows where it is mounted" xfs_grows
scenario "btrfs goes both ways where it is mounted" btrfs_goes_both_ways
scenario "swap space is made anew and stays known" swap_is_made_anew
scenario "what is no file system is refused" what_is_no_file_system
scenario "every change under load" under_load
finish
