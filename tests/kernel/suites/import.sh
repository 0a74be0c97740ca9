#!/bin/bash
# LUKS volumes that stock cryptsetup made in stock LVs are taken over where they stand.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

# foreign SIZE CRYPTSETUP-OPTION...: vg0/foreign holds a LUKS volume with a file system and two passphrases.
foreign() {
  local size=$1
  shift
  new_key first 40
  new_key second 40
  pvcreate -q /dev/ubda
  vgcreate -q vg0 /dev/ubda
  lvcreate -q -y -an -L 8M -n before vg0
  lvcreate -q -y -L "$size" -n foreign vg0
  cryptsetup luksFormat -q "$@" --pbkdf-force-iterations 1000 --key-file first /dev/vg0/foreign
  cryptsetup luksAddKey -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file first /dev/vg0/foreign second
  cryptsetup open --key-file first /dev/vg0/foreign theirs
  make_filesystem /dev/mapper/theirs
  on_mounted /dev/mapper/theirs tree_digest >tree
  blockdev --getsize64 /dev/mapper/theirs >size
  cryptsetup close theirs
  payload=$(cryptsetup luksDump /dev/vg0/foreign | awk '
    /^Payload offset:/ { print $3 * 512 } $1 == "offset:" { print $2; exit }')
  read -r disk start count < <(pieces vg0 foreign)
  cp --sparse=always /dev/ubda disk.before
}

payload_is_untouched() {
  sync
  cmp -n $((count * 512 - payload)) -i $((start * 512 + payload)) disk.before /dev/ubda ||
    broken "payload bytes were rewritten"
}

taken_over() {
  foreign "$@"
  expect 0 cvconvert --import-luks vg0/foreign
  expect 0 vgck vg0
  same "$(lvs --noheadings -o segtype vg0/foreign | xargs)" crypt
  for key in first second; do
    expect 0 cvchange -ay --keyfile "$key" vg0/foreign
    cmp <(blockdev --getsize64 /dev/mapper/vg0-foreign) size
    expect 0 lvs -a vg0
    mkdir -p mnt
    mount -o ro,noload /dev/mapper/vg0-foreign mnt
    tree_digest mnt | cmp - tree
    umount mnt
    expect 0 cvchange -an vg0/foreign
  done
  payload_is_untouched
  new_key wrong
  expect 2 cvchange -ay --keyfile wrong vg0/foreign

  # It lives on: written, closed, read.
  expect 0 cvchange -ay --keyfile first vg0/foreign
  mount /dev/mapper/vg0-foreign mnt
  echo more >mnt/more
  umount mnt
  expect 0 cvextend -L +8M vg0/foreign
  expect 0 cvchange -an vg0
  expect 0 cvchange -ay --keyfile second vg0/foreign
  e2fsck -fn /dev/mapper/vg0-foreign
  mount /dev/mapper/vg0-foreign mnt
  same "$(cat mnt/more)" more
  tree_digest mnt | cmp - tree
  umount mnt
}

old_header_is_wiped_on_request() {
  foreign 64M --type luks1
  expect 0 cvconvert --import-luks --wipe-old-header vg0/foreign
  payload_is_untouched
  raw vg0 foreign_crdata | head -c 1M >old
  if cryptsetup isLuks old; then broken "the old header still stands"; fi
  expect 0 cvchange -ay --keyfile second vg0/foreign
  on_mounted /dev/mapper/vg0-foreign tree_digest | cmp - tree
}

a_detached_header() {
  new_key first
  pvcreate -q /dev/ubda
  vgcreate -q vg0 /dev/ubda
  lvcreate -q -y -L 40M -n foreign vg0
  cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file first \
    --header header /dev/vg0/foreign
  cryptsetup open --header header --key-file first /dev/vg0/foreign theirs
  make_filesystem /dev/mapper/theirs
  on_mounted /dev/mapper/theirs tree_digest >tree
  cryptsetup close theirs
  expect 0 cvconvert --import-luks --header header vg0/foreign
  expect 0 cvchange -ay --keyfile first vg0/foreign
  on_mounted /dev/mapper/vg0-foreign tree_digest | cmp - tree
}

refused() {
  foreign 64M --type luks2 --pbkdf pbkdf2
  before=$(seqno vg0)

  cryptsetup open --key-file first /dev/vg0/foreign theirs
  expect 5 cvconvert --import-luks vg0/foreign
  says theirs
  cryptsetup close theirs

  expect 5 cvconvert --import-luks vg0/before
  says LUKS
  expect 5 cvconvert --import-luks vg0/nowhere
  says nowhere
  new_key wrong
  expect 2 cvconvert --import-luks --keyfile wrong vg0/foreign
  same "$(seqno vg0)" "$before"
  cmp disk.before /dev/ubda
}

luks2_with_integrity_is_refused() {
  new_key first
  pvcreate -q /dev/ubda
  vgcreate -q vg0 /dev/ubda
  lvcreate -q -y -L 64M -n foreign vg0
  modprobe dm-integrity
  cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file first \
    --integrity hmac-sha256 --integrity-no-wipe /dev/vg0/foreign
  cryptsetup luksDump /dev/vg0/foreign | grep -q integrity
  before=$(seqno vg0)
  expect 5 cvconvert --import-luks vg0/foreign
  says integrity
  same "$(seqno vg0)" "$before"
}

luks2_amid_reencryption_is_refused() {
  foreign 64M --type luks2 --pbkdf pbkdf2
  cryptsetup reencrypt -q --init-only --key-file first --key-slot 0 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
    --resilience checksum /dev/vg0/foreign
  cryptsetup close theirs 2>/dev/null || true
  cryptsetup luksDump /dev/vg0/foreign | grep -q reencrypt
  before=$(seqno vg0)
  expect 5 cvconvert --import-luks vg0/foreign
  says reencrypt
  same "$(seqno vg0)" "$before"
}

scenario "LUKS1 with the default payload offset of 2 MiB" taken_over 64M --type luks1
scenario "LUKS1 with a payload that begins at an extent" taken_over 64M --type luks1 --align-payload 8192
scenario "LUKS2 with the default header of 16 MiB" taken_over 64M --type luks2 --pbkdf pbkdf2
scenario "the old header is wiped on request" old_header_is_wiped_on_request
scenario "a detached header" a_detached_header
scenario "what can't be taken over is refused and left as it is" refused
scenario "LUKS2 with integrity is refused" luks2_with_integrity_is_refused
scenario "LUKS2 amid a re-encryption is refused" luks2_amid_reencryption_is_refused
finish
