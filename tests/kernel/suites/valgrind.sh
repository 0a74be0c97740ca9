#!/bin/bash
# Create, close and open under valgrind: no bad access, nothing lost.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

checked() {
  expect 0 valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "$CVM" "$@"
}

create_open_and_close() {
  new_key key 64
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  checked cvcreate --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  device vg0-tst
  checked cvchange -an vg0
  no_device vg0-tst
  checked cvchange -ay --keyfile key vg0
  device vg0-tst
}

scenario "create, close and open are clean under valgrind" create_open_and_close
finish
