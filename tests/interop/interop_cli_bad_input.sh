#!/bin/bash
# Every way to ask for what can't be done: a sentence, the right exit status, and nothing changed.
# Runs on regular files, without a kernel's help. What needs live devices is in tests/kernel.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/on_files.sh"

names() {
  prepare
  bad 5 nowhere cvcreate -an -L 4M -n x nowhere
  bad 5 nowhere cvs nowhere
  bad 5 nowhere cvchange -an nowhere
  bad 5 none cvextend -L +4M vg0/none
  bad 5 none cvremove -y vg0/none
  bad 5 none cvremove -y vg0/lin vg0/none
  bad 5 none cvs vg0/none
  bad 5 lin cvcreate -an -L 4M -n lin vg0
  bad 5 twice cvcreate -an -L 4M -n twice -n other -n twice vg0
  bad 5 nofile cvcreate -an -L 4M --names-from "$PWD/nofile" vg0
  bad 3 "no names" cvcreate -an -L 4M --names-from "$PWD/empty" vg0
  printf 'one\nlin\n' >some-names
  bad 5 lin cvcreate -an -L 4M --names-from "$PWD/some-names" vg0
  bad 5 vg0 vgcreate vg0 "$PWD/pv0"
  bad 3 "a b" cvcreate -an -L 4M -n "a b" vg0
  bad 3 "." cvcreate -an -L 4M -n . vg0
  bad 3 snapshot cvcreate -an -L 4M -n snapshot vg0
  bad 3 pvmove0 cvcreate -an -L 4M -n pvmove0 vg0
  bad 3 x_rimage_0 cvcreate -an -L 4M -n x_rimage_0 vg0
  bad 3 cryptostore7 cvcreate -an -L 4M -n cryptostore7 vg0
  bad 3 x_crdata cvcreate -an -L 4M -n x_crdata vg0
  bad 3 x_crdata2 cvcreate -an -L 4M -n x_crdata2 vg0
  bad 3 "$(printf 'n%.0s' {1..128})" cvcreate -an -L 4M -n "$(printf 'n%.0s' {1..128})" vg0
  bad 3 elsewhere cvcreate -an --crypt --keystore elsewhere -L 4M -n x --keyfile key vg0
  bad 5 tst_crdata cvremove -y vg0/tst_crdata
  bad 5 cryptostore1 cvremove -y vg0/cryptostore1
  bad 5 cryptostore1 cvremove -y vg0/lin vg0/cryptostore1
  bad 5 "no file" vgcfgrestore -f "$PWD/nofile" vg0
  bad 5 pv0 vgcfgrestore -f "$PWD/pv0" vg0
  bad 5 nowhere vgcfgbackup nowhere
  bad 3 regular vgcfgbackup -f /dev/null vg0
  bad 3 uuid pvcreate --restorefile "$PWD/lvm/backup/vg0" "$PWD/pv0"
  bad 3 noudevsync cvs --noudevsync vg0
  bad 3 noudevsync cvchange -an --noudevsync=perhaps vg0
  bad 3 autobackup cvcreate -an -A perhaps -L 4M -n x vg0
  : >file
  bad 5 archive cvcreate -an --config "backup/archive_dir=\"$PWD/file\"" -L 4M -n x vg0
}

new_names() {
  prepare
  bad 5 none cvrename vg0/none x
  bad 5 nowhere cvrename nowhere/lin x
  bad 5 tst cvrename vg0/lin tst
  bad 3 lin cvrename vg0/lin lin
  bad 3 "a b" cvrename vg0/lin "a b"
  bad 3 pvmove1 cvrename vg0/lin pvmove1
  bad 3 cryptostore2 cvrename vg0/lin cryptostore2
  bad 3 x_crdata cvrename vg0/lin x_crdata
  bad 3 other cvrename vg0/cryptostore1 other
  bad 5 tst_crdata cvrename vg0/tst_crdata x
  bad 3 vg1 cvrename vg0/lin vg1/lin
  bad 3 new cvrename vg0/lin
  bad 3 vg0 cvrename vg0 lin
  expect 0 cvm cvrename --test vg0/lin /dev/vg0/linear
  expect 0 cvm cvs vg0/lin
  expect 0 cvm cvrename vg0/lin /dev/vg0/linear
  expect 0 cvm cvrename vg0 linear lin
  expect 0 cvm cvrename vg0/cryptostore1 cryptostore5
  same "$(cvm cvs --noheadings -o keystore vg0/tst | tr -d ' ')" cryptostore5
}

