#!/bin/bash
# What others say: cryptsetup decrypts what is on the disk, stock LVM2 is content with the group.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

# prepare HANDLER: vg0 with an encrypted file system in vg0/tst, closed; `tree` holds its digest.
prepare() {
  new_key key 64
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate --crypt --handler "$1" "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  make_filesystem /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >tree
  expect 0 cvchange -an vg0
  stock_text vg0
}

cryptsetup_opens_a_plain_volume() {
  prepare plain
  read -r disk first count < <(pieces vg0 tst_crdata)
  cryptsetup open --type plain --cipher "$(value cryptostore1 cipher text)" \
    --key-size "$(value cryptostore1 key_size text)" --key-file key --offset "$first" \
    --size "$count" --skip "$(value tst iv_offset text)" "$disk" judge
  on_mounted /dev/mapper/judge tree_digest | cmp - tree
}

cryptsetup_opens_a_luks_volume() {
  prepare "$1"
  read -r disk first count < <(pieces vg0 tst_crdata)
  raw vg0 cryptostore1_crdata >header
  loop=$(losetup -f --show -o $((first * 512)) --sizelimit $((count * 512)) "$disk")
  same "$(cryptsetup luksDump header | awk '/^Version/ { print $2 }')" "${1#luks}"
  same "$(value tst iv_offset text)" 0
  cryptsetup open --header header --key-file key "$loop" judge
  on_mounted /dev/mapper/judge tree_digest | cmp - tree
}

hashed_store_is_what_cryptsetup_hashes() {
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  echo 'correct horse' | cvcreate --crypt --handler hashed --hash sha256 --key-size 256 -L 40M -n tst vg0
  make_filesystem /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >tree
  cvchange -an vg0
  stock_text vg0
  read -r disk first count < <(pieces vg0 tst_crdata)
  echo 'correct horse' | cryptsetup open --type plain --cipher "$(value cryptostore1 cipher text)" --hash sha256 \
    --key-size 256 --offset "$first" --size "$count" --skip "$(value tst iv_offset text)" "$disk" judge
  on_mounted /dev/mapper/judge tree_digest | cmp - tree
}

stock_lvm_is_content() {
  new_key key
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate -an -L 8M -n one vg0
  expect 0 cvcreate -an --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  expect 0 cvcreate -an -L 8M -n two vg0

  expect 0 vgs vg0
  expect 0 lvs -a vg0
  expect 0 pvs
  expect 0 vgck vg0
  expect 0 pvck --dump headers /dev/ubda
  expect 0 pvck --dump metadata /dev/ubda >/dev/null
  expect 0 vgcfgbackup -f text vg0
  for word in crypto_store iv_offset iv_next generation handler; do
    grep -q "$word *= *" text || broken "stock LVM2 lost $word"
  done
  # 63 extents of 4 MiB on 256 MiB; 10 and 2 + 2 for data, one for the store.
  same "$(vgs --noheadings -o vg_extent_count,vg_free_count vg0 | xargs)" "63 48"
  same "$(cvm vgs --noheadings -o vg_extent_count,vg_free_count vg0 | xargs)" "63 48"

  expect 0 vgchange -ay vg0
  device vg0-one
  device vg0-two
  no_device vg0-tst
  expect 0 vgchange -an vg0
  same "$(dmsetup ls)" "No devices found"

  expect 0 cvchange -ay --keyfile key vg0
  same "$(lvs --noheadings -o lv_active vg0/tst | xargs)" active
  expect 0 vgchange -an vg0
  same "$(dmsetup ls)" "No devices found"
}

stock_group_is_taken_over() {
  new_key key
  pvcreate -q /dev/ubda
  vgcreate -q vg0 /dev/ubda
  lvcreate -q -y -L 40M -n theirs vg0
  mkfs.ext4 -q /dev/vg0/theirs
  on_mounted /dev/vg0/theirs make_tree
  on_mounted /dev/vg0/theirs tree_digest >tree
  expect 0 cvcreate --crypt "${kdf[@]}" -L 40M -n ours --keyfile key vg0
  make_filesystem /dev/mapper/vg0-ours
  on_mounted /dev/vg0/theirs tree_digest | cmp - tree
  expect 0 cvchange -an vg0
  expect 0 vgchange -ay vg0
  on_mounted /dev/vg0/theirs tree_digest | cmp - tree
  expect 0 vgck vg0
}

scenario "cryptsetup opens a volume of a plain store" cryptsetup_opens_a_plain_volume
scenario "cryptsetup opens a volume of a hashed store" hashed_store_is_what_cryptsetup_hashes
scenario "cryptsetup opens a volume of a luks1 store" cryptsetup_opens_a_luks_volume luks1
scenario "cryptsetup opens a volume of a luks2 store" cryptsetup_opens_a_luks_volume luks2
scenario "stock LVM2 is content with the group and activates what it knows" stock_lvm_is_content
scenario "a group that stock LVM2 made is taken over" stock_group_is_taken_over
finish
