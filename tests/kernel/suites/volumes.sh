#!/bin/bash
# Volumes under new names and of other sizes, open and closed, with udev's links.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

link_to() { same "$(readlink -f "/dev/vg0/$1")" "$(readlink -f "/dev/mapper/vg0-$2")"; }

renamed_while_mounted() {
  new_key key
  cvm pvcreate /dev/ubda /dev/ubdb
  cvm vgcreate vg0 /dev/ubda /dev/ubdb
  expect 0 cvcreate --crypt "${kdf[@]}" -i 2 -L 40M -n tst --keyfile key vg0
  expect 0 cvcreate -L 16M -n plain vg0
  make_filesystem /dev/mapper/vg0-tst
  mkdir there
  mount /dev/mapper/vg0-tst there
  tree_digest there >before
  number=$(dmsetup info -c --noheadings -o major,minor vg0-tst)

  expect 0 cvrename vg0/tst new-name
  expect 0 cvrename vg0 plain simple
  expect 0 cvrename vg0/cryptostore1 cryptostore4

  no_device vg0-tst
  no_device vg0-tst_crdata
  same "$(dmsetup info -c --noheadings -o major,minor vg0-new--name)" "$number"
  device vg0-new--name_crdata
  test -b /dev/mapper/vg0-new--name
  test ! -e /dev/mapper/vg0-tst
  test ! -e /dev/vg0/tst
  link_to new-name new--name
  link_to simple simple
  tree_digest there | cmp - before
  echo more >there/more
  umount there
  expect 0 cvchange -an vg0
  same "$(dmsetup ls)" "No devices found"
  expect 0 cvchange -ay --keyfile key vg0
  on_mounted /dev/vg0/new-name tree_digest >after
  cmp before after
}

group_renamed_while_mounted() {
  new_key key
  cvm pvcreate /dev/ubda /dev/ubdb
  cvm vgcreate vg0 /dev/ubda /dev/ubdb
  expect 0 cvcreate --crypt "${kdf[@]}" -i 2 -L 40M -n tst --keyfile key vg0
  expect 0 cvcreate -L 16M -n plain vg0
  expect 0 cvcreate -an -L 16M -n closed vg0
  make_filesystem /dev/mapper/vg0-tst
  mkdir there
  mount /dev/mapper/vg0-tst there
  tree_digest there >before

  expect 0 cvm vgrename --test vg0 vg-new
  grep -q vg--new-tst "$workdir/stdout"
  device vg0-tst
  dmsetup create vg--new-plain --table '0 8 zero'
  expect 5 cvm vgrename vg0 vg-new
  says vg--new-plain
  expect 0 cvs vg0/tst
  device vg0-tst
  dmsetup remove vg--new-plain
  expect 0 cvm vgrename vg0 vg-new

  for lv in tst tst_crdata plain; do
    no_device "vg0-$lv"
    device "vg--new-$lv"
  done
  same "$(readlink -f /dev/vg-new/tst)" "$(readlink -f /dev/mapper/vg--new-tst)"
  test ! -e /dev/vg0
  test ! -e /dev/vg-new/closed
  tree_digest there | cmp - before
  echo more >there/more
  umount there
  expect 0 vgck vg-new
  expect 0 cvm vgchange -an vg-new
  same "$(dmsetup ls)" "No devices found"
  # The key is asked for again, and fits.
  expect 0 cvchange -ay --keyfile key vg-new
  on_mounted /dev/vg-new/tst tree_digest >after
  cmp before after
  # As after a crash between the commit and the renaming.
  dmsetup rename vg--new-plain vg0-plain
  expect 0 cvm vgchange -ay vg-new
  device vg--new-plain
  no_device vg0-plain
}

group_of_lvm2_renamed() {
  pvcreate -q /dev/ubda /dev/ubdb
  vgcreate -q vg0 /dev/ubda /dev/ubdb
  lvcreate -q -y --type mirror -m1 --mirrorlog core -l 2 -n m vg0
  lvcreate -q -y -l 2 -n plain vg0
  expect 5 cvm vgrename vg0 vg1
  says "lvchange -an"
  expect 0 lvchange -an vg0/m
  expect 0 cvm vgrename vg0 vg1
  device vg1-plain
  same "$(lvs --noheadings -o lv_active vg1/plain | tr -d ' ')" active
  expect 0 lvchange -ay vg1/m
  expect 0 vgremove -q -y vg1
  same "$(dmsetup ls)" "No devices found"
}