sizes() {
  prepare
  bad 5 "$(free_extents)" cvcreate -an -L 1G -n x vg0
  bad 5 256 cvcreate -an -L 1G -n x vg0
  bad 5 "$(free_extents)" cvcreate -an --crypt --keystore cryptostore1 -l 100 -n x vg0
  bad 5 100 cvextend -l +100 vg0/lin
  bad 3 10X cvcreate -an -L 10X -n x vg0
  bad 3 twelve cvcreate -an -L twelve -n x vg0
  bad 3 size cvcreate -an -L 0 -n x vg0
  bad 3 size cvcreate -an -n x vg0
  bad 3 99999999999999999999 cvcreate -an -L 99999999999999999999 -n x vg0
  bad 3 16777216E cvcreate -an -L 16777216E -n x vg0
}
free_extents() { cvm vgs --noheadings -o vg_free_count vg0 | tr -d ' '; }

smaller() {
  prepare
  bad 5 none cvreduce -y -L -4M vg0/none
  bad 5 "2 extents" cvreduce -y -l 2 vg0/lin
  bad 5 "only 2" cvreduce -y -l 3 vg0/lin
  bad 5 "at least one" cvreduce -y -l -2 vg0/lin
  bad 5 cvremove cvreduce -y -L -1G vg0/lin
  bad 5 "2 extents" cvreduce -y -L -1M vg0/lin # less than an extent takes none away
  bad 5 "not active" cvreduce -y -r -l 1 vg0/lin
  bad 3 cvextend cvreduce -y -l +1 vg0/lin
  bad 3 cvreduce cvextend -l -1 vg0/lin
  bad 3 size cvreduce -y vg0/lin
  bad 3 -L cvreduce -y -L 4M -l 1 vg0/lin
  bad 3 ORIGIN cvresize -y -l 50%ORIGIN vg0/lin
  bad 3 percent cvresize -y -l 10percent vg0/lin
  bad 5 "no size of its own" cvresize -y -l 1 vg0/tst_crdata
  bad 5 "no size of its own" cvresize -y -l 2 vg0/cryptostore1
  bad 5 "no size of its own" cvextend -l 2 vg0/cryptostore1
  # Nobody to ask, and nobody who said yes.
  bad 5 "not yes" cvreduce -l 1 vg0/lin
  bad 5 "not yes" cvresize -L 4M vg0/tst
  expect 0 cvm cvreduce --test -l 1 vg0/lin
  grep -q "8.00m (2 extents) to 4.00m (1 extents)" "$workdir/stdout"
  expect 0 cvm cvreduce -y -l 1 vg0/lin
  expect 0 cvm cvresize -y -l 50%LV vg0/tst
  same "$(cvm cvs --noheadings -o lv_size vg0/tst | tr -d ' ')" 8.00m
  expect 0 cvm cvresize -l 3 vg0/tst
  same "$(cvm cvs --noheadings -o iv_offset vg0/tst | tr -d ' ' | tr '\n' ' ')" "0 32768 "
}

