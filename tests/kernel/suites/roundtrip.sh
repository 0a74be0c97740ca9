#!/bin/bash
# The main job for each kind of keystore: create, use, close, reopen, read back; and with a wrong key.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

round_trip() {
  local handler=$1
  new_key key 64
  new_key wrong 64
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate --crypt --handler "$handler" "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  make_filesystem /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >before

  expect 0 cvchange -an vg0/tst
  no_device vg0-tst
  sync
  on_no_pv "$plaintext" /dev/ubda

  before=$(seqno vg0)
  expect 2 cvchange -ay --keyfile wrong vg0/tst
  says key
  no_device vg0-tst
  same "$(seqno vg0)" "$before"

  expect 0 cvchange -ay --keyfile key vg0/tst
  on_mounted /dev/mapper/vg0-tst tree_digest >after
  cmp before after
  same "$(seqno vg0)" "$before"
  expect 0 cvchange -an vg0
  same "$(dmsetup ls)" "No devices found"
}

passphrase_from_a_pipe() {
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  echo 'correct horse' | cvcreate --crypt "${kdf[@]}" -L 40M -n tst vg0
  make_filesystem /dev/mapper/vg0-tst
  cvchange -an vg0
  echo 'correct house' >typed
  expect 2 cvchange -ay vg0 <typed
  expect 2 cvchange -ay vg0 </dev/null
  expect 2 cvchange -ay --no-ask-password vg0
  no_device vg0-tst
  echo 'correct horse' >typed
  expect 0 cvchange -ay vg0 <typed
  on_mounted /dev/mapper/vg0-tst tree_digest
}

plain_volumes_too() {
  cvm pvcreate /dev/ubda /dev/ubdb
  cvm vgcreate vg0 /dev/ubda /dev/ubdb
  expect 0 cvcreate -L 40M -n linear vg0
  expect 0 cvcreate -L 40M -i 2 -n striped vg0
  make_filesystem /dev/mapper/vg0-striped
  on_mounted /dev/mapper/vg0-striped tree_digest >before
  expect 0 cvchange -an vg0
  no_device vg0-striped
  expect 0 cvchange -ay vg0
  on_mounted /dev/mapper/vg0-striped tree_digest >after
  cmp before after
  device vg0-linear
}

a_crypt_volume_over_two_disks() {
  new_key key
  cvm pvcreate /dev/ubda /dev/ubdb
  cvm vgcreate vg0 /dev/ubda /dev/ubdb
  expect 0 cvcreate --crypt "${kdf[@]}" -l 80%VG -n wide --keyfile key vg0
  same "$(pieces vg0 wide_crdata | awk '{ print $1 }' | sort -u | wc -l)" 2
  make_filesystem /dev/mapper/vg0-wide
  on_mounted /dev/mapper/vg0-wide tree_digest >before
  expect 0 cvchange -an vg0
  expect 0 cvchange -ay --keyfile key vg0
  on_mounted /dev/mapper/vg0-wide tree_digest >after
  cmp before after
}

grows_and_goes() {
  new_key key
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  before=$(vgs --noheadings -o vg_free_count vg0)
  expect 0 cvcreate --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  make_filesystem /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >tree

  expect 0 cvextend -L +16M vg0/tst
  same "$(blockdev --getsize64 /dev/mapper/vg0-tst)" $((56 << 20))
  on_mounted /dev/mapper/vg0-tst tree_digest >tree.live
  cmp tree tree.live
  resize2fs -f /dev/mapper/vg0-tst
  expect 0 cvchange -an vg0
  expect 0 cvextend -L 64M vg0/tst
  no_device vg0-tst
  expect 0 cvchange -ay --keyfile key vg0/tst
  same "$(blockdev --getsize64 /dev/mapper/vg0-tst)" $((64 << 20))
  e2fsck -fn /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >tree.reopened
  cmp tree tree.reopened

  raw vg0 cryptostore1_crdata >store
  pieces vg0 cryptostore1_crdata >place
  expect 0 cvremove -y vg0/tst
  no_device vg0-tst
  same "$(vgs --noheadings -o vg_free_count vg0)" "$before"
  # The key slots are gone from the disk, not only from the metadata.
  read -r device first count <place
  dd if="$device" bs=512 skip="$first" count="$count" status=none >remains
  if cmp -s -n 65536 store remains; then broken "the keystore can still be read"; fi
  if cryptsetup isLuks remains; then broken "a LUKS header is left"; fi
  expect 0 cvm vgremove -y vg0
}

shown() { same "$(readlink -f "/dev/$1/$2")" "$(readlink -f "/dev/mapper/$1-$2")"; }

nodes_without_udev() {
  new_key key
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate --crypt "${kdf[@]}" -i 1 -L 40M -n tst --keyfile key vg0
  expect 0 cvcreate -L 16M -n plain vg0
  expect 0 cvcreate -an -L 16M -n closed vg0
  make_filesystem /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >before

  rm -r /dev/vg0 /dev/mapper/vg0-*
  expect 0 cvm vgmknodes --test
  test ! -e /dev/vg0
  expect 0 cvm vgmknodes vg0
  shown vg0 tst
  shown vg0 plain
  test -b /dev/mapper/vg0-plain
  test ! -e /dev/vg0/closed
  on_mounted /dev/vg0/tst tree_digest | cmp - before
  # What points elsewhere is put right.
  ln -sfn /dev/null /dev/vg0/plain
  expect 0 cvm vgmknodes
  shown vg0 plain

  expect 0 cvm vgrename vg0 vg1
  test ! -e /dev/vg0
  test ! -e /dev/mapper/vg0-plain
  shown vg1 tst
  shown vg1 plain
  on_mounted /dev/vg1/tst tree_digest | cmp - before
  expect 0 cvm vgchange -an vg1
  test ! -e /dev/vg1
}

scenario "round trip with a plain store" round_trip plain
scenario "round trip with a luks1 store" round_trip luks1
scenario "round trip with a luks2 store" round_trip luks2
scenario "a passphrase comes through a pipe, and nobody to ask is no hang" passphrase_from_a_pipe
scenario "plain volumes, linear and striped" plain_volumes_too
scenario "a crypt volume over two disks" a_crypt_volume_over_two_disks
scenario "a volume grows open and closed, and takes its store with it" grows_and_goes
scenario "nodes and links without udev, made anew and renamed" nodes_without_udev
finish
