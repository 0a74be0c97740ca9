#!/bin/bash
# LUKS volumes that stock cryptsetup made, taken over on regular files: every size of JSON, tokens, detached
# headers, one key twice, headers that lie. What needs dm-crypt is in tests/kernel/suites/import.sh.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/on_files.sh"

# vg0 on one file with extents of 64 KiB; lv0 (48 MiB) begins with its first extent.
prepare_lv() {
  rm -f pv0 pv1
  truncate -s 128M pv0
  truncate -s 64M pv1
  pvs=$PWD/pv0,$PWD/pv1
  head -c 40 /dev/urandom >key
  head -c 40 /dev/urandom >second
  cvm pvcreate "$PWD/pv0" "$PWD/pv1"
  cvm vgcreate -s 64k vg0 "$PWD/pv0"
  cvm cvcreate -an -L 48M -n lv0 vg0
  pe_start=$(cvm pvs --noheadings --nosuffix --units b -o pe_start "$PWD/pv0" | xargs)
}

# formatted CRYPTSETUP-OPTION...: lv0 holds a LUKS volume that key and second open.
formatted() {
  rm -f image
  truncate -s 48M image
  cryptsetup luksFormat -q "${kdf[@]}" --key-file key "$@" image
  cryptsetup luksAddKey -q "${kdf[@]}" --key-file key image second
  into_lv image
}

into_lv() { dd if="$1" of=pv0 bs=64k seek=$((pe_start / 65536)) conv=notrunc status=none; }

# The store's bytes are a header that cryptsetup opens with that key.
opens() {
  rm -f judged
  cvm cvkey backup --file judged vg0/cryptostore1
  cryptsetup open --test-passphrase --key-file "$1" judged
}

every_size_of_json() {
  local size
  for size in 16k 32k 64k 128k 256k 512k 1m 2m 4m; do
    prepare_lv
    formatted --type luks2 --luks2-metadata-size "$size" --luks2-keyslots-size 1m --offset 20488
    cryptsetup token add --key-description "desk:$size" image
    into_lv image
    expect 0 cvm cvconvert --import-luks vg0/lv0
    opens key
    opens second
    # Tokens of others stay as they are.
    same "$(cryptsetup token export --token-id 0 judged)" "$(cryptsetup token export --token-id 0 image)"
  done
}

tokens_stay() {
  prepare_lv
  formatted --type luks2
  cryptsetup token add --key-description desk image
  into_lv image
  expect 0 cvm cvconvert --import-luks vg0/lv0
  head -c 40 /dev/urandom >third
  expect 0 cvm cvkey add "${kdf[@]}" --name ann --keyfile key --new-keyfile third vg0/cryptostore1
  expect 0 cvm cvkey remove --keyfile second vg0/cryptostore1
  opens third
  # The slot that went is no longer in it; the rest is as it was.
  same "$(cryptsetup token export --token-id 0 judged)" \
    "$(cryptsetup token export --token-id 0 image | sed 's/,"1"//')"
}

a_header_in_place_gets_copies() {
  prepare_lv
  formatted --type luks1 --align-payload 4096
  expect 0 cvm cvconvert --import-luks vg0/lv0
  cmp -n $((2 << 20)) image <(tail -c "+$((pe_start + 1))" pv0)
  opens key
  expect 0 cvm vgextend vg0 "$PWD/pv1"
  says "taken over as it stands"
  expect 0 cvm cvconvert --copies 2 vg0/cryptostore1
  opens key
  opens second
  expect 0 cvm cvck vg0
  # The place where it stood is overwritten; one copy alone opens.
  if cmp -s -n 4096 image <(tail -c "+$((pe_start + 1))" pv0); then broken "the old header still stands"; fi
  # A backup may be larger than any key file.
  formatted_backup_comes_back
}

formatted_backup_comes_back() {
  rm -f saved
  expect 0 cvm cvkey backup --file saved vg0/cryptostore1
  expect 0 cvm cvkey remove --keyfile second vg0/cryptostore1
  expect 0 cvm cvkey restore -y --file saved vg0/cryptostore1
  says "work again: 1"
  opens second
}

a_large_header_comes_back_from_its_backup() {
  prepare_lv
  formatted --type luks2
  expect 0 cvm cvconvert --import-luks vg0/lv0
  formatted_backup_comes_back
}

a_detached_header() {
  local type
  truncate -s 48M image
  for type in luks1 luks2; do
    prepare_lv
    rm -f header
    cryptsetup luksFormat -q "${kdf[@]}" --key-file key --type "$type" --header header image
    expect 0 cvm cvconvert --import-luks --header "$PWD/header" vg0/lv0
    opens key
    # Nothing of the volume is header: all of it is payload.
    same "$(cvm cvs --noheadings --nosuffix --units m -o lv_size vg0/lv0 | xargs)" 48.00
  done
  prepare_lv
  bad 5 "does not begin with a LUKS header" cvconvert --import-luks --header "$PWD/pv1" vg0/lv0
}

