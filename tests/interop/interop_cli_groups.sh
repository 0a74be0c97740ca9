#!/bin/bash
# Groups and PVs changed by us, on loop devices: stock LVM2 reads the same, finds nothing wrong, and goes on.
set -eu
here=$(dirname "$(readlink -f "$0")")
PATH=$PATH:/usr/sbin:/sbin
# Where this machine has no loop devices, under a kernel of its own.
if [ -z "${CVM_HAS_LOOP:-}" ]; then
  CVM_HAS_LOOP=1 exec "$here/disk/with_loop_devices" "$(readlink -f "$0")"
fi
. "$here/../kernel/lib.sh"
: "${CVM:?names the program under test}"

disks=()
cleanup_scenario() {
  local disk
  for disk in $(losetup -n -O NAME,BACK-FILE | awk -v room="$workdir/room/" 'index($2, room) == 1 { print $1 }'); do
    losetup --detach "$disk"
  done
}

# Loop devices of 32 MiB that nobody else sees: $1 of them, as ${disks[0]}, ${disks[1]}, ...
attach() {
  local number
  disks=()
  for number in $(seq 0 $(($1 - 1))); do
    truncate -s 32M "disk$number"
    disks+=("$(losetup --find --show "$PWD/disk$number")")
  done
  hide
}
# These disks are away for both programs, all others are there.
hide() {
  local disk filter=
  for disk in "${disks[@]}"; do
    case " $* " in *" $disk "*) ;; *) filter+="\"a|^$disk\$|\", " ;; esac
  done
  cat >"$LVM_SYSTEM_DIR/lvm.conf" <<CONF
devices { filter = [$filter"r|.*|"] global_filter = [$filter"r|.*|"] use_devicesfile = 0 }
global { locking_dir = "$PWD/lock" use_aio = 0 use_lvmpolld = 0 }
backup { backup = 0 archive = 0 }
activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }
CONF
}
cvm() { "$CVM" "$1" --driverloaded n "${@:2}" </dev/null; }
stock() { lvm "$@" --driverloaded n 2>stock.err </dev/null || { cat stock.err >&2; return 5; }; }

# Both say the same of the groups and PVs, and stock finds nothing to complain about.
judge() {
  local vg fields
  for vg in "$@"; do stock vgck "$vg"; done
  fields=vg_name,vg_uuid,vg_seqno,vg_attr,pv_count,lv_count,vg_extent_size,vg_extent_count,vg_free_count
  fields+=,max_lv,max_pv,vg_tags,vg_systemid,vg_mda_count,vg_mda_used_count
  both_say vgs "$fields"
  both_say pvs pv_name,pv_uuid,vg_name,pv_attr,pv_size,pv_free,dev_size,pe_start,pv_pe_count,pv_tags,pv_mda_count,pv_mda_used_count
  both_say lvs vg_name,lv_name,lv_uuid,lv_size,seg_start_pe,seg_pe_ranges
  ! grep -v 'Activation disabled' stock.err | grep -q WARNING || broken "stock warns: $(cat stock.err)"
}
both_say() {
  local ours=$1
  [ "$1" = lvs ] && ours=cvs
  local options=(--noheadings --units s --separator '|' -o "$2")
  cvm "$ours" "${options[@]}" | sort >ours
  stock "$1" "${options[@]}" | sort >theirs
  diff -u theirs ours || broken "$1 differs"
}
# Stock can change the group, and so can we afterwards.
go_on() {
  stock vgchange --addtag theirs "$1"
  cvm vgchange --addtag ours "$1"
  judge "$1"
}

