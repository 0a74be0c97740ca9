#!/bin/bash
# Bad input that needs a live device to be bad, and groups that stock LVM2 put into a special state.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

prepare() {
  new_key key
  new_key wrong
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
}

a_mounted_volume_stays() {
  prepare
  mkfs.ext4 -q /dev/mapper/vg0-tst
  mkdir mnt
  mount /dev/mapper/vg0-tst mnt
  echo alive >mnt/file
  before=$(seqno vg0)
  expect 5 cvchange -an vg0/tst
  says "vg0/tst"
  expect 5 cvremove -y vg0/tst
  says "vg0/tst"
  expect 5 cvm vgremove -y vg0
  same "$(seqno vg0)" "$before"
  same "$(cat mnt/file)" alive
  sync
  umount mnt
  expect 0 cvchange -an vg0/tst
}

an_active_volume_is_activated_again() {
  prepare
  dmsetup table vg0-tst >before
  expect 0 cvchange -ay vg0/tst
  expect 0 cvchange -ay --keyfile wrong vg0/tst
  dmsetup table vg0-tst | cmp - before
  expect 0 cvchange -an vg0
  expect 0 cvchange -an vg0
}

a_name_taken_in_the_kernel() {
  prepare
  expect 0 cvchange -an vg0
  dmsetup create vg0-tst --table '0 8 zero'
  expect 5 cvchange -ay --keyfile key vg0/tst
  says vg0-tst
  same "$(dmsetup table vg0-tst)" "0 8 zero "
  expect 0 cvchange -an vg0 # a device of that name that is not ours is left alone
  device vg0-tst
}

a_restoration_under_open_volumes() {
  prepare
  expect 0 cvm vgcfgbackup -f "$PWD/file" vg0
  expect 5 cvm vgcfgrestore -f "$PWD/file" vg0
  says active
  expect 0 cvchange -an vg0
  expect 0 cvm vgcfgrestore -f "$PWD/file" vg0
  expect 0 cvchange -ay --keyfile key vg0/tst
  expect 0 cvchange -an vg0
}

a_group_of_another_host() {
  printf 'global { system_id_source = "lvmlocal" }\n' >>"$LVM_SYSTEM_DIR/lvm.conf"
  printf 'local { system_id = "here" }\n' >"$LVM_SYSTEM_DIR/lvmlocal.conf"
  pvcreate -q /dev/ubda
  vgcreate -q vg0 /dev/ubda
  lvcreate -q -y -an -L 8M -n lin vg0
  printf 'local { system_id = "elsewhere" }\n' >"$LVM_SYSTEM_DIR/lvmlocal.conf"
  dd if=/dev/ubda of=before bs=1M count=1 status=none
  expect 5 cvcreate -an -L 8M -n more vg0
  says "system"
  expect 5 cvchange -ay vg0
  dd if=/dev/ubda bs=1M count=1 status=none | cmp - before
  rm "$LVM_SYSTEM_DIR/lvmlocal.conf"
  sed -i '/system_id_source/d' "$LVM_SYSTEM_DIR/lvm.conf"
}

an_exported_group() {
  pvcreate -q /dev/ubda
  vgcreate -q vg0 /dev/ubda
  lvcreate -q -y -an -L 8M -n lin vg0
  vgexport -q vg0
  before=$(seqno vg0)
  expect 5 cvcreate -an -L 8M -n more vg0
  says exported
  expect 5 cvchange -ay vg0
  says exported
  same "$(seqno vg0)" "$before"
}

scenario "a mounted volume is neither closed nor removed" a_mounted_volume_stays
scenario "an active volume may be activated again" an_active_volume_is_activated_again
scenario "a device of the same name that is not ours is left alone" a_name_taken_in_the_kernel
scenario "a group with open volumes is not restored" a_restoration_under_open_volumes
scenario "a group of another host is refused" a_group_of_another_host
scenario "an exported group is refused" an_exported_group
finish
