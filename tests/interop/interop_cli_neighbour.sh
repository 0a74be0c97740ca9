#!/bin/bash
# What we leave alone: below LVM2's folder nothing changes but archive/ and backup/, whatever is done. And signals.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../kernel/lib.sh"
: "${CVM:?names the program under test}"
cvm() { "$CVM" "$1" --devices "$PWD/pv0,$PWD/pv1" "${@:2}" </dev/null; }
kdf=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)

tree() { (cd "$LVM_SYSTEM_DIR" && find . \( -name archive -o -name backup \) -prune -o -printf '%p %m %i ' -type f -printf '%T@ ' -exec md5sum {} + -o -print | sort); }

the_folder() {
  truncate -s 32M pv0 pv1
  head -c 40 /dev/urandom >key
  mkdir "$LVM_SYSTEM_DIR/devices" "$LVM_SYSTEM_DIR/profile"
  echo 'IDTYPE=devname IDNAME=/dev/none DEVNAME=/dev/none PVID=.' >"$LVM_SYSTEM_DIR/devices/system.devices"
  echo 'local { }' >"$LVM_SYSTEM_DIR/lvmlocal.conf"
  echo '# nothing' >"$LVM_SYSTEM_DIR/profile/some.profile"
  tree >before
  cvm pvcreate "$PWD/pv0" "$PWD/pv1"
  cvm vgcreate vg0 "$PWD/pv0" "$PWD/pv1"
  cvm cvcreate -an -L 4M -n lin vg0
  cvm cvcreate -an --crypt "${kdf[@]}" --handler luks1 -L 8M -n tst --keyfile key vg0
  cvm cvextend -l +1 vg0/lin
  cvm cvs -a vg0
  cvm vgs
  cvm pvs
  cvm vgcfgbackup vg0
  cvm vgcfgbackup -f "$PWD/file" vg0
  cvm vgcfgrestore --list vg0
  cvm vgcfgrestore -f "$PWD/file" vg0
  cvm cvremove -y vg0/tst
  cvm cvremove -y vg0/lin
  cvm vgremove vg0
  cvm pvremove "$PWD/pv0"
  cvm cvs nowhere && broken "a group that is not there"
  tree >after
  diff before after
  test "$(stat -c %a "$LVM_SYSTEM_DIR/archive" "$LVM_SYSTEM_DIR/backup" | sort -u)" = 700
  test "$(find "$LVM_SYSTEM_DIR/archive" "$LVM_SYSTEM_DIR/backup" -type f -printf '%m\n' | sort -u)" = 600
  test "$(find "$LVM_SYSTEM_DIR/archive" -type f ! -name 'vg0_?????-*.vg')" = ""
  same "$(ls -A "$LVM_SYSTEM_DIR/backup")" vg0
}

nothing_in_a_test() {
  truncate -s 32M pv0 pv1
  rm -rf "$LVM_SYSTEM_DIR/archive" "$LVM_SYSTEM_DIR/backup"
  cvm pvcreate -t "$PWD/pv0"
  cvm vgcreate -A n vg0 "$PWD/pv0"
  cvm cvcreate -t -an -L 4M -n lin vg0
  cvm vgremove -t vg0
  cvm vgcfgbackup -t vg0
  test ! -e "$LVM_SYSTEM_DIR/archive"
  test ! -e "$LVM_SYSTEM_DIR/backup"
}

scenario "only archive and backup appear below LVM2's folder" the_folder
scenario "a test writes no file" nothing_in_a_test
finish