joining_and_leaving() {
  attach 3
  cvm vgcreate vg0 "${disks[0]}"
  cvm vgextend vg0 "${disks[1]}" "${disks[2]}"
  judge vg0
  stock lvcreate -an -Zn -Wn -n a -l 2 vg0 "${disks[1]}"
  expect 5 cvm vgreduce vg0 "${disks[1]}"
  says "/a lies on it"
  cvm vgreduce vg0 "${disks[2]}"
  judge vg0
  cvm vgextend vg0 "${disks[2]}"
  cvm vgreduce -a vg0
  judge vg0
  [ "$(stock pvs --noheadings -o vg_name "${disks[0]}" | tr -d ' ')" = "" ]
  stock vgextend vg0 "${disks[0]}"
  judge vg0
  go_on vg0
}

lost_disks() {
  attach 3
  cvm vgcreate vg0 "${disks[@]}"
  cvm cvcreate -an -n a -l 2 vg0 "${disks[0]}"
  cvm cvcreate -an -n b -l 2 vg0 "${disks[1]}"
  hide "${disks[2]}"
  expect 5 cvm vgchange --addtag x vg0
  says removemissing
  cvm vgreduce --removemissing vg0
  judge vg0
  hide "${disks[1]}" "${disks[2]}"
  cvm vgreduce --removemissing vg0
  [ "$(cvm vgs --noheadings -o vg_missing_pv_count vg0 | tr -d ' ')" = 1 ]
  [ "$(stock vgs --noheadings -o vg_missing_pv_count vg0 | tr -d ' ')" = 1 ]
  hide "${disks[2]}"
  expect 5 cvm vgchange --addtag x vg0
  cvm vgextend --restoremissing vg0 "${disks[1]}"
  judge vg0
  hide "${disks[1]}" "${disks[2]}"
  expect 5 cvm vgreduce --removemissing --force vg0
  says yes
  cvm vgreduce --removemissing --force -y vg0
  judge vg0
  go_on vg0
}

a_disk_that_comes_back_unused() {
  attach 2
  cvm vgcreate vg0 "${disks[@]}"
  cvm cvcreate -an -n a -l 2 vg0 "${disks[1]}"
  hide "${disks[1]}"
  cvm vgreduce --removemissing vg0
  stock lvremove -y vg0/a
  hide
  cvm vgchange --addtag back vg0
  judge vg0
  [ "$(stock vgs --noheadings -o vg_missing_pv_count vg0 | tr -d ' ')" = 0 ]
}

names() {
  attach 2
  cvm vgcreate vg0 "${disks[0]}"
  cvm vgcreate other "${disks[1]}"
  cvm cvcreate -an -n a -l 2 vg0
  cvm vgrename vg0 vg1
  judge vg1 other
  expect 5 cvm vgrename vg1 other
  says other
  cvm vgrename "$(cvm vgs --noheadings -o vg_uuid vg1 | tr -d ' ')" vg2
  judge vg2 other
  stock vgrename vg2 vg3
  cvm vgrename vg3 vg4
  go_on vg4
}

removal() {
  attach 2
  cvm vgcreate vg0 "${disks[@]}"
  cvm cvcreate -an -n a -l 2 vg0
  expect 5 cvm vgremove vg0
  says yes
  cvm vgremove -y vg0
  [ -z "$(stock vgs --noheadings)" ]
  stock vgcreate vg0 "${disks[@]}"
  stock lvcreate -an -Zn -Wn -n a -l 2 vg0
  cvm vgremove -f vg0
  stock pvremove "${disks[@]}"
}

# One commit for all that come, one for all that go.
many_at_once() {
  attach 2
  cvm vgcreate -s 1m vg0 "${disks[@]}"
  seq -f 'n%02g' 1 40 >names
  cvm cvcreate -an -l 1 --names-from names vg0
  judge vg0
  [ "$(stock vgs --noheadings -o vg_seqno,lv_count vg0 | xargs)" = "2 40" ]
  stock lvremove -f vg0/n07
  cvm cvremove -y vg0
  [ "$(stock vgs --noheadings -o vg_seqno,lv_count vg0 | xargs)" = "4 0" ]
  judge vg0
}