properties() {
  prepare
  bad 5 "not encrypted" cvchange --discards y vg0/lin
  bad 3 maybe cvchange --discards maybe vg0/tst
  bad 3 inline cvchange --workqueues many vg0/tst
  bad 3 contradict cvchange -an --forget-keys vg0/tst
  bad 5 none cvchange --addtag t vg0/none
  bad 5 nobody cvchange --addtag t @nobody
  bad 3 "a b" cvchange --addtag "a b" vg0/lin
  bad 3 -a cvchange -ay --addtag t vg0/lin
  bad 3 "which volumes" cvchange --addtag t
  bad 3 -p cvchange -p rx vg0/lin
  bad 3 --alloc cvchange --alloc everywhere vg0/lin
  bad 5 keystore cvchange --addtag t vg0/cryptostore1
  bad 5 hidden cvchange -p r vg0/tst_crdata
  bad 5 encrypted cvchange --setactivationskip n vg0/tst
  bad 3 --retry cvchange -ay --retry vg0
  bad 3 --refresh cvchange -ay --refresh vg0
  bad 3 --refresh cvchange --refresh --addtag t vg0
  bad 3 --refresh vgchange --refresh --addtag t vg0
  bad 5 none cvchange --refresh vg0/none
  bad 5 keystore cvchange --refresh vg0/cryptostore1
  bad 3 "--persistent y" cvchange --minor 5 vg0/lin
  bad 3 "--persistent y" cvchange -Mn --minor 5 vg0/lin
  bad 3 number cvchange -My vg0/lin
  bad 3 --minor cvchange -My --minor 1048576 vg0/lin
  bad 3 much cvchange -r much vg0/lin
  bad 3 "too much" cvchange -r 2t vg0/lin
  bad 5 "minor number 7" cvcreate -an -L 4M -My --minor 7 -n a -n b vg0
  expect 0 cvm cvchange -r 3 vg0/lin
  says "8 sectors"
  expect 0 cvm cvchange -My --minor 7 -r 512 vg0/lin
  bad 5 "vg0/lin has the minor number 7" cvchange -My --minor 7 vg0/tst
  same "$(cvm cvs --noheadings -o lv_minor,lv_read_ahead,lv_attr vg0/lin | xargs)" "7 256.00k -wimXX----"
  expect 0 cvm cvchange -Mn -r auto vg0/lin
  same "$(cvm cvs --noheadings -o lv_minor,lv_read_ahead vg0/lin | xargs)" "-1 auto"
  expect 0 cvm cvchange --addtag one --addtag two -p r vg0
  same "$(cvm cvs --noheadings -o lv_tags vg0/tst | tr -d ' ')" one,two
  expect 0 cvm cvchange --deltag two @one
  same "$(cvm cvs --noheadings -o lv_tags vg0/lin | tr -d ' ')" one
  bad 0 "Nothing to change" cvchange -p r @one
  expect 0 cvm cvremove -y @one
  same "$(cvm vgs --noheadings -o lv_count vg0 | tr -d ' ')" 0
}

options() {
  prepare
  bad 3 --nonsense cvcreate --nonsense -L 4M vg0
  bad 3 -L cvcreate -an -L 4M -l 1 -n x vg0
  bad 3 "volume group" cvcreate -an -L 4M -n x
  bad 3 cipher cvcreate -an --crypt --keystore cryptostore1 --cipher serpent-xts-plain64 -L 4M -n x vg0
  bad 3 handler cvcreate -an --crypt --keystore cryptostore1 --handler plain -L 4M -n x vg0
  bad 3 --cipher cvcreate -an --cipher aes-xts-plain64 -L 4M -n x vg0
  bad 3 --keyfile cvcreate -an --keyfile key -L 4M -n x vg0
  bad 3 frobnicate frobnicate
  bad 3 -a cvchange vg0
  bad 3 import cvconvert vg0/lin
  bad 5 nosuch cvcreate -an --crypt --handler nosuch -L 4M -n x --keyfile key vg0
  bad 5 ../luks2 cvcreate -an --crypt --handler ../luks2 -L 4M -n x --keyfile key vg0
  bad 5 nosuch cvcreate -an --crypt --cipher nosuch-xts-plain64 -L 4M -n x --keyfile key vg0
}

