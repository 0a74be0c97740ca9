#!/bin/bash
# Create, open, close and remove under valgrind: no bad access, nothing lost.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

checked() {
  expect 0 valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "$CVM" "$@"
}

clean() {
  new_key key 64
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  checked cvcreate --crypt --handler "$1" "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  device vg0-tst
  checked cvchange -an vg0
  checked cvchange -ay --keyfile key vg0
  device vg0-tst
  checked cvs -a
  checked cvchange -an vg0
  checked cvremove -y vg0/tst
}

scenario "a plain store is handled cleanly" clean plain
scenario "a luks2 store is handled cleanly" clean luks2
finish
