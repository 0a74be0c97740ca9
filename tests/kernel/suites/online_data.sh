#!/bin/bash
# What encrypted volumes hold while their size, name and rights change under a writer; and whether the bytes on the PVs
# are what a table made by hand decrypts (judge.py).
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../guest.sh"

disks=(/dev/ubda /dev/ubdb /dev/ubdc)
group() { # OPTION...
  cvm pvcreate "${disks[@]}"
  cvm vgcreate "$@" vg0 "${disks[@]}"
}
# volume NAME SIZE OPTION...: with a plain store of its own, whose master key is the key file.
volume() {
  local name=$1 size=$2
  shift 2
  new_key "$name.key" "${key_bytes:-64}"
  expect 0 cvcreate --crypt --handler plain "$@" -L "$size" -n "$name" --keyfile "$name.key" vg0
}

start_mounted() {
  mkdir -p there
  mount "$1" there
}

# judged NAME STORE=KEYFILE...: the volume, which nobody has open, is what the kernel decrypts with tables from the
# metadata as stock LVM2 writes them, and its device is as long as the metadata says.
judged() {
  local name=$1
  shift
  stock_text vg0
  "$here/../judge.py" text "$name" "$@" /dev/mapper/judge-raw
  blockdev --flushbufs "/dev/mapper/vg0-$name"
  blockdev --flushbufs "${disks[@]}"
  dmsetup create --readonly judge-raw <raw
  dmsetup create --readonly judge-plain <plain
  cmp "/dev/mapper/vg0-$name" /dev/mapper/judge-plain
  same "$(blockdev --getsize64 "/dev/mapper/vg0-$name")" "$(blockdev --getsize64 /dev/mapper/judge-plain)"
  dmsetup remove judge-plain judge-raw
}

# The IVs of a volume as "OFFSET LENGTH" lines, each with its store.
ivs() {
  dmsetup table "vg0-$1" | awk '{ print $6, $2 }'
}
# Whether no IV of the second list was in the first one.
fresh() {
  awk 'NR == FNR { first[NR] = $1; end[NR] = $1 + $2; next }
       { for (n in first) if ($1 < end[n] && first[n] < $1 + $2) { print $1, "was used"; exit 1 } }' "$1" "$2"
}

grows_shrinks_and_grows() {
  group
  volume tst 24M
  make_filesystem /dev/mapper/vg0-tst
  start_mounted /dev/mapper/vg0-tst
  tree_digest there >before
  start_load
  # Over several PVs and pieces, each a line of the table.
  expect 0 cvcreate -an -l 3 -n wedge vg0 /dev/ubda
  expect 0 cvextend -r -L +12M vg0/tst /dev/ubda
  expect 0 cvextend -r -L +8M vg0/tst /dev/ubdb
  expect 0 cvrename vg0/tst new
  # resize2fs would not find what is mounted under another name.
  seqno vg0 >seqno
  expect 5 cvextend -r -l +1 vg0/new
  says "is mounted as /dev/mapper/vg0-tst"
  same "$(seqno vg0)" "$(cat seqno)"
  expect 0 cvextend -l +1 vg0/new /dev/ubdc
  expect 0 cvrename vg0/new tst
  # From pieces of PVs to a hidden device below, under a mount; with what made that needed it goes again.
  no_device vg0-tst_crdata
  expect 0 cvextend -r -i 2 -I 4k -L +8M vg0/tst
  device vg0-tst_crdata
  tree_digest there | cmp - before
  stop_load
  umount there
  e2fsck -f -n /dev/mapper/vg0-tst
  judged tst cryptostore1=tst.key
  ivs tst >full
  # What a reduce gives up and an extension takes again are the same extents, and never the same IVs.
  expect 0 cvreduce -r -L 28M vg0/tst
  no_device vg0-tst_crdata
  ivs tst >kept
  expect 0 cvextend -r -i 1 -L 48M vg0/tst
  judged tst cryptostore1=tst.key
  ivs tst | tail -n +"$(($(wc -l <kept) + 1))" >added
  [ -s added ]
  fresh full added
  cat added >>full
  expect 0 cvreduce -y -l 1 vg0/tst
  expect 0 cvextend -L 40M vg0/tst
  ivs tst | tail -n +2 >added
  fresh full added
  expect 0 cvm cvck vg0
}