key_files() {
  prepare
  bad 2 missing cvcreate -an --crypt "${kdf[@]}" -L 4M -n x --keyfile missing vg0
  bad 2 empty cvcreate -an --crypt "${kdf[@]}" -L 4M -n x --keyfile empty vg0
  bad 2 64 cvcreate -an --crypt --handler plain -L 4M -n x --keyfile short vg0
  bad 2 63 cvcreate -an --crypt --handler plain -L 4M -n x --keyfile short vg0
  bad 2 65 cvcreate -an --crypt --handler plain -L 4M -n x --keyfile long vg0
  bad 2 key cvcreate -an --crypt --keystore cryptostore1 -L 4M -n x --keyfile wrong vg0
  truncate -s 9M huge
  bad 2 huge cvcreate -an --crypt "${kdf[@]}" -L 4M -n x --keyfile huge vg0
  bad 2 key cvcreate -an --crypt "${kdf[@]}" -L 4M -n x --no-ask-password vg0
  bad 2 "" cvcreate -an --crypt "${kdf[@]}" -L 4M -n x vg0
  # A trailing newline is the commonest wrong key file: the sentence says so.
  { cat wrong; echo; } >newline
  bad 2 newline cvcreate -an --crypt --keystore cryptostore1 -L 4M -n x --keyfile newline vg0
}

imports() {
  prepare
  bad 5 LUKS cvconvert --import-luks vg0/lin
  bad 5 tst cvconvert --import-luks vg0/tst
  bad 5 none cvconvert --import-luks vg0/none
}

a_store_without_its_handler() {
  prepare
  "$here/edit_text.py" 'handler = "luks2"' 'handler = "alien"' pv0 pv1
  expect 0 cvm cvs -a -o lv_name,key_handler vg0
  grep -q alien "$workdir/stdout"
  bad 5 alien cvcreate -an --crypt --keystore cryptostore1 -L 4M -n x --keyfile key vg0
  expect 0 cvm cvcreate -an --crypt --keystore cryptostore1 -L 4M -n keyless vg0
  "$here/edit_text.py" pv0 | grep -q 'handler = "alien"'
  # What needs the handler is refused; what is not ours to understand is kept.
  bad 5 alien cvchange -ay --keyfile key vg0/tst
  for verb in list add change remove convert test load; do
    bad 5 alien cvkey "$verb" vg0/cryptostore1
  done
  # Everything else goes on: it is saved, moved, renamed, shown with its volumes, erased and removed.
  expect 0 cvm cvkey backup --file saved vg0/cryptostore1
  truncate -s 64M pv2
  pvs+=,$PWD/pv2
  expect 0 cvm vgextend vg0 "$PWD/pv2"
  expect 0 cvm cvconvert --copies 1 vg0/cryptostore1
  expect 0 cvm cvconvert --copies 2 vg0/cryptostore1
  expect 0 cvm cvrename vg0/cryptostore1 cryptostore7
  expect 0 cvm cvrename vg0/tst house
  expect 0 cvm cvextend -L +4M vg0/house
  expect 0 cvm cvs -o lv_name,segtype,keystore,key_handler vg0/house
  grep -q "crypt *cryptostore7 *alien" "$workdir/stdout"
  cvm cvkey backup --file moved vg0/cryptostore7
  cmp saved moved
  expect 0 cvm cvkey erase --force vg0/cryptostore7
  expect 0 cvm cvkey restore --force --file saved vg0/cryptostore7
  expect 0 cvm cvremove -y vg0/house vg0/keyless
  same "$(cvm cvs -a --noheadings -o lv_name vg0 | xargs)" lin
}