a_device_that_missed_its_new_name() {
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate -L 16M -n one vg0
  dmsetup create vg0-two --table '0 8 zero'
  expect 5 cvrename vg0/one two
  says vg0-two
  expect 0 cvs vg0/one
  dmsetup remove vg0-two
  # As after a crash between the commit and the renaming.
  dmsetup rename vg0-one vg0-other
  expect 0 cvchange -ay vg0/one
  no_device vg0-other
  link_to one one
}

renamed_types_of_lvm2() {
  pvcreate -q /dev/ubda /dev/ubdb
  vgcreate -q vg0 /dev/ubda /dev/ubdb
  lvcreate -q -y --type mirror -m1 --mirrorlog core -l 2 -n m vg0
  expect 5 cvrename vg0/m n
  says "active"
  lvchange -an vg0/m
  expect 0 cvrename vg0/m n
  expect 0 vgck vg0
  lvs -a --noheadings -o lv_name vg0 | grep -q n_mimage_0
  lvchange -ay vg0/n
  lvremove -q -y vg0/n
}

size_of_device() { same "$(blockdev --getsize64 "/dev/mapper/vg0-$1")" "$(($2 << 20))"; }

smaller_while_active() {
  new_key key
  cvm pvcreate /dev/ubda /dev/ubdb
  cvm vgcreate vg0 /dev/ubda /dev/ubdb
  expect 0 cvcreate --crypt "${kdf[@]}" -i 2 -L 64M -n tst --keyfile key vg0
  make_filesystem /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >before
  e2fsck -fp /dev/mapper/vg0-tst
  resize2fs /dev/mapper/vg0-tst 40M

  mkdir there
  mount /dev/mapper/vg0-tst there
  expect 5 cvreduce -y -L 48M vg0/tst
  says "mounted"
  umount there
  size_of_device tst 64
  expect 0 cvreduce -y -L 48M vg0/tst
  size_of_device tst 48
  size_of_device tst_crdata 48
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before
  # It grows again under other IVs: what stood there before comes back as noise.
  expect 0 cvresize -L +16M vg0/tst
  size_of_device tst 64
  same "$(dmsetup table vg0-tst | wc -l)" 2
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before
  expect 0 cvchange -an vg0
  expect 0 cvreduce -y -l -4 vg0/tst
  expect 0 cvchange -ay --keyfile key vg0
  size_of_device tst 48
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before
}

smaller_plain_and_lvm2_agrees() {
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate -L 40M -n one vg0
  expect 0 cvreduce -y -L -16M vg0/one
  size_of_device one 24
  same "$(lvs --noheadings -o seg_size_pe vg0/one | tr -d ' ')" 6
  expect 0 vgck vg0
  # As after a crash between the device and the commit: the device is short, the volume is not.
  dmsetup table vg0-one | sed 's/^0 49152/0 8192/' | dmsetup reload vg0-one
  dmsetup resume vg0-one
  size_of_device one 4
  expect 0 cvchange -ay vg0/one
  size_of_device one 24
}

read_only_and_back() {
  new_key key
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  make_filesystem /dev/mapper/vg0-tst
  expect 0 cvchange -p r --addtag frozen vg0/tst
  same "$(blockdev --getro /dev/mapper/vg0-tst)" 1
  expect 0 cvchange -an @frozen
  expect 0 cvchange -ay --keyfile key vg0/tst
  same "$(blockdev --getro /dev/mapper/vg0-tst)" 1
  expect 0 cvchange -p rw @frozen
  same "$(blockdev --getro /dev/mapper/vg0-tst)" 0
  on_mounted /dev/mapper/vg0-tst mkdir -p mnt/new
}

# What a person sees of the keyring.
keys_of_ours() { keyctl list @u | grep -c cv: || true; }

discards_queues_and_keys() {
  new_key key
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  expect 0 cvcreate -L 8M -n plain vg0
  make_filesystem /dev/mapper/vg0-tst
  mkdir there
  mount /dev/mapper/vg0-tst there
  tree_digest there >before
  if fstrim there; then broken "discards are passed down though nobody wanted it"; fi

  expect 0 cvchange -t --discards y vg0/tst
  grep -q allow_discards "$workdir/stdout"
  expect 0 cvchange --discards y --workqueues inline vg0/tst
  dmsetup table vg0-tst >table
  for option in allow_discards no_read_workqueue no_write_workqueue; do grep -q "$option" table; done
  fstrim there
  tree_digest there | cmp - before
  umount there
  # It lasts.
  expect 0 cvchange -an vg0/tst
  expect 0 cvchange -ay --keyfile key vg0/tst
  dmsetup table vg0-tst | grep -q allow_discards
  expect 0 cvchange --discards n --workqueues default vg0/tst
  if dmsetup table vg0-tst | grep -q 'discards\|workqueue'; then broken "$(dmsetup table vg0-tst)"; fi
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before
  expect 5 cvchange --discards y vg0/plain
  says "not encrypted"

  same "$(keys_of_ours)" 1
  expect 0 cvchange -t --forget-keys vg0
  same "$(keys_of_ours)" 1
  expect 0 cvchange --forget-keys vg0
  same "$(keys_of_ours)" 0
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before
  expect 2 cvextend --no-ask-password --nocache -L +4M vg0/tst
  expect 0 cvextend --keyfile key -L +4M vg0/tst
}