going_elsewhere() {
  attach 2
  cvm vgcreate vg0 "${disks[@]}"
  cvm vgexport vg0
  judge # stock's vgck refuses what is exported
  expect 5 cvm vgchange --addtag x vg0
  says exported
  stock vgimport vg0
  judge vg0
  stock vgexport vg0
  cvm vgimport -a
  judge vg0
  go_on vg0
}

properties() {
  attach 2
  cvm vgcreate -s 1m -p 5 -l 7 --addtag one --alloc cling --setautoactivation n vg0 "${disks[@]}"
  judge vg0
  cvm vgchange --addtag two --deltag one --logicalvolume 9 --maxphysicalvolumes 0 --alloc normal vg0
  judge vg0
  stock lvcreate -an -Zn -Wn -n a -l 4 vg0 "${disks[1]}"
  stock lvcreate -an -Zn -Wn -n b -i 2 -I 64k -l 4 vg0
  cvm vgchange -s 512k vg0
  judge vg0
  expect 3 cvm vgchange -s 16m vg0
  stock vgchange -s 1m vg0
  cvm vgchange --resizeable n vg0
  judge vg0
  expect 5 cvm vgreduce vg0 "${disks[0]}"
  cvm vgchange --resizeable y --setautoactivation y vg0
  cvm vgchange --uuid vg0
  judge vg0
  cvm pvchange -x n --addtag slow "${disks[0]}"
  judge vg0
  stock pvchange -x y "${disks[0]}"
  go_on vg0
}

areas() {
  attach 3
  stock pvcreate --metadatacopies 2 "${disks[@]}"
  cvm vgcreate --vgmetadatacopies 2 vg0 "${disks[@]}"
  judge vg0
  cvm vgchange --metadatacopies 5 vg0
  judge vg0
  stock vgchange --vgmetadatacopies 3 vg0
  judge vg0
  cvm pvchange -y --metadataignore y "${disks[0]}"
  judge vg0
  cvm vgchange --metadatacopies unmanaged vg0
  cvm pvchange --metadataignore n "${disks[@]}"
  judge vg0
  cvm pvchange --metadataignore y "${disks[1]}"
  judge vg0
  cvm pvchange --metadataignore n "${disks[0]}" "${disks[1]}"
  judge vg0
  cvm vgchange --metadatacopies all vg0
  go_on vg0
}

sizes() {
  attach 2
  cvm vgcreate vg0 "${disks[0]}"
  cvm pvcreate "${disks[1]}"
  truncate -s 64M disk0 disk1
  losetup --set-capacity "${disks[0]}"
  losetup --set-capacity "${disks[1]}"
  cvm pvresize "${disks[@]}"
  judge vg0
  [ "$(cvm pvs --noheadings -o pv_pe_count "${disks[0]}" | tr -d ' ')" = 15 ]
  cvm cvcreate -an -n a -l 8 vg0
  expect 5 cvm pvresize -y --setphysicalvolumesize 32m "${disks[0]}"
  says "extent 8"
  cvm pvresize -y --setphysicalvolumesize 40m "${disks[0]}"
  judge vg0
  stock pvresize "${disks[0]}"
  judge vg0
  go_on vg0
}

sizes_with_an_area_at_the_end() {
  attach 2
  cvm pvcreate --pvmetadatacopies 2 "${disks[@]}"
  cvm vgcreate vg0 "${disks[0]}"
  cvm cvcreate -an -n a -l 3 vg0
  truncate -s 64M disk0 disk1
  losetup --set-capacity "${disks[0]}"
  losetup --set-capacity "${disks[1]}"
  cvm pvresize "${disks[@]}"
  judge vg0
  [ "$(cvm pvs --noheadings -o pv_pe_count "${disks[0]}" | tr -d ' ')" = 15 ]
  [ "$(stock pvs --noheadings -o pv_mda_count "${disks[0]}" | tr -d ' ')" = 2 ]
  cvm pvresize -y --setphysicalvolumesize 40m "${disks[0]}"
  judge vg0
  # Stock finds both copies where the label says, and nothing to do but its own size.
  stock pvck "${disks[0]}"
  stock pvresize "${disks[0]}"
  judge vg0
  cvm vgextend vg0 "${disks[1]}"
  cvm pvchange --metadataignore y "${disks[1]}"
  cvm pvresize -y --setphysicalvolumesize 50m "${disks[1]}"
  judge vg0
  [ "$(stock pvs --noheadings -o pv_mda_used_count "${disks[1]}" | tr -d ' ')" = 0 ]
  go_on vg0
}

