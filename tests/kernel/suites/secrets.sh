#!/bin/bash
# No key and no passphrase in what the program prints, in the metadata, or in its memory.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../guest.sh"

# Where gdb stops a command: whenever a device is about to go live, the last time after the last table is loaded;
# and at its end.
resume='catch syscall ioctl
condition 1 $rsi == 0xc138fd06'
the_end='catch syscall exit_group'

# core_of WHERE FILE COMMAND...: a core as root would take it, with the pages that are kept out of dumps; of several
# stops the last. Then the limit on cores of its own, which must be 0.
core_of() {
  local where=$1 file=$2
  shift 2
  rm -f "$file"
  printf '%s\n' 'set confirm off' 'set pagination off' 'set use-coredump-filter off' 'set dump-excluded-mappings on' \
    "$where" 'commands 1' 'silent' "gcore $file" \
    'python print(open("/proc/%d/limits" % gdb.selected_inferior().pid).read())' 'continue' 'end' 'run' >script
  gdb -q -batch -x script --args "$@" >gdb.out 2>&1 || true
  grep -v '^Saved\|^$' gdb.out
  grep -q '^Max core file size *0 *0 ' gdb.out
  test -s "$file"
}

volume_key() {
  case $1 in
    plain) cp key master ;;
    *) raw vg0 cryptostore1_crdata >store
       cryptsetup luksDump -q --dump-volume-key --volume-key-file master --key-file key store ;;
  esac
}

nothing_leaks() {
  new_key key 64
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  cvcreate -vvvv --crypt --handler "$1" "${kdf[@]}" -L 40M -n tst --keyfile key vg0 >create.out 2>create.err
  volume_key "$1"
  cvchange -vvvv -an vg0 >close.out 2>close.err
  cvchange -vvvv -ay --keyfile key vg0 >open.out 2>open.err
  cvchange -an vg0
  cat create.* close.* open.* >printed
  grep -q 'derived key of' printed
  stock_text vg0
  core_of "$resume" core.resume "$CVM" cvchange -ay --keyfile key vg0
  device vg0-tst
  cvchange -an vg0
  core_of "$the_end" core.end "$CVM" cvchange -ay --keyfile key vg0
  device vg0-tst
  cvchange -an vg0
  core_of "$the_end" core.create "$CVM" cvcreate --crypt --keystore cryptostore1 -L 4M -n more --keyfile key vg0
  device vg0-more

  "$here/../find_secret.py" key master -- printed text core.resume core.end core.create
  # Nor where the system keeps lists and copies.
  cvchange -ay --keyfile key vg0
  cat /proc/keys >listed
  grep -q ' logon .* cv:' listed
  find "$LVM_SYSTEM_DIR" -type f -exec cat {} + >>listed
  grep -q 'cryptostore1 {' listed
  dmsetup table --showkeys >>listed
  "$here/../find_secret.py" key master -- listed

  # The judge can see: a process that holds the key is caught.
  cat key - <text >with_key
  if "$here/../find_secret.py" key -- with_key; then broken "the judge is blind"; fi
}

a_typed_passphrase_leaks_not() {
  printf 'correct horse battery staple\n' >typed
  tr -d '\n' <typed >passphrase
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  cvcreate -vvvv --crypt "${kdf[@]}" -L 40M -n tst vg0 <typed >printed 2>&1
  cvchange -an vg0
  cvchange -vvvv -ay vg0 <typed >>printed 2>&1
  cvchange -an vg0
  core_of "$resume" core /bin/sh -c "exec '$CVM' cvchange -ay vg0 <typed"
  device vg0-tst
  "$here/../find_secret.py" passphrase -- printed core
}

the_table_names_the_key() {
  new_key key 64
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate --crypt --handler plain -L 40M -n tst --keyfile key vg0
  dmsetup table --showkeys vg0-tst >table
  grep -q ':64:logon:cv:' table
  "$here/../find_secret.py" key -- table
}

scenario "a plain store: nothing in output, metadata or memory" nothing_leaks plain
scenario "a luks2 store: nothing in output, metadata or memory" nothing_leaks luks2
scenario "a typed passphrase: nothing in output or memory" a_typed_passphrase_leaks_not
scenario "the kernel's table names the key and does not hold it" the_table_names_the_key
finish