three_stripes_of_4k() {
  group -s 1m
  volume tst 18M -i 3 -I 4k --sector-size 4096
  make_filesystem /dev/mapper/vg0-tst
  start_mounted /dev/mapper/vg0-tst
  tree_digest there >before
  start_load
  # Sizes that end inside of a row are rounded; other numbers of stripes follow.
  expect 0 cvextend -r -l +4 vg0/tst
  same "$(lvs -a --noheadings -o seg_size_pe vg0/tst_crdata | xargs)" 24
  expect 0 cvextend -r -i 2 -I 8k -l +3 vg0/tst
  expect 0 cvextend -r -i 1 -l +3 vg0/tst
  same "$(dmsetup table vg0-tst_crdata | awk '{ print $3 }' | xargs)" "striped striped linear"
  tree_digest there | cmp - before
  stop_load
  umount there
  e2fsck -f -n /dev/mapper/vg0-tst
  judged tst cryptostore1=tst.key
  same "$(blockdev --getss /dev/mapper/vg0-tst)" 4096
  expect 0 cvreduce -r -l 23 vg0/tst
  grep -q "24 extents" "$workdir/stdout" "$workdir/stderr"
  expect 0 cvextend -r -l +5 vg0/tst
  judged tst cryptostore1=tst.key
  expect 0 cvm cvck vg0
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before
}

two_stores_in_one_volume() {
  group
  volume tst 16M
  key_bytes=32
  volume more 12M --cipher aes-cbc-essiv:sha256 --key-size 256
  make_filesystem /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >before
  expect 0 cvchange -an vg0
  stock_text vg0
  "$here/../judge.py" text join tst more >joined
  expect 0 cvm vgcfgrestore -f joined vg0
  keys=(cryptostore1=tst.key cryptostore2=more.key)
  for key in "${keys[@]}"; do expect 0 cvkey load --keyfile "${key#*=}" "vg0/${key%=*}"; done
  expect 0 cvchange -ay --no-ask-password vg0
  same "$(dmsetup table vg0-tst | grep -c essiv)" 1
  judged tst "${keys[@]}"
  same "$(blockdev --getsize64 /dev/mapper/vg0-tst)" $((28 << 20))

  e2fsck -f -p /dev/mapper/vg0-tst
  resize2fs /dev/mapper/vg0-tst
  start_mounted /dev/mapper/vg0-tst
  start_load
  expect 0 cvextend -r -L +8M vg0/tst
  tree_digest there | cmp - before
  stop_load
  umount there
  ivs tst >full
  # Back into the first store, whose IVs behind its end are not known to be unused.
  expect 0 cvreduce -r -L 12M vg0/tst
  expect 0 cvextend -r -L 24M vg0/tst
  judged tst "${keys[@]}"
  ivs tst | tail -n +2 >added
  fresh full added
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before
}

payload_that_begins_inside_an_extent() {
  disks=(/dev/ubda /dev/ubdb)
  pvcreate -q "${disks[@]}"
  vgcreate -q -s 1m vg0 "${disks[@]}"
  lvcreate -q -y -L 20M -n tst vg0
  new_key key
  cryptsetup luksFormat -q --type luks1 --align-payload 5000 --pbkdf-force-iterations 1000 --key-file key /dev/vg0/tst
  cryptsetup luksDump -q --dump-volume-key --volume-key-file master --key-file key /dev/vg0/tst
  cryptsetup open --key-file key /dev/vg0/tst theirs
  make_filesystem /dev/mapper/theirs
  on_mounted /dev/mapper/theirs tree_digest >before
  cryptsetup close theirs
  expect 0 cvconvert --import-luks vg0/tst
  expect 0 cvchange -ay --keyfile key vg0/tst
  sectors() { same "$(blockdev --getsz /dev/mapper/vg0-tst)" "$1"; }
  sectors $((20 * 2048 - 5000))
  start_mounted /dev/mapper/vg0-tst
  start_load
  expect 0 cvcreate -an -l 2 -n wedge vg0 /dev/ubda
  # The least number of extents in which so much payload is.
  expect 0 cvextend -r -L 24M vg0/tst /dev/ubda
  sectors $((27 * 2048 - 5000))
  expect 0 cvextend -r -l 31 vg0/tst /dev/ubdb
  sectors $((31 * 2048 - 5000))
  tree_digest there | cmp - before
  stop_load
  umount there
  judged tst cryptostore1=master
  ivs tst >full
  expect 0 cvreduce -r -L 22M vg0/tst
  sectors $((25 * 2048 - 5000))
  expect 0 cvextend -r -L +4M vg0/tst
  sectors $((29 * 2048 - 5000))
  judged tst cryptostore1=master
  ivs tst | tail -n 1 >added
  fresh full added
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before

  seqno vg0 >seqno
  expect 3 cvreduce -y -l 2 vg0/tst
  says "5000 sectors that are no payload"
  same "$(seqno vg0)" "$(cat seqno)"
  expect 0 cvreduce -y -l 3 vg0/tst
  sectors $((3 * 2048 - 5000))
  expect 0 cvextend -l +2 vg0/tst
  judged tst cryptostore1=master
  expect 0 cvm cvck vg0
}