parting_and_joining() {
  attach 3
  cvm vgcreate vg0 "${disks[@]}"
  cvm cvcreate -an -n a -l 2 vg0 "${disks[0]}"
  cvm cvcreate -an -n b -l 2 vg0 "${disks[1]}"
  cvm cvcreate -an -n c -l 4 -i 2 vg0 "${disks[1]}" "${disks[2]}"
  expect 5 cvm vgsplit vg0 vg1 "${disks[1]}"
  says /c
  cvm vgsplit vg0 vg1 "${disks[1]}" "${disks[2]}"
  judge vg0 vg1
  stock vgsplit vg1 vg2 "${disks[2]}" && broken "stock parts a striped volume"
  cvm vgmerge vg1 vg0
  judge vg1
  stock vgsplit -n a vg1 vg0
  judge vg0 vg1
  cvm vgmerge vg0 vg1
  judge vg0
  cvm vgsplit -n c vg0 vg1
  go_on vg0
  go_on vg1
}

from_one_group_to_another() {
  attach 3
  cvm vgcreate vg0 "${disks[0]}" "${disks[1]}"
  cvm vgcreate vg1 "${disks[2]}"
  cvm cvcreate -an -n a -l 2 vg0 "${disks[0]}"
  cvm cvcreate -an -n b -l 2 vg0 "${disks[1]}"
  cvm cvcreate -an -n b -l 1 vg1
  expect 3 cvm vgsplit --alloc cling vg0 vg1 "${disks[1]}"
  says exists
  # What can't be merged is not split.
  expect 5 cvm vgsplit vg0 vg1 "${disks[1]}"
  says "both vg1 and vg0 have a volume b"
  judge vg0 vg1
  cvm cvrename vg1 b c
  expect 0 cvm vgsplit -t vg0 vg1 "${disks[1]}"
  same "$(cvm vgs --noheadings -o vg_name,pv_count,lv_count | xargs)" "vg0 2 2 vg1 1 1"
  expect 0 cvm vgsplit vg0 vg1 "${disks[1]}"
  same "$(cvm vgs --noheadings -o vg_name,pv_count,lv_count | xargs)" "vg0 1 1 vg1 2 2"
  judge vg0 vg1
  go_on vg0
  go_on vg1
}

marked_for_nothing() {
  attach 2
  stock vgcreate vg0 "${disks[0]}"
  dd if="${disks[0]}" of=label bs=512 skip=1 count=1 status=none
  stock vgremove vg0
  dd if=label of="${disks[0]}" bs=512 seek=1 conv=notrunc,fsync status=none
  expect 5 cvm vgcreate vg1 "${disks[0]}"
  says yes
  cvm vgcreate -y vg1 "${disks[0]}"
  judge vg1
}

scenario joining_and_leaving joining_and_leaving
scenario lost_disks lost_disks
scenario a_disk_that_comes_back_unused a_disk_that_comes_back_unused
scenario names names
scenario removal removal
scenario "many volumes at once" many_at_once
scenario going_elsewhere going_elsewhere
scenario properties properties
scenario areas areas
scenario sizes sizes
scenario "sizes with a metadata area at the end" sizes_with_an_area_at_the_end
scenario parting_and_joining parting_and_joining
scenario "from one group to another" from_one_group_to_another
scenario marked_for_nothing marked_for_nothing
finish
