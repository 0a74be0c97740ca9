#!/bin/bash
# Several volumes, one store: one derivation of the key, and never one IV under one key twice.
set -eu
. "$(dirname "$(readlink -f "$0")")/../guest.sh"

derivations() { grep -c "derived key of vg0/$1" "$workdir/stderr" || true; }

two_volumes() {
  new_key key
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate --crypt "${kdf[@]}" --keystore cryptostore1 -L 32M -n one --keyfile key vg0
}

one_derivation_for_both() {
  two_volumes
  # The store is open: nobody is asked.
  expect 0 cvcreate --crypt --keystore cryptostore1 -L 32M -n two -vv vg0
  same "$(derivations cryptostore1)" 0
  expect 0 cvchange -an vg0

  expect 0 cvchange -ay -vv --keyfile key vg0
  same "$(derivations cryptostore1)" 1
  device vg0-one
  device vg0-two
}

another_process_asks_nobody() {
  two_volumes
  expect 0 cvcreate -an --crypt --keystore cryptostore1 -L 32M -n two vg0
  expect 0 cvchange -an vg0
  expect 0 cvchange -ay -vv --keyfile key vg0/one
  same "$(derivations cryptostore1)" 1
  expect 0 cvchange -ay -vv vg0/two
  same "$(derivations cryptostore1)" 0
  device vg0-two

  # The last volume that closes takes the key with it.
  expect 0 cvchange -an vg0
  expect 2 cvchange -ay --no-ask-password vg0
  no_device vg0-one
}

no_key_for_an_inactive_volume() {
  two_volumes
  expect 0 cvchange -an vg0
  expect 0 cvcreate -an --crypt --keystore cryptostore1 -L 32M -n two vg0
  expect 2 cvcreate -an --crypt --keystore cryptostore1 -L 32M -n three --keyfile /etc/hostname vg0
  if lvs vg0/three; then broken "a volume was made with a wrong key"; fi
}

disjoint_windows_and_ciphertext() {
  two_volumes
  expect 0 cvcreate --crypt --keystore cryptostore1 -L 32M -n two vg0
  truncate -s 32M image
  mkfs.ext4 -q image
  mkdir mnt
  mount -o loop image mnt
  make_tree mnt
  umount mnt
  for volume in one two; do dd if=image of=/dev/mapper/vg0-$volume bs=1M conv=fsync status=none; done
  expect 0 cvchange -an vg0

  stock_text vg0
  difference=$(($(value two iv_offset text) - $(value one iv_offset text)))
  [ "$difference" -ge $((1 << 40)) ] || broken "windows are $difference sectors apart"
  [ "$(value cryptostore1 iv_next text)" -ge $((2 << 40)) ] || broken "iv_next is behind the windows"
  raw vg0 one_crdata >one
  raw vg0 two_crdata >two
  same "$(stat -c %s one)" $((32 << 20))
  python3 - image one two <<'PYTHON'
import sys
image, one, two = (open(name, "rb").read() for name in sys.argv[1:])
equal = lambda a, b: sum(a[i:i + 16] == b[i:i + 16] for i in range(0, len(a), 16))
print("equal blocks:", equal(one, two), equal(image, one), equal(image, two))
sys.exit(equal(one, two) + equal(image, one) + equal(image, two))
PYTHON
}

a_key_can_be_loaded_ahead_and_forgotten() {
  two_volumes
  expect 0 cvchange -an vg0
  expect 0 cvkey load --timeout 60 --keyfile key vg0/cryptostore1
  expect 0 cvchange -ay --no-ask-password vg0
  device vg0-one

  # Loading it once more must not put a limit on the key of an open volume.
  expect 0 cvkey load --timeout 1 --no-ask-password vg0/cryptostore1
  says "at hand"
  sleep 2
  expect 0 cvextend --no-ask-password -L +8M vg0/one

  expect 0 cvchange -an vg0
  expect 0 cvkey load --keyfile key vg0/cryptostore1
  expect 0 cvkey forget vg0/cryptostore1
  expect 2 cvchange -ay --no-ask-password vg0
}

# Each derivation says so in the log of its process; `jobs` are the numbers of the logs.
derivations_of() { cat "$@" | grep -c "derived key of" || true; }

eight_processes_at_once() {
  local i jobs=()
  new_key key
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  expect 0 cvcreate -an --crypt --pbkdf pbkdf2 --pbkdf-force-iterations 200000 -L 4M -n v1 --keyfile key vg0
  for i in 2 3 4 5 6 7 8; do expect 0 cvcreate -an --crypt --keystore cryptostore1 -L 4M -n "v$i" vg0; done
  expect 2 cvchange -ay --no-ask-password vg0/v1 # nothing is at hand

  for i in 1 2 3 4 5 6 7 8; do
    cvchange -ay -vv --keyfile key "vg0/v$i" >"log$i" 2>&1 &
    jobs+=($!)
  done
  for i in "${jobs[@]}"; do wait "$i" || broken "one of them failed: $(cat log*)"; done
  for i in 1 2 3 4 5 6 7 8; do device "vg0-v$i"; done
  same "$(derivations_of log*)" 1
  same "$(keyctl list @u | grep -c cv:)" 1

  # In session keyrings of their own they find the same key.
  expect 0 cvchange -an vg0/v2
  expect 0 keyctl session - cvchange -ay -vv --no-ask-password vg0/v2
  says "from keyring"
  expect 0 cvchange -an vg0
  same "$(keyctl list @u | grep -c cv: || true)" 0
}

scenario "one derivation opens both volumes" one_derivation_for_both
scenario "eight processes at once derive one key" eight_processes_at_once
scenario "another process asks nobody, and the last one out takes the key" another_process_asks_nobody
scenario "an inactive volume of a known store needs no key" no_key_for_an_inactive_volume
scenario "equal plaintext gives no equal ciphertext block" disjoint_windows_and_ciphertext
scenario "a key is loaded ahead, and forgotten" a_key_can_be_loaded_ahead_and_forgotten
finish
