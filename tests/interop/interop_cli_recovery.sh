#!/bin/bash
# What docs/RECOVERY.md says, carried out on regular files.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/on_files.sh"

store=vg0/cryptostore1
segments() { cvm cvs -a --noheadings -o lv_name,seg_start_pe,seg_size_pe,seg_pe_ranges vg0; }
pv_id() { "$CVM" pvs --devices "$1" --noheadings -o pv_uuid "$1" | tr -d ' '; }
archives() { find "$LVM_SYSTEM_DIR/archive" -name 'vg0_*' | sort; } # their numbers have five digits

a_disk_is_away_and_comes_back() {
  prepare
  segments >before
  pvs=$PWD/pv0
  expect 5 cvm cvck vg0
  grep -q PV-MISSING "$workdir/stdout" "$workdir/stderr"
  expect 5 cvm cvcreate -an -L 4M -n new vg0
  pvs=$PWD/pv0,$PWD/pv1
  expect 0 cvm cvcreate -an -L 4M -n new vg0
  expect 0 cvm cvremove -y vg0/new
  segments | cmp - before
  expect 0 cvm cvck vg0
}

a_disk_is_lost() {
  prepare
  expect 0 cvm cvkey list "$store"
  pvs=$PWD/pv0
  # The other copy of the store opens what is left.
  expect 0 cvm cvkey test --keyfile key "$store"
  expect 0 cvm vgreduce --removemissing --force -y vg0
  expect 0 cvm cvck vg0
  expect 0 cvm cvs -a vg0
}

all_copies_of_a_keystore_are_damaged() {
  prepare
  cvm cvkey backup --file saved "$store"
  # Every copy begins with the header's magic number.
  for disk in pv0 pv1; do
    grep -obaUP 'LUKS\xba\xbe' "$disk" | cut -d: -f1 | while read -r at; do
      head -c 262144 /dev/urandom | dd of="$disk" bs=64K oflag=seek_bytes seek="$at" conv=notrunc status=none
    done
  done
  if cvm cvkey test --keyfile key "$store"; then broken "the store opens though it is damaged"; fi
  expect 0 cvm cvkey restore -y --keyfile key --file saved "$store"
  expect 0 cvm cvkey test --keyfile key "$store"
  expect 0 cvm cvck vg0
}

a_label_and_its_metadata_are_gone() {
  prepare
  segments >before
  id=$(pv_id "$PWD/pv1")
  dd if=/dev/zero of=pv1 bs=1M count=1 conv=notrunc status=none
  expect 5 cvm cvck vg0
  expect 0 cvm pvcreate --uuid "$id" --restorefile "$LVM_SYSTEM_DIR/backup/vg0" "$PWD/pv1"
  expect 0 cvm vgcfgrestore vg0
  segments | cmp - before
  expect 0 cvm cvck vg0
  expect 0 cvm cvkey test --keyfile key "$store"
}

no_text_can_be_read() {
  prepare
  segments >before
  for disk in pv0 pv1; do
    dd if=/dev/zero of="$disk" bs=4K seek=1 count=200 conv=notrunc status=none
  done
  if cvm cvs vg0; then broken "vg0 is there without any text"; fi
  # The headers of the areas are gone too: the labels are made anew with the ids that the backup has.
  for pv in pv0 pv1; do
    expect 0 cvm pvcreate -ff -y --uuid "$(pv_id "$PWD/$pv")" --restorefile "$LVM_SYSTEM_DIR/backup/vg0" "$PWD/$pv"
  done
  expect 0 cvm vgcfgrestore vg0
  segments | cmp - before
  expect 0 cvm cvkey test --keyfile key "$store"
}

a_passphrase_is_forgotten() {
  prepare
  head -c 30 /dev/urandom | base64 -w0 >second
  head -c 30 /dev/urandom | base64 -w0 >third
  expect 0 cvm cvkey add "${kdf[@]}" --keyfile key --new-keyfile second "$store"
  # The first one is forgotten.
  expect 0 cvm cvkey add "${kdf[@]}" --keyfile second --new-keyfile third "$store"
  expect 0 cvm cvkey remove -y --key-slot 0 --keyfile second "$store"
  expect 2 cvm cvkey test --keyfile key "$store"
  expect 0 cvm cvkey test --keyfile third "$store"
}

a_volume_was_made_too_small() {
  prepare
  segments >before
  expect 0 cvm cvreduce -y -L 4M vg0/tst
  archive=$(archives | tail -n 1)
  expect 0 cvm vgcfgrestore --file "$archive" vg0
  segments | cmp - before
  expect 0 cvm cvck vg0
}

removed_by_accident() {
  prepare
  segments >before
  cvm cvkey backup --file saved "$store"
  expect 0 cvm cvremove -y vg0/tst
  archive=$(archives | xargs grep -L erasing | xargs grep -l 'tst {' | tail -n 1)
  bad 5 "no longer hold it" vgcfgrestore --file "$archive" vg0
  expect 0 cvm vgcfgrestore --force --file "$archive" vg0
  segments | cmp - before
  # Nobody knows any more which IVs were used: far behind the old ones it goes on.
  cvm vgcfgbackup -f text vg0
  [ "$(awk '$1 == "iv_next" { print $3 }' text)" -gt $((1 << 48)) ]
  if cvm cvkey test --keyfile key "$store"; then broken "an erased store opens"; fi
  expect 0 cvm cvkey restore -y --keyfile key --file saved "$store"
  expect 0 cvm cvkey test --keyfile key "$store"
}

scenario "a disk is away and comes back" a_disk_is_away_and_comes_back
scenario "a disk is lost, and another copy opens the store" a_disk_is_lost
scenario "all copies of a keystore are damaged" all_copies_of_a_keystore_are_damaged
scenario "a label and its metadata are gone" a_label_and_its_metadata_are_gone
scenario "no text of the group can be read" no_text_can_be_read
scenario "a passphrase is forgotten" a_passphrase_is_forgotten
scenario "a volume was made too small" a_volume_was_made_too_small
scenario "a volume and its store were removed" removed_by_accident
finish