removed_types_of_lvm2() {
  pvcreate -q /dev/ubda /dev/ubdb
  vgcreate -q vg0 /dev/ubda /dev/ubdb
  lvcreate -q -y --type mirror -m1 --mirrorlog core -l 2 -n m vg0
  expect 5 cvremove -y vg0/m
  says "active"
  lvchange -an vg0/m
  expect 0 cvremove -y vg0/m
  same "$(lvs -a --noheadings vg0)" ""
  expect 0 vgck vg0
}

# Transaction and used blocks of the pool, as the kernel has them.
pool_state() { dmsetup status vg0-pool-tpool | awk '{print $4, $6}'; }

thin_volumes_gone_at_once() {
  printf 'global { thin_check_executable = "" }\n' >>"$LVM_SYSTEM_DIR/lvm.conf"
  pvcreate -q /dev/ubda /dev/ubdb
  vgcreate -q vg0 /dev/ubda /dev/ubdb
  lvcreate -q -y --type thin-pool -L 16M --chunksize 64k -Zn -n pool vg0
  for name in a b c d; do
    lvcreate -q -y -V 8M --thinpool pool -n $name vg0
    dd if=/dev/zero of=/dev/vg0/$name bs=64k count=4 oflag=direct status=none
  done
  same "$(pool_state)" "4 16/256"
  vgchange -q -an vg0

  expect 0 cvremove -y vg0/a vg0/b vg0/c
  expect 0 vgck vg0
  same "$(lvs --noheadings -o lv_name vg0 | xargs)" "d pool"
  same "$(lvs --noheadings -o transaction_id vg0/pool | xargs)" 5
  expect 5 cvremove -y vg0/d
  says "message waiting"
  # LVM2 activates the pool as it is, and sends the messages with its next own change of it.
  lvchange -q -ay vg0/pool vg0/d
  same "$(pool_state)" "4 16/256"
  lvcreate -q -y -V 8M --thinpool pool -n e vg0
  same "$(pool_state)" "6 4/256"
  vgchange -q -an vg0
  expect 0 cvremove -y vg0
  same "$(lvs -a --noheadings vg0)" ""
}

several_or_none() {
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate -L 8M -n a -n b -n c vg0
  expect 5 cvremove vg0 </dev/null
  expect 0 cvchange -an vg0/a
  sleep 30 </dev/mapper/vg0-b &
  holder=$!
  until [ "$(dmsetup info -c --noheadings -o open vg0-b)" = 1 ]; do :; done
  expect 5 cvremove -y vg0/a vg0/b vg0/c
  says vg0/b
  kill $holder
  wait $holder || true
  same "$(cvs --noheadings -o lv_name vg0 | xargs)" "a b c"
  device vg0-c
  seqno=$(cvm vgs --noheadings -o vg_seqno vg0)
  expect 0 cvremove -y vg0
  same "$(cvm vgs --noheadings -o vg_seqno,lv_count vg0 | xargs)" "$((seqno + 1)) 0"
  same "$(dmsetup ls)" "No devices found"
}

scenario "thin volumes go at once, and LVM2 tells their pool" thin_volumes_gone_at_once
scenario "several volumes go, or none of them" several_or_none
scenario "a volume is made read-only and writable again" read_only_and_back
scenario "discards and queues change under a mount, keys are forgotten" discards_queues_and_keys
scenario "volumes of LVM2's types go as a whole" removed_types_of_lvm2
scenario "an encrypted volume gets smaller and larger while it is active" smaller_while_active
scenario "a plain volume gets smaller, and a device that is short its size back" smaller_plain_and_lvm2_agrees
scenario "an open volume, its data and its keystore under new names" renamed_while_mounted
scenario "a device that missed its new name gets it" a_device_that_missed_its_new_name
scenario "volumes of LVM2's types under new names" renamed_types_of_lvm2
scenario "a group with open volumes under a new name" group_renamed_while_mounted
scenario "a group that LVM2 made, under a new name" group_of_lvm2_renamed
finish
