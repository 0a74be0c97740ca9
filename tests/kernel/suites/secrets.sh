#!/bin/bash
# No key and no passphrase in what the program prints, in the metadata, or in its memory.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../guest.sh"
: "${OBSERVER:?reads the memory of a command}"

# seen NAME COMMAND...: runs it under the observer, and collects what it says in `printed`.
seen() {
  local name=$1
  shift
  echo "# $*" >>printed
  "$OBSERVER" "$name" "$@" >>printed 2>&1 || broken "status $?: $(tail -n 3 printed)"
  grep -q '^Max core file size *0 *0 ' "$name.limits"
}
# not_in SECRET... -- FILE...
not_in() { "$here/../find_secret.py" "$@"; }
in_each() { # SECRET FILE...: the judge and the observer can see
  local secret=$1 file
  shift
  for file; do
    if not_in "$secret" -- "$file" >/dev/null; then broken "$secret is not in $file: nobody would notice it"; fi
  done
}

volume_key() {
  case $1 in
    plain) cp key master ;;
    *) raw vg0 cryptostore1_crdata >store
       cryptsetup luksDump -q --dump-volume-key --volume-key-file master --key-file key store ;;
  esac
}

# Everything where the system keeps lists and copies, in `listed`.
take_lists() {
  stock_text vg0
  cat text /proc/keys >listed
  find "$LVM_SYSTEM_DIR" -type f -exec cat {} + >>listed
  grep -q 'cryptostore1 {' listed
  dmsetup table --showkeys >>listed
}

nothing_leaks() {
  new_key key 64
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  seen create cvcreate -vvvv --crypt --handler "$1" "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  volume_key "$1"
  cvchange -an vg0
  seen open cvchange -vvvv -ay --keyfile key vg0
  device vg0-tst
  grep -q 'derived key of' printed
  seen more cvcreate --crypt --keystore cryptostore1 -L 4M -n more --keyfile key vg0
  device vg0-more
  cvkey forget vg0/cryptostore1
  seen protect cvchange -vvvv -p r --keyfile key vg0/tst
  take_lists
  grep -q ' logon .* cv:' listed

  not_in key master -- printed listed {create,open,more,protect}.{loaded,end}
  # A process that holds the key is caught.
  od -An -v -tx1 key | tr -d ' \n' >digits
  echo >>digits
  seen holder sh -c 'ulimit -c 0; read -r key <digits; exit 0'
  in_each key holder.end
}

a_typed_passphrase_leaks_not() {
  printf 'correct horse battery staple\n' >typed
  tr -d '\n' <typed >passphrase
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  cvcreate -vvvv --crypt "${kdf[@]}" -L 40M -n tst vg0 <typed >printed 2>&1
  cvchange -an vg0
  seen open cvchange -vvvv -ay vg0 <typed
  device vg0-tst
  not_in passphrase -- printed open.loaded open.end
}

# Where tables hold keys as hex digits both sides are told to wipe what they copied, and nothing stays with us.
keys_in_tables() {
  new_key key 64
  mkdir lvm
  cp "$LVM_SYSTEM_DIR/lvm.conf" lvm
  export LVM_SYSTEM_DIR=$PWD/lvm # until this scenario ends
  printf 'crypt { use_keyring = 0 }\n' >>"$LVM_SYSTEM_DIR/lvm.conf"
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  seen create cvcreate -vvvv --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  volume_key luks2
  dmsetup table --showkeys vg0-tst >table
  in_each master table create.loading
  # Here the key comes from the live table.
  seen extend cvextend -vvvv -L +4M vg0/tst
  seen protect cvchange -vvvv -p r vg0/tst
  grep -q 'from table' printed
  cvchange -an vg0
  seen open cvchange -vvvv -ay --keyfile key vg0
  device vg0-tst
  in_each master {extend,protect,open}.loading
  cat ./*.ioctls
  same "$(cat {create,extend,protect,open}.ioctls | grep -c '^table_load secure')" 4
  ! grep -q '^table_status$' ./*.ioctls || broken "a table is read, and the kernel is not told to wipe it"
  cvchange -an vg0
  take_lists
  not_in key master -- printed listed {create,extend,protect,open}.{loaded,end}
}

# What cvkey does with secrets, one after the other.
cvkey_leaks_not() {
  local store=vg0/cryptostore1
  new_key key 64
  new_key second 48
  new_key third 48
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  seen create cvcreate -an --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  volume_key luks2
  act() { # NAME OPTION...
    seen "$1" cvkey -vvvv "$@" "$store"
  }
  act add "${kdf[@]}" --keyfile key --new-keyfile second
  act change "${kdf[@]}" --keyfile second --new-keyfile third
  act test --keyfile third
  act remove --keyfile third
  act backup --file saved
  act restore -y --keyfile key --file saved
  act convert --keyfile key
  act load --keyfile key
  take_lists
  grep -q ' logon .* cv:' listed
  act forget
  expect 2 "$OBSERVER" wrong cvkey -vvvv test --keyfile second "$store"
  cat "$workdir/stderr" >>printed
  act erase --force
  grep -q 'Key slot 1 of vg0/cryptostore1 added' printed
  not_in key second third master -- printed listed ./*.end
}

# Nobody else of the same user can look into the process, whoever that is.
it_cannot_be_dumped() {
  local as_nobody=(env LVM_SYSTEM_DIR=/etc/lvm setpriv --reuid 65534 --regid 65534 --clear-groups)
  chmod o+x "$workdir"
  mkdir bin
  mount --bind "$(dirname "$CVM")" bin
  seen watched "${as_nobody[@]}" "$PWD/bin/cvm" version
  seen plain "${as_nobody[@]}" sh -c 'ulimit -c 0; exit 0'
  same "$(cat watched.owner)" 0
  same "$(cat plain.owner)" 65534
}

the_table_names_the_key() {
  new_key key 64
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate --crypt --handler plain -L 40M -n tst --keyfile key vg0
  dmsetup table --showkeys vg0-tst >table
  grep -q ':64:logon:cv:' table
  not_in key -- table
}

scenario "a plain store: nothing in output, metadata or memory" nothing_leaks plain
scenario "a luks2 store: nothing in output, metadata or memory" nothing_leaks luks2
scenario "a typed passphrase: nothing in output or memory" a_typed_passphrase_leaks_not
scenario "keys in tables: wiped on both sides" keys_in_tables
scenario "cvkey: nothing in output, metadata or memory" cvkey_leaks_not
scenario "nobody but root looks into the process" it_cannot_be_dumped
scenario "the kernel's table names the key and does not hold it" the_table_names_the_key
finish