copies() {
  prepare
  bad 3 "at least one" cvconvert --copies 0 vg0/cryptostore1
  bad 3 copies cvconvert --copies 17 vg0/cryptostore1
  bad 3 copies cvconvert --copies 2 --wipe-old-header vg0/tst
  bad 3 header cvconvert --copies 2 --header key vg0/cryptostore1
  bad 5 "room for 2 copies" cvconvert --copies 3 vg0/cryptostore1
  bad 5 "no keystore" cvconvert --copies 2 vg0/tst
  bad 5 none cvconvert --copies 2 vg0/none
  expect 0 cvm cvcreate -an --crypt --handler hashed --pbkdf-force-iterations 1000 -L 4M -n h --keyfile wrong vg0
  bad 5 "keeps no bytes" cvconvert --copies 2 vg0/cryptostore2
  expect 0 cvm cvconvert --test --copies 1 vg0/cryptostore1
  grep -q "1 copy instead of 2" "$workdir/stdout"

  # A keystore is never left without a copy.
  rm -f pv0 pv1
  prepare
  cvm cvconvert --copies 1 vg0/cryptostore1
  cvm cvremove -y vg0/lin
  home=$(cvm cvs -a --noheadings -o devices vg0/cryptostore1_crdata | xargs)
  home=${home%%(*}
  other=$PWD/pv0
  [ "$home" = "$other" ] && other=$PWD/pv1
  cvm cvremove -y --keep-store vg0/tst
  cvm cvcreate -an -l 100%PVS -n rest vg0 "$other"
  bad 5 "only copy" vgreduce vg0 "$home"
}

a_missing_disk() {
  prepare
  pvs=$PWD/pv0
  bad 5 missing cvcreate -an -L 4M -n x vg0
  # What can't be overwritten is named, and where it is.
  bad 5 "would survive" cvremove -y vg0/tst
  says "last seen as $PWD/pv1"
  says "vgreduce --removemissing vg0"
  bad 5 "would survive" cvremove -y vg0
  bad 5 "would survive" cvkey erase --force vg0/cryptostore1
  says "last seen as $PWD/pv1"
  bad 5 "is missing" cvremove -y --keep-store vg0/tst
  bad 5 "is missing" cvremove -y vg0/lin
  expect 0 cvm cvs vg0
  expect 0 cvm vgs vg0
}

another_host() {
  prepare
  "$here/edit_text.py" 'format = "lvm2"' 'format = "lvm2"
system_id = "elsewhere"' pv0 pv1
  bad 5 elsewhere cvcreate -an -L 4M -n x vg0
  bad 5 elsewhere cvremove -y vg0/lin
}

exported() {
  prepare
  "$here/edit_text.py" 'status = ["RESIZEABLE", ' 'status = ["EXPORTED", "RESIZEABLE", ' pv0 pv1
  bad 5 exported cvcreate -an -L 4M -n x vg0
  bad 5 exported cvremove -y vg0/lin
}

# spoil DISK OFFSET: 512 bytes of noise.
spoil() { dd if=/dev/urandom of="$1" bs=1 seek="$2" count=512 conv=notrunc status=none; }

damage() {
  prepare
  cp pv0 pv0.good
  cp pv1 pv1.good

  spoil pv0 512 # the label
  bad 5 "" cvcreate -an -L 4M -n x vg0
  cp pv0.good pv0

  spoil pv0 4096 # one of two metadata areas: the other has it
  expect 0 cvm cvs vg0/tst
  expect 0 cvm vgs vg0

  spoil pv1 4096
  bad 5 "" cvs vg0
  bad 5 "" cvcreate -an -L 4M -n x vg0
  cp pv0.good pv0
  cp pv1.good pv1

  "$here/edit_text.py" 'segment_count = 1' 'segment_count = 7' pv0 pv1
  bad 5 segment cvs vg0
  bad 5 segment cvcreate -an -L 4M -n x vg0
}

a_change_raises_the_seqno_by_one() {
  prepare
  before=$(cvm vgs --noheadings -o vg_seqno vg0 | tr -d ' ')
  expect 0 cvm cvcreate -an -L 4M -n x vg0
  same "$(cvm vgs --noheadings -o vg_seqno vg0 | tr -d ' ')" $((before + 1))
  same "$("$here/edit_text.py" pv0)" "$("$here/edit_text.py" pv1)"
  expect 0 cvm cvcreate --test -an -L 4M -n y vg0
  same "$(cvm vgs --noheadings -o vg_seqno vg0 | tr -d ' ')" $((before + 1))
}

groups() {
  prepare
  truncate -s 64M pv2
  bad 3 "" vgextend vg0
  bad 5 nowhere vgextend nowhere "$PWD/pv1"
  bad 5 "$PWD/pv0" vgextend vg0 "$PWD/pv0"
  bad 3 twice vgextend vg0 "$PWD/pv1" "$PWD/pv1"
  bad 5 pv2 vgextend vg0 "$PWD/pv2"
  bad 5 "not missing" vgextend --restoremissing vg0 "$PWD/pv1"
  bad 3 --all vgreduce vg0
  bad 3 --force vgreduce -f vg0 "$PWD/pv0"
  bad 3 removemissing vgreduce --removemissing vg0 "$PWD/pv0"
  bad 5 "still in use" vgreduce vg0 "$PWD/pv0"
  bad 5 pv2 vgreduce vg0 "$PWD/pv2"
  bad 5 yes vgremove vg0
  bad 5 nowhere vgremove -y nowhere
  bad 3 "" vgremove
  bad 3 "a b" vgrename vg0 "a b"
  bad 3 already vgrename vg0 vg0
  bad 5 nowhere vgrename nowhere other
  bad 5 null vgrename vg0 null
  bad 5 "not exported" vgimport vg0
  bad 3 --all vgexport
  bad 3 change vgchange vg0
  bad 3 activate vgchange -ay --addtag x vg0
  bad 3 "no spaces" vgchange --addtag "no spaces" vg0
  bad 3 divided vgchange -s 64M vg0
  bad 3 3k vgchange -s 3k vg0
  bad 5 volumes vgchange --logicalvolume 1 vg0
  bad 5 physical vgchange --maxphysicalvolumes 1 vg0
  bad 5 yes vgchange --systemid elsewhere vg0
  bad 3 many vgchange --metadatacopies many vg0
  bad 3 change pvchange "$PWD/pv0"
  bad 3 --all pvchange -x n
  bad 5 pv2 pvchange -x n "$PWD/pv2"
  bad 5 vgreduce pvchange --uuid "$PWD/pv0"
  bad 5 "no metadata area" pvchange --metadataignore y "$PWD/pv0" "$PWD/pv1"
  bad 5 extent pvresize -y --setphysicalvolumesize 8M "$PWD/pv0"
  bad 5 yes pvresize --setphysicalvolumesize 60M "$PWD/pv0"
  bad 5 pv2 pvresize "$PWD/pv2"
  bad 3 "which physical volumes" vgsplit vg0 vg1
  bad 5 "need each other" vgsplit vg0 vg1 "$PWD/pv1"
  bad 5 vgrename vgsplit vg0 vg1 "$PWD/pv0" "$PWD/pv1"
  bad 5 already vgsplit vg0 vg0 "$PWD/pv1"
  bad 5 none vgsplit -n none vg0 vg1
  bad 5 nowhere vgsplit nowhere vg0 "$PWD/pv1"
  bad 3 twice vgmerge vg0 vg0
  bad 5 nowhere vgmerge vg0 nowhere
  bad 5 -ff pvcreate -y "$PWD/pv0"
  bad 5 yes pvcreate -ff "$PWD/pv0"
  bad 5 yes pvremove -ff "$PWD/pv0"
}

scenario "names: unknown, taken, illegal, reserved" names
scenario "new names: unknown, taken, illegal, reserved" new_names
scenario "sizes: unreadable, zero, too large, no space" sizes
scenario "smaller: not at all, too much, too little, without a yes" smaller
scenario "properties: of what has none, none, contradictory" properties
scenario "options: unknown, missing, contradictory" options
scenario "key files: missing, empty, too long, too short, wrong" key_files
scenario "imports of what is no LUKS volume" imports
scenario "copies of keystores" copies
scenario "groups and PVs that can't be changed so" groups
scenario "a store whose handler is not installed" a_store_without_its_handler
scenario "a missing disk" a_missing_disk
scenario "a group of another host" another_host
scenario "an exported group" exported
scenario "damaged labels, metadata areas and texts" damage
scenario "one change is one seqno, a test is none" a_change_raises_the_seqno_by_one
finish
