#!/bin/bash
# The group of the RFC's example, word for word, is listed and its volumes are opened.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

example=$CVM_TESTS_DIR/fixtures/crypt-seed-verbatim

# Three disks as the fixture says; then what the RFC leaves to the user: a LUKS1 header in cryptostore2.
prepare() {
  local number
  for number in 0 1 2; do
    zstd -dcq "$example/pv$number.head1M.zst" | dd of="/dev/ubd$(tr 012 abc <<<"$number")" conv=fsync status=none
  done
  new_key key 32
  truncate -s 16M container
  cryptsetup luksFormat -q --type luks1 --key-size 256 --align-payload 8192 --pbkdf-force-iterations 1000 \
    --key-file key container
  cryptsetup open --key-file key container theirs
  make_filesystem /dev/mapper/theirs
  on_mounted /dev/mapper/theirs tree_digest >tree
  cryptsetup close theirs
  # cryptostore2 is extent 3 of pv0, luks1 the extents behind it.
  dd if=container of=/dev/ubda bs=1M seek=$((1 + 3 * 4)) conv=fsync status=none
  for disk in /dev/ubd[abc]; do head -c 1M "$disk"; done | sha256sum >metadata
}

listed() {
  prepare
  expect 0 cvs --noheadings -a -o lv_name,segtype,keystore,lv_size --units m vg
  sed 's/  */ /g; s/^ //; s/ *$//' "$workdir/stdout" | sort >list
  grep -qx 'tst crypt cryptostore1 16.00m' list
  grep -qx 'luks1 crypt cryptostore2 12.00m' list
  grep -q '^lin linear' list || grep -q '^lin striped' list
  grep -q 'cryptostore1' list
  for disk in /dev/ubd[abc]; do head -c 1M "$disk"; done | sha256sum | cmp - metadata
}

opened() {
  prepare
  expect 0 cvchange -ay --keyfile key vg/tst
  expect 0 cvchange -ay --keyfile key vg/luks1
  expect 0 cvchange -ay vg/lin
  on_mounted /dev/mapper/vg-luks1 tree_digest | cmp - tree

  # The RFC's table: IVs count from the segment's start, on pv2 from extent 12 on.
  dd if=/dev/urandom of=/dev/mapper/vg-tst bs=1M count=16 conv=fsync status=none
  sha256sum </dev/mapper/vg-tst >written
  expect 0 cvchange -an vg
  same "$(dmsetup ls)" "No devices found"
  judge_tst
  for disk in /dev/ubd[abc]; do head -c 1M "$disk"; done | sha256sum | cmp - metadata
}

# Where the RFC's extents lie on the disks, decrypted by others.
judge_tst() {
  cryptsetup open --type plain --cipher aes-xts-plain --key-size 256 --key-file key \
    --offset $((2048 + 12 * 8192)) --size $((4 * 8192)) --skip 0 /dev/ubdc judge
  sha256sum </dev/mapper/judge | cmp - written
  cryptsetup close judge
}

changed() {
  prepare
  expect 0 cvchange -ay --keyfile key vg/tst
  dd if=/dev/urandom of=/dev/mapper/vg-tst bs=1M count=16 conv=fsync status=none
  sha256sum </dev/mapper/vg-tst >written
  expect 0 cvchange -an vg
  expect 5 lvm vgs vg

  expect 0 cvcreate -an -l 1 -n new vg
  cat "$workdir/stdout" "$workdir/stderr" | grep -q 'nothing moves'

  # Stock LVM2 reads the group now; nothing has moved, and what is there opens as before.
  expect 0 lvm lvs vg/tst vg/luks1 vg/new
  judge_tst
  expect 0 cvextend -l +1 vg/tst
  expect 0 cvchange -ay --keyfile key vg/tst
  expect 0 cvchange -ay --keyfile key vg/luks1
  head -c 16M /dev/mapper/vg-tst | sha256sum | cmp - written
  same "$(blockdev --getsize64 /dev/mapper/vg-tst)" $((20 << 20))
  on_mounted /dev/mapper/vg-luks1 tree_digest | cmp - tree
  expect 0 cvchange -an vg
  judge_tst
}

scenario "the RFC's example is listed" listed
scenario "the RFC's example is opened" opened
scenario "the RFC's example becomes native where nothing moves" changed
finish