one_key_in_two_stores() {
  prepare_lv
  formatted --type luks1 --key-size 512
  cvm cvcreate -an -L 48M -n lv1 vg0
  dd if=image of=pv0 bs=64k seek=$((pe_start / 65536 + 768)) conv=notrunc status=none
  expect 0 cvm cvconvert --import-luks --keyfile key vg0/lv0
  expect 0 cvm cvconvert --import-luks --keyfile second vg0/lv1
  says "same volume key as vg0/cryptostore1"
  cryptsetup luksDump -q --dump-volume-key --volume-key-file vk --key-file key image
  bad 5 "cryptostore1 has this key already" cvcreate -an --crypt --handler plain --keyfile vk -L 1M -n more vg0
}

copies_of_one_header() {
  local type
  for type in luks1 luks2; do
    prepare_lv
    formatted --type "$type"
    cvm cvcreate -an -L 48M -n lv1 vg0
    dd if=image of=pv0 bs=64k seek=$((pe_start / 65536 + 768)) conv=notrunc status=none
    expect 0 cvm cvconvert --import-luks vg0/lv0
    ! grep -q "same volume key" "$workdir/stderr" || broken "there is no other store yet"
    # No key is given: the digest tells, though another passphrase is taken away.
    expect 0 cvm cvkey remove --keyfile second vg0/cryptostore1
    expect 0 cvm cvconvert --import-luks vg0/lv1
    says "same volume key as vg0/cryptostore1"
  done
}

# The header that the import left in front of the data.
old_header_stands() { cmp -s -n 592 image <(tail -c "+$((pe_start + 1))" pv0); }

imported_by_a_copy() {
  prepare_lv
  formatted --type luks1 --align-payload 5000
  expect 0 cvm cvconvert --import-luks vg0/lv0
  says "--wipe-old-header"
  old_header_stands || broken "there is no old header"
}

old_headers_go_with_the_key() {
  imported_by_a_copy
  expect 0 cvm cvck vg0
  grep -q CRYPT-OLD-HEADER "$workdir/stdout"
  expect 0 cvm cvkey remove --keyfile second vg0/cryptostore1
  says "wipe-old-header vg0/lv0"
  expect 0 cvm cvkey erase --force vg0/cryptostore1
  if old_header_stands; then broken "erase left the old header"; fi
  expect 0 cvm cvck vg0
  if grep -q CRYPT-OLD-HEADER "$workdir/stdout"; then broken "it is still looked for"; fi

  imported_by_a_copy
  expect 0 cvm cvconvert --wipe-old-header vg0/lv0
  if old_header_stands; then broken "it was not wiped"; fi
  opens key

  imported_by_a_copy
  expect 0 cvm cvremove -y vg0/lv0
  if grep -qa $'LUKS\xba\xbe' pv0; then broken "remove left a header"; fi
}

# spoiled TYPE OFFSET BYTES: lv0 holds a header of that type with these bytes there, in hex.
spoiled() {
  formatted --type "$1"
  printf '%b' "$(sed 's/../\\x&/g' <<<"$3")" | dd of=image bs=1 seek="$2" conv=notrunc status=none
  into_lv image
}

headers_that_lie() {
  prepare_lv
  # LUKS1: the key's size, a slot's place, its iterations, its stripes, the payload.
  spoiled luks1 108 00000000
  bad 5 damaged cvconvert --import-luks vg0/lv0
  spoiled luks1 248 7fffffff
  bad 5 damaged cvconvert --import-luks vg0/lv0
  spoiled luks1 296 00000009
  bad 5 "over each other" cvconvert --import-luks vg0/lv0
  spoiled luks1 212 ffffffff
  bad 5 iterations cvconvert --import-luks vg0/lv0
  spoiled luks1 252 0000ffff
  bad 5 stripes cvconvert --import-luks vg0/lv0
  spoiled luks1 104 00000010
  bad 5 payload cvconvert --import-luks vg0/lv0
  spoiled luks1 104 7fffffff
  bad 5 payload cvconvert --import-luks vg0/lv0
  spoiled luks1 72 6e6f6e6500
  bad 5 "" cvconvert --import-luks vg0/lv0
  # LUKS2: its size, a byte of its JSON.
  spoiled luks2 8 00000000ffffffff
  bad 5 damaged cvconvert --import-luks vg0/lv0
  spoiled luks2 4100 5b
  bad 5 damaged cvconvert --import-luks vg0/lv0
}

scenario "JSON areas of every size" every_size_of_json
scenario "tokens stay" tokens_stay
scenario "a header that stands in place gets copies" a_header_in_place_gets_copies
scenario "a header of 16 MiB comes back from its backup" a_large_header_comes_back_from_its_backup
scenario "a detached header" a_detached_header
scenario "one key in two stores" one_key_in_two_stores
scenario "copies of one header" copies_of_one_header
scenario "old headers go with the key" old_headers_go_with_the_key
scenario "headers that lie" headers_that_lie
finish