# key_from PLACE: what the last command said of where a key came from.
key_from() { grep -q "key of vg0/cryptostore1 from $1" "$workdir/stdout" "$workdir/stderr"; }

keys_at_hand_or_asked_for_first() {
  group
  new_key key
  new_key other
  expect 0 cvcreate --crypt "${kdf[@]}" -i 2 -L 16M -n tst --keyfile key vg0
  make_filesystem /dev/mapper/vg0-tst
  start_mounted /dev/mapper/vg0-tst
  tree_digest there >before
  expect 0 cvextend -vv --no-ask-password -L +8M vg0/tst
  key_from keyring
  # Gone from the keyring: nothing is written or loaded before the right one is there.
  keyctl clear @u
  seqno vg0 >seqno
  dmsetup table >tables
  for secret in --no-ask-password "--keyfile other"; do
    expect 2 cvextend $secret -r -L +8M vg0/tst
    expect 2 cvchange $secret -p r vg0/tst
    same "$(seqno vg0)" "$(cat seqno)"
    dmsetup table | cmp - tables
    same "$(dmsetup info -c --noheadings -o suspended,tables_loaded vg0-tst)" "Active:Live"
    tree_digest there | cmp - before
  done
  expect 0 cvextend --keyfile key -r -L +8M vg0/tst
  umount there
  keyctl clear @u
  expect 2 cvreduce -y --no-ask-password -L 24M vg0/tst
  e2fsck -f -n /dev/mapper/vg0-tst
  # What e2fsck and resize2fs would do, neither.
  dumpe2fs -h /dev/mapper/vg0-tst | grep "Block count" >blocks
  expect 2 cvreduce -r --no-ask-password -L 24M vg0/tst
  dumpe2fs -h /dev/mapper/vg0-tst | grep "Block count" | cmp - blocks
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before
  # A table that holds its key is as good as the keyring.
  expect 0 cvchange -an vg0
  expect 0 cvchange --config crypt/use_keyring=0 -ay --keyfile key vg0
  expect 0 cvreduce --config crypt/use_keyring=0 -vv --no-ask-password -r -L 24M vg0/tst
  key_from table
  on_mounted /dev/mapper/vg0-tst tree_digest | cmp - before
}

read_only_and_back_under_a_reader() {
  group
  volume tst 24M -i 2
  make_filesystem /dev/mapper/vg0-tst
  on_mounted /dev/mapper/vg0-tst tree_digest >before
  mkdir there
  mount -o ro,noload /dev/mapper/vg0-tst there
  (
    while [ ! -e stop ]; do
      echo 1 >/proc/sys/vm/drop_caches
      tree_digest there | cmp - before || { : >load.broken; exit 1; }
      echo x >>load.rounds
      sleep 0.1
    done
  ) &
  started $!
  for turn in 1 2 3; do
    expect 0 cvchange -p r vg0/tst
    same "$(blockdev --getro /dev/mapper/vg0-tst)" 1
    # Longer while nobody may write to it.
    expect 0 cvextend -l +2 vg0/tst
    same "$(blockdev --getro /dev/mapper/vg0-tst)" 1
    expect 0 cvchange -p rw vg0/tst
    same "$(blockdev --getro /dev/mapper/vg0-tst)" 0
  done
  while [ "$(wc -l <load.rounds)" -lt 2 ] && [ ! -e load.broken ]; do sleep 0.05; done
  touch stop
  wait
  test ! -e load.broken
  umount there
  judged tst cryptostore1=tst.key
  on_mounted /dev/mapper/vg0-tst touch mnt/writable
}

scenario "grows, shrinks and grows under a writer, over several pieces" grows_shrinks_and_grows
scenario "three stripes of 4k, in sectors of 4096 bytes" three_stripes_of_4k
scenario "two stores in one volume" two_stores_in_one_volume
scenario "payload that begins inside an extent" payload_that_begins_inside_an_extent
scenario "keys at hand, or asked for before anything is written" keys_at_hand_or_asked_for_first
scenario "read-only and back under a reader" read_only_and_back_under_a_reader
finish
